"""The house has floors, and imports go downward."""

import ast
from pathlib import Path

import pytest

import lstm_lab

# A module imports from earlier lines only: not from its own line, not from later ones.
FLOORS = [
    ("numerics", "tables"),
    ("architecture", "checks", "tree"),
    ("packing",),
    ("gru", "lstm", "rnn"),
    ("counting", "gradcheck", "initialization", "interop"),
    ("gradflow",),
    ("plots",),
]
ONLY = {"matplotlib": {"plots"}, "ipywidgets": {"widgets"}, "random": set()}
GENERATORS = {"np.random", "numpy.random"}
EXPLICIT = {"Generator", "SeedSequence", "default_rng"}

FLOOR = {
    module: floor for floor, modules in enumerate(FLOORS) for module in modules
}
SOURCES = {
    path.stem: path for path in Path(lstm_lab.__file__).parent.glob("*.py")
}
MODULES = sorted(SOURCES.keys() - {"__init__"})


def imports(source):
    """Yield every import as a list of names, relative ones as of this package."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ["lstm_lab"] if node.level else []
            module = node.module.split(".") if node.module else []
            yield from ([*package, *module, alias.name] for alias in node.names)


def faults(module, source):
    """Return what breaks the order of the house, in words."""
    found = []
    for top, *inner in imports(source):
        floor = FLOOR.get("".join(inner[:1]), len(FLOORS))  # others: the roof
        if top == "lstm_lab" and floor >= FLOOR[module]:
            found.append(f"imports {inner}, which is on no lower floor")
        if module not in ONLY.get(top, {module}):
            found.append(f"imports {top}")
        if [top, *inner[:1]] == ["numpy", "random"]:
            found += [
                f"imports {name} of NumPy's"
                for name in inner[-1:]
                if name not in EXPLICIT
            ]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr not in EXPLICIT:
            owner = ast.unparse(node.value)
            found += [f"uses {owner}.{node.attr}"] * (owner in GENERATORS)
    return found


def test_every_module_is_on_one_floor():
    assert sorted(module for floor in FLOORS for module in floor) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_modules_keep_to_their_floor(module):
    assert faults(module, SOURCES[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "planted",
    [
        "from lstm_lab import gradflow",  # upward
        "from lstm_lab import checks, plots",
        "import lstm_lab.gradcheck as g",
        "from lstm_lab.counting import size",
        "from lstm_lab.gru import update",  # sideways
        "from . import rnn",
        "from .gru import update",
        "def late():\n    from lstm_lab import plots",
        "from lstm_lab import LSTMCell",  # the package itself
        "import lstm_lab",
        "import matplotlib.pyplot as plt",
        "from matplotlib import cm",
        "import ipywidgets",
        "import random",
        "np.random.seed(0)",
        "x = numpy.random.normal(size=3)",
        "from numpy.random import normal",
        "from numpy import random",
    ],
)
def test_planted_faults_are_found(planted):
    assert len(faults("lstm", planted)) == 1


@pytest.mark.parametrize(
    "sound",
    [
        "from lstm_lab import checks, packing",
        "from lstm_lab.numerics import Array",
        "from .tree import map",
        "import numpy as np\nrng: np.random.Generator = np.random.default_rng(0)",
    ],
)
def test_sound_sources_pass(sound):
    assert faults("lstm", sound) == []
