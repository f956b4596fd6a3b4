"""The script in a browser: keys and choices, a page without it, and a notebook's model."""

import os
import shutil
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from lstm_lab import widgets
from lstm_lab.widgets import Control, Frame, MovingFigure

BROWSER = os.environ.get("CHROME_PATH") or shutil.which("chromium")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic"]
TARGET = 24  # pixels that a finger needs (WCAG 2.2, 2.5.8)
POSITIONS = ("½", "1", "2", "4")
TEXTS = ("ab", "c")
GROUPS = "".join(f'<g data-frame="{n}"><path/></g>' for n in range(8))
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root { color-scheme: light dark }</style>
<link rel="stylesheet" href="moving.css"><script defer src="moving.js"></script>
</head><body><main><h1>A page</h1>FIGURES</main></body></html>"""


def figure(label="one", **options):
    frames = [
        Frame(f"{gain} of {text}", f"<b>{gain} {text}</b>")
        for gain in POSITIONS
        for text in TEXTS
    ]
    controls = [Control("gain", POSITIONS, 1), Control("text", TEXTS, 0, False)]
    picture = f'<svg role="img" aria-label="p" width="9">{GROUPS}</svg>'
    return MovingFigure(label, controls, frames, picture=picture, **options)


def no_browser():
    """Fail where a browser is owed; elsewhere skip, which pytest counts and shows."""
    why = "NO BROWSER: the script was not run. Set CHROME_PATH to a Chromium"
    if os.environ.get("CI"):
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


@pytest.mark.parametrize(
    ("ci", "outcome"), [("true", pytest.fail), ("", pytest.skip)]
)
def test_without_a_browser_there_is_no_silence(monkeypatch, ci, outcome):
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome.Exception, match="NO BROWSER"):
        no_browser()


@pytest.fixture(scope="module")
def browser():
    if BROWSER is None:
        no_browser()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER, args=OPTIONS
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Return a function that opens a page of two figures, from a file."""
    contexts = []

    def visit(**options):
        figures = f"{figure().markup}{figure('other').markup}"
        html = PAGE.replace("FIGURES", figures)
        (tmp_path / "page.html").write_text(html, encoding="utf-8")
        for file in (widgets.SCRIPT, widgets.STYLE):
            shutil.copy(file, tmp_path)
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: pytest.fail(f"{error}"))
        page.goto((tmp_path / "page.html").as_uri())
        return page

    yield visit
    for context in contexts:
        context.close()


def seen(page, number=0):
    """Return what a figure says and shows, and which of its picture's groups."""
    root = page.locator(".lab-figure").nth(number)
    said = root.locator(".lab-said").inner_text().strip()
    shown = root.locator("b:visible").all_inner_texts()
    groups = root.evaluate(
        "root => [...root.querySelectorAll('g')].filter("
        "g => getComputedStyle(g).display != 'none').map(g => g.dataset.frame)"
    )
    return said, shown, groups


def expected(gain, text):
    frame = POSITIONS.index(gain) * len(TEXTS) + TEXTS.index(text)
    return f"{gain} of {text}", [f"{gain} {text}"], [f"{frame}"]


def test_keys_move_a_slider_and_say_where_it_is(visit):
    page = visit()
    slider = page.get_by_role("slider", name="gain").first
    output = page.locator("output").first
    assert seen(page) == expected("1", "ab")
    for key, gain in (
        ("ArrowRight", "2"),
        ("End", "4"),
        ("ArrowRight", "4"),  # there is no further one
        ("Home", "½"),
        ("ArrowUp", "1"),
    ):
        slider.press(key)
        assert seen(page) == expected(gain, "ab")
        assert slider.get_attribute("aria-valuetext") == gain
        assert output.inner_text() == gain
    assert seen(page, 1) == expected("1", "ab")  # the other one stays


def test_a_choice_changes_what_is_seen(visit):
    page = visit()
    page.get_by_label("text").last.select_option("c")
    assert seen(page, 1) == expected("1", "c")
    page.get_by_role("slider", name="gain").last.press("End")
    assert seen(page, 1) == expected("4", "c")
    assert seen(page) == expected("1", "ab")


def test_without_a_script_the_start_is_seen_and_nothing_to_move(visit):
    page = visit(java_script_enabled=False)
    for number in (0, 1):
        root = page.locator(".lab-figure").nth(number)
        assert root.locator(".lab-said").inner_text().strip() == "1 of ab"
        assert root.locator("b:visible").all_inner_texts() == ["1 ab"]
    assert page.locator("g:visible").count() <= 2
    assert page.locator(":is(input, select, output):visible").count() == 0


def test_print_shows_what_is_seen_without_controls(visit):
    page = visit()
    page.get_by_role("slider", name="gain").first.press("End")
    page.emulate_media(media="print")
    assert seen(page) == expected("4", "ab")
    assert page.locator(":is(input, select, output):visible").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_finger_and_a_reader_find_every_control(visit, scheme):
    page = visit(viewport={"width": 350, "height": 700}, color_scheme=scheme)
    for control in page.locator(".lab-control :is(input, select)").all():
        box = control.bounding_box()
        assert min(box["width"], box["height"]) >= TARGET
        assert box["x"] + box["width"] <= 350
    found = Axe().run(page).response["violations"]
    assert [(fault["id"], fault["help"]) for fault in found] == []


# In a notebook: the module, with a model as JupyterLab has one.

MODEL = """async ([esm, state]) => {
  const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const { default: { render } } = await import(url);
  const heard = {}, saved = [];
  window.saved = saved;
  window.change = (name, value) => { state[name] = value; heard[`change:${name}`]?.(); };
  const el = document.body.appendChild(document.createElement("section"));
  window.end = render({ el, model: {
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; },
    save_changes: () => saved.push(structuredClone(state)),
    on: (event, hear) => { heard[event] = hear; },
    off: (event, hear) => { if (heard[event] === hear) delete heard[event]; },
  }});
  window.heard = heard;
}"""


@pytest.fixture
def notebook(browser):
    """Return a page that shows a figure by its module, with a model."""
    asking = figure(ask=("your own", str.upper))
    state = asking.get_state(["markup", "value", "question", "answer"])
    page = browser.new_page()
    page.set_content("<!doctype html><title>a</title>")
    page.evaluate(MODEL, [asking.get_state()["_esm"], state])
    yield SimpleNamespace(
        page=page, saved=lambda: page.evaluate("window.saved")
    )
    page.close()


def test_python_hears_of_a_move(notebook):
    page = notebook.page
    assert seen(page)[0] == "1 of ab"
    page.get_by_role("slider").press("ArrowRight")
    page.get_by_label("text").select_option("c")
    assert [state["value"] for state in notebook.saved()] == [
        {"gain": 2, "text": 0},
        {"gain": 2, "text": 1},
    ]


def test_keys_are_not_the_notebooks(notebook):
    page = notebook.page
    page.evaluate(
        "document.addEventListener('keydown', e => e.preventDefault())"
    )
    page.get_by_role("slider").press("ArrowRight")
    assert seen(page)[0] == "2 of ab"


def test_python_moves_the_controls(notebook):
    page = notebook.page
    page.evaluate("change('value', { gain: 3, text: 1 })")
    assert seen(page)[1:] == expected("4", "c")[1:]
    assert page.get_by_role("slider").input_value() == "3"
    assert notebook.saved() == []


def test_python_answers_a_question(notebook):
    page = notebook.page
    field = page.get_by_label("your own")
    field.fill("why")
    field.press("Enter")
    assert [state["question"] for state in notebook.saved()] == ["why"]
    page.evaluate("change('answer', '<i>WHY</i>')")
    assert page.locator(".lab-answer").inner_text() == "WHY"
    assert seen(page)[0] == "1 of ab"


def test_at_its_end_a_view_stops_listening(notebook):
    page = notebook.page
    assert page.evaluate("Object.keys(heard).length") == 2
    page.evaluate("end()")
    assert page.evaluate("Object.keys(heard).length") == 0
