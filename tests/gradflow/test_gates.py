"""Gates over time and in distribution, against counts by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from lstm_lab import gradflow, gru, lstm, sequence
from lstm_lab.sequence import Trace

EXACT = 1e-12  # float64, a few operations


# Over time


def test_activations_of_any_cell(trace):
    record = gradflow.gate_activations(trace)
    assert tuple(record.gates) == trace.cell.GATES
    for name, mean in record.gates.items():
        expected = [units.sum() / 3 for units in trace.gates[name]]
        np.testing.assert_allclose(mean, expected, rtol=EXACT)
    assert tuple(record.norms) == trace.cell.STATES
    for name, norms in record.norms.items():
        expected = [np.sqrt(s @ s) for s in trace.states[name][1:]]
        np.testing.assert_allclose(norms, expected, rtol=EXACT)


def test_the_norm_of_a_huge_cell_state_does_not_overflow(rng):
    params, c0 = lstm.init(2, 3, rng=rng), np.full(3, 1e200)
    trace = sequence.forward(lstm, params, np.zeros((2, 2)), None, c0)
    norms = gradflow.gate_activations(trace).norms["c"]
    assert np.all((norms > 1e199) & np.isfinite(norms))


def test_activations_want_the_trace_of_one_sequence(rng):
    params = lstm.init(2, 3, rng=rng)
    batch = sequence.forward(lstm, params, np.ones((5, 4, 2)))
    with pytest.raises(ValueError, match=r"trace\.x must .*got \(5, 4, 2\)"):
        gradflow.gate_activations(batch)
    with pytest.raises(TypeError, match=r"trace must be .*Trace, got"):
        gradflow.gate_activations(batch.gates)


# Time constants


@pytest.mark.parametrize(("bias", "steps"), [(0, 1.44), (1, 3.19), (2, 7.88), (3, 20.6)])
def test_time_constants(bias, steps):
    tau = gradflow.time_constant(bias)
    assert tau == pytest.approx(steps, rel=5e-3)  # as printed, three digits
    gate = 1 / (1 + np.exp(-bias))
    assert gate**tau == pytest.approx(np.exp(-1), rel=EXACT)


@pytest.mark.parametrize(
    ("bias", "steps"),
    [
        (30, np.exp(30.0) + 0.5),  # of e^b + 1/2 + O(e^-b)
        (700, np.exp(700.0)),
        (745.0, np.inf),
        (-700, 1 / 700),
        (-1e5, 1e-5),
    ],
)
def test_time_constants_of_gates_that_round_to_one_or_zero(bias, steps):
    assert gradflow.time_constant(bias) == pytest.approx(steps, rel=EXACT)


@pytest.mark.parametrize("bias", ["1", None, True, np.inf, np.nan])
def test_bad_forget_biases_are_named(bias):
    with pytest.raises((TypeError, ValueError), match="forget_bias must be"):
        gradflow.time_constant(bias)


# In distribution


def trace_of(**gates):
    """Return a trace with these values of its gates."""
    cell = SimpleNamespace(GATES=tuple(gates))
    steps = zip(*map(np.asarray, gates.values()), strict=True)
    return Trace(cell, None, None, [], list(steps))


def test_histogram_counts_by_hand():
    """Two steps, two examples, two units of each of two gates."""
    z = [[[0.0, 0.24], [0.25, 0.3]], [[0.6, 0.6], [0.99, 1.0]]]
    r = [[[0.1, 0.1], [0.1, 0.1]], [[0.1, 0.1], [0.1, 0.8]]]
    found = gradflow.gate_histogram(trace_of(z=z, r=r), "rz", bins=4)
    assert found.names == ("r", "z")
    np.testing.assert_array_equal(found.edges, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_array_equal(found.shares, np.array([[7, 0, 0, 1], [2, 2, 2, 2]]) / 8)


def test_histogram_of_a_batch(rng):
    params, x = gru.init(2, 4, rng=rng), rng.normal(size=(6, 3, 2))
    trace = sequence.forward(gru, params, x)
    found = gradflow.gate_histogram(trace, "zr")
    assert found.shares.shape == (2, 20)
    for name, shares in zip("zr", found.shares, strict=True):
        edges = found.edges[1:]
        below = [(trace.gates[name] < edge).mean() for edge in edges]
        np.testing.assert_allclose(np.cumsum(shares), below, atol=EXACT)


def test_saturated_counts_both_ends():
    trace = trace_of(f=[[0.05, 0.2, 0.5, 0.95, 0.97]], z=[[0.0, 1.0] * 2])
    shares = gradflow.saturated(trace, "zf")
    assert shares == {"z": 1.0, "f": pytest.approx(0.6, rel=EXACT)}
    wider = gradflow.saturated(trace, "f", within=0.3)
    assert wider == {"f": pytest.approx(0.8, rel=EXACT)}


def test_saturated_shares_are_those_of_the_histogram(rng):
    trace = trace_of(f=rng.random((4, 3, 5)))
    found = gradflow.gate_histogram(trace, "f", bins=10).shares[0]
    assert gradflow.saturated(trace, "f", within=0.2) == {
        "f": pytest.approx(found[[0, 1, -2, -1]].sum(), rel=EXACT)
    }


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("zx", "names must be out of z, h, n, got 'x'"),
        ("h", r"the values of 'h' must be in \[0, 1\], got -0\.5 \.\.\. 2"),
        ("n", r"of 'n' must be in \[0, 1\], got nan"),
    ],
)
def test_bad_gates_are_named(names, message):
    trace = trace_of(z=[[0.5]], h=[[-0.5, 2.0]], n=[[np.nan]])
    for function in (gradflow.gate_histogram, gradflow.saturated):
        with pytest.raises(ValueError, match=message):
            function(trace, names)
        with pytest.raises(TypeError, match=r"trace must be .*Trace, got"):
            function(trace.gates, "z")


def test_bad_bins_and_distances_are_named():
    trace = trace_of(z=[[0.5]])
    with pytest.raises(ValueError, match="bins must be at least 1, got 0"):
        gradflow.gate_histogram(trace, "z", bins=0)
    with pytest.raises(ValueError, match="within must be finite, got nan"):
        gradflow.saturated(trace, "z", within=np.nan)
