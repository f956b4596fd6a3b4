"""Sweeps as they run: complete, each row once, the same however it came about."""

import signal
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace

import joblib
import numpy as np
import pytest
from joblib.parallel import get_active_backend
from threadpoolctl import threadpool_info, threadpool_limits

from lstm_lab.sweeps import (
    Mismatch,
    StaleError,
    Status,
    SweepError,
    check,
    load,
    run,
    running,
    status,
)
from lstm_lab.sweeps.store import (
    Row,
    appending,
    create,
    header,
    locked,
    read,
)

from .experiments import (
    DEADLY,
    EMPTY,
    FRAGILE,
    LEARNING,
    SQUARES,
    STUBBORN,
    THREADS,
)

COMMAND = "python -m lstm_lab.sweeps run sweeps.experiments:SQUARES --store"


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store.jsonl"


@pytest.fixture
def half(store):
    """Return a store with three of six rows."""
    create(store, header(SQUARES))
    with appending(store) as append:
        for case in (SQUARES.cases[n] for n in (4, 0, 3)):
            append(Row(*case, expected(case)))
    return store


def expected(case):
    x = case.configuration["x"]
    return {"square": x**2.0, "seed_again": case.seed, "tens": [x, 10 * x]}


SQUARED = tuple(Row(*case, expected(case)) for case in SQUARES.cases)


def as_calls(cases):
    return [{**case.configuration, "seed": case.seed} for case in cases]


# Running


def test_every_configuration_runs_with_every_seed_once(store, calls):
    assert run(SQUARES, store, jobs=1) == SQUARED
    assert calls() == as_calls(SQUARES.cases)


def test_a_complete_store_is_not_run_again(store, calls):
    run(SQUARES, store, jobs=1)
    before = store.read_bytes()
    calls()
    for renew in (False, True):
        assert run(SQUARES, store, jobs=1, renew=renew) == SQUARED
        assert calls() == []
        assert store.read_bytes() == before


def test_what_is_missing_is_run_and_nothing_else(half, calls, tmp_path):
    assert run(SQUARES, half, jobs=1) == SQUARED
    assert calls() == as_calls(SQUARES.cases[n] for n in (1, 2, 5))
    once = tmp_path / "once.jsonl"
    run(SQUARES, once, jobs=1)
    assert half.read_bytes() == once.read_bytes()


def test_processes_and_their_order_change_no_byte(store, tmp_path, calls):
    other = tmp_path / "other.jsonl"
    rows = run(LEARNING, store, jobs=1)
    assert len(calls()) == len(LEARNING.cases)
    assert repr(run(LEARNING, other, jobs=2)) == repr(rows)
    assert len(calls()) == len(LEARNING.cases)
    assert other.read_bytes() == store.read_bytes()
    assert all(np.isnan(row.result["ratio"]) for row in rows)


@pytest.mark.parametrize("jobs", [1, 2])
def test_linear_algebra_has_one_thread(store, jobs, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")  # for new processes
    with threadpool_limits(2):
        rows = run(THREADS, store, jobs=jobs)
        here = [pool["num_threads"] for pool in threadpool_info()]
    assert [row.result["threads"] for row in rows] == [[1], [1]]
    assert 2 in here


def test_a_worker_sees_to_its_one_thread_itself():
    with threadpool_limits(2):
        outcome = running._outcome(
            THREADS.experiment, THREADS.cases[0], (), header(THREADS).code
        )
    assert outcome.result["threads"] == [1]


def test_a_row_that_raises_costs_no_other(store, calls, monkeypatch):
    with pytest.raises(SweepError) as caught:
        run(FRAGILE, store, jobs=1)
    message = str(caught.value)
    assert "3 rows failed" in message
    for x in range(3):
        row = (
            f"row {4 * x}, {{'x': {x}}}, seed {x}: ZeroDivisionError: x is {x}"
        )
        assert row in message
    assert message.count("Traceback") == 1
    assert status(FRAGILE, store) == Status(6, 9, ())
    calls()
    monkeypatch.setenv("SWEEPS_TEST_MENDED", "")
    run(FRAGILE, store, jobs=1)
    assert calls() == [{"x": x, "seed": x} for x in range(3)]


def test_a_run_that_catches_an_interruption_is_no_row(store):
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(STUBBORN, store, jobs=1)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert load_rows(store) == [{"whole": True}]


def load_rows(store):
    return [row.result for row in read(store).rows]


def test_of_many_failures_some_are_listed(store, monkeypatch):
    monkeypatch.setattr(running, "SHOWN", 2)
    with pytest.raises(SweepError, match=r"seed 1: .*\n  and 1 more\n"):
        run(FRAGILE, store, jobs=1)
    monkeypatch.setattr(running, "SHOWN", 3)
    with pytest.raises(SweepError, match=r"seed 2: .*\n\nThe first of them"):
        run(FRAGILE, store, jobs=1)


def test_failures_are_listed_in_the_order_of_the_grid():
    failures = [
        running._Outcome(SQUARES.cases[row], {}, f"Traceback\nrow {row}")
        for row in (5, 2)
    ]
    with pytest.raises(SweepError) as caught:
        running._require_success(failures)
    assert str(caught.value) == (
        "2 rows failed; those that did not are kept.\n"
        f"  {SQUARES.cases[2]}: row 2\n"
        f"  {SQUARES.cases[5]}: row 5\n\n"
        "The first of them:\nTraceback\nrow 2"
    )


def test_a_result_without_the_signature_is_a_failure(store):
    sweep = replace(SQUARES, signature={"absent": 0})
    with pytest.raises(SweepError, match=r"must have 'absent'.*\['square'"):
        run(sweep, store, jobs=1)


def test_a_result_that_no_store_can_hold_is_a_failure(store):
    with pytest.raises(SweepError, match="result must be a dict, got None"):
        run(EMPTY, store, jobs=1)


def test_a_process_that_dies_is_no_riddle(store):
    with pytest.raises(SweepError, match=r"(?s)workers failed: .*same command"):
        run(DEADLY, store, jobs=2)


def test_a_worker_with_other_code_ends_the_sweep(store, monkeypatch):
    here = header(SQUARES).code
    codes = iter(
        [here, here | {"lstm_lab.rnn": "0"}]
    )  # the sweep's, a worker's
    monkeypatch.setattr(running, "fingerprints", lambda _module: next(codes))
    with pytest.raises(
        SweepError, match=r"^the worker on .* has other code, in lstm_lab\.rnn;"
    ):
        run(SQUARES, store, jobs=1)
    assert status(SQUARES, store) == Status(0, 6, ())


def test_no_jobs_are_refused(store):
    with pytest.raises(ValueError, match=r"jobs must be positive.*got 0"):
        run(SQUARES, store, jobs=0)
    assert not store.exists()


@pytest.mark.usefixtures("impatient")
def test_a_store_in_use_is_refused(store):
    with locked(store), pytest.raises(SweepError, match="another sweep"):
        run(SQUARES, store, jobs=1)


def test_progress_is_not_shown_where_nobody_looks(store, capfd):
    run(SQUARES, store, jobs=1, progress=True)
    assert capfd.readouterr() == ("", "")


def test_progress_is_shown_on_a_terminal(half, capfd, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    run(SQUARES, half, jobs=1, progress=True)
    shown = capfd.readouterr().err
    assert "3/6" in shown
    assert "6/6" in shown
    assert "row/s" in shown
    run(SQUARES, half, jobs=1)
    assert capfd.readouterr().err == ""


# Workers


@pytest.fixture
def asked(monkeypatch):
    """Return a list of the workers that are asked for; the rows run in this process."""
    found = []

    @contextmanager
    def workers(jobs, dask):
        found.append((jobs, dask))
        with joblib.parallel_config("sequential"):
            yield

    monkeypatch.setattr(running, "_workers", workers)
    return found


def test_without_a_word_there_is_a_process_on_each_core(store, asked):
    run(SQUARES, store)
    check(SQUARES, store)
    assert asked == [(-1, None)] * 2


def test_workers_are_those_that_were_asked_for(store, asked):
    run(SQUARES, store, jobs=3, dask="tcp://a:1")
    check(SQUARES, store, jobs=2)
    assert asked == [(3, "tcp://a:1"), (2, None)]


@pytest.mark.parametrize("dask", [None, "tcp://a:1"])
def test_rows_are_handed_out_one_by_one(store, asked, dask, monkeypatch):
    """A cluster gets all of them at once, and has them when workers come."""
    told = []

    def parallel(**options):
        told.append(options)
        return joblib.Parallel(**options)

    monkeypatch.setattr(running, "Parallel", parallel)
    run(SQUARES, store, dask=dask)
    assert len(asked) == 1
    assert told == [
        {
            "return_as": "generator_unordered",
            "batch_size": 1,
            "pre_dispatch": "all" if dask else "2*n_jobs",
        }
    ]


def test_processes_of_this_machine_end_when_they_idle():
    with running._workers(3, None):
        backend, jobs = get_active_backend()
    assert type(backend) is joblib.parallel.BACKENDS["loky"]
    assert jobs == 3
    assert backend.backend_kwargs == {
        "idle_worker_timeout": 10,
        "initializer": running._ignore_interrupts,
    }


def test_one_job_is_this_process_alone():
    with running._workers(1, None):
        backend, _ = get_active_backend()
        assert joblib.effective_n_jobs() == 1
    assert type(backend) is joblib.parallel.BACKENDS["sequential"]


def test_a_cluster_is_left_when_the_rows_are_there(store, monkeypatch):
    events = []

    class Client:
        def __init__(self, *arguments, **options):
            events.append((arguments, options))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            events.append("left")

    def backend(*, client):
        assert type(client) is Client
        return joblib.parallel.BACKENDS["sequential"]()

    monkeypatch.setattr("distributed.Client", Client)
    monkeypatch.setattr(running, "_DaskBackend", backend)
    assert run(SQUARES, store, jobs=1, dask="tcp://a:1") == SQUARED
    options = {"timeout": running.CONNECT_SECONDS, "set_as_default": False}
    assert events == [(("tcp://a:1",), options), "left"]


@pytest.mark.parametrize(("cores", "jobs"), [(1, 2), (2, 2), (5, 5)])
def test_a_cluster_of_one_core_is_not_this_process(cores, jobs, monkeypatch):
    given = []

    def effective_n_jobs(_self, n_jobs):
        given.append(n_jobs)
        return cores

    base = running.DaskDistributedBackend
    monkeypatch.setattr(base, "effective_n_jobs", effective_n_jobs)
    backend = object.__new__(running._DaskBackend)
    assert backend.effective_n_jobs(-1) == jobs
    assert given == [-1]


def test_a_task_that_fails_outside_of_its_function_is_told(monkeypatch):
    submitted = []

    def submit(_self, *arguments):
        submitted.append((*arguments, Future()))
        return submitted[-1][-1]

    monkeypatch.setattr(running.DaskDistributedBackend, "submit", submit)
    backend = object.__new__(running._DaskBackend)
    told, error = [], RuntimeError("no worker is left")
    good, bad = (backend.submit(name, told.append) for name in ("a", "b"))
    assert submitted == [("a", told.append, good), ("b", told.append, bad)]
    good.set_result(1)
    assert told == []
    bad.set_exception(error)
    assert told == [error]


def test_workers_that_fail_are_told_with_their_error():
    error = RuntimeError("no worker is left")

    def outcomes():
        yield 1
        raise error

    guarded = running._guarded(outcomes())
    assert next(guarded) == 1
    with pytest.raises(SweepError) as caught:
        next(guarded)
    assert str(caught.value) == (
        "the workers failed: RuntimeError: no worker is left\n"
        "The rows that are written stay; the same command goes on with the"
        " others."
    )
    assert caught.value.__cause__ is error


# Stores of something else


def test_a_stale_store_is_not_touched_and_the_command_renews_it(half, calls):
    before = half.read_bytes()
    made_by = header(SQUARES)
    changed = replace(made_by, code=made_by.code | {"lstm_lab.rnn": "0"})
    create(half, changed)
    with appending(half) as append:
        append(SQUARED[0])
    stale = half.read_bytes()
    for function in (run, load, check):
        with pytest.raises(StaleError) as caught:
            function(SQUARES, half)
        assert str(caught.value) == (
            f"{half} is stale: lstm_lab.rnn changed."
            f" Run it again with: {COMMAND} {half} --renew"
        )
    assert status(SQUARES, half).changes == ("lstm_lab.rnn changed",)
    assert half.read_bytes() == stale
    assert calls() == []
    assert run(SQUARES, half, jobs=1, renew=True) == SQUARED
    assert len(calls()) == 6
    assert half.read_bytes().startswith(before[: before.index(b"\n")])


def test_another_grid_is_stale_too(half):
    more = replace(SQUARES, seeds=(7, 5, 6))
    with pytest.raises(StaleError, match="is stale: seeds changed"):
        run(more, half)


def test_a_file_that_is_no_store_is_never_replaced(store):
    store.write_text("a letter\n", encoding="utf-8")
    with pytest.raises(SweepError, match="line 1: this is no line of a store"):
        run(SQUARES, store, jobs=1, renew=True)
    assert store.read_text(encoding="utf-8") == "a letter\n"


# Reading


def test_a_complete_store_is_loaded(store):
    run(SQUARES, store, jobs=1)
    assert load(SQUARES, store) == SQUARED
    assert status(SQUARES, store) == Status(6, 6, ())


def test_what_cannot_be_loaded_names_the_command(half, tmp_path):
    with pytest.raises(SweepError) as caught:
        load(SQUARES, half)
    assert str(caught.value) == (
        f"{half} has 3 of 6 rows; complete it with: {COMMAND} {half}"
    )
    absent = tmp_path / "not there"
    for function in (load, status, check):
        with pytest.raises(SweepError) as caught:
            function(SQUARES, absent)
        assert str(caught.value) == (
            f"there is no store {absent}; make it with: {COMMAND} '{absent}'"
        )


# Checking


def test_a_store_is_confirmed_by_its_probe(store, calls):
    run(LEARNING, store, jobs=1)
    assert len(calls()) == 12
    assert check(LEARNING, store, rows=range(0, 12, 5), jobs=1) == ()
    assert calls() == []  # the probe leaves no trace here; the experiment would


def test_without_a_probe_the_rows_are_run_again(half, calls):
    assert check(SQUARES, half, jobs=1) == ()
    assert calls() == as_calls(SQUARES.cases[n] for n in (0, 3, 4))
    assert check(SQUARES, half, rows=[3], jobs=1) == ()
    assert calls() == as_calls(SQUARES.cases[3:4])


def test_every_field_that_differs_is_named(store):
    create(store, header(SQUARES))
    with appending(store) as append:
        for row in SQUARED:
            wrong = {"square": -1.0} if row.row == 2 else {"tens": [3]}
            result = row.result | (wrong if row.row in (2, 5) else {})
            append(row._replace(result=result | {"seed_again": 0}))
    found = check(SQUARES, store, jobs=1)
    assert found == (
        Mismatch(2, "square", -1.0, 1.0),
        Mismatch(5, "tens", [3], [2, 20]),
    )
    assert str(found[0]) == "row 2, square: -1.0 stored, 1.0 now"


def test_what_differs_stands_in_the_order_of_the_grid(store, monkeypatch):
    create(store, header(SQUARES))
    with appending(store) as append:
        for row in SQUARED:
            append(row._replace(result=row.result | {"square": -1.0}))
    outcomes = running._outcomes

    @contextmanager
    def backwards(*arguments):
        with outcomes(*arguments) as found:
            yield reversed(list(found))

    monkeypatch.setattr(running, "_outcomes", backwards)
    found = check(SQUARES, store, jobs=1)
    assert [mismatch.row for mismatch in found] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("old", "new", "rtol", "agree"),
    [
        (1.0, 1.0 + 1e-9, 1e-8, True),
        (1.0, 1.0 + 1e-7, 1e-8, False),
        (1.0, 1.0 + 1e-15, 0.0, False),
        (0.0, 1e-300, 0.5, False),
        (np.nan, np.nan, 0.0, True),
        (np.nan, 1.0, 1.0, False),
        (np.inf, np.inf, 0.0, True),
        (np.inf, -np.inf, 1.0, False),
        ([1.0, [2.0]], [1.0, [2.0 + 1e-9]], 1e-8, True),
        ([1.0], [1.0, 2.0], 1.0, False),
        ([1.0], 1.0, 1.0, False),
        (1.0, [1.0], 1.0, False),
        ([], [], 0.0, True),
        (3, 3, 0.0, True),
        (3, 4, 0.5, False),
        (1, True, 0.5, False),
        ("a", "a", 0.0, True),
        ("a", "b", 1.0, False),
        (None, 0.0, 1.0, False),
    ],
)
def test_what_agrees(old, new, rtol, agree):
    assert running._agree(old, new, rtol) is agree


def test_a_probe_that_raises_is_reported(store, monkeypatch):
    monkeypatch.setenv("SWEEPS_TEST_MENDED", "")
    sweep = replace(FRAGILE, signature={"x": 0.0})
    run(sweep, store, jobs=1)
    monkeypatch.delenv("SWEEPS_TEST_MENDED")
    with pytest.raises(SweepError, match="3 rows failed"):
        check(sweep, store, jobs=1)


def test_a_check_of_no_rows_is_none(half):
    with pytest.raises(SweepError, match="nothing to check: no rows are asked"):
        check(SQUARES, half, rows=[], jobs=1)


def test_what_cannot_be_checked_is_refused(half):
    with pytest.raises(ValueError, match="signature must name a field"):
        check(replace(SQUARES, signature={}), half)
    with pytest.raises(ValueError, match=r"rows must be in .*, got \[1, 17\]"):
        check(SQUARES, half, rows=[0, 17, 1])
