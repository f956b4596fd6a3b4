"""A build that is killed at any moment does not spoil the next one."""

import random
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from smallbook import BUILD, CLEAN, write

PATIENCE = 600  # seconds, after which something hangs: no machine is as slow


def kill(process, after):
    """Kill a process after some seconds; return whether it was still at work."""
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(PATIENCE) != 0
    assert process.returncode == 0
    return False


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
