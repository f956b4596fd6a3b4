"""The hash of code: blind to how it is written, not to what it does; the same everywhere."""

import ast
import sys
from textwrap import dedent

import pytest

from lstm_lab.sweeps.code import fingerprint, fingerprints

PLAIN = """
def f(x, *, y=None):
    return [x + 1, f"a{x:.3f}b", {"k": 1.0}, x[1:], -0.5]
"""
WRITTEN_OTHERWISE = '''
"""A docstring of the module."""
# a comment
def f(
    x,
    *,
    y = None,  # another
):
    """A docstring."""
    "a string that nobody reads"
    return [
        (x + 1), f"a"
        f"{x:.3f}" "b", {'k': 1.00}, x[1:], -.5,
    ]
'''
CHANGES = {
    "number": ("x + 1", "x + 2"),
    "type of a number": ("1.0", "1"),
    "operator": ("x + 1", "x - 1"),
    "name": ("return [x", "return [y"),
    "default": ("y=None", "y=0"),
    "kind of argument": ("x, *, y", "x, y"),
    "format": (".3f", ".4f"),
    "text": ("a{x", "b{x"),
    "conversion": ("{x:.3f}", "{x!r:.3f}"),
    "slice": ("x[1:]", "x[:1]"),
}


def digest(source):
    return fingerprint(ast.parse(source))


def test_comments_docstrings_and_layout_have_no_part():
    assert digest(PLAIN) == digest(WRITTEN_OTHERWISE)


@pytest.mark.parametrize(("old", "new"), CHANGES.values(), ids=CHANGES)
def test_every_change_of_meaning_shows(old, new):
    assert old in PLAIN
    assert digest(PLAIN.replace(old, new)) != digest(PLAIN)


def test_parts_do_not_run_into_each_other():
    assert digest("f('a', 'b')") != digest("f('a, b')")
    assert digest("x = None") != digest("x = ''")
    assert digest("{**a, 'b': c}") != digest("{'b': c, **a}")


def test_every_python_finds_the_same():
    # What is parsed differently by 3.11, 3.12 and 3.13, and a letter that 3.11 does not know.
    source = dedent(r"""
    @decorated
    class A(B, metaclass=C):
        x: int = 0
        y = u'LETTER'

    async def g(a, /, *b, **c) -> None:
        async with d as e, f: pass
        match a:
            case {"k": [1, *_]} | None: yield a
        lambda: f"{a:}" f'' f"{a!r:>{b}}" "tail" f"{a=}" f"{'in' 'ner'}"
        try: del a
        except* E: raise
    """).replace("LETTER", "\U0001fa75")
    assert digest(source) == "580388f1aaddcf3e"


def test_the_text_of_an_f_string_may_come_in_pieces():
    def hashed(*pieces):
        texts = [ast.Constant(piece) for piece in pieces]
        return fingerprint(ast.JoinedStr([*texts, ast.Name("x"), *texts]))

    assert hashed("a", "", "b") == hashed("", "ab") == hashed("ab")
    assert hashed("") == hashed() != hashed("a")


def test_a_module_brings_what_it_imports_of_its_package_and_ours():
    found = fingerprints("sweeps.experiments")
    assert {
        *("lstm_lab.losses", "lstm_lab.optim", "lstm_lab.rnn", "lstm_lab.tree"),
        "lstm_lab.numerics",  # what these import
        "sweeps.experiments",
    } <= found.keys()
    assert not [name for name in found if name.startswith("lstm_lab.sweeps")]
    assert not {"numpy", "lstm_lab", "lstm_lab.gru"} & found.keys()
    assert list(found) == sorted(found)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a package that no other test has, and return the function that writes a module."""
    root = tmp_path / f"package_{tmp_path.name}"
    root.mkdir()
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, source):
        file = root / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(dedent(source), encoding="utf-8")
        return root.name

    yield write
    for name in [name for name in sys.modules if name.startswith(root.name)]:
        del sys.modules[name]


def test_imports_are_followed_in_all_their_forms(package):
    home = package("__init__", "value = 1")
    package("absolute", "import numpy as np, json")
    package("relative", "from . import sibling as s")
    package("sibling", "")
    package("late", "")
    package("inner/__init__", "from .deep import *\nname = 2")
    package("inner/deep", "from .. import value")
    package("never", "")
    package(
        "start",
        f"""
        import {home}.absolute, os.path
        from .relative import s
        from {home}.inner import name
        def f():
            from {home} import late
        """,
    )
    names = [
        "absolute",
        "inner",
        "inner.deep",
        "late",
        "relative",
        "sibling",
        "start",
    ]
    assert list(fingerprints(f"{home}.start")) == [
        home,  # of which inner.deep takes a value
        *(f"{home}.{name}" for name in names),
    ]


def test_the_hash_of_a_module_is_that_of_its_source(package):
    home = package("__init__", "")
    package("start", "x = 1")
    found = fingerprints(f"{home}.start")
    assert found == {f"{home}.start": fingerprint(ast.parse("x = 1"))}


def test_code_that_is_imported_counts_not_what_its_file_says_later(package):
    home = package("__init__", "")
    package("start", "x = 1")
    before = fingerprints(f"{home}.start")
    package("start", "x = 2")
    assert fingerprints(f"{home}.start") == before


def test_what_cannot_be_hashed_is_refused(package):
    home = package("__init__", "")
    package("start", f"import {home}.absent")
    with pytest.raises(ModuleNotFoundError, match=f"{home}.absent"):
        fingerprints(f"{home}.start")
    with pytest.raises(ValueError, match="must have Python source"):
        fingerprints("itertools")
