"""Which network learns to remember for how long: problems by networks by lengths of the gap."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab import tasks, training
from lstm_lab.cells import gru, lstm, rnn
from lstm_lab.experiments.store import DATA, Row, column
from lstm_lab.experiments.trained import first_losses
from lstm_lab.initialization import identity, initializer, orthogonal
from lstm_lab.numerics import Array
from lstm_lab.sequence import Cell


class Network(NamedTuple):
    """A cell, how it learns, and how its first parameters are drawn."""

    cell: Cell
    learning_rate: float
    clip: float
    options: Mapping[str, Any]
    chrono: bool = False


class Problem(NamedTuple):
    """A task, how much longer than T its sequences are, its baseline, and when it is solved."""

    task: Callable[..., tasks.Batch]
    longer: int
    baseline: Callable[[int], float]
    solved: float
    """Share of the baseline below which the mean of the last losses must fall."""


# Chosen by a few runs with seeds that are not in the grid.
_PLAIN = partial(Network, rnn, 1e-3, 1.0)
_GRU, _LSTM = (partial(Network, cell, 7e-3, 0.1) for cell in (gru, lstm))

NETWORKS: Mapping[str, Network] = {
    "RNN": _PLAIN({}),
    "RNN, orthogonal": _PLAIN({"recurrent": orthogonal}),
    "RNN, identity": _PLAIN({"recurrent": identity}),
    "GRU": _GRU({}),
    "GRU, chrono": _GRU({}, chrono=True),
    "LSTM, forget bias 0": _LSTM({"f": 0.0}),
    "LSTM, forget bias 1": _LSTM({"f": 1.0}),
    "LSTM, chrono": _LSTM({}, chrono=True),
}
PROBLEMS: Mapping[str, Problem] = {
    # 0.06 of 1/6 is the mean squared error 0.01.
    "adding": Problem(tasks.adding, 0, lambda _: tasks.ADDING_BASELINE, 0.06),
    "copy memory": Problem(tasks.copy_memory, 20, tasks.copy_memory_baseline, 0.5),
}
GAPS: Mapping[str, tuple[int, ...]] = {
    "adding": (10, 25, 50, 100, 200),
    "copy memory": (10, 30, 100),
}
RECIPE = partial(
    training.TaskConfig,
    H=64,
    batch_size=32,
    steps=4000,
    held_out_size=500,
    evaluate_every=250,
    dtype="float32",
)
CONFIGURATIONS = [
    {"problem": problem, "network": network, "T": T}
    for problem, gaps in GAPS.items()
    for network in NETWORKS
    for T in gaps
]
SEEDS = range(10)
STORE = DATA / "phase.jsonl"


def configure(*, problem: str, network: str, T: int, seed: int) -> training.TaskConfig:
    """Return the configuration of one run; it stops as soon as the problem is solved."""
    task, longer, baseline, solved = PROBLEMS[problem]
    cell, learning_rate, clip, options, chrono = NETWORKS[network]
    length: dict[str, Any] = {"T_max": T + longer} if chrono else {}
    return RECIPE(
        task=task,
        T=T,
        init=initializer(cell, **options, **length),
        learning_rate=learning_rate,
        clip=clip,
        criterion=solved * baseline(T),
        seed=seed,
    )


def probe(*, network: str, **options: Any) -> dict[str, Any]:
    """Return the ``first_losses`` of a run."""
    config = configure(network=network, **options)
    return first_losses(NETWORKS[network].cell, config)


def experiment(*, problem: str, network: str, **options: int) -> dict[str, Any]:
    """Train one network.

    Parameters
    ----------
    problem, network : str
        Keys of `PROBLEMS` and `NETWORKS`.
    **options
        The task's length ``T``, and the ``seed`` of weights and batches.

    Returns
    -------
    dict
        ``updates``, how many were done; ``share``, the best held-out loss as a share of the
        baseline, and whether the task was ``solved``. A run that diverged has no updates, and
        the share NaN.
    """
    config = configure(problem=problem, network=network, **options)
    try:
        run = training.fit(NETWORKS[network].cell, config).complete()
    except FloatingPointError:
        return {"updates": 0, "share": np.nan, "solved": False}
    best = run.held_out.min() / PROBLEMS[problem].baseline(config.T)
    return {"updates": run.steps, "share": best, "solved": run.reached}


class Diagram(NamedTuple):
    """The outcomes of the runs on one problem, by network and gap.

    ``share`` (N, M) is the median over the seeds of the best held-out loss, as a share of the
    baseline; ``solved`` (N, M) counts the runs that solved the task, out of ``runs``.
    """

    problem: str
    networks: tuple[str, ...]
    gaps: tuple[int, ...]
    share: Array
    solved: NDArray[np.integer[Any]]
    runs: int

    def rates(self, T: int) -> dict[str, training.Rate]:
        """Return each network's share of solved runs at the gap `T`, with Wilson's interval."""
        counts = self.solved[:, self.gaps.index(T)]
        return {
            network: training.wilson_interval(int(solved), self.runs)
            for network, solved in zip(self.networks, counts, strict=True)
        }


def diagram(rows: Sequence[Row], problem: str) -> Diagram:
    """Return the diagram of one problem, from the rows that ``load`` returned."""
    share, solved = (column(rows, field, problem=problem) for field in ("share", "solved"))
    networks, gaps, runs = tuple(NETWORKS), GAPS[problem], len(SEEDS)
    shape = len(networks), len(gaps), runs
    # A run that diverged has learned nothing.
    share = np.nan_to_num(share, nan=np.inf).reshape(shape)
    return Diagram(
        problem, networks, gaps, np.median(share, axis=-1), solved.reshape(shape).sum(axis=-1), runs
    )
