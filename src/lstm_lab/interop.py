r"""Weights in the layouts of other libraries, as mappings of names to arrays.

None of these libraries is imported. The update gate of all three keeps the old state where ours
admits the new one; since :math:`\sigma(-a) = 1 - \sigma(a)`, its weights change sign. PyTorch
and ONNX have one bias on the input and another on the state, of which only the sum matters; the
second is set to zero. The exception is the candidate of a GRU that resets after the matrix product,
whose second bias is ``recurrent_bias``. Such a GRU is another function than one that resets before
the product, and its weights cannot be converted.

Sources: The documentation of ``torch.nn.RNN``, ``LSTM`` and ``GRU``, of ``keras.layers.SimpleRNN``,
``LSTM`` and ``GRU``, and of the ONNX operators ``RNN``, ``LSTM`` and ``GRU``.
"""

from collections.abc import Sequence
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
    if checks.integer("layer", layer) < 0:
        raise ValueError(f"layer must be at least 0, got {layer}")
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weights = _export(params, "PyTorch", "after")
    return {f"{kind}_l{layer}": array for kind, array in zip(kinds, weights, strict=True)}


def to_onnx(params: Any, *, linear_before_reset: int = 0) -> dict[str, Array]:
    """Return the weights as inputs of the ONNX operator ``RNN``, ``LSTM`` or ``GRU``.

    As `to_torch`; a GRU must reset where the attribute `linear_before_reset` of the operator
    says: 0 before the matrix product, 1 after it.
    """
    reset = "after" if linear_before_reset else "before"
    W_x, W_h, b_x, b_h = _export(params, "ONNX", reset)
    return {"W": W_x[None], "R": W_h[None], "B": np.append(b_x, b_h)[None]}


def _export(params: Any, framework: str, reset: str) -> list[Array]:
    """Return weights on input (GH, D) and state (GH, H), and the biases (GH,) of both."""
    cell = next((c for c in (rnn, lstm, gru) if isinstance(params, c.Params)), None)
    if cell is None:
        raise TypeError(f"params must be Params of rnn, lstm or gru, got {type(params)}")
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
    blocks |= {f"-{name}": 0 - block for name, block in blocks.items()}  # -block would have -0.0
    return np.concatenate([blocks[name] for name in target])
