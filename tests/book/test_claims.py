"""What a statement rests on is found by the names in the cells, and nothing besides."""

import ast
import runpy
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]
DATAFLOW = runpy.run_path(str(ROOT / "_ext" / "dataflow.py"))


def made_of(*cells):
    """Return, for each statement of some cells, the code of the statements that it rests on."""
    notebook = new_notebook(cells=[new_markdown_cell("Text."), *map(new_code_cell, cells)])
    found = DATAFLOW["statements"](notebook)
    return {
        ast.unparse(statement.node): [
            ast.unparse(found[n].node) for n in sorted(statement.rests_on)
        ]
        for statement in found
    }


@pytest.mark.parametrize(
    ("cells", "rests_on"),
    [
        (["a = f(1)", "assert a"], ["a = f(1)"]),
        (["a = f(1)\nb = g(a)", "assert b"], ["a = f(1)", "b = g(a)"]),
        (["a = f(1)", "a = f(2)", "assert a"], ["a = f(2)"]),
        (["a, (b, c) = f(1)", "assert c"], ["a, (b, c) = f(1)"]),
        (["a = {}", "a['b'] = f(1)", "assert a"], ["a = {}", "a['b'] = f(1)"]),
        (["a = []", "a.append(f(1))", "assert a"], ["a = []", "a.append(f(1))"]),
        (["a = f(1)", "a.sum()", "assert a"], ["a = f(1)"]),
        (["a = f(1)", "a += 1", "assert a"], ["a = f(1)", "a += 1"]),
        (["a = f(1)", "assert [a for a in range(3)]"], []),
        (["a = f(1)", "assert (lambda a: a)(2)"], []),
        (["import a", "assert a.b"], []),
        (["def a(b):\n    return b", "assert a(1)"], []),
        (["a = f(1)", "b = f(2)", "assert b"], ["b = f(2)"]),
    ],
)
def test_statement_rests_on_what_made_its_names(cells, rests_on):
    assert [*made_of(*cells).values()][-1] == rests_on


def test_what_a_loop_changes_rests_on_all_that_it_reads():
    loop = "for n in a:\n    b.append(n)\n    assert n < c"
    found = made_of("a, b, c = f(1), [], f(2)\nd = f(3)", loop, "assert b")
    assert found[loop] == ["a, b, c = (f(1), [], f(2))"]
    assert found["assert b"] == ["a, b, c = (f(1), [], f(2))", loop]


@pytest.mark.parametrize(
    ("code", "constant"), [("D, H = 4, 32", True), ("x = [1, 2.5, 'a']", True), ("x = f(1)", False)]
)
def test_constants_are_no_data(code, constant):
    (node,) = ast.parse(code).body
    assert DATAFLOW["is_constant"](node) is constant
