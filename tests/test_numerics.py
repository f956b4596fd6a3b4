"""The element-wise functions: exact at every size of argument, silent, and of the dtype given."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_lab.gradcheck import numerical_gradient
from lstm_lab.numerics import (
    axis_sum,
    outer_sum,
    sigmoid,
    sigmoid_vjp,
    tanh_vjp,
)

# One exponential, one sum and one quotient, each right to about one rounding.
ROUNDINGS = 4
# Central differences with a step of 1e-6, of functions whose derivatives are of order one.
DIFFERENCES = 1e-8

DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])
# Where the result is a normal number, and where it underflows to subnormals or saturates.
REACH = {np.float64: 700, np.float32: 100}


def exact_sigmoid(a):
    """Return the sigmoid of one number to 40 digits."""
    with localcontext(prec=40):
        return 1 / (1 + (-Decimal(float(a))).exp())


def grid(dtype):
    reach = REACH[dtype]
    both = np.concatenate(
        [np.linspace(-reach, reach, 1401), np.linspace(-20, 20, 401)]
    )
    return np.unique(both.astype(dtype))


@DTYPES
def test_sigmoid_is_accurate_in_both_tails(dtype):
    a = grid(dtype)
    exact = np.array([float(exact_sigmoid(number)) for number in a])
    info = np.finfo(dtype)
    # An absolute error of one subnormal is all that a subnormal result can promise.
    assert_allclose(
        sigmoid(a),
        exact,
        rtol=ROUNDINGS * info.eps,
        atol=float(info.smallest_subnormal),
    )


@DTYPES
def test_sigmoid_is_exact_and_silent_at_any_size(dtype):
    a = np.array([-np.inf, -1e30, -1e4, 0, 1e4, 1e30, np.inf], dtype)
    with np.errstate(all="raise"):
        gate = sigmoid(a)
        everywhere = sigmoid(np.linspace(-1e4, 1e4, 20001, dtype=dtype))
    assert_array_equal(gate, [0, 0, 0, 0.5, 1, 1, 1])
    assert np.all((everywhere >= 0) & (everywhere <= 1))
    assert np.isnan(sigmoid(np.array(np.nan, dtype)))


@DTYPES
def test_sigmoid_never_falls(dtype):
    steps = np.diff(sigmoid(grid(dtype)))
    assert np.all(steps >= 0)
    assert np.all(steps[grid(dtype)[1:] < 10] > 0)


@DTYPES
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1,), (2, 3)], ids=str)
def test_shape_and_dtype_are_kept(dtype, shape):
    a = np.full(shape, -0.5, dtype)
    for result in (sigmoid(a), sigmoid_vjp(a, a), tanh_vjp(a, a)):
        assert result.shape == shape
        assert result.dtype == dtype
    assert np.all(a == -0.5)


@pytest.mark.parametrize(
    ("function", "vjp"),
    [(sigmoid, sigmoid_vjp), (np.tanh, tanh_vjp)],
    ids=["sigmoid", "tanh"],
)
def test_vjp_is_that_of_differences(function, vjp, rng):
    a, weight = rng.normal(size=(2, 3, 4))
    numeric = numerical_gradient(
        lambda at: float(np.vdot(weight, function(at))), a
    )
    assert_allclose(vjp(weight, function(a)), numeric, rtol=0, atol=DIFFERENCES)


@pytest.mark.parametrize("shape", [(), (5,), (5, 3)], ids=str)
def test_sums_over_leading_axes(shape, rng):
    da, inputs = rng.normal(size=(*shape, 2)), rng.normal(size=(*shape, 4))
    rows = list(zip(da.reshape(-1, 2), inputs.reshape(-1, 4), strict=True))
    assert_allclose(
        outer_sum(da, inputs), sum(np.outer(a, b) for a, b in rows), atol=1e-13
    )
    assert_allclose(axis_sum(da), sum(a for a, _ in rows), atol=1e-13)
