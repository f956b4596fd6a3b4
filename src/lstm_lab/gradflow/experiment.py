"""What the experiments share: seeds, draws, and means over them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lstm_lab import checks
from lstm_lab.architecture import Architecture
from lstm_lab.numerics import Array

SEEDS = tuple(range(10))


def some_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Return the seeds of an experiment, one or more, as plain numbers."""
    checked = tuple(checks.seed(seed) for seed in seeds)
    if not checked:
        raise ValueError("seeds must be one or more, got none")
    return checked


def draw_and_run(
    arch: Architecture,
    draw: Callable[..., Any],
    D: int,
    H: int,
    T: int,
    seed: int,
) -> tuple[Any, Any]:
    """Draw a network and run it over a sequence of N(0, 1) inputs.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    draw : callable
        Returns parameters from ``(D, H, rng=rng)``.
    D, H, T : int
        Input size, hidden size, number of steps.
    seed : int
        Of both; two ways to draw are given the same inputs.

    Returns
    -------
    params : Params
        The network.
    trace : Trace
        Of its forward pass over x of shape (T, D).

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer.
    """
    D, T = checks.positive_int("D", D), checks.positive_int("T", T)
    weights_rng, input_rng = np.random.default_rng(checks.seed(seed)).spawn(2)
    params = draw(D, H, rng=weights_rng)
    return params, arch.forward(params, input_rng.normal(size=(T, D)))


def geometric_mean(values: Array) -> Array:
    """Return the geometric mean over the first axis; zero where a value is zero.

    Parameters
    ----------
    values : ndarray of shape (S, ...)
        Non-negative numbers.

    Returns
    -------
    ndarray of shape (...)
        The mean of each column.
    """
    with np.errstate(divide="ignore"):
        mean: Array = np.exp(np.log(values).mean(axis=0))
    return mean


def log10_root_mean_square(log10_values: Array) -> Array:
    """Return the decimal logarithm of the root-mean-square over the last axis.

    Parameters
    ----------
    log10_values : ndarray of shape (..., N)
        Decimal logarithms, of any size.

    Returns
    -------
    ndarray of shape (...)
        Minus infinity where all values are.
    """
    largest = log10_values.max(axis=-1)
    scale = np.where(np.isfinite(largest), largest, 0)
    squares = 10 ** (2 * (log10_values - scale[..., None]))
    with np.errstate(divide="ignore"):
        mean: Array = scale + 0.5 * np.log10(squares.mean(axis=-1))
    return mean
