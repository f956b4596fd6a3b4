"""Which network learns to remember for how long: task by network by length of the gap.

`SWEEP` is the grid of runs, `STORE` is where their results are kept, and `diagram` reads them.
``python -m lstm_lab.sweeps run lstm_lab.phase.sweep:SWEEP --store src/lstm_lab/data/phase.jsonl
--renew`` makes them anew.
"""

from lstm_lab.phase.record import Diagram, diagram
from lstm_lab.phase.sweep import (
    GAPS,
    NETWORKS,
    PROBLEMS,
    RECIPE,
    SEEDS,
    STORE,
    SWEEP,
    Network,
    Problem,
    configure,
    experiment,
    probe,
)

__all__ = [
    "GAPS",
    "NETWORKS",
    "PROBLEMS",
    "RECIPE",
    "SEEDS",
    "STORE",
    "SWEEP",
    "Diagram",
    "Network",
    "Problem",
    "configure",
    "diagram",
    "experiment",
    "probe",
]
