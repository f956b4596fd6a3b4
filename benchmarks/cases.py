"""What is computed by all: networks, sizes, and numbers drawn for them."""

from typing import Any, NamedTuple

import numpy as np

from lstm_lab import gru, lstm, rnn, tree
from lstm_lab.architecture import Architecture
from lstm_lab.numerics import Array


class Shape(NamedTuple):
    """Batch size, length of the sequences, input and hidden size."""

    B: int
    T: int
    D: int
    H: int


SINGLE = Shape(1, 100, 4, 32)
BATCHED = (
    Shape(32, 100, 32, 64),
    Shape(64, 100, 64, 128),
    Shape(64, 50, 128, 256),
    Shape(16, 400, 32, 128),
)
SHAPES = (SINGLE, *BATCHED)
DTYPES = ("float32", "float64")

# Every network with its options; the GRU is two, by where the reset gate acts.
VARIANTS: dict[str, tuple[Architecture, dict[str, Any]]] = {
    "rnn": (rnn, {}),
    "lstm": (lstm, {}),
    "gru-before": (gru, {"reset": "before"}),
    "gru-after": (gru, {"reset": "after"}),
}


class Problem(NamedTuple):
    """A network and what it is given.

    ``x`` (T, B, D), ``states`` one array (B, H) for each state, ``dh`` (T, B, H) the gradient of
    a loss with respect to all hidden states.
    """

    variant: str
    arch: Architecture
    params: Any
    x: Array
    states: tuple[Array, ...]
    dh: Array


def draw(variant: str, shape: Shape, dtype: str, *, seed: int = 0) -> Problem:
    """Draw a problem in which no array is zero.

    Parameters
    ----------
    variant : str
        A key of `VARIANTS`.
    shape : Shape
        The sizes.
    dtype : str
        float32 or float64.
    seed : int
        Of the generator.

    Returns
    -------
    Problem
        The weights have the variance with which the book draws them, the biases a tenth of
        that deviation, all else is normal.
    """
    arch, options = VARIANTS[variant]
    B, T, D, H = shape
    rng = np.random.default_rng(seed)

    def filled(leaf: Array) -> Array:
        drawn = leaf if leaf.ndim > 1 else rng.normal(0, 0.1, leaf.shape)
        return drawn.astype(dtype)

    def normal(*sizes: int) -> Array:
        return rng.normal(size=sizes).astype(dtype)

    params = tree.map(filled, arch.init(D, H, rng=rng, **options))
    states = tuple(normal(B, H) for _ in arch.STATES)
    return Problem(
        variant, arch, params, normal(T, B, D), states, normal(T, B, H)
    )
