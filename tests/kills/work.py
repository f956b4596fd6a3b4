"""What is killed while it works: an experiment; as a script, it saves models."""

import sys
import time
from itertools import count
from pathlib import Path

import numpy as np

from lstm_lab import lstm, saving

PAUSE = 0.02  # seconds, so that there is something to interrupt

CONFIGURATIONS = [{"size": size} for size in range(1, 9)]
SEEDS = range(5)
STORE = Path("work.jsonl")


def probe(*, size, seed):
    """What other machines get too."""
    return {"first": np.random.default_rng([size, seed]).normal()}


def experiment(*, size, seed):
    """A run that takes a moment."""
    time.sleep(PAUSE)
    return {"values": np.random.default_rng([size, seed]).normal(size=size)}


def model(number):
    """Return parameters of which every number is the same."""
    params = lstm.init(20, 60, rng=np.random.default_rng(0))
    return lstm.Params(*(np.full_like(leaf, number) for leaf in params))


def save(file):
    """Save one model after the other in the same file, for ever."""
    last = saving.metadata(file)["number"] if Path(file).exists() else 0
    for number in count(last + 1):
        saving.save(file, model(number), number=number)


if __name__ == "__main__":
    save(sys.argv[1])
