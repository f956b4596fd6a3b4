"""One sequence, step by step: what an LSTM does, and which way the gradient goes from there."""

from dataclasses import dataclass

import numpy as np

from lstm_lab import lstm
from lstm_lab.gradflow.paths import cell_jacobians, direct_path
from lstm_lab.numerics import Array
from lstm_lab.packing import apart


@dataclass(frozen=True)
class CellSteps:
    r"""The steps t = 1 ... T of an LSTM over one sequence.

    ``x`` (T, D) are the inputs; ``i``, ``f``, ``o``, ``g``, ``c`` and ``h`` (T, H) what becomes
    of them. For the gradient along the cell state,

    - ``direct`` (T,) is :math:`\lVert \operatorname{diag}(f_t) \rVert_2 = \max_j f_{t,j}`, the
      direct path from :math:`c_{t-1}` to :math:`c_t`;
    - ``around`` (T,) is :math:`\lVert A_t E_{t-1} \rVert_2`, the way round through the hidden
      state; zero at the first step, whose hidden state was not made from its cell state;
    - ``kept`` (T, H) is :math:`\prod_{s=t+1}^{T} f_s`, the direct path from :math:`c_t` to the
      end;
    - ``full`` (T,) is :math:`\lVert dc_T / dc_t \rVert_2`, along all paths.
    """

    x: Array
    i: Array
    f: Array
    o: Array
    g: Array
    c: Array
    h: Array
    direct: Array
    around: Array
    kept: Array
    full: Array


def cell_steps(params: lstm.Params, x: Array) -> CellSteps:
    """Run an LSTM over a sequence, and measure the gradient along its cell state at each step.

    Parameters
    ----------
    params : lstm.Params
        The weights.
    x : ndarray of shape (T, D)
        One sequence.

    Returns
    -------
    CellSteps
        The record.

    Raises
    ------
    TypeError, ValueError
        If `x` is no single sequence, or does not suit the parameters.

    References
    ----------
    Chapter ch318, equations ``eq-direct-step`` to ``eq-full-path``.
    """
    trace = lstm.forward(params, x)
    jacobians = list(cell_jacobians(params, trace))[::-1]  # from c_1, c_2, ...
    i, f, o, g = apart(trace.gates)
    around = [
        next(cell_jacobians(params, _until(trace, t))) - np.diag(f[t - 1])
        for t in range(2, len(f) + 1)
    ]
    return CellSteps(
        trace.x,
        *(i, f, o, g),
        trace.c[1:],
        trace.h[1:],
        direct=f.max(axis=-1),
        around=np.array([0.0, *map(_norm, around)]),
        kept=np.concatenate([direct_path(trace)[-2::-1], np.ones_like(f[:1])]),
        full=np.array([*map(_norm, jacobians), 1.0]),
    )


def _until(trace: lstm.Trace, t: int) -> lstm.Trace:
    """Return the trace of the first t steps."""
    x, h, c, gates = trace
    return lstm.Trace(x[:t], h[: t + 1], c[: t + 1], gates[:t])


def _norm(matrix: Array) -> float:
    return float(np.linalg.norm(matrix, ord=2))
