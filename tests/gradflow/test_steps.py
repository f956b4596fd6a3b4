"""Steps of one sequence, against the equations of the chapter and against derivatives."""

import numpy as np
import pytest

from lstm_lab import gradflow, lstm
from lstm_lab.packing import apart, split_rows

EXACT = 1e-12  # float64, a few steps
T, D, H = 6, 2, 3


@pytest.fixture
def params(rng):
    return lstm.init(D, H, rng=rng)


@pytest.fixture
def x(rng):
    return rng.normal(size=(T, D))


def test_the_states_are_those_of_the_forward_pass(params, x):
    steps, trace = gradflow.cell_steps(params, x), lstm.forward(params, x)
    for name, gate in zip(lstm.GATES, apart(trace.gates), strict=True):
        np.testing.assert_array_equal(getattr(steps, name), gate)
    np.testing.assert_array_equal(steps.x, x)
    np.testing.assert_array_equal(steps.c, trace.c[1:])
    np.testing.assert_array_equal(steps.h, trace.h[1:])


def test_the_way_round_is_that_of_the_equations(params, x):
    steps = gradflow.cell_steps(params, x)
    blocks = split_rows(params.W[:, D:], lstm.GATES)
    U = dict(zip(lstm.GATES, blocks, strict=True))
    assert steps.around[0] == 0
    for t in range(1, T):
        i, f, g = steps.i[t], steps.f[t], steps.g[t]
        c_before, o_before = steps.c[t - 1], steps.o[t - 1]
        listen = (g * i * (1 - i))[:, None] * U["i"]
        listen += (c_before * f * (1 - f))[:, None] * U["f"]
        listen += (i * (1 - g**2))[:, None] * U["g"]
        show = np.diag(o_before * (1 - np.tanh(c_before) ** 2))
        expected = np.linalg.norm(listen @ show, ord=2)
        np.testing.assert_allclose(steps.around[t], expected, rtol=EXACT)
        np.testing.assert_allclose(steps.direct[t], f.max(), rtol=EXACT)


def test_paths_lead_to_the_end(params, x):
    steps = gradflow.cell_steps(params, x)
    jacobians = gradflow.cell_jacobians(params, lstm.forward(params, x))
    full = [np.linalg.norm(J, ord=2) for J in jacobians]
    np.testing.assert_allclose(steps.full, [*full[::-1], 1], rtol=EXACT)
    assert steps.kept.shape == (T, H)
    for t in range(T):
        expected = np.prod(steps.f[t + 1 :], axis=0)
        np.testing.assert_allclose(steps.kept[t], expected, rtol=EXACT)


def test_one_step_has_nowhere_to_go(params, x):
    steps = gradflow.cell_steps(params, x[:1])
    np.testing.assert_array_equal(steps.kept, np.ones((1, H)))
    assert (steps.around, steps.full) == (0, 1)


def test_a_batch_is_refused(params, x):
    with pytest.raises(ValueError, match="x must have shape"):
        gradflow.cell_steps(params, x[:, None])
