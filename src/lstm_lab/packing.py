"""The packed layout that all architectures share.

One matrix ``W`` (G * H, D + H) and one vector ``b`` (G * H,) hold the weights of G gates,
block under block; pre-activations (..., G * H) stand side by side on the last axis, and the
values of the gates (..., G, H) one under the other, in the same order.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from lstm_lab import checks
from lstm_lab.numerics import Array


def split(packed: Array, names: Sequence[str]) -> list[Array]:
    """Split the last axis into one equal block per name, as views.

    Parameters
    ----------
    packed : ndarray of shape (..., G * H)
        Blocks side by side, in the order of `names`.
    names : sequence of G str
        The packing order, such as ``lstm.GATES``.

    Returns
    -------
    list of G ndarrays of shape (..., H)
        Views into `packed`.
    """
    return np.split(packed, len(names), axis=-1)


def split_rows(packed: Array, names: Sequence[str]) -> list[Array]:
    """Split the first axis into one equal block per name, as views.

    Parameters
    ----------
    packed : ndarray of shape (G * H, ...)
        Weights or biases of the gates, stacked in the order of `names`.
    names : sequence of G str
        The packing order.

    Returns
    -------
    list of G ndarrays of shape (H, ...)
        Views into `packed`.
    """
    return np.split(packed, len(names), axis=0)


def apart(gates: Array) -> Array:
    """Return the gates one by one, as views: ``i, f, o, g = apart(trace.gates)``.

    Parameters
    ----------
    gates : ndarray of shape (..., G, H)
        Values of the gates, such as ``trace.gates``.

    Returns
    -------
    ndarray of shape (G, ..., H)
        A view.
    """
    *leading, G, H = range(gates.ndim)
    return gates.transpose(G, *leading, H)


def empty_like(gates: Array) -> Array:
    """Return an empty array for pre-activations of as many gates.

    Parameters
    ----------
    gates : ndarray of shape (..., G, H)
        Values of the gates.

    Returns
    -------
    ndarray of shape (..., G * H)
        Of the same dtype.
    """
    *leading, G, H = gates.shape
    return np.empty((*leading, G * H), gates.dtype)


def join(*blocks: Array) -> Array:
    """Return the blocks side by side on the last axis, the inverse of `split`.

    Parameters
    ----------
    *blocks : ndarrays of shape (..., H)
        The blocks, in packing order.

    Returns
    -------
    ndarray of shape (..., G * H)
        A new array.
    """
    return np.concatenate(blocks, axis=-1)


def draw(
    D: int,
    H: int,
    names: Sequence[str],
    rng: np.random.Generator,
    dtype: DTypeLike,
) -> tuple[Array, Array]:
    """Return weights drawn from N(0, 1 / (D + H)), as the book's listing does, and zero biases.

    Parameters
    ----------
    D, H : int
        Input and hidden size, at least 1.
    names : sequence of G str
        The packing order.
    rng : numpy.random.Generator
        Where the draws come from.
    dtype : dtype
        float64 or float32; the draws are made in float64.

    Returns
    -------
    W : ndarray of shape (G * H, D + H)
        Weights.
    b : ndarray of shape (G * H,)
        Biases.

    Raises
    ------
    TypeError
        If a size is no integer, `rng` no generator, or `dtype` another one.
    ValueError
        If a size is smaller than one.
    """
    D, H = checks.positive_int("D", D), checks.positive_int("H", H)
    dtype = checks.float_dtype("dtype", dtype)
    scale = 1.0 / np.sqrt(D + H)
    W = checks.generator(rng).normal(0, scale, (len(names) * H, D + H))
    return W.astype(dtype), np.zeros(len(names) * H, dtype)


def check(params: Any, kind: type, names: Sequence[str]) -> tuple[int, int]:
    """Return (D, H) of packed weights, or say what is wrong with them.

    Parameters
    ----------
    params : NamedTuple with ``W`` (G * H, D + H) and ``b`` (G * H,)
        What came.
    kind : type
        The architecture's ``Params``.
    names : sequence of G str
        The packing order.

    Returns
    -------
    D : int
        Input size.
    H : int
        Hidden size.

    Raises
    ------
    TypeError
        If `params` is of another type, or its arrays are not floats of one dtype.
    ValueError
        If the shapes do not belong together, or a parameter is NaN or infinite.
    """
    checks.instance("params", params, kind)
    gates = len(names)
    b = checks.array("params.b", params.b, (f"{gates}H" if gates > 1 else "H",))
    if b.size % gates:
        raise ValueError(f"params.b must have shape ({gates}H,); got {b.shape}")
    H = b.size // gates
    W = checks.array("params.W", params.W, (gates * H, "D + H"), dtype=b.dtype)
    checks.instance("params.b", params.b, np.ndarray)
    checks.instance("params.W", params.W, np.ndarray)
    D = W.shape[1] - H
    if D < 1:
        raise ValueError(
            f"params.W must have shape ({gates * H}, D + {H}) with D at least 1; got {W.shape}"
        )
    return D, H
