"""Which way the gradient of an LSTM takes: along the cell state, or round through the gates."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks, lstm
from lstm_lab.gradflow.experiment import (
    SEEDS,
    draw_and_run,
    geometric_mean,
    some_seeds,
)
from lstm_lab.jacobians import pull_back, step_jacobians
from lstm_lab.numerics import Array
from lstm_lab.packing import apart


def direct_path(trace: lstm.Trace) -> Array:
    r"""Return the products of forget gates that lead from each step to the last.

    .. math:: \prod_{s=t+1}^{T} f_s \qquad (t = T - 1, \ldots, 0)

    Parameters
    ----------
    trace : lstm.Trace
        Of a forward pass over x of shape (T, D) or (T, B, D).

    Returns
    -------
    ndarray of shape (T, H) or (T, B, H)
        Row k - 1 is the product over the last k steps.

    Raises
    ------
    TypeError
        If `trace` is none of an LSTM.

    References
    ----------
    Chapter ch318, equation ``eq-direct-path``.
    """
    checks.instance("trace", trace, lstm.Trace)
    _, f, _, _ = apart(trace.gates)
    return np.cumprod(f[::-1], axis=0)


def cell_jacobians(params: lstm.Params, trace: lstm.Trace) -> Iterator[Array]:
    r"""Yield :math:`dc_T / dc_t` along all paths, for t = T - 1, ..., 1.

    The total derivative follows the cell state and also everything that the hidden state
    of step t hands to the gates of step t + 1.

    Parameters
    ----------
    params : lstm.Params
        The weights of the forward pass.
    trace : lstm.Trace
        Of a forward pass over x of shape (T, D).

    Yields
    ------
    ndarray of shape (H, H)
        Row j is the gradient of entry j of :math:`c_T`.

    Raises
    ------
    TypeError, ValueError
        If `params` or `trace` is not of an LSTM, or of a batch.

    References
    ----------
    Chapter ch318, equations ``eq-full-step`` and ``eq-full-path``.
    """
    checks.instance("trace", trace, lstm.Trace)
    checks.instance("params", params, lstm.Params)
    checks.array("trace.x", trace.x, ("T", "D"))
    H = params.H
    pulled = pull_back(lstm, params, trace, np.zeros((H, H)), np.eye(H))
    next(pulled)  # lag 0
    steps = reversed(range(1, len(trace.x)))
    for t, cotangents in zip(steps, pulled, strict=False):
        dh, dc = cotangents.values()
        yield lstm.cell_total(dh, dc, trace.gates[t - 1], trace.c[t])


def one_step_jacobians(params: lstm.Params, trace: lstm.Trace) -> Array:
    r"""Return :math:`dc_t / dc_{t-1}` along all paths, for each step t = 2, ..., T.

    .. math:: \frac{d c_t}{d c_{t-1}} = \operatorname{diag}(f_t) + A_t E_{t-1}

    Their product is not :math:`dc_T / dc_1`, which `cell_jacobians` yields: it lacks the paths
    through the output gate to the next hidden state.

    Parameters
    ----------
    params : lstm.Params
        The weights of the forward pass.
    trace : lstm.Trace
        Of a forward pass over x of shape (T, D).

    Returns
    -------
    ndarray of shape (T - 1, H, H)
        Row j of a matrix is the gradient of entry j of :math:`c_t`.

    Raises
    ------
    TypeError, ValueError
        If `trace` is none of an LSTM, or of a batch.

    References
    ----------
    Chapter ch318, equation ``eq-full-step``.
    """
    checks.instance("trace", trace, lstm.Trace)
    H = params.H
    to_c = step_jacobians(lstm, params, trace)[1:, H:]
    _, _, o, _ = apart(trace.gates[:-1])
    shown = o * (1 - np.tanh(trace.c[1:-1]) ** 2)
    round_through_h = to_c[:, :, :H] * shown[:, np.newaxis]
    jacobians: Array = to_c[:, :, H:] + round_through_h
    return jacobians


@dataclass(frozen=True)
class CellPaths:
    r"""The gradient along the cell state of LSTMs: the direct path beside the whole.

    For N ways to start, S seeds and the lags 1 ... T - 1,

    - ``direct`` (N, S, T - 1) is :math:`\max_j \prod_s f_{s,j}`, the largest entry of the
      product of forget gates. That product, as a diagonal matrix, is
      :math:`\partial c_T / \partial c_t` with every gate held fixed, and its largest entry
      is the spectral norm;
    - ``full`` (N, S, T - 1) is the spectral norm :math:`\lVert dc_T / dc_t \rVert_2`, along
      all paths.
    """

    names: tuple[str, ...]
    direct: Array
    full: Array
    D: int
    H: int
    seeds: tuple[int, ...]

    @property
    def lags(self) -> NDArray[np.integer[Any]]:
        """The lags 1 ... T - 1, in steps."""
        return np.arange(1, self.direct.shape[-1] + 1)

    @property
    def typical_direct(self) -> Array:
        """The geometric mean of ``direct`` over the seeds (N, T - 1)."""
        return geometric_mean(self.direct.swapaxes(0, 1))

    @property
    def typical_full(self) -> Array:
        """The geometric mean of ``full`` over the seeds (N, T - 1)."""
        return geometric_mean(self.full.swapaxes(0, 1))


def cell_paths(
    starts: Mapping[str, Callable[..., lstm.Params]],
    *,
    D: int = 4,
    H: int = 32,
    T: int = 100,
    seeds: Sequence[int] = SEEDS,
) -> CellPaths:
    r"""Measure the direct path of the cell state beside the full Jacobian, at every lag.

    Inputs are N(0, 1); every way to start is given the same draws.

    Parameters
    ----------
    starts : mapping of str to callable
        Names, and functions that return parameters from ``(D, H, rng=rng)``, such as
        `initialization.start` gives.
    D, H, T : int
        Input size, hidden size, number of steps (at least 2).
    seeds : sequence of int
        One network and one input sequence is drawn for each.

    Returns
    -------
    CellPaths
        Norms by way to start, seed and lag.

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer.

    References
    ----------
    Chapter ch318, section "How much the product leaves out".
    """
    if checks.positive_int("T", T) < 2:
        raise ValueError(f"T must be at least 2 steps, for a lag of 1, got {T}")
    seeds = some_seeds(seeds)
    direct, full = np.empty((2, len(starts), len(seeds), T - 1))
    for n, draw in enumerate(starts.values()):
        for s, seed in enumerate(seeds):
            params, trace = draw_and_run(lstm, draw, D, H, T, seed)
            jacobians = cell_jacobians(params, trace)
            direct[n, s] = direct_path(trace)[:-1].max(axis=-1)
            full[n, s] = [np.linalg.norm(J, ord=2) for J in jacobians]
    return CellPaths(tuple(starts), direct, full, D, H, tuple(seeds))
