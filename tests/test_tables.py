"""Tables of results."""

import re
from html import unescape

import pytest
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from lstm_lab.tables import Foreign, Table


def rendered(table):
    """Return the cells as a page of the book shows them, row by row."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    html = parser.use(dollarmath_plugin).render(table._repr_markdown_())
    return [
        re.findall(r"<t[dh]>(.*?)</t[dh]>", row, re.DOTALL)
        for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    ]


def code(text):
    return f"<code>{text}</code>"


def math(text):
    return f'<span class="math inline">{text}</span>'


@pytest.mark.parametrize(
    "text",
    [
        *("a|b", r"a\b", r"a\|b", r"end\ ", "|", "||", "a | b | c", r"\\|"),
        *("*a*", "_b_", "x86_64", "**c**", "~~d~~", "[e](f)", "![g](h)"),
        *("<b>", "a < b > c", "&amp;", "`open", "a ` b", "$5 and $6", "a $"),
    ],
)
def test_markup_is_shown_as_text(text):
    table = Table([text, "second"], [[text, 1], ["a", text]])
    shown = [[unescape(cell) for cell in row] for row in rendered(table)]
    text = text.strip()
    assert shown == [[text, "second"], [text, "1"], ["a", text]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\r"])
def test_a_line_break_is_a_space(end):
    table = Table([f"a{end}b"], [[f"c{end}d"]])
    shown = [[" ".join(cell.split()) for cell in r] for r in rendered(table)]
    assert shown == [["a b"], ["c d"]]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("`W_f`", code("W_f")),
        ("`a|b` or `c*d*`", f"{code('a|b')} or {code('c*d*')}"),
        ("``a`b``", code("a`b")),
        ("$b_f = 4$", math("b_f = 4")),
        (r"$\log_{10} \sigma_1$, lag 100", math(r"\log_{10} \sigma_1") + ", lag 100"),
        ("$p(y|x)$", math(r"p(y\vert x)")),
        (r"$\|v\|_2$", math(r"\Vert v\Vert _2")),
        ("$a$|$b$", f"{math('a')}|{math('b')}"),
    ],
)
def test_code_and_mathematics_are_shown_as_such(cell, shown):
    assert rendered(Table([cell], [[cell]])) == [[shown], [shown]]


def test_cells_are_shown_as_the_text_that_they_are():
    lines = Table(["$b_f$", 10], [["1e-10", 2], ["1,184", None]])._repr_markdown_()
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in lines.split("\n")]
    assert rows[0] == ["$b_f$", "10"]
    assert rows[2:] == [["1e-10", "2"], ["1,184", "None"]]


def test_rows_may_come_from_a_generator_once():
    table = Table(["a"], ([n] for n in range(2)))
    assert table._repr_markdown_().count("\n") == 3


def test_a_text_in_another_language_says_in_which():
    table = Table(["a"], [[Foreign("5 março <*|", "pt_BR")]])
    (_, (shown,)) = rendered(table)
    assert unescape(shown) == '<span lang="pt-BR">5 março <*|</span>'
