"""The gradient experiments against closed forms and against backpropagation itself."""

import numpy as np
import pytest

from lstm_lab import gradflow, gru, initialization, lstm, rnn

ARCHITECTURES = [rnn, lstm, gru]
EXACT = 1e-12  # float64, a few dozen steps


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_pull_back_ends_where_backward_does(arch, rng):
    params, x = arch.init(2, 3, rng=rng), rng.normal(size=(6, 4, 2))
    trace = arch.forward(params, x)
    cotangents = [rng.normal(size=(4, 3)) for _ in arch.STATES]
    pulled = list(gradflow.pull_back(arch, params, trace, *cotangents))
    grads = arch.backward(params, trace, None, *cotangents)
    assert len(pulled) == 7
    for last, name in zip(pulled[-1], arch.STATES, strict=True):
        np.testing.assert_allclose(last, getattr(grads, f"{name}0"), rtol=EXACT)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_gradient_flow_is_the_expected_norm_over_directions(arch):
    flow = gradflow.gradient_flow(arch, D=2, H=4, T=8, seeds=[3])
    weights_rng, input_rng = np.random.default_rng(3).spawn(2)
    params = arch.init(2, 4, rng=weights_rng)
    x = input_rng.normal(size=(8, 2))
    squares = np.zeros(9)
    for v in np.eye(4):
        for lag in range(9):
            start = arch.forward(params, x[: 8 - lag]) if lag < 8 else None
            states = [
                np.zeros(4) if start is None else getattr(start, name)[-1]
                for name in arch.STATES
            ]
            if lag == 0:
                squares[0] += v @ v
                continue
            trace = arch.forward(params, x[8 - lag :], *states)
            grads = arch.backward(params, trace, None, v)
            squares[lag] += sum(
                np.sum(getattr(grads, f"{name}0") ** 2) for name in arch.STATES
            )
    np.testing.assert_allclose(flow.norms[0], np.sqrt(squares / 4), rtol=EXACT)


def test_gradient_flow_record():
    flow = gradflow.gradient_flow(gru, D=2, H=3, T=5, seeds=(7, 8))
    assert (flow.architecture, flow.D, flow.H, flow.seeds) == (
        "gru",
        2,
        3,
        (7, 8),
    )
    np.testing.assert_array_equal(flow.lags, np.arange(6))
    np.testing.assert_allclose(
        flow.typical, np.sqrt(flow.norms[0] * flow.norms[1]), rtol=EXACT
    )
    again = gradflow.gradient_flow(gru, D=2, H=3, T=5, seeds=(7, 8))
    np.testing.assert_array_equal(flow.norms, again.norms)


def test_gradient_flow_of_a_nearly_linear_network_is_a_matrix_power():
    """With inputs and states near zero the slope of tanh is one."""

    def draw(D, H, *, rng):
        params = rnn.init(D, H, rng=rng)
        params.W[:, :D] = 0  # the state stays exactly zero
        return params

    flow = gradflow.gradient_flow(rnn, D=2, H=5, T=20, seeds=[0], draw=draw)
    U = rnn.init(2, 5, rng=np.random.default_rng(0).spawn(2)[0]).W[:, 2:]
    powers = [np.linalg.matrix_power(U, k) for k in range(21)]
    expected = [np.linalg.norm(power) / np.sqrt(5) for power in powers]
    np.testing.assert_allclose(flow.norms[0], expected, rtol=EXACT)


def test_geometric_mean():
    values = np.array([[1.0, 0.0, 1e-200], [100.0, 5.0, 1e-200]])
    expected = [10.0, 0.0, 1e-200]
    np.testing.assert_allclose(
        gradflow.geometric_mean(values), expected, rtol=EXACT
    )


def test_gate_activations(rng):
    trace = lstm.forward(lstm.init(2, 3, rng=rng), rng.normal(size=(5, 2)))
    record = gradflow.gate_activations(trace)
    np.testing.assert_allclose(
        record.i, trace.gates[:, 0:3].mean(axis=1), rtol=EXACT
    )
    np.testing.assert_allclose(
        record.f, trace.gates[:, 3:6].mean(axis=1), rtol=EXACT
    )
    np.testing.assert_allclose(
        record.o, trace.gates[:, 6:9].mean(axis=1), rtol=EXACT
    )
    norms = [np.sqrt(c @ c) for c in trace.c[1:]]
    np.testing.assert_allclose(record.cell_norm, norms, rtol=EXACT)


def test_gate_activations_want_one_sequence_of_an_lstm(rng):
    batch = lstm.forward(lstm.init(2, 3, rng=rng), rng.normal(size=(5, 4, 2)))
    with pytest.raises(
        ValueError, match=r"trace\.x must have shape \(T, D\).*\(5, 4, 2\)"
    ):
        gradflow.gate_activations(batch)
    other = gru.forward(gru.init(2, 3, rng=rng), rng.normal(size=(5, 2)))
    with pytest.raises(TypeError, match=r"trace must be lstm_lab\.lstm\.Trace"):
        gradflow.gate_activations(other)


def gates_that_ignore_h(rng, forget_bias):
    params = lstm.init(2, 3, rng=rng, forget_bias=forget_bias)
    params.W[:, 2:] = 0
    return params


def test_direct_path_is_everything_when_the_gates_ignore_h(rng):
    params, x = gates_that_ignore_h(rng, 0.7), rng.normal(size=(12, 2))
    trace = lstm.forward(params, x)
    direct = gradflow.direct_path(trace)
    full = list(gradflow.cell_jacobians(params, trace))
    assert len(full) == len(direct) - 1 == 11
    for product, jacobian in zip(direct, full, strict=False):
        np.testing.assert_allclose(
            jacobian, np.diag(product), rtol=0, atol=EXACT
        )


def test_carousel_is_exactly_one(rng):
    params = lstm.init(2, 3, rng=rng)._replace(
        b=np.repeat([-1e3, 1e3, 0, 0], 3)
    )
    trace = lstm.forward(params, rng.normal(size=(50, 2)), c0=np.ones(3))
    assert (gradflow.direct_path(trace) == 1).all()
    assert (trace.c == 1).all()
    full = list(gradflow.cell_jacobians(params, trace))[-1]
    np.testing.assert_array_equal(full, np.eye(3))


def test_cell_jacobian_is_the_derivative_of_the_last_cell_state(rng):
    params, x = lstm.init(2, 3, rng=rng), rng.normal(size=(7, 2))
    trace = lstm.forward(params, x)
    t, step = 3, 1e-6
    _, _, o, _ = np.split(trace.gates[t - 1], 4)

    def last_cell(c):
        return lstm.forward(params, x[t:], o * np.tanh(c), c).c[-1]

    steps = step * np.eye(3)
    numeric = np.stack(
        [last_cell(trace.c[t] + e) - last_cell(trace.c[t] - e) for e in steps],
        axis=1,
    ) / (2 * step)
    full = list(gradflow.cell_jacobians(params, trace))[7 - t - 1]
    np.testing.assert_allclose(
        full, numeric, rtol=0, atol=1e-9
    )  # central differences


def uniform_lstm(**options):
    uniform = initialization.uniform
    return initialization.start(
        lstm, inputs=uniform, recurrent=uniform, **options
    )


def test_cell_paths_record():
    starts = {"forgetful": uniform_lstm(f=0.0), "keeping": uniform_lstm(f=2.0)}
    paths = gradflow.cell_paths(starts, D=2, H=4, T=6, seeds=(1, 2, 3))
    assert paths.direct.shape == paths.full.shape == (2, 3, 5)
    np.testing.assert_array_equal(paths.lags, np.arange(1, 6))
    assert (paths.direct[1] > paths.direct[0]).all()
    assert paths.names == ("forgetful", "keeping")
    assert (paths.D, paths.H, paths.seeds) == (2, 4, (1, 2, 3))
    for values, typical in (
        (paths.direct, paths.typical_direct),
        (paths.full, paths.typical_full),
    ):
        np.testing.assert_allclose(
            typical, np.exp(np.log(values).mean(axis=1)), rtol=EXACT
        )


def test_a_deaf_lstm_has_the_direct_path_alone():
    starts = {
        "hearing": uniform_lstm(f=4.0),
        "deaf": uniform_lstm(f=4.0, silent=lstm.GATES),
    }
    paths = gradflow.cell_paths(starts, D=2, H=4, T=20, seeds=(0,))
    np.testing.assert_allclose(paths.full[1], paths.direct[1], rtol=EXACT)
    assert (paths.full[0] > 1.1 * paths.direct[0]).all()


def test_cell_paths_of_one_network_are_those_of_its_trace():
    starts = {"": uniform_lstm(f=1.0)}
    paths = gradflow.cell_paths(starts, D=2, H=4, T=6, seeds=(5,))
    weights_rng, input_rng = np.random.default_rng(5).spawn(2)
    params = starts[""](2, 4, rng=weights_rng)
    trace = lstm.forward(params, input_rng.normal(size=(6, 2)))
    _, f, _, _ = np.split(trace.gates, 4, axis=-1)
    product = (f[3] * f[4] * f[5]).max()
    assert paths.direct[0, 0, 2] == pytest.approx(product, rel=EXACT)
    jacobian = list(gradflow.cell_jacobians(params, trace))[2]
    largest = np.linalg.svd(jacobian, compute_uv=False)[0]
    assert paths.full[0, 0, 2] == pytest.approx(largest, rel=EXACT)


@pytest.mark.parametrize(
    ("forget_bias", "direct", "full"),
    [
        (0.0, 7e-30, 1.5e-20),
        (1.0, 8e-14, 3e-7),
        (2.0, 9e-6, 1.1),
        (4.0, 0.28, 120.0),
    ],
)
def test_magnitudes_at_a_lag_of_99(forget_bias, direct, full):
    """Other draws than those that gave these figures: the same within half a power of ten."""
    paths = gradflow.cell_paths({"": uniform_lstm(f=forget_bias)})
    measured = [paths.typical_direct[0, -1], paths.typical_full[0, -1]]
    distance = np.abs(np.log10(measured) - np.log10([direct, full]))
    assert (distance < [0.5, 0.75]).all()


@pytest.mark.parametrize(
    ("bias", "steps"), [(0, 1.44), (1, 3.19), (2, 7.88), (3, 20.6)]
)
def test_time_constants(bias, steps):
    tau = gradflow.time_constant(bias)
    assert tau == pytest.approx(steps, rel=5e-3)
    gate = 1 / (1 + np.exp(-bias))
    assert gate**tau == pytest.approx(np.exp(-1), rel=EXACT)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: gradflow.gradient_flow(rnn, T=0),
            "T must be at least 1, got 0",
        ),
        (
            lambda: gradflow.cell_paths({}, T=1),
            "T must be at least 2 steps, for a lag of 1, got 1",
        ),
        (
            lambda: gradflow.cell_paths({}, T=2.5),
            "T must be an integer, got 2.5",
        ),
        (
            lambda: gradflow.time_constant("1"),
            "forget_bias must be a real number, got '1'",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()
