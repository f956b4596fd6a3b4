"""Ways to draw the first weights and to set the first biases.

`redraw` fills the blocks of any architecture's parameters, gate by gate, with one of the
matrices `uniform`, `glorot`, `orthogonal`, `identity`; `with_biases` and `chrono` set the
biases that decide how long a gated cell remembers. All return new parameters. `start` puts
a way to begin together, for experiments that draw many networks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from lstm_lab import checks
from lstm_lab.architecture import Architecture
from lstm_lab.numerics import Array
from lstm_lab.packing import split_rows

Matrix = Callable[[int, int, np.random.Generator], Array]
P = TypeVar("P", bound=Any)


def uniform(rows: int, columns: int, rng: np.random.Generator) -> Array:
    r"""Return a matrix drawn from :math:`U(-1/\sqrt{H}, 1/\sqrt{H})` with H = `rows`.

    Parameters
    ----------
    rows, columns : int
        The shape; the rows are the H units of a gate.
    rng : numpy.random.Generator
        Where the draws come from.

    Returns
    -------
    ndarray of shape (rows, columns)
        Float64.

    References
    ----------
    PyTorch's default for its recurrent layers.
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
        Where the draws come from.

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

    The distribution is uniform (Haar): the signs that the QR factorisation leaves to
    chance are those of the diagonal of R.

    Parameters
    ----------
    rows, columns : int
        The shape.
    rng : numpy.random.Generator
        Where the draws come from.

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


def redraw(
    params: P,
    *,
    rng: np.random.Generator,
    inputs: Matrix | None = None,
    recurrent: Matrix | None = None,
    gain: float = 1.0,
) -> P:
    """Return the parameters with new weights in every gate; biases stay.

    Parameters
    ----------
    params : Params of an architecture
        Where shapes, dtype and biases come from.
    rng : numpy.random.Generator
        Where the draws come from.
    inputs : callable, optional
        Draws the columns of a gate that meet the input; they stay where it is None.
    recurrent : callable, optional
        Draws the columns of a gate that meet the state; they stay where it is None.
    gain : float
        Factor on the new recurrent weights.

    Returns
    -------
    Params
        New parameters, of the same type and dtype.

    Raises
    ------
    TypeError, ValueError
        If `params` are none of an architecture, `rng` is no generator, `gain` not a finite
        number, or what is drawn has another shape.
    """
    rng, gain = checks.generator(rng), checks.finite_number("gain", gain)
    W, blocks = _blocks(params, "W")
    D, H = params.D, params.H
    for block in blocks.values():
        if inputs is not None:
            block[:, :D] = _drawn("inputs", inputs(H, D, rng), (H, D))
        if recurrent is not None:
            drawn = _drawn("recurrent", recurrent(H, H, rng), (H, H))
            block[:, D:] = gain * drawn
    return params._replace(W=W)  # type: ignore[no-any-return]


def _drawn(name: str, matrix: Any, shape: tuple[int, int]) -> Array:
    drawn = np.asarray(matrix)
    if drawn.shape != shape:  # one number, or one row, would be seen everywhere
        raise ValueError(
            f"{name} must draw a matrix of shape {shape}, got {drawn.shape}"
        )
    return drawn


def with_biases(params: P, **biases: float) -> P:
    """Return the parameters with these biases in the gates of these names.

    Parameters
    ----------
    params : Params of an architecture
        The parameters.
    **biases : float
        A bias for each gate named by its letter, such as ``f=1.0`` in an LSTM. A gate that
        its bias alone decides keeps, or admits, sigmoid(bias) of a state at each step.

    Returns
    -------
    Params
        New parameters, of the same type.

    Raises
    ------
    TypeError, ValueError
        If there is no gate of that name, or a bias is not a finite number.

    References
    ----------
    F. A. Gers, J. Schmidhuber and F. Cummins, Neural Computation 12 (2000), for the
    positive bias of the forget gate.
    """
    b, blocks = _blocks(params, "b")
    for name, bias in biases.items():
        bias = checks.finite_number(f"the bias {name}", bias)
        _named(blocks, name)[:] = bias
    return params._replace(b=b)  # type: ignore[no-any-return]


def silence(params: P, *gates: str) -> P:
    """Return the parameters with no recurrent weights in the gates of these names.

    Parameters
    ----------
    params : Params of an architecture
        The parameters.
    *gates : str
        The letters of gates that shall not hear the state.

    Returns
    -------
    Params
        New parameters, of the same type.

    Raises
    ------
    TypeError, ValueError
        If `params` are none of an architecture, or there is no gate of that name.
    """
    W, blocks = _blocks(params, "W")
    for name in gates:
        _named(blocks, name)[:, params.D :] = 0
    return params._replace(W=W)  # type: ignore[no-any-return]


def _blocks(params: Any, field: str) -> tuple[Array, dict[str, Array]]:
    names = _gates(params)
    packed = getattr(params, field).copy()
    return packed, dict(zip(names, split_rows(packed, names), strict=True))


def _named(blocks: dict[str, Array], name: str) -> Array:
    if name not in blocks:
        raise ValueError(
            f"a gate must be one of {', '.join(blocks)}, got {name!r}"
        )
    return blocks[name]


def _gates(params: Any) -> tuple[str, ...]:
    names: tuple[str, ...] | None = getattr(params, "gates", None)
    if names is None:
        raise TypeError(
            "params must be the Params of an architecture,"
            f" got {type(params).__name__}"
        )
    return names


@dataclass(frozen=True, kw_only=True)
class Start:
    """A way to draw the first parameters, called like ``arch.init``: what `start` returns.

    ``init`` is the architecture's; ``biases`` are pairs of a gate's letter and its bias, in the
    order of the letters; all else is as in `start`.
    """

    init: Callable[..., Any]
    inputs: Matrix | None
    recurrent: Matrix | None
    gain: float
    silent: tuple[str, ...]
    T_max: int | None
    biases: tuple[tuple[str, float], ...]

    def __call__(self, D: int, H: int, *, rng: np.random.Generator) -> Any:
        """Draw parameters.

        Parameters
        ----------
        D, H : int
            Input and hidden size, at least 1.
        rng : numpy.random.Generator
            Where the draws come from.

        Returns
        -------
        Params
            Those of the architecture, float64.

        Raises
        ------
        TypeError, ValueError
            As in `redraw`, `silence`, `chrono` and `with_biases`.
        """
        params = redraw(
            self.init(D, H, rng=rng),
            rng=rng,
            inputs=self.inputs,
            recurrent=self.recurrent,
            gain=self.gain,
        )
        params = silence(params, *self.silent)
        if self.T_max is not None:
            params = chrono(params, self.T_max, rng=rng)
        return with_biases(params, **dict(self.biases))


def start(
    arch: Architecture,
    *,
    inputs: Matrix | None = None,
    recurrent: Matrix | None = None,
    gain: float = 1.0,
    silent: Sequence[str] = (),
    T_max: int | None = None,
    **biases: float,
) -> Start:
    """Return a way to draw parameters, called like ``arch.init``.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    inputs, recurrent, gain
        As in `redraw`.
    silent : sequence of str
        Gates without recurrent weights, as in `silence`.
    T_max : int, optional
        Longest lag for biases as in `chrono`; without it none are drawn.
    **biases : float
        As in `with_biases`.

    Returns
    -------
    Start
        ``draw(D, H, *, rng) -> Params``.
    """
    return Start(
        init=arch.init,
        inputs=inputs,
        recurrent=recurrent,
        gain=gain,
        silent=tuple(silent),
        T_max=T_max,
        biases=tuple(sorted(biases.items())),
    )


def chrono(params: P, T_max: int, *, rng: np.random.Generator) -> P:
    r"""Return the parameters with biases that spread memory over lags of up to `T_max`.

    With :math:`u \sim \log U[1, T_{max} - 1]` for each unit, a forget gate gets
    :math:`b_f = u`, and an input gate beside it :math:`b_i = -u`; a GRU, whose update gate admits
    the new state here, gets :math:`b_z = -u`.

    Parameters
    ----------
    params : Params of an architecture
        The parameters; of cells with a forget gate ``f`` or an update gate ``z``.
    T_max : int
        Longest lag to be remembered, in steps; at least 3.
    rng : numpy.random.Generator
        Where the draws come from.

    Returns
    -------
    Params
        New parameters, of the same type.

    Raises
    ------
    TypeError
        If `params` is of an architecture without such gates, or `T_max` no integer.
    ValueError
        If `T_max` is smaller than 3.

    References
    ----------
    C. Tallec and Y. Ollivier, "Can recurrent neural networks warp time?", ICLR (2018).
    """
    if checks.positive_int("T_max", T_max) < 3:
        raise ValueError(f"T_max must be at least 3 steps, got {T_max}")
    b, blocks = _blocks(params, "b")
    if not blocks.keys() & {"f", "z"}:
        raise TypeError(
            "params must have a forget gate f or an update gate z, got the gates"
            f" {', '.join(blocks)}"
        )
    log_lag = np.log(checks.generator(rng).uniform(1, T_max - 1, params.H))
    for name, block in blocks.items():
        if name in _REMEMBERING:
            block[:] = _REMEMBERING[name] * log_lag
    return params._replace(b=b)  # type: ignore[no-any-return]


# The sign of the bias that makes a gate remember: f keeps the old state, i and z admit the new.
_REMEMBERING = {"f": 1, "i": -1, "z": -1}
