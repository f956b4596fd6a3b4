"""Every gradient against that of HIPS autograd, through the equations written out plainly."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from numpy.testing import assert_allclose

from lstm_lab import coupled, gru, lstm, rnn, sequence, tree

# Both sides are float64 and differ by rounding alone, at 1e-16 a term over 5 steps of short
# sums. Arrays are compared in norm, so that no cancellation in a single entry matters.
RELATIVE_ERROR = 1e-10  # of gradients
ABSOLUTE_ERROR = 1e-13  # of states, which are of order one

D, H = 3, 4
UNBATCHED = [(3,), (5,)]  # (T,)
BATCHED = [(3, 1), (5, 2)]  # (T, B)
SHAPES = pytest.mark.parametrize("shape", UNBATCHED + BATCHED, ids=str)


def sigmoid(a):
    return 1 / (1 + anp.exp(-a))


def affine(W, b, x, h):
    """Return ``W [x; h] + b``."""
    return anp.dot(anp.concatenate([x, h], axis=-1), W.T) + b


def rnn_step(p, x, h):
    return (anp.tanh(affine(p["params.W"], p["params.b"], x, h)),)


def lstm_step(p, x, h, c):
    W_i, W_f, W_o, W_g = anp.split(p["params.W"], 4)
    b_i, b_f, b_o, b_g = anp.split(p["params.b"], 4)
    i = sigmoid(affine(W_i, b_i, x, h))
    f = sigmoid(affine(W_f, b_f, x, h))
    o = sigmoid(affine(W_o, b_o, x, h))
    g = anp.tanh(affine(W_g, b_g, x, h))
    c = f * c + i * g
    return o * anp.tanh(c), c


def gru_before_step(p, x, h):
    W_z, W_r, W_h = anp.split(p["params.W"], 3)
    b_z, b_r, b_h = anp.split(p["params.b"], 3)
    z = sigmoid(affine(W_z, b_z, x, h))
    r = sigmoid(affine(W_r, b_r, x, h))
    candidate = anp.tanh(affine(W_h, b_h, x, r * h))
    return ((1 - z) * h + z * candidate,)


def gru_after_step(p, x, h):
    W_z, W_r, W_h = anp.split(p["params.W"], 3)
    b_z, b_r, b_h = anp.split(p["params.b"], 3)
    z = sigmoid(affine(W_z, b_z, x, h))
    r = sigmoid(affine(W_r, b_r, x, h))
    from_input = anp.dot(x, W_h[:, :D].T) + b_h
    from_state = anp.dot(h, W_h[:, D:].T) + p["params.recurrent_bias"]
    candidate = anp.tanh(from_input + r * from_state)
    return ((1 - z) * h + z * candidate,)


def coupled_step(p, x, h, c):
    W_f, W_o, W_g = anp.split(p["params.W"], 3)
    b_f, b_o, b_g = anp.split(p["params.b"], 3)
    f = sigmoid(affine(W_f, b_f, x, h))
    o = sigmoid(affine(W_o, b_o, x, h))
    c = f * c + (1 - f) * anp.tanh(affine(W_g, b_g, x, h))
    return o * anp.tanh(c), c


CASES = {
    "rnn": (rnn, {}, rnn_step),
    "lstm": (lstm, {}, lstm_step),
    "coupled": (coupled, {}, coupled_step),
    "gru-before": (gru, {"reset": "before"}, gru_before_step),
    "gru-after": (gru, {"reset": "after"}, gru_after_step),
}


def problem(case, shape):
    """Return a cell, its point (a Grads of values), and cotangents of its states."""
    cell, options, _ = CASES[case]
    rng = np.random.default_rng(0)
    T, *batch = shape
    params = cell.init(D, H, rng=rng, **options)
    params = tree.map(lambda leaf: rng.normal(size=leaf.shape), params)
    states = [rng.normal(size=(*batch, H)) for _ in cell.STATES]
    point = sequence.grads_type(cell.STATES)(params, rng.normal(size=(T, *batch, D)), *states)
    dh = rng.normal(size=(T, *batch, H))
    dlast = [rng.normal(size=state.shape) for state in states]
    return cell, point, dh, dlast


def run(case, p):
    """Return the hidden states h_1 ... h_T and the last states, from arrays by their names."""
    cell, _, step = CASES[case]
    states = tuple(p[f"{name}0"] for name in cell.STATES)
    h = []
    for x in p["x"]:
        states = step(p, x, *states)
        h.append(states[0])
    return h, states


def loss(case, p, dh, dlast):
    """Return a random linear function of all hidden states and of the last states."""
    h, last = run(case, p)
    pairs = [*zip(dh, h, strict=True), *zip(dlast, last, strict=True)]
    return sum(anp.sum(weight * state) for weight, state in pairs)


@pytest.mark.parametrize("case", CASES)
@SHAPES
def test_states(case, shape):
    cell, point, _, _ = problem(case, shape)
    trace = sequence.forward(cell, *point)
    h, last = run(case, tree.leaves(point))
    assert_allclose(trace.h[1:], h, rtol=0, atol=ABSOLUTE_ERROR)
    for name, state in zip(cell.STATES, last, strict=True):
        ours = getattr(trace, name)[-1]
        assert_allclose(ours, state, rtol=0, atol=ABSOLUTE_ERROR)


@pytest.mark.parametrize(
    ("case", "name"),
    [(case, name) for case in CASES for name in tree.leaves(problem(case, (3,))[1])],
)
@SHAPES
def test_gradient(case, name, shape):
    cell, point, dh, dlast = problem(case, shape)
    trace = sequence.forward(cell, *point)
    ours = tree.leaves(sequence.backward(trace, dh, *dlast))[name]
    values = tree.leaves(point)

    def loss_of(array):
        return loss(case, values | {name: array}, dh, dlast)

    theirs = grad(loss_of)(values[name])
    assert ours.shape == theirs.shape == values[name].shape
    assert ours.dtype == theirs.dtype == np.float64
    error = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
    assert error < RELATIVE_ERROR
