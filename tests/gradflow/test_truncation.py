"""Gradients that are cut, against runs over parts and differences of cut forward passes."""

from itertools import pairwise

import numpy as np
import pytest

from lstm_lab import coupled, gradflow, gru, lstm, rnn, tree
from lstm_lab.gradflow import truncation
from lstm_lab.initialization import silence, start

EXACT = 1e-11  # float64, relative to the largest entry: sums of some hundred products
DIFFERENCES = 1e-8  # central differences with a step of 1e-6


def assert_same(found, expected, tolerance=EXACT):
    """Compare trees of arrays, each under its own name."""
    expected = tree.leaves(expected)
    found = tree.leaves(found)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        largest = np.abs(value).max()
        np.testing.assert_allclose(
            found[name], value, rtol=0, atol=tolerance * largest, err_msg=name
        )


# Windows


@pytest.fixture
def run(arch, inputs, cotangents):
    """Return parameters, a trace and the gradient of a loss at every step."""
    return inputs.params, arch.forward(*inputs), cotangents.dh


@pytest.fixture(params=["batch", "sequence"])
def case(request, arch, inputs, cotangents):
    params, x, *states = inputs
    dh = cotangents.dh
    if request.param == "sequence":
        x, dh, states = x[:, 0], dh[:, 0], [s[0] for s in states]
    return params, arch.forward(params, x, *states), dh


@pytest.mark.parametrize("window", [5, 6, 10**12])
def test_a_window_of_all_steps_cuts_nothing(arch, case, window):
    params, trace, dh = case
    found = gradflow.window_grads(arch, params, trace, dh, window)
    assert_same(found, arch.backward(params, trace, dh).params)


@pytest.mark.parametrize("window", [1, 2, 3, 4, 5])
def test_windows_against_runs_over_the_last_steps(arch, case, part_of, window):
    """Every step's loss by itself, backward over the steps of its window alone.

    With a window of one that is the sum of the gradients of single steps.
    """
    params, trace, dh = case
    grads = []
    for t in range(1, len(dh) + 1):
        part = part_of(arch, params, trace, max(0, t - window), t)
        grads.append(arch.backward(params, part, None, dh[t - 1]).params)
    expected = tree.map(lambda *leaves: sum(leaves), *grads)
    found = gradflow.window_grads(arch, params, trace, dh, window)
    assert_same(found, expected)


def test_windows_differ(arch, run):
    params, trace, dh = run
    found = [
        gradflow.window_grads(arch, params, trace, dh, window).W
        for window in range(1, 6)
    ]
    for short, long in pairwise(found):
        assert np.abs(short - long).max() > 1e-3


def test_windows_change_no_argument(arch, run):
    params, trace, dh = run
    before = tree.map(np.copy, (params, trace, dh))
    gradflow.window_grads(arch, params, trace, dh, 2)
    tree.map(np.testing.assert_array_equal, before, (params, trace, dh))


def test_windows_keep_float32(rng):
    params = lstm.init(2, 3, rng=rng, dtype=np.float32)
    trace = lstm.forward(params, np.ones((4, 2), np.float32))
    dh = np.ones((4, 3), np.float32)
    found = gradflow.window_grads(lstm, params, trace, dh, 2)
    assert found.W.dtype == found.b.dtype == np.float32


# The rule of 1997


@pytest.fixture
def lstm_run(rng):
    params = tree.map(
        lambda leaf: rng.normal(size=leaf.shape), lstm.init(2, 3, rng=rng)
    )
    x = rng.normal(size=(6, 4, 2))
    states = rng.normal(size=(2, 4, 3))
    return params, lstm.forward(params, x, *states), rng.normal(size=(6, 4, 3))


def loss_with_copied_states(params, trace, dh):
    """Return the loss where what the gates hear is a constant copy of the states."""
    c, loss = trace.c[0], 0.0
    for t, x in enumerate(trace.x):
        a = lstm.preactivation(params, x, trace.h[t])
        h, c, _ = lstm.update(a, c)
        loss += np.sum(dh[t] * h)
    return loss


def test_carousel_is_the_gradient_with_copied_states(lstm_run):
    params, trace, dh = lstm_run
    step, numeric = 1e-6, tree.map(np.zeros_like, params)
    for name in params._fields:
        value = getattr(params, name)
        for index in np.ndindex(value.shape):
            losses = []
            for shift in (step, -step):
                moved = value.copy()
                moved[index] += shift
                other = params._replace(**{name: moved})
                losses.append(loss_with_copied_states(other, trace, dh))
            getattr(numeric, name)[index] = -np.diff(losses)[0] / (2 * step)
    found = gradflow.carousel_grads(params, trace, dh)
    assert_same(found, numeric, DIFFERENCES)
    full = lstm.backward(params, trace, dh).params
    assert np.abs(full.W - found.W).max() > 0.1


def test_carousel_cuts_nothing_where_no_gate_hears_the_state(lstm_run):
    params, trace, dh = lstm_run
    params = silence(params, *lstm.GATES)
    trace = lstm.forward(params, trace.x, trace.h[0], trace.c[0])
    found = gradflow.carousel_grads(params, trace, dh)
    assert_same(found, lstm.backward(params, trace, dh).params)


def test_carousel_of_one_sequence(lstm_run):
    params, trace, dh = lstm_run
    one = lstm.forward(params, trace.x[:, 0], trace.h[0, 0], trace.c[0, 0])
    only = np.zeros_like(dh)
    only[:, 0] = dh[:, 0]
    assert_same(
        gradflow.carousel_grads(params, one, dh[:, 0]),
        gradflow.carousel_grads(params, trace, only),
    )


# The record


def flat(params):
    return np.concatenate(
        [leaf.ravel() for leaf in tree.leaves(params).values()]
    )


@pytest.mark.parametrize("arch", [rnn, lstm, gru])
def test_truncation_bias_record(arch, draw_and_run):
    windows, seeds = (1, 3, 6), (4, 9)
    found = gradflow.truncation_bias(
        arch, windows=windows, D=2, H=3, T=6, seeds=seeds
    )
    assert found.architecture == arch.__name__.rpartition(".")[-1]
    assert (found.windows, found.T, found.seeds) == (windows, 6, seeds)
    assert found.cosines.shape == found.lengths.shape == (2, 3)
    for s, seed in enumerate(seeds):
        params, trace = draw_and_run(arch, arch.init, 2, 3, 6, seed)
        dh = np.zeros((6, 3))
        dh[-1] = np.random.default_rng(seed).normal(size=3)
        full = flat(arch.backward(params, trace, dh).params)
        cuts = [
            flat(gradflow.window_grads(arch, params, trace, dh, window))
            for window in windows
        ]
        if arch is lstm:
            cuts.append(flat(gradflow.carousel_grads(params, trace, dh)))
        lengths = np.linalg.norm(cuts, axis=1)
        cosines = np.array(cuts) @ full / lengths / np.linalg.norm(full)
        np.testing.assert_allclose(found.cosines[s], cosines[:3], rtol=EXACT)
        np.testing.assert_allclose(
            found.lengths[s], lengths[:3] / np.linalg.norm(full), rtol=EXACT
        )
        if arch is lstm:
            assert found.carousel_cosines[s] == pytest.approx(cosines[3])
    np.testing.assert_allclose(found.cosines[:, -1], 1, rtol=EXACT)
    np.testing.assert_allclose(found.lengths[:, -1], 1, rtol=EXACT)
    assert (found.cosines[:, 0] < 0.999).all()
    if arch is not lstm:
        assert np.isnan(found.carousel_cosines).all()


def test_truncation_bias_takes_a_way_to_draw():
    """Without recurrent weights there is no way back, for any window to cut."""
    deaf = start(rnn, silent=rnn.GATES)
    found = gradflow.truncation_bias(
        rnn, windows=[1], D=2, H=3, T=6, seeds=[0], draw=deaf
    )
    np.testing.assert_allclose(found.cosines, 1, rtol=EXACT)
    np.testing.assert_allclose(found.lengths, 1, rtol=EXACT)


# Bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"window": 0}, "window must be at least 1, got 0"),
        ({"window": 1.5}, "window must be an integer, got 1.5"),
        ({"dh": np.ones((4, 3))}, r"dh must have shape \(5, 3\); got \(4, 3\)"),
        ({"dh": np.ones((5, 3), np.float32)}, "dh must have dtype float64"),
        ({"dh": np.ones((5, 3), int)}, "dh must be an array of float"),
        ({"dh": np.full((5, 3), np.nan)}, "dh must be finite, got nan"),
    ],
)
def test_bad_arguments_are_named(change, message, rng):
    params = lstm.init(2, 3, rng=rng)
    trace = lstm.forward(params, np.ones((5, 2)))
    arguments = {"dh": np.ones((5, 3)), "window": 2} | change
    with pytest.raises((TypeError, ValueError), match=message):
        gradflow.window_grads(lstm, params, trace, **arguments)
    if "dh" in change:
        with pytest.raises((TypeError, ValueError), match=message):
            gradflow.carousel_grads(params, trace, change["dh"])


def test_carousel_wants_a_trace_of_an_lstm(rng):
    params = gru.init(2, 4, rng=rng)
    trace = gru.forward(params, np.ones((5, 2)))
    with pytest.raises(TypeError, match=r"trace must be lstm_lab\.lstm\.Trace"):
        gradflow.carousel_grads(params, trace, np.ones((5, 4)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"windows": [0]}, "window must be at least 1, got 0"),
        ({"T": 0}, "T must be at least 1, got 0"),
        ({"D": 2.5}, "D must be an integer, got 2.5"),
        ({"H": 0}, "H must be at least 1, got 0"),
    ],
)
def test_bad_sizes_are_named(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        gradflow.truncation_bias(rnn, **{"windows": [1], **options})


def test_a_bias_has_the_sizes_of_the_chapter_unless_told_otherwise():
    usual = gradflow.truncation_bias(rnn, windows=[3], seeds=[0])
    chosen = gradflow.truncation_bias(
        rnn, windows=[3], seeds=[0], D=4, H=32, T=100
    )
    np.testing.assert_array_equal(usual.lengths, chosen.lengths)
    assert usual.T == 100


def test_gradients_whose_squares_underflow_or_overflow_have_a_direction():
    gradient = np.array([3.0, 4.0])
    for size in (1e-200, 1e200):
        found = truncation._cosine(size * gradient, size * gradient[::-1])
        assert found == pytest.approx(24 / 25)


def test_every_parameter_takes_part():
    """A bias of its own, of a GRU that resets after the product, is one of them."""
    params = gru.init(2, 3, rng=np.random.default_rng(0), reset="after")
    assert truncation._flat(params).size == tree.size(params)


def test_the_rule_of_the_lstm_wants_its_parameters():
    rng = np.random.default_rng(0)
    params = coupled.init(2, 3, rng=rng)
    trace = coupled.forward(params, rng.normal(size=(4, 2)))
    with pytest.raises(TypeError, match=r"params must be lstm_lab\.lstm\.Par"):
        gradflow.carousel_grads(params, trace, np.ones((4, 3)))
    with pytest.raises(TypeError, match=r"params must be lstm_lab\.lstm\.Par"):
        next(gradflow.cell_jacobians(params, trace))
