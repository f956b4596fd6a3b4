"""Layers upon layers: what they compute, and where their gradients go."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from lstm_lab import coupled, gru, lstm, rnn, tree
from lstm_lab.gradcheck import numerical_gradient, relative_errors
from lstm_lab.seq2seq import stack
from lstm_lab.seq2seq.stack import Bidirectional

T, B, D, H = 5, 3, 2, 4
LENGTHS = np.array([5, 2, 4])
STEP = 1e-5
GRADIENT_ERROR = 1e-7
ROUNDING = 1e-12
ARCHITECTURES = pytest.mark.parametrize(
    "arch",
    [rnn, lstm, gru, coupled],
    ids=["rnn", "lstm", "gru", "coupled"],
)
RESIDUAL = pytest.mark.parametrize("residual", [False, True])


class At(NamedTuple):
    """What a gradient is taken with respect to."""

    layers: Any
    x: Any
    states: Any


def layer(arch, inputs, rng, bidirectional):
    """Return one layer of H units, or two of H / 2, with weights of order one."""

    def one(units):
        zeros = arch.init(inputs, units, rng=rng)
        return tree.map(lambda leaf: rng.normal(0, 0.7, leaf.shape), zeros)

    if bidirectional:
        return Bidirectional(one(H // 2), one(H // 2))
    return one(H)


def drawn(arch, rng, count=3, bidirectional=False):
    layers = tuple(
        layer(arch, H if level else D, rng, bidirectional)
        for level in range(count)
    )
    states = tuple(
        tuple(rng.normal(size=(B, H)) for _ in arch.STATES) for _ in layers
    )
    return At(layers, rng.normal(size=(T, B, D)), states)


def weighted(arch, rng, count=3):
    """Return random weights of all that a stack puts out, zero in the padding."""
    within = np.arange(T)[:, np.newaxis] < LENGTHS
    doutputs = rng.normal(size=(T, B, H)) * within[..., np.newaxis]
    dlast = tuple(
        tuple(rng.normal(size=(B, H)) for _ in arch.STATES)
        for _ in range(count)
    )
    return doutputs, dlast


def inner(a, b):
    return sum(
        np.sum(x * y)
        for one, other in zip(a, b, strict=True)
        for x, y in zip(one, other, strict=True)
    )


@ARCHITECTURES
@RESIDUAL
def test_each_layer_reads_the_one_below(arch, residual, rng):
    layers, x, states = drawn(arch, rng)
    outputs, last, _ = stack.forward(
        arch, layers, x, states, LENGTHS, residual=residual
    )
    for level, params in enumerate(layers):
        trace = arch.forward(params, x, *states[level])
        x = trace.h[1:] + (x if residual and level else 0)
        for name, state in zip(arch.STATES, last[level], strict=True):
            for b, length in enumerate(LENGTHS):
                expected = getattr(trace, name)[length, b]
                np.testing.assert_array_equal(state[b], expected)
    np.testing.assert_array_equal(outputs, x)


@ARCHITECTURES
@RESIDUAL
@pytest.mark.parametrize("bidirectional", [False, True])
def test_gradients_of_layers_inputs_and_states(
    arch, residual, bidirectional, rng
):
    count = 2 if bidirectional else 3
    at = drawn(arch, rng, count, bidirectional)
    doutputs, dlast = weighted(arch, rng, count)

    def loss(at):
        outputs, last, _ = stack.forward(arch, *at, LENGTHS, residual=residual)
        return np.sum(doutputs * outputs) + inner(dlast, last)

    _, _, trace = stack.forward(arch, *at, LENGTHS, residual=residual)
    dlayers, dinputs, dstates = stack.backward(
        arch, at.layers, trace, doutputs, dlast, residual=residual
    )
    numeric = numerical_gradient(loss, at, step=STEP)
    found = At(dlayers, dinputs[0], dstates)
    errors = relative_errors(found, numeric).values()
    assert all(error < GRADIENT_ERROR for error in errors)


@ARCHITECTURES
def test_gradients_of_whole_sequences(arch, rng):
    """Without lengths the cotangents of the last states stand at the last step."""
    at = drawn(arch, rng, count=2)
    _, dlast = weighted(arch, rng, count=2)
    _, _, trace = stack.forward(arch, *at)
    grads = stack.backward(arch, at.layers, trace, np.zeros((T, B, H)), dlast)

    def loss(at):
        return inner(dlast, stack.forward(arch, *at)[1])

    numeric = numerical_gradient(loss, at, step=STEP)
    found = At(grads[0], grads[1][0], grads[2])
    errors = relative_errors(found, numeric).values()
    assert all(error < GRADIENT_ERROR for error in errors)


def test_a_cotangent_of_every_state_is_asked_for(rng):
    layers, x, states = drawn(lstm, rng, count=1)
    doutputs, ((dh, _),) = weighted(lstm, rng, count=1)
    _, _, trace = stack.forward(lstm, layers, x, states, LENGTHS)
    with pytest.raises(
        ValueError, match=r"dlast\[0\] must have 2 arrays.*h, c"
    ):
        stack.backward(lstm, layers, trace, doutputs, ((dh,),))


@RESIDUAL
def test_gradients_of_what_each_layer_read(residual, rng):
    at = drawn(lstm, rng)
    doutputs, dlast = weighted(lstm, rng)
    _, _, trace = stack.forward(lstm, *at, LENGTHS, residual=residual)
    _, dinputs, _ = stack.backward(
        lstm, at.layers, trace, doutputs, dlast, residual=residual
    )
    between, _, _ = stack.forward(
        lstm, at.layers[:1], at.x, at.states[:1], LENGTHS
    )

    def loss(between):
        """Put out what the upper layers make of the outputs of the lowest."""
        upper, ends = between, []
        for level in (1, 2):
            h, last, _ = stack.forward(
                lstm,
                at.layers[level : level + 1],
                upper,
                at.states[level : level + 1],
                LENGTHS,
            )
            upper = h + upper if residual else h
            ends += last
        return np.sum(doutputs * upper) + inner(dlast[1:], ends)

    numeric = numerical_gradient(loss, between, step=STEP)
    errors = relative_errors(dinputs[1], numeric)
    assert max(errors.values()) < GRADIENT_ERROR


def test_the_second_direction_reads_from_the_end(rng):
    pair = Bidirectional(*(gru.init(D, H, rng=rng) for _ in range(2)))
    x = rng.normal(size=(T, B, D))
    outputs, ((last,),), _ = stack.forward(gru, (pair,), x, None, LENGTHS)
    for b, length in enumerate(LENGTHS):
        one = x[:length, b]
        first = gru.forward(pair.forward, one).h[1:]
        second = gru.forward(pair.backward, one[::-1]).h[1:]
        np.testing.assert_allclose(
            outputs[:length, b],
            np.concatenate([first, second[::-1]], axis=-1),
            rtol=ROUNDING,
        )
        expected = np.concatenate([first[-1], second[-1]])
        np.testing.assert_allclose(last[b], expected, rtol=ROUNDING)


def test_without_lengths_all_sequences_are_whole(rng):
    layers, x, states = drawn(lstm, rng)
    whole = stack.forward(lstm, layers, x, states)
    same = stack.forward(lstm, layers, x, states, np.full(B, T))
    np.testing.assert_array_equal(whole[0], same[0])
    np.testing.assert_array_equal(whole[1], same[1])


def test_layers_add_their_inputs_only_where_they_are_asked_to(rng):
    at = drawn(gru, rng)
    doutputs, dlast = weighted(gru, rng)
    found = []
    for options in ({}, {"residual": False}):
        *ends, trace = stack.forward(gru, *at, LENGTHS, **options)
        grads = stack.backward(
            gru, at.layers, trace, doutputs, dlast, **options
        )
        found.append(tree.leaves((*ends, *grads)))
    np.testing.assert_equal(*found)


def test_a_turned_sequence_has_its_padding_behind_it(rng):
    x = rng.normal(size=(T, B, D))
    turned = stack._turned(x, LENGTHS)
    for b, length in enumerate(LENGTHS):
        np.testing.assert_array_equal(turned[:length, b], x[:length, b][::-1])
        np.testing.assert_array_equal(turned[length:, b], x[length:, b])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"arch": "lstm"}, TypeError, "arch must be an architecture"),
        ({"x": None}, TypeError, "x must be an array"),
        ({"lengths": [5, 2, 6]}, ValueError, "lengths must lie from 1 to 5"),
        ({"lengths": [5, 2]}, ValueError, r"lengths must .* shape \(3,\)"),
        (
            {"lengths": [5.0, 2, 4]},
            TypeError,
            "lengths must be an array of int",
        ),
        ({"states": ()}, ValueError, "states must have a tuple of arrays"),
        ({"states": [1]}, ValueError, "states must have a tuple of arrays"),
        ({"states": [[1, 2]]}, TypeError, r"states\[0\]\[0\] must be an array"),
        ({"residual": "no"}, TypeError, "residual must be a bool, got 'no'"),
        ({"layers": ()}, ValueError, "layers must be at least one"),
        ({"layers": lstm}, TypeError, "layers must be a list of layers"),
    ],
)
def test_sequences_that_cannot_be_read(rng, change, error, message):
    layers, x, states = drawn(lstm, rng, count=1)
    usual = {"arch": lstm, "layers": layers, "x": x}
    arguments = {**usual, "states": states, "lengths": LENGTHS, **change}
    with pytest.raises(error, match=message):
        stack.forward(**arguments)


def test_lengths_may_be_of_any_type_of_integer(rng):
    at = drawn(gru, rng, bidirectional=True)
    expected = stack.forward(gru, *at, LENGTHS)[:2]
    for lengths in (LENGTHS.tolist(), LENGTHS.astype(np.uint64)):
        np.testing.assert_equal(stack.forward(gru, *at, lengths)[:2], expected)
