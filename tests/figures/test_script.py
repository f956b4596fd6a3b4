"""The script on a page: keys and choices, and a page without it.

`tests/browser/test_jupyterlab.py` tests it in a notebook.
"""

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


def figure(label):
    def frame(gain, text):
        g, t = GAINS[gain], TEXTS[text]
        return Frame(f"{g} of {t}", f"<b>{g} {t}</b>")

    controls = [Control("gain", GAINS, 1), Control("text", TEXTS, 0, False)]
    picture = f'<svg role="img" aria-label="p" width="9">{GROUPS}</svg>'
    return MovingFigure(label, controls, frame, picture=picture)


@pytest.fixture(scope="module")
def browser():
    if BROWSER is None:
        # It fails where a browser is owed; elsewhere pytest counts and shows what is skipped.
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop("NO BROWSER: the script was not run. Set CHROME_PATH to a Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(params=[True])
def page(request, browser, tmp_path):
    """A page of two figures, opened from a file, with scripts or without."""
    html = PAGE.replace("FIGURES", figure("one").markup + figure("other").markup)
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
