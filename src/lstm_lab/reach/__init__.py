"""How far the gradients of a plain recurrent network reach, before training and after.

`SWEEP` is the grid of runs, `STORE` is where their results are kept, and `reach` reads them.
``python -m lstm_lab.sweeps run lstm_lab.reach.sweep:SWEEP --store src/lstm_lab/data/reach.jsonl
--renew`` makes them again.
"""

from lstm_lab.reach.record import Reach, reach
from lstm_lab.reach.sweep import (
    LAGS,
    RECIPE,
    SEEDS,
    SEQUENCES,
    STORE,
    SWEEP,
    configure,
    experiment,
    probe,
)

__all__ = [
    "LAGS",
    "RECIPE",
    "SEEDS",
    "SEQUENCES",
    "STORE",
    "SWEEP",
    "Reach",
    "configure",
    "experiment",
    "probe",
    "reach",
]
