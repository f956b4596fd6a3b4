r"""Weights to and from the layouts of other libraries, as mappings of names to arrays.

None of these libraries is imported. The update gate of all three keeps the old state where ours
admits the new one; since :math:`\sigma(-a) = 1 - \sigma(a)`, its weights change sign. PyTorch
and ONNX have one bias on the input and another on the state, of which only the sum matters: reading
adds the second to the first, writing sets it to zero. The exception is the candidate of a GRU that
resets after the matrix product, whose second bias is ``recurrent_bias``. Such a GRU is another
function than one that resets before the product, and its weights cannot be converted.

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


def to_torch(params: Any, *, layer: int = 0) -> dict[str, Array]:
    """Return the weights of a layer of ``torch.nn.RNN``, ``LSTM`` or ``GRU``, in new arrays.

    Parameters
    ----------
    params : Params
        Of ``rnn``, ``lstm`` or ``gru``; a GRU must have the reset gate after the matrix product.
    layer : int
        The number that ends the names, counted from 0.
    """
    weights = _export(params, "PyTorch", "after")
    return dict(zip(_torch_names(layer), weights, strict=True))


def from_torch(cell: Cell, weights: Mapping[str, Any], *, layer: int = 0) -> Any:
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
        In new arrays; a GRU has the reset gate after the matrix product.

    Raises
    ------
    TypeError, ValueError
        If a name is missing, an array has the wrong dtype or shape or is not finite, or there
        are projections (``proj_size``).
    """
    if cell not in (rnn, lstm, gru):
        raise ValueError(f"cell must be one of the modules rnn, lstm, gru, got {cell!r}")
    if not isinstance(weights, Mapping):
        raise TypeError(f"weights must be a mapping of names to arrays, got {type(weights)}")
    names = _torch_names(layer)
    missing = [name for name in names if name not in weights]
    if missing and missing != names[2:]:
        raise ValueError(
            f"weights must have the name {missing[0]!r}; got"
            f" {', '.join(map(repr, weights)) or 'none'}"
        )
    if f"weight_hr_l{layer}" in weights:
        raise ValueError(
            f"weights['weight_hr_l{layer}'] must be left out: projections"
            " (proj_size) are not supported"
        )
    name = names[1]
    W_h = checks.array(f"weights[{name!r}]", weights[name], ("GH", "H"))
    H, dtype = W_h.shape[1], W_h.dtype
    rows = len(cell.GATES) * H
    shapes = (rows, "D"), (rows, H), (rows,), (rows,)
    zeros, order = np.zeros(rows, dtype), GATE_ORDERS["PyTorch"][cell]
    arrays = [
        checks.array(f"weights[{name!r}]", weights.get(name, zeros), shape, dtype=dtype)
        for name, shape in zip(names, shapes, strict=True)
    ]
    W_x, W_h, b_x, b_h = (_reorder(a, order, cell.GATES) for a in arrays)
    own = []
    if cell is gru:
        own = [b_h[-H:].copy()]
        b_h[-H:] = 0
    return cell.Params(np.hstack([W_x, W_h]), b_x + b_h, *own)


def to_onnx(params: Any, *, linear_before_reset: int = 0) -> dict[str, Array]:
    """Return the weights as inputs of the ONNX operator ``RNN``, ``LSTM`` or ``GRU``.

    As `to_torch`; a GRU must reset where the attribute `linear_before_reset` of the operator
    says: 0 before the matrix product, 1 after it.
    """
    reset = "after" if linear_before_reset else "before"
    W_x, W_h, b_x, b_h = _export(params, "ONNX", reset)
    return {"W": W_x[None], "R": W_h[None], "B": np.append(b_x, b_h)[None]}


def _torch_names(layer: int) -> list[str]:
    """Return the names of weights on input and state, and of the biases of both."""
    if checks.integer("layer", layer) < 0:
        raise ValueError(f"layer must be at least 0, got {layer}")
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return [f"{kind}_l{layer}" for kind in kinds]


def _export(params: Any, framework: str, reset: str) -> list[Array]:
    """Return weights on input (GH, D) and state (GH, H), and the biases (GH,) of both."""
    cells = [c for c in (rnn, lstm, gru) if isinstance(params, c.Params)]
    if not cells:
        raise TypeError(f"params must be Params of rnn, lstm or gru, got {type(params)}")
    (cell,) = cells
    packing.check(params, cell.Params)
    W_x, W_h = np.split(params.W, [params.D], axis=1)
    b_h = np.zeros_like(params.b)
    if cell is gru:
        if params.reset != reset:
            raise ValueError(
                f"params apply the reset gate {params.reset} the matrix product, and this"
                f" GRU of {framework} {reset} it: weights cannot be converted"
            )
        if params.recurrent_bias is not None:
            b_h[-params.H :] = params.recurrent_bias
    order = GATE_ORDERS[framework][cell]
    layer = W_x, W_h, params.b, b_h
    return [_reorder(array, cell.GATES, order) for array in layer]


def _reorder(packed: Array, source: Sequence[str], target: Sequence[str]) -> Array:
    """Return the blocks of rows in another order, in a new array; ``-z`` is ``z`` negated."""
    blocks = dict(zip(source, np.split(packed, len(source)), strict=True))
    for name, block in list(blocks.items()):
        opposite = name[1:] if name.startswith("-") else f"-{name}"
        blocks[opposite] = 0 - block  # unlike -block, this has no -0.0
    return np.concatenate([blocks[name] for name in target])
