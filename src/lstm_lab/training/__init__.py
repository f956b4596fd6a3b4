"""Training: a loop for any model, a recurrent network for tasks, and statistics of many runs.

`fit` takes a cell and a `TaskConfig` and returns a `Run`.
"""

from lstm_lab.training.fitting import Task, TaskConfig, fit
from lstm_lab.training.loop import Config, Evaluation, Run, train
from lstm_lab.training.model import Model, init, loss, loss_and_grads, predict
from lstm_lab.training.statistics import (
    Median,
    Rate,
    median_interval,
    wilson_interval,
)

__all__ = [
    "Config",
    "Evaluation",
    "Median",
    "Model",
    "Rate",
    "Run",
    "Task",
    "TaskConfig",
    "fit",
    "init",
    "loss",
    "loss_and_grads",
    "median_interval",
    "predict",
    "train",
    "wilson_interval",
]
