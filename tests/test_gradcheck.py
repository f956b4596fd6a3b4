"""The gradient check itself: right on known gradients, and able to say no."""

from typing import NamedTuple

import numpy as np
import pytest

from lstm_lab import gradcheck, gru, lstm, rnn
from lstm_lab.numerics import Array

GOOD = 1e-7  # central differences in float64 of losses of order one


class Point(NamedTuple):
    a: Array
    rest: tuple[Array, Array | None]


def point():
    rng = np.random.default_rng(0)
    return Point(rng.normal(size=(2, 3)), (rng.normal(size=4), None))


def test_gradient_of_a_known_function():
    at = point()
    numeric = gradcheck.numerical_gradient(
        lambda p: float(np.sum(p.a**3) + np.sum(np.sin(p.rest[0]))), at
    )
    exact = Point(3 * at.a**2, (np.cos(at.rest[0]), None))
    errors = gradcheck.relative_errors(exact, numeric)
    assert list(errors) == ["a", "rest.0"]
    assert max(errors.values()) < GOOD


def test_a_single_array_is_a_tree():
    numeric = gradcheck.numerical_gradient(lambda a: float(a @ a), np.ones(3))
    np.testing.assert_allclose(numeric, 2, rtol=GOOD)


def test_the_point_is_left_as_it_was():
    at, before = point(), point()
    at.a.flags.writeable = False
    gradcheck.numerical_gradient(lambda p: float(p.a.sum()), at)
    np.testing.assert_array_equal(at.a, before.a)


def test_float32_is_refused():
    at = point()._replace(a=np.ones(2, np.float32))
    with pytest.raises(
        TypeError, match=r"a must have dtype float64.*got float32"
    ):
        gradcheck.numerical_gradient(lambda point: float(point.a.sum()), at)
    with pytest.raises(TypeError, match=r"^at must have dtype float64"):
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


def test_no_numbers_are_not_alike():
    for nothing in ((), (None,)):
        with pytest.raises(ValueError, match="nothing to compare: no gradient"):
            gradcheck.relative_errors(nothing, nothing)
    empty = (np.ones(2), np.empty((0, 3)))
    with pytest.raises(
        ValueError, match=r"nothing to compare in 1, .*\(0, 3\)"
    ):
        gradcheck.relative_errors(empty, empty)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["W", "b"])
def test_a_gradient_that_is_not_finite_is_seen_wherever_it_is(value, name):
    """As chapters ask: Python's max overlooks a NaN that does not come first."""

    def broken(params, trace, *cotangents):
        grads = lstm.backward(params, trace, *cotangents)
        leaf = getattr(grads.params, name).copy()
        leaf[-1] = value
        return grads._replace(params=grads.params._replace(**{name: leaf}))

    rng = np.random.default_rng(0)
    params = lstm.init(2, 3, rng=rng)
    errors = gradcheck.backward_errors(
        lstm, params, rng.normal(size=(4, 2)), rng=rng, backward=broken
    )
    assert max(errors.values()) == np.inf


def test_gradients_of_different_shape_are_no_gradients_of_the_same_array():
    with pytest.raises(ValueError, match=r"\(2,\) against \(2, 1\)"):
        gradcheck.relative_errors(np.ones(2), np.ones((2, 1)))


def overwrites_dh_before_its_use(params, trace, dh, dh_T, dc_T):
    """Backpropagate with the gradient of c taken from the wrong step's h."""
    grads = lstm.backward(params, trace, dh, dh_T, dc_T)
    if len(trace.x) == 1:
        return grads
    first = lstm.Trace(
        *(a[:n] for a, n in zip(trace, (1, 2, 2, 1), strict=True))
    )
    rest = lstm.Trace(*(a[1:] for a in trace))
    later = lstm.backward(params, rest, dh[1:], dh_T, dc_T)
    wrong = lstm.backward(
        params, first, dh[:1], None, later.c0
    )  # dh_1 from later is lost
    return grads._replace(h0=wrong.h0, c0=wrong.c0)


@pytest.mark.parametrize("T", [1, 3])
def test_a_fault_between_steps_shows_only_over_several(T):
    rng = np.random.default_rng(0)
    params, x = lstm.init(2, 3, rng=rng), rng.normal(size=(T, 2))
    errors = gradcheck.backward_errors(
        lstm, params, x, rng=rng, backward=overwrites_dh_before_its_use
    )
    assert (errors["c0"] > 1e-3) == (T > 1)
    assert (errors["h0"] > 1e-3) == (T > 1)
    assert max(errors[name] for name in ("params.W", "params.b", "x")) < GOOD


@pytest.mark.parametrize("arch", [rnn, lstm, gru])
@pytest.mark.parametrize("shape", [(4, 2), (4, 3, 2)])
def test_every_array_of_every_architecture(arch, shape):
    rng = np.random.default_rng(1)
    params, x = arch.init(2, 3, rng=rng), rng.normal(size=shape)
    errors = gradcheck.backward_errors(arch, params, x, rng=rng)
    states = [f"{name}0" for name in arch.STATES]
    assert list(errors) == ["params.W", "params.b", "x", *states]
    assert max(errors.values()) < GOOD
