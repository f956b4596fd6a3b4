"""What is lost when a gradient is cut: after some steps, or at the gates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_lab import checks, lstm, packing, tree
from lstm_lab.architecture import Architecture
from lstm_lab.gradflow.experiment import SEEDS, draw_and_run, some_seeds
from lstm_lab.numerics import Array, norm


def window_grads(
    arch: Architecture, params: Any, trace: Any, dh: Array, window: int
) -> Any:
    """Return the weight gradient of truncated backpropagation through time.

    The gradient of every step's loss is followed back through at most `window` steps.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    params : Params
        The weights of the forward pass.
    trace : Trace
        What ``arch.forward`` returned.
    dh : ndarray of shape (T, B, H) or (T, H)
        Gradient of the loss with respect to the hidden states h_1 ... h_T.
    window : int
        How many steps a gradient may pass; T of them or more cut nothing.

    Returns
    -------
    Params
        The truncated gradient.

    Raises
    ------
    TypeError, ValueError
        If `window` is no positive integer, or `dh` does not suit the trace.

    References
    ----------
    R. J. Williams and J. Peng, Neural Computation 2 (1990); chapter ch317, ``eq-truncated``.
    """
    window = min(checks.positive_int("window", window), len(trace.x))
    dh = checks.array("dh", dh, trace.h[1:].shape, dtype=trace.h.dtype)
    steps = []
    ages = np.zeros((len(arch.STATES), window, *trace.h[0].shape), dh.dtype)
    for t in reversed(range(len(trace.x))):
        ages = np.roll(ages, 1, axis=1)  # what was oldest is dropped
        ages[:, 0] = 0
        ages[0, 0] = dh[t]
        da, _, dstates = arch.step_vjp(params, trace, t, *ages)
        steps.append(da.sum(axis=0))
        ages = np.stack(dstates)
    return arch.weight_grads(params, trace, np.stack(steps[::-1]))


def carousel_grads(
    params: lstm.Params, trace: lstm.Trace, dh: Array
) -> lstm.Params:
    """Return the weight gradient that the LSTM's first learning rule follows.

    A gradient passes from step to step along the cell state only; where it would enter a
    gate or a candidate and leave through the last hidden state, it is cut.

    Parameters
    ----------
    params : lstm.Params
        The weights of the forward pass.
    trace : lstm.Trace
        What `lstm.forward` returned.
    dh : ndarray of shape (T, B, H) or (T, H)
        Gradient of the loss with respect to the hidden states h_1 ... h_T.

    Returns
    -------
    lstm.Params
        The truncated gradient.

    Raises
    ------
    TypeError, ValueError
        If `params` or `trace` is not of an LSTM, or `dh` does not suit it.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, Neural Computation 9 (1997), appendix A.
    """
    checks.instance("trace", trace, lstm.Trace)
    checks.instance("params", params, lstm.Params)
    dh = checks.array("dh", dh, trace.h[1:].shape, dtype=trace.h.dtype)
    da, dc = packing.empty_like(trace.gates), np.zeros_like(trace.c[0])
    for t in reversed(range(len(trace.x))):
        da[t], dc = lstm.update_vjp(
            dh[t], dc, trace.gates[t], trace.c[t], trace.c[t + 1]
        )
    return lstm.weight_grads(params, trace, da)


@dataclass(frozen=True)
class TruncationBias:
    """How a truncated gradient compares with the full one, by seed and window.

    ``cosines`` (S, N) is the cosine of the angle between the two, ``lengths`` (S, N) the
    length of the truncated gradient as a share of the full one's. ``carousel_cosines`` (S,)
    is the cosine for the rule that cuts at the gates, NaN but in the LSTM.
    """

    architecture: str
    windows: tuple[int, ...]
    cosines: Array
    lengths: Array
    carousel_cosines: Array
    T: int
    seeds: tuple[int, ...]


def truncation_bias(
    arch: Architecture,
    *,
    windows: Sequence[int],
    D: int = 4,
    H: int = 32,
    T: int = 100,
    seeds: Sequence[int] = SEEDS,
    draw: Callable[..., Any] | None = None,
) -> TruncationBias:
    r"""Compare truncated gradients with the full one, for a loss that depends on the past.

    The loss reads the last state in a random direction, :math:`\mathcal{L} = v^\top h_T`.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    windows : sequence of int
        How many steps a gradient may pass.
    D, H, T : int
        Input size, hidden size, number of steps.
    seeds : sequence of int
        One network, one input sequence and one loss is drawn for each.
    draw : callable, optional
        Returns parameters from ``(D, H, rng=rng)``; ``arch.init`` where it is None.

    Returns
    -------
    TruncationBias
        Cosines and lengths by seed and window.

    Raises
    ------
    TypeError, ValueError
        If a window or a size is no positive integer.

    References
    ----------
    Chapter ch318, figure ``fig-truncation``.
    """
    seeds = some_seeds(seeds)
    cosines, lengths = np.empty((2, len(seeds), len(windows)))
    carousel = np.full(len(seeds), np.nan)
    for s, seed in enumerate(seeds):
        params, trace = draw_and_run(arch, draw or arch.init, D, H, T, seed)
        dh = np.zeros_like(trace.h[1:])
        dh[-1] = np.random.default_rng(seed).normal(size=H)
        full = _flat(arch.backward(params, trace, dh).params)
        for n, window in enumerate(windows):
            cut = _flat(window_grads(arch, params, trace, dh, window))
            cosines[s, n] = _cosine(cut, full)
            lengths[s, n] = norm(cut) / norm(full)
        if isinstance(params, lstm.Params):
            rule = carousel_grads(params, trace, dh)
            carousel[s] = _cosine(_flat(rule), full)
    name = arch.__name__.rpartition(".")[-1]
    return TruncationBias(
        name, tuple(windows), cosines, lengths, carousel, T, tuple(seeds)
    )


def _flat(params: Any) -> Array:
    return np.concatenate([p.ravel() for p in tree.leaves(params).values()])


def _cosine(u: Array, v: Array) -> float:
    return float((u / norm(u)) @ (v / norm(v)))
