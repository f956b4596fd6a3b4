"""Is a gradient right? Compare it with differences of the loss, array by array."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_lab import checks, sequence, tree
from lstm_lab.numerics import Array, norm
from lstm_lab.sequence import Cell

STEP = 1e-6
"""Of the differences. Truncation errors, about STEP**2, and rounding errors, about 1e-16 / STEP,
are then below 1e-9 of a loss of order one."""


def numerical_gradient(loss: Callable[[Any], float], point: Any, *, step: float = STEP) -> Any:
    r"""Return the gradient of a loss by central differences, one number at a time.

    .. math:: \frac{\partial L}{\partial p} \approx \frac{L(p + s) - L(p - s)}{2 s}

    Parameters
    ----------
    loss : callable
        Takes a tree like `point` and returns a number.
    point : nested NamedTuples of float64 arrays
        Where the gradient, of the same type, is computed.
    step : float
        The difference s.

    Raises
    ------
    TypeError
        If an array is not float64: float32 has too few digits for differences.

    References
    ----------
    Chapter ch318, equation ``eq-central-difference``.
    """
    float64 = np.dtype(np.float64)
    for name, leaf in tree.leaves(point).items():
        checks.array(name or "point", leaf, np.shape(leaf), dtype=float64)
    point = tree.map(np.array, point)  # a copy, moved one number at a time

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
        The error of each array under its dotted name; 0 where both are zero, infinite where a
        number of either is NaN or infinite, never NaN.

    Raises
    ------
    ValueError
        If the structures or the shapes differ, or there are no numbers to compare.
    """
    tree.map(lambda *_: None, analytic, numeric)  # refuses trees that differ
    others = tree.leaves(numeric)
    errors = {
        name: _relative_error(name or "the gradients", a, others[name])
        for name, a in tree.leaves(analytic).items()
    }
    if not errors:
        raise ValueError("there is nothing to compare: no gradient has arrays")
    return errors


def _relative_error(name: str, a: Array, n: Array) -> float:
    if np.shape(a) != np.shape(n) or not np.size(a):
        raise ValueError(
            f"{name} must be two arrays of one shape, with numbers to compare;"
            f" got shapes {np.shape(a)} and {np.shape(n)}"
        )
    pair = np.array([a, n], np.float64)
    if not np.isfinite(pair).all():
        return np.inf  # NaN would be overlooked by max(errors.values())
    # In units of a power of two, so that their difference does not overflow.
    _, exponent = np.frexp(np.abs(pair).max())
    a, n = np.ldexp(pair, -exponent)
    scale = max(norm(a), norm(n))
    return float(norm(a - n) / scale) if scale else 0.0


def backward_errors(
    cell: Cell,
    params: Any,
    x: Array,
    *,
    rng: np.random.Generator,
    backward: Callable[..., Any] = sequence.backward,
) -> dict[str, float]:
    """Return the relative errors of a cell's backward pass, as `relative_errors` does.

    The loss is a random linear function of every hidden state and of the last states, from
    random initial states, so that every path carries a gradient.

    Parameters
    ----------
    cell : module
        ``rnn``, ``lstm``, ``gru``, ``coupled``, or a cell of your own.
    params : Params
        Float64 parameters.
    x : ndarray of shape (T, B, D) or (T, D)
        Inputs. Take T >= 3: many faults cannot show in one step.
    rng : numpy.random.Generator
        Source of the initial states and the loss.
    backward : callable
        The backward pass to be checked, called like ``sequence.backward``.

    Raises
    ------
    TypeError, ValueError
        If `params` or `x` does not suit the cell, or is not float64.
    """
    checks.generator(rng)
    checks.cell("cell", cell)
    shape = (*np.shape(x)[1:-1], params.H)
    initial = (rng.normal(size=shape) for _ in cell.STATES)
    point = sequence.grads_type(cell.STATES)(params, x, *initial)
    dh = rng.normal(size=(len(x), *shape))
    dlast = [rng.normal(size=shape) for _ in cell.STATES]

    def loss(point: Any) -> float:
        trace = sequence.forward(cell, *point)
        last = (state[-1] for state in trace.states.values())
        total = np.vdot(dh, trace.h[1:])
        return float(total + sum(map(np.vdot, dlast, last)))

    analytic = backward(sequence.forward(cell, *point), dh, *dlast)
    return relative_errors(analytic, numerical_gradient(loss, point))
