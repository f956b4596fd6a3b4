"""The table of runs by variant: how many solved the task, and in how many updates."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab.ablation.sweep import VARIANTS
from lstm_lab.numerics import Array
from lstm_lab.sweeps import Row
from lstm_lab.training import (
    Median,
    Rate,
    median_interval,
    wilson_interval,
)


class Outcomes(NamedTuple):
    """The runs of one variant, one for each of S seeds.

    ``updates`` (S,) are all that were done, the limit where the task was not ``solved`` (S,);
    ``held_out`` (S,) are the last errors. ``saturated_before`` and ``saturated_after`` (S, 3)
    are shares of the values of the input, forget and output gate.
    """

    updates: NDArray[np.integer[Any]]
    solved: NDArray[np.bool_]
    held_out: Array
    saturated_before: Array
    saturated_after: Array

    @property
    def rate(self) -> Rate:
        """The share of runs that solved the task, with Wilson's interval."""
        return wilson_interval(int(self.solved.sum()), len(self.solved))

    @property
    def typical(self) -> Median:
        """The median number of updates, with its interval."""
        return median_interval(self.updates)


def outcomes(rows: Sequence[Row]) -> dict[str, Outcomes]:
    """Return the runs of each variant.

    Parameters
    ----------
    rows : sequence of Row
        The table of `SWEEP`.

    Returns
    -------
    dict of str to Outcomes
        By variant, in the order of `VARIANTS`.
    """
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in VARIANTS}
    for row in rows:
        results[str(row.configuration["variant"])].append(row.result)
    return {
        name: Outcomes(
            *(
                np.array([one[field] for one in group])
                for field in Outcomes._fields
            )
        )
        for name, group in results.items()
    }
