"""The file that keeps a sweep's rows: JSON Lines, one header and then a row a line.

A line ends with the CRC-32 of what stands before it. A row is in the file for good as soon as
it is written; what a killed process leaves of a last line is no row. Rows stand in the order in
which they came until the table is complete, then in the order of the grid.
"""

import json
import math
import os
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_origin, get_type_hints

from lstm_lab.sweeps.code import fingerprints
from lstm_lab.sweeps.definition import Case, Sweep, SweepError, Value, cases

FORMAT = 1
LARGEST = 10**6
"""Runs that a store may ask for: a short line could name more than there is memory for."""
Record = TypeVar("Record")
_LINE = re.compile(rb'(\{.*), "crc32": "([0-9a-f]{8})"\}')
# No field of a row can be called so: it is no identifier.
_NOT_FINITE = "not finite"


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a store is of: the first line of its file.

    ``experiment`` is the full name of the function, ``code`` what `fingerprints` returned for
    its module; ``configurations`` and ``seeds`` are those of the sweep.
    """

    format: int
    experiment: str
    configurations: list[dict[str, Value]]
    seeds: list[int]
    code: dict[str, str]

    @property
    def cases(self) -> tuple[Case, ...]:
        """Every run, in the order of the table."""
        return cases(self.configurations, self.seeds)


class Row(NamedTuple):
    """A run and what came out: a line of a store."""

    row: int
    configuration: dict[str, Value]
    seed: int
    result: dict[str, Value]


class Store(NamedTuple):
    """What a file holds: the header, and the rows so far in the order of the grid."""

    header: Header
    rows: tuple[Row, ...]

    @property
    def missing(self) -> tuple[Case, ...]:
        """The runs that have no row yet."""
        done = {row.row for row in self.rows}
        return tuple(case for case in self.header.cases if case.row not in done)


_TYPES: dict[type[Any], dict[str, Any]] = {
    kind: {
        name: get_origin(hint) or hint
        for name, hint in get_type_hints(kind).items()
    }
    for kind in (Header, Row)
}


def header(sweep: Sweep) -> Header:
    """Return the header that a store of a sweep has today.

    Parameters
    ----------
    sweep : Sweep
        The sweep; its experiment's module must be importable.

    Returns
    -------
    Header
        With the hashes of the present code.
    """
    experiment = sweep.experiment
    return Header(
        format=FORMAT,
        experiment=f"{experiment.__module__}.{experiment.__qualname__}",
        configurations=[dict(fields) for fields in sweep.configurations],
        seeds=list(sweep.seeds),
        code=fingerprints(experiment.__module__),
    )


def differences(stored: Header, current: Header) -> tuple[str, ...]:
    """Return what has changed since a store was made, a sentence for each change.

    Parameters
    ----------
    stored : Header
        That of the store.
    current : Header
        What `header` returns for the sweep.

    Returns
    -------
    tuple of str
        Empty where the store is current.
    """
    # Compared as text, where NaN is NaN and 1 is not True.
    found = [
        f"{name} changed"
        for name in ("format", "experiment", "configurations", "seeds")
        if repr(getattr(stored, name)) != repr(getattr(current, name))
    ]
    for module in sorted(stored.code.keys() | current.code.keys()):
        if module not in current.code:
            found.append(f"{module} has no part in it any more")
        elif module not in stored.code:
            found.append(f"{module} has a part in it now")
        elif stored.code[module] != current.code[module]:
            found.append(f"{module} changed")
    return tuple(found)


def read(path: str | os.PathLike[str]) -> Store:
    """Return what a store holds.

    Parameters
    ----------
    path : path-like
        The file, of a running sweep too.

    Returns
    -------
    Store
        Header and rows; a torn last line is left out.

    Raises
    ------
    SweepError
        If there is no such file, it is no store, or a line is damaged; names file and line.
    """
    path = Path(path)
    first, *rest = _lines(path)
    head = _decode(Header, path, 1, first)
    expected = {case.row: repr(case[:]) for case in head.cases}
    rows: dict[int, Row] = {}
    for number, line in enumerate(rest, start=2):
        row = _decode(Row, path, number, line)
        if expected.pop(row.row, None) != repr(row[:3]):
            raise _damaged(path, number, f"no row {row.row} is wanted here")
        rows[row.row] = row
    return Store(head, tuple(rows[number] for number in sorted(rows)))


def create(path: Path, head: Header) -> None:
    """Make a store without rows, in the place of what is there.

    Parameters
    ----------
    path : Path
        The file.
    head : Header
        Its first line.
    """
    _replace(path, [_encode(asdict(head))])


@contextmanager
def appending(path: Path) -> Iterator[Callable[[Row], None]]:
    """Open a store to append to, and give the function that does it.

    ``append(row)`` returns when the row is on the disk. What is left of a torn line is cut off
    first.

    Parameters
    ----------
    path : Path
        The file, under its lock.

    Yields
    ------
    callable
        ``append(row: Row) -> None``.
    """
    with path.open("r+b") as file:
        content = file.read()
        file.seek(content.rfind(b"\n") + 1)
        file.truncate()

        def append(row: Row) -> None:
            file.write(_encode(row._asdict()))
            file.flush()
            os.fsync(file.fileno())

        yield append


def put_in_order(path: Path) -> None:
    """Write the rows of a complete store in the order of the grid, all at once.

    Two stores of the same rows are then equal byte for byte. A store in order stays untouched.

    Parameters
    ----------
    path : Path
        The file, under its lock.
    """
    store = read(path)
    lines = [_encode(asdict(store.header))]
    lines += [_encode(row._asdict()) for row in store.rows]
    if path.read_bytes() != b"".join(lines):
        _replace(path, lines)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other sweeps from a store.

    The lock is one of the operating system, on a file beside the store: it ends with the
    process, however that ends, and the store itself can be replaced under it.

    Parameters
    ----------
    path : Path
        The file of the store.

    Raises
    ------
    SweepError
        If another sweep has the lock.
    """
    # Here, since a browser has no such locks, and the import would warn of that.
    from filelock import FileLock, Timeout

    try:
        with FileLock(f"{path}.lock", timeout=0):
            yield
    except Timeout:
        raise SweepError(
            f"another sweep is writing to {path}; let it end, or stop it"
        ) from None


def _encode(fields: Mapping[str, Any]) -> bytes:
    text = json.dumps(_strict(fields), allow_nan=False).encode()
    crc32 = zlib.crc32(text[:-1])
    return text[:-1] + f', "crc32": "{crc32:08x}"}}\n'.encode()


def _decode(kind: type[Record], path: Path, number: int, line: bytes) -> Record:
    match = _LINE.fullmatch(line)
    if match is None or zlib.crc32(match[1]) != int(match[2], 16):
        raise _damaged(path, number, "its checksum does not fit")
    try:
        fields = json.loads(match[1] + b"}", object_hook=_from_strict)
        record = kind(**fields)
        # JSON has True where Python has 1 as well, so types are compared, not instances.
        found = {name: type(value) for name, value in fields.items()}
        if found != _TYPES[kind]:
            raise TypeError(f"it has {found}")
        if isinstance(record, Header):
            _check_grid(record)
    except (TypeError, ValueError, RecursionError) as error:
        raise _damaged(path, number, str(error)) from None
    return record


def _check_grid(head: Header) -> None:
    kinds = {type(fields) for fields in head.configurations} - {dict}
    if kinds or {type(seed) for seed in head.seeds} - {int}:
        raise TypeError("its configurations must be objects, its seeds numbers")
    runs = len(head.configurations) * len(head.seeds)
    if runs > LARGEST:
        raise ValueError(f"it asks for {runs} runs, more than {LARGEST}")


def _strict(value: Any) -> Any:
    """Replace what JSON has no number for: NaN and the infinities."""
    if isinstance(value, float) and not math.isfinite(value):
        return {_NOT_FINITE: str(value)}
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strict(item) for item in value]
    return value


def _from_strict(fields: dict[str, Any]) -> Any:
    return float(fields[_NOT_FINITE]) if _NOT_FINITE in fields else fields


def _lines(path: Path) -> list[bytes]:
    """Return the lines that were written to their end."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise SweepError(f"{path} cannot be read: {error.strerror}") from None
    if not lines:
        raise _damaged(path, 1, "it has no end")
    return lines


def _damaged(path: Path, number: int, why: str) -> SweepError:
    return SweepError(
        f"{path}, line {number}: this is no line of a store, {why}; take the file from your"
        " backup or version control, or delete it to run the sweep anew"
    )


def _replace(path: Path, lines: list[bytes]) -> None:
    """Give a file a new content; whoever looks finds the old one or the new, never half."""
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    with suppress(PermissionError):  # Windows opens no folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
