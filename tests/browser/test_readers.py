"""What a reader can do: without a mouse, without scripts, without a network, on paper."""

import re

import pytest
import yaml
from bs4 import BeautifulSoup
from playwright.sync_api import TimeoutError

from .conftest import ROOT, SITE, chapters
from .looking import opened

CHAPTERS = [page for page in chapters() if "/ch3" in page]
WORDS = "() => document.querySelector('article').innerText"
# What Tab should reach, and what it does reach: each with whether that can be seen.
CONTROLS = """
() => {
  const able = "a[href], button, input, select, summary, textarea, [tabindex='0']";
  window.reachable = [...document.querySelectorAll(able)].filter((e) =>
    e.tabIndex >= 0 && !e.disabled && !e.closest("[inert]") &&
    e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    e.getClientRects().length);
  window.reached = new Map();
  const look = (e) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(e);
    return `${outlineStyle} ${outlineWidth} ${boxShadow} ` + getComputedStyle(e).backgroundColor
      + getComputedStyle(e).border;
  };
  window.plain = new Map(window.reachable.map((e) => [e, look(e)]));
  document.addEventListener("focusin", ({ target }) => {
    const { left, top, width, height } = target.getClientRects()[0] ?? target.getBoundingClientRect();
    const there = document.elementFromPoint(left + width / 2, top + height / 2);
    window.reached.set(target, {
      marked: look(target) !== window.plain.get(target),
      hidden: there !== null && !target.contains(there) && !there.contains(target)
        && !there.closest("label")?.contains(target),
    });
  });
  return window.reachable.length;
}
"""
UNREACHED = """
() => window.reachable.flatMap((e) => {
  const name = e.outerHTML.slice(0, 120), found = window.reached.get(e);
  if (!found) return e.checkVisibility() ? [`not reached: ${name}`] : [];
  return [...(found.marked ? [] : [`not marked: ${name}`]), ...(found.hidden ? [`hidden: ${name}`] : [])];
})
"""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", ["chapters/index.html", *CHAPTERS])
def test_every_control_is_reached_by_tab_and_seen(browser, home, path, width):
    with opened(browser, home, path, width=width) as (page, _):
        for _press in range(3 * page.evaluate(CONTROLS)):
            page.keyboard.press("Tab")
            if page.evaluate("() => document.activeElement === document.body"):
                break
        assert page.evaluate(UNREACHED) == []


def words(text):
    """Return the words of a text, mathematics as it is laid out left aside."""
    return re.findall(r"[A-Za-z]{3,}", text)


@pytest.mark.parametrize("path", chapters())
def test_nothing_is_lost_without_scripts(browser, home, path):
    with opened(browser, home, path) as (page, _):
        usual = words(page.evaluate(WORDS))
        controls = words(
            " ".join(page.locator(".lab-controls").all_inner_texts())
        )
    with opened(browser, home, path, java_script_enabled=False) as (
        page,
        faults,
    ):
        bare = words(page.locator("article").inner_text())
        formulas = page.locator("article .katex-html").count()
        figures = page.locator("article figure img:visible").count()
        assert not faults
    lost = list(set(usual) - set(bare) - set(controls) - {"Copied", "Copy"})
    assert lost == []
    source = BeautifulSoup((SITE / path).read_text(encoding="utf-8"), "lxml")
    assert formulas == len(source.select("article .katex-html"))
    assert figures == len(source.select("article figure img.only-light"))


@pytest.mark.parametrize("path", chapters())
def test_page_opens_from_a_folder(browser, path):
    home = f"{SITE.as_uri()}/"
    with opened(browser, home, path, theme="dark") as (page, faults):
        images = page.locator("article img:visible")
        for n in range(images.count()):
            images.nth(n).scroll_into_view_if_needed()
        assert page.locator("article").inner_text()
        assert faults == []


def test_figures_move_from_a_folder(browser):
    home = f"{SITE.as_uri()}/"
    with opened(browser, home, "chapters/ch318.html") as (page, faults):
        slider = page.locator(".lab-figure input").first
        before = seen(page.locator(".lab-figure").first)
        slider.press("ArrowRight")
        assert seen(page.locator(".lab-figure").first) != before
        assert faults == []


# --- On paper ---


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", CHAPTERS)
def test_print_shows_the_text_alone_dark_on_white(browser, home, path, theme):
    with opened(browser, home, path, theme=theme) as (page, _):
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        gone = (
            ".bd-sidebar-primary, .bd-sidebar-secondary, .bd-header-article, .lab-controls,"
            " .prev-next-footer, .copybtn, .only-dark"
        )
        shown = page.locator(gone).locator("visible=true")
        assert [
            shown.nth(n).get_attribute("class") for n in range(shown.count())
        ] == []
        for selector in (
            "article p",
            "article h1",
            "article figcaption",
            "article pre",
        ):
            color = page.locator(selector).first.evaluate(
                "e => getComputedStyle(e).color"
            )
            assert max(map(int, re.findall(r"\d+", color)[:3])) < 130, selector
        wide = page.evaluate(
            "() => [...document.querySelectorAll('article pre')]"
            ".filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.innerText.slice(0, 80))"
        )
        assert wide == []


# --- Looking for something ---


def terms():
    """Return the terms of the glossary."""
    text = (SITE / "chapters" / "glossary.html").read_text(encoding="utf-8")
    names = BeautifulSoup(text, "lxml").select("dl.glossary dt")
    return [name.get_text().rstrip("#").strip() for name in names]


def test_search_finds_every_term(browser, home):
    wanted = {"forget gate", "BPTT", *terms()}
    assert len(wanted) > 40
    with opened(browser, home, "search.html") as (page, _):
        missing = []
        for term in sorted(wanted):
            page.goto(f"{home}search.html?q={term.replace(' ', '+')}")
            try:
                found = page.locator("#search-results li a").first
                found.wait_for(timeout=5000)
            except TimeoutError:
                missing.append(term)
        assert missing == []


# --- Moving figures ---


def seen(figure):
    """Return the frames that a figure shows."""
    return figure.locator("[data-frame]:visible").evaluate_all(
        "found => [...new Set(found.map((e) => e.dataset.frame))]"
    )


@pytest.mark.parametrize("path", CHAPTERS)
def test_every_control_moves_its_figure(browser, home, path):
    with opened(browser, home, path) as (page, faults):
        figures = page.locator(".lab-figure")
        assert figures.count() > 0
        for n in range(figures.count()):
            figure = figures.nth(n)
            controls = figure.locator(
                ".lab-controls input, .lab-controls select"
            )
            assert controls.count() > 0
            for m in range(controls.count()):
                control = controls.nth(m)
                control.scroll_into_view_if_needed()
                control.focus()
                control.press("Home")
                frames, picture, told = (
                    seen(figure),
                    figure.screenshot(),
                    said(figure),
                )
                assert len(frames) == 1
                is_slider = control.get_attribute("type") == "range"
                control.press("ArrowRight" if is_slider else "ArrowDown")
                assert seen(figure) != frames
                assert figure.screenshot() != picture
                assert said(figure) != told
                if is_slider:
                    now = control.get_attribute("aria-valuetext")
                    assert (
                        now == figure.locator("output").nth(0).inner_text()
                        or now
                    )
                control.press("Home")
                assert seen(figure) == frames
        assert faults == []


def said(figure):
    """Return what a figure announces."""
    return figure.locator(".lab-said").inner_text()


def test_a_finger_moves_a_figure(browser, home):
    with opened(
        browser,
        home,
        "chapters/ch317.html",
        width=390,
        has_touch=True,
        is_mobile=True,
    ) as (page, _):
        figure = page.locator(".lab-figure").first
        slider = figure.locator("input").first
        slider.scroll_into_view_if_needed()
        frames, box = seen(figure), slider.bounding_box()
        assert box["height"] >= 24
        page.touchscreen.tap(
            box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2
        )
        assert seen(figure) != frames


# --- Links ---


@pytest.mark.parametrize("path", chapters())
def test_links_lead_somewhere(path):
    page = SITE / path
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "lxml")
    names = {}
    lost = []
    for link in soup.select("a[href]"):
        target, _, name = link["href"].partition("#")
        if ":" in target:
            continue
        file = (
            (page.parent / target.partition("?")[0]).resolve()
            if target
            else page
        )
        if not file.exists():
            lost.append(link["href"])
        elif name and file.suffix == ".html":
            if file not in names:
                text = file.read_text(encoding="utf-8")
                names[file] = set(re.findall(r'\b(?:id|name)="([^"]+)"', text))
            if name not in names[file]:
                lost.append(link["href"])
    assert lost == []


def test_the_site_tells_where_it_is():
    base = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    assert base["sphinx"]["config"]["html_baseurl"]
    listed = (SITE / "sitemap.xml").read_text(encoding="utf-8")
    for path in chapters():
        assert f"/{path}</loc>" in listed
        soup = BeautifulSoup((SITE / path).read_text(encoding="utf-8"), "lxml")
        card = soup.find("meta", property="og:image")["content"]
        assert (SITE / card.partition("//")[2].partition("/")[2]).exists()
        description = soup.find("meta", property="og:description")["content"]
        assert (
            description
            == soup.find("meta", attrs={"name": "description"})["content"]
        )
