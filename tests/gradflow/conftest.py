"""What the tests of the experiments share: draws, and gradients the slow way."""

import numpy as np
import pytest

from lstm_lab import sequence


@pytest.fixture
def init(cell_and_options):
    """Return a function that draws all that a cell's parameters can have."""
    cell, options = cell_and_options

    def draw(D, H, *, rng):
        params = cell.init(D, H, rng=rng, **options)
        _, _, *names = params._fields
        held = [name for name in names if getattr(params, name) is not None]
        return params._replace(**{name: rng.normal(size=H) for name in held})

    return draw


@pytest.fixture
def trace(cell, init, rng):
    """Return a trace of seven steps, from states that are not zero."""
    initial = (rng.normal(size=3) for _ in cell.STATES)
    return sequence.forward(cell, init(2, 3, rng=rng), rng.normal(size=(7, 2)), *initial)


@pytest.fixture
def part_of():
    """Return a function that runs steps ``start ... stop - 1`` of a trace again."""

    def part(trace, start, stop):
        states = (state[start] for state in trace.states.values())
        x = trace.x[start:stop]
        return sequence.forward(trace.cell, trace.params, x, *states)

    return part


@pytest.fixture
def norm_by_backward(part_of):
    """Return a function that gives the norm of dh_t / ds_(t - lag), over sqrt(H).

    One run of ``backward`` over those steps for every unit of h_t.
    """

    def norm(trace, t, lag):
        if lag == 0:
            return 1.0
        H, steps = trace.params.H, part_of(trace, t - lag, t)
        runs = [sequence.backward(steps, None, v)[2:] for v in np.eye(H)]
        return np.sqrt(np.sum(np.square(runs)) / H)

    return norm
