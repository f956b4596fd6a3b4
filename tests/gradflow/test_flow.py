"""How much of a gradient arrives at each lag, against backward and closed forms."""

import numpy as np
import pytest

from lstm_lab import gradflow, lstm, rnn, sequence
from lstm_lab.initialization import initializer, orthogonal

EXACT = 1e-12  # float64, a few dozen steps
LOGARITHMS = 1e-10  # decimal, absolute: a thousand factors, each rounded


def zeros(rows, columns, _rng):
    return np.zeros((rows, columns))


def linear(**options):
    """Draw networks whose state stays exactly zero, where tanh has slope one."""
    return initializer(rnn, inputs=zeros, **options)


def linear_flow(init, T, H=4):
    flow = gradflow.gradient_flow(rnn, init=init, D=2, H=H, T=T, seeds=[0])
    return flow.log10_norms[0]


# The flow from the last step


def test_flow_is_the_expected_norm_over_directions(cell, init, norm_by_backward):
    sizes = {"init": init, "D": 2, "H": 4, "T": 8}
    flow = gradflow.gradient_flow(cell, **sizes, seeds=[3, 5])
    for seed, norms in zip((3, 5), flow.norms, strict=True):
        trace = gradflow.draw_and_run(cell, **sizes, seed=seed)
        expected = [norm_by_backward(trace, 8, lag) for lag in range(9)]
        np.testing.assert_allclose(norms, expected, rtol=EXACT)


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


def test_flow_along_cells_that_read_no_state_is_the_product_of_forget_gates():
    """dh_T / dc_(T-k) is then o_T (1 - tanh^2 c_T) prod f, and dh_T / dh_(T-k) is zero."""
    sizes = {"init": initializer(lstm, silent="ifog"), "D": 2, "H": 3, "T": 30}
    flow = gradflow.gradient_flow(lstm, **sizes, seeds=[4])
    trace = gradflow.draw_and_run(lstm, **sizes, seed=4)
    top = trace.gates["o"][-1] * (1 - np.tanh(trace.c[-1]) ** 2)
    kept = [trace.gates["f"][30 - lag :].prod(axis=0) for lag in range(1, 31)]
    expected = np.sqrt(np.mean((top * np.array(kept)) ** 2, axis=1))
    np.testing.assert_allclose(flow.norms[0, 1:], expected, rtol=EXACT)


def test_a_record_gives_norms_and_lags():
    logs = np.array([[0.0, -400.0, 400.0, -np.inf], [2.0, -400.0, 400.0, 1.0]])
    settings = {"cell": "rnn", "D": 1, "H": 1, "T": 3, "seeds": (0, 1)}
    flow = gradflow.GradientFlow(**settings, log10_norms=logs)
    np.testing.assert_array_equal(flow.lags, range(4))
    np.testing.assert_array_equal(flow.norms[0], [1, 0, np.inf, 0])
    np.testing.assert_array_equal(flow.typical, [10, 0, np.inf, 0])


# The map from every step


def test_map_is_the_flow_from_every_step(trace, norm_by_backward):
    found = gradflow.gradient_map(trace)
    assert found.cell == sequence.name_of(trace.cell)
    T = len(trace.x)
    assert found.log10_norms.shape == (T, T + 1)
    for t, row in enumerate(found.log10_norms, start=1):
        expected = [norm_by_backward(trace, t, lag) for lag in range(t + 1)]
        np.testing.assert_allclose(10 ** row[: t + 1], expected, rtol=EXACT)
        assert np.isnan(row[t + 1 :]).all()


def test_map_beyond_the_floats():
    """A linear network with the gain 0.01: minus two powers of ten for every step."""
    init = linear(recurrent=orthogonal, gain=0.01)
    params = init(1, 2, rng=np.random.default_rng(0))
    trace = sequence.forward(rnn, params, np.zeros((400, 1)))
    found = gradflow.gradient_map(trace).log10_norms
    lags = np.arange(401)
    expected = np.where(lags <= lags[1:, None], -2.0 * lags, np.nan)
    np.testing.assert_allclose(found, expected, rtol=0, atol=LOGARITHMS)
    assert np.nanmin(found) < -799


def test_a_map_wants_the_trace_of_one_sequence(rng):
    params = rnn.init(2, 3, rng=rng)
    batch = sequence.forward(rnn, params, np.ones((5, 3, 2)))
    with pytest.raises(ValueError, match=r"trace\.x must .*got \(5, 3, 2\)"):
        gradflow.gradient_map(batch)
    with pytest.raises(TypeError, match=r"trace must be .*Trace, got"):
        gradflow.gradient_map(params)
