"""The direct path beside all paths, against closed forms and derivatives."""

from functools import reduce

import numpy as np
import pytest

from conftest import CELLS
from lstm_lab import gradflow, lstm, rnn, sequence
from lstm_lab.initialization import initializer, uniform
from lstm_lab.packing import by_gate

EXACT = 1e-12  # float64, a few dozen steps
DIFFERENCES = 1e-9  # central ones with a step of 1e-6
GATED = {
    name: (cell, options) for name, (cell, options) in CELLS.items() if hasattr(cell, "DIRECT")
}


@pytest.fixture(params=GATED.values(), ids=GATED)
def cell_and_options(request):
    return request.param


def small_lstm(**options):
    return initializer(lstm, inputs=uniform, recurrent=uniform, **options)


def deaf(trace, **changes):
    """Return the same steps of the cell without any weight on its states."""
    _, _, *vectors = trace.params._fields
    W = trace.params.W.copy()
    W[:, trace.params.D :] = 0
    peepholes = {name: np.zeros(3) for name in vectors if name[0] == "p"}
    params = trace.params._replace(W=W, **peepholes)
    states = {name: state[0] for name, state in trace.states.items()}
    initial = (states | changes).values()
    return sequence.forward(trace.cell, params, trace.x, *initial)


# Any cell with a direct path


def test_direct_path_multiplies_what_is_kept(trace):
    factors = {
        "lstm": lambda gates: gates["f"],
        "coupled": lambda gates: gates["f"],
        "peephole": lambda gates: gates["f"],
        "gru": lambda gates: 1 - gates["z"],
        "mgu": lambda gates: 1 - gates["f"],
    }
    kept = factors[sequence.name_of(trace.cell)](trace.gates)
    direct = gradflow.direct_path(trace)
    for lag, product in enumerate(direct, start=1):
        expected = np.prod(kept[7 - lag :], axis=0)
        np.testing.assert_allclose(product, expected, rtol=EXACT)


def test_direct_path_of_a_batch(batch):
    x, initial = batch.x, batch.initial
    both = sequence.forward(batch.cell, batch.params, x, *initial)
    first = (state[0] for state in initial)
    one = sequence.forward(batch.cell, batch.params, x[:, 0], *first)
    found = gradflow.direct_path(both)[:, 0]
    np.testing.assert_allclose(found, gradflow.direct_path(one), rtol=EXACT)


def test_direct_path_is_everything_when_the_gates_ignore_h(trace):
    trace = deaf(trace)
    direct = gradflow.direct_path(trace)
    full = gradflow.cell_jacobians(trace)
    assert len(full) == len(direct) - 1 == 6
    diagonals = [np.diag(product) for product in direct[:-1]]
    np.testing.assert_allclose(full, diagonals, rtol=0, atol=EXACT)
    # and dc_T / dc_0, by differences of the whole forward pass
    kept, step = trace.cell.DIRECT, 1e-6
    above, below = (
        deaf(trace, **{kept: trace.states[kept][0] + move}).states[kept][-1]
        for move in (step, -step)
    )
    slope = (above - below) / (2 * step)
    np.testing.assert_allclose(slope, direct[-1], rtol=0, atol=DIFFERENCES)


def moved(trace, t, move):
    """Return the states after step t, had it come to another value of the kept state."""
    if trace.cell.DIRECT == "h":
        return [trace.h[t] + move]
    before = trace.c[t - 1] + move / trace.gates["f"][t - 1]
    states, _ = trace.cell.step(trace.weights, trace.rows[t - 1], before)
    return states


def test_cell_jacobians_are_derivatives_of_the_last_state(cell, trace):
    params = trace.params
    if "p_i" in params._fields:  # then `moved` would move the gates as well
        params = params._replace(p_i=np.zeros(3), p_f=np.zeros(3))
    trace = sequence.forward(cell, params, trace.x)
    jacobians, step = gradflow.cell_jacobians(trace), 1e-6
    assert jacobians.shape == (6, 3, 3)
    for lag, jacobian in enumerate(jacobians, start=1):
        t = 7 - lag
        above, below = (
            [
                sequence.forward(cell, params, trace.x[t:], *moved(trace, t, sign * e)).states[
                    cell.DIRECT
                ][-1]
                for e in step * np.eye(3)
            ]
            for sign in (1, -1)
        )
        numeric = np.subtract(above, below).T / (2 * step)
        np.testing.assert_allclose(jacobian, numeric, rtol=0, atol=DIFFERENCES)


def test_one_step_jacobians_are_those_to_each_step(trace, part_of):
    steps = gradflow.one_step_jacobians(trace)
    assert steps.shape == (6, 3, 3)
    for t, step in enumerate(steps, start=2):
        expected = gradflow.cell_jacobians(part_of(trace, 0, t))[0]
        np.testing.assert_allclose(step, expected, rtol=0, atol=EXACT)


def test_steps_of_any_cell(trace):
    steps = gradflow.cell_steps(trace)
    np.testing.assert_array_equal(steps.x, trace.x)
    assert steps.gates.keys() == trace.gates.keys()
    for name, state in steps.states.items():
        np.testing.assert_array_equal(state, trace.states[name][1:])
    full = [np.linalg.norm(J, 2) for J in gradflow.cell_jacobians(trace)]
    np.testing.assert_allclose(steps.full, [*full[::-1], 1], rtol=EXACT)
    kept = [*gradflow.direct_path(trace)[-2::-1], np.ones(3)]
    np.testing.assert_allclose(steps.kept, kept, rtol=EXACT)
    f = [trace.cell.direct_factor(cache) for cache in trace.caches]
    np.testing.assert_allclose(steps.direct, np.max(f, axis=1), rtol=EXACT)
    whole = gradflow.one_step_jacobians(trace)
    ways = [J - np.diag(factor) for J, factor in zip(whole, f[1:], strict=True)]
    around = [np.linalg.norm(way, 2) for way in ways]
    np.testing.assert_allclose(steps.around, [0, *around], rtol=EXACT)


def test_one_step_has_nowhere_to_go(trace, part_of):
    one = part_of(trace, 0, 1)
    assert gradflow.cell_jacobians(one).shape == (0, 3, 3)
    assert gradflow.one_step_jacobians(one).shape == (0, 3, 3)
    steps = gradflow.cell_steps(one)
    np.testing.assert_array_equal(steps.kept, np.ones((1, 3)))
    assert (steps.around, steps.full) == (0, 1)


# The LSTM


def test_the_way_round_is_that_of_the_equations(rng):
    params, x = lstm.init(2, 3, rng=rng), rng.normal(size=(6, 2))
    steps = gradflow.cell_steps(sequence.forward(lstm, params, x))
    U = by_gate(params.W[:, 2:], lstm.GATES)
    c, o = steps.states["c"], steps.gates["o"]
    for t in range(1, 6):
        i, f, g = (steps.gates[name][t] for name in "ifg")
        read = (g * i * (1 - i))[:, None] * U["i"]
        read += (c[t - 1] * f * (1 - f))[:, None] * U["f"]
        read += (i * (1 - g**2))[:, None] * U["g"]
        show = np.diag(o[t - 1] * (1 - np.tanh(c[t - 1]) ** 2))
        expected = np.linalg.norm(read @ show, ord=2)
        np.testing.assert_allclose(steps.around[t], expected, rtol=EXACT)


def test_carousel_is_exactly_one(rng):
    """Closed input gates and open forget gates, whatever the recurrent weights are."""
    params = initializer(lstm, i=-1e3, f=1e3)(2, 3, rng=rng)
    x, c0 = rng.normal(size=(1000, 2)), np.ones(3)
    trace = sequence.forward(lstm, params, x, None, c0)
    assert (gradflow.direct_path(trace) == 1).all()
    assert (trace.c == 1).all()
    full = gradflow.cell_jacobians(trace)[-1]
    np.testing.assert_array_equal(full, np.eye(3))
    dc_T = np.array([1.0, -2.0, 3.0])
    grads = sequence.backward(trace, None, None, dc_T)
    np.testing.assert_array_equal(grads.c0, dc_T)


@pytest.mark.parametrize(("silent", "equal"), [("", False), ("o", True)])
def test_the_product_of_single_steps_lacks_the_way_through_the_output_gate(silent, equal):
    trace = gradflow.draw_and_run(lstm, init=initializer(lstm, silent=silent), D=2, H=3, T=7)
    product = reduce(np.matmul, gradflow.one_step_jacobians(trace)[::-1])
    whole = gradflow.cell_jacobians(trace)[-1]
    assert np.allclose(product, whole, rtol=0, atol=EXACT) == equal


# The experiment


def test_paths_of_one_network_are_those_of_its_trace():
    sizes = {"init": small_lstm(), "D": 2, "H": 4, "T": 6}
    paths = gradflow.cell_paths(lstm, **sizes, seeds=(5, 6))
    assert paths.direct.shape == paths.full.shape == (2, 5)
    np.testing.assert_array_equal(paths.lags, range(1, 6))
    trace = gradflow.draw_and_run(lstm, **sizes, seed=5)
    product = trace.gates["f"][3:].prod(axis=0).max()
    assert paths.direct[0, 2] == pytest.approx(product, rel=EXACT)
    jacobian = gradflow.cell_jacobians(trace)[2]
    largest = np.linalg.svd(jacobian, compute_uv=False)[0]
    assert paths.full[0, 2] == pytest.approx(largest, rel=EXACT)
    for values, typical in ((paths.direct, paths.typical_direct), (paths.full, paths.typical_full)):
        mean = np.sqrt(values.prod(axis=0))
        np.testing.assert_allclose(typical, mean, rtol=EXACT)


def test_a_mean_of_nothing_is_nothing():
    none = np.array([[0.0, 1e-200], [5.0, 1e-200]])
    settings = {"cell": "lstm", "D": 1, "H": 1, "T": 3, "seeds": (0, 1)}
    paths = gradflow.CellPaths(**settings, direct=none, full=none)
    np.testing.assert_allclose(paths.typical_full, [0, 1e-200], rtol=EXACT)


def test_an_lstm_that_reads_no_state_has_the_direct_path_alone():
    measured = (
        gradflow.cell_paths(lstm, init=init, D=2, H=4, T=20, seeds=(0,))
        for init in (small_lstm(f=4.0), small_lstm(f=4.0, silent="ifog"))
    )
    hearing, alone = measured
    np.testing.assert_allclose(alone.full, alone.direct, rtol=EXACT)
    assert (hearing.full > 1.1 * hearing.direct).all()


@pytest.mark.parametrize(
    ("forget_bias", "direct", "full"),
    [(0.0, 7e-30, 1.5e-20), (1.0, 8e-14, 3e-7), (2.0, 9e-6, 1.1), (4.0, 0.28, 120.0)],
)
def test_magnitudes_at_a_lag_of_99(forget_bias, direct, full):
    """Other draws than those that gave these figures: the same within half a power of ten."""
    paths = gradflow.cell_paths(lstm, init=small_lstm(f=forget_bias))
    measured = [paths.typical_direct[-1], paths.typical_full[-1]]
    distance = np.abs(np.log10(measured) - np.log10([direct, full]))
    assert (distance < [0.5, 0.75]).all()


def test_two_steps_have_a_lag():
    with pytest.raises(ValueError, match=r"T must be at least 2 steps.* got 1"):
        gradflow.cell_paths(lstm, T=1)
    assert gradflow.cell_paths(lstm, H=3, T=2, seeds=[0]).lags.tolist() == [1]


# Bad input


@pytest.mark.parametrize(
    "function",
    [
        gradflow.direct_path,
        gradflow.cell_jacobians,
        gradflow.one_step_jacobians,
        gradflow.cell_steps,
    ],
)
def test_paths_want_a_trace_of_one_sequence_and_a_direct_path(function, rng):
    plain = sequence.forward(rnn, rnn.init(2, 3, rng=rng), np.ones((5, 2)))
    with pytest.raises(TypeError, match=r"trace must be of .*; rnn has none"):
        function(plain)
    with pytest.raises(TypeError, match=r"trace must be .*Trace, got"):
        function(plain.params)
    params = lstm.init(2, 3, rng=rng)
    batch = sequence.forward(lstm, params, np.ones((5, 3, 2)))
    if function is not gradflow.direct_path:
        with pytest.raises(ValueError, match=r"trace\.x must have shape"):
            function(batch)


def test_the_experiment_wants_a_cell_with_a_direct_path():
    with pytest.raises(TypeError, match="rnn has none"):
        gradflow.cell_paths(rnn, H=3, T=4, seeds=[0])
