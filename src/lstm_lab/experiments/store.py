"""The store of an experiment: JSON Lines, a header and then one line for each row.

A row is on the disk when `append` returns. A process that is killed leaves at most one torn line,
the last, which does not count.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from itertools import product
from operator import methodcaller
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab.experiments.code import fingerprints

DATA = Path(str(files("lstm_lab") / "data"))
"""Where the stores of the book's experiments are."""


class ExperimentError(Exception):
    """Rows that failed, or a store that cannot be used; the message says what to do."""


class Row(NamedTuple):
    """A run: its number in the grid, what `experiment` is called with, and what it returned."""

    row: int
    configuration: dict[str, Any]
    seed: int
    result: dict[str, Any]


def grid(experiment: ModuleType) -> list[Row]:
    """Return all rows of an experiment, still without results; seeds change fastest."""
    seeds = plain(list(experiment.SEEDS))
    pairs = product(plain(experiment.CONFIGURATIONS), seeds)
    return [Row(n, *pair, {}) for n, pair in enumerate(pairs)]


def plain(value: Any) -> Any:
    """Return a value as a store gives it back, with lists for arrays and tuples."""
    return json.loads(json.dumps(value, default=methodcaller("tolist")))


def column(
    rows: Sequence[Row], field: str, **configuration: Any
) -> NDArray[Any]:
    """Return one field of the results, from all rows with a configuration.

    Parameters
    ----------
    rows : sequence of Row
        What ``load`` returned.
    field : str
        A field of the results.
    **configuration
        The rows' configuration, or a part of it.

    Returns
    -------
    ndarray of shape (rows, ...)
        In the order of the rows.

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
    if not path.exists():
        return ["there is no such file"], []
    lines = path.read_bytes().split(b"\n")[:-1]  # without one that was torn
    cases, rows, number = grid(experiment), {}, 1
    try:
        if changes := _changes(json.loads(lines[0]), _header(experiment)):
            return changes, []
        for line in lines[1:]:
            number += 1
            row = Row(**json.loads(line))
            if row._replace(result={}) != cases[row.row]:
                raise ValueError("it is not in the grid")
            rows[row.row] = row
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ExperimentError(
            f"{path}, line {number}, is not a line of this store: {error!r}. Restore the file from"
            " version control, or delete it to start again."
        ) from error
    return [], [rows[number] for number in sorted(rows)]


def _header(experiment: ModuleType) -> dict[str, Any]:
    """Return the first line of a store that is made now."""
    return {
        "experiment": experiment.__name__,
        "configurations": plain(experiment.CONFIGURATIONS),
        "seeds": plain(list(experiment.SEEDS)),
        "code": fingerprints(experiment.__name__),
    }


def _changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    old, new = old | old["code"], new | new["code"]
    return [
        f"{name} changed"
        for name in sorted((old.keys() | new.keys()) - {"code"})
        if old.get(name) != new.get(name)
    ]


def write(experiment: ModuleType, path: Path, rows: Sequence[Row]) -> None:
    """Write a store at once, so that a reader finds the old file or the new one."""
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        _put(file, _header(experiment), *(row._asdict() for row in rows))
    new.replace(path)


@contextmanager
def appending(path: Path) -> Iterator[Callable[[Row], None]]:
    """Cut off a torn last line, and give a function that appends a row durably."""
    with path.open("r+b") as file:
        file.truncate(file.seek(file.read().rfind(b"\n") + 1))
        yield lambda row: _put(file, row._asdict())


def _put(file: BinaryIO, *lines: dict[str, Any]) -> None:
    file.write("".join(f"{json.dumps(line)}\n" for line in lines).encode())
    file.flush()
    os.fsync(file.fileno())
