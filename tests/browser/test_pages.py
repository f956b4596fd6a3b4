"""Every page, by day and by night, on a desk and on a phone."""

import pytest

from .conftest import SITE, chapters
from .looking import look

OTHERS = ["index.html", "search.html", "genindex.html", "py-modindex.html"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", chapters() + OTHERS)
def test_page_has_no_fault(browser, home, path, theme, width):
    assert look(browser, home, path, theme, width) == []


def test_every_page_of_the_site_is_looked_at():
    pages = {page.relative_to(SITE).as_posix() for page in SITE.rglob("*.html")}
    assert {p for p in pages if not p.startswith("lite/")} == {*chapters(), *OTHERS}
