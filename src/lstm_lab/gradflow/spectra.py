"""Singular values of products of Jacobians, and what predicts them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_lab import checks
from lstm_lab.gradflow.experiment import Experiment, networks
from lstm_lab.jacobians import (
    log10_norms_of_products,
    log10_singular_values,
    lyapunov_exponents,
    spectral_radius,
    step_jacobians,
)
from lstm_lab.numerics import Array
from lstm_lab.sequence import Cell


@dataclass(frozen=True, kw_only=True)
class Spectra(Experiment):
    r"""Singular values of :math:`\partial s_T / \partial s_{T-k}` at L lags k.

    ``log10_singular_values`` (S, L, n), of n states by S seeds, are decimal logarithms in
    descending order. ``radius`` and ``largest`` (S,) are the spectral radius and the largest
    singular value of the recurrent weights U, if the cell has one such square matrix (as the
    vanilla RNN has), and NaN otherwise.
    """

    lags: tuple[int, ...]
    log10_singular_values: Array
    radius: Array
    largest: Array


def spectra(cell: Cell, *, lags: Sequence[int], **network: Any) -> Spectra:
    """Measure the singular values of the Jacobian over several lags back from step T.

    Parameters
    ----------
    cell : module
        ``rnn``, ``lstm``, ``gru``, ``coupled``, or a cell of your own.
    lags : sequence of int
        In steps, from 1 to T.
    **network
        ``init``, ``D``, ``H``, ``T`` and ``seeds``, as in `gradient_flow`.

    References
    ----------
    Chapter ch317, figure ``fig-spectra``.
    """
    lags = tuple(checks.positive_int("lags", lag) for lag in lags)
    settings, traces = networks(cell, **network)
    D, T = settings["D"], settings["T"]
    if not lags or max(lags) > T:
        raise ValueError(f"lags must be one or more of 1 ... {T}, got {lags}")
    values, radius, largest = [], [], []
    for trace in traces:
        jacobians = step_jacobians(trace)
        values.append([log10_singular_values(jacobians[-k:]) for k in lags])
        U = trace.params.W[:, D:]
        square = U.shape[0] == U.shape[1]
        radius.append(spectral_radius(U) if square else np.nan)
        largest.append(np.linalg.norm(U, ord=2) if square else np.nan)
    return Spectra(
        **settings,
        lags=lags,
        log10_singular_values=np.array(values),
        radius=np.array(radius),
        largest=np.array(largest),
    )


@dataclass(frozen=True, kw_only=True)
class Lyapunov(Experiment):
    """Growth rates per step (S, n) of n states: natural logarithms, in descending order."""

    exponents: Array


def lyapunov(cell: Cell, *, T: int = 2000, skip: int = 200, **network: Any) -> Lyapunov:
    """Measure the Lyapunov exponents of driven networks, without the first `skip` steps.

    Parameters
    ----------
    cell : module
        ``rnn``, ``lstm``, ``gru``, ``coupled``, or a cell of your own.
    T, skip : int
        Number of steps, and how many of them pass before the first that counts.
    **network
        ``init``, ``D``, ``H`` and ``seeds``, as in `gradient_flow`.
    """
    settings, traces = networks(cell, T=T, **network)
    exponents = [lyapunov_exponents(step_jacobians(trace), skip=skip) for trace in traces]
    return Lyapunov(**settings, exponents=np.array(exponents))


@dataclass(frozen=True, kw_only=True)
class Powers:
    """Norms of the powers of matrices: what a linear recurrent network does to a gradient.

    ``log10_norms`` (N, K + 1) are decimal logarithms of spectral norms at the powers 0 to K, minus
    infinity where a power is zero; ``radius`` and ``largest`` (N,) are the spectral radius and the
    largest singular value.
    """

    names: tuple[str, ...]
    log10_norms: Array
    radius: Array
    largest: Array


def powers(matrices: Mapping[str, Array], K: int) -> Powers:
    """Measure how the powers of matrices, such as recurrent weights, grow or shrink up to the K-th.

    References
    ----------
    Chapter ch317, figure ``fig-powers``.
    """
    K = checks.positive_int("K", K)
    radius, largest, log10_norms = [], [], []
    for matrix in matrices.values():
        radius.append(spectral_radius(matrix))
        largest.append(np.linalg.norm(matrix, ord=2))
        norms = log10_norms_of_products(np.stack([matrix] * K))
        log10_norms.append([0.0, *norms])
    return Powers(
        names=tuple(matrices),
        log10_norms=np.array(log10_norms),
        radius=np.array(radius),
        largest=np.array(largest),
    )
