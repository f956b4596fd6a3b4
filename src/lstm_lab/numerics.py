"""Element-wise functions and small array helpers that every architecture uses.

Mathematics acts on the last axis, and the dtype that comes in goes out.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


def sigmoid(a: Array) -> Array:
    r"""Return the logistic sigmoid of `a`, silent for every value.

    .. math:: \sigma(a) = \frac{1}{1 + e^{-a}} = \tfrac{1}{2} \tanh(a / 2) + \tfrac{1}{2}

    It is computed as a tanh, here and in the loops over whole sequences, so that one call of
    ``np.tanh`` opens all gates of a step. The absolute error is at most one rounding of 1, but
    in the left tail the relative error grows: the result is exactly 0 below about -20 in
    float32, where the sigmoid is 2e-9, and below about -38 in float64, where it is 3e-17.

    Parameters
    ----------
    a : ndarray
        Pre-activations, float32 or float64.

    Returns
    -------
    ndarray
        Values in [0, 1], of the shape and dtype of `a`.
    """
    with np.errstate(under="ignore"):
        gate: Array = np.tanh(0.5 * a) * 0.5 + 0.5
    return gate


def sigmoid_vjp(dgate: Array, gate: Array, out: Array | None = None) -> Array:
    r"""Pull the cotangent of a gate back to its pre-activation.

    .. math:: \sigma'(a) = \sigma(a)\,(1 - \sigma(a))

    Parameters
    ----------
    dgate : ndarray
        Gradient of the loss with respect to the gate.
    gate : ndarray
        The gate's value, ``sigmoid(a)``.
    out : ndarray, optional
        Where to write the result.

    Returns
    -------
    ndarray
        Gradient of the loss with respect to the pre-activation.
    """
    return np.multiply(dgate * gate, 1 - gate, out=out)


def tanh_vjp(dy: Array, y: Array, out: Array | None = None) -> Array:
    r"""Pull the cotangent of ``y = tanh(a)`` back to `a`.

    .. math:: \tanh'(a) = 1 - \tanh^2(a) \in (0, 1]

    Parameters
    ----------
    dy : ndarray
        Gradient of the loss with respect to `y`.
    y : ndarray
        The value ``tanh(a)``.
    out : ndarray, optional
        Where to write the result.

    Returns
    -------
    ndarray
        Gradient of the loss with respect to `a`.
    """
    return np.multiply(dy, 1 - y * y, out=out)


def outer_sum(da: Array, inputs: Array) -> Array:
    """Return the sum over steps and examples of the outer products of two arrays.

    This is the weight gradient of ``a = inputs @ W.T`` in one matrix product.

    Parameters
    ----------
    da : ndarray of shape (..., G)
        Gradient with respect to the pre-activations.
    inputs : ndarray of shape (..., F)
        What the weights were applied to.

    Returns
    -------
    ndarray of shape (G, F)
        The gradient with respect to ``W``.
    """
    return da.reshape(-1, da.shape[-1]).T @ inputs.reshape(-1, inputs.shape[-1])


def axis_sum(da: Array) -> Array:
    """Return the sum over every axis but the last, the gradient of a bias.

    Parameters
    ----------
    da : ndarray of shape (..., G)
        Gradient with respect to the pre-activations.

    Returns
    -------
    ndarray of shape (G,)
        The gradient with respect to the bias.
    """
    rows = da.reshape(-1, da.shape[-1])
    return np.ones(len(rows), da.dtype) @ rows  # a product is faster than a sum


def norm(values: Array, axis: int | None = None) -> Array:
    r"""Return Euclidean norms whose squares neither overflow nor underflow.

    .. math:: \lVert v \rVert = s \sqrt{\textstyle\sum (v / s)^2}, \qquad s = 2^n \approx \max |v|

    ``np.linalg.norm`` squares the numbers as they are: of float64 numbers below 1e-162 nothing
    is left. A power of two changes no digit.

    Parameters
    ----------
    values : ndarray
        Numbers of any size.
    axis : int, optional
        The axis of each vector; None takes all numbers together.

    Returns
    -------
    ndarray
        The norms; NaN or infinite where a number is, infinite where a norm is beyond all floats.
    """
    values = np.asarray(values)
    largest = np.abs(values).max(axis=axis, keepdims=True, initial=0)
    _, exponent = np.frexp(np.where(np.isfinite(largest), largest, 1))
    scaled = np.ldexp(values, -exponent)
    with np.errstate(under="ignore", over="ignore"):
        root = np.sqrt(np.sum(scaled * scaled, axis=axis))
        norms: Array = np.ldexp(root, np.squeeze(exponent, axis))
    return norms
