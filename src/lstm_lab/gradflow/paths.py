"""Which way a gradient takes: along a cell's direct path, or round through the gates.

On the direct path a state is only multiplied by a gate. In an LSTM it is the cell state c, and
the factor is the forget gate f; in a GRU it is the hidden state, and the factor is 1 - z. The
docstrings call them c and f in any cell. A cell without a direct path is a TypeError.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks
from lstm_lab.gradflow.experiment import Experiment, geometric_mean, networks, unit_cotangents
from lstm_lab.jacobians import one_sequence, pull_back
from lstm_lab.numerics import Array
from lstm_lab.sequence import Cell, Trace, name_of


def direct_path(trace: Trace) -> Array:
    r"""Return the products of gates along the direct path from each step to the last.

    .. math:: \prod_{s=t+1}^{T} f_s \qquad (t = T - 1, \ldots, 0)

    Row k - 1 of the result (T, H) or (T, B, H) is the product over the last k steps.

    References
    ----------
    Chapter ch318, equation ``eq-direct-path``.
    """
    return np.cumprod(_factors(trace)[::-1], axis=0)


def _factors(trace: Trace) -> Array:
    """Return the factor of every step on the direct path (T, ..., H)."""
    cell = _cell(trace)
    return np.stack([cell.direct_factor(cache) for cache in trace.caches])


def _cell(trace: Trace) -> Any:
    """Return the trace's cell, or say that it has no direct path."""
    checks.instance("trace", trace, Trace)
    if not hasattr(trace.cell, "DIRECT"):
        raise TypeError(
            "trace must be of a cell with a direct path, such as lstm or gru;"
            f" {name_of(trace.cell)} has none (no DIRECT)"
        )
    return trace.cell


def cell_jacobians(trace: Trace) -> Array:
    r"""Return :math:`dc_T / dc_t` along all paths, for t = T - 1, ..., 1.

    The total derivative follows the direct path and also everything that passes from the hidden
    state of step t to the gates of step t + 1. The result is (T - 1, H, H), one matrix for each lag
    1, ..., T - 1 in one sequence; row j is the gradient of entry j of :math:`c_T`.

    References
    ----------
    Chapter ch318, equations ``eq-full-step`` and ``eq-full-path``.
    """
    cell, H = _cell(trace), trace.params.H
    one_sequence(trace)
    unit = unit_cotangents(trace, cell.DIRECT)
    _, *pulled, _ = pull_back(trace, *unit)
    totals = [
        cell.direct_total(cache, *cotangents.values())
        for cache, cotangents in zip(trace.caches[-2::-1], pulled, strict=True)
    ]
    return np.reshape(totals, (-1, H, H))


def one_step_jacobians(trace: Trace) -> Array:
    r"""Return :math:`dc_t / dc_{t-1}` along all paths, for each step t = 2, ..., T.

    .. math:: \frac{d c_t}{d c_{t-1}} = \operatorname{diag}(f_t) + A_t E_{t-1}

    In an LSTM their product is not :math:`dc_T / dc_1`, the last of `cell_jacobians`: it lacks
    the paths through the output gate to the next hidden state. The matrices (T - 1, H, H) of one
    sequence are in the order of time.

    References
    ----------
    Chapter ch318, equation ``eq-full-step``.
    """
    cell, H = _cell(trace), trace.params.H
    one_sequence(trace)
    unit = unit_cotangents(trace, cell.DIRECT)
    pulled = [cell.step_vjp(trace.weights, cache, *unit) for cache in trace.caches[1:]]
    steps = zip(trace.caches[:-1], pulled, strict=True)
    totals = [cell.direct_total(cache, *dstates) for cache, (_, dstates) in steps]
    return np.reshape(totals, (-1, H, H))


@dataclass(frozen=True, kw_only=True)
class CellPaths(Experiment):
    r"""The gradient along the cell state: the direct path beside the whole.

    For S seeds and the lags 1 ... T - 1,

    - ``direct`` (S, T - 1) is :math:`\max_j \prod_s f_{s,j}`, the largest entry of the product of
      forget gates. That product, as a diagonal matrix, is :math:`\partial c_T / \partial c_t`
      with every gate held fixed, and its largest entry is the spectral norm;
    - ``full`` (S, T - 1) is the spectral norm :math:`\lVert dc_T / dc_t \rVert_2`, along all
      paths.
    """

    direct: Array
    full: Array

    @property
    def lags(self) -> NDArray[np.integer[Any]]:
        """The lags 1 ... T - 1, in steps."""
        return np.arange(1, self.direct.shape[1] + 1)

    @property
    def typical_direct(self) -> Array:
        """The geometric mean of ``direct`` over the seeds (T - 1,)."""
        return geometric_mean(self.direct)

    @property
    def typical_full(self) -> Array:
        """The geometric mean of ``full`` over the seeds (T - 1,)."""
        return geometric_mean(self.full)


def cell_paths(cell: Cell, **network: Any) -> CellPaths:
    """Measure the direct path of the cell state beside the full Jacobian, at every lag.

    Parameters
    ----------
    cell : module
        A cell with a direct path, such as ``lstm``.
    **network
        ``init``, ``D``, ``H``, ``T`` (at least 2) and ``seeds``, as in `gradient_flow`.

    References
    ----------
    Chapter ch318, section "How much the product leaves out".
    """
    settings, traces = networks(cell, **network)
    if settings["T"] < 2:
        raise ValueError("T must be at least 2 steps, for a lag of 1, got 1")
    direct, full = [], []
    for trace in traces:
        direct.append(direct_path(trace)[:-1].max(axis=-1))
        full.append(np.linalg.norm(cell_jacobians(trace), ord=2, axis=(1, 2)))
    return CellPaths(**settings, direct=np.array(direct), full=np.array(full))


@dataclass(frozen=True, kw_only=True)
class CellSteps:
    r"""The steps t = 1 ... T of a cell over one sequence.

    ``x`` (T, D) are the inputs; ``gates`` and ``states`` hold, under their names, the values
    (T, H) of each step; ``direct_state`` names the state on the direct path. For its gradient,

    - ``factors`` (T, H) are :math:`f_t`, what the direct path multiplies it by;
    - ``around`` (T,) is :math:`\lVert A_t E_{t-1} \rVert_2`, the way round through the hidden
      state; zero at the first step, whose hidden state was not made from its cell state;
    - ``kept`` (T, H) is :math:`\prod_{s=t+1}^{T} f_s`, the direct path from :math:`c_t` to the
      end;
    - ``full`` (T,) is :math:`\lVert dc_T / dc_t \rVert_2`, along all paths.
    """

    x: Array
    gates: dict[str, Array]
    states: dict[str, Array]
    direct_state: str
    factors: Array
    around: Array
    kept: Array
    full: Array

    @property
    def direct(self) -> Array:
        r"""The norm :math:`\lVert \operatorname{diag}(f_t) \rVert_2 = \max_j f_{t,j}` (T,)."""
        largest: Array = self.factors.max(axis=-1)
        return largest


def cell_steps(trace: Trace) -> CellSteps:
    """Measure the gradient along the cell state at each step of one sequence.

    References
    ----------
    Chapter ch318, equations ``eq-direct-step`` to ``eq-full-path``.
    """
    f = _factors(trace)
    direct = f[1:, :, np.newaxis] * np.eye(f.shape[-1])
    around = np.linalg.norm(one_step_jacobians(trace) - direct, ord=2, axis=(1, 2))
    full = np.linalg.norm(cell_jacobians(trace), ord=2, axis=(1, 2))
    return CellSteps(
        x=trace.x,
        gates=trace.gates,
        states={name: state[1:] for name, state in trace.states.items()},
        direct_state=_cell(trace).DIRECT,
        factors=f,
        around=np.array([0.0, *around]),
        kept=np.array([*direct_path(trace)[-2::-1], np.ones_like(f[0])]),
        full=np.array([*full[::-1], 1.0]),
    )
