"""The losses: their values by hand, their gradients by differences."""

import numpy as np
import pytest

from lstm_lab import losses
from lstm_lab.gradcheck import numerical_gradient, relative_errors

GRADIENT_ERROR = 1e-7  # central differences in float64 of a loss of order one


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return rng.normal(size=(4, 3)), rng.normal(size=(4, 3))


def test_mean_squared_error_by_hand():
    prediction, target = np.array([[1.0, 2.0]]), np.array([[4.0, 0.0]])
    loss = losses.mean_squared_error(prediction, target)
    assert type(loss) is float
    assert loss == (9 + 4) / 2
    np.testing.assert_array_equal(
        losses.mean_squared_error_vjp(1.0, prediction, target), [[-3.0, 2.0]]
    )


def test_the_gradient_is_that_of_differences(pair):
    prediction, target = pair

    def scaled(point):
        return 2.5 * losses.mean_squared_error(point, target)

    (error,) = relative_errors(
        losses.mean_squared_error_vjp(2.5, prediction, target),
        numerical_gradient(scaled, prediction),
    ).values()
    assert error < GRADIENT_ERROR


def test_dtype_stays_and_arguments_are_only_read(pair):
    pair = [array.astype(np.float32) for array in pair]
    before = [array.copy() for array in pair]
    assert losses.mean_squared_error_vjp(1.0, *pair).dtype == np.float32
    losses.mean_squared_error(*pair)
    np.testing.assert_array_equal(pair, before)


def test_what_is_not_finite_stays_so(pair):
    prediction, target = pair
    prediction[1, 1] = np.nan
    assert np.isnan(losses.mean_squared_error(prediction, target))


@pytest.mark.parametrize(
    "loss",
    [
        losses.mean_squared_error,
        lambda *pair: losses.mean_squared_error_vjp(1.0, *pair),
    ],
)
def test_shapes_that_would_broadcast_are_refused(loss):
    with pytest.raises(ValueError, match=r"one shape, got \(4, 1\) and \(4,\)"):
        loss(np.ones((4, 1)), np.ones(4))
