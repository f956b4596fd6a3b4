"""Slides open from a folder, fit on the screen, move, and have the text in the speaker's notes."""

import re

import pytest

from tests.browser.conftest import browser  # noqa: F401
from tests.browser.looking import watch
from tools import course, slides

PAGES = [slides.SLIDES / source.stem / "index.html" for source in course.chapters()]
# Each slide in turn: what is higher or wider than the screen.
TOO_LARGE = """
async () => {
  const found = [];
  for (const slide of Reveal.getSlides()) {
    const { h, v } = Reveal.getIndices(slide);
    Reveal.slide(h, v);
    await new Promise(requestAnimationFrame);
    const { width, height } = Reveal.getConfig();
    if (slide.scrollHeight > height || slide.scrollWidth > width)
      found.push(`${h}/${v}: ${slide.scrollWidth} x ${slide.scrollHeight}`);
    for (const equation of slide.querySelectorAll("div.math")) {
      const box = equation.getBoundingClientRect();
      for (const part of equation.querySelectorAll(".katex-html .base"))
        if (part.getBoundingClientRect().right > box.right - 0.04 * box.width)
          found.push(`${h}/${v}: an equation under its number, or cut`);
    }
  }
  return found;
}
"""


@pytest.fixture(params=PAGES, ids=lambda page: page.parent.name)
def deck(request, browser):  # noqa: F811
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    faults = watch(page, request.param.parents[1].as_uri())
    page.goto(request.param.as_uri())
    page.wait_for_function("Reveal.isReady()")
    yield page
    assert faults == []
    page.close()


def test_every_slide_fits(deck):
    assert deck.evaluate(TOO_LARGE) == []
    assert 25 <= deck.evaluate("Reveal.getTotalSlides()") <= 60


def test_nothing_is_missing(deck):
    images = deck.evaluate(
        "() => [...document.images].filter((i) => !i.naturalWidth).map((i) => i.src)"
    )
    assert images == []
    assert deck.locator(".katex-html").count() > 50
    assert deck.locator("aside.notes").count() >= 10
    assert deck.locator(".exercise, .solution, details").count() == 0


def test_points_are_sentences(deck):
    points = deck.evaluate(
        """() => [...document.querySelectorAll(".slides li")].map((li) => {
          li.querySelectorAll(".katex-mathml").forEach((e) => e.remove());
          return li.textContent.trim();
        })"""
    )
    assert len(points) > 20
    for point in points:
        assert re.search(r"[.?!:][”)]?$", point), point
        assert slides.SHORTEST <= len(point) <= slides.LONGEST, point
    summary = deck.locator("section:has(> h2:text-is('Summary')) li")
    assert summary.count() >= 5


def test_figures_move(deck):
    figure = deck.locator(".lab-figure").first
    place = figure.evaluate("(e) => Reveal.getIndices(e.closest('section section'))")
    deck.evaluate("({ h, v }) => Reveal.slide(h, v)", place)
    control = figure.locator("input, select").first
    shown = figure.locator(".lab-said p:visible")
    before = shown.inner_text()
    if control.get_attribute("type") == "range":
        control.press("ArrowRight")
    else:
        control.select_option(index=1)
    assert shown.inner_text() != before
