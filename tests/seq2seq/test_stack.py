"""Layers upon layers: what they compute, and where their gradients go."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from lstm_lab import gru, lstm, rnn, tree
from lstm_lab.gradcheck import numerical_gradient, relative_errors
from lstm_lab.seq2seq import stack
from lstm_lab.seq2seq.stack import Bidirectional

T, B, D, H = 5, 3, 2, 4
LENGTHS = np.array([5, 2, 4])
STEP = 1e-5
GRADIENT_ERROR = 1e-7
ROUNDING = 1e-12
ARCHITECTURES = pytest.mark.parametrize(
    "arch", [rnn, lstm, gru], ids=["rnn", "lstm", "gru"]
)
RESIDUAL = pytest.mark.parametrize("residual", [False, True])


class At(NamedTuple):
    """What a gradient is taken with respect to."""

    layers: Any
    x: Any
    states: Any


def drawn(arch, rng, count=3):
    layers = tuple(
        arch.init(H if level else D, H, rng=rng) for level in range(count)
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
def test_gradients_of_layers_inputs_and_states(arch, residual, rng):
    at = drawn(arch, rng)
    doutputs, dlast = weighted(arch, rng)

    def loss(at):
        outputs, last, _ = stack.forward(arch, *at, LENGTHS, residual=residual)
        return np.sum(doutputs * outputs) + inner(dlast, last)

    _, _, trace = stack.forward(arch, *at, LENGTHS, residual=residual)
    dlayers, dinputs, dstates = stack.backward(
        arch, at.layers, trace, doutputs, dlast, residual=residual
    )
    numeric = numerical_gradient(loss, at, step=STEP)
    found = At(dlayers, dinputs[0], dstates)
    assert max(relative_errors(found, numeric).values()) < GRADIENT_ERROR


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
