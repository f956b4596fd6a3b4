"""The store of an experiment: JSON Lines, the hashes of its code and then a line for each row.

A row is on the disk when `append` returns. A process that is killed leaves at most one torn line,
the last, which does not count.
"""

import json
import os
from collections.abc import Sequence
from itertools import product
from operator import methodcaller
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab.experiments.code import fingerprints

DATA = Path(__file__).parents[1] / "data"
"""Where the stores of the book's experiments are."""


class ExperimentError(Exception):
    """Rows that failed, or a store that cannot be used; the message says what to do."""


class Row(NamedTuple):
    """A run: its number in the grid, its configuration and seed, and the results."""

    row: int
    configuration: dict[str, Any]
    seed: int
    result: dict[str, Any]


def grid(experiment: ModuleType) -> list[Row]:
    """Return all rows of an experiment, still without results; seeds change fastest."""
    pairs = product(experiment.CONFIGURATIONS, experiment.SEEDS)
    return [Row(n, plain(c), plain(seed), {}) for n, (c, seed) in enumerate(pairs)]


def plain(value: Any) -> Any:
    """Return a value as a store gives it back, with lists for arrays and tuples."""
    return json.loads(json.dumps(value, default=methodcaller("tolist")))


def column(rows: Sequence[Row], field: str, **configuration: Any) -> NDArray[Any]:
    """Return one result of all rows with a configuration, an array (rows, ...).

    Parameters
    ----------
    rows, field : sequence of Row, str
        What `load` returned, and the name of the result.
    **configuration
        The rows' configuration, or a part of it.

    Raises
    ------
    ValueError
        If no row has this configuration, or results have no such field.
    """
    items = configuration.items()
    found = [row.result for row in rows if items <= row.configuration.items()]
    if not found:
        raise ValueError(f"rows must have a run with {configuration}, got none")
    if field not in found[0]:
        raise ValueError(f"field must be one of {[*found[0]]}, got {field!r}")
    return np.array([result[field] for result in found])


def read(experiment: ModuleType, path: Path) -> tuple[list[str], list[Row]]:
    """Return what has changed since a store was made; if nothing, its rows in the grid's order."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    if not lines:
        return ["nothing is stored"], []
    cases, rows, line = grid(experiment), {}, lines[0]
    try:
        old, new = json.loads(line), fingerprints(experiment.__name__)
        names = sorted(old.keys() | new.keys())
        if changed := [n for n in names if old.get(n) != new.get(n)]:
            return [f"{name} changed" for name in changed], []
        for line in lines[1:]:
            row = Row(**json.loads(line))
            if row._replace(result={}) != cases[row.row]:
                raise ValueError("it is not in the grid")
            rows[row.row] = row
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ExperimentError(
            f"{path}, line {lines.index(line) + 1}, is not a line of this store:"
            f" {error!r}. Restore the file, or delete it to start again."
        ) from error
    return [], [rows[number] for number in sorted(rows)]


def create(experiment: ModuleType, path: Path) -> None:
    """Make a store without rows, instead of any that is there."""
    path.write_bytes(_header(experiment))


def append(experiment: ModuleType, path: Path, row: Row) -> None:
    """Append a row durably, instead of one that was torn; never to the store of other code."""
    with path.open("r+b") as file:
        stored = file.read()
        if not stored.startswith(_header(experiment)):
            raise ExperimentError(f"{path} has been replaced by a run of other code: stopped.")
        file.truncate(file.seek(stored.rfind(b"\n") + 1))
        file.write(f"{json.dumps(row._asdict())}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def _header(experiment: ModuleType) -> bytes:
    return f"{json.dumps(fingerprints(experiment.__name__))}\n".encode()
