"""Run an experiment on many processes, and check stored results.

Every run has one thread for linear algebra, so that sums keep their order and processes do not
crowd each other.
"""

import os
import shlex
import traceback
from collections.abc import Callable, Collection
from contextlib import closing
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from tqdm import tqdm

from lstm_lab.experiments import store
from lstm_lab.experiments.code import fingerprints
from lstm_lab.experiments.store import ExperimentError, Row

RTOL = 1e-3
"""Relative tolerance of a check: rounding of float32, over some hundred steps."""
File = str | os.PathLike[str] | None


def run(
    experiment: ModuleType, path: File = None, *, jobs: int = -1, renew: bool = False
) -> list[Row]:
    """Run the rows that a store does not have yet, and return all in the order of the grid.

    A run that was stopped or killed is continued. A row that raises costs no other one.

    Parameters
    ----------
    experiment : module
        Such as ``lstm_lab.experiments.phase``, or your own.
    path : path-like, optional
        The store, by default the module's ``STORE``. It is made if it does not exist.
    jobs : int
        Processes: -1 for one on each core, 1 for this one alone. They run on this machine, or on
        a cluster inside of ``joblib.parallel_config``.
    renew : bool
        Start again if the store is of other code. A current one is kept.

    Raises
    ------
    ExperimentError
        If the store is of other code, or damaged; in the end, if rows failed.
    """
    path = Path(path or experiment.STORE)
    changes, rows = store.read(experiment, path)
    if not path.exists() or (changes and renew):
        store.create(experiment, path)
    elif changes:
        raise _stale(experiment, path, changes)
    done = {row.row for row in rows}
    cases = store.grid(experiment)
    with tqdm(total=len(cases), initial=len(done), unit="row", disable=None) as bar:

        def keep(row: Row) -> None:
            store.append(experiment, path, row)
            bar.update()

        missing = [case for case in cases if case.row not in done]
        _perform(experiment, ("probe", "experiment"), missing, keep, jobs)
    return load(experiment, path)


def load(experiment: ModuleType, path: File = None) -> list[Row]:
    """Return the rows of a store in the order of the grid.

    Parameters
    ----------
    experiment, path
        As in `run`.

    Raises
    ------
    ExperimentError
        If rows are missing or code has changed: the message has the command that renews the
        store; or if it is damaged.
    """
    path, total = Path(path or experiment.STORE), len(store.grid(experiment))
    changes, rows = store.read(experiment, path)
    if not changes and len(rows) < total:
        changes = [f"{total - len(rows)} of {total} rows are missing"]
    if changes:
        raise _stale(experiment, path, changes)
    return rows


def check(
    experiment: ModuleType,
    path: File = None,
    *,
    rows: Collection[int] | None = None,
    jobs: int = -1,
) -> list[str]:
    """Run the ``probe`` of stored rows again, and return where its results differ.

    Parameters
    ----------
    experiment, path, jobs
        As in `run`.
    rows : collection of int, optional
        Numbers of rows; all if it is None.

    Returns
    -------
    list of str
        A sentence for each difference that is larger than `RTOL`.

    Raises
    ------
    ValueError, ExperimentError
        If nothing can be compared; as for `load`, or if a row failed.
    """
    stored = {row.row: row for row in load(experiment, path)}
    wanted = sorted({*(stored if rows is None else rows)})
    if not wanted or not stored.keys() >= {*wanted}:
        raise ValueError(f"rows must be some of the {len(stored)} in the store, got {wanted}")
    cases, found = [stored[number] for number in wanted], list[Row]()
    _perform(experiment, ("probe",), cases, found.append, jobs)
    if not all(row.result for row in found):
        raise ValueError("probe must return results to compare, got none")
    return [
        f"row {row.row}, {field}: {old} stored, {new} now"
        for row in sorted(found)
        for field, new in row.result.items()
        for old in [stored[row.row].result[field]]
        if np.shape(old) != np.shape(new) or not np.allclose(old, new, RTOL, atol=0, equal_nan=True)
    ]


def _stale(experiment: ModuleType, path: Path, changes: list[str]) -> ExperimentError:
    """Return the error of a store that cannot be used as it is."""
    name = experiment.__name__
    words = ["python", "-m", "lstm_lab.experiments", "run", name, "--renew"]
    if path != experiment.STORE:
        words += ["--store", str(path)]
    return ExperimentError(
        f"{path} is stale: {'; '.join(changes)}. Renew it with: {shlex.join(words)}"
    )


def _perform(
    experiment: ModuleType,
    functions: Collection[str],
    rows: Collection[Row],
    keep: Callable[[Row], None],
    jobs: int,
) -> None:
    """Pass on each row with its results as soon as it has them; raise in the end if some failed."""
    name, failed = experiment.__name__, []
    call = partial(_call, name, fingerprints(name), functions)
    # One by one, so that each row is stored as soon as it is there.
    parallel = joblib.Parallel(
        n_jobs=jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="all"
    )
    # Threads are limited for rows that run in this process, which gets its threads back.
    with threadpool_limits(1), closing(parallel(map(joblib.delayed(call), rows))) as outcomes:
        for row, error in outcomes:
            if error:
                failed.append((row, error))
            else:
                keep(row)
    if failed:
        numbers = sorted(row.row for row, _ in failed)
        first, error = min(failed)
        raise ExperimentError(
            f"{len(failed)} of {len(rows)} rows failed: {numbers}. The first,"
            f" {first.configuration} with seed {first.seed}:\n{error}"
        )


def _call(name: str, code: dict[str, str], functions: Collection[str], row: Row) -> tuple[Row, str]:
    """Return a row with its results, or with the traceback of what was raised instead."""
    threadpool_limits(1)  # it stays: the threads of a Dask worker share it
    results: dict[str, Any] = {}
    try:
        experiment = import_module(name)
        if fingerprints(name) != code:
            raise ExperimentError("this process has other code")
        for function in functions:
            results |= getattr(experiment, function)(**row.configuration, seed=row.seed)
        return row._replace(result=store.plain(results)), ""
    except (Exception, SystemExit):  # an experiment may not end its host
        return row, traceback.format_exc()
