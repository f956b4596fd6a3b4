"""What the kernels share that run the architectures over whole sequences.

The equations are in each architecture's ``update`` and ``update_vjp``; its kernels do the same in
memory that is laid out once. ``[x_t, h_{t-1}, 1]`` is kept as one row, so that a step's
pre-activations, biases included, are one matrix product, and the new state is written straight
into the next row.
"""

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any, TypeVar

import numpy as np

from lstm_lab import checks, tree
from lstm_lab.numerics import Array

Trace = TypeVar("Trace", bound=Any)

ROWS = 1024
"""Rows, steps times examples, whose gradients are worked off together: enough to keep a matrix
product busy, few enough to stay near the processor."""
TILE_BYTES = 256
"""Width of a tile of a step's product."""
TILE_WORK = 100**3
"""Multiplications up to which OpenBLAS takes a product as a small one."""
STEPS = 8
"""Steps of which inference keeps the gates."""


def rows(
    T: int, batch: Sequence[int], D: int, H: int, dtype: np.dtype[Any]
) -> tuple[Array, Array, Array]:
    """Return an empty buffer of rows ``[x_t, h_{t-1}, 1]``, and its parts as views.

    Parameters
    ----------
    T : int
        Number of steps.
    batch : sequence of int
        ``(B,)``, or empty for one sequence.
    D, H : int
        Input and hidden size.
    dtype : dtype
        float64 or float32.

    Returns
    -------
    rows : ndarray of shape (T, B, D + H + 1)
        The rows, with their ones.
    x : ndarray of shape (T, B, D)
        View of the inputs.
    h : ndarray of shape (T + 1, B, H)
        View of the states: ``h[t]`` is in row t, and the last one behind all rows.
    """
    buffer = np.empty((T + 1, *batch, D + H + 1), dtype)
    buffer[..., -1] = 1
    return buffer[:-1], buffer[:-1, ..., :D], buffer[..., D:-1]


def gates(
    T: int, batch: Sequence[int], G: int, H: int, dtype: np.dtype[Any]
) -> tuple[Array, Array]:
    """Return an empty buffer in which each gate of a step is one block, and a view of it.

    Parameters
    ----------
    T : int
        Number of steps.
    batch : sequence of int
        ``(B,)``, or empty for one sequence.
    G, H : int
        Number of gates, and hidden size.
    dtype : dtype
        float64 or float32.

    Returns
    -------
    blocks : ndarray of shape (T, G, B, H)
        The buffer.
    gates : ndarray of shape (T, B, G, H)
        The same memory, as a trace shows it.
    """
    blocks = np.empty((T, G, *batch, H), dtype)
    return blocks, blocks.swapaxes(1, -2)


def augmented(params: Any, G: int) -> Array:
    r"""Return weights and biases as one matrix a gate, for products with `rows`.

    .. math:: [x; h; 1]^\top [W, b]^\top = (W [x; h] + b)^\top

    Parameters
    ----------
    params : NamedTuple with ``W`` (G * H, D + H) and ``b`` (G * H,)
        The weights.
    G : int
        Number of gates.

    Returns
    -------
    ndarray of shape (G, D + H + 1, H)
        A new array.
    """
    blocks = np.split(np.column_stack([params.W, params.b]), G)
    return np.swapaxes(blocks, -1, -2)


def products(x: Array, W: Array, out: Array) -> tuple[Array, Array, Array]:
    """Cut the products ``out[t] = x[t] @ W`` into tiles, for ``np.matmul(x, W, out=out)``.

    Before a large product, OpenBLAS copies both matrices into an order of its own. For the few
    rows of a step that takes a good part of the time, and with AVX-512 small products do
    without it. So W is copied once, into columns of `TILE_BYTES`, and each product stays below
    `TILE_WORK`. A single row meets all gates at once. No bit depends on the number of steps.

    Parameters
    ----------
    x : ndarray of shape (T, B, K) or (T, K)
        What is multiplied.
    W : ndarray of shape (K, N) or (G, K, N)
        By what; perhaps one matrix a gate.
    out : ndarray of shape (T, B, N), (T, G, B, N), (T, N) or (T, G, N)
        Where the products go.

    Returns
    -------
    x, W, out : ndarrays
        Tiles: views of `x` and `out`, and a copy of `W`.

    Raises
    ------
    ValueError
        If memory is laid out such that a part of `x` or `out` cannot be seen as tiles.
    """
    if x.ndim < 3:
        x, out = x[:, np.newaxis], out[..., np.newaxis, :]
    _, B, K = x.shape
    if B == 1:
        W = np.moveaxis(W, -2, 0).reshape(K, -1)
        out = out.reshape(len(out), 1, -1, copy=False)
    elif W.ndim == 3:
        x = x[:, np.newaxis]
    rows, columns = tile_shape(B, K, W.shape[-1], W.itemsize)
    W = np.ascontiguousarray(_tiles(W, K, columns))
    return _tiles(x, rows, K), W, _tiles(out, rows, columns)


def step_products(
    x: Array, W: Array, out: Array
) -> tuple[Callable[..., Array], Array, Array, Array]:
    """Cut the products of a loop over steps into tiles, and say what multiplies them.

    Parameters
    ----------
    x, W, out : ndarrays
        As for `products`.

    Returns
    -------
    multiply : callable
        ``multiply(x[t], W, out=out[t])``: for a single row np.dot, which is quicker to begin.
    x, W, out : ndarrays
        What it takes.
    """
    single = x.size == len(x) * x.shape[-1]
    x, W, out = products(x, W, out)
    if single:
        return np.dot, x[:, 0, 0, 0], W[0, 0], out[:, 0, 0, 0]
    return np.matmul, x, W, out


def multiply_steps(x: Array, W: Array, out: Array) -> None:
    """Write the products ``x[t] @ W`` of all steps.

    Parameters
    ----------
    x, W, out : ndarrays
        As for `products`.
    """
    x, W, out = products(x, W, out)
    np.matmul(x, W, out=out)


def tile_shape(B: int, K: int, N: int, itemsize: int) -> tuple[int, int]:
    """Return how many rows and columns of a product (B, K) @ (K, N) to compute at a time.

    Parameters
    ----------
    B, K, N : int
        Sizes of the matrices.
    itemsize : int
        Bytes of a number.

    Returns
    -------
    rows, columns : int
        Divisors of B and N; B and N themselves where no others are of use.
    """
    most = TILE_BYTES // itemsize
    columns = _divisor(N, most)
    rows = _divisor(B, TILE_WORK // (K * columns))
    if B == 1 or columns <= most // 4 or rows < min(B, 8):
        return B, N
    return rows, columns


def _divisor(size: int, most: int) -> int:
    return next((n for n in range(min(size, most), 1, -1) if size % n == 0), 1)


def _tiles(x: Array, rows: int, columns: int) -> Array:
    """View matrices (..., M, N) as tiles (..., M / rows, N / columns, rows, columns)."""
    *leading, M, N = x.shape
    shape = (*leading, M // rows, rows, N // columns, columns)
    return x.reshape(shape, copy=False).swapaxes(-3, -2)


def stream(
    kernel: Callable[..., Any], params: Any, x: Array, *states: Array
) -> tuple[Array, tuple[Array, ...]]:
    """Run a kernel over a sequence, some steps at a time, and keep the hidden states only.

    Parameters
    ----------
    kernel : callable
        ``kernel(params, T, batch)``, such as ``lstm.kernel``.
    params : Params
        The weights.
    x : ndarray of shape (T, B, D) or (T, D)
        Inputs.
    *states : ndarrays of shape (B, H) or (H,)
        Initial states.

    Returns
    -------
    h : ndarray of shape (T, B, H) or (T, H)
        The hidden states h_1 ... h_T.
    last : tuple of ndarrays of shape (B, H) or (H,)
        The states after the last step.
    """
    T, *batch, _ = x.shape
    length = min(T, STEPS)
    trace, run = kernel(params, length, batch)
    _, *kept = trace[: 1 + len(states)]
    for state, first in zip(kept, states, strict=True):
        state[0] = first
    h = np.empty((T, *batch, params.H), x.dtype)
    for start in range(0, T, length):
        part = x[start : start + length]
        steps = len(part)
        trace.x[:steps] = part
        run()
        h[start : start + steps] = trace.h[1 : steps + 1]
        for state in kept:
            state[0] = state[steps]
    return h, tuple(state[0].copy() for state in kept)


def backpropagate(
    pull_back: Callable[..., tuple[Array, tuple[Array, ...]]],
    weight_grads: Callable[..., Any],
    params: Any,
    trace: Any,
    dh: Array,
    *dstates: Array,
) -> tuple[Any, Array, tuple[Array, ...]]:
    """Backpropagate through time, the last steps first, some at a time.

    The gradient of the weights is one product for all steps of a part.

    Parameters
    ----------
    pull_back : callable
        ``pull_back(params, trace, dh, *dstates) -> da, dstates`` goes through one part.
    weight_grads : callable
        ``weight_grads(params, trace, da) -> Params``.
    params : Params
        The weights of the forward pass.
    trace : Trace
        What it left.
    dh : ndarray of shape (T, B, H) or (T, H)
        Gradient of the loss with respect to the states h_1 ... h_T.
    *dstates : ndarrays of shape (B, H) or (H,)
        Further gradients with respect to the last states.

    Returns
    -------
    dparams : Params
        Gradient with respect to the weights.
    dx : ndarray of shape (T, B, D) or (T, D)
        Gradient with respect to the inputs.
    dstates : tuple of ndarrays of shape (B, H) or (H,)
        Gradients with respect to the initial states.

    Raises
    ------
    ValueError
        If a value of the trace is NaN or infinite.
    """
    D = trace.x.shape[-1]
    dx = np.empty(trace.x.shape, trace.x.dtype)
    dparams: Any = None
    with np.errstate(invalid="ignore"):
        for steps in _parts(len(dx), prod(dx.shape[1:-1])):
            part = _part(trace, len(dx), steps)
            da, dstates = pull_back(params, part, dh[steps], *dstates)
            multiply_steps(da, params.W[:, :D], out=dx[steps])
            grads = weight_grads(params, part, da)
            dparams = tree.map(np.add, dparams, grads) if dparams else grads
    # All else of the trace goes into the gradient of the weights.
    last = (state[-1] for state in trace[1 : 1 + len(dstates)])
    if not all(np.isfinite(leaf).all() for leaf in (dparams.W, *last)):
        for name, leaf in tree.leaves(trace, "trace").items():
            checks.finite(name, leaf)
    return dparams, dx, dstates


def _parts(T: int, B: int) -> Iterator[slice]:
    length = max(1, ROWS // B)
    for stop in range(T, 0, -length):
        yield slice(max(0, stop - length), stop)


def _part(trace: Trace, T: int, steps: slice) -> Trace:
    """Return the trace of some steps; states have an entry more than there are steps."""
    more = slice(steps.start, steps.stop + 1)
    parts = (leaf[steps if len(leaf) == T else more] for leaf in trace)
    return type(trace)(*parts)  # type: ignore[no-any-return]
