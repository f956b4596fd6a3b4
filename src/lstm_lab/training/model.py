"""The network that learns a task: a recurrent layer and a linear readout of its hidden state.

It answers at each step, or once, at the last step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from lstm_lab import checks, losses, records, sequence, tree
from lstm_lab.numerics import Array, axis_sum, outer_sum
from lstm_lab.sequence import Cell
from lstm_lab.tasks import Batch
from lstm_lab.training.loop import Config, Evaluation, Run, train


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


def predict(cell: Cell, model: Model, x: Array, *, every_step: bool = False) -> Array:
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


def loss_and_grads(cell: Cell, model: Model, batch: Batch) -> tuple[float, Model]:
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


@dataclass(frozen=True, kw_only=True)
class TaskConfig(Config):
    """How a network is trained, and on which task.

    Parameters
    ----------
    task : callable
        Draws a batch from ``(T, B, rng=..., dtype=...)``, such as ``tasks.adding``.
    T : int
        The task's first argument: most often the length of the sequences, in steps.
    H : int
        Hidden size.
    init : callable or None
        ``init(D, H, *, rng) -> Params`` draws the first parameters of the layer, as the result of
        ``initialization.initializer`` does; None stands for ``cell.init``.
    held_out_size : int
        Sequences in the held-out batch, which stays the same.
    **others
        Those of `Config`.
    """

    task: Callable[..., Batch]
    T: int
    H: int = 32
    init: Callable[..., Any] | None = None
    held_out_size: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.fields(self, checks.positive_int, "T", "H", "held_out_size")
        checks.function("task", self.task, "tasks.adding")
        if self.init is not None:
            checks.function("init", self.init, "lstm.init")


def fit(cell: Cell, config: TaskConfig) -> Run:
    """Train a network on a task, and return the record of the run.

    Parameters
    ----------
    cell : module
        ``rnn``, ``lstm``, ``gru``, ``coupled``, or a cell of your own.
    config : TaskConfig
        Everything else that decides the run.

    Returns
    -------
    Run
        The record; its models are of type `Model`. For errors, see `train`.
    """
    checks.instance("config", config, TaskConfig)
    init_rng, batch_rng, held_out_rng = np.random.default_rng(config.seed).spawn(3)
    draw = partial(config.task, config.T, dtype=config.dtype)
    held_out = draw(config.held_out_size, rng=held_out_rng)
    initial = init(
        cell,
        held_out.x.shape[-1],
        config.H,
        held_out.outputs,
        init=config.init,
        rng=init_rng,
        dtype=config.dtype,
    )
    return train(
        sequence.name_of(cell),
        config,
        initial,
        partial(draw, config.batch_size, rng=batch_rng),
        partial(loss_and_grads, cell),
        lambda step, now: Evaluation(step, loss(cell, now, held_out)),
    )
