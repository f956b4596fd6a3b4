r"""Gradients of long sequences in little memory: states are kept now and then only.

The forward pass keeps the states before every segment of :math:`\sqrt T` steps. The backward
pass runs each segment again, the last one first, and goes back through it at once. So
:math:`O(\sqrt T)` states and gates are held instead of :math:`O(T)`, for one forward pass more.

Sources: T. Chen, B. Xu, C. Zhang and C. Guestrin, "Training deep nets with sublinear memory
cost", arXiv 1604.06174 (2016); A. Gruslys et al., "Memory-efficient backpropagation through
time", NIPS (2016).
"""

from math import isqrt
from typing import Any, NamedTuple

import numpy as np

from lstm_lab import checks, tree
from lstm_lab.architecture import Architecture
from lstm_lab.numerics import Array


class Checkpoints(NamedTuple):
    """What `forward` leaves for `backward`.

    ``x`` (T, B, D) is the caller's own array. ``states`` holds one tuple of states (B, H) for
    the beginning of each segment of ``segment`` steps, the first as they were given, and one
    for the end.
    """

    x: Array
    states: tuple[tuple[Array | None, ...], ...]
    segment: int


def forward(
    arch: Architecture,
    params: Any,
    x: Array,
    *states: Array | None,
    segment: int | None = None,
) -> Checkpoints:
    r"""Run the network over whole sequences, keeping the states between segments only.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    params : Params
        The weights.
    x : ndarray of shape (T, B, D) or (T, D)
        Inputs, of the parameters' dtype.
    *states : ndarrays of shape (B, H) or (H,), or None
        Initial states; zeros where they are missing or None.
    segment : int, optional
        Steps in a segment; :math:`\lceil\sqrt T\,\rceil` where it is None.

    Returns
    -------
    Checkpoints
        The states between segments; ``states[-1]`` are those after the last step.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.
    """
    x = checks.array("x", x, ("T", "B", "D"), ("T", "D"))
    T = len(x)
    segment = (
        isqrt(T - 1) + 1
        if segment is None
        else checks.positive_int("segment", segment)
    )
    kept: list[tuple[Array | None, ...]] = [states]
    for start in range(0, T, segment):
        _, last = arch.infer(params, x[start : start + segment], *kept[-1])
        kept.append(last)
    return Checkpoints(x, tuple(kept), segment)


def backward(
    arch: Architecture,
    params: Any,
    checkpoints: Checkpoints,
    dh: Array | None = None,
    *dstates_T: Array | None,
) -> Any:
    """Backpropagate through time as ``arch.backward`` does, segment by segment.

    The gradients of the inputs and of the initial states are the same to the last bit; those
    of the weights are sums in another order.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    params : Params
        The weights of the forward pass.
    checkpoints : Checkpoints
        What `forward` returned.
    dh : ndarray of shape (T, B, H) or (T, H), optional
        Gradient of the loss with respect to the states h_1 ... h_T; zeros where it is None.
    *dstates_T : ndarrays of shape (B, H) or (H,), or None
        Further gradients with respect to the last states; zeros where they are missing or
        None.

    Returns
    -------
    arch.Grads
        Gradients with respect to the parameters, the inputs and the initial states.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.
    """
    checks.instance("checkpoints", checkpoints, Checkpoints)
    x, states, segment = checkpoints
    shape = (*x.shape[:-1], params.H)
    dh = checks.like("dh", dh, shape, x.dtype)
    dx = np.empty(x.shape, x.dtype)
    dparams = tree.map(np.zeros_like, params)
    dstates: tuple[Array | None, ...] = dstates_T
    starts = range(0, len(x), segment)
    if len(states) != len(starts) + 1:
        raise ValueError(
            f"checkpoints.states must be {len(starts) + 1}, for {len(x)} steps in"
            f" segments of {segment}; got {len(states)}"
        )
    for start, before in reversed(list(zip(starts, states, strict=False))):
        steps = slice(start, start + segment)
        trace = arch.forward(params, x[steps], *before)
        grads = arch.backward(params, trace, dh[steps], *dstates)
        dx[steps] = grads.x
        dparams = tree.map(np.add, dparams, grads.params)
        dstates = grads[2:]
    return arch.Grads(dparams, dx, *dstates)
