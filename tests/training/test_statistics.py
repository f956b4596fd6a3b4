"""Intervals of shares and medians, against tables and by simulation."""

import numpy as np
import pytest

from lstm_lab import training


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 5, 0.0, 0.4345), (5, 5, 0.5655, 1.0), (3, 10, 0.1078, 0.6032)],
)
def test_the_interval_of_wilson(successes, n, low, high):
    rate = training.wilson_interval(successes, n)
    assert rate == pytest.approx((successes / n, low, high), abs=5e-5)


@pytest.mark.parametrize("n", [11, 50, 1000])
def test_no_interval_goes_beyond_one(n):
    """Rounding alone would take these there."""
    assert training.wilson_interval(n, n).high == 1
    assert training.wilson_interval(0, n).low >= 0


@pytest.mark.parametrize(
    ("successes", "n", "error", "message"),
    [
        (-1, 5, ValueError, "successes must be from 0 to 5, got -1"),
        (6, 5, ValueError, "successes must be from 0 to 5, got 6"),
        (0, 0, ValueError, "n must be at least 1, got 0"),
        (2.5, 5, TypeError, "successes must be an integer, got 2.5"),
        (True, 5, TypeError, "successes must be an integer, got True"),
    ],
)
def test_counts_that_cannot_be(successes, n, error, message):
    with pytest.raises(error, match=message):
        training.wilson_interval(successes, n)


@pytest.mark.parametrize(("n", "low", "high"), [(6, 1, 6), (9, 2, 8), (10, 2, 9), (20, 6, 15)])
def test_the_interval_of_a_median_is_that_of_the_sign_test(n, low, high):
    """The ranks are those of the usual tables."""
    values = np.random.default_rng(0).permutation(np.arange(1, n + 1))
    assert training.median_interval(values) == ((n + 1) / 2, low, high)


def test_the_interval_of_a_median_covers_it():
    rng = np.random.default_rng(0)
    draws = rng.exponential(size=(4000, 10))
    found = [training.median_interval(draw) for draw in draws]
    covered = np.mean([low < np.log(2) < high for _, low, high in found])
    assert 0.95 < covered < 0.99


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, 2, 3, 4, 5], r"values must be six .*, got \[1, 2, 3, 4, 5\]"),
        (np.ones((3, 4)), r"six or more numbers in one row, got \[\[1"),
        ([1, 2, 3, 4, 5, np.nan], r"values must be .*, got .*nan\]"),
    ],
)
def test_values_without_such_an_interval_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        training.median_interval(values)
