"""A process that is killed at any moment leaves a state from which the next one goes on."""

import random
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from smallbook import BUILD, CLEAN, write

from kills import work
from lstm_lab import experiments, saving, tree

TESTS = Path(__file__).resolve().parents[1]
PATIENCE = 600  # seconds, after which something hangs: no machine is as slow


def start(*words):
    """Start a module in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", *map(str, words)],
        cwd=TESTS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
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


def time_until(file, process):
    """Kill a process as soon as there is a file; return the seconds that this took."""
    began = time.monotonic()
    while not file.exists():
        assert process.poll() is None
        assert time.monotonic() < began + PATIENCE
        time.sleep(0.01)
    seconds = time.monotonic() - began
    process.kill()
    process.wait(PATIENCE)
    return seconds


def test_an_experiment_is_completed_whatever_happens(tmp_path, kills):
    once, store = tmp_path / "once.jsonl", tmp_path / "store.jsonl"
    experiments.run(work, once, jobs=1)
    words = ("lstm_lab.experiments", "run", work.__name__, "--jobs", "1")
    starting = time_until(store, start(*words, "--store", store))
    draws, killed, known = random.Random(0), 0, set()
    while killed < kills(4, 12):
        process = start(*words, "--store", store)
        if kill(process, starting + draws.uniform(-0.1, 0.5)):
            killed += 1
            rows = {*store.read_bytes().splitlines(keepends=True)}
            assert known <= rows  # nothing is lost
            known = {row for row in rows if row.endswith(b"\n")}
        else:
            store.unlink()
            known = set()
    experiments.run(work, store, jobs=1)
    assert store.read_bytes() == once.read_bytes()


def test_a_saved_model_is_the_last_one_or_the_one_before(tmp_path, kills):
    file, draws = tmp_path / "model.npz", random.Random(1)
    starting = time_until(file, start("kills.work", file))
    number = 0
    for _ in range(kills(4, 12)):
        process = start("kills.work", file)
        assert kill(process, starting + draws.uniform(0, 0.3))
        before, number = number, saving.metadata(file)["number"]
        assert number >= before
        loaded = saving.load(file, work.model(0))
        tree.map(np.testing.assert_array_equal, loaded, work.model(number))
    assert {left.suffix for left in tmp_path.iterdir()} <= {".npz", ".tmp"}


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
    return {f"{page.relative_to(site)}": page.read_bytes() for page in site.rglob("*.html")}
