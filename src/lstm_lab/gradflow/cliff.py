r"""The loss of the smallest recurrent network has a cliff.

One unit without input, :math:`h_t = \tanh(w h_{t-1} + b)`, should reach a target after T steps.
It has two parameters, so that the whole landscape of the loss can be drawn.

Sources: R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural
networks", ICML (2013), figure 6, with a sigmoid instead of tanh.
"""

from dataclasses import dataclass

import numpy as np

from lstm_lab import checks
from lstm_lab.cells import rnn
from lstm_lab.numerics import Array, norm
from lstm_lab.optim import clip_by_global_norm
from lstm_lab.sequence import backward, forward

STEPS, INITIAL_STATE, TARGET = 50, 0.5, 0.7


@dataclass(frozen=True)
class Cliff:
    """The loss (N, M) on a grid of biases ``b`` (N,) and weights ``w`` (M,)."""

    w: Array
    b: Array
    loss: Array


def cliff(w: Array, b: Array) -> Cliff:
    r"""Return the loss :math:`(h_T - 0.7)^2` from :math:`h_0 = 0.5` after 50 steps, on a grid.

    References
    ----------
    Chapter ch317, equation ``eq-cliff``.
    """
    w, b = checks.array("w", w, ("M",)), checks.array("b", b, ("N",))
    h = np.full((b.size, w.size), INITIAL_STATE)
    for _ in range(STEPS):
        h = np.tanh(w * h + b[:, None])
    return Cliff(w, b, (h - TARGET) ** 2)


@dataclass(frozen=True)
class Descent:
    """A path of gradient descent: ``points`` (N + 1, 2) as (w, b), losses and gradient norms.

    ``losses`` and ``gradient_norms`` (N + 1,) are those at the points, before clipping.
    """

    points: Array
    losses: Array
    gradient_norms: Array
    clip: float | None


def descend(w: float, b: float, *, rate: float, steps: int, clip: float | None = None) -> Descent:
    """Follow the gradient of the loss down from ``(w, b)``, shortened to `clip` if that is given.

    References
    ----------
    Chapter ch317, equation ``eq-clipping``.
    """
    w, b = checks.finite_number("w", w), checks.finite_number("b", b)
    rate = checks.positive_number("rate", rate)
    clip = None if clip is None else checks.positive_number("clip", clip)
    point, path = np.array([w, b]), []
    for _ in range(checks.positive_int("steps", steps) + 1):
        loss, gradient = _loss_and_gradient(point)
        path.append((point, loss, norm(gradient)))
        if clip is not None:
            gradient, _ = clip_by_global_norm(gradient, clip)
        point = point - rate * gradient
    points, losses, norms = map(np.array, zip(*path, strict=True))
    return Descent(points, losses, norms, clip)


def _loss_and_gradient(point: Array) -> tuple[float, Array]:
    w, b = point
    idle = 0.0  # weight of the input, which is zero anyway
    params = rnn.Params(np.array([[idle, w]]), np.array([b]))
    h0 = np.array([INITIAL_STATE])
    trace = forward(rnn, params, np.zeros((STEPS, 1)), h0)
    error = trace.h[-1] - TARGET
    grads = backward(trace, None, 2 * error).params
    return float(error[0] ** 2), np.array([grads.W[0, 1], grads.b[0]])
