"""Products of many Jacobians, in the log domain: nothing underflows and nothing overflows.

A cotangent or a matrix is kept as an array of moderate size and a binary exponent. Taking
out a power of two changes no digit, so that wherever plain floating point would have
sufficed the result is the same to the last bit.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks
from lstm_lab.architecture import Architecture
from lstm_lab.numerics import Array
from lstm_lab.packing import join

LOG10_2 = float(np.log10(2.0))
SWEEPS = 200
KEPT = 1e-6
"""A singular value below this share of the largest has lost digits in a product."""


class Cotangents(NamedTuple):
    """Gradients with respect to states: ``states[n] * 2**exponent`` each of shape (..., H)."""

    states: tuple[Array, ...]
    exponent: NDArray[np.integer[Any]]

    def values(self) -> tuple[Array, ...]:
        """Return the gradients as plain arrays, which may underflow to zero or overflow."""
        exponent = self.exponent[..., None]
        with np.errstate(over="ignore"):
            return tuple(np.ldexp(state, exponent) for state in self.states)

    def log10_norms(self) -> Array:
        """Return the decimal logarithm of each cotangent's norm, over all states."""
        states, exponent = balance(self)
        squares = sum(np.sum(state * state, axis=-1) for state in states)
        with np.errstate(divide="ignore"):
            half: Array = 0.5 * np.log10(squares)
        shift: Array = exponent * LOG10_2
        return half + shift


def pull_back(
    arch: Architecture, params: Any, trace: Any, *dstates_T: Array
) -> Iterator[Cotangents]:
    """Yield the cotangents of the states at T, T - 1, ..., 0.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    params : Params
        The weights of the forward pass.
    trace : Trace
        Of a forward pass over x of shape (T, D), or (T, B, D).
    *dstates_T : ndarrays of shape (..., H)
        Cotangents of the last states, one for each of ``arch.STATES``; leading axes
        broadcast, so that many cotangents are pulled back at once.

    Yields
    ------
    Cotangents
        Those of the states, T + 1 in all, from lag 0 to lag T.

    Raises
    ------
    TypeError, ValueError
        If there is not one cotangent for each state, or one is no array of finite floats
        over H units.
    """
    if len(dstates_T) != len(arch.STATES):
        raise ValueError(
            f"dstates_T must be one array for each of {', '.join(arch.STATES)};"
            f" got {len(dstates_T)}"
        )
    for name, dstate in zip(arch.STATES, dstates_T, strict=True):
        leading = np.shape(dstate)[:-1]
        checks.array(f"d{name}_T", dstate, (*leading, params.H))
    cotangents = balance(
        Cotangents(dstates_T, np.zeros(dstates_T[0].shape[:-1], int))
    )
    yield cotangents
    for t in reversed(range(len(trace.x))):
        _, _, dstates = arch.step_vjp(params, trace, t, *cotangents.states)
        cotangents = balance(Cotangents(dstates, cotangents.exponent))
        yield cotangents


def balance(cotangents: Cotangents) -> Cotangents:
    """Return the same cotangents with their largest entries between 1/2 and 1.

    Parameters
    ----------
    cotangents : Cotangents
        With exponents of any size.

    Returns
    -------
    Cotangents
        Equal to the last bit; a cotangent of zeros stays as it is.
    """
    largest = np.max(
        [np.abs(s).max(axis=-1) for s in cotangents.states], axis=0
    )
    _, shift = np.frexp(largest)
    states = tuple(np.ldexp(s, -shift[..., None]) for s in cotangents.states)
    return Cotangents(states, cotangents.exponent + shift)


def step_jacobians(arch: Architecture, params: Any, trace: Any) -> Array:
    r"""Return the Jacobian of every step, :math:`\partial s_t / \partial s_{t-1}`.

    The state s is h, or in the LSTM h and c joined.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    params : Params
        The weights of the forward pass.
    trace : Trace
        Of a forward pass over one sequence, x of shape (T, D).

    Returns
    -------
    ndarray of shape (T, S, S)
        S = H, or 2H in the LSTM. Row j is the gradient of entry j of the new state.

    Raises
    ------
    ValueError
        If the trace is of a batch.

    References
    ----------
    Chapter ch317, equation ``eq-ch317-jacobian``; chapter ch318, ``eq-state-jacobian``.
    """
    checks.array("trace.x", trace.x, ("T", "D"))
    states = len(arch.STATES)
    rows = np.split(np.eye(states * params.H), states, axis=-1)
    steps = (
        arch.step_vjp(params, trace, t, *rows) for t in range(len(trace.x))
    )
    return np.stack([join(*dstate) for _, _, dstate in steps])


def log10_norms_of_products(jacobians: Array) -> Array:
    """Return the spectral norms of the products of the last 1, 2, ..., T Jacobians.

    Parameters
    ----------
    jacobians : ndarray of shape (T, S, S)
        In the order of time.

    Returns
    -------
    ndarray of shape (T,)
        Decimal logarithms; minus infinity for a product that is zero.
    """
    jacobians = _stack("jacobians", jacobians)
    norms = np.empty(len(jacobians))
    for k, (product, exponent) in enumerate(_products(jacobians)):
        with np.errstate(divide="ignore"):
            norms[k] = np.log10(np.linalg.norm(product, ord=2))
        norms[k] += exponent * LOG10_2
    return norms


def scaled_product(jacobians: Array) -> tuple[Array, int]:
    """Return the product of all Jacobians, the last on the left, and a binary exponent.

    Parameters
    ----------
    jacobians : ndarray of shape (T, S, S)
        In the order of time.

    Returns
    -------
    product : ndarray of shape (S, S)
        With its largest entry between 1/2 and 1, or all zeros.
    exponent : int
        The product is ``product * 2**exponent``.
    """
    *_, last = _products(_stack("jacobians", jacobians))
    return last


def _products(jacobians: Array) -> Iterator[tuple[Array, int]]:
    product, exponent = np.eye(jacobians.shape[-1]), 0
    for jacobian in jacobians[::-1]:
        product = product @ jacobian
        _, shift = np.frexp(np.abs(product).max())
        product, exponent = np.ldexp(product, -shift), exponent + int(shift)
        yield product, exponent


def log10_singular_values(jacobians: Array) -> Array:
    r"""Return all singular values of the product of Jacobians, however far apart they are.

    A product formed in floating point keeps the largest singular values only. Where that is
    not enough the factors are kept apart: :math:`J_K \cdots J_1 = Q R_K \cdots R_1` with
    triangular factors, and the same is done again to the transposed product, until the
    diagonals, whose logarithms add up, no longer change. It is the QR algorithm on a product.

    Parameters
    ----------
    jacobians : ndarray of shape (K, S, S)
        In the order of time.

    Returns
    -------
    ndarray of shape (S,)
        Decimal logarithms in descending order; minus infinity for zeros.

    References
    ----------
    L. Dieci and E. S. Van Vleck, "Computation of a few Lyapunov exponents for continuous and
    discrete dynamical systems", Applied Numerical Mathematics 17 (1995).
    """
    factors = _stack("jacobians", jacobians)
    product, exponent = scaled_product(factors)
    plain = np.linalg.svd(product, compute_uv=False)
    if plain[-1] > KEPT * plain[0]:
        log10_plain: Array = np.log10(plain)
        return log10_plain + exponent * LOG10_2
    before = np.full(factors.shape[-1], np.nan)
    for _ in range(SWEEPS):
        triangles = triangular_factors(factors)
        with np.errstate(divide="ignore"):
            diagonals = np.log10(
                np.abs(np.diagonal(triangles, axis1=1, axis2=2))
            )
        now = diagonals.sum(axis=0)
        if np.allclose(now, before, rtol=0, atol=1e-9):
            break
        before = now
        factors = triangles[::-1].swapaxes(1, 2)
    return np.sort(now)[::-1]


def triangular_factors(jacobians: Array) -> Array:
    r"""Return :math:`R_1, \ldots, R_K` with :math:`J_K \cdots J_1 = Q R_K \cdots R_1`.

    Parameters
    ----------
    jacobians : ndarray of shape (K, S, S)
        In the order of time.

    Returns
    -------
    ndarray of shape (K, S, S)
        Upper triangular; Q is orthogonal and not returned.
    """
    jacobians = _stack("jacobians", jacobians)
    Q = np.eye(jacobians.shape[-1])
    triangles = np.empty_like(jacobians)
    for k, jacobian in enumerate(jacobians):
        Q, triangles[k] = np.linalg.qr(jacobian @ Q)
    return triangles


def lyapunov_exponents(jacobians: Array, *, skip: int = 0) -> Array:
    r"""Return the mean logarithmic growth rates of perturbations of the state.

    .. math:: \lambda_j = \frac{1}{T} \sum_t \ln \lvert (R_t)_{jj} \rvert

    Parameters
    ----------
    jacobians : ndarray of shape (T, S, S)
        In the order of time.
    skip : int
        How many steps at the start are not averaged, while the directions settle.

    Returns
    -------
    ndarray of shape (S,)
        Natural logarithms per step, in descending order.

    Raises
    ------
    ValueError
        If `skip` leaves no step.

    References
    ----------
    G. Benettin et al., Meccanica 15 (1980).
    """
    jacobians = _stack("jacobians", jacobians)
    if not 0 <= skip < len(jacobians):
        raise ValueError(
            f"skip must be at least 0 and below {len(jacobians)}, got {skip}"
        )
    triangles = triangular_factors(jacobians)[skip:]
    diagonals = np.abs(np.diagonal(triangles, axis1=1, axis2=2))
    with np.errstate(divide="ignore"):
        rates: Array = np.log(diagonals).mean(axis=0)
    return np.sort(rates)[::-1]


def spectral_radius(matrix: Array) -> float:
    """Return the largest absolute value of an eigenvalue.

    Parameters
    ----------
    matrix : ndarray of shape (S, S)
        Any square matrix.

    Returns
    -------
    float
        What decides how the powers of the matrix grow in the end.

    Raises
    ------
    TypeError, ValueError
        If it is no square matrix of finite floats.
    """
    matrix = checks.array("matrix", matrix, ("S", "S"))
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"matrix must have shape (S, S); got {matrix.shape}")
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def _stack(name: str, value: Any) -> Array:
    stack = checks.array(name, value, ("T", "S", "S"))
    if stack.shape[1] != stack.shape[2]:
        raise ValueError(f"{name} must have shape (T, S, S); got {stack.shape}")
    return stack
