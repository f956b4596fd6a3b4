"""Gates over time and in distribution, against counts by hand."""

import numpy as np
import pytest

from lstm_lab import gradflow, gru, lstm

EXACT = 1e-12  # float64, a few operations


# Over time


def test_gate_activations(rng):
    trace = lstm.forward(lstm.init(2, 3, rng=rng), rng.normal(size=(5, 2)))
    record = gradflow.gate_activations(trace)
    for n, found in enumerate((record.i, record.f, record.o)):
        units = trace.gates[:, n]
        np.testing.assert_allclose(found, units.mean(axis=1), rtol=EXACT)
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


# Time constants


@pytest.mark.parametrize(
    ("bias", "steps"), [(0, 1.44), (1, 3.19), (2, 7.88), (3, 20.6)]
)
def test_time_constants(bias, steps):
    tau = gradflow.time_constant(bias)
    assert tau == pytest.approx(steps, rel=5e-3)  # as printed, three digits
    gate = 1 / (1 + np.exp(-bias))
    assert gate**tau == pytest.approx(np.exp(-1), rel=EXACT)


@pytest.mark.parametrize(
    ("bias", "steps"),
    [
        (30, np.exp(30.0) + 0.5),  # of e^b + 1/2 + O(e^-b)
        (50, np.exp(50.0)),
        (700, np.exp(700.0)),
        (1000, np.inf),
        (-700, 1 / 700),
        (-1e5, 1e-5),
    ],
)
def test_time_constants_of_gates_that_round_to_one_or_zero(bias, steps):
    assert gradflow.time_constant(bias) == pytest.approx(steps, rel=EXACT)


# In distribution


def test_histogram_counts_by_hand():
    """Two steps, two examples, two units of each of two gates."""
    z = [[[0.0, 0.24], [0.25, 0.3]], [[0.6, 0.6], [0.99, 1.0]]]
    r = [[[0.1, 0.1], [0.1, 0.1]], [[0.1, 0.1], [0.1, 0.8]]]
    gates = np.stack([z, r], axis=-2)
    found = gradflow.gate_histogram(gates, "rz", packed=("z", "r"), bins=4)
    assert found.names == ("r", "z")
    np.testing.assert_array_equal(found.edges, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_array_equal(
        found.shares, np.array([[7, 0, 0, 1], [2, 2, 2, 2]]) / 8
    )


@pytest.mark.parametrize("batch", [(), (3,)], ids=["sequence", "batch"])
def test_histogram_of_traces(batch, rng):
    x = rng.normal(size=(6, *batch, 2))
    for arch, names in ((lstm, ("i", "f", "o")), (gru, ("z", "r"))):
        trace = arch.forward(arch.init(2, 4, rng=rng), x)
        found = gradflow.gate_histogram(trace.gates, names, packed=arch.GATES)
        assert found.shares.shape == (len(names), 20)
        np.testing.assert_allclose(found.shares.sum(axis=1), 1, rtol=EXACT)
        for n, shares in enumerate(found.shares):
            block = trace.gates[..., n, :]
            below = [(block < edge).mean() for edge in found.edges[1:-1]]
            np.testing.assert_allclose(
                np.cumsum(shares)[:-1], below, atol=EXACT
            )


@pytest.mark.parametrize("bins", [2, 10, 20, 30, 40, 100])
def test_saturated_counts_whole_bins_on_both_sides(bins):
    """As many values in every bin, so that every share is known for every distance."""
    middles = (np.arange(bins) + 0.5) / bins
    ends = np.array([0.0, 1.0] * bins)
    gates = np.stack([np.concatenate([middles, middles]), ends])[None]
    found = gradflow.gate_histogram(gates, "ab", packed=("a", "b"), bins=bins)
    for k in range(bins // 2 + 1):
        shares = found.saturated(within=k / bins)
        assert shares == {
            "a": pytest.approx(2 * k / bins, abs=EXACT),
            "b": pytest.approx(1.0 if k else 0.0, abs=EXACT),
        }


def test_saturated_at_a_tenth():
    gates = np.array([[[0.05, 0.2, 0.5, 0.95, 0.97]]])
    found = gradflow.gate_histogram(gates, "f", packed=("f",))
    assert found.saturated() == {"f": pytest.approx(0.6, rel=EXACT)}


# Bad input


@pytest.mark.parametrize(
    ("gates", "names", "options", "message"),
    [
        (np.ones((2, 3, 2)), "zx", {}, "names must be out of z, r, h, got 'x'"),
        (
            np.ones((2, 3, 2)),
            "z",
            {"bins": 0},
            "bins must be at least 1, got 0",
        ),
        (np.ones((2, 3, 2)), "z", {"bins": 2.0}, "bins must be an integer"),
        (np.ones(6), "z", {}, r"gates must have shape .*; got \(6,\)"),
        (np.ones((2, 3, 2), int), "z", {}, "gates must be an array of float"),
        (np.full((2, 3, 2), np.nan), "z", {}, "gates must be finite, got nan"),
        (
            -0.5 * np.ones((2, 3, 2)),
            "h",
            {},
            r"the values of 'h' must be in \[0, 1\], got -0\.5",
        ),
        (2 * np.ones((2, 3, 2)), "z", {}, r"of 'z' must be in \[0, 1\], got 2"),
    ],
)
def test_bad_histograms_are_named(gates, names, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        gradflow.gate_histogram(gates, names, packed=gru.GATES, **options)


@pytest.mark.parametrize("within", [-0.1, 0.12, 0.6, np.nan, "0.1"])
def test_bins_must_tell_the_distance(within):
    found = gradflow.gate_histogram(np.ones((1, 1, 1)), "f", packed=("f",))
    with pytest.raises((TypeError, ValueError), match=r"within must be .*got"):
        found.saturated(within=within)


@pytest.mark.parametrize("bias", ["1", None, True, np.inf, np.nan])
def test_bad_forget_biases_are_named(bias):
    with pytest.raises((TypeError, ValueError), match="forget_bias must be"):
        gradflow.time_constant(bias)


def test_a_gate_that_is_open_but_for_less_than_a_float_can_say_keeps_for_ever():
    assert gradflow.time_constant(745.0) == np.inf


def test_the_norm_of_a_huge_cell_state_does_not_overflow():
    params = lstm.init(2, 3, rng=np.random.default_rng(0))
    c0 = np.full(3, 1e200)
    trace = lstm.forward(params, np.zeros((2, 2)), c0=c0)
    norms = gradflow.gate_activations(trace).cell_norm
    assert np.all((norms > 1e199) & np.isfinite(norms))
