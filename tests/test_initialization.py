"""First weights and biases."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

from lstm_lab import coupled, gru, initialization, lstm, rnn
from lstm_lab.numerics import Array
from lstm_lab.packing import split_rows

ARCHITECTURES = (rnn, lstm, gru, coupled)
EXACT = 1e-12  # float64 sums of a few dozen terms


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_uniform_fills_its_interval(rng):
    draws = initialization.uniform(16, 4000, rng)
    assert np.abs(draws).max() <= 0.25
    assert draws.var() == pytest.approx(0.25**2 / 3, rel=0.02)


def test_glorot_has_its_variance(rng):
    draws = initialization.glorot(300, 500, rng)
    assert draws.var() == pytest.approx(2 / 800, rel=0.02)
    assert np.abs(draws).max() <= np.sqrt(6 / 800)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7)])
def test_orthogonal_has_unit_singular_values(shape, rng):
    matrix = initialization.orthogonal(*shape, rng)
    assert matrix.shape == shape
    singular_values = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(singular_values, 1, rtol=0, atol=EXACT)


def test_orthogonal_is_drawn_without_a_preferred_sign(rng):
    corners = [initialization.orthogonal(4, 4, rng)[0, 0] for _ in range(400)]
    assert (
        abs(np.mean(corners)) < 0.1
    )  # four standard errors of 0.5 / sqrt(400)
    assert np.mean(np.square(corners)) == pytest.approx(1 / 4, rel=0.2)


def test_a_square_orthogonal_matrix_leaves_the_draws_upper_triangular():
    """It is Q, not its transpose: Q.T @ draws is R, with a positive diagonal."""
    matrix = initialization.orthogonal(4, 4, np.random.default_rng(1))
    draws = np.random.default_rng(1).normal(size=(4, 4))
    R = matrix.T @ draws
    np.testing.assert_allclose(R, np.triu(R), rtol=0, atol=EXACT)
    assert (np.diag(R) > 0).all()


@pytest.mark.parametrize("shape", [(3, 3), (2, 3), (3, 2)])
def test_identity_copies_and_pads(shape, rng):
    matrix = initialization.identity(*shape, rng)
    padded = np.zeros(shape)
    padded[[0, 1], [0, 1]] = 1
    padded[2:, 2:] = 1
    np.testing.assert_array_equal(matrix, padded)


def test_new_weights_are_as_they_are_drawn_without_a_gain(rng):
    params = rnn.init(2, 4, rng=rng)
    new = initialization.redraw(
        params, rng=rng, recurrent=initialization.identity
    )
    np.testing.assert_array_equal(new.W[:, 2:], np.eye(4))
    draw = initialization.start(rnn, recurrent=initialization.identity)
    np.testing.assert_array_equal(draw(2, 4, rng=rng).W[:, 2:], np.eye(4))


def test_a_start_may_draw_what_meets_the_input(rng):
    draw = initialization.start(lstm, inputs=initialization.identity)
    for block in split_rows(draw(2, 4, rng=rng).W, lstm.GATES):
        np.testing.assert_array_equal(block[:, :2], np.eye(4, 2))


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_redraw_fills_every_gate(arch, rng):
    params = arch.init(3, 5, rng=rng)
    new = initialization.redraw(
        params, rng=rng, recurrent=initialization.orthogonal, gain=2.0
    )
    for old_block, block in zip(
        split_rows(params.W, arch.GATES),
        split_rows(new.W, arch.GATES),
        strict=True,
    ):
        np.testing.assert_array_equal(block[:, :3], old_block[:, :3])
        np.testing.assert_allclose(
            block[:, 3:] @ block[:, 3:].T, 4 * np.eye(5), rtol=0, atol=EXACT
        )
    np.testing.assert_array_equal(new.b, params.b)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_redraw_can_leave_the_recurrent_weights(arch, rng):
    params = arch.init(3, 5, rng=rng)
    new = initialization.redraw(params, rng=rng, inputs=initialization.glorot)
    np.testing.assert_array_equal(new.W[:, 3:], params.W[:, 3:])
    assert np.abs(new.W[:, :3]).max() <= np.sqrt(6 / 8)
    assert not np.any(new.W[:, :3] == params.W[:, :3])


def test_redraw_keeps_dtype_and_changes_no_argument(rng):
    params = lstm.init(3, 5, rng=rng, dtype=np.float32)
    before = params.W.copy()
    new = initialization.redraw(params, rng=rng, inputs=initialization.uniform)
    assert new.W.dtype == np.float32
    np.testing.assert_array_equal(params.W, before)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_bias_reaches_its_gate_alone(arch, rng):
    params = arch.init(3, 5, rng=rng)
    for gate in arch.GATES:
        new = initialization.with_biases(params, **{gate: 2.5})
        blocks = dict(
            zip(arch.GATES, split_rows(new.b, arch.GATES), strict=True)
        )
        before = dict(
            zip(arch.GATES, split_rows(params.b, arch.GATES), strict=True)
        )
        np.testing.assert_array_equal(blocks.pop(gate), np.full(5, 2.5))
        for name, block in blocks.items():
            np.testing.assert_array_equal(block, before[name])
        np.testing.assert_array_equal(new.W, params.W)


def test_a_start_may_spread_its_lags():
    draw = initialization.start(lstm, T_max=50, o=2.0)
    params = draw(2, 4, rng=np.random.default_rng(0))
    rng = np.random.default_rng(0)
    expected = initialization.chrono(lstm.init(2, 4, rng=rng), 50, rng=rng)
    b_i, b_f, b_o, _ = split_rows(params.b, lstm.GATES)
    np.testing.assert_array_equal(np.concatenate([b_i, b_f]), expected.b[:8])
    np.testing.assert_array_equal(b_o, 2.0)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_silenced_gate_does_not_hear_the_state(arch, rng):
    params = arch.init(3, 5, rng=rng)
    last = arch.GATES[-1]
    *others, block = split_rows(
        initialization.silence(params, last).W, arch.GATES
    )
    *others_before, before = split_rows(params.W, arch.GATES)
    assert not np.any(block[:, 3:])
    np.testing.assert_array_equal(block[:, :3], before[:, :3])
    np.testing.assert_array_equal(others, others_before)


def test_the_way_to_start_is_put_together(rng):
    draw = initialization.start(
        lstm,
        recurrent=initialization.identity,
        gain=0.5,
        silent="g",
        f=3.0,
        i=-3.0,
    )
    params = draw(2, 4, rng=rng)
    *blocks, candidate = split_rows(params.W, lstm.GATES)
    for block in blocks:
        np.testing.assert_array_equal(block[:, 2:], 0.5 * np.eye(4))
    assert not np.any(candidate[:, 2:])
    np.testing.assert_array_equal(params.b, np.repeat([-3.0, 3.0, 0.0, 0.0], 4))
    expected = lstm.init(2, 4, rng=np.random.default_rng(0)).W[:, :2]
    np.testing.assert_array_equal(params.W[:, :2], expected)


def test_chrono_spreads_lags_over_the_interval(rng):
    params = initialization.chrono(lstm.init(2, 4000, rng=rng), 101, rng=rng)
    b = dict(zip(lstm.GATES, split_rows(params.b, lstm.GATES), strict=True))
    lags = np.exp(b["f"])
    np.testing.assert_array_equal(b["i"], -b["f"])
    assert lags.min() >= 1 - EXACT
    assert lags.max() <= 100 + 100 * EXACT
    assert lags.mean() == pytest.approx(50.5, rel=0.03)
    assert not np.any(b["o"])
    assert not np.any(b["g"])


def test_the_shortest_interval_of_lags_is_filled(rng):
    params = initialization.chrono(gru.init(2, 4000, rng=rng), 3, rng=rng)
    lags = np.exp(-split_rows(params.b, gru.GATES)[0])
    # Of 4000 draws, none in a hundredth of the interval has odds of 1e-17.
    assert 1 - EXACT <= lags.min() <= 1.01
    assert 1.99 <= lags.max() <= 2 + EXACT


def test_chrono_of_a_gru_closes_the_gate_that_admits(rng):
    params = initialization.chrono(gru.init(2, 50, rng=rng), 101, rng=rng)
    b_z, b_r, b_h = split_rows(params.b, gru.GATES)
    assert (b_z <= 0).all()
    assert (b_z >= -np.log(100)).all()
    assert not np.any(b_r)
    assert not np.any(b_h)


def test_chrono_wants_an_interval(rng):
    with pytest.raises(
        ValueError, match="T_max must be at least 3 steps, got 2"
    ):
        initialization.chrono(lstm.init(2, 3, rng=rng), 2, rng=rng)


def test_chrono_wants_gates(rng):
    with pytest.raises(
        TypeError,
        match=r"params must have a forget gate f or .* got the gates h",
    ):
        initialization.chrono(rnn.init(2, 3, rng=rng), 10, rng=rng)


def test_chrono_of_coupled_gates_is_that_of_the_lstm():
    """One bias does for both: what it keeps less, it admits more."""
    starts = (
        initialization.start(arch, T_max=50, o=1.0) for arch in (coupled, lstm)
    )
    (f, o, g), lstm_blocks = (
        split_rows(draw(3, 40, rng=np.random.default_rng(0)).b, arch.GATES)
        for draw, arch in zip(starts, (coupled, lstm), strict=True)
    )
    assert np.log(1) <= f.min() < f.max() <= np.log(49)
    np.testing.assert_array_equal(o, 1)
    np.testing.assert_array_equal(g, 0)
    i, f, o, g = lstm_blocks
    np.testing.assert_array_equal(i, -f)


def test_a_further_architecture_says_itself_what_its_gates_are(rng):
    class Params(NamedTuple):
        W: Array
        b: Array

        H = property(lambda self: len(self.b) // 2)
        D = property(lambda self: self.W.shape[1] - self.H)
        gates = ("f", "g")

    def init(D, H, *, rng):
        return Params(rng.normal(size=(2 * H, D + H)), np.zeros(2 * H))

    arch = SimpleNamespace(init=init)
    draw = initialization.start(
        arch, recurrent=initialization.identity, silent=("g",), T_max=9, g=0.5
    )
    params = draw(2, 3, rng=rng)
    np.testing.assert_array_equal(params.W[:3, 2:], np.eye(3))
    np.testing.assert_array_equal(params.W[3:, 2:], 0)
    assert np.all(params.b[:3] >= 0)
    np.testing.assert_array_equal(params.b[3:], 0.5)


@pytest.mark.parametrize(
    "change",
    [
        lambda params: initialization.with_biases(params, f=1.0),
        lambda params: initialization.silence(params, "f"),
        lambda params: initialization.redraw(
            params, rng=np.random.default_rng(0)
        ),
        lambda params: initialization.chrono(
            params, 10, rng=np.random.default_rng(0)
        ),
    ],
    ids=["with_biases", "silence", "redraw", "chrono"],
)
def test_changes_want_parameters(change):
    with pytest.raises(
        TypeError, match="params must be the Params of an architecture, got li"
    ):
        change([])


def test_biases_want_a_gate_that_is_there(rng):
    with pytest.raises(
        ValueError, match="a gate must be one of z, r, h, got 'f'"
    ):
        initialization.with_biases(gru.init(2, 3, rng=rng), f=1.0)


@pytest.mark.parametrize("bias", [np.inf, np.nan])
def test_biases_are_finite(bias, rng):
    with pytest.raises(ValueError, match="the bias f must be finite, got"):
        initialization.with_biases(lstm.init(2, 3, rng=rng), f=bias)


@pytest.mark.parametrize(
    "matrix",
    [
        initialization.uniform,
        initialization.glorot,
        initialization.orthogonal,
    ],
)
def test_matrices_want_a_generator(matrix):
    with pytest.raises(TypeError, match="rng must be a numpy"):
        matrix(3, 4, 0)


@pytest.mark.parametrize("part", ["inputs", "recurrent"])
@pytest.mark.parametrize("shape", [(), (4,), (1, 4), (4, 3)], ids=str)
def test_drawn_matrices_have_the_shape_that_was_asked_for(part, shape, rng):
    params = lstm.init(5, 4, rng=rng)
    with pytest.raises(ValueError, match=f"{part} must draw .* shape.*got"):
        initialization.redraw(
            params, rng=rng, **{part: lambda *_: np.zeros(shape)}
        )
