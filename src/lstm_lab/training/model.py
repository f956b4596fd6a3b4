"""The network that is trained: a recurrent layer and a linear readout of its hidden state.

It answers at each step, or once, at the last step.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from lstm_lab import checks, losses, records, sequence, tree
from lstm_lab.numerics import Array, axis_sum, outer_sum
from lstm_lab.sequence import Cell
from lstm_lab.tasks import Batch


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
    cell: Cell, model: Model, x: Array, *, every_step: bool = False
) -> Array:
    """Return the answers of a model to inputs (T, B, D): numbers, or the logits of classes.

    They are (T, B, O) for every step, (B, O) for the last one only.
    """
    checks.instance("model", model, Model)
    h, _ = sequence.infer(cell, model.params, x)
    return _read_out(model, h if every_step else h[-1])


def loss(cell: Cell, model: Model, batch: Batch) -> float:
    """Return the loss of a batch, the mean over all answers.

    It is the mean squared error; if the targets are classes the cross-entropy, in nats.
    """
    checks.instance("batch", batch, Batch)
    answers = predict(cell, model, batch.x, every_step=batch.every_step)
    measure, _ = _LOSSES[batch.classes is not None]
    return measure(answers, batch.y)


def loss_and_grads(
    cell: Cell, model: Model, batch: Batch
) -> tuple[float, Model]:
    r"""Return the `loss` of a batch, and its gradient with respect to every parameter.

    .. math::

        dW_{out} = \sum d\hat y_{t,b} \otimes h_{t,b}, \qquad
        db_{out} = \sum d\hat y_{t,b}, \qquad dh_{t,b} = d\hat y_{t,b}\,W_{out},

    with sums over all answers; from the hidden states on it is ``sequence.backward``. A
    FloatingPointError is raised if the answers overflow.
    """
    checks.instance("model", model, Model)
    checks.instance("batch", batch, Batch)
    trace = sequence.forward(cell, model.params, batch.x)
    h = trace.h[1:]
    # A copy, as contiguous as in `predict`: products round the same.
    read = h if batch.every_step else h[-1].copy()
    answers = _read_out(model, read)
    measure, gradient = _LOSSES[batch.classes is not None]
    value = measure(answers, batch.y)
    danswers = gradient(answers, batch.y)
    dh = np.zeros(h.shape, h.dtype)
    dh[... if batch.every_step else -1] = danswers @ model.W_out
    if not np.isfinite(dh).all():
        raise FloatingPointError(f"the loss is {value}, without a gradient")
    dparams = sequence.backward(trace, dh).params
    dW_out = outer_sum(danswers, read)
    return value, Model(dparams, dW_out, axis_sum(danswers))


# The second if the targets are classes.
_LOSSES: tuple[tuple[Callable[..., float], Callable[..., Array]], ...] = (
    (losses.mean_squared_error, losses.mean_squared_error_grad),
    (losses.cross_entropy, losses.cross_entropy_grad),
)


def _read_out(model: Model, h: Array) -> Array:
    O, H = len(model.W_out), h.shape[-1]  # noqa: E741
    checks.array("model.W_out", model.W_out, (O, H), dtype=h.dtype)
    checks.array("model.b_out", model.b_out, (O,), dtype=h.dtype)
    answers: Array = h @ model.W_out.T + model.b_out
    return answers
