"""The script in a browser: keys and choices, a page without it, and a notebook's model."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from lstm_lab.figures import SCRIPT, STYLE, Control, Frame, MovingFigure

BROWSER = os.environ.get("CHROME_PATH") or shutil.which("chromium")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic"]
GAINS, TEXTS = ("½", "1", "2", "4"), ("ab", "c")
GROUPS = "".join(f'<g data-frame="{n}"><path/></g>' for n in range(8))
CONTROLS = ":is(input, select, output):visible"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A page</title>
<link rel="stylesheet" href="moving.css"><script defer src="moving.js"></script>
</head><body><main><h1>A page</h1>FIGURES</main></body></html>"""
# A notebook: the module, with a model as JupyterLab has one.
MODEL = """async ([esm, state]) => {
  const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }));
  const { default: { render } } = await import(url);
  const heard = {}, saved = [];
  Object.assign(window, { heard, saved });
  window.change = (name, value) => { state[name] = value; heard[`change:${name}`]?.(); };
  const el = document.body.appendChild(document.createElement("section"));
  window.end = render({ el, model: {
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; },
    save_changes: () => saved.push(structuredClone(state)),
    on: (event, hear) => { heard[event] = hear; },
    off: (event, hear) => { if (heard[event] === hear) delete heard[event]; },
  }});
}"""


def figure(label="one", **options):
    pairs = [(gain, text) for gain in GAINS for text in TEXTS]
    frames = [Frame(f"{g} of {t}", f"<b>{g} {t}</b>") for g, t in pairs]
    controls = [Control("gain", GAINS, 1), Control("text", TEXTS, 0, False)]
    picture = f'<svg role="img" aria-label="p" width="9">{GROUPS}</svg>'
    return MovingFigure(label, controls, frames, picture=picture, **options)


@pytest.fixture(scope="module")
def browser():
    if BROWSER is None:
        # It fails where a browser is owed; elsewhere pytest counts and shows what is skipped.
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop(
            "NO BROWSER: the script was not run. Set CHROME_PATH to a Chromium"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=BROWSER, args=OPTIONS
        )
        yield browser
        browser.close()


@pytest.fixture(params=[True])
def page(request, browser, tmp_path):
    """A page of two figures, opened from a file, with scripts or without."""
    html = PAGE.replace("FIGURES", figure().markup + figure("other").markup)
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    for file in (SCRIPT, STYLE):
        shutil.copy(file, tmp_path)
    page = browser.new_page(java_script_enabled=request.param)
    page.on("pageerror", lambda error: pytest.fail(f"{error}"))
    page.goto((tmp_path / "page.html").as_uri())
    yield page
    page.close()


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
    frame = GAINS.index(gain) * len(TEXTS) + TEXTS.index(text)
    return f"{gain} of {text}", [f"{gain} {text}"], [f"{frame}"]


def test_keys_move_a_slider_and_say_where_it_is(page):
    slider = page.get_by_role("slider", name="gain").first
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
        assert page.locator("output").first.inner_text() == gain
    assert seen(page, 1) == expected("1", "ab")  # the other one stays


def test_a_choice_changes_what_is_seen_and_printed(page):
    page.get_by_label("text").last.select_option("c")
    page.get_by_role("slider", name="gain").last.press("End")
    page.emulate_media(media="print")
    assert seen(page, 1) == expected("4", "c")
    assert seen(page) == expected("1", "ab")
    assert page.locator(CONTROLS).count() == 0


@pytest.mark.parametrize("page", [False], indirect=True)
def test_without_a_script_the_start_is_seen_and_nothing_to_move(page):
    for root in page.locator(".lab-figure").all():
        assert root.locator(".lab-said").inner_text().strip() == "1 of ab"
        assert root.locator("b:visible").all_inner_texts() == ["1 ab"]
    assert page.locator("g:visible").count() <= 2
    assert page.locator(CONTROLS).count() == 0


def test_in_a_notebook_python_and_the_figure_follow_each_other(browser):
    asking = figure(ask=("your own", str.upper))
    state = asking.get_state(["markup", "value", "question", "answer"])
    page = browser.new_page()
    page.set_content("<!doctype html><title>a</title>")
    page.evaluate(MODEL, [asking.get_state()["_esm"], state])
    assert seen(page)[0] == "1 of ab"
    # The keys of a figure are not the notebook's.
    stop = "document.addEventListener('keydown', e => e.preventDefault())"
    page.evaluate(stop)
    page.get_by_role("slider").press("ArrowRight")
    page.get_by_label("text").select_option("c")
    moves = [{"gain": 2, "text": 0}, {"gain": 2, "text": 1}]
    saved = page.evaluate("saved")
    assert [state["value"] for state in saved] == moves
    page.evaluate("change('value', { gain: 3, text: 1 })")
    assert seen(page)[1:] == expected("4", "c")[1:]
    assert page.get_by_role("slider").input_value() == "3"
    field = page.get_by_label("your own")
    field.fill("why")
    field.press("Enter")
    questions = [state["question"] for state in page.evaluate("saved")]
    assert questions == ["", "", "why"]
    page.evaluate("change('answer', '<i>WHY</i>')")
    assert page.locator(".lab-answer").inner_text() == "WHY"
    # At its end a view stops listening.
    assert page.evaluate("Object.keys(heard).length") == 2
    page.evaluate("end()")
    assert page.evaluate("Object.keys(heard).length") == 0
    page.close()
