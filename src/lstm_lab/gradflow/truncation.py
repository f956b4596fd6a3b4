"""What is lost when a gradient is cut: after some steps, or at the gates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_lab import checks, tree
from lstm_lab.gradflow.experiment import Experiment, networks
from lstm_lab.numerics import Array, norm
from lstm_lab.sequence import Cell, Trace, backward, name_of


def window_grads(trace: Trace, dh: Array, window: int) -> Any:
    """Return the weight gradient of truncated backpropagation through time.

    The gradient `dh` (T, B, H) or (T, H) of every step's loss is followed back through at most
    `window` steps.

    References
    ----------
    R. J. Williams and J. Peng, Neural Computation 2 (1990); chapter ch317, ``eq-truncated``.
    """
    dh, cell = _checked(trace, dh), trace.cell
    window = min(checks.positive_int("window", window), len(dh))
    steps = []
    # Gradients by state and age: those from the loss of this step, the next one, ...
    ages = np.zeros((len(cell.STATES), window, *dh[0].shape), dh.dtype)
    for t in reversed(range(len(dh))):
        ages = np.roll(ages, 1, axis=1)  # the oldest are dropped
        ages[:, 0] = 0
        ages[0, 0] = dh[t]
        da, dstates = cell.step_vjp(trace.weights, trace.caches[t], *ages)
        steps.append(da.sum(axis=0))
        ages = np.stack(dstates)
    return cell.weight_grads(trace, np.stack(steps[::-1]))


def carousel_grads(trace: Trace, dh: Array) -> Any:
    """Return the weight gradient that the LSTM's first learning rule follows.

    A gradient passes from step to step along the direct path only; where it would enter a gate
    or a candidate and leave through the last hidden state, it is cut. A cell whose direct path is
    not a state beside h is a TypeError.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, Neural Computation 9 (1997), appendix A.
    """
    dh = _checked(trace, dh)
    cell: Any = trace.cell
    if not _has_carousel(cell):
        raise TypeError(
            "trace must be of a cell whose direct path is a state beside h, such as"
            f" lstm or coupled; {name_of(cell)} has none"
        )
    steps, dstates = [], {name: np.zeros_like(dh[0]) for name in cell.STATES}
    for t in reversed(range(len(dh))):
        cache, dstates["h"] = trace.caches[t], dh[t]
        da, _ = cell.step_vjp(trace.weights, cache, *dstates.values())
        total = cell.direct_total(cache, *dstates.values())
        dstates[cell.DIRECT] = total * cell.direct_factor(cache)
        steps.append(da)
    return cell.weight_grads(trace, np.stack(steps[::-1]))


def _checked(trace: Trace, dh: Array) -> Array:
    checks.instance("trace", trace, Trace)
    return checks.array("dh", dh, trace.h[1:].shape, dtype=trace.h.dtype)


def _has_carousel(cell: Cell) -> bool:
    return getattr(cell, "DIRECT", "h") != "h"


@dataclass(frozen=True, kw_only=True)
class TruncationBias(Experiment):
    """Cosines of the angle between a truncated gradient and the full one.

    ``cosines`` (S, N) has them by seed and window, ``carousel_cosines`` (S,) for the rule that cuts
    at the gates, NaN for cells to which `carousel_grads` does not apply.
    """

    windows: tuple[int, ...]
    cosines: Array
    carousel_cosines: Array


def truncation_bias(cell: Cell, *, windows: Sequence[int], **network: Any) -> TruncationBias:
    r"""Compare truncated gradients with the full one, for a loss that depends on the past.

    The loss reads the last state in a random direction, :math:`\mathcal{L} = v^\top h_T`, which
    each seed draws too.

    Parameters
    ----------
    cell : module
        ``rnn``, ``lstm``, ``gru``, ``coupled``, or a cell of your own.
    windows : sequence of int
        How many steps a gradient may pass.
    **network
        ``init``, ``D``, ``H``, ``T`` and ``seeds``, as in `gradient_flow`.

    References
    ----------
    Chapter ch318, figure ``fig-truncation``.
    """
    settings, traces = networks(cell, **network)
    cosines, carousel = [], []
    for seed, trace in zip(settings["seeds"], traces, strict=True):
        dh = np.zeros_like(trace.h[1:])
        dh[-1] = np.random.default_rng(seed).normal(size=trace.params.H)
        full = backward(trace, dh).params
        cosines.append([_cosine(window_grads(trace, dh, window), full) for window in windows])
        carousel.append(_cosine(carousel_grads(trace, dh), full) if _has_carousel(cell) else np.nan)
    return TruncationBias(
        **settings,
        windows=tuple(windows),
        cosines=np.array(cosines),
        carousel_cosines=np.array(carousel),
    )


def _cosine(*grads: Any) -> float:
    leaves = [map(np.ravel, tree.leaves(each).values()) for each in grads]
    u, v = (np.concatenate([*each]) for each in leaves)
    return float((u / norm(u)) @ (v / norm(v)))
