"""Sweeps on a real Dask cluster: a scheduler and two workers, of which some are killed."""

import json
import signal
import sys

import pytest

from lstm_lab.sweeps import SweepError, run, running

from .conftest import PATIENCE, lines, wait_for
from .experiments import DEADLY, LEARNING, SQUARES, THREADS, release


@pytest.fixture
def scheduler(start, tmp_path):
    """Start a scheduler that gives a task up when its second worker dies; return its address."""
    file = tmp_path / "scheduler.json"
    start(
        *("-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"),
        *("--port", "0", "--no-dashboard", "--scheduler-file", file),
        DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="1",
    )
    # It appears before it is written.
    wait_for(lambda: file.exists() and file.read_bytes().endswith(b"\n}"))
    return json.loads(file.read_text(encoding="utf-8"))["address"]


@pytest.fixture
def workers(start, scheduler, tmp_path):
    """Start two workers, and return their processes."""
    return [
        start(
            *("-m", "distributed.cli.dask_worker", scheduler, "--no-nanny"),
            *("--nthreads", "1", "--no-dashboard"),
            OPENBLAS_NUM_THREADS="2",
            SWEEPS_TEST_PAUSE="0.1",
            SWEEPS_TEST_LOG=str(tmp_path / "log"),
            SWEEPS_TEST_HOLD="6",
        )
        for _ in range(2)
    ]


def test_a_cluster_that_loses_a_worker_makes_the_same_table(
    start, scheduler, workers, tmp_path
):
    once, store = tmp_path / "once.jsonl", tmp_path / "store.jsonl"
    run(LEARNING, once, jobs=1)
    sweep = start(
        *("-m", "lstm_lab.sweeps", "run", "sweeps.experiments:LEARNING"),
        *("--store", store, "--dask", scheduler),
    )
    wait_for(lambda: lines(store) > 3)
    workers[0].kill()
    release(tmp_path / "log")
    assert sweep.wait(PATIENCE) == 0, sweep.said()
    assert workers[0].wait() == -signal.SIGKILL
    assert workers[1].poll() is None
    assert store.read_bytes() == once.read_bytes()


def test_linear_algebra_has_one_thread_on_a_cluster(
    scheduler, workers, tmp_path
):
    rows = run(THREADS, tmp_path / "store.jsonl", dask=scheduler)
    pids = {worker.pid for worker in workers}
    # The first one, if the other was not there yet: never this process.
    assert {row.result["pid"] for row in rows} <= pids
    assert [row.result["threads"] for row in rows] == [[1], [1]]


def test_a_row_that_kills_its_workers_is_given_up(scheduler, workers, tmp_path):
    store = tmp_path / "store.jsonl"
    with pytest.raises(SweepError, match=r"workers failed: KilledWorker: "):
        run(DEADLY, store, dask=scheduler)
    assert [worker.wait(PATIENCE) for worker in workers] == [
        -signal.SIGKILL
    ] * 2


def test_a_scheduler_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "CONNECT_SECONDS", 0.5)
    with pytest.raises(
        SweepError,
        match=r"no Dask scheduler was reached at tcp://127\.0\.0\.1:1: ",
    ):
        run(SQUARES, tmp_path / "store.jsonl", dask="tcp://127.0.0.1:1")


def test_without_dask_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SweepError, match=r'pip install "lstm-lab\[dask\]"'):
        run(SQUARES, tmp_path / "store.jsonl", dask="tcp://127.0.0.1:8786")
