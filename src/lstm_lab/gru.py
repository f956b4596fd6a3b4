r"""The gated recurrent unit: one state, an update gate and a reset gate.

.. math::

    z_t, r_t &= \sigma(W_z\,[x_t; h_{t-1}] + b_z),\; \sigma(W_r\,[x_t; h_{t-1}] + b_r) \\
    \tilde h_t &= \tanh(W_h\,[x_t; r_t \odot h_{t-1}] + b_h) \\
    h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot \tilde h_t

Here z *admits* the new state, as in Chung et al. (2014); in Cho et al. (2014), PyTorch,
Keras and ONNX it *keeps* the old one, which is the same unit with ``1 - z`` for ``z``.

The reset gate acts in one of two places, and these are two different units. Which one a
set of parameters belongs to is a part of the parameters, `Params.recurrent_bias`, and is
acted on in `recurrent_term` and its backward alone:

before the matrix product (``recurrent_bias`` is None), as in the formula,
    :math:`U_h (r_t \odot h_{t-1})`;
after it (``recurrent_bias`` is an array :math:`b_{hh}`), as in PyTorch and Keras,
    :math:`r_t \odot (U_h h_{t-1} + b_{hh})`,

where :math:`U_h` are the columns of :math:`W_h` that meet the state.

Sources: K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical
machine translation", EMNLP (2014); J. Chung et al., arXiv 1412.3555 (2014);
chapter ch318, equations ``eq-gru-gates`` and ``eq-gru-state``.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from lstm_lab import checks, packing
from lstm_lab.numerics import (
    Array,
    axis_sum,
    outer_sum,
    sigmoid,
    sigmoid_vjp,
    tanh_vjp,
)
from lstm_lab.packing import join, split, split_rows

# The packing order of W, b and gates: update, reset, candidate.
GATES = ("z", "r", "h")
STATES = ("h",)
Reset = Literal["before", "after"]


class Params(NamedTuple):
    """The weights ``W`` (3H, D + H) and biases ``b`` (3H,), packed in the order of `GATES`.

    ``recurrent_bias`` (H,) is there in the reset-after convention only, and makes it so.
    """

    W: Array
    b: Array
    recurrent_bias: Array | None = None

    @property
    def H(self) -> int:
        """Hidden size."""
        return len(self.b) // len(GATES)

    @property
    def D(self) -> int:
        """Input size."""
        return int(self.W.shape[1]) - self.H

    @property
    def reset(self) -> Reset:
        """Where the reset gate acts: before or after the matrix product."""
        return "before" if self.recurrent_bias is None else "after"


class Trace(NamedTuple):
    """What a forward pass leaves for the backward pass and for looking at.

    ``x`` (T, B, D), ``h`` (T + 1, B, H), ``gates`` (T, B, 3H) in the order of `GATES`.
    """

    x: Array
    h: Array
    gates: Array


class Grads(NamedTuple):
    """Gradients of the loss with respect to the parameters, the inputs and the initial state."""

    params: Params
    x: Array
    h0: Array


def init(
    D: int,
    H: int,
    *,
    rng: np.random.Generator,
    reset: Reset = "before",
    update_bias: float = 0.0,
    dtype: DTypeLike = np.float64,
) -> Params:
    """Draw the parameters as the book's listing does.

    Weights are normal with variance 1 / (D + H); biases are zero but for the update gate's.

    Parameters
    ----------
    D, H : int
        Input and hidden size, at least 1.
    rng : numpy.random.Generator
        Where the draws come from.
    reset : {"before", "after"}
        Where the reset gate acts: before or after the matrix product.
    update_bias : float
        Bias of the update gate; a negative one keeps more of the old state.
    dtype : dtype
        float64 or float32.

    Returns
    -------
    Params
        ``W`` (3H, D + H) and ``b`` (3H,); ``recurrent_bias`` (H,) if `reset` is "after".

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer, `rng` no generator, `reset` another word, or
        `update_bias` not finite.
    """
    if reset not in ("before", "after"):
        raise ValueError(f'reset must be "before" or "after", got {reset!r}')
    W, b = packing.draw(D, H, GATES, rng, dtype)
    b_z, _, _ = split_rows(b, GATES)
    b_z[:] = checks.finite_number("update_bias", update_bias)
    return Params(W, b, np.zeros(H, W.dtype) if reset == "after" else None)


def recurrent_term(params: Params, r: Array, h_prev: Array) -> Array:
    r"""Return what the candidate takes from the last state, in the parameters' convention.

    .. math:: U_h (r_t \odot h_{t-1}) \quad\text{or}\quad r_t \odot (U_h h_{t-1} + b_{hh})

    Parameters
    ----------
    params : Params
        The weights.
    r, h_prev : ndarrays of shape (..., H)
        Reset gate, and the state before.

    Returns
    -------
    ndarray of shape (..., H)
        A term of the candidate's pre-activation.
    """
    U_h = split_rows(params.W[:, params.D :], GATES)[-1]
    if params.recurrent_bias is None:
        return (r * h_prev) @ U_h.T
    return r * (h_prev @ U_h.T + params.recurrent_bias)


def recurrent_term_vjp(
    params: Params, da_h: Array, r: Array, h_prev: Array
) -> tuple[Array, Array]:
    """Pull the cotangent of the candidate's pre-activation back through `recurrent_term`.

    Parameters
    ----------
    params : Params
        The weights.
    da_h : ndarray of shape (..., H)
        Gradient with respect to the candidate's pre-activation.
    r, h_prev : ndarrays of shape (..., H)
        Reset gate, and the state before.

    Returns
    -------
    dr, dh_prev : ndarrays of shape (..., H)
        Gradients with respect to both.
    """
    U_h = split_rows(params.W[:, params.D :], GATES)[-1]
    if params.recurrent_bias is None:
        dreset = da_h @ U_h  # with respect to r * h_prev
        return dreset * h_prev, dreset * r
    return da_h * (h_prev @ U_h.T + params.recurrent_bias), (da_h * r) @ U_h


def recurrent_term_grads(
    params: Params, da_h: Array, r: Array, h_prev: Array
) -> tuple[Array, Array | None]:
    """Return the gradients with respect to the weights within `recurrent_term`.

    Parameters
    ----------
    params : Params
        The weights.
    da_h : ndarray of shape (T, B, H)
        Gradient with respect to the candidate's pre-activations.
    r, h_prev : ndarrays of shape (T, B, H)
        Reset gates, and the states before.

    Returns
    -------
    dU_h : ndarray of shape (H, H)
        Gradient with respect to the columns of ``W_h`` that meet the state.
    dbias : ndarray of shape (H,) or None
        Gradient with respect to ``recurrent_bias``.
    """
    if params.recurrent_bias is None:
        return outer_sum(da_h, r * h_prev), None
    return outer_sum(da_h * r, h_prev), axis_sum(da_h * r)


def update(params: Params, a: Array, h_prev: Array) -> tuple[Array, Array]:
    r"""Return the new state and the gates: the equations of the GRU.

    .. math::

        h_t = (1 - z_t) \odot h_{t-1} + z_t \odot \tilde h_t

    Parameters
    ----------
    params : Params
        The weights, for the matrix product that waits for the reset gate.
    a : ndarray of shape (..., 3H)
        Pre-activations in the order of `GATES`, the candidate's without `recurrent_term`.
    h_prev : ndarray of shape (..., H)
        The state before.

    Returns
    -------
    h : ndarray of shape (..., H)
        The state after.
    gates : ndarray of shape (..., 3H)
        Update gate, reset gate and candidate, in the order of `GATES`.
    """
    a_z, a_r, a_h = split(a, GATES)
    z, r = sigmoid(a_z), sigmoid(a_r)
    candidate = np.tanh(a_h + recurrent_term(params, r, h_prev))
    h = (1 - z) * h_prev + z * candidate
    return h, join(z, r, candidate)


def update_vjp(
    params: Params, dh: Array, gates: Array, h_prev: Array
) -> tuple[Array, Array]:
    r"""Pull the cotangent of the new state back through `update`.

    .. math::

        da^z_t = dh_t \odot (\tilde h_t - h_{t-1}) \odot z_t (1 - z_t), \qquad
        da^h_t = dh_t \odot z_t \odot (1 - \tilde h_t^2)

    Parameters
    ----------
    params : Params
        The weights.
    dh : ndarray of shape (..., H)
        Gradient with respect to the new state.
    gates : ndarray of shape (..., 3H)
        The gates of the step.
    h_prev : ndarray of shape (..., H)
        The state before.

    Returns
    -------
    da : ndarray of shape (..., 3H)
        Gradient with respect to the pre-activations.
    dh_prev : ndarray of shape (..., H)
        Gradient with respect to `h_prev`, but for its part through `a`.
    """
    z, r, candidate = split(gates, GATES)
    da_z = sigmoid_vjp(dh * (candidate - h_prev), z)
    da_h = tanh_vjp(dh * z, candidate)
    dr, dh_prev = recurrent_term_vjp(params, da_h, r, h_prev)
    return join(da_z, sigmoid_vjp(dr, r), da_h), dh_prev + dh * (1 - z)


def preactivation(params: Params, x: Array, h_prev: Array) -> Array:
    """Return ``W [x; h_prev] + b``, without the candidate's `recurrent_term`.

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
    ndarray of shape (..., 3H)
        Pre-activations, in the order of `GATES`.
    """
    a = x @ params.W[:, : params.D].T + params.b
    U_z, U_r, _ = split_rows(params.W[:, params.D :], GATES)
    a_z, a_r, _ = split(a, GATES)
    a_z += h_prev @ U_z.T
    a_r += h_prev @ U_r.T
    return a


def forward(params: Params, x: Array, h0: Array | None = None) -> Trace:
    """Run the network over whole sequences.

    Parameters
    ----------
    params : Params
        The weights; they say where the reset gate acts.
    x : ndarray of shape (T, B, D) or (T, D)
        Inputs, of the parameters' dtype.
    h0 : ndarray of shape (B, H) or (H,), optional
        Initial state; zeros where it is None.

    Returns
    -------
    Trace
        Inputs, all T + 1 states, and the gates of all T steps.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.
    """
    D, H = _check(params)
    x = checks.sequence(x, D, params.b.dtype)
    T, *batch = x.shape[:-1]
    h = np.empty((T + 1, *batch, H), x.dtype)
    gates = np.empty((T, *batch, len(GATES) * H), x.dtype)
    h[0] = checks.like("h0", h0, (*batch, H), x.dtype)
    for t in range(T):
        h[t + 1], gates[t] = update(
            params, preactivation(params, x[t], h[t]), h[t]
        )
    return Trace(x, h, gates)


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
    da : ndarray of shape (..., 3H)
        Gradient with respect to the pre-activations.
    dx : ndarray of shape (..., D)
        Gradient with respect to ``x[t]``.
    dstate : tuple of one ndarray of shape (..., H)
        Gradient with respect to ``h[t]``.
    """
    da, dh_prev = update_vjp(params, dh, trace.gates[t], trace.h[t])
    W_x, U = np.split(params.W, [params.D], axis=1)
    U_z, U_r, _ = split_rows(U, GATES)
    da_z, da_r, _ = split(da, GATES)
    return da, da @ W_x, (dh_prev + da_z @ U_z + da_r @ U_r,)


def weight_grads(params: Params, trace: Trace, da: Array) -> Params:
    """Return the gradient with respect to the weights, summed over steps and examples.

    Parameters
    ----------
    params : Params
        The weights of the forward pass.
    trace : Trace
        What `forward` returned.
    da : ndarray of shape (T, B, 3H) or (T, 3H)
        Gradients with respect to the pre-activations.

    Returns
    -------
    Params
        The gradient.
    """
    dW = outer_sum(da, join(trace.x, trace.h[:-1]))
    dU_h = split_rows(dW[:, params.D :], GATES)[-1]
    _, _, da_h = split(da, GATES)
    _, r, _ = split(trace.gates, GATES)
    dU_h[:], dbias = recurrent_term_grads(params, da_h, r, trace.h[:-1])
    return Params(dW, axis_sum(da), dbias)


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
    D, H = _check(params)
    checks.trace(trace, Trace, D, H, len(GATES), params.b.dtype)
    x, h, gates = trace
    dh = checks.like("dh", dh, h[1:].shape, x.dtype)
    dh_prev = checks.like("dh_T", dh_T, h[0].shape, x.dtype)
    da, dx = np.empty_like(gates), np.empty_like(x)
    for t in reversed(range(len(x))):
        da[t], dx[t], (dh_prev,) = step_vjp(params, trace, t, dh_prev + dh[t])
    return Grads(weight_grads(params, trace, da), dx, dh_prev)


def _check(params: Params) -> tuple[int, int]:
    D, H = packing.check(params, Params, GATES)
    if params.recurrent_bias is not None:
        checks.array(
            "params.recurrent_bias",
            params.recurrent_bias,
            (H,),
            dtype=params.b.dtype,
        )
    return D, H


class GRUCell:
    """A GRU cell, one step at a time, with the reset gate before the matrix product.

    Parameters
    ----------
    input_dim, hidden_dim : int
        Input size D and hidden size H.
    seed : int
        Of the generator that draws the weights.

    Attributes
    ----------
    W_z, W_r, W_h : ndarrays of shape (H, D + H)
        Weights of the update gate, the reset gate and the candidate.
    b_z, b_r, b_h : ndarrays of shape (H,)
        Their biases, zero at first.
    H : int
        Hidden size.
    """

    def __init__(self, input_dim: int, hidden_dim: int, seed: int = 0) -> None:
        input_dim = checks.positive_int("input_dim", input_dim)
        hidden_dim = checks.positive_int("hidden_dim", hidden_dim)
        rng = np.random.default_rng(seed)
        params = init(input_dim, hidden_dim, rng=rng)
        self.W_z, self.W_r, self.W_h = split_rows(params.W, GATES)
        self.b_z, self.b_r, self.b_h = split_rows(params.b, GATES)
        self.H = hidden_dim

    @property
    def params(self) -> Params:
        """The weights as the functions of this module take them."""
        W = np.concatenate([self.W_z, self.W_r, self.W_h])
        return Params(W, np.concatenate([self.b_z, self.b_r, self.b_h]))

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
        params = self.params
        D, H = _check(params)
        x, h_prev = checks.step(D, H, params.b.dtype, x, h_prev=h_prev)
        h, _ = update(params, preactivation(params, x, h_prev), h_prev)
        return h
