"""Is a gradient right? Compare it with differences of the loss, array by array."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_lab import checks, tree
from lstm_lab.architecture import Architecture
from lstm_lab.numerics import Array, norm

STEP = 1e-6
"""Of the differences: the truncation error, about STEP**2, and the rounding error, about
1e-16 / STEP, then both stay below 1e-9 of a loss of order one."""


def numerical_gradient(
    loss: Callable[[Any], float], at: Any, *, step: float = STEP
) -> Any:
    r"""Return the gradient of a loss by central differences, one number at a time.

    .. math:: \frac{\partial L}{\partial p} \approx \frac{L(p + s) - L(p - s)}{2 s}

    Parameters
    ----------
    loss : callable
        Takes a tree like `at` and returns a number.
    at : nested NamedTuples of float64 arrays
        Where the gradient is wanted.
    step : float
        The difference s.

    Returns
    -------
    tree
        The gradient, of the type and shapes of `at`.

    Raises
    ------
    TypeError
        If an array is not float64: float32 leaves the differences no digits.

    References
    ----------
    Chapter ch318, equation ``eq-central-difference``.
    """
    for name, leaf in tree.leaves(at).items():
        checks.array(
            name or "at", leaf, np.shape(leaf), dtype=np.dtype(np.float64)
        )
    point = tree.map(np.array, at)  # our own copy, moved one number at a time

    def differences(leaf: Array) -> Array:
        gradient = np.empty_like(leaf)
        for index in np.ndindex(leaf.shape):
            here = leaf[index]
            leaf[index] = here + step
            above = loss(point)
            leaf[index] = here - step
            below = loss(point)
            leaf[index] = here
            gradient[index] = (above - below) / (2 * step)
        return gradient

    return tree.map(differences, point)


def relative_errors(analytic: Any, numeric: Any) -> dict[str, float]:
    r"""Return how far two gradients are apart, array by array.

    .. math:: \frac{\lVert a - n \rVert}{\max(\lVert a \rVert, \lVert n \rVert)}

    Parameters
    ----------
    analytic, numeric : nested NamedTuples of the same structure
        The gradients.

    Returns
    -------
    dict of str to float
        The relative error of each array under its dotted name; 0 where both are zero, infinite
        where a number of either is NaN or infinite. No error is NaN.

    Raises
    ------
    ValueError
        If the structures or the shapes differ, or there are no numbers to compare.
    """
    tree.map(_same_shape, analytic, numeric)
    pairs = zip(
        tree.leaves(analytic).items(),
        tree.leaves(numeric).values(),
        strict=True,
    )
    errors = {name: _relative_error(name, a, n) for (name, a), n in pairs}
    if not errors:
        raise ValueError("there is nothing to compare: no gradient has arrays")
    return errors


def _same_shape(a: Array, n: Array) -> None:
    if np.shape(a) != np.shape(n):
        raise ValueError(
            f"the gradients differ in shape: {np.shape(a)} against {np.shape(n)}"
        )


def _relative_error(name: str, a: Array, n: Array) -> float:
    pair = np.array([a, n], np.float64)
    if not pair.size:
        raise ValueError(
            f"there is nothing to compare in {name or 'the gradients'}, of"
            f" shape {np.shape(a)}"
        )
    if not np.isfinite(pair).all():
        return np.inf  # NaN would be overlooked by max(errors.values())
    # In units of a power of two, so that their difference does not overflow.
    _, exponent = np.frexp(np.abs(pair).max())
    a, n = np.ldexp(pair, -exponent)
    scale = max(norm(a), norm(n))
    return float(norm(a - n) / scale) if scale else 0.0


def backward_errors(
    arch: Architecture,
    params: Any,
    x: Array,
    *,
    rng: np.random.Generator,
    backward: Callable[..., Any] | None = None,
) -> dict[str, float]:
    """Return the relative errors of an architecture's backward pass.

    The loss is a random linear function of every hidden state and of the last states, from
    random initial states, so that no path of the gradient is idle.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    params : Params
        Float64 parameters.
    x : ndarray of shape (T, B, D) or (T, D)
        Inputs. Take T >= 3: many faults cannot show in one step.
    rng : numpy.random.Generator
        Where initial states and the loss come from.
    backward : callable, optional
        Another backward pass to be checked, called like ``arch.backward``.

    Returns
    -------
    dict of str to float
        The relative error under ``params.W``, ``params.b``, ``x``, ``h0``, ..., as
        `relative_errors` has it.

    Raises
    ------
    TypeError, ValueError
        If `params` or `x` does not suit the architecture, or is not float64.
    """
    checks.generator(rng)
    shape = (*np.shape(x)[1:-1], params.H)
    at = arch.Grads(params, x, *(rng.normal(size=shape) for _ in arch.STATES))
    dh = rng.normal(size=(len(x), *shape))
    dstates_T = [rng.normal(size=shape) for _ in arch.STATES]

    def loss(point: Any) -> float:
        trace = arch.forward(*point)
        last = (getattr(trace, name)[-1] for name in arch.STATES)
        total = np.vdot(dh, trace.h[1:])
        return float(total + sum(map(np.vdot, dstates_T, last)))

    analytic = (backward or arch.backward)(
        params, arch.forward(*at), dh, *dstates_T
    )
    return relative_errors(analytic, numerical_gradient(loss, at))
