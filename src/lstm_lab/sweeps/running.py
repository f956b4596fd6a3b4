"""Run a sweep, here or on a cluster; and hold a stored one against the code.

Each run goes through joblib to a process with one thread for linear algebra, so that sums keep
their order and processes do not crowd each other. What an experiment raises costs its own row
only. A worker whose code is another one than the sweep's ends the sweep.
"""

import math
import os
import shlex
import signal
import socket
import threading
import traceback
from collections.abc import (
    Callable,
    Collection,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import Future
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from joblib import (  # type: ignore[import-untyped]
    Parallel,
    delayed,
    parallel_config,
)
from joblib._dask import (  # type: ignore[import-untyped]
    DaskDistributedBackend,
)
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from tqdm import tqdm

from lstm_lab.sweeps.code import fingerprints
from lstm_lab.sweeps.definition import (
    Case,
    StaleError,
    Sweep,
    SweepError,
    Value,
    plain_fields,
)
from lstm_lab.sweeps.store import (
    Row,
    Store,
    appending,
    create,
    differences,
    header,
    locked,
    put_in_order,
    read,
)

SHOWN = 10
"""How many failed rows a message lists."""
CONNECT_SECONDS = 10.0
"""How long a Dask scheduler may take to answer."""


class Status(NamedTuple):
    """How far a store is, and what has changed since it was made; nothing, if it is current."""

    done: int
    total: int
    changes: tuple[str, ...]


class Mismatch(NamedTuple):
    """A field of a row that came out differently when it was run again."""

    row: int
    field: str
    stored: Value
    new: Value

    def __str__(self) -> str:
        return (
            f"row {self.row}, {self.field}: {self.stored!r} stored,"
            f" {self.new!r} now"
        )


def run(
    sweep: Sweep,
    store: str | os.PathLike[str],
    *,
    jobs: int = -1,
    dask: str | None = None,
    renew: bool = False,
    progress: bool = False,
) -> tuple[Row, ...]:
    """Run what a store has no row of yet, and return the complete table.

    Every row is on the disk as soon as it comes, so that a sweep can be stopped or killed at
    any time: the next call goes on with what is missing.

    Parameters
    ----------
    sweep : Sweep
        What to run.
    store : path-like
        The file, made where there is none.
    jobs : int
        How many processes on this machine: -1 for one on each core, 1 for this one alone.
    dask : str, optional
        The address of a Dask scheduler, such as ``"tcp://host:8786"``, to run on its workers
        instead. They need the same code.
    renew : bool
        Begin afresh where the store is of other code or another grid. One that is current is
        kept.
    progress : bool
        Show a progress bar, where standard error is a terminal.

    Returns
    -------
    tuple of Row
        All rows in the order of the grid, which is then the file's order too.

    Raises
    ------
    ValueError
        If `jobs` is 0.
    StaleError
        If the store is of other code or another grid, and not to be renewed.
    SweepError
        If the store is damaged or in use; if workers die, cannot be reached or have other
        code; in the end, if a run raised, when all others are in the store.
    """
    path = Path(store)
    if jobs == 0:
        raise ValueError("jobs must be positive, or -1 for all cores, got 0")
    with locked(path):
        if path.exists():
            try:
                _read_current(sweep, path)
            except StaleError:
                if not renew:
                    raise
                create(path, header(sweep))
        else:
            create(path, header(sweep))
        missing = read(path).missing
        failures = []
        with (
            appending(path) as append,
            _outcomes(sweep, sweep.experiment, missing, jobs, dask) as outcomes,
            tqdm(
                total=len(sweep.cases),
                initial=len(sweep.cases) - len(missing),
                unit="row",
                disable=None if progress else True,
            ) as bar,
        ):
            for outcome in outcomes:
                if outcome.error:
                    failures.append(outcome)
                else:
                    append(Row(*outcome.case, outcome.result))
                bar.update()
        _require_success(failures)
        put_in_order(path)
        return read(path).rows


def load(sweep: Sweep, store: str | os.PathLike[str]) -> tuple[Row, ...]:
    """Return the table of a complete and current store.

    Parameters
    ----------
    sweep : Sweep
        What the store must be of.
    store : path-like
        The file.

    Returns
    -------
    tuple of Row
        All rows in the order of the grid.

    Raises
    ------
    StaleError
        If the store is of other code or another grid; the message has the command that renews
        it.
    SweepError
        If there is no store, it is damaged, or rows are missing.
    """
    path = Path(store)
    found = _read_current(sweep, path)
    if found.missing:
        raise SweepError(
            f"{path} has {len(found.rows)} of {len(sweep.cases)} rows; complete it with:"
            f" {_command(sweep, path)}"
        )
    return found.rows


def status(sweep: Sweep, store: str | os.PathLike[str]) -> Status:
    """Return how far a store is, and whether it is of the present code.

    Parameters
    ----------
    sweep : Sweep
        What the store should be of.
    store : path-like
        The file.

    Returns
    -------
    Status
        Rows done, rows in total, and a sentence for each change.

    Raises
    ------
    SweepError
        If there is no store, or it is damaged.
    """
    found = _read(sweep, Path(store))
    changes = differences(found.header, header(sweep))
    return Status(len(found.rows), len(found.header.cases), changes)


def check(
    sweep: Sweep,
    store: str | os.PathLike[str],
    *,
    rows: Collection[int] | None = None,
    jobs: int = -1,
) -> tuple[Mismatch, ...]:
    """Run rows of a store again, and return where the signature differs.

    Compared are the fields of ``sweep.signature``, within their tolerance; NaN agrees with
    NaN. They come from ``sweep.probe`` where there is one.

    Parameters
    ----------
    sweep : Sweep
        What the store is of.
    store : path-like
        The file; rows may be missing.
    rows : collection of int, optional
        The numbers of the rows to run; all that the store has, where it is not given.
    jobs : int
        As in `run`.

    Returns
    -------
    tuple of Mismatch
        In the order of the grid; empty where all agree.

    Raises
    ------
    ValueError
        If the sweep has no signature, or the store no such row.
    StaleError
        If the store is of other code or another grid.
    SweepError
        If there is no store, it is damaged, there is no row to compare, or a run raised.
    """
    if not sweep.signature:
        raise ValueError(
            "sweep.signature must name a field to compare, got none"
        )
    stored = {row.row: row for row in _read_current(sweep, Path(store)).rows}
    wanted = sorted(set(stored if rows is None else rows))
    if absent := [number for number in wanted if number not in stored]:
        raise ValueError(f"rows must be in {store}, got {absent}")
    if not wanted:
        raise SweepError(
            f"there is nothing to check: {store} has no rows"
            if rows is None
            else "there is nothing to check: no rows are asked for"
        )
    cases = [Case(*stored[number][:3]) for number in wanted]
    function = sweep.probe or sweep.experiment
    with _outcomes(sweep, function, cases, jobs) as outcomes:
        found = sorted(outcomes, key=lambda outcome: outcome.case.row)
    _require_success([outcome for outcome in found if outcome.error])
    return tuple(
        Mismatch(case.row, name, old[name], new[name])
        for case, new, _ in found
        for old in [stored[case.row].result]
        for name, rtol in sweep.signature.items()
        if not _agree(old[name], new[name], rtol)
    )


def _agree(old: Value, new: Value, rtol: float) -> bool:
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(
            _agree(*pair, rtol) for pair in zip(old, new, strict=True)
        )
    if isinstance(old, float) and isinstance(new, float):
        both_nan = math.isnan(old) and math.isnan(new)
        return both_nan or math.isclose(old, new, rel_tol=rtol)
    return type(old) is type(new) and old == new


def _read(sweep: Sweep, path: Path) -> Store:
    if not path.exists():
        raise SweepError(
            f"there is no store {path}; make it with: {_command(sweep, path)}"
        )
    return read(path)


def _read_current(sweep: Sweep, path: Path) -> Store:
    found = _read(sweep, path)
    if changes := differences(found.header, header(sweep)):
        raise StaleError(
            f"{path} is stale: {'; '.join(changes)}. Run it again with:"
            f" {_command(sweep, path, '--renew')}"
        )
    return found


def _command(sweep: Sweep, path: Path, *options: str) -> str:
    program = ("python", "-m", "lstm_lab.sweeps", "run")
    return shlex.join([*program, sweep.name, "--store", str(path), *options])


# In the workers


class _Outcome(NamedTuple):
    """What a worker sends back: a result, or what was raised in its place."""

    case: Case
    result: dict[str, Value]
    error: str


def _outcome(
    function: Callable[..., Mapping[str, Any]],
    case: Case,
    required: Sequence[str],
    code: dict[str, str],
) -> _Outcome:
    if (here := fingerprints(function.__module__)) != code:
        other = [name for name in code if here.get(name) != code[name]]
        raise SweepError(
            f"the worker on {socket.gethostname()} has other code, in {', '.join(other)};"
            " update it there and start the worker again"
        )
    # It stays: a row beside this one, in a thread of the same worker, must not end it.
    threadpool_limits(1)
    try:
        with _interruptible():
            returned = function(seed=case.seed, **case.configuration)
        result = plain_fields("result", returned)
        for name in required:
            if name not in result:
                raise ValueError(
                    f"result must have {name!r}, which the signature names; got {list(result)}"
                )
    except KeyboardInterrupt:
        raise
    except BaseException:  # SystemExit, too: an experiment may not end its host
        return _Outcome(case, {}, traceback.format_exc())
    return _Outcome(case, result, "")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt in the end, where a Ctrl-C was caught by what ran meanwhile.

    ``training.fit`` does that, and returns the run so far, which is no row of a sweep.
    """
    handler = signal.getsignal(signal.SIGINT)
    if (
        threading.current_thread() is not threading.main_thread()
        or handler is not signal.default_int_handler
    ):
        yield
        return
    interrupted = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if interrupted:
            raise KeyboardInterrupt


# Around them


@contextmanager
def _outcomes(
    sweep: Sweep,
    function: Callable[..., Mapping[str, Any]],
    cases: Sequence[Case],
    jobs: int,
    dask: str | None = None,
) -> Iterator[Iterator[_Outcome]]:
    """Call a function for each case, and give what comes back as it comes."""
    code = fingerprints(function.__module__)
    tasks = [
        delayed(_outcome)(function, case, tuple(sweep.signature), code)
        for case in cases
    ]
    # The limit is for the cases that run in this process, which gets its threads back.
    with _workers(jobs, dask), threadpool_limits(1):
        parallel = Parallel(
            return_as="generator_unordered",
            batch_size=1,
            pre_dispatch="2*n_jobs" if dask is None else "all",
        )
        with closing(_guarded(parallel(tasks))) as outcomes:
            yield outcomes


def _guarded(outcomes: Iterable[_Outcome]) -> Generator[_Outcome, None, None]:
    try:
        yield from outcomes
    except SweepError:
        raise
    except (Exception, SystemExit) as error:
        raise SweepError(
            f"the workers failed: {type(error).__name__}: {error}\n"
            "The rows that are written stay; the same command goes on with the others."
        ) from error


@contextmanager
def _workers(jobs: int, dask: str | None) -> Iterator[None]:
    if jobs == 1 and dask is None:
        # Joblib would come to this too, but a browser has no loky, and it would warn of that.
        with parallel_config("sequential"):
            yield
        return
    if dask is None:
        with parallel_config(
            "loky",
            n_jobs=jobs,
            idle_worker_timeout=10,
            initializer=_ignore_interrupts,
        ):
            yield
        return
    try:
        from distributed import Client
    except ImportError:
        raise SweepError(
            'Dask is not installed here; pip install "lstm-lab[dask]"'
        ) from None
    try:
        client = Client(  # type: ignore[no-untyped-call]
            dask, timeout=CONNECT_SECONDS, set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise SweepError(
            f"no Dask scheduler was reached at {dask}: {error}"
        ) from None
    with client, parallel_config(_DaskBackend(client=client)):
        yield


def _ignore_interrupts() -> None:
    """Leave Ctrl-C, which a terminal sends to workers too, to the process that ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _DaskBackend(DaskDistributedBackend):  # type: ignore[misc]
    """Joblib's, which waits for ever for a task that fails outside of its function.

    Such is a task whose workers die again and again, or one that no worker can unpickle.
    """

    def effective_n_jobs(self, n_jobs: int) -> int:
        # With one, joblib would run everything in this process.
        cores: int = super().effective_n_jobs(n_jobs)
        return max(2, cores)

    def submit(
        self, func: Any, callback: Callable[[Any], None]
    ) -> "Future[Any]":
        future: Future[Any] = super().submit(func, callback)

        def report(done: "Future[Any]") -> None:
            if error := done.exception():
                callback(error)

        future.add_done_callback(report)
        return future


def _require_success(failures: Sequence[_Outcome]) -> None:
    if not failures:
        return
    failures = sorted(failures, key=lambda failure: failure.case.row)
    lines = [
        f"  {failure.case}: {failure.error.splitlines()[-1]}"
        for failure in failures[:SHOWN]
    ]
    if len(failures) > SHOWN:
        lines.append(f"  and {len(failures) - SHOWN} more")
    raise SweepError(
        f"{len(failures)} rows failed; those that did not are kept.\n"
        + "\n".join(lines)
        + f"\n\nThe first of them:\n{failures[0].error}"
    )
