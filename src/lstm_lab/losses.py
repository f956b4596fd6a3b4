"""Losses, each followed by its gradient.

A loss is the mean over all N answers that it is given; to leave out padding, select first, as
`lstm_lab.seq2seq.loss` does.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_lab.numerics import Array

Classes = NDArray[np.integer[Any]]


def mean_squared_error(prediction: Array, target: Array) -> float:
    r"""Return the mean of the squared errors over answers and outputs, both (..., O).

    .. math:: L = \frac{1}{N\,O} \sum_{n,k} (\hat y_{nk} - y_{nk})^2

    It is NaN or infinite if a prediction is. A ValueError is raised if the shapes differ, or
    there are no answers.
    """
    error = _error(prediction, target)
    return float(np.mean(error * error))


def mean_squared_error_grad(prediction: Array, target: Array) -> Array:
    r"""Return the gradient with respect to the predictions, of shape (..., O).

    .. math:: d\hat y_{nk} = \frac{2}{N\,O} (\hat y_{nk} - y_{nk})
    """
    error = _error(prediction, target)
    return 2 / error.size * error


def log_softmax(logits: Array) -> Array:
    r"""Return the logarithms of the probabilities of the classes, (..., O) like the logits.

    .. math:: \ln p_k = a_k - m - \ln \sum_j e^{a_j - m}, \qquad m = \max_j a_j

    No exponent is positive, so nothing overflows. The result is in nats, and NaN if a logit is
    NaN or infinite.
    """
    relative = logits - np.max(logits, axis=-1, keepdims=True)
    with np.errstate(under="ignore"):
        total = np.exp(relative).sum(axis=-1, keepdims=True)
    log_p: Array = relative - np.log(total)
    return log_p


def cross_entropy(logits: Array, target: Classes) -> float:
    r"""Return the mean cost of the right classes, in nats.

    .. math:: L = -\frac{1}{N} \sum_n \ln p_{n, y_n}

    An answer whose largest logit is of a wrong class costs at least :math:`\ln 2`, so at most
    a share of :math:`L / \ln 2` is wrong.

    Parameters
    ----------
    logits : ndarray of shape (..., O)
        The scores of the classes, see `log_softmax`.
    target : ndarray of int of shape (...,)
        The right classes, from 0 to O - 1.

    Returns
    -------
    float
        The loss; NaN or infinite if a logit is.

    Raises
    ------
    TypeError
        If the targets are not integers.
    ValueError
        If the shapes do not match, a target is not a class, or there are no answers.
    """
    right = _right(logits, target)
    return -float(np.mean(np.take_along_axis(log_softmax(logits), right, -1)))


def cross_entropy_grad(logits: Array, target: Classes) -> Array:
    r"""Return the gradient with respect to the logits, of shape (..., O).

    .. math:: da_{nk} = \frac{1}{N} (p_{nk} - [k = y_n])
    """
    right = _right(logits, target)
    with np.errstate(under="ignore"):
        p = np.exp(log_softmax(logits))
        p_right = np.take_along_axis(p, right, -1)
        np.put_along_axis(p, right, p_right - 1, -1)
        return 1 / right.size * p


def _error(prediction: Array, target: Array) -> Array:
    """Return the errors in the dtype of the predictions, whatever that of the targets."""
    prediction, target = np.asarray(prediction), np.asarray(target)
    # (B,) and (B, 1) would broadcast to (B, B), and a network would learn the mean.
    if prediction.shape != target.shape:
        raise ValueError(
            f"prediction and target must have one shape, got {prediction.shape} and {target.shape}"
        )
    _check_answered(prediction)
    dtype = np.result_type(prediction, np.float16)  # of integers a float
    error: Array = np.subtract(prediction, target, dtype=dtype)
    return error


def _right(logits: Array, target: Classes) -> Classes:
    """Return the right classes as indices along the last axis of the logits."""
    logits, target = np.asarray(logits), np.asarray(target)
    if not logits.ndim or target.shape != logits.shape[:-1]:
        raise ValueError(
            "target must have the shape of the logits without the last axis,"
            f" got {logits.shape} and {target.shape}"
        )
    if not np.issubdtype(target.dtype, np.integer):
        raise TypeError(f"target must be integers, got dtype {target.dtype}")
    _check_answered(logits)
    classes = logits.shape[-1]
    wrong = target[(target < 0) | (target >= classes)]
    if wrong.size:
        raise ValueError(f"target must be classes from 0 to {classes - 1}, got {wrong[0]}")
    return target[..., np.newaxis]


def _check_answered(answers: Array) -> None:
    # The mean of nothing would be NaN.
    if answers.size == 0:
        raise ValueError(f"a loss needs at least one answer, got shape {answers.shape}")
