"""Singular values of products of Jacobians, and what predicts them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_lab import checks
from lstm_lab.architecture import Architecture
from lstm_lab.gradflow.experiment import draw_and_run
from lstm_lab.jacobians import (
    log10_norms_of_products,
    log10_singular_values,
    lyapunov_exponents,
    spectral_radius,
    step_jacobians,
)
from lstm_lab.numerics import Array


@dataclass(frozen=True)
class Spectra:
    r"""Singular values of :math:`\partial s_T / \partial s_{T-k}` by way to start and lag.

    ``log10_singular_values`` (N, L, S) are decimal logarithms, in descending order;
    ``radius`` (N,) and ``largest`` (N,) are the spectral radius and the largest singular
    value of the recurrent weights U, where there is one such square matrix (in the vanilla
    RNN), and NaN elsewhere.
    """

    names: tuple[str, ...]
    lags: tuple[int, ...]
    log10_singular_values: Array
    radius: Array
    largest: Array


def spectra(
    arch: Architecture,
    starts: Mapping[str, Callable[..., Any]],
    *,
    lags: Sequence[int],
    D: int = 4,
    H: int = 32,
    seed: int = 0,
) -> Spectra:
    """Measure the singular values of the Jacobian over several lags.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    starts : mapping of str to callable
        Names, and functions that return parameters from ``(D, H, rng=rng)``.
    lags : sequence of int
        In steps, at least 1; the longest is the length of the sequence.
    D, H : int
        Input and hidden size.
    seed : int
        Of the networks and the input sequence, the same for all.

    Returns
    -------
    Spectra
        Logarithms of singular values by start and lag.

    Raises
    ------
    TypeError, ValueError
        If a lag or a size is no positive integer.

    References
    ----------
    Chapter ch317, figure ``fig-spectra``.
    """
    lags = tuple(checks.positive_int("lags", lag) for lag in lags)
    values, radius, largest = [], [], []
    for draw in starts.values():
        params, trace = draw_and_run(arch, draw, D, H, max(lags), seed)
        jacobians = step_jacobians(arch, params, trace)
        values.append([log10_singular_values(jacobians[-k:]) for k in lags])
        U = params.W[:, D:]
        square = U.shape[0] == U.shape[1]
        radius.append(spectral_radius(U) if square else np.nan)
        largest.append(np.linalg.norm(U, ord=2) if square else np.nan)
    return Spectra(
        tuple(starts),
        lags,
        np.array(values),
        np.array(radius),
        np.array(largest),
    )


@dataclass(frozen=True)
class Powers:
    """Norms of the powers of matrices: what a linear recurrent network does to a gradient.

    ``log10_norms`` (N, K + 1) are decimal logarithms of spectral norms at the powers 0 to K,
    minus infinity where a power is zero; ``radius`` and ``largest`` (N,) the spectral radius
    and the largest singular value.
    """

    names: tuple[str, ...]
    log10_norms: Array
    radius: Array
    largest: Array


def powers(matrices: Mapping[str, Array], K: int) -> Powers:
    """Measure how the powers of matrices grow or shrink.

    Parameters
    ----------
    matrices : mapping of str to ndarray of shape (S, S)
        Recurrent weights under their names.
    K : int
        The highest power.

    Returns
    -------
    Powers
        Norms by matrix and power.

    Raises
    ------
    TypeError, ValueError
        If `K` is no positive integer, or a matrix is not square.

    References
    ----------
    Chapter ch317, figure ``fig-powers``.
    """
    K = checks.positive_int("K", K)
    radius = [spectral_radius(matrix) for matrix in matrices.values()]
    log10_norms = [
        [0.0, *log10_norms_of_products(np.stack([matrix] * K))]
        for matrix in matrices.values()
    ]
    return Powers(
        tuple(matrices),
        np.array(log10_norms),
        np.array(radius),
        np.array([np.linalg.norm(m, ord=2) for m in matrices.values()]),
    )


@dataclass(frozen=True)
class Lyapunov:
    """Growth rates per step, natural logarithms, by way to start (N, S), in descending order."""

    names: tuple[str, ...]
    exponents: Array
    T: int


def lyapunov(
    arch: Architecture,
    starts: Mapping[str, Callable[..., Any]],
    *,
    D: int = 4,
    H: int = 32,
    T: int = 2000,
    skip: int = 200,
    seed: int = 0,
) -> Lyapunov:
    """Measure the Lyapunov exponents of driven networks over a long run.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    starts : mapping of str to callable
        Names, and functions that return parameters from ``(D, H, rng=rng)``.
    D, H, T : int
        Input size, hidden size, number of steps.
    skip : int
        How many steps at the start are not averaged.
    seed : int
        Of the networks and the input sequence.

    Returns
    -------
    Lyapunov
        The exponents by start.

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer, or `skip` leaves no step.
    """
    exponents = []
    for draw in starts.values():
        params, trace = draw_and_run(arch, draw, D, H, T, seed)
        jacobians = step_jacobians(arch, params, trace)
        exponents.append(lyapunov_exponents(jacobians, skip=skip))
    return Lyapunov(tuple(starts), np.array(exponents), T)
