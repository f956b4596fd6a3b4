r"""Layers one upon the other: each reads the sequence of states of the one below.

.. math::

    h^{(1)} = \operatorname{layer}_1(x), \qquad
    h^{(l)} = \operatorname{layer}_l(h^{(l-1)}) \;[+\, h^{(l-1)} \text{ with residual connections}]

Sequences of different lengths stand side by side, with padding behind each. A layer runs over the
padding too, but nothing that it computes there is read: its *last* states are those after the last
step of each sequence. The backward pass adds their gradients there; a step of padding has none.

A bidirectional layer is two: the second reads each sequence from its end, and their states stand
side by side.

Sources: I. Sutskever, O. Vinyals and Q. V. Le, "Sequence to sequence learning with neural
networks", NeurIPS (2014), for stacked layers; M. Schuster and K. K. Paliwal, "Bidirectional
recurrent neural networks", IEEE Transactions on Signal Processing 45 (1997).
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks
from lstm_lab.architecture import Architecture
from lstm_lab.numerics import Array
from lstm_lab.packing import join

Lengths = NDArray[np.integer[Any]]
States = tuple[tuple[Array, ...], ...]


class Bidirectional(NamedTuple):
    """The parameters of two layers, of which the second reads each sequence from its end."""

    forward: Any
    backward: Any


class Trace(NamedTuple):
    """What a forward pass leaves: the traces of each layer, one for each direction."""

    layers: tuple[tuple[Any, ...], ...]
    lengths: Lengths


def forward(
    arch: Architecture,
    layers: tuple[Any, ...],
    x: Array,
    states: States | None = None,
    lengths: Lengths | None = None,
    *,
    residual: bool = False,
) -> tuple[Array, States, Trace]:
    """Run the layers over whole sequences.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    layers : tuple of Params or Bidirectional
        From the lowest to the highest.
    x : ndarray of shape (T, B, D)
        Inputs.
    states : tuple of tuples of ndarrays of shape (B, H), optional
        Initial states of each layer; zeros where it is None.
    lengths : ndarray of int of shape (B,), optional
        Steps of each sequence; T where it is None.
    residual : bool
        Whether each layer but the lowest adds its input to its output.

    Returns
    -------
    outputs : ndarray of shape (T, B, H)
        Of the highest layer; behind the end of a sequence they mean nothing.
    last : tuple of tuples of ndarrays of shape (B, H)
        States of each layer after the last step of each sequence.
    trace : Trace
        What `backward` needs.

    Raises
    ------
    FloatingPointError
        If a state is NaN or infinite.
    TypeError, ValueError
        If an argument has the wrong type or shape, or a layer is not given one initial state for
        each of ``arch.STATES``.

    References
    ----------
    Chapter ch319, equation ``eq-stack``.
    """
    checks.architecture("arch", arch)
    residual = checks.flag("residual", residual)
    if not checks.items("layers", layers, "layers"):
        raise ValueError("layers must be at least one, got none")
    x = checks.array("x", x, ("T", "B", "D"), finite_values=False)
    T, B, _ = x.shape
    if lengths is None:
        lengths = np.full(B, T)
    lengths = checks.integers("lengths", lengths, B)
    if lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths must lie from 1 to {T}, got {lengths}")
    last, traces = [], []
    for level, params in enumerate(layers):
        initial = (
            () if states is None else _checked(arch, "states", level, states)
        )
        directions = _directions(params)
        inputs = (x, _turned(x, lengths))[: len(directions)]
        parts = [
            arch.forward(cell, part, *_direction(initial, n, len(directions)))
            for n, (cell, part) in enumerate(
                zip(directions, inputs, strict=True)
            )
        ]
        outputs = [parts[0].h[1:]]
        outputs += [_turned(part.h[1:], lengths) for part in parts[1:]]
        h = join(*outputs) if len(outputs) > 1 else outputs[0]
        if not np.isfinite(h).all():
            raise FloatingPointError(
                f"the states of layer {level}, counted from 0, overflowed"
            )
        x = x + h if residual and level else h
        ends = [_last(arch, part, lengths) for part in parts]
        last.append(_side_by_side(zip(*ends, strict=True)))
        traces.append(tuple(parts))
    return x, tuple(last), Trace(tuple(traces), lengths)


def backward(
    arch: Architecture,
    layers: tuple[Any, ...],
    trace: Trace,
    doutputs: Array,
    dlast: States | None = None,
    *,
    residual: bool = False,
) -> tuple[tuple[Any, ...], tuple[Array, ...], States]:
    """Backpropagate through the layers, the highest first, and through time in each.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    layers : tuple of Params or Bidirectional
        As in the forward pass.
    trace : Trace
        What `forward` returned.
    doutputs : ndarray of shape (T, B, H)
        Gradient with respect to the outputs, zero behind the end of each sequence.
    dlast : tuple of tuples of ndarrays of shape (B, H), optional
        Gradients with respect to the last states of each layer; zeros where it is None.
    residual : bool
        As in the forward pass.

    Returns
    -------
    dlayers : tuple of Params or Bidirectional
        Gradient with respect to the weights.
    dinputs : tuple of ndarrays of shape (T, B, D) or (T, B, H)
        Gradients with respect to what each layer read, along every path: to the inputs of the
        stack, and to the outputs of each layer but the highest.
    dstates : tuple of tuples of ndarrays of shape (B, H)
        Gradients with respect to the initial states of each layer.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or shape, or a layer is not given one gradient for each
        of ``arch.STATES``.
    """
    checks.architecture("arch", arch)
    checks.instance("trace", trace, Trace)
    lengths = trace.lengths
    doutputs = checks.array("doutputs", doutputs, ("T", len(lengths), "H"))
    dlayers: list[Any] = []
    dinputs: list[Array] = []
    dstates: list[tuple[Array, ...]] = []
    for level in reversed(range(len(layers))):
        params, traces = layers[level], trace.layers[level]
        cells = _directions(params)
        ends = () if dlast is None else _checked(arch, "dlast", level, dlast)
        parts = []
        for n, (cell, part) in enumerate(zip(cells, traces, strict=True)):
            dh = np.split(doutputs, len(cells), axis=-1)[n]
            dh = _turned(dh, lengths) if n else dh
            dends = _direction(ends, n, len(cells))
            parts.append(_backward(arch, cell, part, lengths, dh, dends))
        dx = parts[0].x
        for grads in parts[1:]:
            dx = dx + _turned(grads.x, lengths)
        doutputs = dx + doutputs if residual and level else dx
        dinputs.append(doutputs)
        grads = [part.params for part in parts]
        dlayers.append(Bidirectional(*grads) if len(grads) > 1 else grads[0])
        starts = zip(*(part[2:] for part in parts), strict=True)
        dstates.append(_side_by_side(starts))
    return tuple(dlayers[::-1]), tuple(dinputs[::-1]), tuple(dstates[::-1])


def _directions(params: Any) -> tuple[Any, ...]:
    return tuple(params) if isinstance(params, Bidirectional) else (params,)


def _checked(
    arch: Architecture, name: str, level: int, states: Any
) -> tuple[Array, ...]:
    """Return the states of a layer, or say that there is not one of each."""
    if (
        not isinstance(states, tuple | list)
        or len(states) <= level
        or not isinstance(states[level], tuple | list)
    ):
        raise ValueError(
            f"{name} must have a tuple of arrays for each layer, got {states!r}"
        )
    found = tuple(
        checks.array(f"{name}[{level}][{n}]", state, ("B", "H"))
        for n, state in enumerate(states[level])
    )
    if len(found) != len(arch.STATES):
        raise ValueError(
            f"{name}[{level}] must have {len(arch.STATES)} arrays, one for each"
            f" of {', '.join(arch.STATES)}; got {len(found)}"
        )
    return found


def _direction(
    states: tuple[Array, ...], n: int, directions: int
) -> tuple[Array, ...]:
    """Return what one direction has of the states of a layer."""
    return tuple(np.split(state, directions, axis=-1)[n] for state in states)


def _side_by_side(parts: Iterable[tuple[Array, ...]]) -> tuple[Array, ...]:
    """Return each state of a layer, those of its directions side by side."""
    return tuple(join(*part) for part in parts)


def _turned(x: Array, lengths: Lengths) -> Array:
    """Return each sequence from its end to its beginning, with its padding where it was."""
    t = np.arange(len(x))[:, np.newaxis]
    source = np.where(t < lengths, lengths - 1 - t, t)
    turned: Array = np.take_along_axis(x, source[..., np.newaxis], axis=0)
    return turned


def _last(
    arch: Architecture, trace: Any, lengths: Lengths
) -> tuple[Array, ...]:
    """Return the states after the last step of each sequence."""
    examples = np.arange(len(lengths))
    return tuple(
        getattr(trace, name)[lengths, examples] for name in arch.STATES
    )


def _backward(
    arch: Architecture,
    params: Any,
    trace: Any,
    lengths: Lengths,
    dh: Array,
    dlast: tuple[Array, ...],
) -> Any:
    """Backpropagate through one layer, from the last step of each sequence."""
    if not dlast:
        return arch.backward(params, trace, dh)
    if (lengths == len(dh)).all():
        return arch.backward(params, trace, dh, *dlast)
    dh_last, *further = dlast
    dh = dh.copy()
    dh[lengths - 1, np.arange(len(lengths))] += dh_last
    if not further:  # the hidden state alone is an output of its step
        return arch.backward(params, trace, dh)
    das, dxs = [], []
    dstates = [np.zeros_like(end) for end in dlast]
    for t in reversed(range(len(dh))):
        ends = np.equal(lengths - 1, t)[:, np.newaxis]
        dstates[0] = dstates[0] + dh[t]
        dstates[1:] = [
            dstate + np.where(ends, end, 0)
            for dstate, end in zip(dstates[1:], further, strict=True)
        ]
        da, dx, dstates_before = arch.step_vjp(params, trace, t, *dstates)
        dstates = list(dstates_before)
        das.append(da)
        dxs.append(dx)
    da, dx = (np.stack(steps[::-1]) for steps in (das, dxs))
    return arch.Grads(arch.weight_grads(params, trace, da), dx, *dstates)
