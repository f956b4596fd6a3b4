"""The gradient check itself: right on known gradients, and able to say no."""

from typing import NamedTuple

import numpy as np
import pytest

from lstm_lab import gradcheck, lstm, sequence
from lstm_lab.numerics import Array

GOOD = 1e-7  # central differences in float64 of losses of order one


class Point(NamedTuple):
    a: Array
    rest: tuple[Array, Array | None]


@pytest.fixture
def point(rng):
    return Point(rng.normal(size=(2, 3)), (rng.normal(size=4), None))


def test_gradient_of_a_known_function(point):
    point.a.flags.writeable = False  # it is left as it was
    numeric = gradcheck.numerical_gradient(
        lambda p: float(np.sum(p.a**3) + np.sum(np.sin(p.rest[0]))), point
    )
    exact = Point(3 * point.a**2, (np.cos(point.rest[0]), None))
    errors = gradcheck.relative_errors(exact, numeric)
    assert list(errors) == ["a", "rest.0"]
    assert max(errors.values()) < GOOD


def test_a_single_array_is_a_tree():
    numeric = gradcheck.numerical_gradient(lambda a: float(a @ a), np.ones(3))
    np.testing.assert_allclose(numeric, 2, rtol=GOOD)


def test_float32_is_refused(point):
    point = point._replace(a=np.ones(2, np.float32))
    with pytest.raises(TypeError, match=r"^a must have dtype float64.*float32"):
        gradcheck.numerical_gradient(lambda point: float(point.a.sum()), point)
    with pytest.raises(TypeError, match=r"^point must have dtype float64"):
        gradcheck.numerical_gradient(np.sum, np.ones(2, np.float32))


@pytest.mark.parametrize(
    ("a", "n", "error"),
    [
        ([3.0, 4.0], [3.0, 4.0], 0.0),
        ([0.0], [0.0], 0.0),
        ([1.0], [-1.0], 2.0),
        ([0.0], [2.0], 1.0),
        ([3e-170, 0.0], [0.0, 4e-170], 1.25),
        ([3e-310, 0.0], [0.0, 4e-310], 1.25),
        ([3e170, 0.0], [0.0, 4e170], 1.25),
        ([1e308], [-1e308], 2.0),
        ([np.nan], [1.0], np.inf),
        ([1.0], [np.nan], np.inf),
        ([np.nan], [np.nan], np.inf),
        ([np.inf], [1.0], np.inf),
        ([np.inf], [np.inf], np.inf),
    ],
)
def test_relative_error(a, n, error):
    (found,) = gradcheck.relative_errors(np.array(a), np.array(n)).values()
    # A subnormal number, such as 3e-310, has fewer digits.
    assert found == pytest.approx(error, rel=1e-12)


@pytest.mark.parametrize(
    ("a", "n", "message"),
    [
        ((None,), (None,), "nothing to compare: no gradient"),
        ((np.ones(2), np.empty((0, 3))),) * 2 + (r"^1 must be .* \(0, 3\)",),
        (np.ones(2), np.ones((2, 1)), r"shapes \(2,\) and \(2, 1\)"),
    ],
)
def test_gradients_that_cannot_be_compared(a, n, message):
    with pytest.raises(ValueError, match=message):
        gradcheck.relative_errors(a, n)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["W", "b"])
def test_a_gradient_that_is_not_finite_is_seen_wherever_it_is(value, name, rng):
    """As chapters ask: Python's max overlooks a NaN that does not come first."""

    def broken(trace, *cotangents):
        grads = sequence.backward(trace, *cotangents)
        leaf = getattr(grads.params, name).copy()
        leaf[-1] = value
        return grads._replace(params=grads.params._replace(**{name: leaf}))

    params, x = lstm.init(2, 3, rng=rng), rng.normal(size=(4, 2))
    errors = gradcheck.backward_errors(lstm, params, x, rng=rng, backward=broken)
    assert max(errors.values()) == np.inf


def loses_dh_between_steps(trace, dh, dh_T, dc_T):
    """Backpropagate as if the first hidden state were not read by the second step."""
    grads = sequence.backward(trace, dh, dh_T, dc_T)
    if len(trace.x) == 1:
        return grads
    first, rest = (
        sequence.forward(lstm, trace.params, x, trace.h[t], trace.c[t])
        for t, x in enumerate((trace.x[:1], trace.x[1:]))
    )
    later = sequence.backward(rest, dh[1:], dh_T, dc_T)
    wrong = sequence.backward(first, dh[:1], None, later.c0)  # without later.h0
    return grads._replace(h0=wrong.h0, c0=wrong.c0)


@pytest.mark.parametrize("T", [1, 3])
def test_a_fault_between_steps_shows_only_over_several(T, rng):
    params, x = lstm.init(2, 3, rng=rng), rng.normal(size=(T, 2))
    errors = gradcheck.backward_errors(lstm, params, x, rng=rng, backward=loses_dh_between_steps)
    assert (errors["c0"] > 1e-3) == (T > 1)
    assert (errors["h0"] > 1e-3) == (T > 1)
    assert max(errors[name] for name in ("params.W", "params.b", "x")) < GOOD


@pytest.mark.parametrize("one", [False, True], ids=["batch", "sequence"])
def test_every_array_of_every_cell(batch, one, rng):
    x = batch.x[:, 0] if one else batch.x
    errors = gradcheck.backward_errors(batch.cell, batch.params, x, rng=rng)
    *_, last = (f"{name}0" for name in batch.cell.STATES)
    arrays = [a for a in batch.params if a is not None]
    assert list(errors)[:2] == ["params.W", "params.b"]
    assert list(errors)[len(arrays)] == "x"
    assert list(errors)[-1] == last
    assert max(errors.values()) < GOOD


def test_a_cell_is_wanted():
    with pytest.raises(TypeError, match=r"cell must be a cell, .*got 'lstm'"):
        gradcheck.backward_errors("lstm", None, np.ones((3, 2)), rng=np.random.default_rng(0))
