"""Each fault that the browser's tests look for is found, in a page that has no other."""

import pytest

from tools import serve

from .looking import look, opened
from .test_readers import CONTROLS, UNREACHED, tab_through

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"></head>
<body><main><h1>A page</h1><p>Some text.</p><!-- here --></main></body></html>
"""
PICTURE = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/%3E"
EQUATION = (
    "<div id='eq'><div class='katex-display'><div class='katex'>"
    "<div class='katex-html' style='{}'><div style='{}'>x</div></div></div></div></div>"
)
FAULTS = {
    "script": ("<script>throw Error('broken')</script>", "script: broken"),
    "console": ("<script>console.error('wrong')</script>", "console: wrong"),
    "missing file": ("<script src='none.js'></script>", "404: "),
    "foreign": ("<script src='http://127.0.0.2:9/a.js'></script>", "foreign request"),
    "image": ("<img src='data:image/png,' alt='a'>", "image does not load"),
    "alternative text": (f'<img src="{PICTURE}" alt="">', "image has no alternative"),
    "raw mathematics": (r"<p>\(a_t\)</p>", r"mathematics: \(a_t\)"),
    "raw number": ("<p>about 6e-08</p>", "mathematics: about 6e-08"),
    "unread mathematics": ("<p class='katex-error' title='Parse'>x</p>", "mathematics: Parse"),
    "name": ("<button></button>", "axe button-name"),
    "contrast": ("<p style='color:#aaa;background:#fff'>pale</p>", "axe color-contrast"),
    "width": ("<div style='width:400px'>wide</div>", "wider than the screen: DIV"),
    "equation to scroll": (EQUATION.format("overflow:auto", "width:400px"), "scrolls: eq: 400 of"),
    "comma on the next line": (
        "<p style='width:9px'><span class='math'><span class='base'"
        " style='display:inline-block'>x</span></span>, and</p>",
        "line begins after: x,",
    ),
    "beginning of an equation": (
        EQUATION.format("overflow:hidden", "margin-left:-9px"),
        "equation cut: eq",
    ),
}


@pytest.fixture
def site(tmp_path):
    """A folder, served."""
    with serve.served(tmp_path) as address:
        yield tmp_path, address


def test_a_page_without_a_fault_has_none(browser, site):
    folder, home = site
    (folder / "a.html").write_text(PAGE)
    assert look(browser, home, "a.html", "light", 390) == []


# The box of the code is higher than its section's, and lies under the link, until it is laid out.
UNSEEN = """
<div style='height:5000px'></div>
<section style='content-visibility:auto;contain-intrinsic-size:auto 9px'>
<div style='height:300px;background:#f3f4f5'>code</div></section>
<p><a href='#' style='color:#176de8'>a link</a></p>
"""


def test_what_is_not_laid_out_is_not_measured(browser, site):
    folder, home = site
    (folder / "a.html").write_text(PAGE.replace("<!-- here -->", UNSEEN))
    assert look(browser, home, "a.html", "light", 390) == []


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found(browser, site, name):
    fault, found = FAULTS[name]
    folder, home = site
    (folder / "a.html").write_text(PAGE.replace("<!-- here -->", fault))
    met = look(browser, home, "a.html", "light", 390)
    assert any(each.startswith(found) for each in met), met


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("<a href='#' style='outline:none'>a link</a>", "not marked"),
        (
            "<a href='#'>a link</a><div style='position:fixed;inset:0;background:#fff'></div>",
            "hidden",
        ),
        ("<a href='#'>a link</a>", None),
    ],
    ids=["unmarked", "hidden", "none"],
)
def test_fault_of_focus_is_found(browser, site, fault, found):
    folder, home = site
    (folder / "a.html").write_text(PAGE.replace("<!-- here -->", fault))
    with opened(browser, home, "a.html") as (page, _):
        tab_through(page)
        met = page.evaluate(UNREACHED)
    assert any(each.startswith(found) for each in met) if found else met == []


def test_control_that_tab_does_not_reach_is_found(browser, site):
    folder, home = site
    (folder / "a.html").write_text(PAGE.replace("<!-- here -->", "<a href='#'>a</a>"))
    with opened(browser, home, "a.html") as (page, _):
        page.evaluate(CONTROLS)
        (fault,) = page.evaluate(UNREACHED)
    assert fault.startswith("not reached")
