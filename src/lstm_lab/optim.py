"""Ways to step downhill, as pure functions of trees: parameters in, new parameters out.

An optimizer is a frozen record of its hyperparameters. ``init(params)`` returns its first
state and ``step(params, grads, state)`` the parameters and the state after one step; no
argument is modified, every dtype stays, and an absent array (``None``) stays absent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from lstm_lab import checks, tree
from lstm_lab.numerics import Array

Tree = TypeVar("Tree", bound=Any)


class Optimizer(Protocol):
    """What `SGD`, `Momentum`, `RMSprop` and `Adam` have in common, as a type."""

    def init(self, params: Any) -> Any:
        """Return the state before the first step."""

    def step(self, params: Tree, grads: Tree, state: Any) -> tuple[Tree, Any]:
        """Return the parameters and the state after one step."""


@dataclass(frozen=True)
class SGD:
    r"""Plain gradient descent, on whatever batch the gradient comes from.

    .. math:: p \leftarrow p - \eta\,dp

    Parameters
    ----------
    learning_rate : float
        The step size :math:`\eta > 0`.
    """

    learning_rate: float

    def __post_init__(self) -> None:
        _store(self, learning_rate=_positive)

    def init(self, params: Any) -> tuple[()]:  # noqa: ARG002
        """Return the state before the first step: there is nothing to remember.

        Parameters
        ----------
        params : tree of ndarrays
            The parameters.

        Returns
        -------
        tuple
            Empty.
        """
        return ()

    def step(
        self, params: Tree, grads: Tree, state: tuple[()]
    ) -> tuple[Tree, tuple[()]]:
        """Return the parameters and the state after one step.

        Parameters
        ----------
        params, grads : trees of ndarrays of one structure
            The parameters, and the gradient of the loss with respect to them.
        state : tuple
            What `init` or the last step returned.

        Returns
        -------
        params : tree of ndarrays
            The new parameters.
        state : tuple
            For the next step.
        """
        grads = _like(params, grads)
        return _descend(self.learning_rate, params, grads), state


@dataclass(frozen=True)
class Momentum:
    r"""Gradient descent with a velocity, the decaying sum of all gradients so far.

    .. math:: v \leftarrow \mu v + dp, \qquad p \leftarrow p - \eta v

    Parameters
    ----------
    learning_rate : float
        The step size :math:`\eta > 0`.
    momentum : float
        The decay :math:`\mu` in [0, 1).

    References
    ----------
    B. T. Polyak, USSR Computational Mathematics and Mathematical Physics 4 (1964).
    """

    learning_rate: float
    momentum: float = 0.9

    def __post_init__(self) -> None:
        _store(self, learning_rate=_positive, momentum=_decay)

    def init(self, params: Tree) -> Tree:
        """Return the state before the first step: a velocity of zero.

        Parameters
        ----------
        params : tree of ndarrays
            The parameters.

        Returns
        -------
        tree of ndarrays
            The velocity v, of the type of `params`.
        """
        return _zeros(params)

    def step(self, params: Tree, grads: Tree, state: Tree) -> tuple[Tree, Tree]:
        """Return the parameters and the state after one step.

        Parameters
        ----------
        params, grads : trees of ndarrays of one structure
            The parameters, and the gradient of the loss with respect to them.
        state : tree of ndarrays
            What `init` or the last step returned.

        Returns
        -------
        params : tree of ndarrays
            The new parameters.
        state : tree of ndarrays
            For the next step.
        """
        grads = _like(params, grads)
        velocity = tree.map(lambda v, g: self.momentum * v + g, state, grads)
        return _descend(self.learning_rate, params, velocity), velocity


@dataclass(frozen=True)
class RMSprop:
    r"""Gradient descent by steps that are relative to the recent size of each gradient.

    .. math::

        v \leftarrow \rho v + (1 - \rho)\,dp^2, \qquad
        p \leftarrow p - \eta \, \frac{dp}{\sqrt{v} + \epsilon}

    Parameters
    ----------
    learning_rate : float
        The step size :math:`\eta > 0`.
    decay : float
        The decay :math:`\rho` in [0, 1) of the mean square.
    epsilon : float
        A positive number that keeps the denominator from zero.

    References
    ----------
    T. Tieleman and G. E. Hinton, Neural Networks for Machine Learning, lecture 6.5 (2012).
    """

    learning_rate: float
    decay: float = 0.9
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _store(self, learning_rate=_positive, decay=_decay, epsilon=_positive)

    def init(self, params: Tree) -> Tree:
        """Return the state before the first step: mean squares of zero.

        Parameters
        ----------
        params : tree of ndarrays
            The parameters.

        Returns
        -------
        tree of ndarrays
            The mean squares v, of the type of `params`.
        """
        return _zeros(params)

    def step(self, params: Tree, grads: Tree, state: Tree) -> tuple[Tree, Tree]:
        """Return the parameters and the state after one step.

        Parameters
        ----------
        params, grads : trees of ndarrays of one structure
            The parameters, and the gradient of the loss with respect to them.
        state : tree of ndarrays
            What `init` or the last step returned.

        Returns
        -------
        params : tree of ndarrays
            The new parameters.
        state : tree of ndarrays
            For the next step.
        """
        grads = _like(params, grads)
        square = tree.map(
            lambda v, g: self.decay * v + (1 - self.decay) * g * g, state, grads
        )
        scaled = tree.map(
            lambda g, v: g / (np.sqrt(v) + self.epsilon), grads, square
        )
        return _descend(self.learning_rate, params, scaled), square


class AdamState(NamedTuple):
    """The means of the gradients and of their squares so far, and the number of steps."""

    mean: Any
    square: Any
    steps: int


@dataclass(frozen=True)
class Adam:
    r"""Momentum and relative step sizes, both corrected for having started from zero.

    .. math::

        m \leftarrow \beta_1 m + (1 - \beta_1)\,dp, \qquad
        v \leftarrow \beta_2 v + (1 - \beta_2)\,dp^2, \qquad
        p \leftarrow p - \eta \, \frac{m / (1 - \beta_1^n)}
        {\sqrt{v / (1 - \beta_2^n)} + \epsilon} \qquad \text{in step } n = 1, 2, \dots

    Parameters
    ----------
    learning_rate : float
        The step size :math:`\eta > 0`; no number moves much farther than that in a step.
    beta1, beta2 : float
        The decays :math:`\beta_1, \beta_2` in [0, 1) of the mean and of the mean square.
    epsilon : float
        A positive number that keeps the denominator from zero.

    References
    ----------
    D. P. Kingma and J. Ba, ICLR (2015), algorithm 1.
    """

    learning_rate: float
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _store(
            self,
            learning_rate=_positive,
            beta1=_decay,
            beta2=_decay,
            epsilon=_positive,
        )

    def init(self, params: Any) -> AdamState:
        """Return the state before the first step: means of zero.

        Parameters
        ----------
        params : tree of ndarrays
            The parameters.

        Returns
        -------
        AdamState
            Two trees of the type of `params`, and no step done.
        """
        return AdamState(_zeros(params), _zeros(params), 0)

    def step(
        self, params: Tree, grads: Tree, state: AdamState
    ) -> tuple[Tree, AdamState]:
        """Return the parameters and the state after one step.

        Parameters
        ----------
        params, grads : trees of ndarrays of one structure
            The parameters, and the gradient of the loss with respect to them.
        state : AdamState
            What `init` or the last step returned.

        Returns
        -------
        params : tree of ndarrays
            The new parameters.
        state : AdamState
            For the next step.
        """
        grads, n = _like(params, grads), int(state.steps) + 1
        mean = tree.map(
            lambda m, g: self.beta1 * m + (1 - self.beta1) * g,
            state.mean,
            grads,
        )
        square = tree.map(
            lambda v, g: self.beta2 * v + (1 - self.beta2) * g * g,
            state.square,
            grads,
        )

        def direction(m: Array, v: Array) -> Array:
            m_hat, v_hat = m / (1 - self.beta1**n), v / (1 - self.beta2**n)
            step: Array = m_hat / (np.sqrt(v_hat) + self.epsilon)
            return step

        scaled = tree.map(direction, mean, square)
        new = _descend(self.learning_rate, params, scaled)
        return new, AdamState(mean, square, n)


class Clipped(NamedTuple):
    """Gradients of at most the norm that was allowed, and the norm that they had before."""

    grads: Any
    norm: float


def global_norm(values: Any) -> float:
    r"""Return the Euclidean norm of all numbers of a tree together.

    .. math:: \lVert p \rVert = s \sqrt{\textstyle\sum (p / s)^2}, \qquad s = \max |p|

    No square is taken of a number larger than 1, so that none overflows.

    Parameters
    ----------
    values : tree of ndarrays
        For example the gradients of a network.

    Returns
    -------
    float
        The norm; NaN or infinite where a number is.
    """
    largest, relative = _scaled_norm(values)
    return largest * relative


def clip_by_global_norm(grads: Any, max_norm: float) -> Clipped:
    r"""Return the gradients, shortened to a norm where theirs is larger, and their own norm.

    .. math:: dp \leftarrow dp \cdot \min(1, \text{max\_norm} / \lVert dp \rVert)

    The direction stays; see `global_norm` for why huge gradients do not overflow.

    Parameters
    ----------
    grads : tree of ndarrays
        The gradients.
    max_norm : float
        The norm that is allowed, positive.

    Returns
    -------
    Clipped
        ``grads``, and their ``norm`` before. Gradients that are not finite have no direction and
        come back as they are, with a norm that is not finite.

    Raises
    ------
    TypeError, ValueError
        If `max_norm` is no positive finite number.

    References
    ----------
    R. Pascanu, T. Mikolov and Y. Bengio, ICML (2013), algorithm 1.
    """
    max_norm = _positive("max_norm", max_norm)
    largest, relative = _scaled_norm(grads)
    norm = largest * relative
    if not (norm > max_norm and np.isfinite(largest)):
        return Clipped(grads, norm)
    factor = max_norm / relative
    return Clipped(tree.map(lambda g: g / largest * factor, grads), norm)


def _scaled_norm(values: Any) -> tuple[float, float]:
    """Return the largest magnitude and the norm in units of it."""
    leaves = list(tree.leaves(values).values())
    largest = float(
        np.max([np.abs(leaf).max(initial=0) for leaf in leaves], initial=0)
    )
    if largest == 0 or not np.isfinite(largest):
        return largest, 1.0
    squares = (np.square(leaf / largest).sum() for leaf in leaves)
    return largest, float(np.sqrt(sum(squares)))


def _descend(learning_rate: float, params: Tree, direction: Tree) -> Tree:
    new: Tree = tree.map(lambda p, d: p - learning_rate * d, params, direction)
    return new


def _zeros(params: Tree) -> Tree:
    zeros: Tree = tree.map(np.zeros_like, params)
    return zeros


def _positive(name: str, value: Any) -> float:
    number = checks.finite_number(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be positive, got {value}")
    return number


def _decay(name: str, value: Any) -> float:
    number = checks.finite_number(name, value)
    if not 0 <= number < 1:
        raise ValueError(f"{name} must be in [0, 1), got {value}")
    return number


def _store(optimizer: Any, **checked: Callable[[str, Any], float]) -> None:
    # A plain float leaves the dtype of an array as it is; NumPy's float64 would not.
    for name, check in checked.items():
        number = check(name, getattr(optimizer, name))
        object.__setattr__(optimizer, name, number)


def _like(params: Tree, grads: Tree) -> Tree:
    """Return the gradients in the dtypes of the parameters, those of integers as floats."""

    def cast(p: Array, g: Array) -> Array:
        return np.asarray(g, np.result_type(np.asarray(p), np.float16))

    alike: Tree = tree.map(cast, params, grads)
    return alike
