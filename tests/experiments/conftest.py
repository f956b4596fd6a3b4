"""What the tests of experiments share: small packages, and workers of their own."""

import os
import signal
import subprocess
import sys
from ast import literal_eval
from contextlib import suppress
from importlib import import_module
from textwrap import dedent

import pytest
from joblib.externals.loky import get_reusable_executor

from lstm_lab.experiments.code import fingerprints

POWERS = """
    import os, sys
    from pathlib import Path
    from .tools import log, power
    CONFIGURATIONS = [{"x": x} for x in (3, 1, 2)]
    SEEDS = (7, 5)
    STORE = Path(__file__).with_suffix(".jsonl")

    def probe(*, x, seed):
        return {"power": power(x), "nan": float("nan")}

    def experiment(*, x, seed):
        log(x=x, seed=seed)
        return {"list": (x, seed)}
"""
TOOLS = """
    import os, time
    from pathlib import Path
    import numpy as np

    def log(**call):
        with Path(__file__).with_name("calls").open("a") as file:
            file.write(f"{call}\\n")
        calls = Path(__file__).with_name("calls").read_text().count("\\n")
        if calls > int(os.environ.get("HOLD", 99)):
            time.sleep(600)  # unless it is killed

    def power(x):
        return np.float32(x) ** 2
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return the function that writes a module of a package that no other test has."""
    root = tmp_path / f"package_{tmp_path.name}"
    monkeypatch.syspath_prepend(tmp_path)
    # Bytecode knows a source by its size and the second in which it was written.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")

    def write(name, source):
        file = root / f"{name}.py"
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(dedent(source), encoding="utf-8")
        fingerprints.cache_clear()
        return f"{root.name}.{name}".removesuffix(".__init__")

    write("__init__", "")
    yield write
    fingerprints.cache_clear()
    for name in [name for name in sys.modules if name.startswith(root.name)]:
        del sys.modules[name]
    # Workers that stay idle would be taken by the next test, with these modules.
    get_reusable_executor().shutdown(wait=True)


@pytest.fixture
def powers(package):
    """Return an experiment of six rows, which logs its calls."""
    package("tools", TOOLS)
    return import_module(package("powers", POWERS))


@pytest.fixture
def start(powers):
    """Return a function that starts the command; what it leaves behind is killed."""
    started = []

    def start(*words, **variables):
        # To a file: workers of a killed process would keep a pipe open.
        with powers.STORE.with_name("said").open("w") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "lstm_lab.experiments", *words],
                cwd=powers.STORE.parent.parent,
                env={**os.environ, **variables},
                stdout=said,
                stderr=said,
                start_new_session=True,
                # A shell starts what runs in the background with Ctrl-C ignored.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):  # if nothing is left
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def calls(powers):
    """Return a function that returns the calls since it was last asked."""
    file = powers.STORE.with_name("calls")

    def since():
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        file.unlink(missing_ok=True)
        return [literal_eval(line) for line in text.splitlines()]

    return since
