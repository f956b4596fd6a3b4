"""The runs of the phase diagram: one network on one task from one seed, and the grid of them.

A change of this module makes the stored runs stale.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lstm_lab import gru, lstm, rnn, tasks
from lstm_lab.architecture import Architecture
from lstm_lab.initialization import identity, orthogonal, start
from lstm_lab.sweeps import Sweep
from lstm_lab.training import Config, fit

STORE = Path(str(files("lstm_lab") / "data" / "phase.jsonl"))


class Network(NamedTuple):
    """An architecture, how its first parameters are drawn for some length, and how it learns."""

    arch: Architecture
    start: Callable[[int], Callable[..., Any]]
    learning_rate: float
    clip: float


class Problem(NamedTuple):
    """A task, how many steps its sequences have, its baseline, and when it counts as solved."""

    task: Callable[..., tasks.Batch]
    steps: Callable[[int], int]
    baseline: Callable[[int], float]
    solved: float
    """Share of the baseline below which the mean of the last losses must fall."""


# Chosen by a few runs with seeds that are not in the sweep.
_PLAIN = {"learning_rate": 1e-3, "clip": 1.0}
_GATED = {"learning_rate": 7e-3, "clip": 0.1}

NETWORKS: Mapping[str, Network] = {
    "RNN": Network(rnn, lambda _: start(rnn), **_PLAIN),
    "RNN, orthogonal": Network(
        rnn, lambda _: start(rnn, recurrent=orthogonal), **_PLAIN
    ),
    "RNN, identity": Network(
        rnn, lambda _: start(rnn, recurrent=identity), **_PLAIN
    ),
    "GRU": Network(gru, lambda _: start(gru), **_GATED),
    "GRU, chrono": Network(
        gru, lambda steps: start(gru, T_max=steps), **_GATED
    ),
    "LSTM, forget bias 0": Network(
        lstm, lambda _: start(lstm, f=0.0), **_GATED
    ),
    "LSTM, forget bias 1": Network(
        lstm, lambda _: start(lstm, f=1.0), **_GATED
    ),
    "LSTM, chrono": Network(
        lstm, lambda steps: start(lstm, T_max=steps), **_GATED
    ),
}
PROBLEMS: Mapping[str, Problem] = {
    # 0.06 of 1/6 is the mean squared error 0.01.
    "adding": Problem(
        tasks.adding, lambda T: T, lambda _: tasks.ADDING_BASELINE, 0.06
    ),
    "copy memory": Problem(
        tasks.copy_memory,
        lambda T: T + 20,
        tasks.copy_memory_baseline,
        0.5,
    ),
}
GAPS: Mapping[str, tuple[int, ...]] = {
    "adding": (10, 25, 50, 100, 200),
    "copy memory": (10, 30, 100),
}
SEEDS = range(10)
EARLY = 3
"""Updates whose losses another machine reproduces."""
RECIPE = partial(
    Config,
    H=64,
    batch_size=32,
    steps=4000,
    held_out_size=500,
    evaluate_every=250,
    dtype="float32",
)


def configure(*, problem: str, network: str, T: int, seed: int) -> Config:
    """Return what decides one run.

    Parameters
    ----------
    problem, network : str
        Keys of `PROBLEMS` and `NETWORKS`.
    T : int
        The task's length: the steps to be bridged, or about as many.
    seed : int
        Of weights and batches.

    Returns
    -------
    Config
        It stops as soon as the task counts as solved.
    """
    task, steps, baseline, solved = PROBLEMS[problem]
    _, draw, learning_rate, clip = NETWORKS[network]
    return RECIPE(
        task=task,
        T=T,
        start=draw(steps(T)),
        learning_rate=learning_rate,
        clip=clip,
        criterion=solved * baseline(T),
        seed=seed,
    )


def experiment(
    *, problem: str, network: str, T: int, seed: int
) -> dict[str, Any]:
    """Train one network.

    Parameters
    ----------
    problem, network, T, seed
        As in `configure`.

    Returns
    -------
    dict
        ``first_losses``, of the first updates; ``updates``, how many were done; ``share``, the
        best held-out loss as a share of the baseline, and whether that ``solved`` the task. A
        run that diverged has no updates, and the share NaN.
    """
    config = configure(problem=problem, network=network, T=T, seed=seed)
    first = probe(problem=problem, network=network, T=T, seed=seed)
    try:
        run = fit(NETWORKS[network].arch, config)
    except FloatingPointError:
        return first | {"updates": 0, "share": np.nan, "solved": False}
    best = float(run.held_out.min()) / PROBLEMS[problem].baseline(T)
    return first | {"updates": run.steps, "share": best, "solved": run.reached}


def probe(*, problem: str, network: str, T: int, seed: int) -> dict[str, Any]:
    """Do the first updates only.

    Parameters
    ----------
    problem, network, T, seed
        As in `configure`.

    Returns
    -------
    dict
        The ``first_losses`` of `experiment`.
    """
    config = configure(problem=problem, network=network, T=T, seed=seed)
    short = replace(config, steps=EARLY, held_out_size=1)
    return {"first_losses": fit(NETWORKS[network].arch, short).losses}


SWEEP = Sweep(
    name="lstm_lab.phase.sweep:SWEEP",
    experiment=experiment,
    configurations=[
        {"problem": problem, "network": network, "T": T}
        for problem, gaps in GAPS.items()
        for network in NETWORKS
        for T in gaps
    ],
    seeds=SEEDS,
    # Rounding of float32, over some hundred steps.
    signature={"first_losses": 1e-3},
    probe=probe,
)
