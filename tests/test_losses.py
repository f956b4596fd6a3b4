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
    np.testing.assert_array_equal(losses.mean_squared_error_grad(prediction, target), [[-3.0, 2.0]])


def test_the_gradient_is_that_of_differences(pair):
    prediction, target = pair
    (error,) = relative_errors(
        losses.mean_squared_error_grad(prediction, target),
        numerical_gradient(lambda point: losses.mean_squared_error(point, target), prediction),
    ).values()
    assert error < GRADIENT_ERROR


def test_dtype_stays_and_arguments_are_only_read(pair):
    pair = [array.astype(np.float32) for array in pair]
    before = [array.copy() for array in pair]
    assert losses.mean_squared_error_grad(*pair).dtype == np.float32
    losses.mean_squared_error(*pair)
    np.testing.assert_array_equal(pair, before)


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.bool_])
def test_the_gradient_has_the_dtype_of_the_predictions(pair, dtype):
    prediction, target = pair[0].astype(np.float32), (pair[1] > 0).astype(dtype)
    gradient = losses.mean_squared_error_grad(prediction, target)
    assert gradient.dtype == np.float32
    same = target.astype(np.float32)
    np.testing.assert_array_equal(gradient, losses.mean_squared_error_grad(prediction, same))
    assert losses.mean_squared_error(prediction, target) == losses.mean_squared_error(
        prediction, same
    )
    right = np.zeros(len(prediction), int)
    gradient = losses.cross_entropy_grad(prediction, right)
    assert gradient.dtype == np.float32


@pytest.mark.parametrize("shape", [(0, 2), (3, 0)])
def test_no_answers_have_no_loss(shape):
    nothing = np.empty(shape)
    classes = np.empty(shape[0], int)
    for function, target in (
        (losses.mean_squared_error, nothing),
        (losses.mean_squared_error_grad, nothing),
        (losses.cross_entropy, classes),
        (losses.cross_entropy_grad, classes),
    ):
        with pytest.raises(ValueError, match="at least one answer, got shape"):
            function(nothing, target)


def test_classes_may_be_a_list():
    logits = np.eye(3)
    assert losses.cross_entropy(logits, [0, 1, 2]) == losses.cross_entropy(logits, np.arange(3))


def test_what_is_not_finite_stays_so(pair):
    prediction, target = pair
    prediction[1, 1] = np.nan
    assert np.isnan(losses.mean_squared_error(prediction, target))


@pytest.mark.parametrize("loss", [losses.mean_squared_error, losses.mean_squared_error_grad])
def test_shapes_that_would_broadcast_are_refused(loss):
    with pytest.raises(ValueError, match=r"one shape, got \(4, 1\) and \(4,\)"):
        loss(np.ones((4, 1)), np.ones(4))


# Cross-entropy


@pytest.fixture
def classified():
    rng = np.random.default_rng(0)
    return rng.normal(size=(4, 2, 3)), rng.integers(0, 3, (4, 2))


def test_cross_entropy_by_hand():
    logits = np.log([[1.0, 2.0, 1.0], [6.0, 3.0, 1.0]])
    target = np.array([1, 2])
    loss = losses.cross_entropy(logits, target)
    assert type(loss) is float
    assert loss == pytest.approx((np.log(2) + np.log(10)) / 2, rel=1e-15)
    np.testing.assert_allclose(
        losses.cross_entropy_grad(logits, target),
        [[0.125, -0.25, 0.125], [0.3, 0.15, -0.45]],
        rtol=1e-15,
    )


def test_equal_logits_cost_the_logarithm_of_the_classes():
    for classes in (1, 2, 9):
        logits, target = np.full((5, classes), 7.0), np.zeros(5, int)
        loss = losses.cross_entropy(logits, target)
        assert loss == pytest.approx(np.log(classes), rel=1e-15)


def test_the_gradient_of_cross_entropy_is_that_of_differences(classified):
    logits, target = classified
    (error,) = relative_errors(
        losses.cross_entropy_grad(logits, target),
        numerical_gradient(lambda point: losses.cross_entropy(point, target), logits),
    ).values()
    assert error < GRADIENT_ERROR


def test_only_differences_of_logits_count(classified):
    logits, target = classified
    # Sums with 1024 lose ten bits.
    expected = losses.cross_entropy(logits, target)
    moved = losses.cross_entropy(logits + 1024.0, target)
    assert moved == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_huge_logits_neither_overflow_nor_warn(dtype):
    size = dtype(1e30)
    logits = np.array([[size, -size], [-size, size]])
    sure, wrong = np.array([0, 1]), np.array([1, 0])
    with np.errstate(all="raise"):
        assert losses.cross_entropy(logits, sure) == 0
        gradient = losses.cross_entropy_grad(logits, sure)
        np.testing.assert_array_equal(gradient, 0)
        cost = losses.cross_entropy(logits, wrong)
        assert cost == pytest.approx(2e30, rel=1e-6)
        gradient = losses.cross_entropy_grad(logits, wrong)
        np.testing.assert_array_equal(gradient, [[0.5, -0.5], [-0.5, 0.5]])
    assert gradient.dtype == dtype


def test_answers_of_another_size_have_no_influence():
    logits = np.array([[0.0, 0.0], [2000.0, 0.0]])
    cost = losses.cross_entropy(logits, np.array([0, 0]))
    assert cost == pytest.approx(np.log(2) / 2, rel=1e-15)


def test_small_shares_keep_their_digits():
    """The wrong class is rare: 1 - p would round to nothing."""
    logits, target = np.array([[40.0, 0.0]]), np.array([0])
    assert losses.cross_entropy_grad(logits, target)[0, 1] == pytest.approx(np.exp(-40), rel=1e-14)


def test_the_loss_bounds_the_share_of_errors(classified):
    logits, target = classified
    errors = np.mean(logits.argmax(axis=-1) != target)
    assert 0 < errors <= losses.cross_entropy(logits, target) / np.log(2)


def test_cross_entropy_keeps_the_dtype_and_only_reads(classified):
    logits, target = classified
    logits = logits.astype(np.float32)
    before = logits.copy(), target.copy()
    losses.cross_entropy(logits, target)
    gradient = losses.cross_entropy_grad(logits, target)
    assert gradient.dtype == np.float32
    np.testing.assert_array_equal(logits, before[0])
    np.testing.assert_array_equal(target, before[1])


def test_logits_that_are_not_finite_stay_so(classified):
    logits, target = classified
    logits[1, 1, 1] = np.nan
    assert np.isnan(losses.cross_entropy(logits, target))


@pytest.mark.parametrize(
    ("logits", "target", "error", "message"),
    [
        ((4, 3), np.zeros((4, 1), int), ValueError, r"\(4, 3\) and \(4, 1\)"),
        ((4, 3), np.zeros((4, 3), int), ValueError, r"\(4, 3\) and \(4, 3\)"),
        ((4, 3), np.zeros(4), TypeError, "integers, got dtype float64"),
        ((2, 3), np.array([0, 3]), ValueError, "from 0 to 2, got 3"),
        ((2, 3), np.array([-1, 0]), ValueError, "from 0 to 2, got -1"),
    ],
)
@pytest.mark.parametrize("loss", [losses.cross_entropy, losses.cross_entropy_grad])
def test_targets_are_classes(loss, logits, target, error, message):
    with pytest.raises(error, match=message):
        loss(np.ones(logits), target)
