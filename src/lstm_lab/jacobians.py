"""Products of many Jacobians, in the log domain: nothing underflows and nothing overflows.

A cotangent or a matrix is kept as an array of moderate size and a binary exponent. Taking out
a power of two changes no digit: the result is the same to the last bit wherever plain floating
point suffices. Jacobians are (T, S, S), in the order of time; arguments that are not arrays of
finite floats of that shape are a TypeError or ValueError.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks
from lstm_lab.numerics import Array
from lstm_lab.packing import join
from lstm_lab.sequence import Trace

LOG10_2 = float(np.log10(2.0))
SWEEPS = 200  # at most
SMALLEST = 1e-6
"""A singular value below this share of the largest has lost digits in a product."""


class Cotangents(NamedTuple):
    """Gradients with respect to states: ``states[n] * 2**exponent``, (..., H) and (...)."""

    states: tuple[Array, ...]
    exponent: NDArray[np.integer[Any]]

    def values(self) -> tuple[Array, ...]:
        """Return the gradients as plain arrays, which may underflow to zero or overflow."""
        exponent = self.exponent[..., None]
        with np.errstate(over="ignore"):
            return tuple(np.ldexp(state, exponent) for state in self.states)

    def log10_norms(self) -> Array:
        """Return the decimal logarithm of each cotangent's norm, over all states."""
        states, exponent = self.balanced()
        squares = sum(np.sum(state * state, axis=-1) for state in states)
        with np.errstate(divide="ignore"):
            half: Array = 0.5 * np.log10(squares)
        shift: Array = exponent * LOG10_2
        return half + shift

    def balanced(self) -> "Cotangents":
        """Return the same cotangents with their largest entries between 1/2 and 1, or zero."""
        sizes = [np.abs(state).max(axis=-1) for state in self.states]
        _, shift = np.frexp(np.max(sizes, axis=0))
        states = tuple(np.ldexp(s, -shift[..., None]) for s in self.states)
        return Cotangents(states, self.exponent + shift)

    def before(self, trace: Trace, t: int) -> "Cotangents":
        """Return the cotangents of the states that step `t` of a trace, from 0, has read."""
        cache = trace.caches[t]
        _, states = trace.cell.step_vjp(trace.weights, cache, *self.states)
        return Cotangents(states, self.exponent).balanced()


def pull_back(trace: Trace, *dstates_T: Array) -> Iterator[Cotangents]:
    """Yield the cotangents of the states at T, T - 1, ..., 0.

    Parameters
    ----------
    trace : Trace
        Of a forward pass over x of shape (T, D) or (T, B, D).
    *dstates_T : ndarrays of shape (..., H)
        Cotangents of the last states, one for each of the cell's ``STATES``; leading axes
        broadcast, so that many cotangents are pulled back at once.
    """
    checks.instance("trace", trace, Trace)
    names = trace.cell.STATES
    if len(dstates_T) != len(names):
        raise ValueError(
            f"dstates_T must be one array for each of {', '.join(names)}; got {len(dstates_T)}"
        )
    shape = (*np.shape(dstates_T[0])[:-1], trace.params.H)
    for name, dstate in zip(names, dstates_T, strict=True):
        checks.array(f"d{name}_T", dstate, shape)
    cotangents = Cotangents(dstates_T, np.zeros(shape[:-1], int)).balanced()
    yield cotangents
    for t in reversed(range(len(trace.caches))):
        cotangents = cotangents.before(trace, t)
        yield cotangents


def step_jacobians(trace: Trace) -> Array:
    r"""Return the Jacobian of every step, :math:`\partial s_t / \partial s_{t-1}`.

    The state s consists of all the cell's states, joined: S is H for a cell with one and 2H for a
    cell with two. Row j is the gradient of entry j of the new state. The trace is of one sequence.

    References
    ----------
    Chapter ch317, equation ``eq-ch317-jacobian``; chapter ch318, ``eq-state-jacobian``.
    """
    one_sequence(trace)
    count = len(trace.cell.STATES)
    rows = np.split(np.eye(count * trace.params.H), count, axis=-1)
    steps = (trace.cell.step_vjp(trace.weights, cache, *rows) for cache in trace.caches)
    return np.stack([join(*dstates) for _, dstates in steps])


def one_sequence(trace: Trace) -> None:
    """Refuse anything but the trace of a single sequence."""
    checks.instance("trace", trace, Trace)
    checks.array("trace.x", trace.x, ("T", "D"))


def log10_norms_of_products(jacobians: Array) -> Array:
    """Return the spectral norms of the products of the last 1, 2, ..., T Jacobians.

    As decimal logarithms (T,), minus infinity for a product that is zero.
    """
    products = _products(_square("jacobians", jacobians, "T", "S", "S"))
    with np.errstate(divide="ignore"):
        norms = [
            np.log10(np.linalg.norm(product, ord=2)) + exponent * LOG10_2
            for product, exponent in products
        ]
    return np.array(norms)


def _products(jacobians: Array) -> Iterator[tuple[Array, int]]:
    """Yield the products of the last 1, 2, ... Jacobians, as ``product * 2**exponent``."""
    product, exponent = np.eye(jacobians.shape[-1]), 0
    for jacobian in jacobians[::-1]:
        product = product @ jacobian
        _, shift = np.frexp(np.abs(product).max())
        product, exponent = np.ldexp(product, -shift), exponent + int(shift)
        yield product, exponent


def log10_singular_values(jacobians: Array) -> Array:
    r"""Return all singular values of the product of Jacobians, however far apart they are.

    They are decimal logarithms (S,) in descending order, minus infinity for zeros.

    A product formed in floating point keeps only the largest singular values. Where that is not
    enough the factors are kept apart: :math:`J_K \cdots J_1 = Q R_K \cdots R_1` with triangular
    factors. The same is done again to the transposed product, until the diagonals, whose
    logarithms add up, no longer change. This is the QR algorithm on a product.

    References
    ----------
    L. Dieci and E. S. Van Vleck, "Computation of a few Lyapunov exponents for continuous and
    discrete dynamical systems", Applied Numerical Mathematics 17 (1995).
    """
    factors = _square("jacobians", jacobians, "T", "S", "S")
    *_, (product, exponent) = _products(factors)
    plain = np.linalg.svd(product, compute_uv=False)
    if plain[-1] > SMALLEST * plain[0]:
        log10_plain: Array = np.log10(plain)
        return log10_plain + exponent * LOG10_2
    before = np.full(factors.shape[-1], np.nan)
    for _ in range(SWEEPS):
        triangles = _triangular_factors(factors)
        now = _log_diagonals(triangles, np.log10).sum(axis=0)
        if np.allclose(now, before, rtol=0, atol=1e-9):
            break
        before = now
        factors = triangles[::-1].swapaxes(1, 2)
    return np.sort(now)[::-1]


def _triangular_factors(jacobians: Array) -> Array:
    r"""Return upper triangular :math:`R_k` with :math:`J_K \cdots J_1 = Q R_K \cdots R_1`."""
    Q = np.eye(jacobians.shape[-1])
    triangles = np.empty_like(jacobians)
    for k, jacobian in enumerate(jacobians):
        Q, triangles[k] = np.linalg.qr(jacobian @ Q)
    return triangles


def _log_diagonals(triangles: Array, log: np.ufunc) -> Array:
    """Return the logarithms of the absolute values on the diagonals (K, S)."""
    with np.errstate(divide="ignore"):
        logs: Array = log(np.abs(np.diagonal(triangles, axis1=1, axis2=2)))
    return logs


def lyapunov_exponents(jacobians: Array, *, skip: int = 0) -> Array:
    r"""Return the mean logarithmic growth rates of perturbations of the state.

    .. math:: \lambda_j = \frac{1}{T} \sum_t \ln \lvert (R_t)_{jj} \rvert

    Natural logarithms per step (S,), in descending order. The first `skip` steps, while the
    directions settle, are not averaged.

    References
    ----------
    G. Benettin et al., Meccanica 15 (1980).
    """
    jacobians = _square("jacobians", jacobians, "T", "S", "S")
    if not 0 <= checks.integer("skip", skip) < len(jacobians):
        raise ValueError(f"skip must be at least 0 and below {len(jacobians)}, got {skip}")
    triangles = _triangular_factors(jacobians)[skip:]
    return np.sort(_log_diagonals(triangles, np.log).mean(axis=0))[::-1]


def spectral_radius(matrix: Array) -> float:
    """Return the largest absolute value of an eigenvalue, by which powers grow in the end."""
    matrix = _square("matrix", matrix, "S", "S")
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def _square(name: str, value: Any, *shape: str) -> Array:
    matrices = checks.array(name, value, shape)
    if matrices.shape[-1] != matrices.shape[-2]:
        raise ValueError(f"{name} must have shape ({', '.join(shape)}); got {matrices.shape}")
    return matrices
