r"""The gated recurrent unit: one state, an update gate and a reset gate.

.. math::

    z_t &= \sigma(W_z\,[x_t; h_{t-1}] + b_z) \\
    r_t &= \sigma(W_r\,[x_t; h_{t-1}] + b_r) \\
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

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from lstm_lab import checks, kernels, packing
from lstm_lab.numerics import (
    Array,
    axis_sum,
    outer_sum,
    sigmoid,
    sigmoid_vjp,
    tanh_vjp,
)
from lstm_lab.packing import apart, join, split, split_rows

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
    def gates(self) -> tuple[str, ...]:
        """Names of the gates whose blocks ``W`` and ``b`` hold, in packing order."""
        return GATES

    @property
    def reset(self) -> Reset:
        """Where the reset gate acts: before or after the matrix product."""
        return "before" if self.recurrent_bias is None else "after"


class Trace(NamedTuple):
    """What a forward pass leaves for the backward pass and for looking at.

    ``x`` (T, B, D), ``h`` (T + 1, B, H), ``gates`` (T, B, 3, H) in the order of `GATES`.
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
    gates : ndarray of shape (..., 3, H)
        Update gate, reset gate and candidate, in the order of `GATES`.
    """
    a_z, a_r, a_h = split(a, GATES)
    z, r = sigmoid(a_z), sigmoid(a_r)
    candidate = np.tanh(a_h + recurrent_term(params, r, h_prev))
    h = (1 - z) * h_prev + z * candidate
    return h, np.stack([z, r, candidate], axis=-2)


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
    gates : ndarray of shape (..., 3, H)
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
    z, r, candidate = apart(gates)
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


def kernel(
    params: Params, T: int, batch: Sequence[int]
) -> tuple[Trace, Callable[[], None]]:
    """Return an empty trace, and the function that fills it from ``x`` and ``h[0]``.

    Parameters
    ----------
    params : Params
        The weights; they say where the reset gate acts.
    T : int
        Number of steps.
    batch : sequence of int
        ``(B,)``, or empty for one sequence.

    Returns
    -------
    trace : Trace
        Where inputs and initial state are to be written, and all else is found.
    run : callable
        Computes every `update` in place.
    """
    D, H, dtype = params.D, params.H, params.W.dtype
    rows, x, h = kernels.rows(T, batch, D, H, dtype)
    blocks, gates = kernels.gates(T, batch, len(GATES), H, dtype)
    z, r, candidate = apart(gates)
    half = np.array(0.5, dtype)
    W_zr: Array = kernels.augmented(params, len(GATES))[:2] * half
    *_, W_h = split_rows(params.W, GATES)
    *_, b_h = split_rows(params.b, GATES)
    W_hx, U_h = np.split(W_h.T.copy(), [D])
    scratch, term = np.empty((2, *batch, H), dtype)
    bias, zr = params.recurrent_bias, blocks[:, :2]
    multiply, rows, W_zr, products = kernels.step_products(rows, W_zr, zr)
    _, lefts, U_h, (product,) = kernels.step_products(
        np.broadcast_to(scratch, h[1:].shape) if bias is None else h[:-1],
        U_h,
        term[np.newaxis],
    )
    steps = (rows, products, zr, z, r, lefts, candidate, h[:-1], h[1:])

    def run() -> None:
        kernels.multiply_steps(x, W_hx, out=candidate)
        np.add(candidate, b_h, out=candidate)
        for row, a_zr, zr_t, z_t, r_t, left, candidate_t, h_prev, h_t in zip(
            *steps, strict=True
        ):
            multiply(row, W_zr, out=a_zr)
            np.tanh(zr_t, out=zr_t)  # as numerics.sigmoid
            np.multiply(zr_t, half, out=zr_t)
            np.add(zr_t, half, out=zr_t)
            if bias is None:
                np.multiply(r_t, h_prev, out=scratch)
                multiply(left, U_h, out=product)
            else:
                multiply(left, U_h, out=product)
                np.add(term, bias, out=term)
                np.multiply(r_t, term, out=term)
            np.add(candidate_t, term, out=candidate_t)
            np.tanh(candidate_t, out=candidate_t)
            np.subtract(candidate_t, h_prev, out=scratch)
            np.multiply(z_t, scratch, out=scratch)
            np.add(h_prev, scratch, out=h_t)

    return Trace(x, h, gates), run


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
    D, H = _check(params)
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
    H, h_prev = params.H, trace.h[:-1]
    _, _, da_h = split(da, GATES)
    _, r, _ = apart(trace.gates)
    dU_h, dbias = recurrent_term_grads(params, da_h, r, h_prev)
    dU = np.vstack([outer_sum(da[..., : 2 * H], h_prev), dU_h])
    return Params(join(outer_sum(da, trace.x), dU), axis_sum(da), dbias)


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
    da : ndarray of shape (T, B, 3H) or (T, 3H)
        Gradients with respect to the pre-activations.
    dstate : tuple of one ndarray of shape (B, H) or (H,)
        Gradient with respect to the initial state.
    """
    H, U = params.H, params.W[:, params.D :]
    before = params.recurrent_bias is None
    da = slopes(params, trace)
    z, r, _ = apart(trace.gates)
    da_z, da_r, da_h = split(da, GATES)
    dh_t = np.array(dh_T)
    scratch, dterm = np.empty_like(dh_t), np.empty_like(dh_t)
    multiply, da_zr, U_zr, (by_zr,) = kernels.step_products(
        da[..., : 2 * H], U[: 2 * H], dterm[np.newaxis]
    )
    _, lefts, U_h, (by_h,) = kernels.step_products(
        da_h if before else np.broadcast_to(scratch, da_h.shape),
        U[2 * H :],
        dterm[np.newaxis],
    )
    backwards = (
        leaf[::-1] for leaf in (da_zr, da_z, da_r, da_h, lefts, 1 - z, r, dh)
    )
    for da_zr_t, da_z_t, da_r_t, da_h_t, left, keep, r_t, dh_out in zip(
        *backwards, strict=True
    ):
        np.add(dh_t, dh_out, out=dh_t)
        np.multiply(da_z_t, dh_t, out=da_z_t)
        np.multiply(da_h_t, dh_t, out=da_h_t)
        if before:
            multiply(left, U_h, out=by_h)
            np.multiply(da_r_t, dterm, out=da_r_t)
            np.multiply(dterm, r_t, out=dterm)
        else:
            np.multiply(da_r_t, da_h_t, out=da_r_t)
            np.multiply(da_h_t, r_t, out=scratch)
            multiply(left, U_h, out=by_h)
        np.multiply(dh_t, keep, out=dh_t)
        np.add(dh_t, dterm, out=dh_t)
        multiply(da_zr_t, U_zr, out=by_zr)
        np.add(dh_t, dterm, out=dh_t)
    return da, (dh_t,)


def slopes(params: Params, trace: Trace) -> Array:
    r"""Return the derivatives within each step that do not depend on a cotangent.

    .. math::

        (\tilde h_t - h_{t-1}) \odot z_t (1 - z_t), \quad
        m_t \odot r_t (1 - r_t), \quad z_t \odot (1 - \tilde h_t^2)

    where :math:`m_t` is what the reset gate multiplies: :math:`h_{t-1}`, or behind the
    matrix product :math:`U_h h_{t-1} + b_{hh}`.

    Parameters
    ----------
    params : Params
        The weights; they say where the reset gate acts.
    trace : Trace
        What `forward` returned.

    Returns
    -------
    ndarray of shape (T, B, 3H) or (T, 3H)
        In the order of `GATES`.
    """
    h_prev = trace.h[:-1]
    z, r, candidate = apart(trace.gates)
    multiplied = h_prev
    if params.recurrent_bias is not None:
        multiplied = np.empty(r.shape, r.dtype)
        U_h = params.W[2 * params.H :, params.D :]
        kernels.multiply_steps(h_prev, U_h.T, out=multiplied)
        multiplied += params.recurrent_bias
    by_a = packing.empty_like(trace.gates)
    by_z, by_r, by_h = split(by_a, GATES)
    sigmoid_vjp(candidate - h_prev, z, out=by_z)
    sigmoid_vjp(multiplied, r, out=by_r)
    tanh_vjp(z, candidate, out=by_h)
    return by_a


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
    dh = checks.like("dh", dh, trace.h[1:].shape, params.b.dtype)
    dh_T = checks.like("dh_T", dh_T, trace.h[0].shape, params.b.dtype)
    dparams, dx, dstates = kernels.backpropagate(
        pull_back, weight_grads, params, trace, dh, dh_T
    )
    return Grads(dparams, dx, *dstates)


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
        rng = np.random.default_rng(checks.seed(seed))
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
