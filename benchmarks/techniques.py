"""What the techniques of the fast loops buy, each measured alone, and the loops as a whole.

A ratio is the plain form's time over the technique's: above 1 the technique pays.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.cases import (
    BATCHED,
    DTYPES,
    SHAPES,
    VARIANTS,
    Problem,
    Shape,
    draw,
)
from benchmarks.timing import Function, compare, interleave
from lstm_lab import gru, kernels, lstm, rnn

GATES = 4
STEPS = 10  # of the weights' gradient; each costs the same


def measure(
    rounds: int,
    shapes: Sequence[Shape] = SHAPES,
    at_least: float = 0.02,
    dtypes: Sequence[str] = DTYPES,
) -> list[dict[str, Any]]:
    """Time each technique beside the plain form.

    Parameters
    ----------
    rounds : int
        Samples of each.
    shapes : sequence of Shape
        Sizes; techniques alone are measured at the batched ones among them.
    at_least : float
        Seconds of a sample.
    dtypes : sequence of str
        float32, float64.

    Returns
    -------
    list of dict
        One record for each technique, dtype and shape.
    """
    rng = np.random.default_rng(0)
    records = []
    for dtype in dtypes:
        for shape in shapes:
            for name, (technique, plain) in _pairs(shape, dtype).items():
                samples = interleave(
                    {"technique": technique, "plain": plain},
                    rounds,
                    rng=rng,
                    at_least=at_least,
                )
                comparison = compare(
                    samples["technique"].seconds, samples["plain"].seconds
                )
                records.append(
                    {
                        "technique": name,
                        "dtype": dtype,
                        "shape": list(shape),
                        "rounds": rounds,
                        **comparison._asdict(),
                    }
                )
    return records


def _pairs(shape: Shape, dtype: str) -> dict[str, tuple[Function, Function]]:
    whole = {
        f"whole forward pass, {variant}": loops(draw(variant, shape, dtype))
        for variant in VARIANTS
    }
    if shape not in BATCHED:
        return whole
    alone = {name: make(shape, dtype) for name, make in TECHNIQUES.items()}
    return whole | alone


def loops(problem: Problem) -> tuple[Function, Function]:
    """Return the package's forward pass, and the same as a loop over its equations.

    Parameters
    ----------
    problem : Problem
        The network and its inputs.

    Returns
    -------
    technique, plain : callables
        Both keep all states and gates.
    """
    _, arch, params, x, first, _ = problem
    step = {rnn: _rnn_step, lstm: _lstm_step, gru: _gru_step}[arch]

    def plain():
        states, trace = first, []
        for x_t in x:
            states, gates = step(params, x_t, *states)
            trace.append((states, gates))
        return trace

    return lambda: arch.forward(params, x, *first), plain


def _rnn_step(params, x, h):
    return (rnn.update(rnn.preactivation(params, x, h)),), None


def _lstm_step(params, x, h, c):
    h, c, gates = lstm.update(lstm.preactivation(params, x, h), c)
    return (h, c), gates


def _gru_step(params, x, h):
    h, gates = gru.update(params, gru.preactivation(params, x, h), h)
    return (h,), gates


# Each makes two functions that compute the same: with the technique, and without.


def one_row(shape: Shape, dtype: str) -> tuple[Function, Function]:
    """Keep input, state and a one side by side, against joining them and adding b."""
    B, _, D, H = shape
    x, h, b = _normal(dtype, (B, D), (B, H), (GATES * H,))
    (W,) = _normal(dtype, (D + H, GATES * H))
    row = np.concatenate([x, h, np.ones((B, 1), dtype)], -1)
    W_b = np.vstack([W, b])
    a = np.empty((B, GATES * H), dtype)
    return (
        lambda: np.matmul(row, W_b, out=a),
        lambda: np.concatenate([x, h], -1) @ W + b,
    )


def one_activation(shape: Shape, dtype: str) -> tuple[Function, Function]:
    """Call tanh once for all gates side by side, against once for each."""
    (a,) = _normal(dtype, (shape.B, GATES * shape.H))
    gates = np.empty_like(a)
    pairs = list(
        zip(*(np.split(v, GATES, -1) for v in (a, gates)), strict=True)
    )

    def plain():
        for a_gate, gate in pairs:
            np.tanh(a_gate, out=gate)
        return gates

    return lambda: np.tanh(a, out=gates), plain


def given_buffers(shape: Shape, dtype: str) -> tuple[Function, Function]:
    """Write the new states into arrays that exist, against making new arrays."""
    B, H = shape.B, shape.H
    i, f, o, g, c_prev = _normal(dtype, *[(B, H)] * 5)
    c, h, scratch = np.empty((3, B, H), dtype)

    def technique():
        np.multiply(f, c_prev, out=c)
        np.multiply(i, g, out=scratch)
        np.add(c, scratch, out=c)
        np.tanh(c, out=scratch)
        return np.multiply(o, scratch, out=h)

    return technique, lambda: o * np.tanh(f * c_prev + i * g)


def gates_apart(shape: Shape, dtype: str) -> tuple[Function, Function]:
    """Give each gate an array of its own, by one product, against slices of one array."""
    B, _, D, H = shape
    xh, W, c = _normal(dtype, (B, D + H), (GATES, D + H, H), (B, H))
    W_joined = np.ascontiguousarray(np.hstack(W))
    apart, joined = (
        np.empty((GATES, B, H), dtype),
        np.empty((B, GATES * H), dtype),
    )
    slices = np.split(joined, GATES, -1)

    def technique():
        np.matmul(xh, W, out=apart)
        return _combined(*apart, c)

    def plain():
        np.matmul(xh, W_joined, out=joined)
        return _combined(*slices, c)

    return technique, plain


def _combined(i, f, o, g, c):
    return o * (f * c + i * g)


def tiles(shape: Shape, dtype: str) -> tuple[Function, Function]:
    """Take the gates' products in tiles, against one product a gate."""
    B, _, D, H = shape
    xh, W = _normal(dtype, (1, B, D + H), (GATES, D + H, H))
    tiled, whole = np.empty((2, 1, GATES, B, H), dtype)
    multiply, rows, columns, products = kernels.step_products(xh, W, tiled)

    def technique():
        multiply(rows[0], columns, out=products[0])
        return tiled

    def plain():
        np.matmul(xh, W, out=whole[0])
        return whole

    return technique, plain


def one_weight_product(shape: Shape, dtype: str) -> tuple[Function, Function]:
    """Take one product for the weights' gradient of many steps, against adding it up."""
    B, _, D, H = shape
    da, xh = _normal(dtype, (STEPS, B, GATES * H), (STEPS, B, D + H))

    def technique():
        return da.reshape(STEPS * B, -1).T @ xh.reshape(STEPS * B, -1)

    def plain():
        dW = np.zeros((GATES * H, D + H), dtype)
        for da_t, xh_t in zip(da, xh, strict=True):
            dW += da_t.T @ xh_t
        return dW

    return technique, plain


TECHNIQUES: dict[str, Callable[[Shape, str], tuple[Function, Function]]] = {
    "inputs, state and bias in one row": one_row,
    "one tanh for all gates": one_activation,
    "results into given buffers": given_buffers,
    "gates apart in memory": gates_apart,
    "products in tiles": tiles,
    "weights' gradient in one product": one_weight_product,
}


def _normal(dtype: str, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.1, shape).astype(dtype) for shape in shapes]
