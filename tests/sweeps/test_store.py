"""The file of a sweep: what it gives back, what of it may be torn, and what is refused."""

import json
import math
import shutil
import subprocess
import sys
import zlib
from dataclasses import asdict, replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_lab.sweeps import Sweep, SweepError
from lstm_lab.sweeps import store as stores
from lstm_lab.sweeps.store import (
    Row,
    _encode,
    appending,
    create,
    differences,
    header,
    locked,
    put_in_order,
    read,
)

from .experiments import LEARNING, SQUARES, square

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    st.lists,
)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["a", "x", "not finite"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


def result_of(case):
    return {"square": case.configuration["x"] ** 2.0}


ROWS = tuple(Row(*case, result_of(case)) for case in SQUARES.cases)


def write(path, rows=ROWS, sweep=SQUARES):
    create(path, header(sweep))
    with appending(path) as append:
        for row in rows:
            append(row)
    return path


@pytest.fixture
def store(tmp_path):
    return write(tmp_path / "store.jsonl")


def test_rows_come_back_in_the_order_of_the_grid(tmp_path):
    found = read(write(tmp_path / "store.jsonl", ROWS[::-1]))
    assert found.rows == ROWS
    assert found.header == header(SQUARES)
    assert found.missing == ()


def test_what_has_no_row_is_missing(tmp_path):
    found = read(write(tmp_path / "store.jsonl", [ROWS[4], ROWS[1]]))
    assert [case.row for case in found.missing] == [0, 2, 3, 5]


@settings(max_examples=25)
@given(st.lists(VALUES, min_size=4))
def test_every_value_comes_back_as_it_was(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("values") / "store.jsonl"
    [row] = read(write(path, [ROWS[0]._replace(result={"x": value})])).rows
    assert repr(row.result["x"]) == repr(value)  # -0.0, NaN, 1 and True differ
    shutil.rmtree(path.parent)


def test_the_file_is_strict_json_a_row_a_line(tmp_path):
    strange = [math.nan, -math.inf, [math.inf]]
    path = write(
        tmp_path / "s.jsonl", [ROWS[0]._replace(result={"x": strange})]
    )

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    lines = path.read_text(encoding="utf-8").splitlines()
    head, row = (json.loads(line, parse_constant=refuse) for line in lines)
    assert head["experiment"] == f"{square.__module__}.square"
    assert head["seeds"] == [7, 5]
    nan, minus, [plus] = row["result"]["x"]
    assert nan == {"not finite": "nan"}
    assert minus == {"not finite": "-inf"}
    assert plus == {"not finite": "inf"}


def test_configurations_may_hold_nan(tmp_path):
    sweep = Sweep(
        name="a:B",
        experiment=square,
        configurations=[{"x": math.nan}],
        seeds=[0],
    )
    path = write(tmp_path / "s.jsonl", [Row(*sweep.cases[0], {})], sweep)
    assert differences(read(path).header, header(sweep)) == ()


def test_a_last_line_may_be_torn_anywhere(store):
    whole = store.read_bytes()
    start = whole[:-1].rfind(b"\n") + 1
    for end in range(start, len(whole)):
        store.write_bytes(whole[:end])
        assert read(store).rows == ROWS[:-1]
        with appending(store) as append:
            append(ROWS[-1])
        assert store.read_bytes() == whole


def test_nothing_is_left_of_a_torn_line(tmp_path):
    long = ROWS[0]._replace(result={"text": 100 * "long"})
    path = write(tmp_path / "store.jsonl", [long])
    path.write_bytes(path.read_bytes()[:-1])
    with appending(path) as append:
        append(ROWS[0])
    assert path.read_bytes() == write(tmp_path / "s", ROWS[:1]).read_bytes()


def test_damage_is_found_wherever_it_is(store):
    whole = store.read_bytes()
    ends = [-1, *(n for n, byte in enumerate(whole) if byte == ord("\n"))]
    for number, (before, end) in enumerate(pairwise(ends), start=1):
        for place in range(before + 1, end, 7):
            damaged = bytearray(whole)
            damaged[place] ^= 1
            store.write_bytes(damaged)
            with pytest.raises(SweepError, match=f"line {number}: .*checksum"):
                read(store)


@pytest.mark.parametrize(
    ("order", "number"),
    [
        ([1, 1], 3),  # a row twice
        ([1, 0], 3),  # another header, as after a merge
        ([2], 1),  # no header
    ],
)
def test_lines_in_the_wrong_place_are_damage(store, order, number):
    lines = store.read_bytes().splitlines(keepends=True)
    kept = lines if number == 1 else [lines[0]]
    store.write_bytes(
        b"".join([*kept[number == 1 :], *(lines[n] for n in order)])
    )
    with pytest.raises(SweepError, match=f"store.jsonl, line {number}: "):
        read(store)


def test_rows_of_another_grid_are_damage(store, tmp_path):
    other = write(tmp_path / "other.jsonl", [], LEARNING)
    row = store.read_bytes().splitlines(keepends=True)[1]
    other.write_bytes(other.read_bytes() + row)
    with pytest.raises(SweepError) as caught:
        read(other)
    assert str(caught.value) == (
        f"{other}, line 2: this is no line of a store, no row 0 is wanted"
        " here; take the file from your backup or version control, or delete"
        " it to run the sweep anew"
    )


@pytest.mark.parametrize("content", [b"", b"# A text\n", b"half a line"])
def test_files_of_other_kinds_are_no_stores(store, content):
    store.write_bytes(content)
    with pytest.raises(SweepError, match="line 1: this is no line of a store"):
        read(store)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(
        SweepError, match=r"absent\.jsonl cannot be read: No such"
    ):
        read(tmp_path / "absent.jsonl")


def sealed(text):
    """Return a line with a right checksum, whatever stands in it."""
    body = text.encode("utf-8", "surrogatepass")
    return b'%b, "crc32": "%08x"}\n' % (body, zlib.crc32(body))


HEAD, ROW = (
    line.rpartition(b', "crc32"')[0].decode() + "}"
    for line in (_encode(asdict(header(SQUARES))), _encode(ROWS[0]._asdict()))
)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"row": ' + "[" * 100_000,
        '{"row": ' + "1" * 5000,
        '{"row": {"not finite": "much"}',
        '{"row": {"not finite": []}',
        ROW[:-1].replace('"row": 0', '"row": [0]'),
        ROW[:-1].replace('"row": 0', '"row": false'),
        ROW[:-1] + ', "more": 1',
    ],
)
def test_a_forged_row_is_damage(store, text):
    head = store.read_bytes().splitlines(keepends=True)[0]
    store.write_bytes(head + sealed(text))
    with pytest.raises(SweepError, match=r"store\.jsonl, line 2: "):
        read(store)


@pytest.mark.parametrize(
    "changes", [{"configurations": [{"x": 1}, 2]}, {"seeds": [7, True]}]
)
def test_a_grid_of_something_else_is_damage(store, changes):
    store.write_bytes(sealed(json.dumps(json.loads(HEAD) | changes)[:-1]))
    with pytest.raises(
        SweepError,
        match=r"line 1: .*its configurations must be objects, its seeds numbers",
    ):
        read(store)


def test_a_grid_that_no_memory_holds_is_damage(store):
    head = json.loads(HEAD) | {
        "configurations": [{"x": x} for x in range(10_000)],
        "seeds": list(range(10_000)),
    }
    store.write_bytes(sealed(json.dumps(head)[:-1]))
    with pytest.raises(SweepError, match="asks for 100000000 runs"):
        read(store)


def test_the_largest_grid_is_read(store, monkeypatch):
    monkeypatch.setattr(stores, "LARGEST", len(ROWS))
    assert read(store).rows == ROWS
    monkeypatch.setattr(stores, "LARGEST", len(ROWS) - 1)
    with pytest.raises(SweepError, match=r"line 1: .*asks for 6 runs, more"):
        read(store)


@settings(max_examples=300)
@given(st.data())
def test_whatever_is_forged_it_is_read_whole_or_is_damage(
    tmp_path_factory, data
):
    path = tmp_path_factory.getbasetemp() / "forged.jsonl"
    lines = []
    for text in (HEAD, ROW):
        fields = json.loads(text)
        if data.draw(st.booleans()):
            name = data.draw(st.sampled_from(sorted(fields)))
            fields[name] = data.draw(JSON)
        lines.append(sealed(json.dumps(fields)[:-1]))
    path.write_bytes(b"".join(lines))
    try:
        found = read(path)
    except SweepError:
        return
    assert all(case.configuration for case in found.missing)
    assert differences(found.header, found.header) == ()


def test_stores_of_the_same_rows_become_the_same_file(store, tmp_path):
    other = write(
        tmp_path / "other.jsonl", [ROWS[n] for n in (3, 5, 0, 1, 4, 2)]
    )
    assert other.read_bytes() != store.read_bytes()
    put_in_order(other)
    assert other.read_bytes() == store.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "other.jsonl",
        "store.jsonl",
    ]


def test_a_store_in_order_stays_untouched(store):
    store.chmod(0o444)  # the permissions of a new file would be others
    put_in_order(store)
    assert store.stat().st_mode & 0o777 == 0o444


def test_a_row_is_on_the_disk_when_append_returns(tmp_path, monkeypatch):
    path = write(tmp_path / "s.jsonl", [])
    synced = []
    monkeypatch.setattr(
        "os.fsync", lambda _file: synced.append(read(path).rows)
    )
    with appending(path) as append:
        append(ROWS[0])
        append(ROWS[1])
    assert synced == [ROWS[:1], ROWS[:2]]


def test_each_change_is_named():
    old = header(SQUARES)
    assert differences(old, header(SQUARES)) == ()
    code = old.code | {"lstm_lab.rnn": "0", "new": "1"}
    del code["lstm_lab.tree"]
    new = replace(old, format=2, seeds=[7], configurations=[], code=code)
    assert differences(old, new) == (
        "format changed",
        "configurations changed",
        "seeds changed",
        "lstm_lab.rnn changed",
        "lstm_lab.tree has no part in it any more",
        "new has a part in it now",
    )
    assert differences(old, replace(old, experiment="a.b")) == (
        "experiment changed",
    )


def test_a_folder_that_cannot_be_opened_is_left_to_the_system(
    tmp_path, monkeypatch
):
    """As on Windows."""

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr("os.open", refuse)
    create(tmp_path / "store.jsonl", header(SQUARES))
    monkeypatch.undo()
    assert read(tmp_path / "store.jsonl").header == header(SQUARES)


@pytest.mark.usefixtures("impatient")
def test_a_store_has_one_writer(store):
    with (
        locked(store),
        pytest.raises(SweepError, match=r"another sweep is writing to .*store"),
        locked(store),
    ):
        pass
    with locked(store):
        pass


def test_a_lock_ends_with_its_process(store):
    script = (
        "import os, signal, sys; from pathlib import Path;"
        "from lstm_lab.sweeps.store import locked;"
        "lock = locked(Path(sys.argv[1])); lock.__enter__();"
        "print('locked', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, store],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(SweepError, match="another sweep"), locked(store):
            pass
        other.kill()
    with locked(store):
        pass
