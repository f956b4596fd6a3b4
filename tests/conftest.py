"""What the tests share: every cell, and random arguments for all that runs it."""

from types import SimpleNamespace

import numpy as np
import pytest
from cells import MGU, Peephole
from hypothesis import settings

from lstm_lab import coupled, gru, lstm, rnn, sequence, tree

settings.register_profile("seeded", derandomize=True, database=None, deadline=None)
settings.load_profile("seeded")

# All different, so that no axis can be taken for another.
T, B, D, H = 5, 3, 4, 6

CELLS = {
    "rnn": (rnn, {}),
    "lstm": (lstm, {}),
    "gru-reset-before": (gru, {"reset": "before"}),
    "gru-reset-after": (gru, {"reset": "after"}),
    "coupled": (coupled, {}),
    "mgu": (MGU, {}),
    "peephole": (Peephole, {}),
}


def random_case(cell, options, rng, T=T, B=(B,), D=D, H=H, dtype=np.float64):
    """Return arguments of `forward` and `backward`, of which no number is zero."""

    def normal(*shape):
        return rng.normal(size=shape).astype(dtype)

    params = tree.map(lambda leaf: normal(*leaf.shape), cell.init(D, H, rng=rng, **options))
    return SimpleNamespace(
        cell=cell,
        params=params,
        x=normal(T, *B, D),
        initial=[normal(*B, H) for _ in cell.STATES],
        dh=normal(T, *B, H),
        dlast=[normal(*B, H) for _ in cell.STATES],
    )


def run(case):
    """Return the trace of a forward pass, and the gradients of the backward pass after it."""
    trace = sequence.forward(case.cell, case.params, case.x, *case.initial)
    return trace, sequence.backward(trace, case.dh, *case.dlast)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=CELLS.values(), ids=CELLS)
def cell_and_options(request):
    return request.param


@pytest.fixture
def cell(cell_and_options):
    return cell_and_options[0]


@pytest.fixture(params=[(B,), (1,), ()], ids=["batch", "batch-of-one", "no-batch"])
def case(cell_and_options, rng, request):
    return random_case(*cell_and_options, rng, B=request.param)


@pytest.fixture
def batch(cell_and_options, rng):
    return random_case(*cell_and_options, rng)
