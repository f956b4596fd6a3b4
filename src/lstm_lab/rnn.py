r"""The vanilla recurrent network: one tanh layer that reads its own last output.

.. math::

    a_t = W\,[x_t; h_{t-1}] + b, \qquad h_t = \tanh(a_t)

Index 0 of ``trace.h`` is the initial state, so step t of the code (counted from 0)
reads ``x[t]`` and ``h[t]`` and writes ``h[t + 1]``.

Sources: J. L. Elman, "Finding structure in time", Cognitive Science 14 (1990);
chapter ch318, equation ``eq-rnn``.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from lstm_lab import checks, kernels, packing
from lstm_lab.numerics import Array, axis_sum, outer_sum, tanh_vjp
from lstm_lab.packing import join

GATES = ("h",)
STATES = ("h",)


class Params(NamedTuple):
    """The weights ``W`` (H, D + H), on the input and the last state, and biases ``b`` (H,)."""

    W: Array
    b: Array

    @property
    def H(self) -> int:
        """Hidden size."""
        return len(self.b) // len(GATES)

    @property
    def D(self) -> int:
        """Input size."""
        return int(self.W.shape[1]) - self.H

    @property
    def gates(self) -> tuple[str, ...]:
        """Names of the gates whose blocks ``W`` and ``b`` hold, in packing order."""
        return GATES


class Trace(NamedTuple):
    """What a forward pass leaves: inputs ``x`` (T, B, D) and states ``h`` (T + 1, B, H)."""

    x: Array
    h: Array


class Grads(NamedTuple):
    """Gradients of the loss with respect to the parameters, the inputs and the initial state."""

    params: Params
    x: Array
    h0: Array


def init(
    D: int, H: int, *, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> Params:
    """Draw the parameters as the book's listing does.

    Weights are normal with variance 1 / (D + H), biases are zero.

    Parameters
    ----------
    D, H : int
        Input and hidden size, at least 1.
    rng : numpy.random.Generator
        Where the draws come from.
    dtype : dtype
        float64 or float32.

    Returns
    -------
    Params
        ``W`` (H, D + H) and ``b`` (H,).

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer, or `rng` no generator.
    """
    return Params(*packing.draw(D, H, GATES, rng, dtype))


def update(a: Array) -> Array:
    r"""Return the new state.

    .. math:: h_t = \tanh(a_t)

    Parameters
    ----------
    a : ndarray of shape (..., H)
        Pre-activations.

    Returns
    -------
    ndarray of shape (..., H)
        The state ``h``, in (-1, 1).
    """
    return np.tanh(a)


def update_vjp(dh: Array, h: Array) -> Array:
    r"""Pull the cotangent of the new state back through `update`.

    .. math:: da_t = dh_t \odot (1 - h_t^2)

    Parameters
    ----------
    dh : ndarray of shape (..., H)
        Gradient of the loss with respect to the new state.
    h : ndarray of shape (..., H)
        The new state.

    Returns
    -------
    ndarray of shape (..., H)
        Gradient with respect to the pre-activations.
    """
    return tanh_vjp(dh, h)


def preactivation(params: Params, x: Array, h_prev: Array) -> Array:
    """Return ``W [x; h_prev] + b``.

    Parameters
    ----------
    params : Params
        The weights.
    x : ndarray of shape (..., D)
        Inputs of one step.
    h_prev : ndarray of shape (..., H)
        The state before it.

    Returns
    -------
    ndarray of shape (..., H)
        Pre-activations.
    """
    return join(x, h_prev) @ params.W.T + params.b


def kernel(
    params: Params, T: int, batch: Sequence[int]
) -> tuple[Trace, Callable[[], None]]:
    """Return an empty trace, and the function that fills it from ``x`` and ``h[0]``.

    Parameters
    ----------
    params : Params
        The weights.
    T : int
        Number of steps.
    batch : sequence of int
        ``(B,)``, or empty for one sequence.

    Returns
    -------
    trace : Trace
        Where inputs and initial state are to be written, and the other states are found.
    run : callable
        Computes every `update` in place.
    """
    dtype = params.W.dtype
    rows, x, h = kernels.rows(T, batch, params.D, params.H, dtype)
    (W,) = kernels.augmented(params, 1)
    a = np.empty((*batch, params.H), dtype)
    multiply, rows, W, (product,) = kernels.step_products(
        rows, W, a[np.newaxis]
    )

    def run() -> None:
        for row, h_next in zip(rows, h[1:], strict=True):
            multiply(row, W, out=product)
            np.tanh(a, out=h_next)

    return Trace(x, h), run


def forward(params: Params, x: Array, h0: Array | None = None) -> Trace:
    """Run the network over whole sequences.

    Parameters
    ----------
    params : Params
        The weights.
    x : ndarray of shape (T, B, D) or (T, D)
        Inputs, of the parameters' dtype.
    h0 : ndarray of shape (B, H) or (H,), optional
        Initial state; zeros where it is None.

    Returns
    -------
    Trace
        The inputs and all T + 1 states; ``h[0]`` is the initial one.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.
    """
    D, H = packing.check(params, Params, GATES)
    x = checks.sequence(x, D, params.b.dtype)
    T, *batch = x.shape[:-1]
    trace, run = kernel(params, T, batch)
    trace.x[:] = x
    trace.h[0] = checks.like("h0", h0, (*batch, H), x.dtype)
    run()
    return trace


def infer(
    params: Params, x: Array, h0: Array | None = None
) -> tuple[Array, tuple[Array, ...]]:
    """Run the network over whole sequences without keeping what a backward pass needs.

    Parameters
    ----------
    params : Params
        The weights.
    x : ndarray of shape (T, B, D) or (T, D)
        Inputs, of the parameters' dtype.
    h0 : ndarray of shape (B, H) or (H,), optional
        Initial state; zeros where it is None.

    Returns
    -------
    h : ndarray of shape (T, B, H) or (T, H)
        The hidden states h_1 ... h_T. The memory taken beyond them does not grow with T.
    last : tuple of one ndarray of shape (B, H) or (H,)
        The state after the last step.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.
    """
    D, H = packing.check(params, Params, GATES)
    x = checks.sequence(x, D, params.b.dtype)
    shape = (*x.shape[1:-1], H)
    h0 = checks.like("h0", h0, shape, x.dtype)
    return kernels.stream(kernel, params, x, h0)


def step_vjp(
    params: Params, trace: Trace, t: int, dh: Array
) -> tuple[Array, Array, tuple[Array]]:
    """Pull the cotangent of the state that step t wrote back through that step.

    Parameters
    ----------
    params : Params
        The weights of the forward pass.
    trace : Trace
        What `forward` returned.
    t : int
        The step, counted from 0.
    dh : ndarray of shape (..., H)
        Gradient with respect to ``trace.h[t + 1]``; leading axes broadcast, so that many
        cotangents can be pulled back at once.

    Returns
    -------
    da : ndarray of shape (..., H)
        Gradient with respect to the pre-activations.
    dx : ndarray of shape (..., D)
        Gradient with respect to ``x[t]``.
    dstate : tuple of one ndarray of shape (..., H)
        Gradient with respect to ``h[t]``.
    """
    da = update_vjp(dh, trace.h[t + 1])
    dx, dh_prev = np.split(da @ params.W, [params.D], axis=-1)
    return da, dx, (dh_prev,)


def weight_grads(_params: Params, trace: Trace, da: Array) -> Params:
    """Return the gradient with respect to the weights, summed over steps and examples.

    Parameters
    ----------
    _params : Params
        The weights of the forward pass; only the GRU needs them.
    trace : Trace
        What `forward` returned.
    da : ndarray of shape (T, B, H) or (T, H)
        Gradients with respect to the pre-activations.

    Returns
    -------
    Params
        The gradient.
    """
    dW = outer_sum(da, join(trace.x, trace.h[:-1]))
    return Params(dW, axis_sum(da))


def pull_back(
    params: Params, trace: Trace, dh: Array, dh_T: Array
) -> tuple[Array, tuple[Array]]:
    """Pull cotangents back through all steps, as `step_vjp` does through one, in place.

    Parameters
    ----------
    params : Params
        The weights of the forward pass.
    trace : Trace
        What `forward` returned.
    dh : ndarray of shape (T, B, H) or (T, H)
        Gradient of the loss with respect to the states h_1 ... h_T.
    dh_T : ndarray of shape (B, H) or (H,)
        A further gradient with respect to the last state.

    Returns
    -------
    da : ndarray of shape (T, B, H) or (T, H)
        Gradients with respect to the pre-activations.
    dstate : tuple of one ndarray of shape (B, H) or (H,)
        Gradient with respect to the initial state.
    """
    h = trace.h[1:]
    da = 1 - h * h  # for now the slopes of the tanh; the loop makes da of them
    dh_t = np.array(dh_T)
    multiply, rows, U, (product,) = kernels.step_products(
        da, params.W[:, params.D :], dh_t[np.newaxis]
    )
    for da_t, row, dh_out in zip(da[::-1], rows[::-1], dh[::-1], strict=True):
        np.add(dh_t, dh_out, out=dh_t)
        np.multiply(da_t, dh_t, out=da_t)
        multiply(
            row, U, out=product
        )  # into dh_t: its share through the next state
    return da, (dh_t,)


def backward(
    params: Params,
    trace: Trace,
    dh: Array | None = None,
    dh_T: Array | None = None,
) -> Grads:
    """Backpropagate through time.

    Parameters
    ----------
    params : Params
        The weights of the forward pass.
    trace : Trace
        What `forward` returned.
    dh : ndarray of shape (T, B, H) or (T, H), optional
        Gradient of the loss with respect to the states h_1 ... h_T; zeros where it is None.
    dh_T : ndarray of shape (B, H) or (H,), optional
        A further gradient with respect to the last state; zeros where it is None.

    Returns
    -------
    Grads
        Gradients with respect to the parameters, the inputs and the initial state.

    Raises
    ------
    TypeError, ValueError
        If the trace is of another architecture, or an argument has the wrong dtype or shape.
    """
    D, H = packing.check(params, Params, GATES)
    checks.trace(trace, Trace, D, H, len(GATES), params.b.dtype)
    dh = checks.like("dh", dh, trace.h[1:].shape, params.b.dtype)
    dh_T = checks.like("dh_T", dh_T, trace.h[0].shape, params.b.dtype)
    dparams, dx, dstates = kernels.backpropagate(
        pull_back, weight_grads, params, trace, dh, dh_T
    )
    return Grads(dparams, dx, *dstates)


class RNNCell:
    """A vanilla recurrent cell, one step at a time.

    Parameters
    ----------
    input_dim, hidden_dim : int
        Input size D and hidden size H.
    seed : int
        Of the generator that draws the weights.

    Attributes
    ----------
    W : ndarray of shape (H, D + H)
        Weights, on the input and the last state.
    b : ndarray of shape (H,)
        Biases, zero at first.
    H : int
        Hidden size.
    """

    def __init__(self, input_dim: int, hidden_dim: int, seed: int = 0) -> None:
        input_dim = checks.positive_int("input_dim", input_dim)
        hidden_dim = checks.positive_int("hidden_dim", hidden_dim)
        rng = np.random.default_rng(checks.seed(seed))
        self.W, self.b = init(input_dim, hidden_dim, rng=rng)
        self.H = hidden_dim

    @property
    def params(self) -> Params:
        """The weights as the functions of this module take them."""
        return Params(self.W, self.b)

    def forward(self, x: ArrayLike, h_prev: ArrayLike) -> Array:
        """Return the state after one step.

        Parameters
        ----------
        x : array_like of shape (D,) or (B, D)
            Input.
        h_prev : array_like of shape (H,) or (B, H)
            The state before.

        Returns
        -------
        ndarray of shape (H,) or (B, H)
            The state after.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, or is not finite.
        """
        D, H = packing.check(self.params, Params, GATES)
        x, h_prev = checks.step(D, H, self.b.dtype, x, h_prev=h_prev)
        return update(preactivation(self.params, x, h_prev))
