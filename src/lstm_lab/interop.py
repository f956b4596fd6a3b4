r"""Weights to and from the layouts of PyTorch, Keras and ONNX, as mappings of names to arrays.

None of these packages is imported. What a layout is stands in two tables: `GATE_ORDERS` has
the packing orders, `SHAPES` the names and shapes.

The update gate of all three keeps the old state where ours admits the new one. Its weights
and biases change sign, and since :math:`\sigma(-a) = 1 - \sigma(a)` the function stays the
same. Where a layout has one bias on the input and another on the state, the function depends
on their sum: reading adds the second to the first, writing makes it zero. The candidate of a
GRU that resets after the matrix product is the exception; there the second one is
``recurrent_bias``. Where the reset gate acts cannot be converted: those are different functions.

Sources: The documentation of ``torch.nn.RNN``, ``LSTM`` and ``GRU``, of ``keras.layers.SimpleRNN``,
``LSTM`` and ``GRU``, and of the ONNX operators ``RNN``, ``LSTM`` and ``GRU``.
"""

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from lstm_lab import checks, gru, lstm, packing, rnn
from lstm_lab.architecture import Architecture
from lstm_lab.numerics import Array
from lstm_lab.packing import join, split, split_rows

GATE_ORDERS: dict[str, dict[Architecture, tuple[str, ...]]] = {
    "PyTorch": {rnn: ("h",), lstm: ("i", "f", "g", "o"), gru: ("r", "-z", "h")},
    "Keras": {rnn: ("h",), lstm: ("i", "f", "g", "o"), gru: ("-z", "r", "h")},
    "ONNX": {rnn: ("h",), lstm: ("i", "o", "f", "g"), gru: ("-z", "r", "h")},
}
"""The packing orders, in our names of the gates; a minus marks one whose sign is the opposite.

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
"""The names and shapes for G gates. PyTorch's names end in ``_l`` and the number of the layer;
the ``bias`` of a Keras GRU with ``reset_after`` has shape (2, GH), one row for each of two."""

_PARAMS: dict[Architecture, type] = {
    rnn: rnn.Params,
    lstm: lstm.Params,
    gru: gru.Params,
}


class _Layer(NamedTuple):
    """What the layouts have in common: weights on input (GH, D) and state (GH, H), two biases."""

    W_x: Array
    W_h: Array
    b_x: Array
    b_h: Array


def to_torch(params: Any, *, layer: int = 0) -> dict[str, Array]:
    """Return the weights as one layer of ``torch.nn.RNN``, ``LSTM`` or ``GRU`` names them.

    Parameters
    ----------
    params : Params
        Of ``rnn``, ``lstm`` or ``gru``; of a GRU with the reset gate after the matrix product.
    layer : int
        The number that ends the names, counted from 0.

    Returns
    -------
    dict of str to ndarray
        New arrays ``weight_ih_l0`` (GH, D), ``weight_hh_l0`` (GH, H), ``bias_ih_l0`` (GH,)
        and ``bias_hh_l0`` (GH,), where G is the number of gates.

    Raises
    ------
    TypeError
        If `params` is of another type or dtype, or `layer` no integer.
    ValueError
        If the reset gate acts before the matrix product, an array has the wrong shape or is
        not finite, or `layer` is negative.
    """
    weights = _unpack(params, "PyTorch", "after", "torch.nn.GRU")
    return dict(zip(_torch_shapes(layer), weights, strict=True))


def from_torch(
    arch: Architecture, weights: Mapping[str, Any], *, layer: int = 0
) -> Any:
    """Return the parameters of one layer of a ``torch.nn.RNN``, ``LSTM`` or ``GRU``.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm`` or ``gru``.
    weights : mapping of str to array_like
        Such as a ``state_dict()``: names and shapes as from `to_torch`, of one dtype. What
        belongs to other layers, or to the reverse direction, is passed over. Without both
        biases, as with ``bias=False``, they are zeros.
    layer : int
        Which layer, counted from 0.

    Returns
    -------
    Params
        Of `arch`, in new arrays; of a GRU with the reset gate after the matrix product.

    Raises
    ------
    TypeError
        If `weights` is no mapping, an array has another dtype, or `layer` is no integer.
    ValueError
        If a name is missing, an array has the wrong shape or is not finite, there are
        projections (``proj_size``), `layer` is negative, or `arch` another module.
    """
    read = _Layer(*_read(arch, weights, _torch_shapes(layer)))
    return _pack(arch, read, "PyTorch", "after")


def _torch_shapes(layer: Any) -> dict[str, checks.Shape]:
    if isinstance(layer, bool) or not isinstance(layer, Integral):
        raise TypeError(f"layer must be an integer, got {layer!r}")
    if layer < 0:
        raise ValueError(f"layer must be at least 0, got {layer}")
    return {
        f"{name}_l{layer}": shape for name, shape in SHAPES["PyTorch"].items()
    }


def to_keras(params: Any, *, reset_after: bool = True) -> dict[str, Array]:
    """Return the weights as ``keras.layers.SimpleRNN``, ``LSTM`` or ``GRU`` names them.

    Parameters
    ----------
    params : Params
        Of ``rnn``, ``lstm`` or ``gru``.
    reset_after : bool
        The option of the Keras GRU that the weights are for.

    Returns
    -------
    dict of str to ndarray
        New arrays ``kernel`` (D, GH), ``recurrent_kernel`` (H, GH) and ``bias`` (GH,), in a
        GRU with `reset_after` (2, GH), where G is the number of gates.

    Raises
    ------
    TypeError
        If `params` is of another type or dtype.
    ValueError
        If the reset gate of `params` acts elsewhere than `reset_after` says, or an array has
        the wrong shape or is not finite.
    """
    owner = f"keras.layers.GRU with reset_after={bool(reset_after)}"
    W_x, W_h, b_x, b_h = _unpack(params, "Keras", _place(reset_after), owner)
    two = isinstance(params, gru.Params) and reset_after
    bias = np.stack([b_x, b_h]) if two else b_x
    return {"kernel": W_x.T, "recurrent_kernel": W_h.T, "bias": bias}


def from_keras(
    arch: Architecture, weights: Mapping[str, Any], *, reset_after: bool = True
) -> Any:
    """Return the parameters of a ``keras.layers.SimpleRNN``, ``LSTM`` or ``GRU``.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm`` or ``gru``.
    weights : mapping of str to array_like
        Names and shapes as from `to_keras`, of one dtype. Without ``bias``, as with
        ``use_bias=False``, it is zeros.
    reset_after : bool
        The option of the Keras GRU that the weights are from.

    Returns
    -------
    Params
        Of `arch`, in new arrays.

    Raises
    ------
    TypeError
        If `weights` is no mapping, or an array has another dtype.
    ValueError
        If a name is missing, an array has the wrong shape or is not finite, or `arch` is
        another module.
    """
    two = arch is gru and reset_after
    shapes = SHAPES["Keras"] | ({"bias": (2, "GH")} if two else {})
    kernel, recurrent_kernel, bias = _read(arch, weights, shapes)
    b_x, b_h = bias if two else (bias, np.zeros_like(bias))
    return _pack(
        arch,
        _Layer(kernel.T, recurrent_kernel.T, b_x, b_h),
        "Keras",
        _place(reset_after),
    )


def to_onnx(params: Any, *, linear_before_reset: int = 0) -> dict[str, Array]:
    """Return the weights as inputs of the ONNX operator ``RNN``, ``LSTM`` or ``GRU``.

    Parameters
    ----------
    params : Params
        Of ``rnn``, ``lstm`` or ``gru``.
    linear_before_reset : int
        The attribute of the operator ``GRU`` that the weights are for: 0 where the reset gate
        acts before the matrix product, 1 where after it.

    Returns
    -------
    dict of str to ndarray
        New arrays ``W`` (1, GH, D), ``R`` (1, GH, H) and ``B`` (1, 2GH), where G is the
        number of gates and the first axis counts directions.

    Raises
    ------
    TypeError
        If `params` is of another type or dtype.
    ValueError
        If the reset gate of `params` acts elsewhere than `linear_before_reset` says, or an
        array has the wrong shape or is not finite.
    """
    owner = f"the ONNX operator GRU with linear_before_reset={int(linear_before_reset)}"
    W_x, W_h, b_x, b_h = _unpack(
        params, "ONNX", _place(linear_before_reset), owner
    )
    return {"W": W_x[None], "R": W_h[None], "B": join(b_x, b_h)[None]}


def from_onnx(
    arch: Architecture,
    weights: Mapping[str, Any],
    *,
    linear_before_reset: int = 0,
) -> Any:
    """Return the parameters of an ONNX operator ``RNN``, ``LSTM`` or ``GRU``.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm`` or ``gru``.
    weights : mapping of str to array_like
        Names and shapes as from `to_onnx`, of one dtype. Without ``B``, which is optional, it is
        zeros.
    linear_before_reset : int
        The attribute of the operator ``GRU`` that the weights are from.

    Returns
    -------
    Params
        Of `arch`, in new arrays.

    Raises
    ------
    TypeError
        If `weights` is no mapping, or an array has another dtype.
    ValueError
        If a name is missing, an array has the wrong shape or is not finite, there are
        peephole weights ``P``, or `arch` is another module.
    """
    W, R, B = _read(arch, weights, SHAPES["ONNX"])
    if "P" in weights:
        raise ValueError(
            "weights['P'] must be left out: lstm has no peephole connections"
        )
    read = _Layer(W[0], R[0], *split(B[0], ("b_x", "b_h")))
    return _pack(arch, read, "ONNX", _place(linear_before_reset))


def _place(after: object) -> gru.Reset:
    return "after" if after else "before"


def _read(
    arch: Architecture,
    weights: Mapping[str, Any],
    shapes: Mapping[str, checks.Shape],
) -> list[Array]:
    """Return the named arrays once their shapes are found to belong together."""
    if arch not in (rnn, lstm, gru):
        raise ValueError(
            f"arch must be one of the modules rnn, lstm, gru, got {arch!r}"
        )
    if not isinstance(weights, Mapping):
        raise TypeError(
            f"weights must be a mapping of names to arrays, got {type(weights)}"
        )
    projection = next(iter(shapes)).replace("weight_ih", "weight_hr")
    if projection not in shapes and projection in weights:
        raise ValueError(
            f"weights[{projection!r}] must be left out: projections, of an LSTM"
            " with proj_size, are not supported"
        )
    given = {name: weights[name] for name in shapes if name in weights}
    biases = [name for name in shapes if name.startswith(("b", "B"))]
    without_biases = not given.keys() & {*biases}
    for name in shapes:
        if name not in given and not (without_biases and name in biases):
            came = ", ".join(map(repr, weights)) or "none"
            raise ValueError(f"weights must have the name {name!r}; got {came}")
    arrays = {name: _array(name, value) for name, value in given.items()}
    recurrent = next(name for name, shape in shapes.items() if "H" in shape)
    square = checks.array(
        f"weights[{recurrent!r}]", arrays[recurrent], shapes[recurrent]
    )
    G, H = len(arch.GATES), square.shape[shapes[recurrent].index("H")]
    sizes = {"H": H, "GH": G * H, "2GH": 2 * G * H}
    known = {
        name: tuple(sizes.get(str(size), size) for size in shape)
        for name, shape in shapes.items()
    }
    if without_biases:
        for name in biases:
            shape = tuple(map(int, known[name]))
            arrays[name] = np.zeros(shape, square.dtype)
    return [
        checks.array(
            f"weights[{name!r}]", arrays[name], known[name], dtype=square.dtype
        )
        for name in shapes
    ]


def _array(name: str, value: Any) -> Any:
    try:
        return np.asarray(value)
    except (
        ValueError
    ):  # nested lists, of which `checks.array` says what is wrong
        return value
    except Exception as error:  # of whatever package the value is
        raise TypeError(
            f"weights[{name!r}] must be an array, and cannot be read as one:"
            f" {error}"
        ) from error


def _reorder(
    packed: Array, source: Sequence[str], target: Sequence[str]
) -> Array:
    """Return the blocks of rows in another order, in a new array; ``-z`` is ``z`` negated."""
    blocks: dict[str, Array] = {}
    for name, block in zip(source, split_rows(packed, source), strict=True):
        opposite = name[1:] if name.startswith("-") else f"-{name}"
        blocks[name] = block
        blocks[opposite] = 0 - block  # unlike -block, this has no -0.0
    return np.concatenate([blocks[name] for name in target])


def _pack(
    arch: Architecture, layer: _Layer, framework: str, reset: gru.Reset
) -> Any:
    """Return a framework's layer as parameters."""
    order = GATE_ORDERS[framework][arch]
    W_x, W_h, b_x, b_h = (_reorder(array, order, arch.GATES) for array in layer)
    W = join(W_x, W_h)
    if arch is not gru or reset == "before":
        return _PARAMS[arch](W, b_x + b_h)
    *_, candidate = split_rows(b_h, gru.GATES)
    recurrent_bias = candidate.copy()
    candidate[:] = 0
    return gru.Params(W, b_x + b_h, recurrent_bias)


def _unpack(
    params: Any, framework: str, reset: gru.Reset, owner: str
) -> _Layer:
    """Return parameters as a framework's layer; `owner` is the GRU that resets where said."""
    arch = next(
        (arch for arch, kind in _PARAMS.items() if isinstance(params, kind)),
        None,
    )
    if arch is None:
        raise TypeError(
            f"params must be Params of rnn, lstm or gru, got {type(params)}"
        )
    D, H = packing.check(params, _PARAMS[arch], arch.GATES)
    W_x, W_h = np.split(params.W, [D], axis=1)
    b_x, b_h = params.b, np.zeros_like(params.b)
    if isinstance(params, gru.Params):
        if params.reset != reset:
            raise ValueError(
                f"params apply the reset gate {params.reset} the matrix product, and {owner}"
                f" applies it {reset}: a different function, to which no weights carry over"
            )
        if params.recurrent_bias is not None:
            *_, candidate = split_rows(b_h, gru.GATES)
            candidate[:] = checks.array(
                "params.recurrent_bias",
                params.recurrent_bias,
                (H,),
                dtype=b_x.dtype,
            )
    order = GATE_ORDERS[framework][arch]
    return _Layer(
        *(_reorder(array, arch.GATES, order) for array in (W_x, W_h, b_x, b_h))
    )
