"""Spectra of products of Jacobians and of powers, against NumPy's and closed forms."""

import numpy as np
import pytest

from lstm_lab import gradflow, jacobians, lstm, rnn
from lstm_lab.initialization import orthogonal, start

EXACT = 1e-12  # float64, a few dozen operations
LOGARITHMS = 1e-10  # absolute: a thousand factors, each rounded


def silent_inputs(rows, columns, _rng):
    return np.zeros((rows, columns))


def rotation(gain):
    """Draw linear networks whose Jacobian is a scaled rotation at every step."""
    return start(rnn, inputs=silent_inputs, recurrent=orthogonal, gain=gain)


# Singular values by lag


def test_spectra_are_singular_values_of_products(arch, draw, draw_and_run):
    lags = (1, 4, 3)
    found = gradflow.spectra(arch, {"": draw}, lags=lags, D=2, H=3, seed=6)
    assert found.lags == lags
    params, trace = draw_and_run(arch, draw, 2, 3, 4, 6)
    steps = jacobians.step_jacobians(arch, params, trace)
    for values, lag in zip(found.log10_singular_values[0], lags, strict=True):
        product = np.linalg.multi_dot(
            [*steps[::-1][:lag], np.eye(len(steps[0]))]
        )
        plain = np.linalg.svd(product, compute_uv=False)
        kept = plain > 1e-6 * plain[0]  # the others have lost digits in it
        np.testing.assert_allclose(
            values[kept], np.log10(plain[kept]), rtol=0, atol=1e-8
        )
        volume = np.linalg.slogdet(steps[-lag:]).logabsdet.sum() / np.log(10)
        assert values.sum() == pytest.approx(volume, abs=LOGARITHMS)


def test_spectra_of_rotations_at_long_lags():
    starts = {"calm": rotation(0.1), "even": rotation(1), "wild": rotation(4)}
    lags = (1, 10, 1000)
    found = gradflow.spectra(rnn, starts, lags=lags, D=2, H=3)
    assert found.names == ("calm", "even", "wild")
    gains = np.array([0.1, 1, 4])
    expected = np.log10(gains)[:, None, None] * np.array(lags)[:, None]
    np.testing.assert_allclose(
        found.log10_singular_values,
        np.broadcast_to(expected, (3, 3, 3)),
        rtol=0,
        atol=LOGARITHMS,
    )
    np.testing.assert_allclose(found.radius, gains, rtol=EXACT)
    np.testing.assert_allclose(found.largest, gains, rtol=EXACT)


def test_spectra_name_radius_and_norm_of_a_square_matrix_only():
    def skewed(*_sizes, **_options):
        return rnn.Params(
            np.array([[0.0, 0.5, 8.0], [0.0, 0.0, 0.25]]), np.zeros(2)
        )

    found = gradflow.spectra(rnn, {"": skewed}, lags=[1], D=1, H=2)
    assert found.radius == pytest.approx([0.5], rel=EXACT)
    U = np.array([[0.5, 8.0], [0.0, 0.25]])
    assert found.largest == pytest.approx([np.linalg.norm(U, ord=2)], rel=EXACT)
    gated = gradflow.spectra(lstm, {"": lstm.init}, lags=[1], D=1, H=2)
    assert np.isnan([gated.radius, gated.largest]).all()


# Powers


def test_powers_of_a_nilpotent_matrix_grow_and_die():
    found = gradflow.powers({"": 5 * np.eye(6, k=1)}, 9)
    growth = np.arange(6) * np.log10(5)
    np.testing.assert_allclose(found.log10_norms[0, :6], growth, atol=EXACT)
    np.testing.assert_array_equal(found.log10_norms[0, 6:], -np.inf)
    assert (found.radius, found.largest) == (0, pytest.approx(5, rel=EXACT))


def test_powers_of_a_non_normal_matrix_grow_for_a_while():
    """U^k = [[a^k, k a^(k-1) s], [0, a^k]]: up with k at first, down with a^k in the end."""
    a, s, K = 0.9, 2.0, 4000
    found = gradflow.powers({"": np.array([[a, s], [0.0, a]])}, K)
    norms = found.log10_norms[0]
    k = np.arange(K + 1)
    # the norm of a^k [[1, u], [0, 1]] with u = k s / a in closed form
    u = k * s / a
    expected = k * np.log10(a) + np.log10((u + np.sqrt(u**2 + 4)) / 2)
    np.testing.assert_allclose(norms, expected, rtol=0, atol=LOGARITHMS)
    assert found.radius[0] == pytest.approx(a, rel=1e-7)  # a double eigenvalue
    assert found.radius[0] < 1 < found.largest[0]
    assert norms.argmax() > 5
    assert norms.max() > 0.5
    assert norms[-1] < -150


def test_powers_of_rotations_follow_their_gains():
    gains = {"shrinks": 0.1, "stays": 1.0, "grows": 10.0}
    rng = np.random.default_rng(0)
    matrices = {name: g * orthogonal(4, 4, rng) for name, g in gains.items()}
    found = gradflow.powers(matrices, 1000)
    assert found.names == tuple(gains)
    expected = np.outer([-1, 0, 1], np.arange(1001))
    np.testing.assert_allclose(
        found.log10_norms, expected, rtol=0, atol=LOGARITHMS
    )
    np.testing.assert_allclose(found.radius, [*gains.values()], rtol=EXACT)
    np.testing.assert_allclose(found.largest, [*gains.values()], rtol=EXACT)


# Growth rates


def test_exponents_of_rotations_are_the_logarithms_of_their_gains():
    starts = {"calm": rotation(0.5), "wild": rotation(3)}
    found = gradflow.lyapunov(rnn, starts, D=2, H=3, T=300, skip=10)
    assert (found.names, found.T) == (("calm", "wild"), 300)
    expected = np.log([[0.5] * 3, [3] * 3])
    np.testing.assert_allclose(found.exponents, expected, rtol=0, atol=EXACT)


def test_exponents_are_those_of_the_step_jacobians(arch, draw, draw_and_run):
    options = {"D": 2, "H": 3, "T": 40, "seed": 5}
    found = gradflow.lyapunov(arch, {"": draw}, skip=10, **options)
    steps = jacobians.step_jacobians(
        arch, *draw_and_run(arch, draw, *options.values())
    )
    expected = jacobians.lyapunov_exponents(steps, skip=10)
    np.testing.assert_array_equal(found.exponents, [expected])
    # without the skip they add up to the mean logarithm of the determinants
    everything = gradflow.lyapunov(arch, {"": draw}, skip=0, **options)
    volume = np.linalg.slogdet(steps).logabsdet.mean()
    assert everything.exponents.sum() == pytest.approx(volume, abs=LOGARITHMS)


# Bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: gradflow.spectra(rnn, {"": rnn.init}, lags=[3, 0]),
            "lags must be at least 1, got 0",
        ),
        (
            lambda: gradflow.spectra(rnn, {"": rnn.init}, lags=[1.5]),
            "lags must be an integer, got 1.5",
        ),
        (
            lambda: gradflow.spectra(rnn, {"": rnn.init}, lags=[2], D=0),
            "D must be at least 1, got 0",
        ),
        (
            lambda: gradflow.powers({"": np.eye(2)}, 0),
            "K must be at least 1, got 0",
        ),
        (
            lambda: gradflow.powers({"": np.ones((2, 3))}, 2),
            r"matrix must have shape \(S, S\); got \(2, 3\)",
        ),
        (
            lambda: gradflow.powers({"": np.full((2, 2), np.nan)}, 2),
            "matrix must be finite, got nan",
        ),
        (
            lambda: gradflow.powers({"": np.eye(2, dtype=int)}, 2),
            "matrix must be an array of float",
        ),
        (
            lambda: gradflow.lyapunov(rnn, {"": rnn.init}, T=5, skip=5),
            "skip must be at least 0 and below 5, got 5",
        ),
        (
            lambda: gradflow.lyapunov(rnn, {"": rnn.init}, T=0),
            "T must be at least 1, got 0",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_spectra_have_the_sizes_of_the_chapter_unless_told_otherwise():
    starts = {"usual": rnn.init}
    usual = gradflow.spectra(rnn, starts, lags=[3])
    chosen = gradflow.spectra(rnn, starts, lags=[3], D=4, H=32, seed=0)
    np.testing.assert_array_equal(
        usual.log10_singular_values, chosen.log10_singular_values
    )


def test_exponents_are_those_of_a_long_run_unless_told_otherwise():
    starts, chosen = {"usual": rnn.init}, {"D": 4, "H": 32, "seed": 0}
    usual = gradflow.lyapunov(rnn, starts)
    np.testing.assert_array_equal(
        usual.exponents,
        gradflow.lyapunov(rnn, starts, T=2000, skip=200, **chosen).exponents,
    )
