"""The table of runs as a diagram: what became of each network at each gap."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_lab.numerics import Array
from lstm_lab.phase.sweep import GAPS, NETWORKS, PROBLEMS, SEEDS
from lstm_lab.sweeps import Row
from lstm_lab.training import Rate, wilson_interval


@dataclass(frozen=True)
class Diagram:
    """What became of the runs on one problem, by network and gap.

    ``share`` (N, M) is the median over the seeds of the best held-out loss, as a share of the
    baseline; ``solved`` (N, M) counts the runs that solved the task, out of ``runs``.
    """

    problem: str
    networks: tuple[str, ...]
    gaps: tuple[int, ...]
    share: Array
    solved: NDArray[np.integer[Any]]
    runs: int

    def rates(self, T: int) -> dict[str, Rate]:
        """Return each network's share of solved runs, with Wilson's interval.

        Parameters
        ----------
        T : int
            One of `gaps`.

        Returns
        -------
        dict of str to Rate
            By network.
        """
        column = self.solved[:, self.gaps.index(T)]
        return {
            network: wilson_interval(int(solved), self.runs)
            for network, solved in zip(self.networks, column, strict=True)
        }


def diagram(rows: Sequence[Row], problem: str) -> Diagram:
    """Return the diagram of one problem.

    Parameters
    ----------
    rows : sequence of Row
        The table of `SWEEP`.
    problem : str
        A key of `PROBLEMS`.

    Returns
    -------
    Diagram
        In the order of `NETWORKS` and `GAPS`.

    Raises
    ------
    ValueError
        If there is no such problem.
    """
    if problem not in PROBLEMS:
        raise ValueError(
            f"problem must be one of {', '.join(PROBLEMS)}, got {problem!r}"
        )
    shape = len(NETWORKS), len(GAPS[problem]), len(SEEDS)

    def table(field: str) -> NDArray[Any]:
        results: list[Any] = [
            row.result[field]
            for row in rows
            if row.configuration["problem"] == problem
        ]
        return np.reshape(results, shape)

    # A run that diverged has learnt nothing.
    share = np.nan_to_num(table("share"), nan=np.inf)
    return Diagram(
        problem,
        tuple(NETWORKS),
        GAPS[problem],
        np.median(share, axis=-1),
        table("solved").sum(axis=-1),
        len(SEEDS),
    )
