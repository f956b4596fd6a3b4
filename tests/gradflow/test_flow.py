"""How much of a gradient arrives at each lag, against backward and closed forms."""

import numpy as np
import pytest

from lstm_lab import gradflow, gru, lstm, rnn
from lstm_lab.initialization import orthogonal, start

EXACT = 1e-12  # float64, a few dozen steps
LOGARITHMS = 1e-10  # decimal, absolute: a thousand factors, each rounded


def silent_inputs(rows, columns, _rng):
    """Draw input weights of zero: the state stays exactly zero, where tanh has slope one."""
    return np.zeros((rows, columns))


def linear(**options):
    return start(rnn, inputs=silent_inputs, **options)


def linear_flow(draw, T, H=4):
    flow = gradflow.gradient_flow(rnn, D=2, H=H, T=T, seeds=[0], draw=draw)
    return flow.log10_norms[0]


# The flow from the last step


def test_flow_is_the_expected_norm_over_directions(
    arch, draw, draw_and_run, norm_by_backward
):
    flow = gradflow.gradient_flow(arch, D=2, H=4, T=8, seeds=[3, 5], draw=draw)
    for seed, norms in zip((3, 5), flow.norms, strict=True):
        params, trace = draw_and_run(arch, draw, 2, 4, 8, seed)
        expected = [
            norm_by_backward(arch, params, trace, 8, lag) for lag in range(9)
        ]
        np.testing.assert_allclose(norms, expected, rtol=EXACT)


def test_a_flow_has_the_sizes_of_the_chapter_unless_told_otherwise():
    usual = gradflow.gradient_flow(rnn, seeds=[0])
    chosen = gradflow.gradient_flow(rnn, D=4, H=32, T=100, seeds=[0])
    np.testing.assert_array_equal(usual.log10_norms, chosen.log10_norms)


def test_flow_of_a_linear_network_is_a_matrix_power():
    found = 10 ** linear_flow(linear(), 20, H=5)
    U = rnn.init(2, 5, rng=np.random.default_rng(0).spawn(2)[0]).W[:, 2:]
    powers = [np.linalg.matrix_power(U, k) for k in range(21)]
    expected = [np.linalg.norm(power) / np.sqrt(5) for power in powers]
    np.testing.assert_allclose(found, expected, rtol=EXACT)


@pytest.mark.parametrize("gain", [0.1, 0.5, 1.0, 3.0])
def test_flow_of_a_scaled_rotation_decays_at_its_gain(gain):
    found = linear_flow(linear(recurrent=orthogonal, gain=gain), 1200)
    expected = np.arange(1201) * np.log10(gain)
    np.testing.assert_allclose(found, expected, rtol=0, atol=LOGARITHMS)


def test_flow_through_a_nilpotent_matrix_dies_in_as_many_steps_as_units():
    def shift(rows, columns, _rng):
        return np.eye(rows, columns, 1)

    found = linear_flow(linear(recurrent=shift, gain=5.0), 8)
    # U^k has 4 - k entries of 5^k; the norm is over sqrt(4)
    alive = [k * np.log10(5) + 0.5 * np.log10((4 - k) / 4) for k in range(4)]
    np.testing.assert_allclose(found[:4], alive, rtol=0, atol=EXACT)
    np.testing.assert_array_equal(found[4:], -np.inf)


def test_flow_along_cells_that_hear_no_state_is_the_product_of_forget_gates():
    """dh_T / dc_(T-k) is then o_T (1 - tanh^2 c_T) prod f, and dh_T / dh_(T-k) is zero."""
    deaf = start(lstm, silent=lstm.GATES, f=1.0)
    flow = gradflow.gradient_flow(lstm, D=2, H=3, T=30, seeds=[4], draw=deaf)
    weights_rng, input_rng = np.random.default_rng(4).spawn(2)
    params = deaf(2, 3, rng=weights_rng)
    trace = lstm.forward(params, input_rng.normal(size=(30, 2)))
    _, f, o, _ = np.moveaxis(trace.gates, -2, 0)
    top = o[-1] * (1 - np.tanh(trace.c[-1]) ** 2)
    expected = [
        np.sqrt(np.mean((top * np.prod(f[30 - lag :], axis=0)) ** 2))
        for lag in range(1, 31)
    ]
    np.testing.assert_allclose(flow.norms[0, 1:], expected, rtol=EXACT)


def test_flow_record():
    flow = gradflow.gradient_flow(gru, D=2, H=3, T=5, seeds=(7, 8))
    assert (flow.architecture, flow.D, flow.H) == ("gru", 2, 3)
    assert flow.seeds == (7, 8)
    np.testing.assert_array_equal(flow.lags, np.arange(6))
    np.testing.assert_allclose(
        flow.typical, np.sqrt(flow.norms[0] * flow.norms[1]), rtol=EXACT
    )
    np.testing.assert_array_equal(flow.norms, 10**flow.log10_norms)
    again = gradflow.gradient_flow(gru, D=2, H=3, T=5, seeds=(7, 8))
    np.testing.assert_array_equal(flow.norms, again.norms)


def test_norms_that_no_float_can_hold():
    logs = np.array([[0.0, -400.0, 400.0, -np.inf]])
    flow = gradflow.GradientFlow("rnn", logs, 1, 1, (0,))
    expected = [[1, 0, np.inf, 0]]
    np.testing.assert_array_equal(flow.norms, expected)
    np.testing.assert_array_equal(flow.typical, expected[0])


# The map from every step


def test_map_is_the_flow_from_every_step(arch, inputs, norm_by_backward):
    params, x = inputs.params, inputs.x[:, 0]
    found = gradflow.gradient_map(arch, params, x)
    assert found.architecture == arch.__name__.rpartition(".")[-1]
    T, trace = len(x), arch.forward(params, x)
    assert found.log10_norms.shape == (T, T + 1)
    for t in range(1, T + 1):
        row = found.log10_norms[t - 1]
        expected = [
            norm_by_backward(arch, params, trace, t, lag)
            for lag in range(t + 1)
        ]
        np.testing.assert_allclose(10 ** row[: t + 1], expected, rtol=EXACT)
        assert np.isnan(row[t + 1 :]).all()


def test_last_row_of_the_map_is_the_flow(arch, draw, draw_and_run):
    flow = gradflow.gradient_flow(arch, D=2, H=4, T=12, seeds=[9], draw=draw)
    params, trace = draw_and_run(arch, draw, 2, 4, 12, 9)
    found = gradflow.gradient_map(arch, params, trace.x)
    np.testing.assert_allclose(
        found.log10_norms[-1], flow.log10_norms[0], rtol=0, atol=EXACT
    )


def test_map_beyond_the_floats():
    """A linear network with the gain 0.01: minus two powers of ten for every step."""
    draw = linear(recurrent=orthogonal, gain=0.01)
    params = draw(1, 2, rng=np.random.default_rng(0))
    found = gradflow.gradient_map(rnn, params, np.zeros((400, 1))).log10_norms
    lags = np.arange(401)
    expected = np.where(lags <= lags[1:, None], -2.0 * lags, np.nan)
    np.testing.assert_allclose(found, expected, rtol=0, atol=LOGARITHMS)
    assert np.nanmin(found) < -799


# Bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"T": 0}, "T must be at least 1, got 0"),
        ({"T": 2.5}, "T must be an integer, got 2.5"),
        ({"D": -1}, "D must be at least 1, got -1"),
        ({"H": "3"}, "H must be an integer, got '3'"),
    ],
)
def test_bad_sizes_of_a_flow_are_named(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        gradflow.gradient_flow(rnn, **options)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones((5, 3, 2)), r"x must have shape \(T, D\); got \(5, 3, 2\)"),
        (np.ones((5, 3)), r"x must have shape .*; got \(5, 3\)"),
        (np.ones((5, 2), int), "x must be an array of float"),
        (
            np.full((5, 2), np.nan),
            r"x must be finite, got nan at index \(0, 0\)",
        ),
    ],
)
def test_bad_inputs_of_a_map_are_named(x, message, rng):
    with pytest.raises((TypeError, ValueError), match=message):
        gradflow.gradient_map(rnn, rnn.init(2, 3, rng=rng), x)
