"""The table of runs as arrays, by seed and lag."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_lab.numerics import Array
from lstm_lab.reach.sweep import LAGS
from lstm_lab.sweeps import Row


@dataclass(frozen=True)
class Reach:
    """How far gradients reach before and after training, on sequences of one length.

    ``share`` (S,) is the best held-out loss of each run, as a share of the baseline. ``before``
    and ``after`` (S, K) are decimal logarithms of the gradient norm at each of ``lags``, over
    all directions of a loss at the last step; ``readout_before`` and ``readout_after`` (S, K)
    those in the direction of the readout.
    """

    T: int
    lags: tuple[int, ...]
    share: Array
    before: Array
    after: Array
    readout_before: Array
    readout_after: Array


def reach(rows: Sequence[Row], T: int) -> Reach:
    """Return the runs on sequences of one length.

    Parameters
    ----------
    rows : sequence of Row
        The table of `SWEEP`.
    T : int
        A key of `LAGS`.

    Returns
    -------
    Reach
        In the order of the seeds.

    Raises
    ------
    ValueError
        If there is no such length.
    """
    if T not in LAGS:
        raise ValueError(
            f"T must be one of {', '.join(map(str, LAGS))}, got {T!r}"
        )
    results: list[Any] = [
        row.result for row in rows if row.configuration["T"] == T
    ]
    fields = ("share", "before", "after", "readout_before", "readout_after")
    return Reach(
        T,
        LAGS[T],
        *(np.array([result[name] for result in results]) for name in fields),
    )
