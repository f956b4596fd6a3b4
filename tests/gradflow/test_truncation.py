"""Gradients that are cut, against runs over parts and differences of cut forward passes."""

from itertools import pairwise

import numpy as np
import pytest
from cells import MGU, Peephole

from lstm_lab import coupled, gradflow, gru, lstm, packing, rnn, sequence, tree
from lstm_lab.gradcheck import numerical_gradient
from lstm_lab.initialization import initializer

EXACT = 1e-11  # float64, relative to the largest entry: sums of some hundred products
DIFFERENCES = 1e-8  # central differences with a step of 1e-6


def assert_same(found, expected, tolerance=EXACT):
    """Compare trees of arrays, each under its own name."""
    found, expected = tree.leaves(found), tree.leaves(expected)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        largest = np.abs(value).max()
        np.testing.assert_allclose(
            found[name], value, rtol=0, atol=tolerance * largest, err_msg=name
        )


def ran(case):
    return sequence.forward(case.cell, case.params, case.x, *case.initial)


# Windows


@pytest.mark.parametrize("window", [5, 6, 10**12])
def test_a_window_of_all_steps_cuts_nothing(case, window):
    trace = ran(case)
    found = gradflow.window_grads(trace, case.dh, window)
    assert_same(found, sequence.backward(trace, case.dh).params)


@pytest.mark.parametrize("window", [1, 2, 3, 4])
def test_windows_against_runs_over_the_last_steps(case, part_of, window):
    """Every step's loss by itself, backward over the steps of its window alone.

    With a window of one that is the sum of the gradients of single steps.
    """
    trace, grads = ran(case), []
    for t, dh in enumerate(case.dh, start=1):
        part = part_of(trace, max(0, t - window), t)
        grads.append(sequence.backward(part, None, dh).params)
    expected = tree.map(lambda *leaves: sum(leaves), *grads)
    found = gradflow.window_grads(trace, case.dh, window)
    assert_same(found, expected)


def test_windows_differ_and_change_no_argument(batch):
    trace = ran(batch)
    before = tree.map(np.copy, (trace.params, trace.rows, batch.dh))
    found = [gradflow.window_grads(trace, batch.dh, window).W for window in range(1, 6)]
    for short, long in pairwise(found):
        assert np.abs(short - long).max() > 1e-3
    after = trace.params, trace.rows, batch.dh
    tree.map(np.testing.assert_array_equal, before, after)


def test_windows_keep_float32(rng):
    params = lstm.init(2, 3, rng=rng, dtype=np.float32)
    trace = sequence.forward(lstm, params, np.ones((4, 2), np.float32))
    found = gradflow.window_grads(trace, np.ones((4, 3), np.float32), 2)
    assert found.W.dtype == found.b.dtype == np.float32


# The rule of 1997


@pytest.fixture(params=[lstm, coupled, Peephole], ids=sequence.name_of)
def carousel(request, rng):
    """Return a trace and the gradient of a loss; the gates read h, and not c."""
    cell = request.param
    params = cell.init(2, 3, rng=rng)  # without peepholes
    params = params._replace(W=rng.normal(size=params.W.shape))
    x, initial = rng.normal(size=(6, 4, 2)), rng.normal(size=(2, 4, 3))
    trace = sequence.forward(cell, params, x, *initial)
    return trace, rng.normal(size=(6, 4, 3))


def test_carousel_is_the_gradient_with_copied_states(carousel):
    """The gradient of a loss for which the hidden states that gates read are constant."""
    trace, dh = carousel

    def loss(params):
        weights = packing.lay_out(params)
        c, total = trace.c[0], 0.0
        for row, dh_t in zip(trace.rows, dh, strict=False):
            (h, c), _ = trace.cell.step(weights, row, c)
            total += np.sum(dh_t * h)
        return float(total)

    numeric = numerical_gradient(loss, trace.params)
    found = gradflow.carousel_grads(trace, dh)
    for name in ("W", "b"):
        cut, expected = getattr(found, name), getattr(numeric, name)
        assert_same(cut, expected, DIFFERENCES)
    full = sequence.backward(trace, dh).params
    assert np.abs(full.W - found.W).max() > 0.1


def test_carousel_cuts_nothing_where_no_gate_reads_the_state(carousel):
    trace, dh = carousel
    W = trace.params.W.copy()
    W[:, 2:] = 0
    trace = sequence.forward(
        trace.cell, trace.params._replace(W=W), trace.x, trace.h[0], trace.c[0]
    )
    full = sequence.backward(trace, dh).params
    found = gradflow.carousel_grads(trace, dh)
    assert_same((found.W, found.b), (full.W, full.b))


def test_carousel_of_one_sequence(carousel):
    trace, dh = carousel
    initial = trace.h[0, 0], trace.c[0, 0]
    one = sequence.forward(trace.cell, trace.params, trace.x[:, 0], *initial)
    only = np.zeros_like(dh)
    only[:, 0] = dh[:, 0]
    assert_same(gradflow.carousel_grads(one, dh[:, 0]), gradflow.carousel_grads(trace, only))


@pytest.mark.parametrize("cell", [rnn, gru, MGU], ids=sequence.name_of)
def test_carousel_wants_a_state_beside_h(cell, rng):
    trace = sequence.forward(cell, cell.init(2, 4, rng=rng), np.ones((5, 2)))
    with pytest.raises(TypeError, match=r"trace must be of .* has none"):
        gradflow.carousel_grads(trace, np.ones((5, 4)))


# The experiment


def flat(params):
    return np.concatenate([leaf.ravel() for leaf in tree.leaves(params).values()])


def test_cosines_are_those_of_all_parameters(cell, init):
    windows, sizes = (1, 3, 6), {"init": init, "D": 2, "H": 3, "T": 6}
    found = gradflow.truncation_bias(cell, windows=windows, **sizes, seeds=(4, 9))
    assert found.windows == windows
    for s, seed in enumerate(found.seeds):
        trace = gradflow.draw_and_run(cell, **sizes, seed=seed)
        dh = np.zeros((6, 3))
        dh[-1] = np.random.default_rng(seed).normal(size=3)
        full = flat(sequence.backward(trace, dh).params)
        cuts = [flat(gradflow.window_grads(trace, dh, w)) for w in windows]
        if "c" in cell.STATES:
            cuts.append(flat(gradflow.carousel_grads(trace, dh)))
        lengths = np.linalg.norm(cuts, axis=1) * np.linalg.norm(full)
        cosines = [*(np.array(cuts) @ full / lengths), np.nan]
        measured = [*found.cosines[s], found.carousel_cosines[s]]
        np.testing.assert_allclose(measured, cosines[:4], rtol=EXACT)
    np.testing.assert_allclose(found.cosines[:, -1], 1, rtol=EXACT)
    assert (found.cosines[:, 0] < 0.999).all()


def test_gradients_whose_squares_overflow_have_a_direction():
    """A linear network that multiplies them by 1e100 at each step."""
    params = rnn.Params(np.array([[0.0, 1e100]]), np.zeros(1))
    found = gradflow.truncation_bias(
        rnn, windows=[3], init=lambda *_, **__: params, D=1, H=1, T=3, seeds=[0]
    )
    assert found.cosines[0, 0] == pytest.approx(1, rel=EXACT)


def test_without_recurrent_weights_there_is_no_way_back_to_cut():
    silent = initializer(rnn, silent=rnn.GATES)
    found = gradflow.truncation_bias(rnn, windows=[1], init=silent, D=2, H=3, T=6, seeds=[0])
    np.testing.assert_allclose(found.cosines, 1, rtol=EXACT)


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
        ({"trace": ()}, r"trace must be .*Trace, got builtins\.tuple"),
    ],
)
def test_bad_arguments_are_named(change, message, rng):
    trace = sequence.forward(lstm, lstm.init(2, 3, rng=rng), np.ones((5, 2)))
    arguments = {"trace": trace, "dh": np.ones((5, 3)), "window": 2} | change
    with pytest.raises((TypeError, ValueError), match=message):
        gradflow.window_grads(**arguments)
    if "window" not in change:
        del arguments["window"]
        with pytest.raises((TypeError, ValueError), match=message):
            gradflow.carousel_grads(**arguments)


def test_bad_windows_are_named():
    with pytest.raises(ValueError, match="window must be at least 1, got 0"):
        gradflow.truncation_bias(rnn, windows=[0], H=3, T=4)
