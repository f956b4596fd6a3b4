"""Long experiments on many processes: a grid of configurations and seeds, kept row by row.

An experiment is a function at the top level of a module, and so is its sweep::

    def experiment(*, seed, cell, T):
        ...  # train
        return {"first_losses": losses[:3], "solved": run.reached}

    def probe(*, seed, cell, T):
        ...  # the first three steps of it
        return {"first_losses": losses}

    SWEEP = Sweep(
        name="lstm_lab.memory:SWEEP",
        experiment=experiment,
        configurations=[
            {"cell": cell, "T": T} for cell in ("rnn", "lstm") for T in (50, 100)
        ],
        seeds=range(10),
        signature={"first_losses": 1e-6},
        probe=probe,
    )

``python -m lstm_lab.sweeps run lstm_lab.memory:SWEEP --store memory.jsonl`` runs it, and goes
on where it was stopped or killed; with ``--dask tcp://host:8786`` on a cluster. The store names
the code that made it. ``load(SWEEP, "memory.jsonl")`` returns its rows, or says which modules
have changed since; ``check`` runs rows again and compares them.
"""

from lstm_lab.sweeps.definition import (
    Case,
    StaleError,
    Sweep,
    SweepError,
    Value,
)
from lstm_lab.sweeps.running import Mismatch, Status, check, load, run, status
from lstm_lab.sweeps.store import Row

__all__ = [
    "Case",
    "Mismatch",
    "Row",
    "StaleError",
    "Status",
    "Sweep",
    "SweepError",
    "Value",
    "check",
    "load",
    "run",
    "status",
]
