"""What experiments that train networks share."""

from dataclasses import replace
from typing import Any

from lstm_lab import training
from lstm_lab.sequence import Cell

EARLY = 3
"""Updates whose losses other machines reproduce."""


def first_losses(cell: Cell, config: training.TaskConfig) -> dict[str, Any]:
    """Return the losses of the first updates."""
    short = replace(config, steps=EARLY, held_out_size=1)
    return {"first_losses": training.fit(cell, short).losses}
