"""Training a recurrent network on a task: `fit` takes a cell and a `Config`, returns a `Run`."""

from lstm_lab.training.configuration import Config, Task
from lstm_lab.training.fitting import fit
from lstm_lab.training.model import (
    Model,
    init,
    loss,
    loss_and_grads,
    predict,
)
from lstm_lab.training.runs import (
    Median,
    Rate,
    Run,
    median_interval,
    success_rate,
    wilson_interval,
)

__all__ = [
    "Config",
    "Median",
    "Model",
    "Rate",
    "Run",
    "Task",
    "fit",
    "init",
    "loss",
    "loss_and_grads",
    "median_interval",
    "predict",
    "success_rate",
    "wilson_interval",
]
