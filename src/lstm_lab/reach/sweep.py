"""The runs: one network on the adding problem from one seed, and the grid of them.

A change of this module makes the stored runs stale.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from lstm_lab import rnn, tasks, tree
from lstm_lab.jacobians import pull_back
from lstm_lab.numerics import Array
from lstm_lab.sweeps import Sweep
from lstm_lab.training import Config, Model, fit

STORE = Path(str(files("lstm_lab") / "data" / "reach.jsonl"))

LAGS: Mapping[int, tuple[int, ...]] = {
    20: (1, 5, 10, 15, 19),
    100: (1, 10, 25, 50, 75, 99),
}
"""The lags that are measured, by the length of the sequences."""
SEEDS = range(30)
SEQUENCES = 32
"""Sequences over which a network's gradient is averaged."""
EARLY = 3
"""Updates whose losses another machine reproduces."""
RECIPE = partial(
    Config,
    task=tasks.adding,
    H=32,
    steps=2000,
    learning_rate=5e-3,
    clip=1.0,
    dtype="float32",
)


def configure(*, T: int, seed: int) -> Config:
    """Return what decides one run.

    Parameters
    ----------
    T : int
        A key of `LAGS`.
    seed : int
        Of weights and batches.

    Returns
    -------
    Config
        It has no criterion: every run makes all its updates.
    """
    return RECIPE(T=T, seed=seed)


def experiment(*, T: int, seed: int) -> dict[str, Any]:
    r"""Train one network, and measure its gradient before and after.

    Parameters
    ----------
    T, seed
        As in `configure`.

    Returns
    -------
    dict
        ``first_losses``, of the first updates; ``share``, the best held-out loss as a share
        of the baseline; ``before`` and ``after``, the decimal logarithm of
        :math:`\lVert \partial h_T / \partial h_{T-k} \rVert_F / \sqrt{H}` at each lag of
        `LAGS`, as a mean over the sequences; ``readout_before`` and ``readout_after``, that
        of :math:`\lVert v^\top \partial h_T / \partial h_{T-k} \rVert` with the unit
        vector v in the direction of the readout's weights.
    """
    run = fit(rnn, configure(T=T, seed=seed))
    rng = np.random.default_rng(seed)
    x = tasks.adding(T, SEQUENCES, rng=rng).x
    before, readout_before = _log10_norms(run.initial, x)
    after, readout_after = _log10_norms(run.final, x)
    lags = list(LAGS[T])
    return {
        "first_losses": run.losses[:EARLY],
        "share": float(run.held_out.min()) / tasks.ADDING_BASELINE,
        "before": before[lags],
        "after": after[lags],
        "readout_before": readout_before[lags],
        "readout_after": readout_after[lags],
    }


def probe(*, T: int, seed: int) -> dict[str, Any]:
    """Do the first updates only.

    Parameters
    ----------
    T, seed
        As in `configure`.

    Returns
    -------
    dict
        The ``first_losses`` of `experiment`.
    """
    short = replace(configure(T=T, seed=seed), steps=EARLY, held_out_size=1)
    return {"first_losses": fit(rnn, short).losses}


def _log10_norms(model: Model, x: Array) -> tuple[Array, Array]:
    """Return two arrays (T + 1,): over all directions at the end, and in the readout's."""
    # In float32 the slope of a saturated unit rounds to zero.
    cell = tree.map(np.float64, model.cell)
    readout = model.W_out / np.linalg.norm(model.W_out)
    directions = np.concatenate([np.eye(cell.H), readout])
    directions = np.repeat(directions[:, np.newaxis], x.shape[1], axis=1)
    pulled = pull_back(rnn, cell, rnn.forward(cell, x), directions)
    norms = np.array([cotangents.log10_norms() for cotangents in pulled])
    squares = np.logaddexp.reduce(2 * np.log(10) * norms[:, :-1], axis=1)
    rms = (squares - np.log(cell.H)) / (2 * np.log(10))
    return rms.mean(axis=-1), norms[:, -1].mean(axis=-1)


SWEEP = Sweep(
    name="lstm_lab.reach.sweep:SWEEP",
    experiment=experiment,
    configurations=[{"T": T} for T in LAGS],
    seeds=SEEDS,
    # Rounding of float32, over some hundred steps.
    signature={"first_losses": 1e-3},
    probe=probe,
)
