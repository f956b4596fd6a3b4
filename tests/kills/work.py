"""What is killed while it works."""

import time

import numpy as np

from lstm_lab import lstm, tasks, training

PAUSE = 0.02  # seconds, so that there is something to interrupt


def adding(T, B, *, rng, dtype=np.float64):
    """The adding problem, slowly."""
    time.sleep(PAUSE / 4)
    return tasks.adding(T, B, rng=rng, dtype=dtype)


def train(file):
    """Train a network with a checkpoint after every second update; return the record of it."""
    config = training.Config(
        task=adding, T=6, H=4, batch_size=8, steps=150, evaluate_every=50
    )
    return training.fit(
        lstm, config, checkpoint=file, checkpoint_every=2, progress=False
    )
