"""How far the gradients of a plain recurrent network reach, before training and after it."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from lstm_lab import sequence, tasks, training, tree
from lstm_lab.cells import rnn
from lstm_lab.experiments.store import DATA, Row, column
from lstm_lab.experiments.trained import first_losses
from lstm_lab.jacobians import pull_back
from lstm_lab.numerics import Array

LAGS: Mapping[int, tuple[int, ...]] = {20: (1, 5, 10, 15, 19), 100: (1, 10, 25, 50, 75, 99)}
"""The lags that are measured, by the length of the sequences."""
SEQUENCES = 32
"""Sequences over which a network's gradient is averaged."""
configure = partial(
    training.TaskConfig,
    task=tasks.adding,
    H=32,
    steps=2000,
    learning_rate=5e-3,
    clip=1.0,
    dtype="float32",
)
"""The configuration of one run, which makes all its updates, from ``T`` and ``seed``."""
CONFIGURATIONS = [{"T": T} for T in LAGS]
SEEDS = range(30)
STORE = DATA / "reach.jsonl"


def probe(*, T: int, seed: int) -> dict[str, Any]:
    """Return the ``first_losses`` of a run."""
    return first_losses(rnn, configure(T=T, seed=seed))


def experiment(*, T: int, seed: int) -> dict[str, Any]:
    """Train one network; return the fields of `Reach`."""
    run = training.fit(rnn, configure(T=T, seed=seed)).complete()
    x = tasks.adding(T, SEQUENCES, rng=np.random.default_rng(seed)).x
    before, after = (_log10_norms(model, x)[:, LAGS[T]] for model in (run.initial, run.final))
    return {
        "share": run.held_out.min() / tasks.ADDING_BASELINE,
        "before": before[0],
        "after": after[0],
        "readout_before": before[1],
        "readout_after": after[1],
    }


def _log10_norms(model: training.Model, x: Array) -> Array:
    """Return norms (2, T + 1) at each lag: over all directions at the end, and in the readout's."""
    # In float32 the slope of a saturated unit rounds to zero.
    cell = tree.map(np.float64, model.params)
    readout = model.W_out / np.linalg.norm(model.W_out)
    directions = np.concatenate([np.eye(cell.H), readout])
    directions = np.repeat(directions[:, np.newaxis], x.shape[1], axis=1)
    pulled = pull_back(sequence.forward(rnn, cell, x), directions)
    norms = np.array([cotangents.log10_norms() for cotangents in pulled])
    squares = np.logaddexp.reduce(2 * np.log(10) * norms[:, :-1], axis=1)
    rms = (squares - np.log(cell.H)) / (2 * np.log(10))
    return np.stack([rms.mean(axis=-1), norms[:, -1].mean(axis=-1)])


class Reach(NamedTuple):
    r"""The runs on sequences of one length T, for S seeds and K lags.

    ``share`` (S,) is the best held-out loss, as a share of the baseline. ``before`` and ``after``
    training (S, K) are decimal logarithms of
    :math:`\lVert \partial h_T / \partial h_{T-k} \rVert_F / \sqrt{H}` at each of ``lags``, as a
    mean over sequences; ``readout_before`` and ``readout_after`` (S, K) those of
    :math:`\lVert v^\top \partial h_T / \partial h_{T-k} \rVert`, with the unit vector v in the
    direction of the readout's weights.
    """

    T: int
    lags: tuple[int, ...]
    share: Array
    before: Array
    after: Array
    readout_before: Array
    readout_after: Array


def reach(rows: Sequence[Row], T: int) -> Reach:
    """Return the runs on sequences of length `T`, from the rows that ``load`` returned."""
    fields = [column(rows, name, T=T) for name in Reach._fields[2:]]
    return Reach(T, LAGS[T], *fields)
