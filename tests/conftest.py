"""What the tests share: every architecture, and random arguments for all that it takes."""

from collections import namedtuple

import numpy as np
import pytest
from hypothesis import settings

from lstm_lab import gru, lstm, rnn, tree

settings.register_profile(
    "seeded", derandomize=True, database=None, deadline=None
)
settings.load_profile("seeded")

# All different, so that no axis can be taken for another.
T, B, D, H = 5, 3, 4, 6

ARCHITECTURES = {
    "rnn": (rnn, {}),
    "lstm": (lstm, {}),
    "gru-reset-before": (gru, {"reset": "before"}),
    "gru-reset-after": (gru, {"reset": "after"}),
}


# What `backward` starts from, by the names of its arguments.
Cotangents = namedtuple("Cotangents", ["dh", "dh_T", "dc_T"], defaults=[None])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=ARCHITECTURES.values(), ids=ARCHITECTURES)
def architecture(request):
    return request.param


@pytest.fixture
def arch(architecture):
    return architecture[0]


@pytest.fixture
def inputs(architecture, rng):
    """Return the arguments of `forward`, as the type of their gradients; no array is zero."""
    arch, options = architecture
    zeros = arch.init(D, H, rng=rng, **options)
    params = tree.map(lambda leaf: rng.normal(size=leaf.shape), zeros)
    states = (rng.normal(size=(B, H)) for _ in arch.STATES)
    return arch.Grads(params, rng.normal(size=(T, B, D)), *states)


@pytest.fixture
def cotangents(arch, rng):
    last = (rng.normal(size=(B, H)) for _ in arch.STATES)
    return Cotangents(rng.normal(size=(T, B, H)), *last)
