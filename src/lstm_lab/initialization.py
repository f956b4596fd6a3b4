"""Ways to draw the first weights and to set the first biases of any cell.

`initializer` returns a function that is called like ``cell.init`` and draws networks in another
way: with the biases that decide how long a gated cell remembers, and with matrices such as
`uniform`, `orthogonal` or `identity` in every gate. These take the numbers of rows (the H units of
a gate) and of columns, and a generator, and return a float64 array of that shape.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from lstm_lab import checks
from lstm_lab.numerics import Array
from lstm_lab.packing import by_gate
from lstm_lab.sequence import Cell, name_of

Matrix = Callable[[int, int, np.random.Generator], Array]


def uniform(rows: int, columns: int, rng: np.random.Generator) -> Array:
    r"""Return a matrix drawn from :math:`U(-1/\sqrt{H}, 1/\sqrt{H})`, PyTorch's default."""
    bound = 1 / np.sqrt(rows)
    return checks.generator(rng).uniform(-bound, bound, (rows, columns))


def orthogonal(rows: int, columns: int, rng: np.random.Generator) -> Array:
    """Return a matrix with orthonormal rows or columns, whichever are fewer.

    The distribution is uniform (Haar): the QR factorization leaves signs to chance, which are
    taken from the diagonal of R.

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

    References
    ----------
    Q. V. Le, N. Jaitly and G. E. Hinton, arXiv 1504.00941 (2015).
    """
    return np.eye(rows, columns)


def initializer(
    cell: Cell,
    *,
    inputs: Matrix | None = None,
    recurrent: Matrix | None = None,
    gain: float = 1.0,
    silent: Sequence[str] = (),
    T_max: int | None = None,
    **biases: float,
) -> Callable[..., Any]:
    r"""Return a way to draw the first parameters of a cell: ``init(D, H, *, rng) -> Params``.

    Parameters
    ----------
    cell : module
        ``rnn``, ``lstm``, ``gru``, ``coupled``, or a cell of your own.
    inputs, recurrent : callable, optional
        Draw the weights of each gate on the input (H, D) and on the state (H, H), such as
        `orthogonal`; ``cell.init`` draws those that are None.
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

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or the cell does not say which biases make it
        remember. When `init` is called: if a drawn matrix has the wrong shape.

    References
    ----------
    F. A. Gers, J. Schmidhuber and F. Cummins, Neural Computation 12 (2000), for the positive bias
    of the forget gate; C. Tallec and Y. Ollivier, "Can recurrent neural networks warp time?",
    ICLR (2018), for `T_max`.
    """
    checks.cell("cell", cell)
    for name in (*silent, *biases):
        if name not in cell.GATES:
            raise ValueError(f"a gate must be one of {', '.join(cell.GATES)}, got {name!r}")
    lag_biases: dict[str, int] = getattr(cell, "LAG_BIASES", {})
    if T_max is not None:
        if checks.positive_int("T_max", T_max) < 3:
            raise ValueError(f"T_max must be at least 3 steps, got {T_max}")
        if not lag_biases:
            raise TypeError(
                "T_max needs a cell whose LAG_BIASES name the gates that remember;"
                f" {name_of(cell)} has none"
            )
    gain = checks.finite_number("gain", gain)
    gains = {gate: 0 if gate in silent else gain for gate in cell.GATES}
    fixed = {name: checks.finite_number(f"the bias {name}", bias) for name, bias in biases.items()}
    return partial(_draw, cell.init, inputs, recurrent, gains, T_max, lag_biases, fixed)


def _draw(
    init: Callable[..., Any],
    inputs: Matrix | None,
    recurrent: Matrix | None,
    gains: dict[str, float],
    T_max: int | None,
    lag_biases: dict[str, int],
    biases: dict[str, Any],
    D: int,
    H: int,
    *,
    rng: np.random.Generator,
) -> Any:
    """Draw parameters as `initializer` says; `init` is the cell's own."""
    params = init(D, H, rng=rng)
    W, b = params.W.copy(), params.b.copy()
    for gate, block in by_gate(W, params.gates).items():
        if inputs is not None:
            block[:, :D] = _drawn("inputs", inputs, (H, D), rng)
        if recurrent is not None:
            block[:, D:] = _drawn("recurrent", recurrent, (H, H), rng)
        block[:, D:] *= gains[gate]
    if T_max is not None:
        log_lags = np.log(rng.uniform(1, T_max - 1, H))
        lags = {gate: sign * log_lags for gate, sign in lag_biases.items()}
        biases = lags | biases
    blocks = by_gate(b, params.gates)
    for gate, bias in biases.items():
        blocks[gate][:] = bias
    return params._replace(W=W, b=b)


def _drawn(name: str, draw: Matrix, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    matrix = np.asarray(draw(*shape, rng))
    if matrix.shape != shape:  # one number, or one row, would be broadcast
        raise ValueError(f"{name} must draw a matrix of shape {shape}, got {matrix.shape}")
    return matrix
