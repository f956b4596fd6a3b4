"""What the tests of sweeps share: whole processes, and a record of what ran."""

import os
import signal
import subprocess
import sys
import time
from ast import literal_eval
from pathlib import Path

import pytest
from joblib.externals.loky import get_reusable_executor

from .experiments import LOG

TESTS = Path(__file__).parent.parent
PATIENCE = 600  # seconds, after which something hangs: no machine is as slow


def wait_for(condition):
    """Return as soon as a condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def lines(path):
    """Return how many whole lines a file has; none, if it is not there."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def heed_interrupts():
    """Undo what a shell does to a command that it starts in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def start(tmp_path):
    """Return a function that starts Python; what is left in the end is killed."""
    processes = []

    def starter(*arguments, **variables):
        python_path = os.pathsep.join(
            [str(TESTS), os.environ.get("PYTHONPATH", "")]
        )
        # To files: a pipe would stay open as long as a worker of a killed process.
        number = len(processes)
        with (
            (tmp_path / f"out{number}").open("wb") as out,
            (tmp_path / f"err{number}").open("wb") as err,
        ):
            process = subprocess.Popen(
                [sys.executable, *map(str, arguments)],
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": python_path, **variables},
                stdout=out,
                stderr=err,
                start_new_session=True,
                preexec_fn=heed_interrupts if os.name == "posix" else None,
            )
        process.said = lambda: tuple(
            (tmp_path / f"{name}{number}").read_text(encoding="utf-8")
            for name in ("out", "err")
        )
        processes.append(process)
        return process

    yield starter
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """Return a function that returns the arguments of all calls since it was last asked."""
    log = tmp_path / "calls"
    monkeypatch.setenv(LOG, str(log))
    # Workers that an earlier test left idle would be taken again, with its environment.
    get_reusable_executor().shutdown(wait=True)

    def since():
        text = log.read_text(encoding="utf-8") if log.exists() else ""
        log.unlink(missing_ok=True)
        return [literal_eval(line) for line in text.splitlines()]

    return since


@pytest.fixture
def impatient(monkeypatch):
    """Let whoever waits for something fail."""

    def sleep(_seconds):
        pytest.fail("it waits")

    monkeypatch.setattr(time, "sleep", sleep)
