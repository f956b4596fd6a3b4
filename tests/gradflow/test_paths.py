"""The direct path beside all paths, against closed forms and derivatives."""

from functools import reduce

import numpy as np
import pytest

from lstm_lab import gradflow, gru, initialization, lstm

EXACT = 1e-12  # float64, a few dozen steps


def uniform_lstm(**options):
    uniform = initialization.uniform
    return initialization.start(
        lstm, inputs=uniform, recurrent=uniform, **options
    )


# One network


def test_direct_path_multiplies_forget_gates(rng):
    x = rng.normal(size=(5, 4, 2))
    trace = lstm.forward(lstm.init(2, 3, rng=rng), x)
    f = trace.gates[..., 1, :]
    direct = gradflow.direct_path(trace)
    for lag in range(1, 6):
        expected = np.prod(f[5 - lag :], axis=0)
        np.testing.assert_allclose(direct[lag - 1], expected, rtol=EXACT)


def test_direct_path_is_everything_when_the_gates_ignore_h(rng):
    params = lstm.init(2, 3, rng=rng, forget_bias=0.7)
    params.W[:, 2:] = 0
    trace = lstm.forward(params, rng.normal(size=(12, 2)))
    direct = gradflow.direct_path(trace)
    full = list(gradflow.cell_jacobians(params, trace))
    assert len(full) == len(direct) - 1 == 11
    for product, jacobian in zip(direct, full, strict=False):
        np.testing.assert_allclose(
            jacobian, np.diag(product), rtol=0, atol=EXACT
        )
    step = 1e-6  # and dc_T / dc_0, by differences of the whole forward pass
    ends = [
        lstm.forward(params, trace.x, None, c0).c[-1]
        for c0 in (np.full(3, step), np.full(3, -step))
    ]
    slope = (ends[0] - ends[1]) / (2 * step)
    np.testing.assert_allclose(slope, direct[-1], rtol=0, atol=1e-9)


def test_carousel_is_exactly_one(rng):
    """Closed input gates and open forget gates, whatever the recurrent weights are."""
    params = lstm.init(2, 3, rng=rng)._replace(
        b=np.repeat([-1e3, 1e3, 0, 0], 3)
    )
    trace = lstm.forward(params, rng.normal(size=(1000, 2)), c0=np.ones(3))
    assert (gradflow.direct_path(trace) == 1).all()
    assert (trace.c == 1).all()
    full = list(gradflow.cell_jacobians(params, trace))[-1]
    np.testing.assert_array_equal(full, np.eye(3))
    grads = lstm.backward(params, trace, None, None, np.array([1.0, -2.0, 3.0]))
    np.testing.assert_array_equal(grads.c0, [1, -2, 3])


def test_cell_jacobian_is_the_derivative_of_the_last_cell_state(rng):
    params, x = lstm.init(2, 3, rng=rng), rng.normal(size=(7, 2))
    trace = lstm.forward(params, x)
    step = 1e-6
    jacobians = list(gradflow.cell_jacobians(params, trace))
    assert len(jacobians) == 6
    for lag, full in enumerate(jacobians, start=1):
        t = 7 - lag
        _, _, o, _ = trace.gates[t - 1]
        ends = [
            lstm.forward(params, x[t:], o * np.tanh(c), c).c[-1]
            for e in step * np.eye(3)
            for c in (trace.c[t] + e, trace.c[t] - e)
        ]
        numeric = np.subtract(ends[::2], ends[1::2]).T / (2 * step)
        np.testing.assert_allclose(full, numeric, rtol=0, atol=1e-9)


# The record


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


def test_one_step_jacobians_are_those_to_each_step(rng):
    params, x = lstm.init(2, 3, rng=rng), rng.normal(size=(7, 2))
    steps = gradflow.one_step_jacobians(params, lstm.forward(params, x))
    assert steps.shape == (6, 3, 3)
    for t, step in enumerate(steps, start=2):
        until = lstm.forward(params, x[:t])
        expected = next(gradflow.cell_jacobians(params, until))
        np.testing.assert_allclose(step, expected, rtol=0, atol=EXACT)


def test_the_product_of_single_steps_lacks_the_way_through_the_output_gate(
    rng,
):
    params, x = lstm.init(2, 3, rng=rng), rng.normal(size=(7, 2))
    for silent, equal in (((), False), (("o",), True)):
        quiet = initialization.silence(params, *silent)
        trace = lstm.forward(quiet, x)
        product = reduce(
            np.matmul, gradflow.one_step_jacobians(quiet, trace)[::-1]
        )
        *_, whole = gradflow.cell_jacobians(quiet, trace)
        assert np.allclose(product, whole, rtol=0, atol=1e-12) == equal


def test_cell_paths_of_one_network_are_those_of_its_trace(draw_and_run):
    start = uniform_lstm(f=1.0)
    paths = gradflow.cell_paths({"": start}, D=2, H=4, T=6, seeds=(5,))
    params, trace = draw_and_run(lstm, start, 2, 4, 6, 5)
    _, f, _, _ = np.moveaxis(trace.gates, -2, 0)
    product = (f[3] * f[4] * f[5]).max()
    assert paths.direct[0, 0, 2] == pytest.approx(product, rel=EXACT)
    jacobian = list(gradflow.cell_jacobians(params, trace))[2]
    largest = np.linalg.svd(jacobian, compute_uv=False)[0]
    assert paths.full[0, 0, 2] == pytest.approx(largest, rel=EXACT)


def test_a_deaf_lstm_has_the_direct_path_alone():
    starts = {
        "hearing": uniform_lstm(f=4.0),
        "deaf": uniform_lstm(f=4.0, silent=lstm.GATES),
    }
    paths = gradflow.cell_paths(starts, D=2, H=4, T=20, seeds=(0,))
    np.testing.assert_allclose(paths.full[1], paths.direct[1], rtol=EXACT)
    assert (paths.full[0] > 1.1 * paths.direct[0]).all()


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


# Bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"T": 1}, "T must be at least 2 steps, for a lag of 1, got 1"),
        ({"T": 2.5}, "T must be an integer, got 2.5"),
        ({"D": 0}, "D must be at least 1, got 0"),
        ({"H": 0}, "H must be at least 1, got 0"),
    ],
)
def test_bad_sizes_are_named(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        gradflow.cell_paths({"": lstm.init}, **options)


def test_paths_want_a_trace_of_an_lstm(rng):
    params = gru.init(2, 4, rng=rng)
    other = gru.forward(params, rng.normal(size=(5, 2)))
    message = r"trace must be lstm_lab\.lstm\.Trace, got lstm_lab\.gru\.Trace"
    with pytest.raises(TypeError, match=message):
        gradflow.direct_path(other)
    with pytest.raises(TypeError, match=message):
        next(gradflow.cell_jacobians(params, other))
    with pytest.raises(TypeError, match=message):
        gradflow.one_step_jacobians(params, other)


def test_cell_jacobians_want_one_sequence(rng):
    params = lstm.init(2, 3, rng=rng)
    batch = lstm.forward(params, rng.normal(size=(5, 3, 2)))
    for jacobians in (gradflow.cell_jacobians, gradflow.one_step_jacobians):
        with pytest.raises(
            ValueError, match=r"trace\.x must have shape \(T, D\)"
        ):
            next(iter(jacobians(params, batch)))


def test_paths_have_the_sizes_of_the_chapter_unless_told_otherwise():
    starts = {"usual": lstm.init}
    usual = gradflow.cell_paths(starts, seeds=[0])
    chosen = gradflow.cell_paths(starts, D=4, H=32, T=100, seeds=[0])
    np.testing.assert_array_equal(usual.full, chosen.full)
    assert (usual.D, usual.H) == (4, 32)


def test_two_steps_have_a_lag():
    paths = gradflow.cell_paths({"one": lstm.init}, H=3, T=2, seeds=[0])
    assert paths.lags.tolist() == [1]
