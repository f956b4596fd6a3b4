"""Ways to draw the first weights and to set the first biases of any cell.

`initializer` returns a function that is called like ``cell.init`` and draws networks in another
way: with matrices such as `uniform`, `glorot`, `orthogonal` or `identity` in every gate, and with
the biases that decide how long a gated cell remembers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_lab import checks
from lstm_lab.numerics import Array
from lstm_lab.packing import split_rows
from lstm_lab.sequence import Cell, name_of

Matrix = Callable[[int, int, np.random.Generator], Array]


def uniform(rows: int, columns: int, rng: np.random.Generator) -> Array:
    r"""Return a matrix drawn from :math:`U(-1/\sqrt{H}, 1/\sqrt{H})` with H = `rows`.

    This is PyTorch's default for its recurrent layers.

    Parameters
    ----------
    rows, columns : int
        The shape; the rows are the H units of a gate.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray of shape (rows, columns)
        Float64.
    """
    bound = 1 / np.sqrt(rows)
    return checks.generator(rng).uniform(-bound, bound, (rows, columns))


def glorot(rows: int, columns: int, rng: np.random.Generator) -> Array:
    r"""Return a matrix drawn from :math:`U(-b, b)` with :math:`b = \sqrt{6 / (rows + columns)}`.

    Parameters
    ----------
    rows, columns : int
        The shape: fan-out and fan-in.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray of shape (rows, columns)
        Float64, of variance 2 / (rows + columns).

    References
    ----------
    X. Glorot and Y. Bengio, AISTATS (2010), equation 16.
    """
    bound = np.sqrt(6 / (rows + columns))
    return checks.generator(rng).uniform(-bound, bound, (rows, columns))


def orthogonal(rows: int, columns: int, rng: np.random.Generator) -> Array:
    r"""Return a matrix with orthonormal rows or columns, whichever are fewer.

    The distribution is uniform (Haar): the QR factorization leaves signs to chance, which are
    taken from the diagonal of R.

    Parameters
    ----------
    rows, columns : int
        The shape.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    ndarray of shape (rows, columns)
        Float64; all singular values are one.

    References
    ----------
    A. M. Saxe, J. L. McClelland and S. Ganguli, ICLR (2014).
    """
    shape = max(rows, columns), min(rows, columns)
    tall = checks.generator(rng).normal(size=shape)
    Q, R = np.linalg.qr(tall)
    Q = Q * np.sign(np.diag(R))
    return Q if rows >= columns else Q.T


def identity(rows: int, columns: int, rng: np.random.Generator) -> Array:  # noqa: ARG001
    """Return the identity matrix, padded with zeros where it is not square.

    Parameters
    ----------
    rows, columns : int
        The shape.
    rng : numpy.random.Generator
        Not used: nothing is drawn.

    Returns
    -------
    ndarray of shape (rows, columns)
        Float64.

    References
    ----------
    Q. V. Le, N. Jaitly and G. E. Hinton, arXiv 1504.00941 (2015).
    """
    return np.eye(rows, columns)


@dataclass(frozen=True, kw_only=True)
class Initializer:
    """A way to draw the first parameters of a cell: what `initializer` returns.

    ``init`` is the cell's own; ``lag_biases`` and ``biases`` are pairs of a gate's name and the
    sign of its bias, or its bias; all else is as in `initializer`.
    """

    init: Callable[..., Any]
    inputs: Matrix | None
    recurrent: Matrix | None
    gain: float
    silent: tuple[str, ...]
    T_max: int | None
    lag_biases: tuple[tuple[str, int], ...]
    biases: tuple[tuple[str, float], ...]

    def __call__(self, D: int, H: int, *, rng: np.random.Generator) -> Any:
        """Draw parameters, as ``cell.init(D, H, rng=rng)`` does."""
        params = self.init(D, H, rng=rng)
        W, b = params.W.copy(), params.b.copy()
        weights = dict(
            zip(params.gates, split_rows(W, params.gates), strict=True)
        )
        biases = dict(
            zip(params.gates, split_rows(b, params.gates), strict=True)
        )
        for gate, block in weights.items():
            if self.inputs is not None:
                block[:, :D] = _drawn("inputs", self.inputs, (H, D), rng)
            if self.recurrent is not None:
                block[:, D:] = _drawn("recurrent", self.recurrent, (H, H), rng)
            block[:, D:] *= 0 if gate in self.silent else self.gain
        if self.T_max is not None:
            log_lags = np.log(rng.uniform(1, self.T_max - 1, H))
            for gate, sign in self.lag_biases:
                biases[gate][:] = sign * log_lags
        for gate, bias in self.biases:
            biases[gate][:] = bias
        return params._replace(W=W, b=b)


def _drawn(
    name: str, draw: Matrix, shape: tuple[int, int], rng: np.random.Generator
) -> Array:
    matrix = np.asarray(draw(*shape, rng))
    if matrix.shape != shape:  # one number, or one row, would be broadcast
        raise ValueError(
            f"{name} must draw a matrix of shape {shape}, got {matrix.shape}"
        )
    return matrix


def initializer(
    cell: Cell,
    *,
    inputs: Matrix | None = None,
    recurrent: Matrix | None = None,
    gain: float = 1.0,
    silent: Sequence[str] = (),
    T_max: int | None = None,
    **biases: float,
) -> Initializer:
    r"""Return a way to draw the first parameters of a cell, called like ``cell.init``.

    Parameters
    ----------
    cell : module
        ``rnn``, ``lstm``, ``gru``, ``coupled``, or a cell of your own.
    inputs, recurrent : callable, optional
        Draw the weights of each gate on the input (H, D) and on the state (H, H), such as
        `orthogonal`; those that are None are drawn by ``cell.init``.
    gain : float
        Factor on the recurrent weights.
    silent : sequence of str
        Names of gates without recurrent weights: they do not read the state.
    T_max : int, optional
        Longest lag in steps, at least 3, for *chrono initialization*, which spreads the memory
        of the units over all lags: with :math:`u \sim \log U[1, T_{max} - 1]` for each unit, a
        forget gate gets :math:`b_f = u`, and an input gate beside it :math:`b_i = -u`; the
        update gate of a GRU, which admits the new state, gets :math:`b_z = -u`.
    **biases : float
        A bias for each gate that is named, such as ``f=1.0`` in an LSTM. A gate that its bias
        alone decides keeps, or admits, sigmoid(bias) of a state at each step.

    Returns
    -------
    Initializer
        ``init(D, H, *, rng) -> Params``, float64.

    Raises
    ------
    TypeError, ValueError
        If `cell` is not a cell, it has no gate of a name, a number is not finite, or `T_max` is
        below 3 or the cell does not say which biases make it remember. When it is called: if
        a drawn matrix has the wrong shape, or `rng` is not a generator.

    References
    ----------
    F. A. Gers, J. Schmidhuber and F. Cummins, Neural Computation 12 (2000), for the positive bias
    of the forget gate; C. Tallec and Y. Ollivier, "Can recurrent neural networks warp time?",
    ICLR (2018), for `T_max`.
    """
    checks.cell("cell", cell)
    for name in (*silent, *biases):
        if name not in cell.GATES:
            raise ValueError(
                f"a gate must be one of {', '.join(cell.GATES)}, got {name!r}"
            )
    lag_biases: dict[str, int] = getattr(cell, "LAG_BIASES", {})
    if T_max is not None:
        if checks.positive_int("T_max", T_max) < 3:
            raise ValueError(f"T_max must be at least 3 steps, got {T_max}")
        if not lag_biases:
            raise TypeError(
                "T_max needs a cell whose LAG_BIASES name the gates that remember;"
                f" {name_of(cell)} has none"
            )
    return Initializer(
        init=cell.init,
        inputs=inputs,
        recurrent=recurrent,
        gain=checks.finite_number("gain", gain),
        silent=tuple(silent),
        T_max=T_max,
        lag_biases=tuple(lag_biases.items()),
        biases=tuple(
            (name, checks.finite_number(f"the bias {name}", bias))
            for name, bias in sorted(biases.items())
        ),
    )
