"""Training a network on a task: a cell and a configuration in, a record out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lstm_lab import checks, sequence
from lstm_lab.sequence import Cell
from lstm_lab.tasks import Batch
from lstm_lab.training import model
from lstm_lab.training.loop import Config, Evaluation, Run, train


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
    init_rng, batch_rng, held_out_rng = np.random.default_rng(
        config.seed
    ).spawn(3)
    draw = partial(config.task, config.T, dtype=config.dtype)
    held_out = draw(config.held_out_size, rng=held_out_rng)
    initial = model.init(
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
        partial(model.loss_and_grads, cell),
        lambda step, now: Evaluation(step, model.loss(cell, now, held_out)),
    )
