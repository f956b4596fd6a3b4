"""What the tests of the experiments share: every architecture, and gradients the slow way."""

import numpy as np
import pytest

from conftest import ARCHITECTURES
from lstm_lab import coupled

CELLS = {**ARCHITECTURES, "coupled": (coupled, {})}


@pytest.fixture(params=CELLS.values(), ids=CELLS)
def architecture(request):
    return request.param


@pytest.fixture
def draw(architecture):
    """Return a function that draws as ``arch.init`` does, in the convention of the cell."""
    arch, options = architecture
    return lambda D, H, *, rng: arch.init(D, H, rng=rng, **options)


@pytest.fixture
def draw_and_run():
    """Return a function that redoes what every experiment does first."""

    def run(arch, draw, D, H, T, seed):
        weights_rng, input_rng = np.random.default_rng(seed).spawn(2)
        params = draw(D, H, rng=weights_rng)
        return params, arch.forward(params, input_rng.normal(size=(T, D)))

    return run


@pytest.fixture
def part_of():
    """Return a function that runs steps ``start ... stop - 1`` of a trace again."""

    def part(arch, params, trace, start, stop):
        states = (getattr(trace, name)[start] for name in arch.STATES)
        return arch.forward(params, trace.x[start:stop], *states)

    return part


@pytest.fixture
def norm_by_backward(part_of):
    """Return a function that gives the norm of dh_t / ds_(t - lag), over sqrt(H).

    One run of ``backward`` over those steps for every unit of h_t.
    """

    def norm(arch, params, trace, t, lag):
        H = params.H
        if lag == 0:
            return 1.0
        part = part_of(arch, params, trace, t - lag, t)
        runs = [arch.backward(params, part, None, v)[2:] for v in np.eye(H)]
        return np.sqrt(np.sum(np.square(runs)) / H)

    return norm
