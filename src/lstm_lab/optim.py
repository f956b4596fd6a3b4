"""Optimizers as pure functions of trees: parameters in, new parameters out.

An optimizer is a frozen record of its hyperparameters. Both of its methods leave their
arguments and the dtype of the parameters as they are.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from lstm_lab import checks, tree


class Optimizer(Protocol):
    """What `SGD`, `Adam` and any optimizer of your own define."""

    def init(self, params: Any) -> Any:
        """Return the state before the first step."""

    def step(self, params: Any, grads: Any, state: Any) -> tuple[Any, Any]:
        """Return the parameters and the state after one step down the gradient."""


@dataclass(frozen=True)
class SGD:
    r"""Gradient descent: :math:`p \leftarrow p - \eta\,dp`, with learning rate :math:`\eta > 0`."""

    learning_rate: float

    def __post_init__(self) -> None:
        _check(self)

    def init(self, params: Any) -> tuple[()]:  # noqa: ARG002
        """Return the state, which is empty."""
        return ()

    def step(self, params: Any, grads: Any, state: Any) -> tuple[Any, Any]:
        """Return the parameters and the state after one step."""
        grads = _like(params, grads)
        return _descend(self.learning_rate, params, grads), state


class AdamState(NamedTuple):
    """The running means of the gradients and of their squares, and the number of steps."""

    mean: Any
    square: Any
    steps: int


@dataclass(frozen=True)
class Adam:
    r"""Adam: means of gradients and of their squares, both corrected for their start at zero.

    .. math::

        m \leftarrow \beta_1 m + (1 - \beta_1)\,dp, \qquad
        v \leftarrow \beta_2 v + (1 - \beta_2)\,dp^2, \qquad
        p \leftarrow p - \eta \, \frac{m / (1 - \beta_1^n)}
        {\sqrt{v / (1 - \beta_2^n)} + \epsilon} \qquad \text{in step } n = 1, 2, \dots

    Parameters
    ----------
    learning_rate : float
        :math:`\eta > 0`; hardly any number moves farther than that in a step.
    beta1, beta2 : float
        :math:`\beta_1, \beta_2` in [0, 1).
    epsilon : float
        Positive.

    References
    ----------
    D. P. Kingma and J. Ba, ICLR (2015), algorithm 1.
    """

    learning_rate: float
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _check(self)

    def init(self, params: Any) -> AdamState:
        """Return the state before the first step."""
        zeros = tree.map(np.zeros_like, params)
        return AdamState(zeros, zeros, 0)

    def step(self, params: Any, grads: Any, state: Any) -> tuple[Any, Any]:
        """Return the parameters and the state after one step."""
        grads, n = _like(params, grads), int(state.steps) + 1
        b1, b2, epsilon = self.beta1, self.beta2, self.epsilon
        mean = tree.map(lambda m, g: b1 * m + (1 - b1) * g, state.mean, grads)
        square = tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, state.square, grads)
        scaled = tree.map(
            lambda m, v: (m / (1 - b1**n)) / (np.sqrt(v / (1 - b2**n)) + epsilon), mean, square
        )
        new = _descend(self.learning_rate, params, scaled)
        return new, AdamState(mean, square, n)


class Clipped(NamedTuple):
    """Gradients of at most the allowed norm, and their norm before clipping."""

    grads: Any
    norm: float


def global_norm(values: Any) -> float:
    """Return the Euclidean norm of all numbers of a tree together.

    No square overflows. The norm is NaN or infinite if a number is.
    """
    largest, relative = _scaled_norm(values)
    return largest * relative


def clip_by_global_norm(grads: Any, max_norm: float) -> Clipped:
    r"""Return the gradients, shortened to a positive `max_norm` if their norm is larger.

    .. math:: dp \leftarrow dp \cdot \min(1, \text{max\_norm} / \lVert dp \rVert)

    Gradients that are not finite are returned as they are, with a norm that is not finite.

    References
    ----------
    R. Pascanu, T. Mikolov and Y. Bengio, ICML (2013), algorithm 1; ch317, ``eq-clipping``.
    """
    max_norm = checks.positive_number("max_norm", max_norm)
    largest, relative = _scaled_norm(grads)
    norm = largest * relative
    if not (norm > max_norm and np.isfinite(largest)):
        return Clipped(grads, norm)
    factor = max_norm / relative  # so that g / largest * factor is g * max_norm / norm
    return Clipped(tree.map(lambda g: g / largest * factor, grads), norm)


def _scaled_norm(values: Any) -> tuple[float, float]:
    """Return the largest magnitude, and the norm in units of it."""
    leaves = list(tree.leaves(values).values())
    largest = float(np.max([np.abs(leaf).max(initial=0) for leaf in leaves], initial=0))
    if largest == 0 or not np.isfinite(largest):
        return largest, 1.0
    squares = (np.square(leaf / largest).sum() for leaf in leaves)
    return largest, float(np.sqrt(sum(squares)))


def _descend(learning_rate: float, params: Any, direction: Any) -> Any:
    return tree.map(lambda p, d: p - learning_rate * d, params, direction)


def _like(params: Any, grads: Any) -> Any:
    """Return the gradients in the dtypes of the parameters, those of integers as floats."""
    return tree.map(
        lambda p, g: np.asarray(g, np.result_type(np.asarray(p), np.float16)), params, grads
    )


def _check(optimizer: Any) -> None:
    """Store the hyperparameters as plain floats, which leave the dtype of an array as it is."""
    for name, value in vars(optimizer).items():
        check = _decay if name.startswith("beta") else checks.positive_number
        object.__setattr__(optimizer, name, check(name, value))


def _decay(name: str, value: Any) -> float:
    number = checks.finite_number(name, value)
    if not 0 <= number < 1:
        raise ValueError(f"{name} must be in [0, 1), got {value}")
    return number
