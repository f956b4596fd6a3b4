"""Which parts of an LSTM matter: cells without a part, and with other initial biases."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab import sequence, tasks, training
from lstm_lab.cells import coupled, lstm
from lstm_lab.experiments.store import DATA, Row, column
from lstm_lab.experiments.trained import first_losses
from lstm_lab.gradflow.gates import saturated
from lstm_lab.initialization import initializer
from lstm_lab.numerics import Array
from lstm_lab.sequence import Cell, Trace


class Variant(NamedTuple):
    """A cell, and the function that draws its first parameters."""

    cell: Cell
    init: Callable[..., Any]


# A gate with so large a bias is exactly one, and its weights get no gradient.
_OPEN = 1000.0

VARIANTS: Mapping[str, Variant] = {
    "LSTM": Variant(lstm, initializer(lstm, f=1.0)),
    "LSTM, b_i = -1": Variant(lstm, initializer(lstm, f=1.0, i=-1.0)),
    "LSTM, b_f = 3, b_i = -3": Variant(lstm, initializer(lstm, f=3.0, i=-3.0)),
    "no forget gate": Variant(lstm, initializer(lstm, f=_OPEN)),
    "no forget gate, b_i = -3": Variant(lstm, initializer(lstm, f=_OPEN, i=-3.0)),
    "no output gate": Variant(lstm, initializer(lstm, f=1.0, o=_OPEN)),
    "coupled gates": Variant(coupled, coupled.init),
}
SATURATED = 0.1
"""A gate value this close to zero or one is saturated."""
RECIPE = partial(
    training.TaskConfig,
    task=tasks.adding,
    T=40,
    H=16,
    steps=1000,
    learning_rate=1e-2,
    criterion=0.01,
    dtype="float32",
)
CONFIGURATIONS = [{"variant": variant} for variant in VARIANTS]
SEEDS = range(60)
STORE = DATA / "ablation.jsonl"


def configure(*, variant: str, seed: int) -> training.TaskConfig:
    """Return the configuration of one run; it stops as soon as the task is solved."""
    return RECIPE(init=VARIANTS[variant].init, seed=seed)


def probe(*, variant: str, seed: int) -> dict[str, Any]:
    """Return the ``first_losses`` of a run."""
    config = configure(variant=variant, seed=seed)
    return first_losses(VARIANTS[variant].cell, config)


def experiment(*, variant: str, seed: int) -> dict[str, Any]:
    """Train one network; return its last error and the fields of `Outcomes`."""
    cell, config = VARIANTS[variant].cell, configure(variant=variant, seed=seed)
    run = training.fit(cell, config).complete()
    rng = np.random.default_rng([seed, 1])
    x = tasks.adding(config.T, 64, rng=rng, dtype="float32").x
    before, after = (
        _saturated(sequence.forward(cell, model.params, x)) for model in (run.initial, run.final)
    )
    return {
        "updates": run.steps,
        "held_out": run.held_out[-1],
        "solved": run.reached,
        "saturated_before": before,
        "saturated_after": after,
    }


def _saturated(trace: Trace) -> list[float]:
    """Return the share of saturated values of the gates i, f and o."""
    names = [name for name in "ifo" if name in trace.gates]
    shares = saturated(trace, names, within=SATURATED)
    return [shares.get("i", shares["f"]), shares["f"], shares["o"]]  # if coupled, i is 1 - f


class Outcomes(NamedTuple):
    """The runs of one variant, for S seeds.

    ``updates`` (S,) are all that were done, the limit if the task was not ``solved`` (S,).
    ``saturated_before`` and ``saturated_after`` training (S, 3) are the shares of saturated
    values of the input, forget and output gate.
    """

    updates: NDArray[np.integer[Any]]
    solved: NDArray[np.bool_]
    saturated_before: Array
    saturated_after: Array

    @property
    def rate(self) -> training.Rate:
        """The share of runs that solved the task, with Wilson's interval."""
        return training.wilson_interval(int(self.solved.sum()), len(self.solved))

    @property
    def typical(self) -> training.Median:
        """The median number of updates, with its interval."""
        return training.median_interval(self.updates)


def outcomes(rows: Sequence[Row]) -> dict[str, Outcomes]:
    """Return the runs of each variant, from the rows that ``load`` returned."""
    return {
        name: Outcomes(*(column(rows, field, variant=name) for field in Outcomes._fields))
        for name in VARIANTS
    }
