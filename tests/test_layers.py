"""The house has floors, and imports go downward."""

import ast
from pathlib import Path

import pytest

import lstm_lab

# A module imports from earlier lines only: not from its own line, not from later ones. A
# package stands above its modules, and from outside it is entered by its own door only.
FLOORS = [
    ("numerics", "records", "tables"),
    ("checks", "tree"),
    ("packing",),
    ("sequence",),
    ("cells.coupled", "cells.gru", "cells.lstm", "cells.rnn"),
    ("cells.textbook",),
    ("cells",),
    ("counting", "gradcheck", "initialization", "interop"),
    ("jacobians", "losses", "optim", "saving", "tasks"),
    ("dates", "tokenizer", "transductions"),
    ("training.loop", "training.statistics"),
    ("training.model",),
    ("gradflow.experiment",),
    (
        *("gradflow.cliff", "gradflow.flow", "gradflow.gates"),
        *("gradflow.paths", "gradflow.spectra", "gradflow.truncation"),
    ),
    ("experiments.code",),
    ("experiments.store",),
    ("experiments.running",),
    ("gradflow", "training"),
    ("experiments.trained", "seq2seq.attention", "seq2seq.stack"),
    ("seq2seq.model",),
    ("seq2seq.decoding", "seq2seq.depth"),
    ("seq2seq.fitting", "seq2seq.translating"),
    ("seq2seq",),
    ("teaching", "exercises.table"),
    ("exercises.inputs",),
    ("exercises.checking",),
    ("exercises",),
    (
        *("experiments.ablation", "experiments.bottleneck"),
        *("experiments.phase", "experiments.reach"),
    ),
    ("experiments",),
    ("experiments.__main__", "figures.markup", "figures.style"),
    ("figures.moving", "figures.svg", "figures.diagrams", "figures.training"),
    ("figures.cells", "figures.gradients", "figures.translation"),
    ("figures",),
]
ONLY = {"matplotlib": {"figures"}, "anywidget": {"figures"}, "ipywidgets": set(), "random": set()}
GENERATORS = {"np.random", "numpy.random"}
EXPLICIT = {"Generator", "SeedSequence", "default_rng"}

FLOOR = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}
PACKAGES = {module.split(".")[0] for module in FLOOR if "." in module}
ROOT = Path(lstm_lab.__file__).parent


def module_name(path):
    """Return the name that a file has in FLOORS."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


SOURCES = {module_name(path): path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py"}
MODULES = sorted(SOURCES)


def imports(module, source):
    """Yield every import of a module as a list of names, relative ones in full."""
    home = ["lstm_lab", *module.split(".")]  # of a package; of a module less
    above = len(home) + (module in PACKAGES)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = home[: above - node.level] if node.level else []
            names = node.module.split(".") if node.module else []
            yield from ([*package, *names, alias.name] for alias in node.names)


def floor_of(names, importer):
    """Return the floor of what is imported; the roof, if it is in no room."""
    outside = names[:1] != importer.split(".")[:1]
    depth = 1 if outside else 2
    rooms = [".".join(names[:n]) for n in range(depth, 0, -1)]
    return next((FLOOR[room] for room in rooms if room in FLOOR), len(FLOORS))


def faults(module, source):
    """Return what breaks the order of the house, in words."""
    found = []
    for top, *inner in imports(module, source):
        if top == "lstm_lab" and floor_of(inner, module) >= FLOOR[module]:
            found.append(f"imports {inner}, which is on no lower floor")
        if (part := module.split(".")[0]) not in ONLY.get(top, {part}):
            found.append(f"imports {top}")
        if [top, *inner[:1]] == ["numpy", "random"]:
            found += [f"imports {name} of NumPy's" for name in inner[-1:] if name not in EXPLICIT]
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
        "from lstm_lab import checks, figures",
        "import lstm_lab.tasks as t",
        "from lstm_lab.optim import Adam",
        "from lstm_lab.interop import load",  # sideways
        "from . import gradcheck",
        "from .interop import load",
        "def late():\n    from lstm_lab import figures",
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
    assert len(faults("counting", planted)) == 1


@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("gradflow.experiment", "from lstm_lab.gradflow.flow import x"),  # up
        ("gradflow.flow", "from lstm_lab.figures.style import CELLS"),
        ("gradflow.flow", "from ..figures import style"),
        ("gradflow.flow", "from .. import training"),
        ("jacobians", "from lstm_lab.gradflow.experiment import SEEDS"),
        ("gradflow.flow", "from lstm_lab.gradflow.paths import x"),  # sideways
        ("gradflow.flow", "from lstm_lab.gradflow import paths"),
        ("gradflow.flow", "import lstm_lab.gradflow.spectra"),
        ("gradflow.flow", "from .paths import direct_path"),
        ("gradflow.flow", "from . import paths"),
        ("gradflow", "from lstm_lab import training"),
        ("gradflow", "from ..training import fit"),
        ("training", "from lstm_lab.gradflow.experiment import SEEDS"),
        ("gradflow.flow", "from lstm_lab import gradflow"),  # its own package
        ("gradflow.flow", "from lstm_lab.gradflow import SEEDS"),
        ("gradflow.flow", "from . import SEEDS"),
        ("gradflow.flow", "import matplotlib"),
        ("gradflow.flow", "np.random.seed(0)"),
    ],
)
def test_planted_faults_are_found_around_packages(module, planted):
    assert len(faults(module, planted)) == 1


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
    assert faults("counting", sound) == []


@pytest.mark.parametrize(
    ("module", "sound"),
    [
        ("gradflow.flow", "from lstm_lab import jacobians"),
        ("gradflow.flow", "from lstm_lab.gradflow.experiment import SEEDS"),
        ("gradflow.flow", "from lstm_lab.gradflow import experiment"),
        ("gradflow.flow", "from .experiment import SEEDS"),
        ("gradflow.flow", "from . import experiment"),
        ("gradflow.flow", "from ..jacobians import pull_back"),
        ("gradflow", "from lstm_lab.gradflow.flow import gradient_flow"),
        ("gradflow", "from .flow import gradient_flow"),
        ("gradflow", "from ..numerics import Array"),
        ("figures.gradients", "from lstm_lab.gradflow import GradientFlow"),
        ("figures.gradients", "from .style import CELLS"),
        ("figures.gradients", "from matplotlib.axes import Axes"),
    ],
)
def test_sound_sources_pass_around_packages(module, sound):
    assert faults(module, sound) == []
