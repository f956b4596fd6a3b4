"""The classes of chapter ch318's listing: one step at a time, with the weights as attributes.

They compute what ``rnn.step``, ``lstm.step`` and ``gru.step`` do, and draw the same weights.
``forward`` takes vectors (D,) and (H,), or batches (B, D) and (B, H); any other argument, or one
that is not finite, raises a TypeError or ValueError that names it.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lstm_lab import checks, packing
from lstm_lab.cells import gru, lstm, rnn
from lstm_lab.numerics import Array
from lstm_lab.packing import join
from lstm_lab.sequence import Cell


def _draw(cell: Cell, D: int, H: int, seed: int) -> Any:
    checks.positive_int("input_dim", D)
    checks.positive_int("hidden_dim", H)
    return cell.init(D, H, rng=np.random.default_rng(checks.seed(seed)))


def _step(cell: Cell, params: Any, x: ArrayLike, **states: ArrayLike) -> Any:
    packing.check(params, cell.Params)
    x, h_prev, *others = checks.step(params.D, params.H, params.b.dtype, x, **states)
    row = join(x, h_prev, np.ones_like(x[..., :1]))
    return cell.step(packing.lay_out(params), row, *others)


def _show(cell: Any) -> str:
    name, D = type(cell).__name__, cell.params.D
    return f"{name}(input_dim={D}, hidden_dim={cell.H})"


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
    W, b : ndarrays of shape (H, D + H) and (H,)
        Weights, on the input and the last state, and biases, zero at first.
    H : int
        Hidden size.
    """

    def __init__(self, input_dim: int, hidden_dim: int, seed: int = 0) -> None:
        self.W, self.b = _draw(rnn, input_dim, hidden_dim, seed)
        self.H = hidden_dim

    __repr__ = _show

    @property
    def params(self) -> rnn.Params:
        """The weights as the functions of the package take them."""
        return rnn.Params(self.W, self.b)

    def forward(self, x: ArrayLike, h_prev: ArrayLike) -> Array:
        """Return the state ``h`` after one step, from input `x` and the state before it."""
        (h,), _ = _step(rnn, self.params, x, h_prev=h_prev)
        return h  # type: ignore[no-any-return]


class LSTMCell:
    """An LSTM cell, called as `RNNCell`.

    Attributes
    ----------
    W, b : ndarrays of shape (4H, D + H) and (4H,)
        The blocks of the gates i, f, o and of g; biases are zero at first, those of f one.
    H : int
        Hidden size.
    """

    def __init__(self, input_dim: int, hidden_dim: int, seed: int = 0) -> None:
        self.W, self.b = _draw(lstm, input_dim, hidden_dim, seed)
        self.H = hidden_dim

    __repr__ = _show

    @property
    def params(self) -> lstm.Params:
        """The weights as the functions of the package take them."""
        return lstm.Params(self.W, self.b)

    def forward(
        self, x: ArrayLike, h_prev: ArrayLike, c_prev: ArrayLike
    ) -> tuple[Array, Array, tuple[Array, ...]]:
        """Return ``h``, ``c`` and the cache ``(xh, i, f, o, g, c_prev, c)`` after one step."""
        (h, c), cache = _step(
            lstm,
            self.params,
            x,
            h_prev=h_prev,
            c_prev=c_prev,
        )
        xh = join(np.asarray(x), np.asarray(h_prev))
        return h, c, (xh, cache.i, cache.f, cache.o, cache.g, cache.c_prev, c)


class GRUCell:
    """A GRU cell with the reset gate before the matrix product, called as `RNNCell`.

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
        self.W_z, self.W_r, self.W_h = np.split(W, 3)
        self.b_z, self.b_r, self.b_h = np.split(b, 3)
        self.H = hidden_dim

    __repr__ = _show

    @property
    def params(self) -> gru.Params:
        """The weights as the functions of the package take them."""
        W = np.concatenate([self.W_z, self.W_r, self.W_h])
        return gru.Params(W, np.concatenate([self.b_z, self.b_r, self.b_h]))

    def forward(self, x: ArrayLike, h_prev: ArrayLike) -> Array:
        """Return the state ``h`` after one step, called as ``RNNCell.forward``."""
        (h,), _ = _step(gru, self.params, x, h_prev=h_prev)
        return h  # type: ignore[no-any-return]
