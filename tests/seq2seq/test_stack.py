"""Stacked layers: what they compute, and where their gradients go, for every cell."""

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from lstm_lab import gru, lstm, rnn, sequence, tree
from lstm_lab.gradcheck import numerical_gradient, relative_errors
from lstm_lab.seq2seq import stack

T, B, D, H = 4, 3, 2, 3
LENGTHS = np.array([4, 1, 3])
STEP = 1e-5
GRADIENT_ERROR = 1e-7
RESIDUAL = pytest.mark.parametrize("residual", [False, True])


class Point(NamedTuple):
    """What a gradient is taken with respect to."""

    params: Any
    x: Any
    states: Any


def some_point(cell, rng, options=None, layers=2):
    """Return layers with weights of order one, inputs and initial states."""

    def normal(leaf):
        return rng.normal(0, 0.7, leaf.shape)

    sizes = [D] + [H] * (layers - 1)
    params = [cell.init(size, H, rng=rng, **(options or {})) for size in sizes]
    states = (tuple(rng.normal(size=(B, H)) for _ in cell.STATES) for _ in params)
    return Point(
        tuple(tree.map(normal, layer) for layer in params),
        rng.normal(size=(T, B, D)),
        tuple(states),
    )


def some_cotangents(cell, rng, lengths, layers=2):
    """Return random gradients of all that a stack returns, zero in the padding."""
    within = np.arange(T)[:, np.newaxis] < lengths
    dlast = [tuple(rng.normal(size=(B, H)) for _ in cell.STATES) for _ in range(layers)]
    return rng.normal(size=(T, B, H)) * within[..., np.newaxis], dlast


def assert_exact(point, loss, found):
    numeric = numerical_gradient(loss, point, step=STEP)
    errors = relative_errors(found, numeric)
    assert {name: e for name, e in errors.items() if e >= GRADIENT_ERROR} == {}


@pytest.mark.parametrize(
    ("residual", "lengths"),
    [(False, None), (False, LENGTHS), (True, LENGTHS)],
    ids=["whole", "padded", "padded-residual"],
)
def test_gradients_of_layers_inputs_and_states(cell_and_options, residual, lengths, rng):
    cell, options = cell_and_options
    point = some_point(cell, rng, options)
    ends = np.full(B, T) if lengths is None else lengths
    doutputs, dlast = some_cotangents(cell, rng, ends)

    def run(point):
        return stack.forward(cell, *point, lengths=lengths, residual=residual)

    def loss(point):
        trace = run(point)
        reads = zip([doutputs, *sum(dlast, ())], [trace.outputs, *sum(trace.last, ())], strict=True)
        return sum(np.sum(d * value) for d, value in reads)

    grads = stack.backward(run(point), doutputs, dlast)
    assert_exact(point, loss, Point(grads.params, grads.inputs[0], grads.states))


@RESIDUAL
def test_each_layer_reads_the_one_below(cell, residual, rng):
    params, x, states = some_point(cell, rng)
    found = stack.forward(cell, params, x, states, lengths=LENGTHS, residual=residual)
    for level, layer in enumerate(params):
        trace = sequence.forward(cell, layer, x, *states[level])
        x = trace.h[1:] + (x if residual and level else 0)
        for name, state in zip(cell.STATES, found.last[level], strict=True):
            expected = [trace.states[name][n, b] for b, n in enumerate(LENGTHS)]
            np.testing.assert_array_equal(state, expected)
    np.testing.assert_array_equal(found.outputs, x)


@RESIDUAL
def test_gradients_of_what_each_layer_reads(residual, rng):
    point = some_point(lstm, rng)
    doutputs, _ = some_cotangents(lstm, rng, LENGTHS)
    trace = stack.forward(lstm, *point, residual=residual)
    between = stack.forward(lstm, point.params[:1], point.x, point.states[:1]).outputs

    def loss(between):
        upper = between
        for layer, states in zip(point.params[1:], point.states[1:], strict=True):
            h = sequence.forward(lstm, layer, upper, *states).h[1:]
            upper = h + upper if residual else h
        return np.sum(doutputs * upper)

    assert_exact(between, loss, stack.backward(trace, doutputs).inputs[1])


def test_lengths_may_be_of_any_type_of_integer(rng):
    point = some_point(gru, rng)
    expected = stack.forward(gru, *point, lengths=LENGTHS)
    doutputs, dlast = some_cotangents(gru, rng, LENGTHS)
    for lengths in (LENGTHS.tolist(), LENGTHS.astype(np.uint64)):
        found = stack.forward(gru, *point, lengths=lengths)
        np.testing.assert_equal(found[:2], expected[:2])
        np.testing.assert_equal(
            tree.leaves(stack.backward(found, doutputs, dlast)),
            tree.leaves(stack.backward(expected, doutputs, dlast)),
        )


def test_states_that_overflow_are_an_error(rng):
    def step(w, row):
        (a,) = row @ w.blocks
        return (a,), rnn.Cache(a)

    linear = SimpleNamespace(**{**vars(rnn), "step": step})
    (first, second), x, _ = some_point(linear, rng, layers=2)
    second = second._replace(W=1e200 * np.abs(second.W))
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(FloatingPointError, match="states of layer 1 overflowed"),
    ):
        stack.forward(linear, [first, second], x)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"cell": "lstm"}, TypeError, "cell must be a cell"),
        ({"x": None}, TypeError, "x must be an array"),
        ({"lengths": [4, 1, 5]}, ValueError, "lengths must lie from 1 to 4"),
        ({"lengths": [4, 0, 3]}, ValueError, "lengths must lie from 1 to 4"),
        ({"lengths": [4, 1]}, ValueError, r"lengths must .* shape \(3,\)"),
        ({"lengths": [4.0, 1, 3]}, TypeError, "lengths must be an array of int"),
        ({"states": [[np.ones(2)]]}, ValueError, "h0 must have shape"),
        ({"states": [np.ones((3, B, H))]}, TypeError, "states h, c; got 3"),
    ],
)
def test_arguments_that_cannot_be(rng, change, error, message):
    params, x, _ = some_point(lstm, rng, layers=1)
    with pytest.raises(error, match=message):
        stack.forward(**{"cell": lstm, "params": params, "x": x, **change})
