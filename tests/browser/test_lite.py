"""A notebook runs in the browser: its kernel starts from the site alone, and nothing is installed.

NumPy and Matplotlib come from Pyodide's host. Where that is not reached, the first cell of a
chapter cannot be run, and the test that would run it is skipped with what it did not get.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

NOTEBOOK = "lite/notebooks/index.html?path=chapters/ch317.ipynb"
START = 600_000  # milliseconds, for the kernel and for its packages
PURE = "babel.dates, ipywidgets, joblib, tabulate, threadpoolctl, tqdm"
PRINT = f"import sys, {PURE}\nprint(sys.platform, tqdm.tqdm.__name__)"


class Seen:
    """The addresses that a notebook asked for on other hosts, and those that it did not get."""

    def __init__(self, page: Page, home: str):
        self.asked: list[str] = []
        self.failed: list[str] = []
        own = urlsplit(home).netloc

        def foreign(url: str) -> bool:
            return urlsplit(url).netloc not in ("", own)

        def note(addresses: list[str], url: str) -> None:
            if foreign(url):
                addresses.append(url)

        page.context.on("request", lambda sent: note(self.asked, sent.url))
        page.context.on("requestfailed", lambda sent: note(self.failed, sent.url))


@pytest.fixture
def notebook(browser: Browser, home: str) -> Iterator[tuple[Page, Seen]]:
    """A chapter's notebook, whose kernel is ready, and what it asked for."""
    page = browser.new_page()
    seen = Seen(page, home)
    page.set_default_timeout(START)
    page.goto(f"{home}{NOTEBOOK}")
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", state="attached")
    yield page, seen
    page.close()


def run(page: Page, code: str | None = None) -> Locator:
    """Run the first cell, with other code if some is given, and return it."""
    cell = page.locator(".jp-CodeCell").first
    cell.locator(".cm-content").click()
    if code is not None:
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.insert_text(code)
    page.keyboard.press("Shift+Enter")
    return cell


def test_the_kernel_starts_from_the_site_alone(notebook):
    page, seen = notebook
    cell = run(page, PRINT)
    output = cell.locator(".jp-OutputArea-output")
    expect(output).to_have_text("emscripten tqdm\n", timeout=START)
    assert seen.asked == []


def test_the_first_cell_of_a_chapter_runs(notebook):
    page, seen = notebook
    cell = run(page)
    for _ in range(START // 500):
        prompt = cell.locator(".jp-InputPrompt").inner_text()
        if seen.failed or prompt == "[1]:":
            break
        page.wait_for_timeout(500)
    if seen.failed:
        files = ", ".join(sorted({url.rpartition("/")[2] for url in seen.failed}))
        host = urlsplit(seen.failed[0]).netloc
        pytest.skip(
            f"{host} WAS NOT REACHED: no cell with NumPy was run in the browser. Missing: {files}"
        )
    assert prompt == "[1]:"
    assert cell.locator("[data-mime-type*=stderr], [data-mime-type*=error]").count() == 0
