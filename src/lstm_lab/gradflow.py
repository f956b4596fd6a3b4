"""Where a gradient goes: exact measurements on the recurrent architectures.

Every experiment returns a frozen record of arrays with the configuration and the seeds that
made them; it prints nothing and draws nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks, lstm
from lstm_lab.architecture import Architecture
from lstm_lab.numerics import Array, sigmoid
from lstm_lab.packing import split

SEEDS = tuple(range(10))


def pull_back(
    arch: Architecture, params: Any, trace: Any, *dstates_T: Array
) -> Iterator[tuple[Array, ...]]:
    """Yield the cotangents of the states at T, T - 1, ..., 0.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm`` or ``gru``.
    params : Params
        The weights of the forward pass.
    trace : Trace
        Of a forward pass over x of shape (T, D), or (T, B, D).
    *dstates_T : ndarrays of shape (..., H)
        Cotangents of the last states, one for each of ``arch.STATES``; leading axes
        broadcast, so that many cotangents are pulled back at once.

    Yields
    ------
    tuple of ndarrays of shape (..., H)
        Cotangents of the states, T + 1 tuples in all, from lag 0 to lag T.
    """
    yield dstates_T
    for t in reversed(range(len(trace.x))):
        _, _, dstates_T = arch.step_vjp(params, trace, t, *dstates_T)
        yield dstates_T


@dataclass(frozen=True)
class GateActivations:
    """How open the gates of an LSTM are, and how large its cell state is, step by step.

    ``i``, ``f``, ``o`` (T,) are means over the units, ``cell_norm`` (T,) is the Euclidean
    norm of the cell state after the step.
    """

    i: Array
    f: Array
    o: Array
    cell_norm: Array


def gate_activations(trace: lstm.Trace) -> GateActivations:
    """Return the mean gates and the norm of the cell state at every step.

    Parameters
    ----------
    trace : lstm.Trace
        Of a forward pass over one sequence, x of shape (T, D).

    Returns
    -------
    GateActivations
        Arrays of shape (T,).

    Raises
    ------
    TypeError, ValueError
        If `trace` is none of an LSTM, or of a batch.
    """
    checks.instance("trace", trace, lstm.Trace)
    checks.array("trace.x", trace.x, ("T", "D"))
    i, f, o, _ = (gate.mean(axis=-1) for gate in split(trace.gates, lstm.GATES))
    return GateActivations(i, f, o, np.linalg.norm(trace.c[1:], axis=-1))


@dataclass(frozen=True)
class GradientFlow:
    r"""How much of a gradient arrives at each lag, in one architecture.

    ``norms`` (S, T + 1) holds, for each seed and each lag from 0 to T,

    .. math:: \lVert \partial h_T / \partial s_{T-k} \rVert_F / \sqrt{H},

    with :math:`s = h`, or :math:`(h, c)` in the LSTM.
    """

    architecture: str
    norms: Array
    D: int
    H: int
    seeds: tuple[int, ...]

    @property
    def lags(self) -> NDArray[np.integer[Any]]:
        """The lags 0 ... T, in steps."""
        return np.arange(self.norms.shape[1])

    @property
    def typical(self) -> Array:
        """The geometric mean over the seeds, at each lag (T + 1,)."""
        return geometric_mean(self.norms)


def geometric_mean(values: Array) -> Array:
    """Return the geometric mean over the first axis; zero where a value is zero.

    Parameters
    ----------
    values : ndarray of shape (S, ...)
        Non-negative numbers.

    Returns
    -------
    ndarray of shape (...)
        The mean of each column.
    """
    with np.errstate(divide="ignore"):
        mean: Array = np.exp(np.log(values).mean(axis=0))
    return mean


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
        ``rnn``, ``lstm`` or ``gru``.
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
    norms = np.empty((len(seeds), T + 1))
    for row, seed in zip(norms, seeds, strict=True):
        params, trace = _draw_and_run(arch, draw or arch.init, D, H, T, seed)
        others = [np.zeros((H, H)) for _ in arch.STATES[1:]]
        for lag, dstates in enumerate(
            pull_back(arch, params, trace, np.eye(H), *others)
        ):
            row[lag] = np.sqrt(sum(np.sum(d * d) for d in dstates) / H)
    return GradientFlow(
        arch.__name__.rpartition(".")[-1], norms, D, H, tuple(seeds)
    )


def _draw_and_run(
    arch: Architecture,
    draw: Callable[..., Any],
    D: int,
    H: int,
    T: int,
    seed: int,
) -> tuple[Any, Any]:
    weights_rng, input_rng = np.random.default_rng(seed).spawn(2)
    params = draw(D, H, rng=weights_rng)
    return params, arch.forward(params, input_rng.normal(size=(T, D)))


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

    References
    ----------
    Chapter ch318, equation ``eq-direct-path``.
    """
    _, f, _, _ = split(trace.gates, lstm.GATES)
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

    References
    ----------
    Chapter ch318, equations ``eq-full-step`` and ``eq-full-path``.
    """
    H = params.H
    states = pull_back(lstm, params, trace, np.zeros((H, H)), np.eye(H))
    next(states)  # lag 0
    for t, (dh, dc) in zip(
        reversed(range(1, len(trace.x))), states, strict=False
    ):
        yield lstm.cell_total(dh, dc, trace.gates[t - 1], trace.c[t])


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
    direct, full = np.empty((2, len(starts), len(seeds), T - 1))
    for n, draw in enumerate(starts.values()):
        for s, seed in enumerate(seeds):
            params, trace = _draw_and_run(lstm, draw, D, H, T, seed)
            jacobians = cell_jacobians(params, trace)
            direct[n, s] = direct_path(trace)[:-1].max(axis=-1)
            full[n, s] = [np.linalg.norm(J, ord=2) for J in jacobians]
    return CellPaths(tuple(starts), direct, full, D, H, tuple(seeds))


def time_constant(forget_bias: float) -> float:
    r"""Return the steps after which a cell that only forgets has decayed to 1 / e.

    .. math:: \tau = -1 / \ln \sigma(b_f)

    Parameters
    ----------
    forget_bias : float
        Bias of a forget gate that nothing else moves.

    Returns
    -------
    float
        Steps.

    Raises
    ------
    TypeError, ValueError
        If `forget_bias` is not a finite number.

    References
    ----------
    Chapter ch318, equation ``eq-time-constant``.
    """
    bias = np.array(checks.finite_number("forget_bias", forget_bias))
    return float(-1 / np.log(sigmoid(bias)))
