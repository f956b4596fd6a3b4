"""The built pages are made from the sources as they are now, and show what was executed."""

from pathlib import Path

import checks
import pytest

BOOK = checks.Book(Path(__file__).resolve().parents[2])


@pytest.mark.parametrize("page", BOOK.pages)
@pytest.mark.parametrize("check", checks.EVERY_PAGE)
def test_page(check, page):
    assert check(BOOK, page) == []


@pytest.mark.parametrize(
    "page", [page for page in BOOK.pages if BOOK.is_notebook(page)]
)
@pytest.mark.parametrize("check", checks.EXECUTED_PAGE)
def test_executed_page(check, page):
    assert check(BOOK, page) == []
