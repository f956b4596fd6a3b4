"""Training: a loop for any model, a recurrent network for tasks, and statistics of many runs.

`fit` takes a cell and a `TaskConfig` and returns a `Run`.
"""

from lstm_lab.training.loop import Config, Evaluation, Run, train
from lstm_lab.training.model import Model, TaskConfig, fit, init, loss, loss_and_grads, predict
from lstm_lab.training.statistics import Median, Rate, median_interval, wilson_interval
