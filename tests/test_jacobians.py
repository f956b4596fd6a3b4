"""Products of Jacobians against differences, closed forms, and the same products in parts."""

import numpy as np
import pytest

from conftest import ARCHITECTURES
from lstm_lab import coupled, jacobians, lstm, rnn, tree
from lstm_lab.initialization import orthogonal
from lstm_lab.jacobians import Cotangents

EXACT = 1e-12  # float64, relative, of some hundred operations
DIFFERENCES = (
    1e-8  # central differences with a step of 1e-6: its square, and eps / step
)
# Of decimal logarithms, absolute: a thousand factors, each rounded a few times.
LOGARITHMS = 1e-10
SWEEPS_END = 1e-8  # of decimal logarithms: the sweeps end at changes below 1e-9

CELLS = {**ARCHITECTURES, "coupled": (coupled, {})}


@pytest.fixture(params=CELLS.values(), ids=CELLS)
def architecture(request):
    return request.param


@pytest.fixture
def sequence(arch, inputs):
    """Return parameters and the trace of one sequence from states that are not zero."""
    params, x, *states = inputs
    return params, arch.forward(params, x[:, 0], *(s[0] for s in states))


def state(arch, trace, t):
    return [getattr(trace, name)[t] for name in arch.STATES]


def haar(size, seed):
    return orthogonal(size, size, np.random.default_rng(seed))


def linear_rnn(U, T):
    """Return an RNN whose states stay zero, where the slope of tanh is one, and its trace."""
    H = len(U)
    params = rnn.Params(np.hstack([np.zeros((H, 1)), U]), np.zeros(H))
    return params, rnn.forward(params, np.zeros((T, 1)))


def with_values_of(log10_values, seed):
    """Return K Jacobians whose product has known singular values, of any size.

    J_k = Q_{k+1} D_k Q_k^T telescopes. The entries of every D_k are in descending order, so
    that rounding, which mixes directions, only ever adds a little to what is larger anyway.
    """
    K, S = log10_values.shape
    bases = [haar(S, [seed, k]) for k in range(K + 1)]
    return np.stack(
        [
            after @ np.diag(10**row) @ before.T
            for before, after, row in zip(
                bases, bases[1:], log10_values, strict=False
            )
        ]
    )


# Cotangents


def test_balance_changes_no_bit():
    rng = np.random.default_rng(0)
    sizes = 10.0 ** rng.uniform(-140, 140, (40, 1))  # between cotangents
    spread = 10.0 ** rng.uniform(-140, 0, (2, 40, 6))  # within one
    states = tuple(rng.normal(size=(2, 40, 6)) * sizes * spread)
    exponent = rng.integers(-5000, 5000, 40)
    balanced, shifted = jacobians.balance(Cotangents(states, exponent))
    assert (np.max(np.abs(balanced), axis=(0, 2)) >= 0.5).all()
    assert (np.max(np.abs(balanced), axis=(0, 2)) < 1).all()
    for before, after in zip(states, balanced, strict=True):
        back = np.ldexp(after, (shifted - exponent)[:, None])
        np.testing.assert_array_equal(back, before)


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1.0, 1.7e308])
def test_balance_at_the_ends_of_the_number_line(size):
    (balanced,), exponent = jacobians.balance(
        Cotangents((np.array([size, 0.0]),), np.array(3))
    )
    assert 0.5 <= balanced[0] < 1
    assert np.ldexp(balanced[0], exponent - 3) == size


def test_balance_leaves_zeros_alone():
    zeros = Cotangents(
        (np.zeros((2, 3)), np.zeros((2, 3))), np.array([0, -700])
    )
    states, exponent = jacobians.balance(zeros)
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
    cotangents = Cotangents(
        (size * np.array([[3.0, 0.0]]), size * np.array([[0.0, 4.0]])),
        np.array([exponent]),
    )
    expected = np.log10(5 * size) + exponent * np.log10(2)
    np.testing.assert_allclose(
        cotangents.log10_norms(), [expected], rtol=EXACT, atol=EXACT
    )


# Pulling back


def test_pull_back_passes_where_backward_does(arch, inputs, cotangents):
    """Every lag is a backward pass over the last steps, from the states before them."""
    params, x, *states = inputs
    trace = arch.forward(params, x, *states)
    last = cotangents[1 : 1 + len(arch.STATES)]
    pulled = [
        c.values() for c in jacobians.pull_back(arch, params, trace, *last)
    ]
    assert len(pulled) == len(x) + 1
    for found, given in zip(pulled[0], last, strict=True):
        np.testing.assert_array_equal(found, given)
    for lag in range(1, len(x) + 1):
        t = len(x) - lag
        part = arch.forward(params, x[t:], *state(arch, trace, t))
        _, _, *expected = arch.backward(params, part, None, *last)
        for found, wanted in zip(pulled[lag], expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=EXACT, atol=EXACT)


def test_pull_back_multiplies_step_jacobians(arch, sequence):
    params, trace = sequence
    steps = jacobians.step_jacobians(arch, params, trace)
    S = steps.shape[-1]
    rows = np.split(np.eye(S), len(arch.STATES), axis=-1)
    product = np.eye(S)
    pulled = jacobians.pull_back(arch, params, trace, *rows)
    next(pulled)
    for step, cotangents in zip(steps[::-1], pulled, strict=True):
        product = product @ step
        np.testing.assert_allclose(
            np.hstack(cotangents.values()), product, rtol=EXACT, atol=EXACT
        )


def test_pull_back_of_zeros(arch, sequence):
    params, trace = sequence
    zeros = [np.zeros(params.H) for _ in arch.STATES]
    for cotangents in jacobians.pull_back(arch, params, trace, *zeros):
        assert not np.any(cotangents.values())
        assert cotangents.log10_norms() == -np.inf


# Step Jacobians


def test_step_jacobians_are_derivatives(arch, sequence):
    params, trace = sequence
    steps = jacobians.step_jacobians(arch, params, trace)
    S = len(arch.STATES) * params.H
    assert steps.shape == (len(trace.x), S, S)
    assert params.H * (2 if arch in (lstm, coupled) else 1) == S

    def after(t, before):
        halves = np.split(before, len(arch.STATES))
        end = arch.forward(params, trace.x[t : t + 1], *halves)
        return np.concatenate(state(arch, end, -1))

    step = 1e-6
    for t, jacobian in enumerate(steps):
        before = np.concatenate(state(arch, trace, t))
        numeric = [
            (after(t, before + e) - after(t, before - e)) / (2 * step)
            for e in step * np.eye(S)
        ]
        np.testing.assert_allclose(
            jacobian, np.transpose(numeric), rtol=0, atol=DIFFERENCES
        )


# Long lags


@pytest.mark.parametrize("gain", [0.1, 0.3, 1.0, 10.0])
def test_flow_of_a_linear_network_in_closed_form(gain):
    T, v = 1500, np.array([0.6, 0.0, -0.8, 0.0])
    params, trace = linear_rnn(gain * haar(4, 0), T)
    pulled = jacobians.pull_back(rnn, params, trace, v)
    norms = np.array([float(c.log10_norms()) for c in pulled])
    expected = np.arange(T + 1) * np.log10(gain)
    np.testing.assert_allclose(norms, expected, rtol=0, atol=LOGARITHMS)
    if gain == 0.1:
        assert norms[600] == pytest.approx(-600, rel=EXACT)


@pytest.mark.parametrize(
    ("scale", "inputs_scale"), [(0.2, 1.0), (9.0, 0.0)], ids=["small", "large"]
)
def test_long_lags_agree_with_a_computation_in_parts(
    arch, architecture, rng, scale, inputs_scale
):
    """A hundred steps at a time, with the norm taken out in between."""
    T, D, H = 1500, 2, 4
    zeros = arch.init(D, H, rng=rng, **architecture[1])
    params = tree.map(lambda leaf: np.zeros_like(leaf), zeros)._replace(
        W=scale * rng.normal(size=zeros.W.shape)
    )
    x = inputs_scale * rng.normal(size=(T, D))
    trace = arch.forward(params, x)
    cotangents = [rng.normal(size=H) for _ in arch.STATES]
    *_, last = jacobians.pull_back(arch, params, trace, *cotangents)
    total = 0.0
    for t in range(T - 100, -1, -100):
        part = arch.forward(params, x[t : t + 100], *state(arch, trace, t))
        _, _, *cotangents = arch.backward(params, part, None, *cotangents)
        norm = np.linalg.norm(cotangents)
        total += np.log10(norm)
        cotangents = [c / norm for c in cotangents]
    assert total < -300 if scale < 1 else total > 300
    assert float(last.log10_norms()) == pytest.approx(total, abs=LOGARITHMS)
    joined, direction = np.hstack(last.states), np.hstack(cotangents)
    np.testing.assert_allclose(
        joined / np.linalg.norm(joined), direction, rtol=0, atol=1e-10
    )  # rounded in every one of 1,500 steps


# Products


def test_products_against_plain_floating_point(rng):
    steps = rng.normal(size=(6, 4, 4))
    products = [np.eye(4)]
    for step in steps[::-1]:
        products.append(products[-1] @ step)
    product, exponent = jacobians.scaled_product(steps)
    assert isinstance(exponent, int)
    assert 0.5 <= np.abs(product).max() < 1
    # the powers of two that are taken out change no digit
    np.testing.assert_array_equal(np.ldexp(product, exponent), products[-1])
    norms = [np.log10(np.linalg.norm(p, ord=2)) for p in products[1:]]
    np.testing.assert_allclose(
        jacobians.log10_norms_of_products(steps), norms, rtol=0, atol=EXACT
    )


@pytest.mark.parametrize("gain", [1e-3, 1e3])
def test_products_beyond_the_floats(gain):
    steps = np.stack([gain * haar(3, k) for k in range(1000)])
    np.testing.assert_allclose(
        jacobians.log10_norms_of_products(steps),
        np.arange(1, 1001) * np.log10(gain),
        rtol=0,
        atol=LOGARITHMS,
    )
    product, exponent = jacobians.scaled_product(steps)
    size = np.log10(np.linalg.norm(product, ord=2)) + exponent * np.log10(2)
    assert size == pytest.approx(1000 * np.log10(gain), abs=LOGARITHMS)


def test_a_product_that_is_zero():
    steps = np.stack([np.eye(2), np.zeros((2, 2)), 4 * np.eye(2)])
    norms = jacobians.log10_norms_of_products(steps)
    np.testing.assert_array_equal(norms[1:], -np.inf)
    assert norms[0] == pytest.approx(np.log10(4), rel=EXACT)
    product, _ = jacobians.scaled_product(steps)
    assert not product.any()


# Singular values


@pytest.mark.parametrize("K", [1, 2, 7])
def test_singular_values_where_floats_suffice(K, rng):
    steps = rng.normal(size=(K, 4, 4))
    product = np.linalg.multi_dot([np.eye(4), *steps[::-1], np.eye(4)])
    expected = np.log10(np.linalg.svd(product, compute_uv=False))
    np.testing.assert_allclose(
        jacobians.log10_singular_values(steps), expected, rtol=0, atol=1e-9
    )  # the smallest loses up to six digits, at which another way is taken


@pytest.mark.parametrize(
    "rates",
    [[0, -1, -2, -3], [2, 1, -1, -4], [0.5, 0, -0.1, -0.3]],
    ids=["shrinking", "growing", "mixed"],
)
def test_singular_values_hundreds_of_powers_of_ten_apart(rates):
    rng = np.random.default_rng(0)
    rows = np.array(rates) + rng.uniform(-0.02, 0.02, (300, 4))
    steps = with_values_of(rows, seed=1)
    np.testing.assert_allclose(
        jacobians.log10_singular_values(steps),
        rows.sum(axis=0),
        rtol=0,
        atol=SWEEPS_END,
    )


def test_singular_values_of_one_matrix_that_spans_eight_powers_of_ten():
    """Past the point at which plain floating point is left, but before it fails."""
    steps = with_values_of(np.array([[1.0, -2.0, -7.0]]), seed=2)
    found = jacobians.log10_singular_values(steps)
    plain = np.linalg.svd(steps[0], compute_uv=False)
    np.testing.assert_allclose(found, [1, -2, -7], rtol=0, atol=SWEEPS_END)
    np.testing.assert_allclose(found, np.log10(plain), rtol=0, atol=SWEEPS_END)


def test_singular_values_come_in_descending_order():
    steps = np.stack([np.diag([1e-3, 1.0, 1e3])] * 200)
    np.testing.assert_allclose(
        jacobians.log10_singular_values(steps), [600, 0, -600], atol=LOGARITHMS
    )


def test_singular_values_of_a_sheared_product():
    """U^k = [[a^k, s], [0, 1]] with s = (1 - a^k) / (1 - a): one grows, one keeps the rest."""
    a, k = 1e-2, 400
    steps = np.stack([np.array([[a, 1.0], [0.0, 1.0]])] * k)
    largest = 0.5 * np.log10(1 + 1 / (1 - a) ** 2)
    np.testing.assert_allclose(
        jacobians.log10_singular_values(steps),
        [largest, k * np.log10(a) - largest],  # their sum is the determinant
        rtol=0,
        atol=SWEEPS_END,
    )


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (np.zeros((3, 2, 2)), [-np.inf, -np.inf]),
        ([np.diag([0.0, 2.0, 0.0])] * 4, [4 * np.log10(2), -np.inf, -np.inf]),
        ([np.diag([5.0, 5.0], 1)] * 2, [2 * np.log10(5), -np.inf, -np.inf]),
        ([np.diag([5.0, 5.0], 1)] * 3, [-np.inf] * 3),
    ],
    ids=["zero", "rank one", "nilpotent", "nilpotent, dead"],
)
def test_singular_values_that_are_zero(steps, expected):
    found = jacobians.log10_singular_values(np.stack(steps))
    np.testing.assert_allclose(found, expected, rtol=0, atol=EXACT)


def test_singular_values_too_close_to_be_told_apart():
    """The sweeps end in between, but no value leaves its pair and their product stays."""
    rows = np.array([[0.0, -4e-4, -20.0]])
    found = jacobians.log10_singular_values(with_values_of(rows, seed=3))
    assert found[:2].sum() == pytest.approx(-4e-4, abs=SWEEPS_END)
    assert np.abs(found[:2] + 2e-4).max() < 2.001e-4


def test_triangular_factors_have_the_same_product_but_for_a_rotation(rng):
    steps = rng.normal(size=(5, 3, 3))
    triangles = jacobians.triangular_factors(steps)
    np.testing.assert_array_equal(triangles, np.triu(triangles))
    product, exponent = jacobians.scaled_product(steps)
    product = np.ldexp(product, exponent)
    R, exponent = jacobians.scaled_product(triangles)
    Q = product @ np.linalg.inv(np.ldexp(R, exponent))
    np.testing.assert_allclose(Q @ Q.T, np.eye(3), rtol=0, atol=1e-9)


# Growth rates


def test_exponents_of_a_constant_matrix_are_those_of_its_eigenvalues(rng):
    values = np.array([2.0, -1.0, 0.4, -0.1])
    basis = rng.normal(size=(4, 4))
    matrix = basis @ np.diag(values) @ np.linalg.inv(basis)
    found = jacobians.lyapunov_exponents(np.stack([matrix] * 1200), skip=200)
    np.testing.assert_allclose(
        found, np.log(np.abs(values)), rtol=0, atol=LOGARITHMS
    )


def test_exponents_of_a_triangular_sequence_are_means_over_the_diagonal(rng):
    steps = np.triu(rng.normal(size=(1000, 3, 3)))
    diagonals = np.log(np.abs(np.diagonal(steps, axis1=1, axis2=2)))
    for skip in (0, 1, 700, 999):
        expected = np.sort(diagonals[skip:].mean(axis=0))[::-1]
        found = jacobians.lyapunov_exponents(steps, skip=skip)
        np.testing.assert_allclose(found, expected, rtol=EXACT)


def test_exponents_are_means_over_all_steps_unless_told_otherwise(rng):
    steps = np.triu(rng.normal(size=(3, 2, 2)))
    np.testing.assert_array_equal(
        jacobians.lyapunov_exponents(steps),
        jacobians.lyapunov_exponents(steps, skip=0),
    )


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


def bad_stacks():
    nan = np.ones((2, 3, 3))
    nan[1, 0, 2] = np.nan
    return [
        (np.ones((3, 3)), r"jacobians must have shape \(T, S, S\).*\(3, 3\)"),
        (np.ones((2, 3, 4)), r"shape \(T, S, S\); got \(2, 3, 4\)"),
        (np.ones((0, 3, 3)), r"every size at least 1; got \(0, 3, 3\)"),
        (np.ones((2, 3, 3), int), "jacobians must be an array of float.*int"),
        (nan, r"jacobians must be finite, got nan at index \(1, 0, 2\)"),
    ]


@pytest.mark.parametrize(
    "function",
    [
        jacobians.log10_norms_of_products,
        jacobians.scaled_product,
        jacobians.log10_singular_values,
        jacobians.triangular_factors,
        jacobians.lyapunov_exponents,
    ],
)
@pytest.mark.parametrize(("stack", "message"), bad_stacks())
def test_bad_stacks_are_named(function, stack, message):
    with pytest.raises((TypeError, ValueError), match=message):
        function(stack)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((2, 3)), r"matrix must have shape \(S, S\); got \(2, 3\)"),
        (np.ones(3), r"matrix must have shape \(S, S\); got \(3,\)"),
        (np.ones((2, 2), int), "matrix must be an array of float"),
        (np.full((2, 2), np.inf), "matrix must be finite, got inf"),
    ],
)
def test_bad_matrices_are_named(matrix, message):
    with pytest.raises((TypeError, ValueError), match=message):
        jacobians.spectral_radius(matrix)


@pytest.mark.parametrize("skip", [-1, 3, 4])
def test_skip_must_leave_a_step(skip):
    with pytest.raises(
        ValueError, match=f"skip must be at least 0 and below 3, got {skip}"
    ):
        jacobians.lyapunov_exponents(np.ones((3, 2, 2)), skip=skip)


def test_step_jacobians_want_one_sequence(arch, inputs):
    trace = arch.forward(inputs.params, inputs.x)
    with pytest.raises(ValueError, match=r"trace\.x must have shape \(T, D\)"):
        jacobians.step_jacobians(arch, inputs.params, trace)


@pytest.mark.parametrize(
    ("cotangents", "message"),
    [
        ([], "dstates_T must be one array for each of h, c; got 0"),
        ([np.ones(3)], "one array for each of h, c; got 1"),
        ([np.ones(3)] * 3, "one array for each of h, c; got 3"),
        ([np.ones(3), np.ones(2)], r"dc_T must have shape \(3,\); got \(2,\)"),
        ([np.ones((5, 1)), np.ones(3)], r"dh_T must have shape \(5, 3\)"),
        ([np.ones(3), 1.0], r"dc_T must have shape \(3,\); got \(\)"),
        ([np.ones(3, int), np.ones(3)], "dh_T must be an array of float"),
        ([np.ones(3), np.full(3, np.nan)], "dc_T must be finite, got nan"),
    ],
)
def test_bad_cotangents_are_named(cotangents, message, rng):
    params = lstm.init(2, 3, rng=rng)
    trace = lstm.forward(params, np.ones((4, 2)))
    with pytest.raises((TypeError, ValueError), match=message):
        next(jacobians.pull_back(lstm, params, trace, *cotangents))
