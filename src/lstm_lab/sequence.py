"""Any cell over whole sequences: forward, backward through time, and inference.

A cell is a module such as ``lstm``; `Cell` says what it has to define. The loops of all cells are
here, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks, packing, tree
from lstm_lab.numerics import Array
from lstm_lab.packing import Weights

Lengths = NDArray[np.integer[Any]]


class Cell(Protocol):
    """What a cell defines, in one module or object.

    - ``GATES``, the names of its gates, in the order in which ``W`` and ``b`` hold their weights;
    - ``STATES``, those of its states, the hidden state ``h`` first;
    - ``Params``, a NamedTuple of ``W`` (G * H, D + H), ``b`` (G * H,), and perhaps vectors (H,);
    - ``init(D, H, *, rng, dtype) -> Params``;
    - ``step(w, row, *other_states) -> states, cache``, from the row ``[x_t, h_{t-1}, 1]`` with
      `packing.Weights`; the first entries of the cache, a NamedTuple, are the gates;
    - ``step_vjp(w, cache, *dstates) -> da, dstates before the step``, its derivative;
    - ``weight_grads(trace, da) -> Params``: `packing.weight_grads`, if all gates read the rows.

    A cell with a direct path, along which a state is only multiplied by a gate, also has

    - ``DIRECT``, the name of that state;
    - ``direct_factor(cache)``, the factor of one step;
    - ``direct_total(cache, *dstates)``, the state's whole gradient, including that through ``h``;
    - perhaps ``LAG_BIASES``, for each gate that decides how long the state is remembered, the sign
      of the bias with which it is remembered longer.
    """

    __name__: str
    Params: Any
    init: Any
    step: Any
    step_vjp: Any
    weight_grads: Any

    @property
    def GATES(self) -> tuple[str, ...]:
        """Names of the gates."""

    @property
    def STATES(self) -> tuple[str, ...]:
        """Names of the states."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What a forward pass leaves, for the backward pass and for looking at.

    The states are attributes too: ``h``, ``c``, ... of shape (T + 1, B, H). Index 0 is the initial
    state: step t of the code, counted from 0, reads ``x[t]`` and ``h[t]`` and writes ``h[t + 1]``.
    One sequence has no axis B.
    """

    cell: Cell
    weights: Weights
    rows: Array
    others: list[tuple[Array, ...]]
    caches: list[Any]

    @property
    def params(self) -> Any:
        """The parameters."""
        return self.weights.params

    @property
    def x(self) -> Array:
        """The inputs (T, B, D)."""
        return self.rows[:-1, ..., : self.params.D]

    @cached_property
    def states(self) -> dict[str, Array]:
        """All states (T + 1, B, H) by name."""
        h = packing.state(self.rows, self.params.H)
        others = map(np.stack, zip(*self.others, strict=True))
        return dict(zip(self.cell.STATES, (h, *others), strict=True))

    @cached_property
    def gates(self) -> dict[str, Array]:
        """All gates (T, B, H) by name."""
        values = zip(*self.caches, strict=True)
        return {name: np.stack(value) for name, value in zip(self.cell.GATES, values, strict=False)}

    def __getattr__(self, name: str) -> Array:
        if name.startswith("_") or name not in self.cell.STATES:
            raise AttributeError(
                f"a trace of {name_of(self.cell)} has no {name!r}; its states are"
                f" {', '.join(self.cell.STATES)}"
            )
        return self.states[name]

    def __repr__(self) -> str:
        shape = ", ".join(map(str, self.x.shape))
        return (
            f"Trace of {name_of(self.cell)}: x ({shape}), states"
            f" {', '.join(self.cell.STATES)}, gates {', '.join(self.cell.GATES)}"
        )


def forward(cell: Cell, params: Any, x: Array, *initial: Array | None) -> Trace:
    """Run a cell over whole sequences.

    Parameters
    ----------
    cell : module
        ``rnn``, ``lstm``, ``gru``, ``coupled``, or a cell of your own.
    params : Params
        Its parameters.
    x : ndarray of shape (T, B, D) or (T, D)
        Inputs, of the parameters' dtype.
    *initial : ndarrays of shape (B, H) or (H,), optional
        Initial states, in the order of ``cell.STATES``; zeros for those that are None or left out.

    Returns
    -------
    Trace
        All states and gates.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.
    """
    x, (h, *others) = _checked(cell, params, x, initial)
    w = packing.lay_out(params)
    rows = packing.empty_rows(x, params.H)
    states = packing.state(rows, params.H)
    states[0] = h
    kept, caches = [tuple(others)], []
    for t in range(len(x)):
        (states[t + 1], *others), cache = cell.step(w, rows[t], *others)
        kept.append(tuple(others))
        caches.append(cache)
    return Trace(cell, w, rows, kept, caches)


def infer(
    cell: Cell, params: Any, x: Array, *initial: Array | None
) -> tuple[Array, tuple[Array, ...]]:
    """Return the hidden states h_1 ... h_T of `forward`, and all states after the last step.

    The memory taken beyond them does not grow with T.
    """
    x, (h, *others) = _checked(cell, params, x, initial)
    w = packing.lay_out(params)
    row = packing.empty_rows(x[:1], params.H)[0]
    out = np.empty((*x.shape[:-1], params.H), x.dtype)
    for t in range(len(x)):
        row[..., : params.D] = x[t]
        packing.state(row, params.H)[...] = h
        (h, *others), _ = cell.step(w, row, *others)
        out[t] = h
    return out, (h, *others)


def backward(
    trace: Trace, dh: Array | None = None, *dlast: Array | None, lengths: Lengths | None = None
) -> Any:
    """Backpropagate through time.

    Parameters
    ----------
    trace : Trace
        What `forward` returned.
    dh : ndarray of shape (T, B, H) or (T, H), optional
        Gradient of the loss of each step with respect to its hidden state; zeros by default.
    *dlast : ndarrays of shape (B, H) or (H,), optional
        Further gradients with respect to the last states, in the order of ``cell.STATES``; zeros
        for those that are None or left out.
    lengths : ndarray of int of shape (B,), optional
        Steps of each sequence, if some are shorter: `dlast` belongs to the states after these, and
        `dh` must be zero beyond them.

    Returns
    -------
    NamedTuple
        Gradients with respect to the parameters ``params``, the inputs ``x``, and the initial
        states ``h0``, ``c0``, ...

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or a number is not finite.

    References
    ----------
    Chapter ch317, equations ``eq-bptt-state`` and ``eq-bptt-step``.
    """
    checks.instance("trace", trace, Trace)
    cell, params = trace.cell, trace.params
    T, *batch, _ = trace.rows[:-1].shape
    shape, dtype = (*batch, params.H), trace.rows.dtype
    dh = checks.like("dh", dh, (T, *shape), dtype)
    last = _states(cell, "d{}_T", dlast, shape, dtype)
    dstates: list[Array | None] = [dh, *[None] * len(last[1:])]
    if lengths is not None:
        dh_ends, *ends = (_at_ends(d, lengths, T) for d in last)
        dstates = [dh + dh_ends, *ends]
        last = [np.zeros_like(d) for d in last]
    da, first = pull_back(trace, dstates, last)
    dx = da @ params.W[:, : params.D]
    dparams = cell.weight_grads(trace, da)  # sums over time; most cells: packing.weight_grads
    grads = grads_type(cell.STATES)(dparams, dx, *first)
    _require_finite(trace, grads)
    return grads


def pull_back(
    trace: Trace, dstates: Sequence[Array | None], dlast: Sequence[Array]
) -> tuple[Array, Sequence[Array]]:
    """Pull the gradients of the states back through all steps, the last one first.

    The loss of each step adds `dstates`, one array (T, ..., H) or None for each state, and `dlast`
    (..., H) are further gradients of the last states. Returns the gradients of the pre-activations
    (T, ..., G * H) and of the initial states.
    """
    T, *batch, _ = trace.x.shape
    da = np.empty((T, *batch, len(trace.params.b)), trace.rows.dtype)
    carried = dlast
    for t in reversed(range(T)):
        totals = [
            later if loss is None else later + loss[t]
            for later, loss in zip(carried, dstates, strict=True)
        ]
        da[t], carried = trace.cell.step_vjp(
            trace.weights,
            trace.caches[t],
            *totals,
        )
    return da, carried


def _at_ends(dlast: Array, lengths: Any, T: int) -> Array:
    """Return zeros (T, B, H), with the gradient of each sequence's last state at its end."""
    lengths = checks.integers("lengths", lengths, len(dlast))
    if lengths.min() < 1 or lengths.max() > T:
        raise ValueError(f"lengths must lie from 1 to {T}, got {lengths}")
    dstates = np.zeros((T, *dlast.shape), dlast.dtype)
    dstates[lengths - 1, np.arange(len(lengths))] = dlast
    return dstates


@cache
def grads_type(states: tuple[str, ...]) -> Any:
    """Return the NamedTuple of the gradients of a cell with these states."""
    initial = [(f"{name}0", Array) for name in states]
    return NamedTuple("Grads", [("params", Any), ("x", Array), *initial])


def _checked(cell: Cell, params: Any, x: Any, initial: Sequence[Any]) -> tuple[Array, list[Array]]:
    checks.cell("cell", cell)
    packing.check(params, cell.Params)
    x = checks.sequence(x, params.D, params.b.dtype)
    shape = (*x.shape[1:-1], params.H)
    return x, _states(cell, "{}0", initial, shape, x.dtype)


def _states(cell: Cell, name: str, values: Sequence[Any], shape: Any, dtype: Any) -> list[Array]:
    """Return one array for each state, zeros where there is none."""
    if len(values) > len(cell.STATES):
        raise TypeError(
            f"{name_of(cell)} has the states {', '.join(cell.STATES)}; got"
            f" {len(values)} arrays for them"
        )
    padded = [*values, *[None] * (len(cell.STATES) - len(values))]
    return [
        checks.like(name.format(state), value, shape, dtype)
        for state, value in zip(cell.STATES, padded, strict=True)
    ]


def _require_finite(trace: Trace, grads: Any) -> None:
    """Refuse a forward pass that was not finite; a gradient alone may overflow."""
    if not all(np.isfinite(leaf).all() for leaf in tree.leaves(grads).values()):
        for name, value in {**trace.states, **trace.gates}.items():
            checks.finite(f"trace.{name}", value)


def name_of(cell: Cell) -> str:
    """Return the name of a cell, such as ``"lstm"``."""
    return cell.__name__.rpartition(".")[-1]
