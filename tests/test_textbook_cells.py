"""The cells give the numbers of the listing that the chapter starts from, called as it calls them.

The listing's arithmetic stands here once more, in its order of operations.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lstm_lab import GRUCell, LSTMCell, RNNCell, gru, lstm, packing, rnn, sequence

# Both sides round in another order, 1e-16 a term; the gates keep errors from growing over the
# hundred steps. In float64 this leaves some four digits to spare.
TOLERANCE = 1e-12

D, H, T = 4, 32, 100  # the listing's example
SEEDS = pytest.mark.parametrize("seed", range(5))
X = np.random.default_rng(0).normal(0, 1, (T, D))


def logistic(a):
    return 1 / (1 + np.exp(-np.clip(a, -500, 500)))


def draws(seed, *shapes):
    """Return what the listing draws: normal weights, all from one generator."""
    rng = np.random.default_rng(seed)
    return [rng.normal(0, 1.0 / np.sqrt(D + H), shape) for shape in shapes]


def lstm_step(W, b, x, h_prev, c_prev):
    xh = np.concatenate([x, h_prev])
    a = W @ xh + b
    i = logistic(a[:H])
    f = logistic(a[H : 2 * H])
    o = logistic(a[2 * H : 3 * H])
    g = np.tanh(a[3 * H :])
    c = f * c_prev + i * g
    return o * np.tanh(c), c, (xh, i, f, o, g, c_prev, c)


def gru_step(W, b, x, h_prev):
    (W_z, W_r, W_h), (b_z, b_r, b_h) = W, b
    xh = np.concatenate([x, h_prev])
    z = logistic(W_z @ xh + b_z)
    r = logistic(W_r @ xh + b_r)
    candidate = np.tanh(W_h @ np.concatenate([x, r * h_prev]) + b_h)
    return (1 - z) * h_prev + z * candidate


def rnn_step(W, b, x, h_prev):
    return np.tanh(W @ np.concatenate([x, h_prev]) + b)


@SEEDS
def test_lstm_cell_is_the_listing(seed):
    cell = LSTMCell(D, H, seed=seed)
    (W,) = draws(seed, (4 * H, D + H))
    b = np.zeros(4 * H)
    b[H : 2 * H] = 1.0  # the forget gate's
    assert cell.H == H
    assert_array_equal(cell.W, W)
    assert_array_equal(cell.b, b)
    h = c = listed_h = listed_c = np.zeros(H)
    for x in X:
        h, c, cache = cell.forward(x, h, c)
        listed_h, listed_c, listed_cache = lstm_step(W, b, x, listed_h, listed_c)
        assert type(cache) is tuple
        for ours, listed in zip((h, c, *cache), (listed_h, listed_c, *listed_cache), strict=True):
            assert_allclose(ours, listed, rtol=0, atol=TOLERANCE)
    assert np.abs(c).max() > 0.1


@SEEDS
def test_gru_cell_is_the_listing(seed):
    cell = GRUCell(D, H, seed=seed)
    W, b = draws(seed, *3 * [(H, D + H)]), 3 * [np.zeros(H)]
    assert cell.H == H
    assert_array_equal([cell.W_z, cell.W_r, cell.W_h], W)
    assert_array_equal([cell.b_z, cell.b_r, cell.b_h], b)
    h = listed = np.zeros(H)
    for x in X:
        h, listed = cell.forward(x, h), gru_step(W, b, x, listed)
        assert_allclose(h, listed, rtol=0, atol=TOLERANCE)
    assert np.abs(h).max() > 0.1


@SEEDS
def test_rnn_cell_draws_and_steps_alike(seed):
    cell = RNNCell(D, H, seed=seed)
    (W,) = draws(seed, (H, D + H))
    assert cell.H == H
    assert_array_equal(cell.W, W)
    assert_array_equal(cell.b, np.zeros(H))
    h = listed = np.zeros(H)
    for x in X:
        h, listed = cell.forward(x, h), rnn_step(W, np.zeros(H), x, listed)
        assert_allclose(h, listed, rtol=0, atol=TOLERANCE)
    assert np.abs(h).max() > 0.1


@pytest.mark.parametrize("Cell", [LSTMCell, GRUCell, RNNCell])
def test_the_seed_is_zero_unless_given(Cell):
    assert_array_equal(Cell(D, H).params.W, Cell(D, H, 0).params.W)
    assert np.any(Cell(D, H).params.W != Cell(D, H, 1).params.W)


@pytest.mark.parametrize(
    ("arch", "Cell"), [(lstm, LSTMCell), (gru, GRUCell), (rnn, RNNCell)], ids=["lstm", "gru", "rnn"]
)
def test_the_sequence_is_the_cell_step_by_step(arch, Cell):
    cell = Cell(D, H, seed=3)
    trace = sequence.forward(arch, cell.params, X)
    states = len(arch.STATES) * (np.zeros(H),)
    for t, x in enumerate(X):
        step = cell.forward(x, *states)
        states = step[:2] if arch is lstm else (step,)
        for name, state in zip(arch.STATES, states, strict=True):
            assert_allclose(getattr(trace, name)[t + 1], state, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("arch", "Cell"), [(lstm, LSTMCell), (gru, GRUCell)])
def test_sequence_and_cell_agree_where_gates_are_closed(arch, Cell, dtype):
    """Weights of zero, so that every gate has its bias as its pre-activation."""
    a = np.linspace(-100, 100, 1001).astype(dtype)
    zeros = np.zeros((len(arch.GATES) * len(a), 1 + len(a)), dtype)
    params = arch.Params(zeros, np.tile(a, len(arch.GATES)))
    cell = Cell(1, len(a))
    for name in ("W", "b"):
        if arch is lstm:
            setattr(cell, name, getattr(params, name))
        else:
            blocks = packing.by_gate(getattr(params, name), gru.GATES)
            for gate, block in blocks.items():
                setattr(cell, f"{name}_{gate}", block)
    x, states = np.zeros(1, dtype), [np.zeros_like(a) for _ in arch.STATES]
    trace = sequence.forward(arch, params, x[np.newaxis])
    found = cell.forward(x, *states)
    h = found[0] if arch is lstm else found
    # Relative to each number itself, however small: it is one rounding or the same zero.
    assert_allclose(trace.h[1], h, rtol=2 * np.finfo(dtype).eps, atol=0)
    if arch is lstm:
        _, i, f, o, *_ = found[2]
        for name, gate in zip("ifo", (i, f, o), strict=True):
            assert_array_equal(trace.gates[name][0], gate)


@pytest.mark.parametrize(
    ("Cell", "names"),
    [
        (LSTMCell, ["W", "b"]),
        (GRUCell, ["W_z", "W_r", "W_h", "b_z", "b_r", "b_h"]),
        (RNNCell, ["W", "b"]),
    ],
)
@pytest.mark.parametrize("in_place", [True, False], ids=["in-place", "assigned"])
def test_changed_weights_take_effect(Cell, names, in_place, rng):
    states = (2 if Cell is LSTMCell else 1) * (rng.normal(size=H),)
    for name in names:
        cell = Cell(D, H)
        changed = rng.normal(size=getattr(cell, name).shape)
        before = np.copy(cell.forward(X[0], *states)[0])
        if in_place:
            getattr(cell, name)[:] = changed
        else:
            setattr(cell, name, changed)
        assert np.any(cell.forward(X[0], *states)[0] != before), name


def test_gates_are_packed_in_the_order_that_is_stated():
    cell = LSTMCell(D, H)
    gates = sequence.forward(lstm, cell.params, X[:1]).gates
    *_, (_, *listed, _, _) = lstm_step(cell.W, cell.b, X[0], *np.zeros((2, H)))
    for name, gate in zip("ifog", listed, strict=True):
        assert_allclose(gates[name][0], gate, rtol=0, atol=TOLERANCE)
    cell = GRUCell(D, H)
    for name, W in zip(gru.GATES, np.split(cell.params.W, 3), strict=True):
        assert_array_equal(W, getattr(cell, f"W_{name}"))


def test_changed_lstm_weights_are_used_as_the_listing_would(rng):
    cell = LSTMCell(D, H)
    cell.b[:H] = -2.0
    cell.W = 3 * cell.W
    h, c = rng.normal(size=(2, H))
    ours = cell.forward(X[0], h, c)
    listed = lstm_step(cell.W, cell.b, X[0], h, c)
    assert_allclose(ours[0], listed[0], rtol=0, atol=TOLERANCE)
    assert_allclose(ours[1], listed[1], rtol=0, atol=TOLERANCE)


def test_cells_take_batches(rng):
    x, h, c = rng.normal(size=(3, D)), *rng.normal(size=(2, 3, H))
    cell = LSTMCell(D, H)
    batch = cell.forward(x, h, c)[0]
    assert_allclose(batch[1], cell.forward(x[1], h[1], c[1])[0], rtol=0, atol=TOLERANCE)
