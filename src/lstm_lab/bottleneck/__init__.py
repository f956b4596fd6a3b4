"""The vector between encoder and decoder: models by width, attention, order and training.

`SWEEP` is the grid of runs, `STORE` is where their results are kept, and `curves` reads them.
``python -m lstm_lab.sweeps run lstm_lab.bottleneck.sweep:SWEEP --store
src/lstm_lab/data/bottleneck.jsonl --renew`` makes them anew.
"""

from lstm_lab.bottleneck.record import Curves, curves
from lstm_lab.bottleneck.sweep import (
    LONGER,
    PADDINGS,
    PROBED,
    RATIOS,
    STORE,
    SWEEP,
    USUAL,
    WIDTHS,
    Problem,
    batch,
    configure,
    experiment,
    padded,
    probe,
    problems,
)

__all__ = [
    "LONGER",
    "PADDINGS",
    "PROBED",
    "RATIOS",
    "STORE",
    "SWEEP",
    "USUAL",
    "WIDTHS",
    "Curves",
    "Problem",
    "batch",
    "configure",
    "curves",
    "experiment",
    "padded",
    "probe",
    "problems",
]
