"""What a reader can do: without a mouse, without scripts, without a network, on paper."""

import io
import re

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from PIL import Image
from playwright.sync_api import expect
from pypdf import PdfReader

from tools import pdf

from .conftest import ROOT, SITE, chapters
from .looking import LAY_OUT, opened

CHAPTERS = [page for page in chapters() if "/ch3" in page]
# Whether typefaces have come, whenever they do.
HERE = """
(families) => families.every((family) => [...document.fonts].some((face) =>
  face.status === "loaded" && face.family.replaceAll('"', "") === family))
"""
# The words that are shown, also where nothing has been laid out yet.
WORDS = """
() => {
  for (const section of document.querySelectorAll("section"))
    section.style.contentVisibility = "visible";
  return document.querySelector("article").innerText;
}
"""
# What Tab should reach, and what it does reach: each with whether that can be seen.
CONTROLS = r"""
() => {
  const able = "a[href], button, input, select, summary, textarea, [tabindex='0']";
  window.reachable = [...document.querySelectorAll(able)].filter((e) =>
    e.tabIndex >= 0 && !e.disabled && !e.closest("[inert]") &&
    e.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    e.getClientRects().length);
  window.reached = new Map();
  const clear = /^transparent$|, 0\)$/;
  const look = (e) => marks(e) + (e.form ? marks(e.form) : ""); // a field may mark its form
  const marks = (e) => {
    const style = getComputedStyle(e);
    const line = (side) => {
      const [kind, width, color] = ["Style", "Width", "Color"].map((of) => style[side + of]);
      const none = kind === "none" || !parseFloat(width) || clear.test(color);
      return none ? "" : `${kind} ${width} ${color}`;
    };
    const lines = ["outline", "borderTop", "borderRight", "borderBottom", "borderLeft"].map(line);
    const { boxShadow, backgroundColor } = style;
    return [...lines, boxShadow, clear.test(backgroundColor) || backgroundColor].join();
  };
  const first = document.activeElement; // a page may have given the focus away
  first.blur();
  window.plain = new Map(window.reachable.map((e) => [e, look(e)]));
  first.focus();
  window.reach = (target) => {
    const box = target.getClientRects()[0] ?? target.getBoundingClientRect();
    const { left, top, width, height } = box;
    const there = document.elementFromPoint(left + width / 2, top + height / 2);
    window.reached.set(target, {
      marked: look(target) !== window.plain.get(target),
      hidden: there !== null && !target.contains(there) && !there.contains(target)
        && !there.closest("label")?.contains(target),
    });
  };
  return window.reachable.length;
}
"""
AT_ONCE = "*, ::before, ::after { transition: none !important; animation: none !important; }"
# What has the focus now, when it has come to rest on the page; whether anything has.
REACHED = """
async () => {
  const at = document.activeElement, found = at !== document.body;
  for (let place, last, frames = 0; frames < 2 || (place !== last && frames < 100); frames++) {
    await new Promise(requestAnimationFrame);
    [last, place] = [place, JSON.stringify(at.getBoundingClientRect())];
  }
  if (found) window.reach(at);
  return found;
}
"""
UNREACHED = """
() => window.reachable.flatMap((e) => {
  const name = e.outerHTML.slice(0, 120), found = window.reached.get(e);
  if (!found) return e.checkVisibility() && e.tabIndex >= 0 ? [`not reached: ${name}`] : [];
  const faults = { "not marked": !found.marked, hidden: found.hidden };
  return Object.keys(faults).filter((fault) => faults[fault]).map((fault) => `${fault}: ${name}`);
})
"""


@pytest.mark.parametrize(
    ("path", "width"),
    [(path, 1280) for path in [*chapters(), "search.html"]]
    + [(path, 390) for path in ["chapters/index.html", *CHAPTERS]],
)
def test_every_control_is_reached_by_tab_and_seen(browser, home, path, width):
    with opened(browser, home, path, width=width) as (page, _):
        tab_through(page)
        assert page.evaluate(UNREACHED) == []


def tab_through(page):
    """Press Tab until the focus has left the page, on which nothing takes its time to move."""
    page.add_style_tag(content=AT_ONCE)
    for _press in range(3 * page.evaluate(CONTROLS)):
        page.keyboard.press("Tab")
        if not page.evaluate(REACHED):
            break


def words(text):
    """Return the words of a text, mathematics as it is laid out left aside."""
    return re.findall(r"[A-Za-z]{3,}", text)


@pytest.mark.parametrize("path", chapters())
def test_nothing_is_lost_without_scripts(browser, home, path):
    with opened(browser, home, path) as (page, _):
        usual = words(page.evaluate(WORDS))
        controls = words(" ".join(page.locator(".lab-controls").all_inner_texts()))
    with opened(browser, home, path, java_script_enabled=False) as (page, faults):
        bare = words(page.evaluate(WORDS))
        formulas = page.locator("article .katex-html").count()
        source = BeautifulSoup((SITE / path).read_text(encoding="utf-8"), "lxml")
        figures = source.select("article figure img.only-light")
        shown = page.locator("article figure img:visible")
        expect(shown).to_have_count(len(figures))
        assert not faults
    lost = list(set(usual) - set(bare) - set(controls) - {"Copied", "Copy"})
    assert lost == []
    assert formulas == len(source.select("article .katex-html"))


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


@pytest.mark.parametrize("path", CHAPTERS)
def test_the_type_is_the_books_own(browser, home, path):
    with opened(browser, home, path) as (page, _):
        page.wait_for_function(HERE, arg=["Lab Serif", "Lab Sans", "KaTeX_Main"])
        text = page.locator("article > section > section > p").first
        family = text.evaluate("e => getComputedStyle(e).fontFamily")
    assert family.replace('"', "").startswith("Lab Serif")


# --- The keyboard's focus, and colors that the system forces ---

FOCUSED = "document.activeElement.outerHTML.slice(0, 80)"
BUTTONS = ".bd-header-article button, .bd-header button"


@pytest.mark.parametrize("width", [1280, 390])
def test_the_focus_stays_with_a_button_or_comes_back(browser, home, width):
    with opened(browser, home, "chapters/ch317.html", width=width) as (page, _):
        buttons = page.locator(BUTTONS).locator("visible=true")
        assert buttons.count() >= 4
        for n in range(buttons.count()):
            button = buttons.nth(n)
            button.focus()
            before = page.evaluate(FOCUSED)
            page.keyboard.press("Enter")
            page.keyboard.press("Escape")
            expect(button, before).to_be_focused()
            page.evaluate("document.fullscreenElement && document.exitFullscreen()")


# What a table tells by the colors behind its numbers, as places on the screen: the lightest and the
# darkest cell of the weights that are seen, and a bar with what is left of it.
SHADES = """
(root) => [...root.querySelectorAll(".lab-weights")].filter((e) => e.checkVisibility()).map((e) => {
  const cells = [...e.querySelectorAll("td[style]")];
  cells.sort((a, b) => a.style.getPropertyValue("--w") - b.style.getPropertyValue("--w"));
  return [cells[0], cells.at(-1)].map((cell) => {
    const { x, y, width, height } = cell.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
  });
})
"""
BARS = """
(root) => [...root.querySelectorAll(".lab-bar")].filter((e) => e.checkVisibility()).map((e) => {
  const { x, bottom, width } = e.getBoundingClientRect();
  const em = parseFloat(getComputedStyle(e).fontSize);
  const share = (name) => parseFloat(e.style.getPropertyValue(name)) / 100;
  const at = (part) => [x + em / 4 + (width - em / 2) * part, bottom - 0.25 * em];
  const from = share("--from"), to = share("--to");
  const rest = from > 1 - to ? from / 2 : (1 + to) / 2;
  return Math.min(to - from, Math.max(from, 1 - to)) > 0.1 && [at((from + to) / 2), at(rest)];
}).filter(Boolean)
"""
SIGNS = {"chapters/ch318.html": BARS, "chapters/ch319.html": SHADES}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("forced", ["none", "active"])
@pytest.mark.parametrize("path", SIGNS)
def test_colors_that_tell_something_are_seen(browser, home, path, theme, forced):
    with opened(browser, home, path, theme=theme, forced_colors=forced) as (page, _):
        told = 0
        page.evaluate(LAY_OUT)
        for root in page.locator(".lab-figure").all():
            root.evaluate("e => e.scrollIntoView({ block: 'center' })")
            pairs = root.evaluate(SIGNS[path])
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            for pair in pairs:
                if max(y for _, y in pair) >= picture.height:
                    continue  # below the screen
                one, other = (picture.getpixel(tuple(at)) for at in pair)
                difference = max(abs(a - b) for a, b in zip(one, other, strict=True))
                assert difference > 60, (one, other)
                told += 1
        assert told > 0


# --- On paper ---


ASKED = """
() => {
  const fetched = performance.getEntriesByType("resource").map(({ name }) => name);
  return [...document.querySelectorAll("link[rel=preload][as=font]")]
    .map(({ href }) => [href.split("/").at(-1), fetched.filter((name) => name === href).length]);
}
"""


def test_fonts_that_are_asked_for_early_are_fetched_once_and_set(browser, home):
    with opened(browser, home, "chapters/ch318.html") as (page, faults):
        families = ["Lab Serif", "Lab Sans", "KaTeX_Main", "KaTeX_Math"]
        page.wait_for_function(HERE, arg=families)
        asked = dict(page.evaluate(ASKED))
    assert len(asked) == 5
    assert set(asked.values()) == {1}
    assert faults == []


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
        assert [shown.nth(n).get_attribute("class") for n in range(shown.count())] == []
        for selector in ("article p", "article h1", "article figcaption", "article pre"):
            color = page.locator(selector).first.evaluate("e => getComputedStyle(e).color")
            assert max(map(int, re.findall(r"\d+", color)[:3])) < 130, selector
        wide = page.evaluate(
            "() => [...document.querySelectorAll('article pre')]"
            ".filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.innerText.slice(0, 80))"
        )
        assert wide == []


UNDRAWN = """
() => [...document.querySelectorAll("use")].filter((use) => {
  const glyph = document.getElementById(use.getAttribute("xlink:href").slice(1));
  const box = use.getBBox();  // a tick has no width, or no height
  return !glyph || (glyph.getAttribute("d")?.trim() && !box.width && !box.height);
}).map((use) => use.outerHTML)
"""


@pytest.mark.parametrize("path", ["chapters/ch317", "chapters/ch318"])
def test_the_printed_book_draws_every_letter(browser, path):
    whole = pdf.join(SITE, [path])
    page = browser.new_page()
    page.set_content(str(whole))
    assert page.locator("use").count() > 100
    assert page.evaluate(UNDRAWN) == []
    page.close()


# --- Looking for something ---


def terms():
    """Return the terms of the glossary."""
    text = (SITE / "chapters" / "glossary.html").read_text(encoding="utf-8")
    names = BeautifulSoup(text, "lxml").select("dl.glossary dt")
    return [name.get_text().rstrip("#").strip() for name in names]


@pytest.mark.parametrize("term", ["forget gate", "BPTT"])
def test_search_leads_to_a_term(browser, home, term):
    with opened(browser, home, f"search.html?q={term}") as (page, _):
        page.locator("#search-results li a").first.wait_for()


def test_search_finds_every_term(browser, home):
    wanted = terms()
    assert len(wanted) > 40
    with opened(browser, home, "search.html") as (page, _):
        page.wait_for_function("Search._index")
        missing = page.evaluate(
            "terms => terms.filter(term =>"
            " !Search._performSearch(...Search._parseQuery(term)).length)",
            [*wanted, "xylophone"],
        )
    assert missing == ["xylophone"]


# What the search takes for the text of a page; what of it is LaTeX, and what is there twice.
EXCERPT = r"""
async (path) => {
  const page = await (await fetch(path)).text(), text = Search.htmlToText(page);
  const squeezed = (words) => words.replace(/[\s\u200b\u2061]+/g, ""), whole = squeezed(text);
  const formulas = [...new DOMParser().parseFromString(page, "text/html")
    .querySelectorAll("article semantics > mrow")].map((row) => squeezed(row.textContent));
  return {
    start: text.trim().slice(0, 20),
    formulas: formulas.filter((words) => whole.includes(words)).length,
    latex: text.match(/\\(odot|frac|partial|operatorname)\b/g) ?? [],
    twice: formulas.filter((words) => words.length > 12 && whole.includes(words + words)),
  };
}
"""


def test_excerpts_of_a_search_are_what_is_read(browser, home):
    with opened(browser, home, "search.html") as (page, _):
        found = page.evaluate(EXCERPT, "chapters/ch318.html")
    assert found["formulas"] > 200
    assert found["start"].startswith("ch318")  # the title, not the contents
    assert found["latex"] == []
    assert found["twice"] == []


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("where", ["dialog", "page"])
def test_what_is_searched_stands_beside_the_magnifier(browser, home, where, width):
    path = "search.html" if where == "page" else "chapters/ch318.html"
    with opened(browser, home, path, width=width) as (page, _):
        if where == "dialog":
            page.keyboard.press("Control+k")
        form = page.locator("form.bd-search:visible").first
        icon = form.locator(".fa-magnifying-glass").bounding_box()
        field = form.locator("input")
        inset = field.evaluate("e => parseFloat(getComputedStyle(e).paddingLeft)")
        words = field.bounding_box()["x"] + inset
    assert icon["width"] > 0
    assert words >= icon["x"] + icon["width"]


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
            controls = figure.locator(".lab-controls input, .lab-controls select")
            assert controls.count() > 0
            for m in range(controls.count()):
                control = controls.nth(m)
                control.scroll_into_view_if_needed()
                control.focus()
                control.press("Home")
                frames, picture, told = (seen(figure), figure.screenshot(), said(figure))
                assert len(frames) == 1
                is_slider = control.get_attribute("type") == "range"
                control.press("ArrowRight" if is_slider else "ArrowDown")
                assert seen(figure) != frames
                assert figure.screenshot() != picture
                assert said(figure) != told
                if is_slider:
                    shown = control.locator("xpath=following::output").first
                    now = control.get_attribute("aria-valuetext")
                    assert now == shown.inner_text()
                control.press("Home")
                assert seen(figure) == frames
        assert faults == []


def said(figure):
    """Return what a figure announces."""
    return figure.locator(".lab-said").inner_text()


def test_a_finger_moves_a_figure(browser, home):
    with opened(
        browser, home, "chapters/ch317.html", width=390, has_touch=True, is_mobile=True
    ) as (page, _):
        figure = page.locator(".lab-figure").first
        slider = figure.locator("input").first
        page.evaluate(LAY_OUT)
        slider.scroll_into_view_if_needed()
        frames, box = seen(figure), slider.bounding_box()
        value = slider.input_value()
        assert box["height"] >= 24
        page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
        expect(slider).not_to_have_value(value)
        assert seen(figure) != frames


# --- What a link leads to ---


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", CHAPTERS)
def test_an_address_within_a_page_leads_there(browser, home, path, width):
    source = BeautifulSoup((SITE / path).read_text(encoding="utf-8"), "lxml")
    names = [e["id"] for e in source.select("article figure[id]")]
    for name in (names[0], names[len(names) // 2], names[-1]):
        with opened(browser, home, f"{path}#{name}", width=width) as (page, _):
            place = page.locator(f"#{name}")
            place.locator("img:visible").first.evaluate("e => e.decode()")
            top = place.bounding_box()["y"]
            assert abs(top - PLACE) <= NEAR, (name, top)


PLACE = 64  # pixels below the upper edge, where the header ends
NEAR = 4
# Where the heading of a link's section is, as far below its place as the page's end lets it come.
CLICK = """
async (name) => {
  document.querySelector(`.page-toc a[href="#${CSS.escape(name)}"]`).click();
  for (const _ of [1, 2, 3]) await new Promise(requestAnimationFrame);
  const { scrollHeight, clientHeight } = document.documentElement;
  const rest = scrollHeight - clientHeight - scrollY;
  const { top } = document.getElementById(name).querySelector("h2, h3").getBoundingClientRect();
  return [top, rest];
}
"""


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("path", CHAPTERS)
def test_the_first_click_on_a_heading_leads_to_it(browser, home, path, width):
    source = BeautifulSoup((SITE / path).read_text(encoding="utf-8"), "lxml")
    links = source.select(".page-toc a[href^='#']")
    assert len(links) > 10
    with opened(browser, home, path, width=width) as (page, _):
        for link in links:
            page.goto("about:blank")
            page.goto(home + path)
            top, rest = page.evaluate(CLICK, link["href"][1:])
            assert top >= PLACE - NEAR, (link["href"], top)
            assert top <= PLACE + NEAR or rest < 1, (link["href"], top)


@pytest.mark.parametrize(
    ("link", "kind"),
    [
        ("a.internal[href='#equation-eq-lstm-state']", "div.math"),
        ("a.internal[href^='#fig-']", "figure"),
        ("a.internal[href^='references.html#']", "div.citation"),
    ],
    ids=["equation", "figure", "reference"],
)
@pytest.mark.parametrize("by", ["pointer", "keyboard"])
def test_a_link_shows_what_it_leads_to(browser, home, link, kind, by):
    with opened(browser, home, "chapters/ch318.html") as (page, faults):
        found, card = (page.locator(f"article {link}").first, page.locator(".lab-preview"))
        page.evaluate(LAY_OUT)  # a link that moves would leave the pointer
        found.scroll_into_view_if_needed()
        assert card.is_hidden()
        if by == "pointer":
            found.hover()
        else:
            page.keyboard.press("Tab")  # the focus is seen from now on
            found.focus()
        card.locator(kind).wait_for()
        page.keyboard.press("Escape")
        expect(card).to_be_hidden()
        assert faults == []


# --- Downloads ---


@pytest.mark.parametrize("path", CHAPTERS)
def test_downloads_are_what_they_say(browser, home, path):
    with opened(browser, home, path) as (page, _):
        links = page.locator(".dropdown-download-buttons a[href]").evaluate_all(
            "found => found.map((link) => link.href)"
        )
        kinds = {}
        for link in links:
            answer = page.request.get(link)
            assert answer.ok, link
            kinds[link.rpartition(".")[2]] = answer.body()
    assert kinds.keys() == {"ipynb", "md", "pdf"}
    notebook = nbformat.reads(kinds["ipynb"].decode(), as_version=4)
    nbformat.validate(notebook)
    assert any(cell.get("outputs") for cell in notebook.cells)
    source = (ROOT / path).with_suffix(".md")
    assert kinds["md"].decode() == source.read_text(encoding="utf-8")
    book = PdfReader(io.BytesIO(kinds["pdf"]))
    named = book.named_destinations
    entries = book.pages[0]["/Annots"]
    for entry in (entry.get_object() for entry in entries):
        target = entry.get("/Dest") or entry["/A"]["/D"]
        assert str(target).lstrip("/") in {name.lstrip("/") for name in named}
    titles = "".join(p.extract_text() for p in book.pages[:3])
    heading = BeautifulSoup((SITE / path).read_text(encoding="utf-8"), "lxml").h1
    assert heading.get_text().rstrip("#").strip().split(":")[0] in titles


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
        file = (page.parent / target.partition("?")[0]).resolve() if target else page
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
        assert description == soup.find("meta", attrs={"name": "description"})["content"]


def test_the_cheat_sheet_is_one_page(browser, home):
    with opened(browser, home, "chapters/cheatsheet.html") as (page, _):
        page.evaluate(LAY_OUT)
        printed = PdfReader(io.BytesIO(page.pdf(format="A4")))
    assert len(printed.pages) == 1


@pytest.mark.parametrize("path", CHAPTERS)
def test_an_answer_opens_by_keyboard(browser, home, path):
    with opened(browser, home, path) as (page, _):
        question = page.locator(".admonition.question").first
        answer = question.locator("details").first
        question.scroll_into_view_if_needed()
        answer.locator("summary").press("Enter")
        expect(answer.locator("p").last).to_be_visible()


# --- Solutions ---

CLOSED = "details.solution:not([open])"


def named(page):
    """Return the role, the name and the state of the first solution's bar, as they are heard."""
    session = page.context.new_cdp_session(page)
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    bar = {"nodeId": root, "selector": "details.solution > summary"}
    found = session.send("DOM.querySelector", bar)
    (node,) = session.send("Accessibility.getPartialAXTree", {**found, "fetchRelatives": False})[
        "nodes"
    ]
    states = {p["name"]: p["value"]["value"] for p in node["properties"]}
    return node["role"]["value"], node["name"]["value"], states["expanded"]


@pytest.mark.parametrize("path", CHAPTERS)
def test_solutions_are_closed_and_open_without_scripts(browser, home, path):
    text = (ROOT / path).with_suffix(".md").read_text(encoding="utf-8")
    with opened(browser, home, path, java_script_enabled=False) as (page, _):
        expect(page.locator(CLOSED)).to_have_count(text.count("{solution-start}"))
        first = page.locator("details.solution").first
        assert first.locator("section").is_hidden()
        first.locator("summary").click()
        assert first.locator("section").is_visible()


@pytest.mark.parametrize("path", CHAPTERS)
def test_the_whole_bar_opens_a_solution(browser, home, path):
    with opened(browser, home, f"{path}#exercises") as (page, faults):
        solution = page.locator("details.solution").first
        bar = solution.locator("summary")
        inside = solution.locator("section")
        bar.scroll_into_view_if_needed()
        box, address = bar.bounding_box(), page.url
        for share in (0.02, 0.3, 0.98):
            for opens in (True, False):
                x, y = share * box["width"], box["height"] / 2
                bar.click(position={"x": x, "y": y})
                expect(inside).to_be_visible(visible=opens)
        for key in ("Enter", "Space"):
            role, name, is_open = named(page)
            assert role == "DisclosureTriangle"
            assert re.match(r"Show solution to Exercise \d+ \(", name)
            assert not is_open
            bar.press(key)
            expect(inside).to_be_visible()
            _, name, is_open = named(page)
            assert name.startswith("Solution to Exercise")
            assert is_open
            bar.press(key)
        assert page.url == address
        bar.press("Enter")
        link = solution.locator("p > a").first
        exercise = page.locator(link.get_attribute("href"))
        link.click()
        expect(exercise).to_be_in_viewport()
        assert faults == []


def test_a_link_to_a_solution_opens_it(browser, home):
    with opened(browser, home, "chapters/ch317.html#sol-slope") as (page, _):
        expect(page.locator("#sol-slope[open]")).to_be_in_viewport()
        page.evaluate("location.hash = '#sol-epsilon'")
        expect(page.locator("#sol-epsilon[open]")).to_be_in_viewport()
