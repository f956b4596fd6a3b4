"""Products of Jacobians against differences, closed forms, and the same products in parts."""

import numpy as np
import pytest

from lstm_lab import jacobians, lstm, rnn, sequence
from lstm_lab.initialization import orthogonal
from lstm_lab.jacobians import Cotangents

EXACT = 1e-12  # float64, relative, of some hundred operations
DIFFERENCES = 1e-8  # central ones with a step of 1e-6: its square, and eps / step
LOGARITHMS = 1e-10  # decimal, absolute: a thousand factors, each rounded
SWEEPS_END = 1e-8  # of decimal logarithms: the sweeps end at changes below 1e-9


@pytest.fixture
def trace(batch):
    """Return the trace of one sequence, from states that are not zero."""
    initial = (state[0] for state in batch.initial)
    return sequence.forward(batch.cell, batch.params, batch.x[:, 0], *initial)


def states(trace, t):
    return [state[t] for state in trace.states.values()]


def part(trace, start, stop=None):
    """Return the trace of some steps, run again."""
    cell, x = trace.cell, trace.x[start:stop]
    return sequence.forward(cell, trace.params, x, *states(trace, start))


def haar(size, seed):
    return orthogonal(size, size, np.random.default_rng(seed))


def linear_rnn(U, T):
    """Return the trace of an RNN whose state stays zero, where the slope of tanh is one."""
    H = len(U)
    params = rnn.Params(np.hstack([np.zeros((H, 1)), U]), np.zeros(H))
    return sequence.forward(rnn, params, np.zeros((T, 1)))


def with_values_of(log10_values, seed):
    """Return K Jacobians whose product has known singular values, of any size.

    J_k = Q_{k+1} D_k Q_k^T telescopes. The entries of every D_k are in descending order, so
    that rounding, which mixes directions, only ever adds a little to what is larger anyway.
    """
    K, S = log10_values.shape
    bases = [haar(S, [seed, k]) for k in range(K + 1)]
    factors = zip(bases, bases[1:], 10**log10_values, strict=False)
    return np.stack([after @ np.diag(row) @ before.T for before, after, row in factors])


# Cotangents


@pytest.mark.parametrize("exponents", [(0, 1), (-5000, 5000)])
def test_balancing_changes_no_bit(exponents, rng):
    sizes = 10.0 ** rng.uniform(-140, 140, (40, 1))  # between cotangents
    spread = 10.0 ** rng.uniform(-140, 0, (2, 40, 6))  # within one
    values = tuple(rng.normal(size=(2, 40, 6)) * sizes * spread)
    exponent = rng.integers(*exponents, 40)
    balanced, shifted = Cotangents(values, exponent).balanced()
    largest = np.max(np.abs(balanced), axis=(0, 2))
    assert ((largest >= 0.5) & (largest < 1)).all()
    for before, after in zip(values, balanced, strict=True):
        back = np.ldexp(after, (shifted - exponent)[:, None])
        np.testing.assert_array_equal(back, before)


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1.0, 1.7e308])
def test_balancing_at_the_ends_of_the_number_line(size):
    one = Cotangents((np.array([size, 0.0]),), np.array(3))
    (balanced,), exponent = one.balanced()
    assert 0.5 <= balanced[0] < 1
    assert np.ldexp(balanced[0], exponent - 3) == size


def test_cotangents_of_zeros_stay_as_they_are():
    zeros = Cotangents((np.zeros((2, 3)),) * 2, np.array([0, -700]))
    states, exponent = zeros.balanced()
    assert not np.any(states)
    np.testing.assert_array_equal(exponent, zeros.exponent)
    np.testing.assert_array_equal(zeros.log10_norms(), -np.inf)


def test_values_of_cotangents():
    states = (np.array([[0.5, -0.75]] * 3), np.array([[0.625, 0.0]] * 3))
    h, c = Cotangents(states, np.array([3, -2000, 2000])).values()
    np.testing.assert_array_equal(h, [[4, -6], [0, 0], [np.inf, -np.inf]])
    np.testing.assert_array_equal(c[:2], [[5, 0], [0, 0]])


@pytest.mark.parametrize("exponent", [0, -3000, 3000])
@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_norms_are_over_all_states(exponent, size):
    h, c = size * np.array([[3.0, 0.0]]), size * np.array([[0.0, 4.0]])
    found = Cotangents((h, c), np.array([exponent])).log10_norms()
    expected = np.log10(5 * size) + exponent * np.log10(2)
    np.testing.assert_allclose(found, [expected], rtol=EXACT, atol=EXACT)


# Pulling back


def test_pull_back_passes_where_backward_does(batch):
    """Every lag is a backward pass over the last steps, from the states before them."""
    trace = sequence.forward(batch.cell, batch.params, batch.x, *batch.initial)
    pulled = list(jacobians.pull_back(trace, *batch.dlast))
    T = len(batch.x)
    assert len(pulled) == T + 1
    np.testing.assert_array_equal(pulled[0].values(), batch.dlast)
    for lag in range(1, T + 1):
        last_steps = part(trace, T - lag)
        _, _, *expected = sequence.backward(last_steps, None, *batch.dlast)
        np.testing.assert_allclose(pulled[lag].values(), expected, rtol=EXACT, atol=EXACT)


def test_pull_back_multiplies_step_jacobians(trace):
    steps = jacobians.step_jacobians(trace)
    product = np.eye(steps.shape[-1])
    rows = np.split(product, len(trace.states), axis=-1)
    pulled = jacobians.pull_back(trace, *rows)
    next(pulled)
    for step, cotangents in zip(steps[::-1], pulled, strict=True):
        product = product @ step
        found = np.hstack(cotangents.values())
        np.testing.assert_allclose(found, product, rtol=EXACT, atol=EXACT)


def test_step_jacobians_are_derivatives(trace):
    steps = jacobians.step_jacobians(trace)
    count, size = len(trace.states), len(trace.states) * trace.params.H
    assert steps.shape == (len(trace.x), size, size)

    def after(t, before):
        x, halves = trace.x[t : t + 1], np.split(before, count)
        end = sequence.forward(trace.cell, trace.params, x, *halves)
        return np.concatenate(states(end, -1))

    moves = 1e-6 * np.eye(size)
    for t, jacobian in enumerate(steps):
        before = np.concatenate(states(trace, t))
        ends = [after(t, before + e) - after(t, before - e) for e in moves]
        numeric = np.transpose(ends) / 2e-6
        np.testing.assert_allclose(jacobian, numeric, rtol=0, atol=DIFFERENCES)


# Long lags


@pytest.mark.parametrize("gain", [0.1, 0.3, 1.0, 10.0])
def test_flow_of_a_linear_network_in_closed_form(gain):
    trace, v = linear_rnn(gain * haar(4, 0), 1500), np.array([0.6, 0, -0.8, 0])
    pulled = jacobians.pull_back(trace, v)
    norms = np.array([float(c.log10_norms()) for c in pulled])
    expected = np.arange(1501) * np.log10(gain)
    np.testing.assert_allclose(norms, expected, rtol=0, atol=LOGARITHMS)


@pytest.mark.parametrize(
    ("scale", "inputs_scale"), [(0.2, 1.0), (9.0, 0.0)], ids=["small", "large"]
)
def test_long_lags_agree_with_a_computation_in_parts(cell, rng, scale, inputs_scale):
    """A hundred steps at a time, with the norm taken out in between."""
    T, D, H = 1500, 2, 4
    drawn = cell.init(D, H, rng=rng)
    params = drawn._replace(W=scale * rng.normal(size=drawn.W.shape), b=np.zeros_like(drawn.b))
    x = inputs_scale * rng.normal(size=(T, D))
    trace = sequence.forward(cell, params, x)
    cotangents = [rng.normal(size=H) for _ in cell.STATES]
    *_, last = jacobians.pull_back(trace, *cotangents)
    total = 0.0
    for t in range(T - 100, -1, -100):
        steps = part(trace, t, t + 100)
        _, _, *cotangents = sequence.backward(steps, None, *cotangents)
        norm = np.linalg.norm(cotangents)
        total += np.log10(norm)
        cotangents = [c / norm for c in cotangents]
    assert total < -300 if scale < 1 else total > 300
    assert float(last.log10_norms()) == pytest.approx(total, abs=LOGARITHMS)
    joined, direction = np.hstack(last.states), np.hstack(cotangents)
    joined = joined / np.linalg.norm(joined)  # rounded in every one of 1,500 steps
    np.testing.assert_allclose(joined, direction, rtol=0, atol=1e-10)


# Products


def test_norms_of_products_against_plain_floating_point(rng):
    steps, product = rng.normal(size=(6, 4, 4)), np.eye(4)
    found = jacobians.log10_norms_of_products(steps)
    for step, norm in zip(steps[::-1], found, strict=True):
        product = product @ step
        expected = np.log10(np.linalg.norm(product, ord=2))
        assert norm == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize("gain", [1e-3, 1e3])
def test_norms_of_products_beyond_the_floats(gain):
    steps = np.stack([gain * haar(3, k) for k in range(1000)])
    found = jacobians.log10_norms_of_products(steps)
    expected = np.arange(1, 1001) * np.log10(gain)
    np.testing.assert_allclose(found, expected, rtol=0, atol=LOGARITHMS)


def test_a_product_that_is_zero():
    steps = np.stack([np.eye(2), np.zeros((2, 2)), 4 * np.eye(2)])
    norms = jacobians.log10_norms_of_products(steps)
    np.testing.assert_array_equal(norms[1:], -np.inf)
    assert norms[0] == pytest.approx(np.log10(4), rel=EXACT)


# Singular values


@pytest.mark.parametrize("K", [1, 2, 7])
def test_singular_values_where_floats_suffice(K, rng):
    steps = rng.normal(size=(K, 4, 4))
    product = np.linalg.multi_dot([np.eye(4), *steps[::-1], np.eye(4)])
    expected = np.log10(np.linalg.svd(product, compute_uv=False))
    found = jacobians.log10_singular_values(steps)
    # The smallest loses up to six digits, at which another way is taken.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "rates",
    [[0, -1, -2, -3], [2, 1, -1, -4], [0.5, 0, -0.1, -0.3]],
    ids=["shrinking", "growing", "mixed"],
)
def test_singular_values_hundreds_of_powers_of_ten_apart(rates, rng):
    rows = np.array(rates) + rng.uniform(-0.02, 0.02, (300, 4))
    found = jacobians.log10_singular_values(with_values_of(rows, seed=1))
    np.testing.assert_allclose(found, rows.sum(axis=0), rtol=0, atol=SWEEPS_END)


def test_singular_values_of_one_matrix_that_spans_eight_powers_of_ten():
    """Past the point at which plain floating point is left, but before it fails."""
    steps = with_values_of(np.array([[1.0, -2.0, -7.0]]), seed=2)
    found = jacobians.log10_singular_values(steps)
    np.testing.assert_allclose(found, [1, -2, -7], rtol=0, atol=SWEEPS_END)


@pytest.mark.parametrize(
    ("step", "K", "expected"),
    [
        (np.diag([1e-3, 1.0, 1e3]), 200, [600, 0, -600]),
        (np.zeros((2, 2)), 3, [-np.inf, -np.inf]),
        (np.diag([0.0, 2.0, 0.0]), 4, [4 * np.log10(2), -np.inf, -np.inf]),
        (np.diag([5.0, 5.0], 1), 2, [2 * np.log10(5), -np.inf, -np.inf]),
        (np.diag([5.0, 5.0], 1), 3, [-np.inf] * 3),
    ],
    ids=["descending", "zero", "rank one", "nilpotent", "nilpotent, dead"],
)
def test_singular_values_of_powers(step, K, expected):
    found = jacobians.log10_singular_values(np.stack([step] * K))
    np.testing.assert_allclose(found, expected, rtol=0, atol=LOGARITHMS)


def test_singular_values_of_a_sheared_product():
    """U^k = [[a^k, s], [0, 1]] with s = (1 - a^k) / (1 - a): one grows, one keeps the rest."""
    a, k = 1e-2, 400
    found = jacobians.log10_singular_values(np.stack([np.array([[a, 1.0], [0.0, 1.0]])] * k))
    largest = 0.5 * np.log10(1 + 1 / (1 - a) ** 2)
    expected = [largest, k * np.log10(a) - largest]  # their sum is the determinant
    np.testing.assert_allclose(found, expected, rtol=0, atol=SWEEPS_END)


def test_singular_values_too_close_to_be_told_apart():
    """The sweeps end in between, but no value leaves its pair and their product stays."""
    rows = np.array([[0.0, -4e-4, -20.0]])
    found = jacobians.log10_singular_values(with_values_of(rows, seed=3))
    assert found[:2].sum() == pytest.approx(-4e-4, abs=SWEEPS_END)
    assert np.abs(found[:2] + 2e-4).max() < 2.001e-4


# Growth rates


def test_exponents_of_a_constant_matrix_are_those_of_its_eigenvalues(rng):
    values, basis = np.array([2.0, -1.0, 0.4, -0.1]), rng.normal(size=(4, 4))
    matrix = basis @ np.diag(values) @ np.linalg.inv(basis)
    found = jacobians.lyapunov_exponents(np.stack([matrix] * 1200), skip=200)
    expected = np.log(np.abs(values))
    np.testing.assert_allclose(found, expected, rtol=0, atol=LOGARITHMS)


def test_exponents_of_a_triangular_sequence_are_means_over_the_diagonal(rng):
    steps = np.triu(rng.normal(size=(1000, 3, 3)))
    diagonals = np.log(np.abs(np.diagonal(steps, axis1=1, axis2=2)))
    for options in ({}, {"skip": 0}, {"skip": 700}, {"skip": 999}):
        kept = diagonals[options.get("skip", 0) :]
        found = jacobians.lyapunov_exponents(steps, **options)
        expected = np.sort(kept.mean(axis=0))[::-1]
        np.testing.assert_allclose(found, expected, rtol=EXACT)


def test_exponents_of_what_dies():
    steps = np.stack([np.diag([0.0, 0.5])] * 3)
    found = jacobians.lyapunov_exponents(steps)
    np.testing.assert_allclose(found, [np.log(0.5), -np.inf], rtol=EXACT)


@pytest.mark.parametrize(
    ("matrix", "radius"),
    [
        (np.diag([0.5, -3.0]), 3),
        (np.array([[0.0, -2.0], [2.0, 0.0]]), 2),  # eigenvalues 2i and -2i
        (np.diag([5.0, 5.0], 1), 0),
        (np.array([[0.9, 50.0], [0.0, 0.8]]), 0.9),
    ],
    ids=["diagonal", "rotation", "nilpotent", "non-normal"],
)
def test_spectral_radius(matrix, radius):
    assert jacobians.spectral_radius(matrix) == pytest.approx(radius, rel=EXACT)


# Bad input


@pytest.mark.parametrize(
    "function",
    [
        jacobians.log10_norms_of_products,
        jacobians.log10_singular_values,
        jacobians.lyapunov_exponents,
    ],
)
@pytest.mark.parametrize(
    ("stack", "message"),
    [
        (np.ones((3, 3)), r"jacobians must have shape \(T, S, S\).*\(3, 3\)"),
        (np.ones((2, 3, 4)), r"shape \(T, S, S\); got \(2, 3, 4\)"),
        (np.ones((0, 3, 3)), r"every size at least 1; got \(0, 3, 3\)"),
        (np.ones((2, 3, 3), int), "jacobians must be an array of float.*int"),
        (np.full((2, 3, 3), np.nan), "jacobians must be finite, got nan"),
    ],
)
def test_bad_stacks_are_named(function, stack, message):
    with pytest.raises((TypeError, ValueError), match=message):
        function(stack)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((2, 3)), r"matrix must have shape \(S, S\); got \(2, 3\)"),
        (np.ones((2, 2), int), "matrix must be an array of float"),
        (np.full((2, 2), np.inf), "matrix must be finite, got inf"),
    ],
)
def test_bad_matrices_are_named(matrix, message):
    with pytest.raises((TypeError, ValueError), match=message):
        jacobians.spectral_radius(matrix)


@pytest.mark.parametrize("skip", [-1, 3, 0.5])
def test_skip_must_leave_a_step(skip):
    with pytest.raises((TypeError, ValueError), match=f"skip must be .*got {skip}"):
        jacobians.lyapunov_exponents(np.ones((3, 2, 2)), skip=skip)


def test_step_jacobians_want_the_trace_of_one_sequence(rng):
    trace = sequence.forward(lstm, lstm.init(2, 3, rng=rng), np.ones((4, 5, 2)))
    with pytest.raises(ValueError, match=r"trace\.x must have shape \(T, D\)"):
        jacobians.step_jacobians(trace)
    for function in (jacobians.step_jacobians, jacobians.pull_back):
        with pytest.raises(TypeError, match=r"trace must be .*Trace, got"):
            list(function(trace.params))


@pytest.mark.parametrize(
    ("cotangents", "message"),
    [
        ([], "dstates_T must be one array for each of h, c; got 0"),
        ([np.ones(3)] * 3, "one array for each of h, c; got 3"),
        ([np.ones(3), np.ones(2)], r"dc_T must have shape \(3,\); got \(2,\)"),
        ([np.ones((5, 1)), np.ones(3)], r"dh_T must have shape \(5, 3\)"),
        ([np.ones((5, 3)), np.ones(3)], r"dc_T must have shape \(5, 3\)"),
        ([np.ones(3, int), np.ones(3)], "dh_T must be an array of float"),
        ([np.ones(3), np.full(3, np.nan)], "dc_T must be finite, got nan"),
    ],
)
def test_bad_cotangents_are_named(cotangents, message, rng):
    trace = sequence.forward(lstm, lstm.init(2, 3, rng=rng), np.ones((4, 2)))
    with pytest.raises((TypeError, ValueError), match=message):
        next(jacobians.pull_back(trace, *cotangents))
