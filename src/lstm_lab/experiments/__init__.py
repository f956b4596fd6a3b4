"""Long experiments on many processes: a grid of configurations and seeds, stored row by row.

An experiment is a module, such as ``lstm_lab.experiments.phase``, or one of your own::

    # memory.py
    CONFIGURATIONS = [{"network": n, "T": T} for n in ("rnn", "lstm") for T in (50, 100)]
    SEEDS = range(10)
    SIGNATURE = {"first_losses": 1e-6}  # relative tolerance of results that other machines get too
    STORE = Path("memory.jsonl")

    def experiment(*, network, T, seed):
        ...  # train
        return {"first_losses": run.losses[:3], "solved": run.reached}

    def probe(*, network, T, seed):  # optional: the signature alone, and sooner
        ...  # train for three updates
        return {"first_losses": run.losses}

``python -m lstm_lab.experiments run memory`` runs it, and continues where it was stopped or killed;
``--dask tcp://host:8786`` does so on a cluster. A store has the hash of all code behind it:
``load(memory)`` returns its rows, or says what has changed since; ``check(memory)`` runs rows again
and compares.
"""

from lstm_lab.experiments.running import check, load, run, status
from lstm_lab.experiments.store import ExperimentError, Row, column

__all__ = ["ExperimentError", "Row", "check", "column", "load", "run", "status"]
