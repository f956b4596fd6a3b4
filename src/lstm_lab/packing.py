"""The packed layout that all cells share, and the gradient of weights that are packed so.

One matrix ``W`` (G * H, D + H) and one vector ``b`` (G * H,) hold the weights of G gates, block
under block in the order of the cell's ``GATES``. The weights read rows ``[x_t, h_{t-1}, 1]``: with
the biases as a last column, all pre-activations of a step are one product.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np
from numpy.typing import DTypeLike

from lstm_lab import checks
from lstm_lab.numerics import Array, outer_sum

P = TypeVar("P", bound="Sizes")


class Sizes:
    """The sizes of any cell's parameters; ``gates`` is the cell's ``GATES``."""

    W: Array
    b: Array
    gates: ClassVar[tuple[str, ...]]

    @property
    def H(self) -> int:
        """Hidden size."""
        return len(self.b) // len(self.gates)

    @property
    def D(self) -> int:
        """Input size."""
        return int(self.W.shape[1]) - self.H

    def __repr__(self) -> str:
        cell = type(self).__module__.rpartition(".")[-1]
        return f"{cell}.Params(D={self.D}, H={self.H}, gates={self.gates}, {self.b.dtype})"


class _Arrays(NamedTuple):
    W: Array
    b: Array


class Packed(Sizes, _Arrays):
    """Parameters that are one matrix ``W`` and one vector ``b``."""


class Weights(NamedTuple):
    """Parameters, and their weights as a loop over steps multiplies them.

    ``blocks`` (G, D + H + 1, H) holds ``[W b]`` as one matrix for each gate, transposed, since it
    multiplies a row from the right: what the documentation writes as columns, the code has as rows.
    ``U`` (G * H, H) is the part of ``params.W`` that multiplies the state.
    """

    params: Any
    blocks: Array
    U: Array


def lay_out(params: Any) -> Weights:
    """Return the weights laid out for a loop: contiguous, with the biases as a last column."""
    by_rows = np.split(np.column_stack([params.W, params.b]), len(params.gates))
    blocks = np.ascontiguousarray(np.swapaxes(by_rows, -1, -2))
    return Weights(params, blocks, np.ascontiguousarray(params.W[:, params.D :]))


def empty_rows(x: Array, H: int) -> Array:
    """Return rows ``[x_t, h_{t-1}, 1]`` (T + 1, ..., D + H + 1), the states not written yet."""
    T, *batch, D = x.shape
    rows = np.empty((T + 1, *batch, D + H + 1), x.dtype)
    rows[:-1, ..., :D] = x
    rows[-1, ..., :D] = 0
    rows[..., -1] = 1
    return rows


def state(row: Array, H: int) -> Array:
    """Return the state in rows ``[x_t, h_{t-1}, 1]``, as a view."""
    return row[..., -1 - H : -1]


def with_state(row: Array, h: Array) -> Array:
    """Return a copy of rows ``[x_t, h_{t-1}, 1]`` with `h` as the state."""
    changed = row.copy()
    state(changed, h.shape[-1])[...] = h
    return changed


def weight_grads(trace: Any, da: Array) -> Any:
    r"""Return the gradient of parameters that read nothing but the rows ``[x_t, h_{t-1}, 1]``.

    .. math:: dW = \sum_t da_t \, [x_t; h_{t-1}]^\top, \qquad db = \sum_t da_t

    The sums are over steps and examples; `da` (T, ..., G * H) are the gradients with respect to
    the pre-activations.
    """
    return type(trace.params)(*split_bias(outer_sum(da, trace.rows[:-1])))


def split_bias(W: Array) -> tuple[Array, Array]:
    """Return the weights, and the biases that are their last column."""
    return W[:, :-1], W[:, -1]


def by_gate(packed: Array, gates: Sequence[str]) -> dict[str, Array]:
    """Return the block (H, ...) of an array (G * H, ...) for each gate, as a view."""
    return dict(zip(gates, np.split(packed, len(gates)), strict=True))


def join(*blocks: Array) -> Array:
    """Return blocks (..., H) side by side on the last axis."""
    return np.concatenate(blocks, axis=-1)


def draw(kind: type[P], D: int, H: int, rng: np.random.Generator, dtype: DTypeLike) -> P:
    """Return parameters with weights from N(0, 1 / (D + H)), drawn in float64, and zero biases."""
    D, H = checks.positive_int("D", D), checks.positive_int("H", H)
    dtype = checks.float_dtype("dtype", dtype)
    G, scale = len(kind.gates), 1.0 / np.sqrt(D + H)
    W = checks.generator(rng).normal(0, scale, (G * H, D + H))
    return kind(W.astype(dtype), np.zeros(G * H, dtype))  # type: ignore[call-arg]


def check(params: Any, kind: type[Sizes]) -> None:
    """Refuse parameters of another cell, or whose arrays do not belong together."""
    checks.instance("params", params, kind)
    G = len(kind.gates)
    b = checks.array("params.b", params.b, (f"{G}H" if G > 1 else "H",))
    if b.size % G:
        raise ValueError(f"params.b must have shape ({G}H,); got {b.shape}")
    H = b.size // G
    W = checks.array("params.W", params.W, (G * H, "D + H"), dtype=b.dtype)
    checks.instance("params.b", params.b, np.ndarray)
    checks.instance("params.W", params.W, np.ndarray)
    if W.shape[1] <= H:
        raise ValueError(
            f"params.W must have shape ({G * H}, D + {H}) with D at least 1; got {W.shape}"
        )
    for name in params._fields[2:]:  # vectors, one number for each unit
        value = getattr(params, name)
        if value is not None:
            checks.array(f"params.{name}", value, (H,), dtype=b.dtype)
