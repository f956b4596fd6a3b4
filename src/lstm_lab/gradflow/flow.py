"""How much of a gradient arrives at each lag."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_lab.gradflow.experiment import Experiment, networks, unit_cotangents
from lstm_lab.jacobians import Cotangents, one_sequence, pull_back
from lstm_lab.numerics import Array
from lstm_lab.sequence import Cell, Trace, name_of


@dataclass(frozen=True, kw_only=True)
class GradientFlow(Experiment):
    r"""How much of a gradient arrives at each lag, in networks of one cell.

    ``log10_norms`` (S, T + 1) holds, for each seed and each lag k from 0 to T, the decimal
    logarithm of :math:`\lVert \partial h_T / \partial s_{T-k} \rVert_F / \sqrt{H}`, where s
    consists of all states of the cell.
    """

    log10_norms: Array

    @property
    def lags(self) -> NDArray[np.integer[Any]]:
        """The lags 0 ... T, in steps."""
        return np.arange(self.log10_norms.shape[1])

    @property
    def norms(self) -> Array:
        """The norms themselves (S, T + 1); zero or infinite where no float can hold them."""
        return _power_of_ten(self.log10_norms)

    @property
    def typical(self) -> Array:
        """The geometric mean over the seeds, at each lag (T + 1,)."""
        return _power_of_ten(self.log10_norms.mean(axis=0))


def _power_of_ten(exponents: Array) -> Array:
    with np.errstate(over="ignore"):
        powers: Array = 10**exponents
    return powers


def gradient_flow(cell: Cell, **network: Any) -> GradientFlow:
    r"""Measure the gradient that a loss at step T sends back to every earlier state.

    The loss is :math:`v^\top h_T`, with all H unit vectors v at once. The record holds the
    root-mean-square of the norms, which is that for a random direction v.

    Parameters
    ----------
    cell : module
        ``rnn``, ``lstm``, ``gru``, ``coupled``, or a cell of your own.
    **network
        ``init``, ``D``, ``H`` and ``T`` as in `draw_and_run`, and ``seeds``, by default 0 to 9.

    References
    ----------
    Chapter ch318, figure ``fig-gradient-flow``.
    """
    settings, traces = networks(cell, **network)
    log10_norms = []
    for trace in traces:
        pulled = pull_back(trace, *unit_cotangents(trace, "h"))
        log10_norms.append([log10_rms(cotangents) for cotangents in pulled])
    return GradientFlow(**settings, log10_norms=np.array(log10_norms))


@dataclass(frozen=True, kw_only=True)
class GradientMap:
    r"""What a loss at every step sends back to every earlier state.

    Entry (t - 1, k) of ``log10_norms`` (T, T + 1) is the decimal logarithm of
    :math:`\lVert \partial h_t / \partial s_{t-k} \rVert_F / \sqrt{H}`, for the loss at step t and
    lag k; NaN where the lag is longer than t. ``cell`` is the cell's name.
    """

    cell: str
    log10_norms: Array


def gradient_map(trace: Trace) -> GradientMap:
    """Measure the gradient from a loss at every step of one sequence to every earlier state.

    References
    ----------
    Chapter ch317, figure ``fig-gradient-map``.
    """
    one_sequence(trace)
    T, H = len(trace.x), trace.params.H
    log10_norms = np.full((T, T + 1), np.nan)
    states = tuple(np.zeros((T, H, H)) for _ in trace.cell.STATES)
    pulled = Cotangents(states, np.zeros((T, H), int))
    for t in reversed(range(T)):
        pulled.states[0][t] = np.eye(H)  # later losses are on their way
        losses = np.arange(t, T)
        log10_norms[losses, losses - t] = log10_rms(pulled)[t:]
        pulled = pulled.before(trace, t)
    log10_norms[np.arange(T), np.arange(1, T + 1)] = log10_rms(pulled)
    return GradientMap(cell=name_of(trace.cell), log10_norms=log10_norms)


def log10_rms(cotangents: Cotangents) -> Array:
    """Return the decimal logarithm of the root-mean-square of norms, over the last axis."""
    logs = cotangents.log10_norms()
    largest = logs.max(axis=-1)
    scale = np.where(np.isfinite(largest), largest, 0)
    squares = 10 ** (2 * (logs - scale[..., None]))
    with np.errstate(divide="ignore"):
        mean: Array = scale + 0.5 * np.log10(squares.mean(axis=-1))
    return mean
