r"""The vanilla recurrent network: one tanh layer that reads its own last output.

.. math::

    a_t = W\,[x_t; h_{t-1}] + b, \qquad h_t = \tanh(a_t)

Sources: J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990);
chapter ch318, equation ``eq-rnn``.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from lstm_lab import packing
from lstm_lab.numerics import Array, tanh_vjp
from lstm_lab.packing import Packed, Weights

GATES = ("h",)
STATES = ("h",)


class Params(Packed):
    """The weights ``W`` (H, D + H), on the input and the last state, and biases ``b`` (H,)."""

    gates = GATES


class Cache(NamedTuple):
    """What `step` leaves for `step_vjp`: the new state (..., H)."""

    h: Array


def init(D: int, H: int, *, rng: np.random.Generator, dtype: DTypeLike = np.float64) -> Params:
    """Draw parameters: weights with variance 1 / (D + H), zero biases.

    Parameters
    ----------
    D, H : int
        Input and hidden size, at least 1.
    rng : numpy.random.Generator
        Source of the draws.
    dtype : dtype
        float64 or float32.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive integer, or `rng` not a generator.
    """
    return packing.draw(Params, D, H, rng, dtype)


def step(w: Weights, row: Array) -> tuple[tuple[Array], Cache]:
    """Return the state after one step.

    Parameters
    ----------
    w : Weights
        The parameters, laid out for products with rows.
    row : ndarray of shape (..., D + H + 1)
        ``[x_t, h_{t-1}, 1]``.

    Returns
    -------
    states : tuple of one ndarray of shape (..., H)
        ``h_t``.
    cache : Cache
        What `step_vjp` needs.
    """
    h = np.tanh(row @ w.blocks[0])
    return (h,), Cache(h)


def step_vjp(w: Weights, cache: Cache, dh: Array) -> tuple[Array, tuple[Array]]:
    r"""Pull the gradient of the state back through one step.

    .. math:: da_t = dh_t \odot (1 - h_t^2), \qquad dh_{t-1} = U^\top da_t

    Parameters
    ----------
    w, cache : Weights, Cache
        Those of the step.
    dh : ndarray of shape (..., H)
        Gradient with respect to ``h_t``; leading axes broadcast.

    Returns
    -------
    da : ndarray of shape (..., H)
        Gradient with respect to the pre-activations.
    dstates : tuple of one ndarray of shape (..., H)
        Gradient with respect to ``h_{t-1}``.
    """
    da = tanh_vjp(dh, cache.h)
    return da, (da @ w.U,)


weight_grads = packing.weight_grads  # da_t [x_t; h_{t-1}]^T, summed over t
