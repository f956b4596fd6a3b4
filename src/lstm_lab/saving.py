"""Saving trees of arrays, such as the parameters of a model, and loading them.

A file is an ``.npz`` archive without pickles, as ``numpy.savez`` writes it: each array under its
dotted name after ``values``, and the metadata as JSON.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from lstm_lab import tree

File = str | os.PathLike[str]
Tree = TypeVar("Tree", bound=Any)


class LoadError(ValueError):
    """A file is damaged, was not saved by this module, or holds something else."""


def save(file: File, values: Any, **metadata: Any) -> None:
    """Save a tree of arrays, replacing an existing file only once the new one is complete.

    Parameters
    ----------
    file : path-like
        The path; its folder must exist.
    values : tree of ndarrays
        For example the parameters of a model.
    **metadata : JSON values
        Anything else to keep; tuples come back as lists.

    Raises
    ------
    TypeError, ValueError, OSError
        If an array does not hold numbers, the metadata cannot be written as JSON, or the file
        cannot be written; an existing file stays.
    """
    arrays = _arrays(values)
    for name, array in arrays.items():
        if array.dtype.kind not in "biufc":
            raise TypeError(f"{name} must be an array of numbers, got dtype {array.dtype}")
    text = json.dumps(metadata, allow_nan=False)
    path = Path(file)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            np.savez(stream, metadata=text, **arrays)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load(file: File, like: Tree) -> Tree:
    """Load a tree of arrays, with the same bits that were saved.

    Parameters
    ----------
    file : path-like
        A file that `save` wrote.
    like : tree of ndarrays
        A tree with the expected structure, shapes and dtypes, whatever its values.

    Raises
    ------
    LoadError, OSError
        If the file is damaged or its arrays are not the expected ones; if it cannot be read.
    """
    expected = _arrays(like)
    with _opened(file) as archive:
        found = {name: archive[name] for name in archive if name != "metadata"}
        for name in [*expected, *found]:
            have, wanted = (_describe(a.get(name)) for a in (found, expected))
            if have != wanted:
                raise ValueError(f"its {name} is {have}, expected {wanted}")
    arrays = iter([found[name] for name in expected])
    loaded: Tree = tree.map(lambda _: next(arrays), like)
    return loaded


def metadata(file: File) -> dict[str, Any]:
    """Load the metadata of a file that `save` wrote; errors are those of `load`."""
    with _opened(file) as archive:
        found: dict[str, Any] = json.loads(str(archive["metadata"]))
    return found


@contextmanager
def _opened(file: File) -> Iterator[NpzFile]:
    """Open an archive; whatever is wrong with it is a `LoadError`."""
    with Path(file).open("rb") as stream:
        try:
            with np.load(stream, allow_pickle=False) as archive:
                # Nothing is compressed, so no more memory is needed than the file has bytes.
                size = stream.seek(0, os.SEEK_END)
                declared = sum(m.file_size for m in archive.zip.infolist())
                if declared > size:
                    raise ValueError(f"it has {size} bytes, not {declared}")
                yield archive
        except Exception as error:  # of NumPy, zipfile and JSON
            raise LoadError(f"{file} cannot be loaded: {error}") from error


def _arrays(values: Any) -> dict[str, Any]:
    leaves = tree.leaves(values, "values")
    return {name: np.asarray(leaf) for name, leaf in leaves.items()}


def _describe(array: NDArray[Any] | None) -> str:
    if array is None:
        return "missing"
    return f"{array.dtype} of shape {array.shape}"
