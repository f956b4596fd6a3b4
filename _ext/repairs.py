"""Repair what leaves some readers out: markup of the theme and the extensions, and two scripts.

With `repairs_all_needed`, each must find something to repair in the book: when a newer version
makes one needless, the build says so, and fails.
"""

import re
from pathlib import Path

from sphinx.util import logging

log = logging.getLogger(__name__)

REPAIRS = {
    "the viewport is said three times": (
        re.compile(
            r'<meta name="viewport" content="width=device-width, initial-scale=1(?:\.0)?" ?/>'
            r"(?=.*<meta name=\"viewport\")",
            re.DOTALL,
        ),
        "",
    ),
    "without a script, the page has no colours": (
        re.compile(r'(<html [^>]*data-theme=)"auto"'),
        r'\1"light"',
    ),
    "the page is painted before its colours are known, and then again": (
        re.compile(r'localStorage\.getItem\("theme"\) \|\| "auto"'),
        'localStorage.getItem("theme")'
        ' || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")',
    ),
    "a title repeats the book's name": (
        re.compile(r"<title>(.*?) &#8212; \1</title>"),
        r"<title>\1</title>",
    ),
    "the name of the book stands outside of all landmarks": (
        re.compile(r'<div class="(sidebar-primary-items__start sidebar-primary__section)"'),
        r'<div class="\1" role="navigation" aria-label="Book"',
    ),
    "references have a role that is deprecated": (re.compile(r' role="doc-biblioentry"'), ""),
    "a list of references has children that are no items": (
        re.compile(r'<div role="list" class="citation-list">'),
        '<div class="citation-list">',
    ),
    "the label of a folded cell hides its visible name, and is two paragraphs": (
        re.compile(
            r'<summary aria-label="Toggle hidden content">\s*'
            r'<p class="collapsed admonition-title">(.*?)</p>\s*'
            r'<p class="expanded admonition-title">\1</p>\s*</summary>'
        ),
        r"<summary><span>\1</span></summary>",
    ),
    "a note in the margin is a landmark, with an empty title": (
        re.compile(
            r'<aside class="margin sidebar">\s*<p class="sidebar-title">\s*</p>(.*?)</aside>',
            re.DOTALL,
        ),
        r'<div class="margin" role="note">\1</div>',
    ),
    "all exercises have the same id, and all solutions": (
        re.compile(r'<section id="(?:exercise|solution)-content">'),
        "<section>",
    ),
    "the corner of a table is a heading of nothing": (
        re.compile(r'<th class="head">\s*(?:<p>\s*</p>)?\s*</th>'),
        "<td></td>",
    ),
    "a script lays out the whole page, to learn which parts scroll": (
        re.compile(
            r'document\.querySelectorAll\((\["pre",[^\]]*\]\.join\(", "\))\)'
            r"\.forEach\(e=>\{(e\.tabIndex=[^{}]*)\}\)"
        ),
        # Each is asked when it comes near the screen; until then it may scroll.
        r"{const near=new IntersectionObserver(all=>all.forEach(({target:e,isIntersecting:is})=>"
        r'{if(is)\2}),{rootMargin:"200%"});'
        r"document.querySelectorAll(\1).forEach(e=>{e.tabIndex=0;near.observe(e)})}",
    ),
    "results of the search show formulas three times, once as LaTeX": (
        re.compile(r'(removalQuery of \["\.headerlink", )'),
        r'\1".katex-html", "annotation", ',
    ),
    "results of the search show the list of contents": (
        re.compile(r"""(querySelector\()'\[role="main"\]'\)"""),
        r"""\1'[role="main"] article')""",
    ),
    "a button loses the focus when it is pressed, and what it opens cannot give it back": (
        re.compile(r'addEventListener\("click",\(\(\)=>\{(\w)\.blur\(\)\}\),!0\)'),
        # That was to end its tooltip, which opens for a focus by keyboard alone now.
        r'addEventListener("focusin",(e=>{\1.matches(":focus-visible")'
        r"||e.stopImmediatePropagation()}),!0)",
    ),
}
SCRIPTS = ("pydata-sphinx-theme.js", "searchtools.js", "sphinx-book-theme.js")


FRONT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="The first page of the book.">
<meta http-equiv="refresh" content="0; url={first}.html">
<link rel="icon" href="data:,">
<title>{title}</title>
</head>
<body><main><h1><a href="{first}.html">{title}</a></h1></main></body>
</html>
"""


def open_front(app, exception):
    """Write the front page, which sphinx-external-toc would write without head and body."""
    if exception or app.builder.name != "html":
        return
    (Path(app.outdir) / "index.html").write_text(
        FRONT.format(first=app.config.root_doc, title=app.config.project), encoding="utf-8"
    )


def repair(app, exception):
    """Repair every page and the scripts; warn of a repair without use."""
    if exception or app.builder.name != "html":
        return
    useless = set(REPAIRS)
    site = Path(app.outdir)
    scripts = (found for name in SCRIPTS for found in site.rglob(name))
    for page in (*site.rglob("*.html"), *scripts):
        html = page.read_text(encoding="utf-8")
        for fault, (pattern, remedy) in REPAIRS.items():
            html, count = pattern.subn(remedy, html)
            if count:
                useless.discard(fault)
        page.write_text(html, encoding="utf-8")
    for fault in sorted(useless if app.config.repairs_all_needed else ()):
        log.warning("nothing has this fault any more: %s", fault)


def setup(app):
    """Wait until the pages are written."""
    app.add_config_value("repairs_all_needed", False, "html", bool)
    app.connect("build-finished", open_front, priority=100)
    app.connect("build-finished", repair)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
