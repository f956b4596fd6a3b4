"""A process that is killed at any moment leaves a state from which the next one goes on."""

import os
import random
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from smallbook import BUILD, CLEAN, write

from kills import work
from lstm_lab.sweeps.store import read

TESTS = Path(__file__).resolve().parents[1]
PATIENCE = 600  # seconds, after which something hangs: no machine is as slow


def start(what, file):
    """Start work in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "kills", what, str(file)],
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS)])},
    )


def kill(process, after):
    """Kill a process after some seconds; return whether it was still at work."""
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(PATIENCE) != 0
    assert process.returncode == 0
    return False


def moment(draws, starting, working):
    """Return when to kill: mostly at work, at times on the way to it."""
    if draws.random() < 0.2:
        return draws.uniform(0, starting)
    return starting + draws.uniform(0, working)


def time_to_start(tmp_path):
    """Return the seconds until a process has its imports behind it."""
    began = time.monotonic()
    process = start("fill", tmp_path / "first.jsonl")
    while not (tmp_path / "first.jsonl").exists():
        assert time.monotonic() < began + PATIENCE
        time.sleep(0.01)
    seconds = time.monotonic() - began
    process.kill()
    process.wait(PATIENCE)
    return seconds


def test_a_sweep_is_filled_whatever_happens(tmp_path, kills):
    store, once = tmp_path / "store.jsonl", tmp_path / "once.jsonl"
    work.fill(once)
    starting, draws = time_to_start(tmp_path), random.Random(0)
    killed, known = 0, {}
    while killed < kills(6, 30):
        if kill(start("fill", store), moment(draws, starting, 0.4)):
            killed += 1
            stored = read(store).rows if store.exists() else ()
            rows = {row.row: row for row in stored}
            assert known.items() <= rows.items()  # nothing is lost
            known = rows
        else:
            store.unlink()
            known = {}
    assert start("fill", store).wait(PATIENCE) == 0
    assert store.read_bytes() == once.read_bytes()


def test_a_build_begins_anew(tmp_path, kills):
    book = write(tmp_path / "book")

    def built():
        assert make(book, CLEAN).wait(PATIENCE) == 0
        assert make(book, BUILD).wait(PATIENCE) == 0
        return pages(book)

    began = time.monotonic()
    whole = built()
    needed = time.monotonic() - began
    draws = random.Random(2)
    killed = 0
    while killed < kills(1, 6):
        killed += kill(make(book, BUILD), draws.uniform(1, 0.9 * needed))
    assert built() == whole


def make(book, command):
    """Start a command of the book's."""
    program, *arguments = shlex.split(command)
    programs = Path(sys.executable).parent
    return subprocess.Popen(
        [shutil.which(program, path=programs), *arguments],
        cwd=book,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def pages(book):
    """Return the pages of a built book."""
    site = book / "_build" / "html"
    return {
        f"{page.relative_to(site)}": page.read_bytes()
        for page in site.rglob("*.html")
    }


@pytest.mark.parametrize("length", [0, 1, 40, -1])
def test_a_store_that_was_cut_off_is_gone_on_with(tmp_path, length):
    store, once = tmp_path / "store.jsonl", tmp_path / "once.jsonl"
    work.fill(once)
    lines = once.read_bytes().splitlines(keepends=True)
    store.write_bytes(b"".join(lines[:5]) + lines[5][:length])
    work.fill(store)
    assert store.read_bytes() == once.read_bytes()
