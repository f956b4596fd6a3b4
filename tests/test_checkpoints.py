"""Checkpoints: the same bits come back, or a clear error, whatever happened to the file."""

import hashlib
import io
import itertools
import json
import os
import pickle
import stat
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from lstm_lab import checkpoints, coupled, gru, lstm, optim, rnn, tree
from lstm_lab.checkpoints import CheckpointError, load, metadata, save
from lstm_lab.numerics import Array

ARCHITECTURES = [rnn, lstm, gru, coupled]
DIGEST = 64
MEGABYTE = 2**20


class Pair(NamedTuple):
    a: Array
    rest: tuple[Array, Array | None]


class Other(NamedTuple):
    a: Array
    rest: tuple[Array, Array | None]


def pair(seed=0):
    rng = np.random.default_rng(seed)
    return Pair(rng.normal(size=(2, 3)), (rng.normal(size=4), None))


def bits(values):
    """Return all that a tree consists of."""
    structure = tree.map(type, values)
    leaves = tree.leaves(values)
    arrays = {name: np.asarray(leaf) for name, leaf in leaves.items()}
    return structure, {
        name: (leaf.dtype, leaf.shape, leaf.tobytes(), leaf.flags.fnc)
        for name, leaf in arrays.items()
    }


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.npz"


def round_trip(file, values):
    save(file, values)
    return load(file, tree.map(np.zeros_like, values))


# What comes back


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_parameters_come_back_to_the_bit(arch, dtype, file):
    params = arch.init(3, 5, rng=np.random.default_rng(0))
    params = tree.map(lambda leaf: leaf.astype(dtype), params)
    assert bits(round_trip(file, params)) == bits(params)


def test_the_variant_of_a_gru_comes_back(file):
    rng = np.random.default_rng(0)
    params = gru.init(3, 5, rng=rng, reset="after")
    assert round_trip(file, params).reset == "after"


def test_the_state_of_an_optimizer_comes_back(file):
    params, adam = pair(), optim.Adam(0.1)
    state = adam.step(params, pair(1), adam.init(params))[1]
    save(file, state)
    loaded = load(file, adam.init(params))
    assert bits(loaded) == bits(state)
    assert type(loaded.steps) is int


@pytest.mark.parametrize(
    "leaf",
    [
        np.array(-0.0),
        np.array([np.nan, np.inf, -np.inf, 5e-324]),
        np.zeros((0, 3)),
        np.arange(6, dtype=np.int8).reshape(2, 3),
        np.array([True, False]),
        np.array([1 + 2j], np.complex64),
        np.array([1.0], ">f8"),
        np.arange(6.0).reshape(2, 3).T,
        np.arange(24.0).reshape(2, 3, 4)[:, ::2],
        np.float32(1.5),
        7,
        -0.0,
        True,
    ],
    ids=repr,
)
def test_any_numbers_come_back(leaf, file):
    save(file, [leaf])
    (loaded,) = load(file, [leaf])
    whole = leaf.copy(order="K") if isinstance(leaf, np.ndarray) else leaf
    assert bits([loaded]) == bits([whole])


def test_a_tree_may_be_one_array_or_empty(file):
    array = np.arange(3.0)
    assert bits(round_trip(file, array)) == bits(array)
    assert round_trip(file, ()) == ()
    assert round_trip(file, None) is None


def test_what_comes_back_is_new_memory_that_can_be_written(file):
    loaded = round_trip(file, pair())
    loaded.a[:] = 1
    assert not np.any(load(file, pair()).a == 1)


def test_numpy_reads_it_and_finds_no_pickle(file):
    save(file, pair())
    with np.load(file, allow_pickle=False) as found:
        np.testing.assert_array_equal(found["rest.0"], pair().rest[0])


def test_equal_trees_are_equal_files(file, tmp_path):
    other = tmp_path / "other"
    save(file, pair(), step=1)
    save(str(other), pair(), step=1)
    assert file.read_bytes() == other.read_bytes()
    save(other, pair(1), step=1)
    assert file.read_bytes() != other.read_bytes()


def test_metadata_come_back_as_json_has_them(file):
    about = {
        "step": 2**200,
        "rate": 0.1,
        "names": ["a", None],
        "é": {"b": True},
    }
    save(file, pair(), **about)
    assert metadata(file) == about
    save(file, pair(), shape=(1, 2))
    assert metadata(file) == {"shape": [1, 2]}


# What is not written


@pytest.mark.parametrize(
    "leaf", [np.array([None]), "text", np.array(["text"]), object()]
)
def test_only_numbers_are_written(leaf, file):
    with pytest.raises(
        TypeError, match="1 must be an array of numbers, got dt"
    ):
        save(file, [np.zeros(2), leaf])
    assert not file.exists()


def test_a_dict_is_not_written(file):
    with pytest.raises(TypeError, match="got a dict of a"):
        save(file, [np.zeros(2), {"a": 1.0}])
    assert not file.exists()


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.nan, ValueError, "not JSON compliant"),
        (object(), TypeError, "not JSON serializable"),
        ("x" * MEGABYTE, ValueError, "at most 1048576 bytes of JSON, got 1048"),
    ],
    ids=["nan", "object", "long"],
)
def test_metadata_are_json_and_not_large(value, error, message, file):
    with pytest.raises(error, match=message):
        save(file, pair(), value=value)
    assert not file.exists()


def test_the_folder_must_exist(tmp_path):
    with pytest.raises(FileNotFoundError):
        save(tmp_path / "none" / "model.npz", pair())


# Another tree


@pytest.mark.parametrize(
    ("like", "message"),
    [
        (
            pair()._replace(a=np.zeros((3, 2))),
            r"tree: a is float64 of shape \(2, 3\), exp.* of shape \(3, 2\)",
        ),
        (
            pair()._replace(a=np.zeros((2, 3), np.float32)),
            r"a is float64 .*, expected float32",
        ),
        (
            pair()._replace(rest=(np.zeros(4), np.zeros(1))),
            r"rest\.1 is None, expected float64",
        ),
        (pair()._replace(rest=(None, None)), r"rest\.0 is .*, expected None"),
        (
            pair()._replace(rest=(np.zeros(4),)),
            r"rest\.1 is None, expected nothing",
        ),
        (
            pair()._replace(rest=(np.zeros(4), None, None)),
            r"rest\.2 is nothing, expected None",
        ),
        (Other(*pair()), r"the whole is .*Pair, expected .*Other"),
        (pair()._replace(rest=[np.zeros(4), None]), r"rest is .*tuple, .*list"),
        (np.zeros(3), r"the whole is .*Pair, expected float64"),
    ],
)
def test_another_tree_is_refused_by_the_name_of_what_differs(
    like, message, file
):
    save(file, pair())
    with pytest.raises(CheckpointError, match=message) as caught:
        load(file, like)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("saved", "expected"), [*itertools.permutations(ARCHITECTURES, 2)]
)
def test_another_architecture_is_refused(saved, expected, file):
    rng = np.random.default_rng(0)
    save(file, saved.init(3, 4, rng=rng))
    with pytest.raises(CheckpointError, match=f"{expected.__name__}.Params"):
        load(file, expected.init(3, 4, rng=rng))


# Damage


def check_refused(file, content):
    """Both readers refuse what the file holds now."""
    file.write_bytes(content)
    for read in (metadata, lambda path: load(path, pair())):
        with pytest.raises(CheckpointError, match=file.name):
            read(file)


def test_every_truncation_is_found(file):
    save(file, pair(), step=3)
    whole = file.read_bytes()
    for size in range(len(whole)):
        file.write_bytes(whole[:size])
        with pytest.raises(CheckpointError, match="checksum"):
            metadata(file)
    check_refused(file, whole[:-1])
    check_refused(file, whole + b"\0")


def test_every_flipped_bit_is_found(file):
    save(file, pair(), step=3)
    whole = file.read_bytes()
    for place, bit in itertools.product(range(len(whole)), (0, 3, 7)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << bit
        file.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="checksum"):
            metadata(file)
    check_refused(file, damaged)


def other_files():
    yield "empty", b""
    yield "text", b"W = 1, 2, 3\n" * 100
    yield "pickle", pickle.dumps(pair())
    content = io.BytesIO()
    np.savez(content, *[np.zeros(3)])
    yield "npz", content.getvalue()
    content = io.BytesIO()
    np.save(content, np.array([{}], object), allow_pickle=True)
    yield "npy", content.getvalue()


@pytest.mark.parametrize(
    "content", [pytest.param(c, id=name) for name, c in other_files()]
)
def test_other_files_are_refused(content, file):
    check_refused(file, content)


@pytest.mark.parametrize("read", [metadata, lambda path: load(path, pair())])
def test_a_file_that_is_not_there_is_no_checkpoint_error(read, file):
    with pytest.raises(FileNotFoundError):
        read(file)


# Forgery: the checksum is right, and the content is not what `save` writes


def sealed(content):
    """Return an archive of no comment with the checksum as its comment."""
    assert content[-2:] == b"\0\0"
    body = content[:-2] + DIGEST.to_bytes(2, "little")
    return body + hashlib.sha256(body).hexdigest().encode()


def members(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive(contents, compression=zipfile.ZIP_STORED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as written:
        for name, member in contents.items():
            written.writestr(name, member)
    return sealed(content.getvalue())


def npy(array=None, *, shape=None, dtype="<f8"):
    content = io.BytesIO()
    if shape is None:
        np.save(content, array, allow_pickle=True)
    else:
        header = {"descr": dtype, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(content, header)
        content.write(bytes(48))
    return content.getvalue()


def about(**changes):
    def change(contents):
        entries = json.loads(contents["metadata.json"]) | changes
        kept = {k: v for k, v in entries.items() if v is not None}
        return contents | {"metadata.json": json.dumps(kept)}

    return change


def entry(name, content):
    return lambda contents: contents | {name: content}


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("a pickle was loaded",)


FORGERIES = {
    "no metadata": lambda contents: {"a.npy": contents["a.npy"]},
    "no array": lambda contents: contents | {"a.npy": b""},
    "another version": about(version=2),
    "no layout": about(layout=None),
    "layout of another kind": about(layout=[1, 2]),
    "metadata of another kind": about(metadata=3),
    "no JSON": entry("metadata.json", "{"),
    "no object": entry("metadata.json", "[]"),
    "no text": entry("metadata.json", b"\xff\xfe\xff"),
    "deep JSON": entry("metadata.json", "[" * 500_000),
    "pickle": entry("a.npy", npy(np.array([Bomb()] * 6, object))),
    "wrong dtype": entry("a.npy", npy(np.zeros((2, 3), int))),
    "wrong shape": entry("a.npy", npy(np.zeros((3, 2)))),
    "long header": entry("a.npy", npy(shape=(1,) * 900)),
    "huge shape": entry("a.npy", npy(shape=(2**40, 3))),
    "negative shape": entry("a.npy", npy(shape=(-2, -3))),
    "short": entry("a.npy", npy(np.zeros((2, 3)))[:-8]),
    "long": entry("a.npy", npy(np.zeros((2, 3))) + bytes(8)),
    "newer header": entry(
        "a.npy", npy(np.zeros((2, 3))).replace(b"\1", b"\2", 1)
    ),
    "no header": entry("a.npy", bytes(100)),
    "large": entry("a.npy", bytes(64 * MEGABYTE)),
    "large metadata": entry("metadata.json", b" " * 64 * MEGABYTE),
}


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize(
    "compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]
)
def test_forged_files_are_refused_before_memory_is_taken(
    change, compression, file
):
    save(file, pair())
    content = archive(change(members(file)), compression)
    file.write_bytes(content)
    del content
    tracemalloc.start()
    with pytest.raises(CheckpointError, match=file.name):
        load(file, pair())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A block of the checksum, and the largest metadata with what they are parsed into.
    assert peak < 8 * MEGABYTE


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("another version", "its format is of version 2, expected 1"),
        ("wrong dtype", r"a\.npy is not what the file says of it"),
        ("wrong shape", r"a\.npy is not what the file says of it"),
        ("short", r"a\.npy is not what the file says of it"),
        ("long", r"a\.npy is not what the file says of it"),
    ],
)
def test_what_is_wrong_with_a_forged_file_is_said(name, message, file):
    save(file, pair())
    file.write_bytes(archive(FORGERIES[name](members(file))))
    with pytest.raises(CheckpointError, match=f"{file.name} is no .*{message}"):
        load(file, pair())


def test_the_forger_of_these_tests_can_write_a_good_file(file):
    save(file, pair())
    file.write_bytes(archive(members(file)))
    assert bits(load(file, pair())) == bits(pair())


def test_compressed_files_are_refused(file):
    save(file, pair())
    content = archive(members(file), zipfile.ZIP_DEFLATED)
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match="not compressed"):
        load(file, pair())


def test_mutations_under_a_right_checksum_raise_nothing_else(file):
    save(file, pair(), step=3)
    whole, rng = file.read_bytes()[:-DIGEST], np.random.default_rng(0)
    loaded = 0
    for _ in range(3000):
        body = bytearray(whole)
        for place in rng.integers(len(body), size=rng.integers(1, 4)):
            body[place] = rng.integers(256)
        digest = hashlib.sha256(body).hexdigest().encode()
        file.write_bytes(bytes(body) + digest)
        try:
            values = load(file, pair())
        except CheckpointError:
            continue
        assert tree.map(np.shape, values) == tree.map(np.shape, pair())
        loaded += 1
    assert 0 < loaded < 1500  # dates and the like may be any


# Writing


class Stop(BaseException):
    """What Ctrl-C is like."""


@pytest.mark.parametrize("name", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError, Stop])
def test_a_failure_leaves_the_previous_file_and_no_other(
    name, error, file, monkeypatch
):
    save(file, pair(0))

    def fail(*_):
        raise error

    monkeypatch.setattr(os, name, fail)
    with pytest.raises(error):
        save(file, pair(1))
    monkeypatch.undo()
    assert bits(load(file, pair())) == bits(pair(0))
    assert list(file.parent.iterdir()) == [file]


def test_the_file_is_on_the_disk_before_it_takes_its_place(file, monkeypatch):
    save(file, pair(0))
    calls = []
    sync, replace = os.fsync, os.replace

    def noted_sync(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        calls.append("sync of the folder" if is_folder else "sync")
        sync(descriptor)

    def noted_replace(source, target):
        assert os.fspath(target) == os.fspath(file)
        assert Path(source).parent == Path(target).parent
        calls.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "replace", noted_replace)
    save(file, pair(1))
    assert calls == ["sync", "replace", "sync of the folder"]


KILLED = """
import os, sys
import numpy as np
from lstm_lab import checkpoints
name, file = sys.argv[1:]
setattr(os, name, lambda *_: os._exit(9))
checkpoints.save(file, np.ones(1000))
"""


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_process_that_is_killed_leaves_the_previous_file(name, file):
    save(file, np.zeros(1000))
    killed = subprocess.run([sys.executable, "-c", KILLED, name, str(file)])
    assert killed.returncode == 9
    np.testing.assert_array_equal(load(file, np.zeros(1000)), np.zeros(1000))
    left = {path.name for path in file.parent.iterdir()} - {file.name}
    assert all(name.startswith("model.npz.") for name in left)
    assert all(name.endswith(".tmp") for name in left)
    save(file, np.ones(1000))
    np.testing.assert_array_equal(load(file, np.zeros(1000)), np.ones(1000))


def test_a_folder_that_cannot_be_synchronised_is_left_to_the_system(
    file, monkeypatch
):
    monkeypatch.delattr(os, "O_DIRECTORY")
    save(file, pair())
    assert bits(load(file, pair())) == bits(pair())


def test_who_may_read_it_is_what_the_system_says_of_new_files(file):
    save(file, pair())
    (file.parent / "plain").write_bytes(b"")
    assert file.stat().st_mode == (file.parent / "plain").stat().st_mode


def test_the_largest_metadata_are_a_limit_that_files_keep(file):
    save(file, pair(), text="")
    others = len(members(file)["metadata.json"])
    text = "x" * (checkpoints.LARGEST_METADATA - others)
    save(file, pair(), text=text)
    assert metadata(file)["text"] == text
    with pytest.raises(ValueError, match=r"at most 1048576 .*, got 1048577"):
        save(file, pair(), text=text + "x")


def test_the_checksum_is_of_the_last_byte_too(file):
    """Also of one behind the blocks of a megabyte in which it is taken."""
    save(file, np.zeros(MEGABYTE, np.uint8))
    others = file.stat().st_size - MEGABYTE - DIGEST
    values = np.arange(MEGABYTE + 1 - others).astype(np.uint8)
    save(file, values)
    assert file.stat().st_size == MEGABYTE + 1 + DIGEST
    assert bits(load(file, values)) == bits(values)


def test_a_file_that_cannot_be_made_is_the_error_of_the_system(
    file, monkeypatch
):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PermissionError):
        save(file, pair())
