"""Trees of arrays in a file: whole and unchanged, or not at all.

A file is an ``.npz`` archive, which ``numpy.load`` reads too: one member for each array under its
dotted name, and ``metadata.json``. No member is a pickle. The last 64 bytes are the SHA-256 of
all before them, so that a single changed bit is found. What a file declares is compared with
what is expected before any memory is taken for it.

A file is written beside its place and moved there when it is on the disk: whenever the writing
process ends, the place holds the previous file or the new one. What a killed process leaves is
a file ``NAME.*.tmp``, which may be deleted.
"""

import hashlib
import io
import json
import os
import secrets
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from lstm_lab import tree

File = str | os.PathLike[str]
Tree = TypeVar("Tree", bound=Any)

VERSION = 1
LARGEST_METADATA = 2**20
"""Bytes of JSON that a file may hold at most, the names of its arrays included."""

_METADATA = "metadata.json"
_DIGEST = 64  # hexadecimal digits of a SHA-256
_HEADER = 2**12  # bytes of an array's header at most; NumPy's have 128
_BLOCK = 2**20
_NUMBERS = (
    "?bhilqBHILQefdgFDG"  # no objects, which would be pickles, and no text
)
# What a file whose checksum was forged can make its readers raise.
_MALFORMED = (
    *(zipfile.BadZipFile, struct.error, EOFError, LookupError, OSError),
    *(RuntimeError, TypeError, ValueError),
)


class CheckpointError(ValueError):
    """A file is no checkpoint, is damaged, or holds something else than expected."""


def save(file: File, values: Any, **metadata: Any) -> None:
    """Write a tree of arrays to a file, in the place of what is there.

    Parameters
    ----------
    file : path-like
        Where to; the folder must exist.
    values : tree of ndarrays and numbers
        For example a model, or the state of an optimizer.
    **metadata : JSON values
        What else is to be known of them. They come back as JSON has them: a tuple as a list.

    Raises
    ------
    TypeError
        If a leaf is no array of numbers, or a value of the metadata nothing that JSON knows.
    ValueError
        If the metadata holds NaN or an infinity, or is larger than `LARGEST_METADATA`.
    OSError
        If the file cannot be written; the previous one stays.
    """
    leaves = {name: np.asarray(a) for name, a in tree.leaves(values).items()}
    for name, leaf in leaves.items():
        if leaf.dtype.char not in _NUMBERS:
            raise TypeError(
                f"{name or 'the tree'} must be an array of numbers, got dtype"
                f" {leaf.dtype}"
            )
    about = {
        "version": VERSION,
        "layout": _layout(values),
        "metadata": metadata,
    }
    text = json.dumps(about, allow_nan=False).encode()
    if len(text) > LARGEST_METADATA:
        raise ValueError(
            f"metadata must be at most {LARGEST_METADATA} bytes of JSON,"
            f" got {len(text)}"
        )

    members = {f"{name}.npy": _npy(leaf) for name, leaf in leaves.items()}
    _replace(Path(file), _archive({_METADATA: text, **members}))


def load(file: File, like: Tree) -> Tree:
    """Return the tree of a file, with the same bits that were saved.

    Parameters
    ----------
    file : path-like
        What `save` wrote.
    like : tree of ndarrays and numbers
        What is expected: a tree of the same types, shapes and dtypes, whatever its values.

    Returns
    -------
    tree
        Of the type of `like`, in new memory; where `like` has a Python number, a Python number.

    Raises
    ------
    CheckpointError
        If the file is damaged, is no checkpoint, or holds another tree; the message names the
        first array that differs.
    OSError
        If the file cannot be read.
    """
    with _opened(file) as archive:
        layout, expected = _about(archive)["layout"], _layout(like)
        for name in [*expected, *layout]:
            came, wanted = (
                at.get(name, "nothing") for at in (layout, expected)
            )
            if came != wanted:
                raise CheckpointError(
                    f"{file} holds another tree: {name or 'the whole'} is {came},"
                    f" expected {wanted}"
                )
        leaves = {
            name: _read(archive, name, np.asarray(leaf))
            for name, leaf in tree.leaves(like).items()
        }
    arrays = iter(leaves.values())
    filled: Tree = tree.map(lambda leaf: _as(leaf, next(arrays)), like)
    return filled


def metadata(file: File) -> dict[str, Any]:
    """Return the metadata of a file.

    Parameters
    ----------
    file : path-like
        What `save` wrote.

    Returns
    -------
    dict
        What `save` was given, as JSON has it.

    Raises
    ------
    CheckpointError
        If the file is damaged or is no checkpoint.
    OSError
        If the file cannot be read.
    """
    with _opened(file) as archive:
        found: dict[str, Any] = _about(archive)["metadata"]
    return found


def _layout(values: Any, name: str = "") -> dict[str, str]:
    """Return the type of every node and leaf under its dotted name."""
    if values is None:
        return {name: "None"}
    if not isinstance(values, tuple | list):
        leaf = np.asarray(values)
        return {name: f"{leaf.dtype} of shape {leaf.shape}"}
    kind = type(values)
    found = {name: f"{kind.__module__}.{kind.__qualname__}"}
    fields = getattr(values, "_fields", range(len(values)))
    dot = "." if name else ""
    for field, branch in zip(fields, values, strict=True):
        found |= _layout(branch, f"{name}{dot}{field}")
    return found


def _as(like: Any, leaf: NDArray[Any]) -> Any:
    return leaf if isinstance(like, np.ndarray) else type(like)(leaf[()])


def _npy(leaf: NDArray[Any]) -> bytes:
    content = io.BytesIO()
    npy.write_array(content, leaf, allow_pickle=False)
    return content.getvalue()


def _archive(members: dict[str, bytes]) -> bytes:
    """Return an archive whose comment is the checksum of all before it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, member in members.items():
            # Not compressed, and without a date: equal trees are equal files.
            archive.writestr(zipfile.ZipInfo(name), member)
        archive.comment = bytes(_DIGEST)
    summed = content.getvalue()[:-_DIGEST]
    return summed + hashlib.sha256(summed).hexdigest().encode()


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if hasattr(os, "O_DIRECTORY"):  # not on Windows
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def _opened(file: File) -> Iterator[zipfile.ZipFile]:
    """Open a file whose checksum is right; whatever is wrong with it is a `CheckpointError`."""
    with Path(file).open("rb") as stream:
        _check_digest(file, stream)
        try:
            with zipfile.ZipFile(stream) as archive:
                yield archive
        except CheckpointError:
            raise
        except _MALFORMED as error:
            raise CheckpointError(
                f"{file} is no checkpoint of this package: {error}"
            ) from error


def _check_digest(file: File, stream: IO[bytes]) -> None:
    left = stream.seek(0, os.SEEK_END) - _DIGEST
    stream.seek(0)
    digest = hashlib.sha256()
    while left > 0:
        block = stream.read(min(left, _BLOCK))
        left -= len(block)
        digest.update(block)
    if stream.read() != digest.hexdigest().encode():
        raise CheckpointError(
            f"{file} is damaged, or no checkpoint: its checksum is not that of"
            " its content"
        )


def _about(archive: zipfile.ZipFile) -> dict[str, Any]:
    about = json.loads(_content(archive, _METADATA, LARGEST_METADATA))
    if about["version"] != VERSION:
        raise ValueError(
            f"its format is of version {about['version']}, expected {VERSION}"
        )
    return {
        "layout": dict(about["layout"]),
        "metadata": dict(about["metadata"]),
    }


def _content(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    member = archive.getinfo(name)
    if member.compress_type != zipfile.ZIP_STORED or member.file_size > limit:
        raise ValueError(
            f"{name} must be at most {limit} bytes and not compressed, got"
            f" {member.file_size}"
        )
    return archive.read(member)


def _read(
    archive: zipfile.ZipFile, name: str, like: NDArray[Any]
) -> NDArray[Any]:
    member = f"{name}.npy"
    stream = io.BytesIO(_content(archive, member, like.nbytes + _HEADER))
    version = npy.read_magic(stream)
    shape, is_fortran, dtype = npy.read_array_header_1_0(stream)
    numbers = stream.read()
    came = (version, shape, dtype, len(numbers))
    if came != ((1, 0), like.shape, like.dtype, like.nbytes):
        raise ValueError(f"{member} is not what the file says of it")
    order: Literal["F", "C"] = "F" if is_fortran else "C"
    return np.ndarray(shape, dtype, numbers, order=order).copy(order="K")
