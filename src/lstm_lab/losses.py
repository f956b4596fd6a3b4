"""What is to be made small, each loss with its gradient beneath it."""

import numpy as np

from lstm_lab.numerics import Array


def mean_squared_error(prediction: Array, target: Array) -> float:
    r"""Return the mean of the squared errors over examples and outputs.

    .. math:: L = \frac{1}{B\,O} \sum_{b,k} (\hat y_{bk} - y_{bk})^2

    Parameters
    ----------
    prediction : ndarray of shape (B, O)
        What the network says.
    target : ndarray of shape (B, O)
        What it should say.

    Returns
    -------
    float
        The loss; NaN or infinite where the predictions are.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    error = _error(prediction, target)
    return float(np.mean(error * error))


def mean_squared_error_vjp(
    dloss: float, prediction: Array, target: Array
) -> Array:
    r"""Pull the cotangent of the loss back through `mean_squared_error`.

    .. math:: d\hat y_{bk} = dL \, \frac{2}{B\,O} (\hat y_{bk} - y_{bk})

    Parameters
    ----------
    dloss : float
        Gradient with respect to the loss; 1 where nothing follows it.
    prediction : ndarray of shape (B, O)
        What the network says.
    target : ndarray of shape (B, O)
        What it should say.

    Returns
    -------
    ndarray of shape (B, O)
        Gradient with respect to the predictions.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    error = _error(prediction, target)
    return 2 * dloss / error.size * error


def _error(prediction: Array, target: Array) -> Array:
    # (B,) and (B, 1) would broadcast to (B, B), and a network would learn the mean.
    if np.shape(prediction) != np.shape(target):
        raise ValueError(
            "prediction and target must have one shape, got"
            f" {np.shape(prediction)} and {np.shape(target)}"
        )
    error: Array = np.subtract(prediction, target)
    return error
