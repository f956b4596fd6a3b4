r"""The LSTM with coupled gates: what it forgets is what it admits.

.. math::

    a_t &= W\,[x_t; h_{t-1}] + b = [a^f_t; a^o_t; a^g_t] \\
    f_t, o_t &= \sigma(a^f_t), \sigma(a^o_t) \\
    g_t &= \tanh(a^g_t) \\
    c_t &= f_t \odot c_{t-1} + (1 - f_t) \odot g_t \\
    h_t &= o_t \odot \tanh(c_t)

As :math:`1 - \sigma(a) = \sigma(-a)`, this is an LSTM whose input gate has the weights of the
forget gate with the other sign. So it is run as one: `expand` gives the LSTM's parameters,
and the gradients of the two gates that share weights are folded into one.

Sources: K. Greff et al., "LSTM: a search space odyssey", IEEE Transactions on Neural Networks
and Learning Systems 28 (2017), variant CIFG.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from lstm_lab import checks, lstm, packing
from lstm_lab.lstm import Trace
from lstm_lab.numerics import Array, axis_sum, outer_sum
from lstm_lab.packing import join, split, split_rows

# The packing order of W and b: forget, output, candidate. A trace is the LSTM's.
GATES = ("f", "o", "g")
STATES = lstm.STATES


class Params(NamedTuple):
    """The weights ``W`` (3H, D + H) and biases ``b`` (3H,), packed in the order of `GATES`."""

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
    """Draw the parameters as those of the LSTM are drawn.

    Weights are normal with variance 1 / (D + H); biases are zero but for the forget gate's.

    Parameters
    ----------
    D, H : int
        Input and hidden size, at least 1.
    rng : numpy.random.Generator
        Where the draws come from.
    forget_bias : float
        Bias of the forget gate, and with the other sign of the input gate.
    dtype : dtype
        float64 or float32.

    Returns
    -------
    Params
        ``W`` (3H, D + H) and ``b`` (3H,).

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer, `rng` no generator, or `forget_bias` not finite.
    """
    params = Params(*packing.draw(D, H, GATES, rng, dtype))
    b_f, _, _ = split_rows(params.b, GATES)
    b_f[:] = checks.finite_number("forget_bias", forget_bias)
    return params


def expand(params: Params) -> lstm.Params:
    r"""Return the LSTM that computes the same.

    .. math:: W_i = -W_f, \qquad b_i = -b_f

    Parameters
    ----------
    params : Params
        The weights.

    Returns
    -------
    lstm.Params
        ``W`` (4H, D + H) and ``b`` (4H,).

    Raises
    ------
    TypeError, ValueError
        If `params` are of another type, do not belong together, or are not finite.
    """
    packing.check(params, Params, GATES)
    W_f, b_f = (split_rows(packed, GATES)[0] for packed in params)
    return lstm.Params(
        np.concatenate([-W_f, params.W]), np.concatenate([-b_f, params.b])
    )


def _fold(blocks: list[Array]) -> list[Array]:
    """Return the gradients of the gates here from those of the LSTM's, as `expand` asks."""
    di, df, do, dg = blocks
    return [df - di, do, dg]


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
        That of the LSTM, with the gates in the order of ``lstm.GATES``.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.
    """
    return lstm.forward(expand(params), x, h0, c0)


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
    return lstm.infer(expand(params), x, h0, c0)


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
    da : ndarray of shape (..., 3H)
        Gradient with respect to the pre-activations, in the order of `GATES`.
    dx : ndarray of shape (..., D)
        Gradient with respect to ``x[t]``.
    dstate : tuple of two ndarrays of shape (..., H)
        Gradients with respect to ``h[t]`` and ``c[t]``.
    """
    da, dx, dstates = lstm.step_vjp(expand(params), trace, t, dh, dc)
    return join(*_fold(split(da, lstm.GATES))), dx, dstates


def weight_grads(_params: Params, trace: Trace, da: Array) -> Params:
    """Return the gradient with respect to the weights, summed over steps and examples.

    Parameters
    ----------
    _params : Params
        The weights of the forward pass; only the GRU needs them.
    trace : Trace
        What `forward` returned.
    da : ndarray of shape (T, B, 3H) or (T, 3H)
        Gradients with respect to the pre-activations, in the order of `GATES`.

    Returns
    -------
    Params
        The gradient.
    """
    dW = outer_sum(da, join(trace.x, trace.h[:-1]))
    return Params(dW, axis_sum(da))


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
    dparams, *rest = lstm.backward(expand(params), trace, dh, dh_T, dc_T)
    dW, db = (
        np.concatenate(_fold(split_rows(packed, lstm.GATES)))
        for packed in dparams
    )
    return Grads(Params(dW, db), *rest)
