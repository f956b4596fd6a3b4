"""A browser, and the built book to look at with it."""

import os
import shutil
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import expect, sync_playwright

from tools import serve

from .looking import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


def chapters() -> list[str]:
    """Return the pages of the table of contents, such as chapters/ch318.html."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [toc["root"]] + [c["file"] for part in toc["parts"] for c in part["chapters"]]
    return [f"{file}.html" for file in files]


def no_browser(reason):
    """Fail where a browser is owed; elsewhere skip, which pytest counts and shows."""
    why = f"NO BROWSER: the pages were not looked at. {reason}"
    if os.environ.get("CI"):
        pytest.fail(why, pytrace=False)
    pytest.skip(why)


@pytest.fixture(scope="session")
def browser():
    """A Chromium: the one that lab.py found or installed, or one on the path."""
    found = os.environ.get("CHROME_PATH") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        no_browser("Set CHROME_PATH to a Chromium, or run: python3 lab.py browser")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def home():
    """The address at which the built book is served."""
    if not SITE.is_dir():
        pytest.fail(f"{SITE} is missing: build the book first", pytrace=False)
    with serve.served(SITE) as address:
        yield address
