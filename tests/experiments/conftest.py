"""What the tests of experiments share: small packages, and workers of their own."""

import sys
from ast import literal_eval
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
    SIGNATURE = {"power": 1e-6, "nan": 0.0}
    STORE = Path(__file__).with_suffix(".jsonl")

    def experiment(*, x, seed):
        log(x=x, seed=seed)
        return {"power": power(x), "list": (x, seed), "nan": float("nan")}
"""
TOOLS = """
    import os, time
    from pathlib import Path
    import numpy as np

    def log(**call):
        with Path(__file__).with_name("calls").open("a") as file:
            file.write(f"{call}\\n")
        calls = Path(__file__).with_name("calls").read_text().count("\\n")
        parent = os.getppid()
        # Hold later calls until this process or its parent is killed.
        while calls > int(os.environ.get("HOLD", 99)) and os.getppid() == parent:
            time.sleep(0.02)

    def power(x):
        return np.float32(x) ** 2
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return the function that writes a module of a package that no other test has."""
    root = tmp_path / f"package_{tmp_path.name}"
    monkeypatch.syspath_prepend(tmp_path)

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
def calls(powers):
    """Return a function that returns the calls since it was last asked."""
    file = powers.STORE.with_name("calls")

    def since():
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        file.unlink(missing_ok=True)
        return [literal_eval(line) for line in text.splitlines()]

    return since
