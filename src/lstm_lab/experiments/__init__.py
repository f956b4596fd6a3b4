"""Long experiments on many processes: a grid of configurations and seeds, stored row by row.

An experiment is a module, such as ``lstm_lab.experiments.phase``, or one of your own::

    # memory.py
    CONFIGURATIONS = [{"network": n, "T": T} for n in ("rnn", "lstm") for T in (50, 100)]
    SEEDS = range(10)
    STORE = Path("memory.jsonl")

    def probe(*, network, T, seed):
        ...  # train for three updates
        return {"first_losses": run.losses}

    def experiment(*, network, T, seed):
        ...  # train
        return {"solved": run.reached}

``python -m lstm_lab.experiments run memory`` runs it, and continues where it was stopped or killed;
``--dask tcp://host:8786`` does so on a cluster. A row has the results of both functions. A store
has the hash of all code behind it: ``load(memory)`` returns its rows, or says what has changed
since; ``check(memory)`` runs ``probe`` again and compares.
"""

from lstm_lab.experiments.running import check, load, run
from lstm_lab.experiments.store import ExperimentError, Row, column

__all__ = ["ExperimentError", "Row", "check", "column", "load", "run"]
