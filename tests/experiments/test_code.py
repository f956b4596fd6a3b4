"""The fingerprint of code: blind to how it is written, not to what it does; the same everywhere."""

import ast
from importlib import import_module
from pathlib import Path
from textwrap import dedent

import pytest

from lstm_lab.experiments.code import fingerprint, fingerprints

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
    # Parsed differently by 3.11, 3.12 and 3.13, with a letter that 3.11 does not have.
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


def test_imports_are_followed_in_all_their_forms(package):
    home = package("__init__", "value = 1")
    package("absolute", "import numpy as np, json")
    package("relative", "from . import sibling as s")
    package("sibling", "")
    package("late", "")
    package("inner/__init__", "from .deep import *\nname = 2")
    package("inner/deep", "from .. import value")
    start = package(
        "start",
        f"""
        import {home}.absolute, os.path
        from lstm_lab import tree
        from lstm_lab.experiments import ExperimentError
        from .relative import s
        from {home}.inner import name
        def f():
            from {home} import late
        """,
    )
    names = ["absolute", "inner", "inner.deep", "late", "relative"]
    found = list(fingerprints(start))
    assert found == sorted(found)
    assert {"lstm_lab.tree", "lstm_lab.numerics"} < set(found)
    assert not {"numpy", "lstm_lab", "lstm_lab.experiments"} & set(found)
    assert [name for name in found if name.startswith(home)] == [
        home,  # from which inner.deep takes a value
        *(f"{home}.{name}" for name in [*names, "sibling", "start"]),
    ]


def test_the_package_brings_only_what_is_imported():
    found = fingerprints("lstm_lab")
    cells = {f"lstm_lab.cells.{name}" for name in ("rnn", "lstm", "gru")}
    assert cells < found.keys()
    assert not {"lstm_lab.seq2seq", "lstm_lab.figures"} & found.keys()


def test_imported_code_counts_even_if_its_file_changes_later(package):
    package("__init__", "")
    start = package("start", "x = 1")
    before = fingerprints(start)
    assert before == {start: digest("x = 1")}
    Path(import_module(start).__file__).write_text("x = 2")
    assert fingerprints(start) == before
