r"""Weights to and from the layouts of PyTorch, Keras and ONNX, as mappings of names to arrays.

None of these packages is imported. `GATE_ORDERS` and `SHAPES` describe the layouts.

The update gate of all three keeps the old state where ours admits the new one. Its weights
and biases change sign, and since :math:`\sigma(-a) = 1 - \sigma(a)` the function stays the
same. Some layouts have one bias on the input and another on the state, of which only the sum
matters: reading adds the second to the first, writing sets it to zero. The exception is the
candidate of a GRU that resets after the matrix product, whose second bias is
``recurrent_bias``. A GRU that resets before the product is another function than one that
resets after it, so weights of one cannot be converted to the other.

Sources: The documentation of ``torch.nn.RNN``, ``LSTM`` and ``GRU``, of ``keras.layers.SimpleRNN``,
``LSTM`` and ``GRU``, and of the ONNX operators ``RNN``, ``LSTM`` and ``GRU``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstm_lab import checks, packing
from lstm_lab.cells import gru, lstm, rnn
from lstm_lab.numerics import Array
from lstm_lab.sequence import Cell

GATE_ORDERS: dict[str, dict[Cell, tuple[str, ...]]] = {
    "PyTorch": {rnn: ("h",), lstm: ("i", "f", "g", "o"), gru: ("r", "-z", "h")},
    "Keras": {rnn: ("h",), lstm: ("i", "f", "g", "o"), gru: ("-z", "r", "h")},
    "ONNX": {rnn: ("h",), lstm: ("i", "o", "f", "g"), gru: ("-z", "r", "h")},
}
"""The packing orders, in our names of the gates; a minus marks a gate with the opposite sign.

:meta hide-value:
"""

SHAPES: dict[str, dict[str, checks.Shape]] = {
    "PyTorch": {
        "weight_ih": ("GH", "D"),
        "weight_hh": ("GH", "H"),
        "bias_ih": ("GH",),
        "bias_hh": ("GH",),
    },
    "Keras": {
        "kernel": ("D", "GH"),
        "recurrent_kernel": ("H", "GH"),
        "bias": ("GH",),
    },
    "ONNX": {"W": (1, "GH", "D"), "R": (1, "GH", "H"), "B": (1, "2GH")},
}
"""Names and shapes for G gates: weights on the input, weights on the state, biases.

PyTorch's names end in ``_l`` and the number of the layer. The ``bias`` of a Keras GRU with
``reset_after`` has shape (2, GH), and ONNX counts directions on the first axis.
"""

_PARAMS: dict[Cell, type] = {
    rnn: rnn.Params,
    lstm: lstm.Params,
    gru: gru.Params,
}


def to_torch(params: Any, *, layer: int = 0) -> dict[str, Array]:
    """Return the weights as one layer of ``torch.nn.RNN``, ``LSTM`` or ``GRU`` names them.

    Parameters
    ----------
    params : Params
        Of ``rnn``, ``lstm`` or ``gru``; a GRU must have the reset gate after the matrix product.
    layer : int
        The number that ends the names, counted from 0.

    Returns
    -------
    dict of str to ndarray
        New arrays, see `SHAPES`.
    """
    weights = _export(params, "PyTorch", "after")
    return dict(zip(_torch_shapes(layer), weights, strict=True))


def from_torch(
    cell: Cell, weights: Mapping[str, Any], *, layer: int = 0
) -> Any:
    """Return the parameters of one layer of a ``torch.nn.RNN``, ``LSTM`` or ``GRU``.

    Parameters
    ----------
    cell : module
        ``rnn``, ``lstm`` or ``gru``.
    weights : mapping of str to array_like
        Such as a ``state_dict()``; other layers and the reverse direction are ignored. Without
        biases, as with ``bias=False``, they are zeros.
    layer : int
        Which layer, counted from 0.

    Returns
    -------
    Params
        Of `cell`, in new arrays; a GRU has the reset gate after the matrix product.

    Raises
    ------
    TypeError, ValueError
        If a name is missing, an array has the wrong dtype or shape or is not finite, or there
        are projections (``proj_size``).
    """
    read = _read(cell, weights, _torch_shapes(layer))
    return _import(cell, "PyTorch", "after", *read)


def _torch_shapes(layer: int) -> dict[str, checks.Shape]:
    if checks.integer("layer", layer) < 0:
        raise ValueError(f"layer must be at least 0, got {layer}")
    return {f"{name}_l{layer}": s for name, s in SHAPES["PyTorch"].items()}


def to_keras(params: Any, *, reset_after: bool = True) -> dict[str, Array]:
    """Return the weights as ``keras.layers.SimpleRNN``, ``LSTM`` or ``GRU`` names them.

    As `to_torch`; a GRU must reset where the option `reset_after` of the Keras layer says.
    """
    W_x, W_h, b_x, b_h = _export(params, "Keras", _reset(reset_after))
    has_two = isinstance(params, gru.Params) and reset_after
    bias = np.stack([b_x, b_h]) if has_two else b_x
    return {"kernel": W_x.T, "recurrent_kernel": W_h.T, "bias": bias}


def from_keras(
    cell: Cell, weights: Mapping[str, Any], *, reset_after: bool = True
) -> Any:
    """Return the parameters of a ``keras.layers.SimpleRNN``, ``LSTM`` or ``GRU``.

    As `from_torch`; `reset_after` is the option of the Keras GRU that the weights are from.
    """
    has_two = cell is gru and reset_after
    shapes = SHAPES["Keras"] | ({"bias": (2, "GH")} if has_two else {})
    kernel, recurrent_kernel, bias = _read(cell, weights, shapes)
    b_x, b_h = bias if has_two else (bias, np.zeros_like(bias))
    read = kernel.T, recurrent_kernel.T, b_x, b_h
    return _import(cell, "Keras", _reset(reset_after), *read)


def to_onnx(params: Any, *, linear_before_reset: int = 0) -> dict[str, Array]:
    """Return the weights as inputs of the ONNX operator ``RNN``, ``LSTM`` or ``GRU``.

    As `to_torch`; a GRU must reset where the attribute `linear_before_reset` of the operator
    says: 0 before the matrix product, 1 after it.
    """
    W_x, W_h, b_x, b_h = _export(params, "ONNX", _reset(linear_before_reset))
    return {"W": W_x[None], "R": W_h[None], "B": np.append(b_x, b_h)[None]}


def from_onnx(
    cell: Cell,
    weights: Mapping[str, Any],
    *,
    linear_before_reset: int = 0,
) -> Any:
    """Return the parameters of an ONNX operator ``RNN``, ``LSTM`` or ``GRU``.

    As `from_torch`, with the attribute `linear_before_reset` of the operator ``GRU`` that the
    weights are from. Peephole weights ``P`` are not supported.
    """
    W, R, B = _read(cell, weights, SHAPES["ONNX"])
    read = W[0], R[0], *np.split(B[0], 2)
    return _import(cell, "ONNX", _reset(linear_before_reset), *read)


def _reset(after: object) -> gru.Reset:
    return "after" if after else "before"


def _read(
    cell: Cell,
    weights: Mapping[str, Any],
    shapes: Mapping[str, checks.Shape],
) -> list[Array]:
    """Return the named arrays, checked against each other; missing biases are zeros."""
    if cell not in (rnn, lstm, gru):
        raise ValueError(
            f"cell must be one of the modules rnn, lstm, gru, got {cell!r}"
        )
    if not isinstance(weights, Mapping):
        raise TypeError(
            f"weights must be a mapping of names to arrays, got {type(weights)}"
        )
    for name in weights:
        if name == "P" or name.startswith("weight_hr"):
            raise ValueError(
                f"weights[{name!r}] must be left out: peepholes and projections"
                " (proj_size) are not supported"
            )
    _, recurrent, *biases = shapes
    given = {name: weights[name] for name in shapes if name in weights}
    missing = [name for name in shapes if name not in given]
    if missing and missing != biases:
        names = ", ".join(map(repr, weights)) or "none"
        raise ValueError(
            f"weights must have the name {missing[0]!r}; got {names}"
        )
    R = checks.array(
        f"weights[{recurrent!r}]", given[recurrent], shapes[recurrent]
    )
    G, H = len(cell.GATES), R.shape[shapes[recurrent].index("H")]
    sizes: dict[int | str, int] = {"H": H, "GH": G * H, "2GH": 2 * G * H}
    known = {
        name: tuple(sizes.get(size, size) for size in shape)
        for name, shape in shapes.items()
    }
    for name in missing:
        given[name] = np.zeros([int(size) for size in known[name]], R.dtype)
    return [
        checks.array(f"weights[{name!r}]", given[name], shape, dtype=R.dtype)
        for name, shape in known.items()
    ]


def _reorder(
    packed: Array, source: Sequence[str], target: Sequence[str]
) -> Array:
    """Return the blocks of rows in another order, in a new array; ``-z`` is ``z`` negated."""
    blocks = dict(zip(source, np.split(packed, len(source)), strict=True))
    for name, block in list(blocks.items()):
        opposite = name[1:] if name.startswith("-") else f"-{name}"
        blocks[opposite] = 0 - block  # unlike -block, this has no -0.0
    return np.concatenate([blocks[name] for name in target])


def _import(cell: Cell, framework: str, reset: gru.Reset, *layer: Array) -> Any:
    """Return parameters from weights on input and state and the biases of both."""
    order = GATE_ORDERS[framework][cell]
    W_x, W_h, b_x, b_h = (_reorder(array, order, cell.GATES) for array in layer)
    W = np.hstack([W_x, W_h])
    if cell is not gru or reset == "before":
        return _PARAMS[cell](W, b_x + b_h)
    *others, recurrent_bias = np.split(b_h, len(gru.GATES))
    summed = np.concatenate([*others, np.zeros_like(recurrent_bias)])
    return gru.Params(W, b_x + summed, recurrent_bias.copy())


def _export(params: Any, framework: str, reset: gru.Reset) -> list[Array]:
    """Return weights on input (GH, D) and state (GH, H), and the biases (GH,) of both."""
    kinds = [cell for cell in _PARAMS if isinstance(params, _PARAMS[cell])]
    if not kinds:
        raise TypeError(
            f"params must be Params of rnn, lstm or gru, got {type(params)}"
        )
    (cell,) = kinds
    packing.check(params, _PARAMS[cell])
    W_x, W_h = np.split(params.W, [params.D], axis=1)
    b_x, b_h = params.b, np.zeros_like(params.b)
    if isinstance(params, gru.Params):
        if params.reset != reset:
            raise ValueError(
                f"params apply the reset gate {params.reset} the matrix product, and this"
                f" GRU of {framework} {reset} it: weights cannot be converted"
            )
        if params.recurrent_bias is not None:
            name, own = "params.recurrent_bias", params.recurrent_bias
            own = checks.array(name, own, (params.H,), dtype=b_x.dtype)
            b_h[-params.H :] = own
    order = GATE_ORDERS[framework][cell]
    layer = W_x, W_h, b_x, b_h
    return [_reorder(array, cell.GATES, order) for array in layer]
