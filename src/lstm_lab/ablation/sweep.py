"""The runs of the ablation: one variant of the LSTM on the adding problem, from one seed.

A change of this module makes the stored runs stale.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lstm_lab import coupled, lstm, tasks
from lstm_lab.architecture import Architecture
from lstm_lab.initialization import start
from lstm_lab.packing import apart
from lstm_lab.sweeps import Sweep
from lstm_lab.training import Config, fit

STORE = Path(str(files("lstm_lab") / "data" / "ablation.jsonl"))


class Variant(NamedTuple):
    """An architecture, and how its first parameters are drawn."""

    arch: Architecture
    start: Callable[..., Any]


# A gate with so large a bias is exactly one, and its weights get no gradient.
_OPEN = 1000.0

VARIANTS: Mapping[str, Variant] = {
    "LSTM": Variant(lstm, start(lstm, f=1.0)),
    "LSTM, b_i = -1": Variant(lstm, start(lstm, f=1.0, i=-1.0)),
    "LSTM, b_f = 3, b_i = -3": Variant(lstm, start(lstm, f=3.0, i=-3.0)),
    "no forget gate": Variant(lstm, start(lstm, f=_OPEN)),
    "no forget gate, b_i = -3": Variant(lstm, start(lstm, f=_OPEN, i=-3.0)),
    "no output gate": Variant(lstm, start(lstm, f=1.0, o=_OPEN)),
    "coupled gates": Variant(coupled, coupled.init),
}
SEEDS = range(60)
EARLY = 3
"""Updates whose losses another machine reproduces."""
SATURATED = 0.1
"""A gate value this close to zero or one is saturated."""
RECIPE = partial(
    Config,
    task=tasks.adding,
    T=40,
    H=16,
    steps=1000,
    learning_rate=1e-2,
    criterion=0.01,
    dtype="float32",
)


def configure(*, variant: str, seed: int) -> Config:
    """Return what decides one run.

    Parameters
    ----------
    variant : str
        A key of `VARIANTS`.
    seed : int
        Of weights and batches.

    Returns
    -------
    Config
        It stops as soon as the task counts as solved.
    """
    return RECIPE(start=VARIANTS[variant].start, seed=seed)


def experiment(*, variant: str, seed: int) -> dict[str, Any]:
    """Train one network.

    Parameters
    ----------
    variant, seed
        As in `configure`.

    Returns
    -------
    dict
        ``first_losses``, of the first updates; ``updates``, how many were done; ``held_out``,
        the last held-out loss; whether the task was ``solved``; and the shares of the input,
        forget and output gates' values on fresh sequences that are saturated,
        ``saturated_before`` and ``saturated_after`` training.
    """
    config = configure(variant=variant, seed=seed)
    run = fit(VARIANTS[variant].arch, config)
    return {
        "first_losses": run.losses[:EARLY],
        "updates": run.steps,
        "held_out": float(run.held_out[-1]),
        "solved": run.reached,
        "saturated_before": _saturated(variant, run.initial.cell, seed),
        "saturated_after": _saturated(variant, run.final.cell, seed),
    }


def probe(*, variant: str, seed: int) -> dict[str, Any]:
    """Do the first updates only.

    Parameters
    ----------
    variant, seed
        As in `configure`.

    Returns
    -------
    dict
        The ``first_losses`` of `experiment`.
    """
    config = configure(variant=variant, seed=seed)
    short = replace(config, steps=EARLY, held_out_size=1)
    return {"first_losses": fit(VARIANTS[variant].arch, short).losses}


def _saturated(variant: str, params: Any, seed: int) -> list[float]:
    """Return the share of saturated values of the gates i, f, o, on 64 fresh sequences."""
    rng = np.random.default_rng([seed, 1])
    task, T, dtype = (RECIPE.keywords[name] for name in ("task", "T", "dtype"))
    x = task(T, 64, rng=rng, dtype=dtype).x
    i, f, o, _ = apart(VARIANTS[variant].arch.forward(params, x).gates)
    return [
        float((np.minimum(gate, 1 - gate) < SATURATED).mean())
        for gate in (i, f, o)
    ]


SWEEP = Sweep(
    name="lstm_lab.ablation.sweep:SWEEP",
    experiment=experiment,
    configurations=[{"variant": variant} for variant in VARIANTS],
    seeds=SEEDS,
    # Rounding of float32.
    signature={"first_losses": 1e-3},
    probe=probe,
)
