"""Give each page what its links to other pages lead to, for _static/book.js to show beside them."""

import re
from html import escape
from pathlib import Path

from bs4 import BeautifulSoup

LINK = re.compile(r'<a class="reference internal" href="([\w.-]+\.html)#([\w:.-]+)"')
KINDS = ("div.math", "figure", "div.citation", "div.literal-block-wrapper")
UNSEEN = ".headerlink, .copybtn, annotation"


def give(app, exception):
    """Add a template to a page for each thing on another page that it links to."""
    if exception or app.builder.name != "html":
        return
    folder = Path(app.outdir) / "chapters"
    pages = {file.name: file for file in folder.glob("*.html")}
    texts = {name: file.read_text(encoding="utf-8") for name, file in pages.items()}
    links = {name: sorted(set(LINK.findall(text))) for name, text in texts.items()}
    wanted = {target for found in links.values() for target in found}
    things = {}
    for name in sorted({name for name, _ in wanted} & texts.keys()):
        soup = BeautifulSoup(texts[name], "lxml")
        for kind in KINDS:
            for thing in soup.select(f"article {kind}[id]"):
                key = name, thing["id"]
                if key in wanted:
                    things[key] = bare(thing, name)
    for name, found in links.items():
        templates = "".join(
            f'<template data-preview="{escape("#".join(target))}">{things[target]}</template>\n'
            for target in found
            if target in things
        )
        page = texts[name].replace("</body>", f"{templates}</body>")
        pages[name].write_text(page, encoding="utf-8")


def bare(thing, page):
    """Return the HTML of a thing of a page, for other pages: without its names and buttons."""
    for unseen in thing.select(UNSEEN):
        unseen.decompose()
    for named in [thing, *thing.select("[id]")]:
        del named["id"]
    for link in thing.select('a[href^="#"]'):
        link["href"] = f"{page}{link['href']}"
    return str(thing)


def setup(app):
    """Wait until the pages are repaired."""
    app.connect("build-finished", give, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
