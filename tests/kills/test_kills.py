"""A process that is killed at any moment leaves a state from which the next one goes on."""

import os
import random
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from smallbook import BUILD, CLEAN, write

from kills import work
from lstm_lab import tree

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
    process = start("train", tmp_path / "first.npz")
    while not (tmp_path / "first.npz").exists():
        assert time.monotonic() < began + PATIENCE
        time.sleep(0.01)
    seconds = time.monotonic() - began
    process.kill()
    process.wait(PATIENCE)
    return seconds


def test_training_goes_on_to_the_same_bits(tmp_path, kills):
    file = tmp_path / "run.npz"
    once = numbers(work.train(tmp_path / "once.npz"))
    starting, draws = time_to_start(tmp_path), random.Random(1)
    killed = 0
    while killed < kills(6, 24):
        killed += kill(start("train", file), moment(draws, starting, 0.5))
        if killed % 8 == 7:
            file.unlink(missing_ok=True)  # and once more from the beginning
    assert numbers(work.train(file)) == once
    assert {left.suffix for left in tmp_path.glob("run.npz.*")} <= {".tmp"}


def numbers(run):
    """Return all numbers of a training run, to the bit."""
    return {
        name: leaf.tobytes()
        for name, leaf in tree.leaves((run.initial, run.final)).items()
    } | {"losses": run.losses.tobytes(), "held_out": run.held_out.tobytes()}


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
