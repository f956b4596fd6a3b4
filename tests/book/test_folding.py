"""A displayed equation may go on in the next line where a reader would break it, and only there."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document
from sphinxcontrib import katex

EXTENSIONS = Path(__file__).resolve().parents[2] / "_ext"
folding = runpy.run_path(str(EXTENSIONS / "folding.py"))
fold, join = folding["fold"], folding["join"]
prepare = runpy.run_path(str(EXTENSIONS / "mathematics.py"))["prepare"]


@pytest.fixture(scope="module")
def render():
    """What renders a displayed equation, by the program that the book uses."""
    prepare()
    return lambda latex: katex.render_latex(latex, {"displayMode": True})


def lines(html):
    """Return the text between the places where a line may end, part by part."""
    soup = BeautifulSoup(html, "html.parser")
    return [
        [each.get_text() for each in part.select(".lab-whole")] for part in soup.select(".lab-part")
    ]


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        ("a = b + c", [["a=", "b+", "c"]]),
        ("a = (b + c)", [["a=", "(b+c)"]]),
        (
            r"a = f((b + c)) - [d + (e)], \quad g = h",
            [["a=", "f((b+c))−", "[d+(e)],"], ["g=", "h"]],
        ),
        (
            r"a = \bigl(b + (c)\bigr), \qquad d = (e, \qquad e + f)",
            [["a=", "(b+(c)),"], ["d=", "(e,e+f)"]],
        ),
    ],
    ids=["operations", "parentheses", "several at once", "several equations"],
)
def test_where_a_line_may_end(render, latex, expected):
    assert lines(fold(render(latex))) == expected


@pytest.mark.parametrize("latex", ["a", r"\begin{aligned} a &= b + c \\ d &= e \end{aligned}"])
def test_what_is_in_one_piece_stays_as_it_is(render, latex):
    html = render(latex)
    assert fold(html) == html


def test_nothing_is_lost(render):
    html = render(r"\frac{a}{b} = \sqrt{c + d} - e^{f + g}, \qquad h \le i < j")
    before, after = (BeautifulSoup(each, "html.parser") for each in (html, fold(html)))
    assert after.get_text() == before.get_text()
    assert after.math == before.math
    kinds = ("mord", "mrel", "mbin", "mspace", "vlist", "frac-line")
    for kind in kinds:
        assert len(after.select(f".{kind}")) == len(before.select(f".{kind}"))
    for base in after.select(".base"):
        assert base.contents[0]["class"] == ["strut"]


@pytest.mark.parametrize(
    ("latex", "after", "held"),
    [
        ("a", ", and so on", "a,"),
        ("a", "). More", "a)."),
        ("a", " more", None),
        (r"\sum_t a_t" + " + b" * 20, ", and so on", None),
    ],
    ids=["comma", "two signs", "word", "long formula"],
)
def test_what_stays_with_a_sign_after_it(latex, after, held):
    formula = nodes.math(latex, latex)
    text = nodes.paragraph("", "", formula, nodes.Text(after))
    page = new_document("page")
    page += text
    html = SimpleNamespace(builder=SimpleNamespace(format="html"))
    join(html, page, "page")
    assert text.astext() == latex + after
    found = [each.astext() for each in text.findall(nodes.inline)]
    assert found == ([held] if held else [])
