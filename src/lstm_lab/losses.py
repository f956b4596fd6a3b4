"""What is to be made small, each loss with its gradient beneath it.

Losses are means over all N answers that they are given. Padding is left out by not giving it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_lab.numerics import Array


def mean_squared_error(prediction: Array, target: Array) -> float:
    r"""Return the mean of the squared errors over answers and outputs.

    .. math:: L = \frac{1}{N\,O} \sum_{n,k} (\hat y_{nk} - y_{nk})^2

    Parameters
    ----------
    prediction : ndarray of shape (..., O)
        What the network says.
    target : ndarray of shape (..., O)
        What it should say.

    Returns
    -------
    float
        The loss; NaN or infinite where the predictions are.

    Raises
    ------
    ValueError
        If the shapes differ, or there are no answers.
    """
    error = _error(prediction, target)
    return float(np.mean(error * error))


def mean_squared_error_vjp(
    dloss: float, prediction: Array, target: Array
) -> Array:
    r"""Pull the cotangent of the loss back through `mean_squared_error`.

    .. math:: d\hat y_{nk} = dL \, \frac{2}{N\,O} (\hat y_{nk} - y_{nk})

    Parameters
    ----------
    dloss : float
        Gradient with respect to the loss; 1 where nothing follows it.
    prediction : ndarray of shape (..., O)
        What the network says.
    target : ndarray of shape (..., O)
        What it should say.

    Returns
    -------
    ndarray of shape (..., O)
        Gradient with respect to the predictions.

    Raises
    ------
    ValueError
        If the shapes differ, or there are no answers.
    """
    error = _error(prediction, target)
    return 2 * float(dloss) / error.size * error


def log_softmax(logits: Array) -> Array:
    r"""Return the logarithms of the shares that the logits give to the classes.

    .. math:: \ln p_k = a_k - m - \ln \sum_j e^{a_j - m}, \qquad m = \max_j a_j

    No exponent is positive, so that nothing overflows.

    Parameters
    ----------
    logits : ndarray of shape (..., O)
        What the network says of each class, the logarithm of its share up to a constant.

    Returns
    -------
    ndarray of shape (..., O)
        None of them positive; NaN where a logit is NaN or infinite.
    """
    relative = logits - np.max(logits, axis=-1, keepdims=True)
    with np.errstate(under="ignore"):
        total = np.exp(relative).sum(axis=-1, keepdims=True)
    shares: Array = relative - np.log(total)
    return shares


def cross_entropy(logits: Array, target: NDArray[np.integer[Any]]) -> float:
    r"""Return the mean cost of the right classes, in nats.

    .. math::

        L = -\frac{1}{N} \sum_n \ln p_{n, y_n}

    with the shares of `log_softmax`. An answer whose largest logit is of a
    wrong class costs at least :math:`\ln 2`: no more than a share of :math:`L / \ln 2` is wrong.

    Parameters
    ----------
    logits : ndarray of shape (..., O)
        What the network says of each class, the logarithm of its share up to a constant.
    target : ndarray of int of shape (...,)
        The right classes, from 0 to O - 1.

    Returns
    -------
    float
        The loss; NaN or infinite where the logits are.

    Raises
    ------
    TypeError
        If the targets are no integers.
    ValueError
        If the shapes do not match, a target is not a class, or there are no answers.
    """
    right = _right(logits, target)
    return -float(np.mean(np.take_along_axis(log_softmax(logits), right, -1)))


def cross_entropy_vjp(
    dloss: float, logits: Array, target: NDArray[np.integer[Any]]
) -> Array:
    r"""Pull the cotangent of the loss back through `cross_entropy`.

    .. math:: da_{nk} = \frac{dL}{N} (p_{nk} - [k = y_n])

    Parameters
    ----------
    dloss : float
        Gradient with respect to the loss; 1 where nothing follows it.
    logits : ndarray of shape (..., O)
        What the network says of each class.
    target : ndarray of int of shape (...,)
        The right classes, from 0 to O - 1.

    Returns
    -------
    ndarray of shape (..., O)
        Gradient with respect to the logits.

    Raises
    ------
    TypeError
        If the targets are no integers.
    ValueError
        If the shapes do not match, a target is not a class, or there are no answers.
    """
    right = _right(logits, target)
    with np.errstate(under="ignore"):
        shares = np.exp(log_softmax(logits))
        right_shares = np.take_along_axis(shares, right, -1)
        np.put_along_axis(shares, right, right_shares - 1, -1)
        return float(dloss) / right.size * shares


def _error(prediction: Array, target: Array) -> Array:
    # (B,) and (B, 1) would broadcast to (B, B), and a network would learn the mean.
    if np.shape(prediction) != np.shape(target):
        raise ValueError(
            "prediction and target must have one shape, got"
            f" {np.shape(prediction)} and {np.shape(target)}"
        )
    prediction = np.asarray(prediction)
    _answered(prediction)
    # A target of float64, or of integers, leaves float32 predictions as they are.
    dtype = np.result_type(prediction, np.float16)
    error: Array = np.subtract(prediction, target, dtype=dtype)
    return error


def _answered(prediction: Array) -> None:
    # The mean of nothing would be NaN.
    if prediction.size == 0:
        raise ValueError(
            f"a loss needs at least one answer, got shape {prediction.shape}"
        )


def _right(
    logits: Array, target: NDArray[np.integer[Any]]
) -> NDArray[np.integer[Any]]:
    """Return the right classes as indices along the last axis of the logits."""
    target = np.asarray(target)
    if np.shape(target) != np.shape(logits)[:-1]:
        raise ValueError(
            "target must have the shape of the logits without the last axis,"
            f" got {np.shape(logits)} and {np.shape(target)}"
        )
    if not np.issubdtype(target.dtype, np.integer):
        raise TypeError(f"target must be integers, got dtype {target.dtype}")
    _answered(np.asarray(logits))
    classes = np.shape(logits)[-1]
    wrong = target[(target < 0) | (target >= classes)]
    if wrong.size:
        raise ValueError(
            f"target must be classes from 0 to {classes - 1}, got {wrong[0]}"
        )
    return target[..., np.newaxis]
