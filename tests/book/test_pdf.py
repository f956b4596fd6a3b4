"""In the printed book every name leads to something, and no page is empty."""

from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

from lstm_lab import figures
from tools import pdf

SITE = Path(__file__).resolve().parents[2] / "_build" / "html"
BLANK = 1000  # bytes of drawing: a page with nothing but its number has fewer than 300
ANCHORS = {"chapters/a.html": "a"}


def article(inner: str) -> BeautifulSoup:
    return BeautifulSoup(f"<article>{inner}</article>", "lxml")


@pytest.fixture
def drawn():
    """A figure in a page: its glyphs, markers and clips are used by their names."""
    figure, ax = plt.subplots()
    ax.plot([0, 1], "o-", label="$h_t$")
    ax.legend()
    html = figures.inline(figure, label="a figure")
    plt.close(figure)
    return html


def test_figures_keep_their_letters_markers_and_clips(drawn):
    whole = article(drawn)
    uses = len(whole.find_all("use"))
    assert uses > 10
    pdf.move(whole.article, "chapters/a", ANCHORS)
    names = {named["id"] for named in whole.select("[id]")}
    assert all(name.startswith("a--") for name in names)
    found = [use["xlink:href"][1:] in names for use in whole.find_all("use")]
    assert found == [True] * uses
    assert pdf.unresolved(whole) == []


@pytest.mark.parametrize(
    "user",
    [
        "<a href='#{}'>b</a>",
        "<svg><use xlink:href='#{}'></use></svg>",
        "<svg><g clip-path='url(#{})'></g></svg>",
        "<svg><path style='fill: url(#{})'></path></svg>",
        "<label for='{}'>b</label>",
        "<p aria-labelledby='b {}'>c</p>",
    ],
)
def test_a_name_of_nothing_is_found(user):
    html = "<i id='b'></i>" + user
    whole = article(html.format("b"))
    pdf.move(whole.article, "chapters/a", ANCHORS)
    assert pdf.unresolved(whole) == []
    whole = article(html.format("lost"))
    pdf.move(whole.article, "chapters/a", ANCHORS)
    assert pdf.unresolved(whole) == ["a--lost"]


def test_no_page_is_empty():
    pages = PdfReader(SITE / pdf.NAME).pages
    sizes = [len(page.get_contents().get_data()) for page in pages]
    assert len(sizes) > 100
    assert [n + 1 for n, size in enumerate(sizes) if size < BLANK] == []
