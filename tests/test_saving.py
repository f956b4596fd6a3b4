"""The same bits come back, or a clear error, whatever happened to the file."""

import io
import pickle
import tracemalloc
import zipfile
from typing import NamedTuple

import numpy as np
import pytest

from lstm_lab import tree
from lstm_lab.numerics import Array
from lstm_lab.saving import LoadError, load, metadata, save


class Pair(NamedTuple):
    a: Array
    rest: tuple[Array, Array | None]


def pair(seed=0):
    rng = np.random.default_rng(seed)
    return Pair(rng.normal(size=(2, 3)), (rng.normal(size=4), None))


def bits(values):
    return {
        name: (leaf.shape, leaf.dtype, leaf.tobytes()) for name, leaf in tree.leaves(values).items()
    }


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.npz"


@pytest.mark.parametrize(
    "values",
    [
        pair(),
        np.arange(3.0),
        (),
        None,
        [np.array([np.nan, -0.0, np.inf], np.float32)],
        [np.asfortranarray(np.ones((3, 2))), np.zeros((0, 2)), np.array(True)],
    ],
    ids=["pair", "array", "empty", "none", "special", "layouts"],
)
def test_the_same_bits_come_back_in_new_arrays(values, file):
    save(file, values)
    loaded = load(str(file), tree.map(np.zeros_like, values))
    assert type(loaded) is type(values)
    assert bits(loaded) == bits(values)
    for leaf in tree.leaves(loaded).values():
        assert leaf.flags.writeable


def test_metadata_come_back_as_json_has_them(file):
    about = {"step": 2**200, "names": ["a", None], "é": {"b": True}}
    save(file, pair(), **about, shape=(1, 2))
    assert metadata(file) == about | {"shape": [1, 2]}


def test_numpy_reads_it_and_finds_no_pickle(file):
    save(file, pair())
    with np.load(file, allow_pickle=False) as found:
        np.testing.assert_array_equal(found["values.rest.0"], pair().rest[0])


@pytest.mark.parametrize(
    ("values", "about", "error", "message"),
    [
        ([np.zeros(2), None, object()], {}, TypeError, "values.2 must be an"),
        ([np.array(["text"])], {}, TypeError, "array of numbers, got dtype <U"),
        ({"a": 1.0}, {}, TypeError, "got a dict of a"),
        ((), {"loss": np.nan}, ValueError, "not JSON compliant"),
        ((), {"model": object()}, TypeError, "not JSON serializable"),
    ],
)
def test_what_cannot_be_saved_leaves_the_previous_file(values, about, error, message, file):
    save(file, pair())
    with pytest.raises(error, match=message):
        save(file, values, **about)
    assert bits(load(file, pair())) == bits(pair())
    assert [*file.parent.iterdir()] == [file]


def test_a_failure_while_writing_leaves_the_previous_file(file, monkeypatch):
    save(file, pair(0))

    def fail(stream, **_):
        stream.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(KeyboardInterrupt):
        save(file, pair(1))
    assert bits(load(file, pair())) == bits(pair(0))
    assert [*file.parent.iterdir()] == [file]


def test_errors_of_the_system_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError):
        save(tmp_path / "none" / "model.npz", pair())
    for read in (metadata, lambda file: load(file, pair())):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "model.npz")


@pytest.mark.parametrize(
    ("like", "message"),
    [
        (
            pair()._replace(a=np.zeros((3, 2))),
            r"its values.a is float64 of shape \(2, 3\), expected .* \(3, 2\)",
        ),
        (
            pair()._replace(a=np.zeros((2, 3), np.float32)),
            "its values.a is float64 .*, expected float32",
        ),
        (pair()._replace(rest=(np.zeros(4),) * 2), "rest.1 is missing"),
        (pair()._replace(rest=(None, None)), "rest.0 is .* expected missing"),
    ],
)
def test_another_tree_is_refused_by_the_name_of_what_differs(like, message, file):
    save(file, pair())
    with pytest.raises(LoadError, match=f"model.npz cannot be .*{message}"):
        load(file, like)


def other_files():
    """Yield contents that `save` did not write."""
    yield "empty", b""
    yield "text", b"W = 1, 2, 3\n" * 100
    yield "pickle", pickle.dumps(pair())
    content = io.BytesIO()
    np.savez(content, *[np.zeros(3)])
    yield "npz", content.getvalue()
    content = io.BytesIO()
    np.save(content, np.zeros(3))
    yield "npy", content.getvalue()
    content = io.BytesIO()
    np.savez(content, **{"values.a": np.array([{}], object)}, metadata="{")
    yield "objects", content.getvalue()


@pytest.mark.parametrize("content", [pytest.param(c, id=name) for name, c in other_files()])
def test_other_files_are_refused(content, file):
    file.write_bytes(content)
    for read in (metadata, lambda file: load(file, pair())):
        with pytest.raises(LoadError, match="cannot be loaded: "):
            read(file)


def test_every_truncation_is_found(file):
    save(file, pair(), step=3)
    whole = file.read_bytes()
    for size in range(0, len(whole), 7):
        file.write_bytes(whole[:size])
        with pytest.raises(LoadError, match="cannot be loaded: "):
            load(file, pair())


def test_damage_is_found_or_changes_no_number(file):
    save(file, pair(), step=3)
    whole, found = file.read_bytes(), 0
    for place in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        file.write_bytes(damaged)
        try:
            loaded = load(file, pair())
        except LoadError:
            found += 1
        else:
            assert bits(loaded) == bits(pair())
    assert found > 10 * 8 / 3  # the ten numbers, and more


@pytest.mark.parametrize("member", ["values.a.npy", "metadata.npy"])
def test_a_file_that_declares_more_than_it_has_takes_no_memory(member, file):
    large = 2**26
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, bytes(large))
    tracemalloc.start()
    for read in (metadata, lambda file: load(file, pair())):
        with pytest.raises(LoadError, match=f"bytes, not {large}"):
            read(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < large / 10


def test_a_shape_that_no_memory_holds_is_refused(file):
    content = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (2**44, 3)}
    np.lib.format.write_array_header_1_0(content, header)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("values.npy", content.getvalue())
    with pytest.raises(LoadError, match="cannot be loaded: "):
        load(file, np.zeros(3))
