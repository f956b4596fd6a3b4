"""First weights and biases."""

import pickle

import numpy as np
import pytest
from cells import MGU, Peephole

from lstm_lab import coupled, gru, lstm, rnn, sequence
from lstm_lab.initialization import identity, initializer, orthogonal, uniform
from lstm_lab.packing import by_gate
from lstm_lab.sequence import name_of

EXACT = 1e-12  # float64 sums of a few dozen terms
D, H = 3, 5


def drawn(cell, H=H, seed=0, **options):
    """Return parameters, and their weights and biases by gate."""
    init = initializer(cell, **options)
    return blocks(cell, init(D, H, rng=np.random.default_rng(seed)))


def blocks(cell, params):
    W, b = (by_gate(packed, cell.GATES) for packed in (params.W, params.b))
    return params, W, b


@pytest.fixture
def plain(cell):
    """Return what the cell itself draws."""
    return blocks(cell, cell.init(D, H, rng=np.random.default_rng(0)))


# Matrices


def test_uniform_fills_its_interval(rng):
    draws = uniform(16, 4000, rng)
    assert np.abs(draws).max() <= 0.25
    assert draws.var() == pytest.approx(0.25**2 / 3, rel=0.02)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7)])
def test_orthogonal_has_unit_singular_values(shape, rng):
    matrix = orthogonal(*shape, rng)
    assert matrix.shape == shape
    singular_values = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(singular_values, 1, rtol=0, atol=EXACT)


def test_orthogonal_is_drawn_without_a_preferred_sign(rng):
    corners = [orthogonal(4, 4, rng)[0, 0] for _ in range(400)]
    # four standard errors of 0.5 / sqrt(400)
    assert abs(np.mean(corners)) < 0.1
    assert np.mean(np.square(corners)) == pytest.approx(1 / 4, rel=0.2)


def test_a_square_orthogonal_matrix_leaves_the_draws_upper_triangular():
    """It is Q, not its transpose: Q.T @ draws is R, with a positive diagonal."""
    matrix = orthogonal(4, 4, np.random.default_rng(1))
    R = matrix.T @ np.random.default_rng(1).normal(size=(4, 4))
    np.testing.assert_allclose(R, np.triu(R), rtol=0, atol=EXACT)
    assert (np.diag(R) > 0).all()


def test_identity_is_padded(rng):
    expected = [[1, 0, 0], [0, 1, 0]]
    np.testing.assert_array_equal(identity(2, 3, rng), expected)
    np.testing.assert_array_equal(identity(3, 2, rng), np.transpose(expected))


@pytest.mark.parametrize("matrix", [uniform, orthogonal])
def test_matrices_want_a_generator(matrix):
    with pytest.raises(TypeError, match="rng must be a numpy"):
        matrix(3, 4, 0)


# Any cell


def test_without_options_the_cell_draws(cell, plain):
    for found, expected in zip(drawn(cell)[0], plain[0], strict=True):
        np.testing.assert_array_equal(found, expected)


def test_recurrent_weights_are_drawn_in_every_gate(cell, plain):
    params, W, _ = drawn(cell, recurrent=orthogonal, gain=2.0)
    for gate, block in W.items():
        np.testing.assert_array_equal(block[:, :D], plain[1][gate][:, :D])
        square = block[:, D:] @ block[:, D:].T
        np.testing.assert_allclose(square, 4 * np.eye(H), rtol=0, atol=EXACT)
    np.testing.assert_array_equal(params.b, plain[0].b)


def test_input_weights_are_drawn_in_every_gate(cell, plain):
    _, W, _ = drawn(cell, inputs=identity)
    for gate, block in W.items():
        np.testing.assert_array_equal(block[:, :D], np.eye(H, D))
        np.testing.assert_array_equal(block[:, D:], plain[1][gate][:, D:])


def test_a_gain_multiplies_whatever_is_drawn(cell, plain):
    params, _, _ = drawn(cell, gain=0.5)
    expected = plain[0].W.copy()
    expected[:, D:] *= 0.5
    np.testing.assert_array_equal(params.W, expected)


def test_a_bias_reaches_its_gate_alone(cell, plain):
    for gate in cell.GATES:
        params, _, b = drawn(cell, **{gate: 2.5})
        np.testing.assert_array_equal(b.pop(gate), 2.5)
        for other, block in b.items():
            np.testing.assert_array_equal(block, plain[2][other])
        np.testing.assert_array_equal(params.W, plain[0].W)


def test_a_silent_gate_does_not_read_the_state(cell, plain):
    *loud, quiet = cell.GATES
    _, W, _ = drawn(cell, silent=[quiet])
    assert not np.any(W[quiet][:, D:])
    np.testing.assert_array_equal(W[quiet][:, :D], plain[1][quiet][:, :D])
    for gate in loud:
        np.testing.assert_array_equal(W[gate], plain[1][gate])


def test_options_are_put_together():
    options = {"recurrent": identity, "gain": 0.5, "silent": "g", "f": 3.0}
    params, W, b = drawn(lstm, **options)
    for gate in "ifo":
        np.testing.assert_array_equal(W[gate][:, D:], 0.5 * np.eye(H))
    assert not np.any(W["g"][:, D:])
    np.testing.assert_array_equal(b["f"], 3.0)
    again = pickle.loads(pickle.dumps(initializer(lstm, **options)))
    sent = again(D, H, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(sent.W, params.W)
    np.testing.assert_array_equal(sent.b, params.b)


# Lags


def test_chrono_spreads_lags_over_the_interval():
    _, _, b = drawn(lstm, H=4000, T_max=101, o=2.0)
    lags = np.exp(b["f"])
    np.testing.assert_array_equal(b["i"], -b["f"])
    assert lags.min() >= 1 - EXACT
    assert lags.max() <= 100 + 100 * EXACT
    assert lags.mean() == pytest.approx(50.5, rel=0.03)
    np.testing.assert_array_equal(b["o"], 2.0)
    assert not np.any(b["g"])


def test_the_shortest_interval_of_lags_is_filled():
    _, _, b = drawn(gru, H=4000, T_max=3)
    lags = np.exp(-b["z"])
    # Of 4000 draws, none in a hundredth of the interval has odds of 1e-17.
    assert 1 - EXACT <= lags.min() <= 1.01
    assert 1.99 <= lags.max() <= 2 + EXACT
    assert not np.any(b["r"])
    assert not np.any(b["h"])


@pytest.mark.parametrize("cell", [lstm, gru, coupled, MGU, Peephole], ids=name_of)
def test_chrono_makes_any_cell_remember(cell):
    """With biases alone, a unit keeps u / (1 + u) of its state at each step."""
    params, _, _ = drawn(cell, H=40, T_max=50)
    params = params._replace(W=np.zeros_like(params.W))
    trace = sequence.forward(cell, params, np.zeros((1, D)))
    kept = cell.direct_factor(trace.caches[0])
    lags = kept / (1 - kept)
    assert 1 - EXACT < lags.min() < 10 < 40 < lags.max() < 49 + 100 * EXACT


# Bad input


@pytest.mark.parametrize(
    ("cell", "options", "message"),
    [
        ("lstm", {}, "cell must be a cell, .*got 'lstm'"),
        (gru, {"f": 1.0}, "a gate must be one of z, r, h, got 'f'"),
        (gru, {"silent": ["f"]}, "a gate must be one of z, r, h, got 'f'"),
        (lstm, {"f": np.inf}, "the bias f must be finite, got inf"),
        (lstm, {"f": "1"}, "the bias f must be a real number, got '1'"),
        (lstm, {"gain": np.nan}, "gain must be finite, got nan"),
        (lstm, {"T_max": 2}, "T_max must be at least 3 steps, got 2"),
        (lstm, {"T_max": 9.5}, "T_max must be an integer, got 9.5"),
        (rnn, {"T_max": 10}, "T_max needs a cell .*; rnn has none"),
    ],
)
def test_bad_options_are_named(cell, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        initializer(cell, **options)


@pytest.mark.parametrize("part", ["inputs", "recurrent"])
@pytest.mark.parametrize("shape", [(), (H,), (1, H), (H, 2)], ids=str)
def test_drawn_matrices_have_the_shape_that_was_asked_for(part, shape):
    with pytest.raises(ValueError, match=f"{part} must draw .* shape.*got"):
        drawn(lstm, **{part: lambda *_: np.zeros(shape)})
