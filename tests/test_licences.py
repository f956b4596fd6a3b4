"""REUSE.toml names a licence and a holder for each file, as the REUSE specification 3.3 asks."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXTS = {file.stem for file in (ROOT / "LICENSES").iterdir()}
GLOBS = {"**": ".*", "*": "[^/]*"}


def files():
    """Return the files that are published."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = listed.stdout.splitlines()
    return [name for name in names if not name.startswith("LICENSE")]


def pattern(glob):
    """Return the regular expression of a path: one star is within a folder, two are across."""
    parts = re.split(r"(\*\*?)", glob)
    return re.compile("".join(GLOBS.get(p, re.escape(p)) for p in parts))


def annotations(text=None):
    """Return pairs of a pattern and what is said of its files."""
    stated = tomllib.loads(text or (ROOT / "REUSE.toml").read_text(encoding="utf-8"))["annotations"]
    for one in stated:
        paths = one["path"] if isinstance(one["path"], list) else [one["path"]]
        for path in paths:
            yield pattern(path), one


def licences(one):
    """Return the licences of an expression."""
    return set(one["SPDX-License-Identifier"].split(" AND "))


@pytest.fixture(scope="module")
def known():
    """What is said of each file: the last annotation that matches."""
    found = {}
    for path, one in annotations():
        found |= {name: one for name in files() if path.fullmatch(name)}
    return found


def test_each_file_has_a_licence_and_a_holder(known):
    assert files()
    assert [name for name in files() if name not in known] == []
    for one in known.values():
        assert one["SPDX-FileCopyrightText"]


def test_each_licence_has_its_text_and_each_text_is_used(known):
    assert set.union(*map(licences, known.values())) == TEXTS


def test_each_annotation_is_for_some_file():
    for path, one in annotations():
        assert any(path.fullmatch(name) for name in files()), one


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("src/lstm_lab/cells/lstm.py", {"BSD-3-Clause"}),
        ("src/lstm_lab/data/phase.jsonl", {"BSD-3-Clause"}),
        ("_static/book.css", {"BSD-3-Clause"}),
        ("README.md", {"CC-BY-4.0"}),
        ("chapters/references.bib", {"CC-BY-4.0"}),
        ("chapters/ch318.md", {"CC-BY-4.0", "BSD-3-Clause"}),
    ],
)
def test_code_and_text_are_told_apart(known, name, expected):
    assert licences(known[name]) == expected
