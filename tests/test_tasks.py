"""The tasks: what is drawn, what is asked, and what a guess costs."""

import numpy as np
import pytest

from lstm_lab import tasks

DRAWS = 40_000
# The error of a mean of squares over DRAWS draws, relative to it: five standard errors of
# squares whose kurtosis is at most 3.
SAMPLING = 5 * np.sqrt(2 / DRAWS)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("T", [2, 3, 7, 20])
def test_adding_marks_one_step_in_each_half(T, rng):
    x, _ = tasks.adding(T, 500, rng=rng)
    values, marks = x[..., 0], x[..., 1]
    assert x.shape == (T, 500, 2)
    assert set(np.unique(marks)) <= {0, 1}
    np.testing.assert_array_equal(marks[: T // 2].sum(axis=0), 1)
    np.testing.assert_array_equal(marks[T // 2 :].sum(axis=0), 1)
    assert marks.any(axis=1).all()  # no step is never marked
    assert 0 <= values.min() < 0.01 < 0.99 < values.max() < 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_adding_asks_for_the_sum_of_the_marked_values(dtype, rng):
    x, y = tasks.adding(9, 50, rng=rng, dtype=dtype)
    assert x.dtype == y.dtype == dtype
    assert y.shape == (50, 1)
    expected = [
        x[marks == 1, b, 0].sum() for b, marks in enumerate(x[..., 1].T)
    ]
    np.testing.assert_array_equal(y[:, 0], np.array(expected))


def test_adding_draws_marks_and_values_independently(rng):
    x, y = tasks.adding(6, DRAWS, rng=rng)
    first, second = x[:3, :, 1].argmax(axis=0), x[3:, :, 1].argmax(axis=0)
    correlations = np.corrcoef([first, second, y[:, 0]]) - np.eye(3)
    assert np.abs(correlations).max() < 5 / np.sqrt(DRAWS)
    for step in (first, second):
        share = np.bincount(step, minlength=3) / DRAWS
        np.testing.assert_allclose(share, 1 / 3, atol=5 / np.sqrt(DRAWS))


def test_the_baseline_is_the_integral_of_the_square():
    """The density of the sum of two uniform numbers is a triangle on [0, 2]."""
    s = np.polynomial.Polynomial([0, 1])
    half = (
        s * (s - 1) ** 2
    ).integ()  # the density is s up to 1, then its mirror
    integral = 2 * (half(1) - half(0))
    assert integral == pytest.approx(tasks.ADDING_BASELINE, rel=1e-15)


def test_the_baseline_is_what_the_best_guess_costs(rng):
    _, y = tasks.adding(10, DRAWS, rng=rng)
    costs = {guess: np.mean((y - guess) ** 2) for guess in (0.9, 1.0, 1.1)}
    assert costs[1.0] == pytest.approx(tasks.ADDING_BASELINE, rel=SAMPLING)
    assert min(costs, key=costs.get) == 1.0


def test_knowing_one_of_the_two_halves_the_error(rng):
    x, y = tasks.adding(10, DRAWS, rng=rng)
    second = (x[5:, :, 0] * x[5:, :, 1]).sum(axis=0)
    error = np.mean((y[:, 0] - second - 0.5) ** 2)
    assert error == pytest.approx(tasks.ADDING_BASELINE / 2, rel=SAMPLING)


def test_adding_is_seeded():
    first, second, other = (
        tasks.adding(5, 3, rng=np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.x, second.x)
    np.testing.assert_array_equal(first.y, second.y)
    assert not np.array_equal(first.x, other.x)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"T": 1}, ValueError, "T must be at least 2 steps.*got 1"),
        ({"T": 2.0}, TypeError, "T must be an integer, got 2.0"),
        ({"B": 0}, ValueError, "B must be at least 1, got 0"),
        ({"rng": 3}, TypeError, "rng must be a numpy.random.Generator, got 3"),
        ({"dtype": int}, TypeError, "dtype must be float32 or float64"),
    ],
)
def test_adding_says_what_is_wrong(changes, error, message, rng):
    arguments = {"T": 4, "B": 3, "rng": rng} | changes
    with pytest.raises(error, match=message):
        tasks.adding(**arguments)
