"""The network that is trained: a recurrent layer and a linear readout of its hidden state.

It answers at each step, or once, at the last step of a sequence. Padding is replaced by zeros
before the network reads it, and no hidden state after a sequence's end is read: the values there
have no influence.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lstm_lab import checks, losses, records, sequence, tree
from lstm_lab.numerics import Array, axis_sum, outer_sum
from lstm_lab.sequence import Cell
from lstm_lab.tasks import Batch

Mask = NDArray[np.bool_]


@records.short
class Model(NamedTuple):
    r"""A recurrent layer and a linear readout of its hidden state.

    .. math:: \hat y_t = W_{out}\,h_t + b_{out}

    ``params`` are the parameters of the layer's cell, ``W_out`` (O, H) and ``b_out`` (O,) those
    of the readout.
    """

    params: Any
    W_out: Array
    b_out: Array


def init(
    cell: Cell,
    D: int,
    H: int,
    O: int,  # noqa: E741
    *,
    rng: np.random.Generator,
    init: Callable[..., Any] | None = None,
    dtype: DTypeLike = np.float64,
) -> Model:
    """Draw a model, in float64, and cast it to a dtype.

    ``init(D, H, rng=rng)``, or ``cell.init``, draws the layer. The readout's weights are normal
    with variance 1 / H, its biases are zero.
    """
    checks.cell("cell", cell)
    O = checks.positive_int("O", O)  # noqa: E741
    dtype = checks.float_dtype("dtype", dtype)
    params = (init or cell.init)(D, H, rng=checks.generator(rng))
    W_out = rng.normal(0, 1 / np.sqrt(H), (O, H))
    model = Model(params, W_out, np.zeros(O))
    cast: Model = tree.map(lambda leaf: leaf.astype(dtype), model)
    return cast


def predict(
    cell: Cell,
    model: Model,
    x: Array,
    mask: Mask | None = None,
    *,
    every_step: bool = False,
) -> Array:
    r"""Return the answers of a model: numbers, or the logits of classes.

    .. math:: \hat y_t = W_{out}\,h_t + b_{out}

    Parameters
    ----------
    cell, model : module, Model
        The cell of the model's layer, and the parameters.
    x : ndarray of shape (T, B, D)
        Inputs.
    mask : ndarray of bool of shape (T, B), optional
        True at the steps of a sequence, false at the padding after it.
    every_step : bool
        Whether to answer at each step, not only at the last of each sequence.

    Returns
    -------
    ndarray of shape (B, O) or (T, B, O)
        One answer for each sequence, or for each step; those after the end of a sequence are
        meaningless.
    """
    checks.instance("model", model, Model)
    h, _ = sequence.infer(cell, model.params, _inputs(x, mask))
    return _read_out(model, h if every_step else h[_ends(x, mask)])


def loss(cell: Cell, model: Model, batch: Batch) -> float:
    """Return the loss of a batch: the mean over all answers.

    Parameters
    ----------
    cell, model : module, Model
        The cell of the model's layer, and the parameters.
    batch : tasks.Batch
        Inputs and targets.

    Returns
    -------
    float
        The mean squared error; if the targets are classes the cross-entropy, in nats.
    """
    checks.instance("model", model, Model)
    checks.instance("batch", batch, Batch)
    h, _ = sequence.infer(cell, model.params, _inputs(batch.x, batch.mask))
    index, target = _answered(batch)
    measure, _ = _LOSSES[batch.classes is not None]
    return measure(_read_out(model, h[index]), target)


def loss_and_grads(
    cell: Cell, model: Model, batch: Batch
) -> tuple[float, Model]:
    r"""Return the loss of a batch and its gradient.

    .. math::

        dW_{out} = \sum d\hat y_{t,b} \otimes h_{t,b}, \qquad
        db_{out} = \sum d\hat y_{t,b}, \qquad dh_{t,b} = d\hat y_{t,b}\,W_{out},

    with sums over all answers; from the hidden states on it is ``sequence.backward``.

    Parameters
    ----------
    cell, model, batch
        As for `loss`.

    Returns
    -------
    loss, grads : float, Model
        The loss, and its gradient with respect to every parameter.

    Raises
    ------
    FloatingPointError
        If the answers overflow.
    """
    checks.instance("model", model, Model)
    checks.instance("batch", batch, Batch)
    inputs = _inputs(batch.x, batch.mask)
    index, target = _answered(batch)
    trace = sequence.forward(cell, model.params, inputs)
    h = trace.h[1:]
    prediction = _read_out(model, h[index])
    measure, measure_vjp = _LOSSES[batch.classes is not None]
    value = measure(prediction, target)
    dprediction = measure_vjp(1.0, prediction, target)
    dh = np.zeros(h.shape, h.dtype)
    dh[index] = dprediction @ model.W_out
    if not np.isfinite(dh).all():
        raise FloatingPointError(f"the loss is {value}, without a gradient")
    dparams = sequence.backward(trace, dh).params
    dW_out = outer_sum(dprediction, h[index])
    return value, Model(dparams, dW_out, axis_sum(dprediction))


# The second if the targets are classes.
_LOSSES: tuple[tuple[Callable[..., float], Callable[..., Array]], ...] = (
    (losses.mean_squared_error, losses.mean_squared_error_vjp),
    (losses.cross_entropy, losses.cross_entropy_vjp),
)


def _read_out(model: Model, h: Array) -> Array:
    W_out = checks.array(
        "model.W_out", model.W_out, ("O", h.shape[-1]), dtype=h.dtype
    )
    b_out = checks.array(
        "model.b_out", model.b_out, (len(W_out),), dtype=h.dtype
    )
    answers: Array = h @ W_out.T + b_out
    return answers


def _inputs(x: Array, mask: Mask | None) -> Array:
    """Return the inputs with zeros as padding."""
    x = checks.array("x", x, ("T", "B", "D"), finite_values=False)
    if mask is None:
        return x
    mask = np.asarray(mask)
    if mask.shape != x.shape[:2] or mask.dtype != np.bool_:
        raise ValueError(
            f"mask must be bool of shape {x.shape[:2]}, like the inputs,"
            f" got {mask.dtype} of shape {mask.shape}"
        )
    if not mask[0].all() or (mask[1:] > mask[:-1]).any():
        raise ValueError(
            "mask must be true from the first step of each sequence to its"
            " last, and false after it"
        )
    return np.where(mask[..., np.newaxis], x, 0)


def _ends(x: Array, mask: Mask | None) -> tuple[Any, NDArray[Any]]:
    """Return the last step of each sequence, as an index of steps and examples."""
    T, B = np.shape(x)[:2]
    lengths = T if mask is None else np.sum(mask, axis=0)
    return lengths - 1, np.arange(B)


def _answered(batch: Batch) -> tuple[Any, NDArray[Any]]:
    """Return an index of the steps and examples with an answer, and the targets there."""
    if not batch.every_step:
        return _ends(batch.x, batch.mask), batch.y
    if batch.y.shape[:2] != batch.x.shape[:2]:
        raise ValueError(
            f"y must begin with the shape {batch.x.shape[:2]} of the inputs,"
            f" got {batch.y.shape}"
        )
    index = ... if batch.mask is None else batch.mask
    return index, batch.y[index]
