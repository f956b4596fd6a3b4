"""Which parts of an LSTM matter: cells with a part taken away, and with other first biases.

`SWEEP` is the grid of runs, `STORE` is where their results are kept, and `outcomes` reads them.
``python -m lstm_lab.sweeps run lstm_lab.ablation.sweep:SWEEP --store
src/lstm_lab/data/ablation.jsonl --renew`` makes them again.
"""

from lstm_lab.ablation.record import Outcomes, outcomes
from lstm_lab.ablation.sweep import (
    RECIPE,
    SEEDS,
    STORE,
    SWEEP,
    VARIANTS,
    configure,
    experiment,
    probe,
)

__all__ = [
    "RECIPE",
    "SEEDS",
    "STORE",
    "SWEEP",
    "VARIANTS",
    "Outcomes",
    "configure",
    "experiment",
    "outcomes",
    "probe",
]
