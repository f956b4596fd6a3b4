"""The built pages are made from the sources as they are now, and show what was executed."""

from pathlib import Path

import checks
import pytest

BOOK = checks.Book(Path(__file__).resolve().parents[2])


@pytest.mark.parametrize("page", BOOK.pages)
@pytest.mark.parametrize("check", checks.EVERY_PAGE)
def test_page(check, page):
    assert check(BOOK, page) == []


@pytest.mark.parametrize("page", [page for page in BOOK.pages if BOOK.is_notebook(page)])
@pytest.mark.parametrize("check", checks.EXECUTED_PAGE)
def test_executed_page(check, page):
    assert check(BOOK, page) == []


def test_no_page_tells_where_it_was_built():
    site = BOOK.root / "_build" / "html"
    here = str(BOOK.root)
    told = [
        file.relative_to(site).as_posix()
        for kind in ("html", "js", "css", "ipynb")
        for file in site.rglob(f"*.{kind}")
        if here in file.read_text(encoding="utf-8")
    ]
    assert told == []
