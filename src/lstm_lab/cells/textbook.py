"""The classes of chapter ch318's listing: one step at a time, with the weights as attributes.

They compute what ``rnn.step``, ``lstm.step`` and ``gru.step`` do, and draw the same weights.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lstm_lab import checks, packing
from lstm_lab.cells import gru, lstm, rnn
from lstm_lab.numerics import Array
from lstm_lab.packing import join, split_rows
from lstm_lab.sequence import Cell


class RNNCell:
    """A vanilla recurrent cell.

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
        self.W, self.b = _draw(rnn, input_dim, hidden_dim, seed)
        self.H = hidden_dim

    @property
    def params(self) -> rnn.Params:
        """The weights as the functions of the package take them."""
        return rnn.Params(self.W, self.b)

    def __repr__(self) -> str:
        return _show(self)

    def forward(self, x: ArrayLike, h_prev: ArrayLike) -> Array:
        """Return the state ``h`` after one step, from input `x` and the state before it.

        All are vectors (D,) and (H,), or batches (B, D) and (B, H); anything else, and what is
        not finite, raises a TypeError or ValueError that names the argument.
        """
        states, _ = _step(rnn, self.params, x, h_prev=h_prev)
        h: Array = states[0]
        return h


class LSTMCell:
    """An LSTM cell.

    Parameters
    ----------
    input_dim, hidden_dim : int
        Input size D and hidden size H.
    seed : int
        Of the generator that draws the weights.

    Attributes
    ----------
    W : ndarray of shape (4H, D + H)
        Weights of the gates i, f, o and of g, one block below the other.
    b : ndarray of shape (4H,)
        Biases, zero at first but for the forget gate's, which are one.
    H : int
        Hidden size.
    """

    def __init__(self, input_dim: int, hidden_dim: int, seed: int = 0) -> None:
        self.W, self.b = _draw(lstm, input_dim, hidden_dim, seed)
        self.H = hidden_dim

    @property
    def params(self) -> lstm.Params:
        """The weights as the functions of the package take them."""
        return lstm.Params(self.W, self.b)

    def __repr__(self) -> str:
        return _show(self)

    def forward(
        self, x: ArrayLike, h_prev: ArrayLike, c_prev: ArrayLike
    ) -> tuple[Array, Array, tuple[Array, ...]]:
        """Return ``h``, ``c`` and the cache ``(xh, i, f, o, g, c_prev, c)`` after one step.

        Inputs are vectors (D,) and (H,), or batches (B, D) and (B, H); anything else, and what is
        not finite, raises a TypeError or ValueError that names the argument.
        """
        (h, c), cache = _step(
            lstm, self.params, x, h_prev=h_prev, c_prev=c_prev
        )
        xh = join(np.asarray(x), np.asarray(h_prev))
        return h, c, (xh, cache.i, cache.f, cache.o, cache.g, cache.c_prev, c)


class GRUCell:
    """A GRU cell, with the reset gate before the matrix product.

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
        W, b, _ = _draw(gru, input_dim, hidden_dim, seed)
        self.W_z, self.W_r, self.W_h = split_rows(W, gru.GATES)
        self.b_z, self.b_r, self.b_h = split_rows(b, gru.GATES)
        self.H = hidden_dim

    @property
    def params(self) -> gru.Params:
        """The weights as the functions of the package take them."""
        W = np.concatenate([self.W_z, self.W_r, self.W_h])
        return gru.Params(W, np.concatenate([self.b_z, self.b_r, self.b_h]))

    def __repr__(self) -> str:
        return _show(self)

    def forward(self, x: ArrayLike, h_prev: ArrayLike) -> Array:
        """Return the state ``h`` after one step, called as ``RNNCell.forward``."""
        states, _ = _step(gru, self.params, x, h_prev=h_prev)
        h: Array = states[0]
        return h


def _draw(cell: Cell, D: int, H: int, seed: int) -> Any:
    checks.positive_int("input_dim", D)
    checks.positive_int("hidden_dim", H)
    return cell.init(D, H, rng=np.random.default_rng(checks.seed(seed)))


def _step(cell: Cell, params: Any, x: ArrayLike, **states: ArrayLike) -> Any:
    packing.check(params, cell.Params)
    x, h_prev, *others = checks.step(
        params.D, params.H, params.b.dtype, x, **states
    )
    ones = np.ones((*x.shape[:-1], 1), x.dtype)
    return cell.step(packing.lay_out(params), join(x, h_prev, ones), *others)


def _show(cell: RNNCell | LSTMCell | GRUCell) -> str:
    return (
        f"{type(cell).__name__}(input_dim={cell.params.D}, hidden_dim={cell.H})"
    )
