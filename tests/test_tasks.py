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


def read(x):
    """Return the symbols of one-hot inputs."""
    assert set(np.unique(x)) <= {0, 1}
    return x.argmax(axis=-1)


# Adding


@pytest.mark.parametrize("T", [2, 3, 7, 20])
def test_adding_marks_one_step_in_each_half(T, rng):
    x = tasks.adding(T, 500, rng=rng).x
    values, marks = x[..., 0], x[..., 1]
    assert x.shape == (T, 500, 2)
    assert set(np.unique(marks)) <= {0, 1}
    np.testing.assert_array_equal(marks[: T // 2].sum(axis=0), 1)
    np.testing.assert_array_equal(marks[T // 2 :].sum(axis=0), 1)
    assert marks.any(axis=1).all()  # no step is never marked
    assert 0 <= values.min() < 0.01 < 0.99 < values.max() < 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_adding_asks_for_the_sum_of_the_marked_values(dtype, rng):
    x, y, *_ = tasks.adding(9, 50, rng=rng, dtype=dtype)
    assert x.dtype == y.dtype == dtype
    assert y.shape == (50, 1)
    expected = [x[marks == 1, b, 0].sum() for b, marks in enumerate(x[..., 1].T)]
    np.testing.assert_array_equal(y[:, 0], np.array(expected))


def test_adding_draws_marks_and_values_independently(rng):
    x, y, *_ = tasks.adding(6, DRAWS, rng=rng)
    first, second = x[:3, :, 1].argmax(axis=0), x[3:, :, 1].argmax(axis=0)
    correlations = np.corrcoef([first, second, y[:, 0]]) - np.eye(3)
    assert np.abs(correlations).max() < 5 / np.sqrt(DRAWS)
    for step in (first, second):
        share = np.bincount(step, minlength=3) / DRAWS
        np.testing.assert_allclose(share, 1 / 3, atol=5 / np.sqrt(DRAWS))


def test_the_baseline_is_the_integral_of_the_square():
    """The density of the sum of two uniform numbers is a triangle on [0, 2]."""
    s = np.polynomial.Polynomial([0, 1])
    half = (s * (s - 1) ** 2).integ()  # the density is s up to 1, then its mirror
    integral = 2 * (half(1) - half(0))
    assert integral == pytest.approx(tasks.ADDING_BASELINE, rel=1e-15)


def test_the_baseline_is_what_the_best_guess_costs(rng):
    y = tasks.adding(10, DRAWS, rng=rng).y
    costs = {guess: np.mean((y - guess) ** 2) for guess in (0.9, 1.0, 1.1)}
    assert costs[1.0] == pytest.approx(tasks.ADDING_BASELINE, rel=SAMPLING)
    assert min(costs, key=costs.get) == 1.0


def test_knowing_one_of_the_two_halves_the_error(rng):
    x, y, *_ = tasks.adding(10, DRAWS, rng=rng)
    second = (x[5:, :, 0] * x[5:, :, 1]).sum(axis=0)
    error = np.mean((y[:, 0] - second - 0.5) ** 2)
    assert error == pytest.approx(tasks.ADDING_BASELINE / 2, rel=SAMPLING)


# Copying


@pytest.mark.parametrize("T", [1, 2, 7])
def test_copying_asks_for_the_symbols_in_their_order(T, rng):
    x, y, classes = tasks.copy_memory(T, 200, rng=rng)
    assert x.shape == (T + 20, 200, 10)
    assert (y.shape, classes) == ((T + 20, 200), 9)
    symbols = read(x)
    np.testing.assert_array_equal(y[-10:], symbols[:10])
    assert (y[:-10] == 8).all()
    assert set(np.unique(symbols[:10])) == set(range(8))
    # T steps between the last symbol and the first answer, the delimiter the last of them
    assert (symbols[10 : T + 9] == 8).all()
    assert (symbols[T + 9] == 9).all()
    assert (symbols[T + 10 :] == 8).all()


def test_copied_symbols_are_uniform_and_independent(rng):
    shown = read(tasks.copy_memory(1, DRAWS, rng=rng).x)[:10]
    pairs = 8 * shown[:-1] + shown[1:]
    for step, many in ((shown, 8), (pairs, 64)):
        for row in step:
            share = np.bincount(row, minlength=many) / DRAWS
            error = 5 * np.sqrt(1 / many / DRAWS)
            np.testing.assert_allclose(share, 1 / many, atol=error)


@pytest.mark.parametrize(("T", "published"), [(100, 0.1733), (500, 0.0400), (2000, 0.0103)])
def test_the_baseline_of_copying_is_that_of_the_paper(T, published):
    assert round(tasks.copy_memory_baseline(T), 4) == published


def test_the_baseline_of_copying_is_what_the_best_shares_cost(rng):
    """The shares that a first half of the draws has at each step, on the second."""
    y = tasks.copy_memory(5, DRAWS, rng=rng).y
    seen, asked = np.split(y, 2, axis=1)
    shares = np.array([np.bincount(row, minlength=9) for row in seen])
    chosen = np.take_along_axis(shares / seen.shape[1], asked, axis=1)
    cost = -np.log(chosen).mean()
    assert cost == pytest.approx(tasks.copy_memory_baseline(5), rel=SAMPLING)


# What all have in common

TASKS = {"adding": tasks.adding, "copy memory": tasks.copy_memory}
ALL = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)


@ALL
def test_draws_are_seeded(task):
    first, second, other = (task(12, 30, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.x, second.x)
    np.testing.assert_array_equal(first.y, second.y)
    assert not np.array_equal(first.x, other.x)


@ALL
def test_the_dtype_is_that_of_the_inputs_and_changes_no_draw(task):
    wide, narrow = (
        task(12, 30, rng=np.random.default_rng(1), dtype=dtype) for dtype in (np.float64, "float32")
    )
    assert (wide.x.dtype, narrow.x.dtype) == (np.float64, np.float32)
    np.testing.assert_allclose(wide.x, narrow.x, rtol=1e-6)
    np.testing.assert_allclose(wide.y, narrow.y, rtol=1e-6)


@ALL
def test_a_batch_says_how_it_is_answered(task, rng):
    batch = task(12, 30, rng=rng)
    T, B = batch.x.shape[:2]
    answers = (T, B) if batch.every_step else (B,)
    numbers = (batch.outputs,) if batch.classes is None else ()
    assert batch.y.shape == answers + numbers
    if batch.classes is not None:
        assert np.issubdtype(batch.y.dtype, np.integer)
        assert set(np.unique(batch.y)) == set(range(batch.outputs))


@ALL
def test_tasks_say_what_is_wrong(task, rng):
    with pytest.raises(ValueError, match="B must be at least 1, got 0"):
        task(12, 0, rng=rng)
    with pytest.raises(TypeError, match=r"^T must be an integer, got 12\.0"):
        task(12.0, 3, rng=rng)
    with pytest.raises(TypeError, match="rng must be a numpy"):
        task(12, 3, rng=3)
    with pytest.raises(TypeError, match="dtype must be float32 or float64"):
        task(12, 3, rng=rng, dtype=int)


@pytest.mark.parametrize(
    ("task", "T", "message"),
    [
        (tasks.adding, 1, "T .* 2 steps, one for each mark, got 1"),
        (tasks.copy_memory, 0, "T must be at least 1, got 0"),
    ],
)
def test_tasks_have_a_shortest_length(task, T, message, rng):
    with pytest.raises(ValueError, match=message):
        task(T, 3, rng=rng)


def test_the_baseline_of_copying_is_of_a_length():
    with pytest.raises(ValueError, match="T must be at least 1, got 0"):
        tasks.copy_memory_baseline(0)


@pytest.mark.parametrize("shape", [(3, 2), (5, 3, 2)])
def test_answers_have_as_many_numbers_as_the_last_axis(shape):
    batch = tasks.Batch(np.zeros((5, 3, 1)), np.zeros(shape))
    assert batch.outputs == 2
