r"""Long short-term memory: a cell state behind three gates.

.. math::

    a_t &= W\,[x_t; h_{t-1}] + b = [a^i_t; a^f_t; a^o_t; a^g_t] \\
    i_t, f_t, o_t &= \sigma(a^i_t), \sigma(a^f_t), \sigma(a^o_t) \\
    g_t &= \tanh(a^g_t) \\
    c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
    h_t &= o_t \odot \tanh(c_t)

Index 0 of ``trace.h`` and ``trace.c`` is the initial state, so step t of the code
(counted from 0) reads ``x[t]``, ``h[t]``, ``c[t]`` and writes ``h[t + 1]``, ``c[t + 1]``.

Sources: S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997);
F. A. Gers, J. Schmidhuber and F. Cummins, "Learning to forget", Neural Computation 12 (2000),
for the forget gate; chapter ch318, equations ``eq-lstm-gates`` and ``eq-lstm-state``.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

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

# The packing order of W, b and gates: input, forget, output, candidate.
GATES = ("i", "f", "o", "g")
STATES = ("h", "c")


class Params(NamedTuple):
    """The weights ``W`` (4H, D + H) and biases ``b`` (4H,), packed in the order of `GATES`."""

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
    """What a forward pass leaves for the backward pass and for looking at.

    ``x`` (T, B, D), ``h`` and ``c`` (T + 1, B, H), ``gates`` (T, B, 4, H) in the order of `GATES`.
    """

    x: Array
    h: Array
    c: Array
    gates: Array


class Grads(NamedTuple):
    """Gradients of the loss with respect to the parameters, the inputs and the initial states."""

    params: Params
    x: Array
    h0: Array
    c0: Array


def init(
    D: int,
    H: int,
    *,
    rng: np.random.Generator,
    forget_bias: float = 1.0,
    dtype: DTypeLike = np.float64,
) -> Params:
    """Draw the parameters as the book's listing does.

    Weights are normal with variance 1 / (D + H); biases are zero but for the forget gate's.

    Parameters
    ----------
    D, H : int
        Input and hidden size, at least 1.
    rng : numpy.random.Generator
        Where the draws come from.
    forget_bias : float
        Bias of the forget gate.
    dtype : dtype
        float64 or float32.

    Returns
    -------
    Params
        ``W`` (4H, D + H) and ``b`` (4H,).

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer, `rng` no generator, or `forget_bias` not finite.
    """
    params = Params(*packing.draw(D, H, GATES, rng, dtype))
    _, b_f, _, _ = split_rows(params.b, GATES)
    b_f[:] = checks.finite_number("forget_bias", forget_bias)
    return params


def update(a: Array, c_prev: Array) -> tuple[Array, Array, Array]:
    r"""Return the new state and the gates: the equations of the LSTM.

    .. math::

        c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh(c_t)

    Parameters
    ----------
    a : ndarray of shape (..., 4H)
        Pre-activations, in the order of `GATES`.
    c_prev : ndarray of shape (..., H)
        The cell state before.

    Returns
    -------
    h, c : ndarrays of shape (..., H)
        Hidden and cell state after.
    gates : ndarray of shape (..., 4, H)
        Input, forget and output gate and the candidate, in the order of `GATES`.
    """
    a_i, a_f, a_o, a_g = split(a, GATES)
    i, f, o, g = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o), np.tanh(a_g)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return h, c, np.stack([i, f, o, g], axis=-2)


def update_vjp(
    dh: Array, dc: Array, gates: Array, c_prev: Array, c: Array
) -> tuple[Array, Array]:
    r"""Pull the cotangents of the new state back through `update`.

    .. math::

        d\bar c_t &= dc_t + dh_t \odot o_t \odot (1 - \tanh^2 c_t) \\
        dc_{t-1} &= d\bar c_t \odot f_t \\
        da^i_t &= d\bar c_t \odot g_t \odot i_t (1 - i_t) \\
        da^f_t &= d\bar c_t \odot c_{t-1} \odot f_t (1 - f_t) \\
        da^o_t &= dh_t \odot \tanh(c_t) \odot o_t (1 - o_t) \\
        da^g_t &= d\bar c_t \odot i_t \odot (1 - g_t^2)

    Parameters
    ----------
    dh, dc : ndarrays of shape (..., H)
        Gradients with respect to the new hidden state, and to the new cell state along
        every path but the one through that hidden state.
    gates : ndarray of shape (..., 4, H)
        The gates of the step.
    c_prev, c : ndarrays of shape (..., H)
        The cell state before and after.

    Returns
    -------
    da : ndarray of shape (..., 4H)
        Gradient with respect to the pre-activations.
    dc_prev : ndarray of shape (..., H)
        Gradient with respect to `c_prev`, along the direct path.
    """
    i, f, o, g = apart(gates)
    dc_total = cell_total(dh, dc, gates, c)
    da = join(
        sigmoid_vjp(dc_total * g, i),
        sigmoid_vjp(dc_total * c_prev, f),
        sigmoid_vjp(dh * np.tanh(c), o),
        tanh_vjp(dc_total * i, g),
    )
    return da, dc_total * f


def cell_total(dh: Array, dc: Array, gates: Array, c: Array) -> Array:
    r"""Add to the cell state's cotangent what reaches it through the hidden state of its step.

    .. math:: d\bar c_t = dc_t + dh_t \odot o_t \odot (1 - \tanh^2 c_t)

    Parameters
    ----------
    dh, dc : ndarrays of shape (..., H)
        Gradients with respect to h_t, and to c_t with h_t held fixed.
    gates : ndarray of shape (..., 4, H)
        The gates of step t.
    c : ndarray of shape (..., H)
        The cell state c_t.

    Returns
    -------
    ndarray of shape (..., H)
        The total gradient with respect to c_t.
    """
    _, _, o, _ = apart(gates)
    return dc + tanh_vjp(dh * o, np.tanh(c))


def preactivation(params: Params, x: Array, h_prev: Array) -> Array:
    """Return ``W [x; h_prev] + b``.

    Parameters
    ----------
    params : Params
        The weights.
    x : ndarray of shape (..., D)
        Inputs of one step.
    h_prev : ndarray of shape (..., H)
        The hidden state before it.

    Returns
    -------
    ndarray of shape (..., 4H)
        Pre-activations, in the order of `GATES`.
    """
    return join(x, h_prev) @ params.W.T + params.b


def kernel(
    params: Params, T: int, batch: Sequence[int]
) -> tuple[Trace, Callable[[], None]]:
    """Return an empty trace, and the function that fills it from ``x``, ``h[0]`` and ``c[0]``.

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
        Where inputs and initial states are to be written, and all else is found.
    run : callable
        Computes every `update` in place.
    """
    H, dtype = params.H, params.W.dtype
    rows, x, h = kernels.rows(T, batch, params.D, H, dtype)
    # The gates of a step, and beside g the cell state before it.
    blocks, view = kernels.gates(T + 1, batch, len(GATES) + 1, H, dtype)
    gates, c = view[:-1, ..., :-1, :], blocks[:, -1]
    now = blocks[:-1]
    half = np.array(0.5, dtype)
    W = kernels.augmented(params, len(GATES))
    W[:3] *= half
    terms, tanh_c = np.empty((2, *batch, H), dtype), np.empty(c[0].shape, dtype)
    admitted, kept = terms
    a = now[:, :4]
    multiply, rows, W, products = kernels.step_products(rows, W, a)
    steps = (
        *(rows, products, a, now[:, :3], now[:, :2], now[:, 3:], now[:, 2]),
        *(c[1:], h[1:]),
    )

    def run() -> None:
        for row, product, a, ifo, i_f, g_c, o, c_t, h_t in zip(
            *steps, strict=True
        ):
            multiply(row, W, out=product)
            np.tanh(a, out=a)  # as numerics.sigmoid
            np.multiply(ifo, half, out=ifo)
            np.add(ifo, half, out=ifo)
            np.multiply(i_f, g_c, out=terms)
            np.add(admitted, kept, out=c_t)
            np.tanh(c_t, out=tanh_c)
            np.multiply(o, tanh_c, out=h_t)

    return Trace(x, h, c, gates), run


def forward(
    params: Params, x: Array, h0: Array | None = None, c0: Array | None = None
) -> Trace:
    """Run the network over whole sequences.

    Parameters
    ----------
    params : Params
        The weights.
    x : ndarray of shape (T, B, D) or (T, D)
        Inputs, of the parameters' dtype.
    h0, c0 : ndarrays of shape (B, H) or (H,), optional
        Initial hidden and cell state; zeros where they are None.

    Returns
    -------
    Trace
        Inputs, all T + 1 hidden and cell states, and the gates of all T steps.

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
    trace.c[0] = checks.like("c0", c0, (*batch, H), x.dtype)
    run()
    return trace


def infer(
    params: Params, x: Array, h0: Array | None = None, c0: Array | None = None
) -> tuple[Array, tuple[Array, ...]]:
    """Run the network over whole sequences without keeping what a backward pass needs.

    Parameters
    ----------
    params : Params
        The weights.
    x : ndarray of shape (T, B, D) or (T, D)
        Inputs, of the parameters' dtype.
    h0, c0 : ndarrays of shape (B, H) or (H,), optional
        Initial hidden and cell state; zeros where they are None.

    Returns
    -------
    h : ndarray of shape (T, B, H) or (T, H)
        The hidden states h_1 ... h_T. The memory taken beyond them does not grow with T.
    last : tuple of two ndarrays of shape (B, H) or (H,)
        Hidden and cell state after the last step.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.
    """
    D, H = packing.check(params, Params, GATES)
    x = checks.sequence(x, D, params.b.dtype)
    shape = (*x.shape[1:-1], H)
    h0 = checks.like("h0", h0, shape, x.dtype)
    c0 = checks.like("c0", c0, shape, x.dtype)
    return kernels.stream(kernel, params, x, h0, c0)


def step_vjp(
    params: Params, trace: Trace, t: int, dh: Array, dc: Array
) -> tuple[Array, Array, tuple[Array, Array]]:
    """Pull the cotangents of the states that step t wrote back through that step.

    Parameters
    ----------
    params : Params
        The weights of the forward pass.
    trace : Trace
        What `forward` returned.
    t : int
        The step, counted from 0.
    dh, dc : ndarrays of shape (..., H)
        Gradients with respect to ``trace.h[t + 1]`` and ``trace.c[t + 1]``, of one shape; its
        leading axes broadcast, so that many cotangents can be pulled back at once.

    Returns
    -------
    da : ndarray of shape (..., 4H)
        Gradient with respect to the pre-activations.
    dx : ndarray of shape (..., D)
        Gradient with respect to ``x[t]``.
    dstate : tuple of two ndarrays of shape (..., H)
        Gradients with respect to ``h[t]`` and ``c[t]``.
    """
    da, dc_prev = update_vjp(dh, dc, trace.gates[t], trace.c[t], trace.c[t + 1])
    dx, dh_prev = np.split(da @ params.W, [params.D], axis=-1)
    return da, dx, (dh_prev, dc_prev)


def weight_grads(_params: Params, trace: Trace, da: Array) -> Params:
    """Return the gradient with respect to the weights, summed over steps and examples.

    Parameters
    ----------
    _params : Params
        The weights of the forward pass; only the GRU needs them.
    trace : Trace
        What `forward` returned.
    da : ndarray of shape (T, B, 4H) or (T, 4H)
        Gradients with respect to the pre-activations.

    Returns
    -------
    Params
        The gradient.
    """
    dW = outer_sum(da, join(trace.x, trace.h[:-1]))
    return Params(dW, axis_sum(da))


def pull_back(
    params: Params, trace: Trace, dh: Array, dh_T: Array, dc_T: Array
) -> tuple[Array, tuple[Array, Array]]:
    """Pull cotangents back through all steps, as `step_vjp` does through one, in place.

    Parameters
    ----------
    params : Params
        The weights of the forward pass.
    trace : Trace
        What `forward` returned.
    dh : ndarray of shape (T, B, H) or (T, H)
        Gradient of the loss with respect to the hidden states h_1 ... h_T.
    dh_T, dc_T : ndarrays of shape (B, H) or (H,)
        Further gradients with respect to the last hidden and cell state.

    Returns
    -------
    da : ndarray of shape (T, B, 4H) or (T, 4H)
        Gradients with respect to the pre-activations.
    dstates : tuple of two ndarrays of shape (B, H) or (H,)
        Gradients with respect to the initial hidden and cell state.
    """
    da, h_by_c = slopes(trace)
    _, f, _, _ = apart(trace.gates)
    dh_t, dc_t = np.array(dh_T), np.array(dc_T)
    scratch = np.empty_like(dc_t)
    # What reaches the gates: i, f and g act on the cell state, o on the hidden state.
    dgates = np.empty(trace.gates[0].shape, dc_t.dtype)
    _, _, do, _ = apart(dgates)
    side_by_side = dgates.reshape(da[0].shape)
    multiply, rows, U, (product,) = kernels.step_products(
        da, params.W[:, params.D :], dh_t[np.newaxis]
    )
    backwards = (leaf[::-1] for leaf in (da, rows, h_by_c, f, dh))
    for da_t, row, h_by_c_t, f_t, dh_out in zip(*backwards, strict=True):
        np.add(dh_t, dh_out, out=dh_t)
        np.multiply(dh_t, h_by_c_t, out=scratch)
        np.add(dc_t, scratch, out=dc_t)
        dgates[...] = dc_t[..., np.newaxis, :]
        do[...] = dh_t
        np.multiply(da_t, side_by_side, out=da_t)
        multiply(row, U, out=product)
        np.multiply(dc_t, f_t, out=dc_t)
    return da, (dh_t, dc_t)


def slopes(trace: Trace) -> tuple[Array, Array]:
    r"""Return the derivatives within each step that do not depend on a cotangent.

    .. math::

        g_t \odot i_t (1 - i_t), \quad c_{t-1} \odot f_t (1 - f_t), \quad
        \tanh(c_t) \odot o_t (1 - o_t), \quad i_t \odot (1 - g_t^2); \qquad
        o_t \odot (1 - \tanh^2 c_t)

    Parameters
    ----------
    trace : Trace
        What `forward` returned.

    Returns
    -------
    by_a : ndarray of shape (T, B, 4H) or (T, 4H)
        Derivatives of c_t, in the block of o of h_t, by the pre-activations.
    by_c : ndarray of shape (T, B, H) or (T, H)
        Derivative of h_t by c_t.
    """
    i, f, o, g = apart(trace.gates)
    tanh_c = np.tanh(trace.c[1:])
    by_a = packing.empty_like(trace.gates)
    by_i, by_f, by_o, by_g = split(by_a, GATES)
    sigmoid_vjp(g, i, out=by_i)
    sigmoid_vjp(trace.c[:-1], f, out=by_f)
    sigmoid_vjp(tanh_c, o, out=by_o)
    tanh_vjp(i, g, out=by_g)
    return by_a, tanh_vjp(o, tanh_c)


def backward(
    params: Params,
    trace: Trace,
    dh: Array | None = None,
    dh_T: Array | None = None,
    dc_T: Array | None = None,
) -> Grads:
    """Backpropagate through time.

    Parameters
    ----------
    params : Params
        The weights of the forward pass.
    trace : Trace
        What `forward` returned.
    dh : ndarray of shape (T, B, H) or (T, H), optional
        Gradient of the loss with respect to the hidden states h_1 ... h_T; zeros where it
        is None.
    dh_T, dc_T : ndarrays of shape (B, H) or (H,), optional
        Further gradients with respect to the last hidden and cell state; zeros where they
        are None.

    Returns
    -------
    Grads
        Gradients with respect to the parameters, the inputs and the initial states.

    Raises
    ------
    TypeError, ValueError
        If the trace is of another architecture, or an argument has the wrong dtype or shape.
    """
    D, H = packing.check(params, Params, GATES)
    checks.trace(trace, Trace, D, H, len(GATES), params.b.dtype)
    dh = checks.like("dh", dh, trace.h[1:].shape, params.b.dtype)
    dh_T = checks.like("dh_T", dh_T, trace.h[0].shape, params.b.dtype)
    dc_T = checks.like("dc_T", dc_T, trace.c[0].shape, params.b.dtype)
    dparams, dx, dstates = kernels.backpropagate(
        pull_back, weight_grads, params, trace, dh, dh_T, dc_T
    )
    return Grads(dparams, dx, *dstates)


class LSTMCell:
    """An LSTM cell, one step at a time.

    Parameters
    ----------
    input_dim, hidden_dim : int
        Input size D and hidden size H.
    seed : int
        Of the generator that draws the weights.

    Attributes
    ----------
    W : ndarray of shape (4H, D + H)
        Weights of all gates, packed in the order of `GATES`.
    b : ndarray of shape (4H,)
        Biases, zero at first but for the forget gate's, which are one.
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

    def forward(
        self, x: ArrayLike, h_prev: ArrayLike, c_prev: ArrayLike
    ) -> tuple[Array, Array, tuple[Array, ...]]:
        """Return the states after one step, and what a backward step needs.

        Parameters
        ----------
        x : array_like of shape (D,) or (B, D)
            Input.
        h_prev, c_prev : array_like of shape (H,) or (B, H)
            Hidden and cell state before.

        Returns
        -------
        h, c : ndarrays of shape (H,) or (B, H)
            Hidden and cell state after.
        cache : tuple
            ``(xh, i, f, o, g, c_prev, c)``.

        Raises
        ------
        TypeError, ValueError
            If an argument has the wrong dtype or shape, or is not finite.
        """
        D, H = packing.check(self.params, Params, GATES)
        x, h_prev, c_prev = checks.step(
            D, H, self.b.dtype, x, h_prev=h_prev, c_prev=c_prev
        )
        h, c, gates = update(preactivation(self.params, x, h_prev), c_prev)
        return h, c, (join(x, h_prev), *apart(gates), c_prev, c)
