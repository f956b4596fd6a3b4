r"""Stacked layers: each reads the sequence of hidden states of the one below.

.. math::

    h^{(1)} = \operatorname{layer}_1(x), \qquad
    h^{(l)} = \operatorname{layer}_l(h^{(l-1)}) \;[+\, h^{(l-1)} \text{ with residual connections}]

Sequences of different lengths stand side by side, with padding after each. A layer runs over the
padding too, but nothing that it computes there is read: its *last* states are those after the last
step of each sequence.

Source: I. Sutskever, O. Vinyals and Q. V. Le, "Sequence to sequence learning with neural
networks", NeurIPS (2014).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lstm_lab import checks, records, sequence
from lstm_lab.numerics import Array
from lstm_lab.sequence import Cell, Lengths

States = tuple[tuple[Array, ...], ...]
"""The states (B, H) of each layer, the lowest first."""


@records.short
class Trace(NamedTuple):
    """What `forward` returns.

    ``outputs`` (T, B, H) are those of the highest layer, meaningless after the end of a sequence;
    ``last`` are the states of each layer after the last step of each sequence. `backward` needs
    the rest: the traces of the layers, and the arguments of the call.
    """

    outputs: Array
    last: States
    layers: tuple[sequence.Trace, ...]
    lengths: Lengths | None
    residual: bool


class Grads(NamedTuple):
    """Gradients with respect to the parameters, inputs and initial states of each layer.

    ``inputs`` (T, B, D) or (T, B, H) include every path: the first is the gradient of the
    inputs of the stack, each other one that of the outputs of the layer below.
    """

    params: tuple[Any, ...]
    inputs: tuple[Array, ...]
    states: States


def forward(
    cell: Cell,
    params: Sequence[Any],
    x: Array,
    states: States | None = None,
    *,
    lengths: Lengths | None = None,
    residual: bool = False,
) -> Trace:
    """Run the layers over inputs (T, B, D) of some lengths (B,), from initial states or zeros.

    With ``residual`` each layer but the lowest adds its input to its output. States that are not
    finite raise a FloatingPointError. Chapter ch319, equation ``eq-stack``.
    """
    x = checks.array("x", x, ("T", "B", "D"))
    T, B, _ = x.shape
    ends = np.full(B, T) if lengths is None else checked_lengths("lengths", lengths, B, T)
    last, traces = [], []
    for level, layer in enumerate(params):
        initial = () if states is None else states[level]
        trace = sequence.forward(cell, layer, x, *initial)
        h = trace.h[1:]
        if not np.isfinite(h).all():
            raise FloatingPointError(f"the states of layer {level} overflowed")
        x = x + h if residual and level else h
        final = (state[ends, np.arange(B)] for state in trace.states.values())
        last.append(tuple(final))
        traces.append(trace)
    return Trace(x, tuple(last), tuple(traces), lengths, residual)


def backward(trace: Trace, doutputs: Array, dlast: States | None = None) -> Grads:
    """Backpropagate through the layers, the highest first, and through time in each.

    From gradients of the outputs (T, B, H), zero after the end of each sequence, and of the last
    states of each layer.
    """
    grads = []
    for level in reversed(range(len(trace.layers))):
        dends = () if dlast is None else dlast[level]
        layer = sequence.backward(trace.layers[level], doutputs, *dends, lengths=trace.lengths)
        is_added = trace.residual and level
        doutputs = layer.x + doutputs if is_added else layer.x
        grads.append((layer.params, doutputs, layer[2:]))
    return Grads(*zip(*grads[::-1], strict=True))


def checked_lengths(name: str, value: Any, B: int, T: int) -> Lengths:
    """Return B lengths from 1 to T as an array of indices."""
    lengths = checks.integers(name, value, B)
    if lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"{name} must lie from 1 to {T}, got {lengths}")
    return lengths
