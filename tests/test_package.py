"""The package as a whole: what an import gives, and what it takes."""

import pkgutil
import subprocess
import sys

import pytest

import lstm_lab

SUBMODULES = [module.name for module in pkgutil.iter_modules(lstm_lab.__path__)]


def printed(code):
    """Return what a new process prints."""
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_every_module_is_there_after_the_import():
    assert {"gradflow", "counting", "cells"} < set(SUBMODULES)
    names = "; ".join(f"lstm_lab.{name}" for name in SUBMODULES)
    listed = f"set({SUBMODULES}) <= set(dir(lstm_lab))"
    assert printed(f"import lstm_lab; {names}; print({listed})") == "True"


@pytest.mark.parametrize("name", ["gradfow", "_LATER_", "data"])
def test_what_is_no_module_is_no_attribute(name):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}'"):
        getattr(lstm_lab, name)


def test_the_import_brings_nothing_that_draws():
    heavy = "matplotlib", "babel", "anywidget", "joblib", "tqdm"
    code = "import sys, lstm_lab; print([n for n in {} if n in sys.modules])"
    assert printed(code.format(heavy)) == "[]"


def test_it_can_be_imported_without_being_installed():
    hidden = """
from importlib import metadata

def version(name):
    raise metadata.PackageNotFoundError(name)

metadata.version = version
import lstm_lab
print(lstm_lab.__version__, lstm_lab.LSTMCell(2, 3).H)
"""
    assert printed(hidden) == "0+source 3"
