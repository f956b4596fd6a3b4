"""Run an experiment on many processes or a Dask cluster, and check stored results.

Every run has one thread for linear algebra, so that sums keep their order and processes do not
crowd each other.
"""

import os
import shlex
import traceback
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import closing, contextmanager
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

BOOK = "lstm_lab.experiments."
"""Modules of this package are called by their last name."""
File = str | os.PathLike[str] | None


def run(
    experiment: ModuleType,
    path: File = None,
    *,
    jobs: int = -1,
    dask: str | None = None,
    renew: bool = False,
) -> list[Row]:
    """Run the rows that a store does not have yet, and return all.

    Each row is on the disk as soon as it is there: when a run was stopped or killed, the next one
    continues. A row that raises costs no other one.

    Parameters
    ----------
    experiment : module
        Such as ``lstm_lab.experiments.phase``, or your own.
    path : path-like, optional
        The store, by default the module's ``STORE``. It is made if it does not exist.
    jobs : int
        Processes on this machine: -1 for one on each core, 1 for this process alone.
    dask : str, optional
        Address of a Dask scheduler, such as ``"tcp://host:8786"``, to run on its workers instead.
    renew : bool
        Start again if the store is of other code or another grid. A current one is kept.

    Returns
    -------
    list of Row
        In the order of the grid.

    Raises
    ------
    ExperimentError
        If the store is of other code or another grid, and not to be renewed, or damaged; if
        workers of a cluster have other code; if rows failed, after all others are stored.
    """
    path, cases = _path(experiment, path), store.grid(experiment)
    if not path.exists() or (renew and store.read(experiment, path)[0]):
        store.write(experiment, path, [])
    done = {row.row for row in _current(experiment, path)}
    missing = [case for case in cases if case.row not in done]
    total = len(cases)
    with (
        store.appending(path) as append,
        closing(_results(experiment, "experiment", missing, jobs, dask)) as new,
        tqdm(total=total, initial=len(done), unit="row", disable=None) as bar,
    ):
        for row in new:
            append(row)
            bar.update()
    rows = load(experiment, path)
    store.write(experiment, path, rows)
    return rows


def load(experiment: ModuleType, path: File = None) -> list[Row]:
    """Return the rows of a complete and current store.

    Parameters
    ----------
    experiment, path
        As in `run`.

    Returns
    -------
    list of Row
        In the order of the grid.

    Raises
    ------
    ExperimentError
        If there is no store, rows are missing, or it is of other code or another grid: the message
        has the command that renews it. If it is damaged.
    """
    total = len(store.grid(experiment))
    return _current(experiment, _path(experiment, path), total)


def status(experiment: ModuleType, path: File = None) -> str:
    """Return how many rows of a store are there and current, and what has changed if none are.

    Parameters
    ----------
    experiment, path
        As in `run`.

    Returns
    -------
    str
        One line.

    Raises
    ------
    ExperimentError
        If the store is damaged.
    """
    path = _path(experiment, path)
    changes, rows = store.read(experiment, path)
    found = f"{path}: {len(rows)} of {len(store.grid(experiment))} rows"
    return "; ".join([found, *changes])


def check(
    experiment: ModuleType,
    path: File = None,
    *,
    rows: Collection[int] | None = None,
    jobs: int = -1,
    dask: str | None = None,
) -> list[str]:
    """Run rows of a store again, and return where they differ.

    Compared are the fields of the module's ``SIGNATURE``, within their tolerance. They come from
    ``probe`` if it has one.

    Parameters
    ----------
    experiment, path, jobs, dask
        As in `run`.
    rows : collection of int, optional
        Numbers of rows; all that are stored if it is None.

    Returns
    -------
    list of str
        A sentence for each difference; empty if there is none.

    Raises
    ------
    ValueError
        If there is no row or no field to compare.
    ExperimentError
        If there is no store, or it is damaged, of other code or of another grid; if a row failed.
    """
    stored = {
        row.row: row for row in _current(experiment, _path(experiment, path))
    }
    wanted = sorted(set(stored if rows is None else rows))
    signature = experiment.SIGNATURE
    if not (wanted and signature and stored.keys() >= {*wanted}):
        raise ValueError(
            f"rows must be some of the {len(stored)} in the store, and SIGNATURE have"
            f" fields to compare: got {wanted} and {signature}"
        )
    name = "probe" if hasattr(experiment, "probe") else "experiment"
    cases = [stored[number] for number in wanted]
    return [
        f"row {row.row}, {field}: {old} stored, {new} now"
        for row in sorted(_results(experiment, name, cases, jobs, dask))
        for field, rtol in signature.items()
        for old, new in [(stored[row.row].result[field], row.result[field])]
        if np.shape(old) != np.shape(new)
        or not np.allclose(old, new, rtol, atol=0, equal_nan=True)
    ]


def _path(experiment: ModuleType, path: File) -> Path:
    return Path(experiment.STORE if path is None else path)


def _current(experiment: ModuleType, path: Path, least: int = 0) -> list[Row]:
    """Return the rows of a store, or raise if it is stale or has fewer."""
    changes, rows = store.read(experiment, path)
    if not changes and len(rows) < least:
        changes = [f"{least - len(rows)} of {least} rows are missing"]
    if changes:
        name = experiment.__name__.removeprefix(BOOK)
        words = ["python", "-m", "lstm_lab.experiments", "run", name, "--renew"]
        if path != experiment.STORE:
            words += ["--store", str(path)]
        raise ExperimentError(
            f"{path} is stale: {'; '.join(changes)}. Renew it with: {shlex.join(words)}"
        )
    return rows


def _results(
    experiment: ModuleType,
    name: str,
    rows: list[Row],
    jobs: int,
    dask: str | None,
) -> Generator[Row]:
    """Yield rows with new results as they come; raise in the end if some failed."""
    function, fields = getattr(experiment, name), list(experiment.SIGNATURE)
    tasks = [joblib.delayed(_call)(function, row, fields) for row in rows]
    failed = []
    # Threads are limited for rows that run in this process, which gets its threads back.
    with _workers(experiment, jobs, dask), threadpool_limits(1):
        # One by one, so that each row is stored as soon as it is there.
        outcomes = joblib.Parallel(
            return_as="generator_unordered", batch_size=1, pre_dispatch="all"
        )(tasks)
        with closing(outcomes):
            for row, error in outcomes:
                if error:
                    failed.append((row, error))
                else:
                    yield row
    if failed:
        numbers = sorted(row.row for row, _ in failed)
        first, error = min(failed)
        raise ExperimentError(
            f"{len(failed)} of {len(rows)} rows failed: {numbers}. The first,"
            f" {first.configuration} with seed {first.seed}:\n{error}"
        )


def _call(
    function: Callable[..., Any], row: Row, fields: list[str]
) -> tuple[Row, str]:
    """Return a row with its result, or with the traceback of what was raised instead."""
    threadpool_limits(1)  # it stays: the threads of a Dask worker share it
    try:
        result = store.plain(dict(function(**row.configuration, seed=row.seed)))
        if missing := [field for field in fields if field not in result]:
            raise ValueError(f"result must have {missing}, got {list(result)}")
    except (Exception, SystemExit):  # an experiment may not end its host
        return row, traceback.format_exc()
    return row._replace(result=result), ""


@contextmanager
def _workers(
    experiment: ModuleType, jobs: int, dask: str | None
) -> Iterator[None]:
    """Choose where joblib runs rows."""
    if dask is None:
        # A browser has no processes, and joblib would warn of that.
        where = {"backend": "sequential"} if jobs == 1 else {"n_jobs": jobs}
        with joblib.parallel_config(**where):
            yield
        return
    from distributed import Client

    name = experiment.__name__
    with Client(dask) as client, joblib.parallel_config("dask"):  # type: ignore[no-untyped-call]
        # Joblib would wait forever for workers that cannot import the experiment.
        for worker, code in client.run(fingerprints, name).items():
            if code != fingerprints(name):
                raise ExperimentError(f"the worker {worker} has other code")
        yield
