"""The optimizers: single steps by hand, whole paths in closed form, one suite for all."""

from dataclasses import FrozenInstanceError, fields
from typing import NamedTuple

import numpy as np
import pytest

from lstm_lab import gru, optim, tree
from lstm_lab.numerics import Array

ROUNDING = 1e-12  # relative, of some hundred float64 operations
LR = 0.1

OPTIMIZERS = {"sgd": optim.SGD(LR), "adam": optim.Adam(LR)}
ALL = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])


class Point(NamedTuple):
    a: Array
    rest: tuple[Array, Array | None]


def point(seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 3)), rng.normal(size=4)
    return Point(a.astype(dtype), (b.astype(dtype), None))


def path(optimizer, start, gradients):
    """Return the parameters before the first step and after each."""
    params, state = np.array(start), optimizer.init(np.array(start))
    found = [params]
    for g in gradients:
        params, state = optimizer.step(params, np.array(g), state)
        found.append(params)
    return np.array(found)


def close(actual, desired):
    np.testing.assert_allclose(actual, desired, rtol=ROUNDING)


# Steps by hand


def test_sgd_by_hand():
    close(path(optim.SGD(0.5), [1.0, -2.0], [[2.0, 4.0]])[-1], [0.0, -4.0])


def test_adam_by_hand():
    optimizer = optim.Adam(0.1, beta1=0.5, beta2=0.75, epsilon=0.5)
    # m = 1, 2; corrected by 1/2, 3/4: 2, 8/3. v = 1, 3; by 1/4, 7/16: 4, 48/7.
    found = path(optimizer, 1.0, [2.0, 3.0])
    first = 1 - 0.1 * 2 / (2 + 0.5)
    second = first - 0.1 * (8 / 3) / ((48 / 7) ** 0.5 + 0.5)
    close(found, [1.0, first, second])


# Closed forms


@pytest.mark.parametrize("g", [3.0, -1e-4])
def test_under_a_constant_gradient_each_goes_as_far_as_its_formula_says(g):
    n = np.arange(51)

    def distance(optimizer):
        return -path(optimizer, 0.0, [g] * 50)

    close(distance(optim.SGD(LR)), LR * g * n)
    # corrected for the start, the means are exactly g and g^2 from the first step on
    close(distance(optim.Adam(LR)), LR * g * n / (abs(g) + 1e-8))


@ALL
def test_a_quadratic_is_solved(optimizer):
    target, scales = point(1), np.array([1.0, 0.1])

    def grads(params):
        differences = tree.map(np.subtract, params, target)
        return differences._replace(a=differences.a * scales[:, None])

    params = point(0)
    state = optimizer.init(params)
    for _ in range(2000):
        params, state = optimizer.step(params, grads(params), state)
    distance = optim.global_norm(tree.map(np.subtract, params, target))
    # The distance of 3 shrinks by a factor each step, of about 0.99 in the slowest number.
    assert distance < 1e-4


# What all have in common


@ALL
@DTYPES
def test_structure_and_dtype_stay(optimizer, dtype):
    params, grads = point(0, dtype), point(1, dtype)
    new, state = optimizer.step(params, grads, optimizer.init(params))
    new, state = optimizer.step(new, grads, state)
    assert type(new) is Point
    assert new.rest[1] is None
    assert tree.map(np.shape, new) == tree.map(np.shape, params)
    arrays = tree.leaves((new, state)).items()
    dtypes = {leaf.dtype for name, leaf in arrays if "steps" not in name}
    assert dtypes == {np.dtype(dtype)}


@ALL
def test_hyperparameters_of_numpy_are_as_plain_ones(optimizer):
    """As ``np.logspace`` gives them; a NumPy float64 would make float64 of float32."""
    names = [field.name for field in fields(optimizer)]
    plain = {name: getattr(optimizer, name) for name in names}
    of_numpy = type(optimizer)(**{n: np.float64(plain[n]) for n in names})
    assert all(type(getattr(of_numpy, name)) is float for name in names)
    params, grads = point(0, np.float32), point(1, np.float32)
    results = [each.step(params, grads, each.init(params)) for each in (optimizer, of_numpy)]
    for a, b in zip(*(tree.leaves(r).items() for r in results), strict=True):
        assert a[0] == b[0]
        assert np.asarray(a[1]).dtype == np.asarray(b[1]).dtype
        np.testing.assert_array_equal(a[1], b[1])


@ALL
def test_gradients_of_another_dtype_leave_that_of_the_parameters(optimizer):
    params, grads = point(0, np.float32), point(1)
    state = optimizer.init(params)
    for _ in range(2):
        new, state = optimizer.step(params, grads, state)
    for name, leaf in tree.leaves((new, state)).items():
        assert "steps" in name or leaf.dtype == np.float32, name


@ALL
def test_arguments_are_only_read(optimizer):
    params, grads = point(0), point(1)
    state = optimizer.step(params, grads, optimizer.init(params))[1]
    given = [
        leaf
        for leaf in tree.leaves((params, grads, state)).values()
        if isinstance(leaf, np.ndarray)
    ]
    before = [leaf.copy() for leaf in given]
    for leaf in given:
        leaf.flags.writeable = False
    new = optimizer.step(params, grads, state)[0]
    for leaf, old in zip(given, before, strict=True):
        np.testing.assert_array_equal(leaf, old)
        for other in tree.leaves(new).values():
            assert not np.shares_memory(leaf, other)


@ALL
def test_parameters_of_an_architecture_are_such_a_tree(optimizer):
    params = gru.init(2, 3, rng=np.random.default_rng(0), reset="after")
    new, _ = optimizer.step(params, params, optimizer.init(params))
    assert type(new) is gru.Params
    assert new.reset == "after"


@ALL
def test_trees_that_differ_are_refused(optimizer):
    params = point(0)
    with pytest.raises(ValueError, match="the trees differ"):
        optimizer.step(params, params.rest, optimizer.init(params))


@ALL
def test_hyperparameters_are_frozen(optimizer):
    with pytest.raises(FrozenInstanceError):
        optimizer.learning_rate = 1.0


@pytest.mark.parametrize(
    ("hyperparameters", "error", "message"),
    [
        ({"learning_rate": 0}, ValueError, "learning_rate must be positive"),
        ({"learning_rate": np.nan}, ValueError, "learning_rate must be finite"),
        ({"learning_rate": "0.1"}, TypeError, r"a real number, got '0\.1'"),
        ({"beta1": -0.1}, ValueError, r"beta1 must be in \[0, 1\), got -0\.1"),
        ({"beta2": 1}, ValueError, r"beta2 must be in \[0, 1\), got 1"),
        ({"beta1": None}, TypeError, "beta1 must be a real number, got None"),
        ({"epsilon": 0}, ValueError, "epsilon must be positive, got 0"),
    ],
)
def test_hyperparameters_are_checked(hyperparameters, error, message):
    with pytest.raises(error, match=message):
        optim.Adam(**{"learning_rate": LR} | hyperparameters)


def test_a_learning_rate_is_positive():
    with pytest.raises(ValueError, match="learning_rate must be positive"):
        optim.SGD(-0.1)


# Norms and clipping


def test_the_norm_of_no_numbers_is_zero():
    assert optim.global_norm(()) == 0
    assert optim.clip_by_global_norm((), 1.0) == ((), 0.0)


def test_the_norm_is_that_of_all_numbers_together():
    tree_of_five = Point(np.array([[3.0, 0.0]]), (np.array([0.0, -4.0]), None))
    assert optim.global_norm(tree_of_five) == 5
    assert optim.global_norm(Point(np.zeros((0, 2)), (np.zeros(3), None))) == 0


@DTYPES
@pytest.mark.parametrize("max_norm", [0.25, 1.0])
def test_long_gradients_are_shortened_to_the_norm(max_norm, dtype):
    grads = point(0, dtype)
    clipped, norm = optim.clip_by_global_norm(grads, max_norm)
    numbers = np.concatenate([grads.a.ravel(), grads.rest[0]]).astype(float)
    rounding = 4 * float(np.finfo(dtype).eps)
    assert norm == pytest.approx(np.linalg.norm(numbers), rel=rounding)
    assert optim.global_norm(clipped) == pytest.approx(max_norm, rel=rounding)
    np.testing.assert_allclose(clipped.a, grads.a * (max_norm / norm), rtol=rounding)
    assert clipped.a.dtype == clipped.rest[0].dtype == dtype
    assert clipped.rest[1] is None


@pytest.mark.parametrize("factor", [1.0, 1.5])
@pytest.mark.parametrize("seed", range(3))
def test_short_gradients_stay_as_they_are(factor, seed):
    grads = point(seed)
    clipped, norm = optim.clip_by_global_norm(grads, factor * optim.global_norm(grads))
    assert norm == optim.global_norm(grads)
    np.testing.assert_array_equal(clipped.a, grads.a)


@DTYPES
@pytest.mark.parametrize("sign", [1, -1])
def test_huge_gradients_do_not_overflow(sign, dtype):
    huge = sign * np.finfo(dtype).max
    grads = Point(np.full((2, 2), huge, dtype), (np.zeros(2, dtype), None))
    clipped, norm = optim.clip_by_global_norm(grads, 1.0)
    np.testing.assert_allclose(clipped.a, sign / 2, rtol=1e-6)
    # twice the largest float32 is a float64; twice the largest float64 is none
    assert norm == 2 * abs(float(huge))


def test_tiny_gradients_do_not_underflow():
    tiny = np.full(4, 1e-300)
    assert optim.global_norm(tiny) == pytest.approx(2e-300, rel=ROUNDING)
    clipped, _ = optim.clip_by_global_norm(tiny, 1e-300)
    np.testing.assert_allclose(clipped, 5e-301, rtol=ROUNDING)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_gradients_that_are_not_finite_are_reported(bad):
    grads = point(0)
    grads.a[1, 1] = bad
    clipped, norm = optim.clip_by_global_norm(grads, 1.0)
    np.testing.assert_equal(norm, abs(bad))
    np.testing.assert_array_equal(clipped.a, grads.a)


@pytest.mark.parametrize("bad", [0, -1, np.inf])
def test_the_largest_norm_is_positive(bad):
    with pytest.raises(ValueError, match=f"max_norm must be .*got {bad}"):
        optim.clip_by_global_norm(point(0), bad)


def test_clipping_only_reads():
    grads = point(0)
    before = grads.a.copy()
    optim.clip_by_global_norm(grads, 0.1)
    np.testing.assert_array_equal(grads.a, before)
