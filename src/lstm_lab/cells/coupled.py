r"""An LSTM whose input gate is coupled to its forget gate: what is forgotten is replaced.

.. math::

    a_t &= W\,[x_t; h_{t-1}] + b = [a^f_t; a^o_t; a^g_t] \\
    f_t, o_t &= \sigma(a^f_t), \sigma(a^o_t), \qquad g_t = \tanh(a^g_t) \\
    c_t &= f_t \odot c_{t-1} + (1 - f_t) \odot g_t \\
    h_t &= o_t \odot \tanh(c_t)

Source: K. Greff et al., "LSTM: a search space odyssey", IEEE Transactions on Neural Networks and
Learning Systems 28 (2017), there the variant CIFG; chapter ch318, equation ``eq-coupled``.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from lstm_lab import packing
from lstm_lab.numerics import Array, sigmoid, sigmoid_vjp, tanh_vjp
from lstm_lab.packing import Packed, Weights, by_gate, join

GATES = ("f", "o", "g")
STATES = ("h", "c")
DIRECT = "c"
LAG_BIASES = {"f": 1}
States = tuple[Array, Array]


class Params(Packed):
    """The weights ``W`` (3H, D + H) and biases ``b`` (3H,), packed in the order of `GATES`."""

    gates = GATES


class Cache(NamedTuple):
    """What `step` leaves for `step_vjp`: gates and cell states, each (..., H)."""

    f: Array
    o: Array
    g: Array
    c_prev: Array
    tanh_c: Array


def init(D: int, H: int, *, rng: np.random.Generator, dtype: DTypeLike = np.float64) -> Params:
    """Draw parameters as `rnn.init` does, except for the forget gate's biases of one."""
    params = packing.draw(Params, D, H, rng, dtype)
    by_gate(params.b, GATES)["f"][:] = 1
    return params


def step(w: Weights, row: Array, c_prev: Array) -> tuple[States, Cache]:
    """Return the states ``(h_t, c_t)`` after one step, called as `lstm.step`."""
    a = row @ w.blocks
    f, o = sigmoid(a[:2])
    g = np.tanh(a[2])
    c = f * c_prev + (1 - f) * g
    tanh_c = np.tanh(c)
    h = o * tanh_c
    return (h, c), Cache(f, o, g, c_prev, tanh_c)


def step_vjp(w: Weights, cache: Cache, dh: Array, dc: Array) -> tuple[Array, States]:
    r"""Pull the gradients of the states back through one step, called as `lstm.step_vjp`.

    .. math::

        d\bar c_t &= dc_t + dh_t \odot o_t \odot (1 - \tanh^2 c_t) \\
        da^f_t &= d\bar c_t \odot (c_{t-1} - g_t) \odot f_t (1 - f_t) \\
        da^o_t &= dh_t \odot \tanh(c_t) \odot o_t (1 - o_t) \\
        da^g_t &= d\bar c_t \odot (1 - f_t) \odot (1 - g_t^2) \\
        dh_{t-1} &= U^\top da_t, \qquad dc_{t-1} = d\bar c_t \odot f_t
    """
    f, o, g, c_prev, tanh_c = cache
    dc_total = direct_total(cache, dh, dc)
    da = join(
        sigmoid_vjp(dc_total * (c_prev - g), f),
        sigmoid_vjp(dh * tanh_c, o),
        tanh_vjp(dc_total * (1 - f), g),
    )
    return da, (da @ w.U, dc_total * f)


def direct_factor(cache: Cache) -> Array:
    r"""Return what the direct path multiplies the cell state by, :math:`f_t`."""
    return cache.f


def direct_total(cache: Cache, dh: Array, dc: Array) -> Array:
    r"""Return :math:`d\bar c_t`, the gradient of the cell state with that through ``h_t``."""
    return dc + tanh_vjp(dh * cache.o, cache.tanh_c)


weight_grads = packing.weight_grads  # da_t [x_t; h_{t-1}]^T, summed over t
