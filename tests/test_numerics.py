"""The element-wise functions: accurate, silent, and of the dtype given."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_lab.gradcheck import numerical_gradient
from lstm_lab.numerics import axis_sum, norm, outer_sum, sigmoid, sigmoid_vjp, tanh_vjp

# Of one, for a sigmoid that is computed as a tanh: an absolute error, also in the left tail.
ROUNDINGS = 1
# Central differences with a step of 1e-6, of functions whose derivatives are of order one.
DIFFERENCES = 1e-8

DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])
# Beyond these the left tail is exactly zero.
CLOSED = {np.float64: -39, np.float32: -21}


def exact_sigmoid(a):
    """Return the sigmoid of one number to 40 digits."""
    with localcontext(prec=40):
        return 1 / (1 + (-Decimal(float(a))).exp())


def grid(dtype):
    both = np.concatenate([np.linspace(-100, 100, 1401), np.linspace(-20, 20, 401)])
    return np.unique(both.astype(dtype))


@DTYPES
def test_sigmoid_is_within_a_rounding_of_one(dtype):
    a = grid(dtype)
    exact = np.array([float(exact_sigmoid(number)) for number in a])
    assert_allclose(sigmoid(a), exact, rtol=0, atol=ROUNDINGS * np.finfo(dtype).eps)


@DTYPES
def test_the_left_tail_of_the_sigmoid_is_exactly_zero(dtype):
    a = np.array([CLOSED[dtype], 2 * CLOSED[dtype], -100], dtype)
    assert_array_equal(sigmoid(a), 0)
    assert np.all(sigmoid(-a) == 1)
    assert sigmoid(a[0] / 2) > 0


@DTYPES
def test_sigmoid_is_silent_at_any_size(dtype):
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
    assert np.all(steps[np.abs(grid(dtype)[1:]) < 10] > 0)


@DTYPES
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1,), (2, 3)], ids=str)
def test_shape_and_dtype_are_kept(dtype, shape):
    a = np.full(shape, -0.5, dtype)
    for result in (sigmoid(a), sigmoid_vjp(a, a), tanh_vjp(a, a)):
        assert result.shape == shape
        assert result.dtype == dtype
    assert np.all(a == -0.5)


@pytest.mark.parametrize(
    ("function", "vjp"), [(sigmoid, sigmoid_vjp), (np.tanh, tanh_vjp)], ids=["sigmoid", "tanh"]
)
def test_vjp_is_that_of_differences(function, vjp, rng):
    a, weight = rng.normal(size=(2, 3, 4))
    numeric = numerical_gradient(lambda at: float(np.vdot(weight, function(at))), a)
    assert_allclose(vjp(weight, function(a)), numeric, rtol=0, atol=DIFFERENCES)


@pytest.mark.parametrize("shape", [(), (5,), (5, 3)], ids=str)
def test_sums_over_leading_axes(shape, rng):
    da, inputs = rng.normal(size=(*shape, 2)), rng.normal(size=(*shape, 4))
    rows = list(zip(da.reshape(-1, 2), inputs.reshape(-1, 4), strict=True))
    assert_allclose(outer_sum(da, inputs), sum(np.outer(a, b) for a, b in rows), atol=1e-13)
    assert_allclose(axis_sum(da), sum(a for a, _ in rows), atol=1e-13)


@DTYPES
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_the_norm_is_that_of_numpy(dtype, axis, rng):
    values = rng.normal(size=(5, 7)).astype(dtype)
    found = norm(values, axis)
    assert found.dtype == dtype
    # Sums of 35 squares, in another order.
    assert_allclose(found, np.linalg.norm(values, axis=axis), rtol=8 * np.finfo(dtype).eps)


@DTYPES
def test_the_norm_neither_overflows_nor_underflows(dtype):
    info = np.finfo(dtype)
    with np.errstate(all="raise"):
        for size in (info.smallest_subnormal, info.tiny, 1, info.max / 8):
            values = np.array([[3, 0], [0, -4]], dtype) * dtype(size)
            assert norm(values) == dtype(5) * dtype(size)
            assert_array_equal(norm(values, 1), np.abs(values).max(axis=1))
        assert norm(np.full(2, info.max)) == np.inf
    assert_array_equal(norm(np.zeros((2, 3), dtype), -1), [0, 0])
    assert norm(np.empty(0, dtype)) == 0


def test_the_norm_of_what_is_not_finite_is_not():
    values = np.array([[np.nan, 1], [np.inf, 1], [np.nan, np.inf], [3, 4]])
    assert_array_equal(norm(values, 1), [np.nan, np.inf, np.nan, 5])
    assert np.isnan(norm(values))
