"""Spectra of products of Jacobians and of powers, against NumPy's and closed forms."""

import numpy as np
import pytest

from lstm_lab import gradflow, jacobians, lstm, rnn
from lstm_lab.initialization import initializer, orthogonal

EXACT = 1e-12  # float64, a few dozen operations
LOGARITHMS = 1e-10  # absolute: a thousand factors, each rounded


def rotation(gain):
    """Draw linear networks whose Jacobian is a scaled rotation at every step."""
    return initializer(
        rnn,
        inputs=lambda rows, columns, _: np.zeros((rows, columns)),
        recurrent=orthogonal,
        gain=gain,
    )


# Singular values by lag


def test_spectra_are_singular_values_of_products(cell, init):
    lags, sizes = (1, 4, 3), {"init": init, "D": 2, "H": 3, "T": 5}
    found = gradflow.spectra(cell, lags=lags, **sizes, seeds=[6])
    assert found.lags == lags
    trace = gradflow.draw_and_run(cell, **sizes, seed=6)
    steps = jacobians.step_jacobians(trace)
    for values, lag in zip(found.log10_singular_values[0], lags, strict=True):
        last = [*steps[::-1][:lag], np.eye(len(steps[0]))]
        plain = np.linalg.svd(np.linalg.multi_dot(last), compute_uv=False)
        kept = plain > 1e-6 * plain[0]  # the others have lost digits in it
        np.testing.assert_allclose(values[kept], np.log10(plain[kept]), rtol=0, atol=1e-8)
        volume = np.linalg.slogdet(steps[-lag:]).logabsdet.sum() / np.log(10)
        assert values.sum() == pytest.approx(volume, abs=LOGARITHMS)


@pytest.mark.parametrize("gain", [0.1, 1.0, 4.0])
def test_spectra_of_rotations_at_long_lags(gain):
    lags, init = (1, 10, 1000), rotation(gain)
    found = gradflow.spectra(rnn, init=init, lags=lags, H=3, T=1000, seeds=[0])
    expected = np.log10(gain) * np.array([[lags] * 3]).swapaxes(1, 2)
    np.testing.assert_allclose(found.log10_singular_values, expected, rtol=0, atol=LOGARITHMS)
    np.testing.assert_allclose(found.radius, [gain], rtol=EXACT)
    np.testing.assert_allclose(found.largest, [gain], rtol=EXACT)


def test_spectra_name_radius_and_norm_of_a_square_matrix_only():
    W = np.array([[0.0, 0.5, 8.0], [0.0, 0.0, 0.25]])
    sizes = {"lags": [1], "D": 1, "H": 2, "T": 2}
    params = rnn.Params(W, np.zeros(2))
    found = gradflow.spectra(rnn, init=lambda *_, **__: params, **sizes)
    np.testing.assert_allclose(found.radius, 0.5, rtol=EXACT)
    sigma = np.linalg.norm(W[:, 1:], ord=2)
    np.testing.assert_allclose(found.largest, sigma, rtol=EXACT)
    gated = gradflow.spectra(lstm, **sizes)
    assert np.isnan([gated.radius, gated.largest]).all()


# Growth rates


@pytest.mark.parametrize("gain", [0.5, 3.0])
def test_exponents_of_rotations_are_the_logarithms_of_their_gains(gain):
    found = gradflow.lyapunov(rnn, init=rotation(gain), H=3, T=300, skip=10, seeds=[0])
    expected = np.log([[gain] * 3])
    np.testing.assert_allclose(found.exponents, expected, rtol=0, atol=EXACT)


def test_exponents_are_those_of_the_step_jacobians(cell, init):
    sizes = {"init": init, "D": 2, "H": 3, "T": 40}
    found = gradflow.lyapunov(cell, skip=10, **sizes, seeds=[5])
    trace = gradflow.draw_and_run(cell, **sizes, seed=5)
    steps = jacobians.step_jacobians(trace)
    expected = jacobians.lyapunov_exponents(steps, skip=10)
    np.testing.assert_array_equal(found.exponents, [expected])
    # without the skip they add up to the mean logarithm of the determinants
    everything = gradflow.lyapunov(cell, skip=0, **sizes, seeds=[5])
    volume = np.linalg.slogdet(steps).logabsdet.mean()
    assert everything.exponents.sum() == pytest.approx(volume, abs=LOGARITHMS)


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


def test_powers_of_rotations_follow_their_gains(rng):
    gains = {"shrinks": 0.1, "stays": 1.0, "grows": 10.0}
    matrices = {name: g * orthogonal(4, 4, rng) for name, g in gains.items()}
    found = gradflow.powers(matrices, 1000)
    assert found.names == tuple(gains)
    expected = np.outer([-1, 0, 1], np.arange(1001))
    np.testing.assert_allclose(found.log10_norms, expected, rtol=0, atol=LOGARITHMS)
    np.testing.assert_allclose(found.radius, [*gains.values()], rtol=EXACT)
    np.testing.assert_allclose(found.largest, [*gains.values()], rtol=EXACT)


# Bad input


@pytest.mark.parametrize(
    ("lags", "message"),
    [
        ([3, 0], "lags must be at least 1, got 0"),
        ([1.5], "lags must be an integer, got 1.5"),
        ([1, 101], r"lags must be one or more of 1 \.\.\. 100, got \(1, 101\)"),
        ([], r"lags must be one or more of 1 \.\.\. 100, got \(\)"),
    ],
)
def test_bad_lags_are_named(lags, message):
    with pytest.raises((TypeError, ValueError), match=message):
        gradflow.spectra(rnn, lags=lags)


@pytest.mark.parametrize(
    ("matrix", "K", "message"),
    [
        (np.eye(2), 0, "K must be at least 1, got 0"),
        (np.ones((2, 3)), 2, r"matrix must have shape \(S, S\); got \(2, 3\)"),
        (np.full((2, 2), np.nan), 2, "matrix must be finite, got nan"),
        (np.eye(2, dtype=int), 2, "matrix must be an array of float"),
    ],
)
def test_bad_powers_are_named(matrix, K, message):
    with pytest.raises((TypeError, ValueError), match=message):
        gradflow.powers({"": matrix}, K)


def test_a_skip_leaves_a_step():
    with pytest.raises(ValueError, match=r"skip must be at .* below 5, got 5"):
        gradflow.lyapunov(rnn, T=5, skip=5)
