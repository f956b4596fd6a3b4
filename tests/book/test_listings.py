"""Package code that a page shows fits beside the text, and without its docstrings fits a screen."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LISTING = re.compile(r"^`{3,}\{literalinclude\} (/\S+)\n((?:^:.*\n)*)", re.MULTILINE)
LISTINGS = [
    (page.stem, *match.groups())
    for page in sorted((ROOT / "chapters").glob("ch*.md"))
    for match in LISTING.finditer(page.read_text(encoding="utf-8"))
]
WIDTH, LINES = 80, 25


def shown(file, options):
    """Return the lines of the object that a listing shows, without docstrings."""
    source = (ROOT / file.lstrip("/")).read_text(encoding="utf-8")
    (name,) = re.findall(r"^:pyobject: (\S+)$", options, re.MULTILINE)
    (found,) = [n for n in ast.walk(ast.parse(source)) if getattr(n, "name", None) == name]
    left_out = set()
    for node in ast.walk(found):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
            left_out |= {*range(node.body[0].lineno, node.body[0].end_lineno + 1)}
    lines = source.splitlines()
    numbers = range(found.lineno, found.end_lineno + 1)
    return [lines[number - 1] for number in numbers if number not in left_out]


def test_all_chapters_show_code():
    assert {page for page, _, _ in LISTINGS} == {"ch317", "ch318", "ch319"}


@pytest.mark.parametrize(("page", "file", "options"), LISTINGS, ids=range(len(LISTINGS)))
def test_a_listing_fits(page, file, options):
    lines = shown(file, options)
    assert [line for line in lines if len(line) > WIDTH] == [], page
    assert len(lines) <= LINES, page
