"""How much of a gradient arrives at each lag."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks
from lstm_lab.architecture import Architecture
from lstm_lab.gradflow.experiment import (
    SEEDS,
    draw_and_run,
    log10_root_mean_square,
    some_seeds,
)
from lstm_lab.jacobians import Cotangents, balance, pull_back
from lstm_lab.numerics import Array


@dataclass(frozen=True)
class GradientFlow:
    r"""How much of a gradient arrives at each lag, in one architecture.

    ``log10_norms`` (S, T + 1) holds, for each seed and each lag from 0 to T, the decimal
    logarithm of

    .. math:: \lVert \partial h_T / \partial s_{T-k} \rVert_F / \sqrt{H},

    with :math:`s = h`, or :math:`(h, c)` in the LSTM. Logarithms, so that no lag is too long.
    """

    architecture: str
    log10_norms: Array
    D: int
    H: int
    seeds: tuple[int, ...]

    @property
    def lags(self) -> NDArray[np.integer[Any]]:
        """The lags 0 ... T, in steps."""
        return np.arange(self.log10_norms.shape[1])

    @property
    def norms(self) -> Array:
        """The norms themselves (S, T + 1); zero or infinite where no float can hold them."""
        with np.errstate(over="ignore"):
            norms: Array = 10**self.log10_norms
        return norms

    @property
    def typical(self) -> Array:
        """The geometric mean over the seeds, at each lag (T + 1,)."""
        with np.errstate(over="ignore"):
            typical: Array = 10 ** self.log10_norms.mean(axis=0)
        return typical


def gradient_flow(
    arch: Architecture,
    *,
    D: int = 4,
    H: int = 32,
    T: int = 100,
    seeds: Sequence[int] = SEEDS,
    draw: Callable[..., Any] | None = None,
) -> GradientFlow:
    r"""Measure the gradient that a loss at step T sends back to every earlier state.

    The loss is :math:`v^\top h_T`. Its gradient with respect to the state k steps earlier
    is backpropagated for all H unit vectors v at once; the root-mean-square of the norms,
    which is the expected one for a random direction v, is recorded. Inputs are N(0, 1).

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    D, H, T : int
        Input size, hidden size, number of steps.
    seeds : sequence of int
        One network and one input sequence is drawn for each.
    draw : callable, optional
        Returns parameters from ``(D, H, rng=rng)``; ``arch.init`` where it is None.

    Returns
    -------
    GradientFlow
        Norms by seed and lag.

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer.

    References
    ----------
    Chapter ch318, figure ``fig-gradient-flow``.
    """
    T = checks.positive_int("T", T)
    seeds = some_seeds(seeds)
    log10_norms = np.empty((len(seeds), T + 1))
    for row, seed in zip(log10_norms, seeds, strict=True):
        params, trace = draw_and_run(arch, draw or arch.init, D, H, T, seed)
        pulled = pull_back(arch, params, trace, *_unit_losses(arch, H))
        for lag, cotangents in enumerate(pulled):
            row[lag] = log10_root_mean_square(cotangents.log10_norms())
    name = arch.__name__.rpartition(".")[-1]
    return GradientFlow(name, log10_norms, D, H, tuple(seeds))


def _unit_losses(arch: Architecture, H: int) -> tuple[Array, ...]:
    """Return the cotangents of h_T for the H losses that read one unit each."""
    return (np.eye(H), *(np.zeros((H, H)) for _ in arch.STATES[1:]))


@dataclass(frozen=True)
class GradientMap:
    r"""What a loss at every step sends back to every earlier state.

    Entry (t - 1, k) of ``log10_norms`` (T, T + 1) is the decimal logarithm of
    :math:`\lVert \partial h_t / \partial s_{t-k} \rVert_F / \sqrt{H}`, for the loss at
    step t and lag k; NaN where the lag is longer than t.
    """

    architecture: str
    log10_norms: Array


def gradient_map(arch: Architecture, params: Any, x: Array) -> GradientMap:
    """Measure the gradient from a loss at every step to every earlier state.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    params : Params
        The weights.
    x : ndarray of shape (T, D)
        One sequence.

    Returns
    -------
    GradientMap
        Norms by loss step and lag.

    Raises
    ------
    TypeError, ValueError
        If `x` is no single sequence, or does not suit the parameters.

    References
    ----------
    Chapter ch317, figure ``fig-gradient-map``.
    """
    trace = arch.forward(params, checks.array("x", x, ("T", "D")))
    T, H = len(trace.x), params.H
    log10_norms = np.full((T, T + 1), np.nan)
    unit = _unit_losses(arch, H)
    states = tuple(np.empty((0, H, H)) for _ in unit)
    pulled = Cotangents(states, np.empty((0, H), int))
    for t in reversed(range(T)):  # the losses of later steps are under way
        joined = (
            np.concatenate([new[None], under_way])
            for new, under_way in zip(unit, pulled.states, strict=True)
        )
        exponent = np.pad(pulled.exponent, ((1, 0), (0, 0)))
        pulled = Cotangents(tuple(joined), exponent)
        loss_steps = np.arange(t, T)
        log10_norms[loss_steps, loss_steps - t] = _rms(pulled)
        _, _, dstates = arch.step_vjp(params, trace, t, *pulled.states)
        pulled = balance(Cotangents(dstates, pulled.exponent))
    log10_norms[np.arange(T), np.arange(1, T + 1)] = _rms(pulled)
    return GradientMap(arch.__name__.rpartition(".")[-1], log10_norms)


def _rms(cotangents: Cotangents) -> Array:
    return log10_root_mean_square(cotangents.log10_norms())
