r"""The gated recurrent unit: one state, an update gate and a reset gate.

.. math::

    z_t &= \sigma(W_z\,[x_t; h_{t-1}] + b_z) \\
    r_t &= \sigma(W_r\,[x_t; h_{t-1}] + b_r) \\
    \tilde h_t &= \tanh(W_h\,[x_t; r_t \odot h_{t-1}] + b_h) \\
    h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot \tilde h_t

Here z *admits* the new state, as in Chung et al. (2014); in Cho et al. (2014), PyTorch, Keras and
ONNX it *keeps* the old one. The reset gate acts before the matrix product or, with a
``recurrent_bias``, after it as in PyTorch and Keras: :math:`r_t \odot (U_h h_{t-1} + b_{hh})`.

Sources: K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical
machine translation", EMNLP (2014); J. Chung et al., arXiv 1412.3555 (2014);
chapter ch318, equations ``eq-gru-gates`` and ``eq-gru-state``.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from lstm_lab import numerics, packing
from lstm_lab.numerics import Array, sigmoid, sigmoid_vjp, tanh_vjp
from lstm_lab.packing import Sizes, Weights, join, split_bias

GATES = ("z", "r", "h")
STATES = ("h",)
DIRECT = "h"
LAG_BIASES = {"z": -1}
Reset = Literal["before", "after"]


class _Arrays(NamedTuple):
    W: Array
    b: Array
    recurrent_bias: Array | None = None


class Params(Sizes, _Arrays):
    """``W`` (3H, D + H), ``b`` (3H,); ``recurrent_bias`` (H,) if the reset gate acts after."""

    gates = GATES

    @property
    def reset(self) -> Reset:
        """Where the reset gate acts: before or after the matrix product."""
        return "before" if self.recurrent_bias is None else "after"


class Cache(NamedTuple):
    """What `step` leaves for `step_vjp`: gates, states, and the row that the candidate read."""

    z: Array
    r: Array
    candidate: Array
    h_prev: Array
    m: Array  # what the reset gate multiplies
    read: Array  # (..., D + H + 1)


def init(
    D: int,
    H: int,
    *,
    rng: np.random.Generator,
    reset: Reset = "before",
    dtype: DTypeLike = np.float64,
) -> Params:
    """Draw parameters as `rnn.init` does; `reset` says where the reset gate acts."""
    if reset not in ("before", "after"):
        raise ValueError(f'reset must be "before" or "after", got {reset!r}')
    params = packing.draw(Params, D, H, rng, dtype)
    bias = np.zeros(H, params.b.dtype) if reset == "after" else None
    return params._replace(recurrent_bias=bias)


def step(w: Weights, row: Array) -> tuple[tuple[Array], Cache]:
    """Return the state ``(h_t,)`` after one step, called as `rnn.step`."""
    h_prev, after = packing.state(row, w.params.H), w.params.recurrent_bias
    z, r = sigmoid(row @ w.blocks[:2])
    W_h = w.blocks[2]
    if after is None:
        m = h_prev
        read = packing.with_state(row, r * m)
        a_h = read @ W_h
    else:
        m = h_prev @ W_h[w.params.D : -1] + after
        read = packing.with_state(row, np.zeros_like(m))  # h_{t-1} is in m
        a_h = read @ W_h + r * m
    candidate = np.tanh(a_h)
    h = (1 - z) * h_prev + z * candidate
    return (h,), Cache(z, r, candidate, h_prev, m, read)


def step_vjp(w: Weights, cache: Cache, dh: Array) -> tuple[Array, tuple[Array]]:
    r"""Pull the gradient of the state back through one step, called as `rnn.step_vjp`.

    .. math::

        da^z_t &= dh_t \odot (\tilde h_t - h_{t-1}) \odot z_t (1 - z_t) \\
        da^h_t &= dh_t \odot z_t \odot (1 - \tilde h_t^2) \\
        da^r_t &= d(r_t \odot m) \odot m \odot r_t (1 - r_t) \\
        dh_{t-1} &= dh_t \odot (1 - z_t) + r_t \odot U_h^\top da^h_t \\
        &\quad + U_{zr}^\top da^{zr}_t

    Here m is :math:`h_{t-1}`, and :math:`d(r_t \odot m) = U_h^\top da^h_t`. If the reset gate acts
    after the product, m is :math:`U_h h_{t-1} + b_{hh}`, :math:`d(r_t \odot m) = da^h_t`, and the
    second term of :math:`dh_{t-1}` is :math:`U_h^\top (r_t \odot da^h_t)`.
    """
    z, r, candidate, h_prev, m, _ = cache
    H = w.params.H
    U_zr, U_h = w.U[:-H], w.U[-H:]
    da_z = sigmoid_vjp(dh * (candidate - h_prev), z)
    da_h = tanh_vjp(dh * z, candidate)
    if w.params.recurrent_bias is None:
        drm: Array = da_h @ U_h
        dh_prev = drm * r
    else:
        drm = da_h
        dh_prev = (drm * r) @ U_h
    da_zr = join(da_z, sigmoid_vjp(drm * m, r))
    dh_prev = dh_prev + dh * (1 - z) + da_zr @ U_zr
    return join(da_zr, da_h), (dh_prev,)


def direct_factor(cache: Cache) -> Array:
    r"""Return what the direct path multiplies the state by, :math:`1 - z_t`."""
    return 1 - cache.z


def direct_total(_cache: Cache, dh: Array) -> Array:
    """Return the whole gradient of the state: there is no other path."""
    return dh


def weight_grads(trace: Any, da: Array) -> Params:
    """Return the gradient of the parameters; the candidate reads other rows than the gates."""
    params, rows = trace.params, trace.rows[:-1]
    da_zr, da_h = np.split(da, [-params.H], axis=-1)
    read = np.stack([cache.read for cache in trace.caches])
    dW, db = split_bias(
        np.vstack([numerics.outer_sum(da_zr, rows), numerics.outer_sum(da_h, read)])
    )
    if params.recurrent_bias is None:
        return Params(dW, db)
    da_m = da_h * trace.gates["r"]
    dW[-params.H :, params.D :] = numerics.outer_sum(da_m, trace.h[:-1])
    return Params(dW, db, numerics.axis_sum(da_m))
