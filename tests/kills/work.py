"""What is killed while it works."""

import time

import numpy as np

from lstm_lab.sweeps import Sweep, run

PAUSE = 0.02  # seconds, so that there is something to interrupt


def drawn(*, size, seed):
    """A run that takes a moment."""
    time.sleep(PAUSE)
    values = np.random.default_rng([size, seed]).normal(size=size)
    return {"mean": float(values.mean()), "values": values.tolist()}


DRAWN = Sweep(
    name="kills.work:DRAWN",
    experiment=drawn,
    configurations=[{"size": size} for size in range(1, 9)],
    seeds=range(5),
)


def fill(file):
    """Fill a store of forty rows, in this process."""
    run(DRAWN, file, jobs=1)
