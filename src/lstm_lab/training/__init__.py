"""Training: a loop for any model, a recurrent network for tasks, and statistics of many runs.

`fit` takes a cell and a `TaskConfig` and returns a `Run`.
"""

from lstm_lab.training.fitting import TaskConfig as TaskConfig
from lstm_lab.training.fitting import fit as fit
from lstm_lab.training.loop import Config as Config
from lstm_lab.training.loop import Evaluation as Evaluation
from lstm_lab.training.loop import Run as Run
from lstm_lab.training.loop import train as train
from lstm_lab.training.model import Model as Model
from lstm_lab.training.model import init as init
from lstm_lab.training.model import loss as loss
from lstm_lab.training.model import loss_and_grads as loss_and_grads
from lstm_lab.training.model import predict as predict
from lstm_lab.training.statistics import Median as Median
from lstm_lab.training.statistics import Rate as Rate
from lstm_lab.training.statistics import median_interval as median_interval
from lstm_lab.training.statistics import wilson_interval as wilson_interval
