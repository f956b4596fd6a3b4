"""Print the built book into one PDF file: python -m tools.pdf.

The pages are joined into one document, in which every link between them becomes a link within it,
and a browser prints that twice: once to learn on which pages the sections fall, once with these
numbers in the table of contents.
"""

import os
import re
import sys
from copy import copy
from pathlib import Path

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
NAME = "book.pdf"
STYLE = Path(__file__).with_suffix(".css")
UNPRINTED = (
    "script, .headerlink, .toctree-wrapper, .prev-next-area, .lab-controls,"
    " .only-dark, .copybtn, .lab-ask"
)
LINKS = ("href", "xlink:href")  # the second as HTML's parser reads it in an SVG
NAMES = (*("for", "headers", "list"), *("aria-controls", "aria-describedby", "aria-labelledby"))
PAINT = re.compile(r"url\(#([^)]+)\)")  # clips, fills, markers and masks
FOOTER = """<div style="width:100%;font-size:8px;text-align:center;color:#555">
<span class="pageNumber"></span></div>"""


def table_of_contents(root: Path) -> list[str]:
    """Return the pages that are printed, such as chapters/ch318, in their order."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    pages = [toc["root"]]
    for part in toc["parts"]:
        pages += [chapter["file"] for chapter in part["chapters"]]
    return pages


def join(site: Path, pages: list[str]) -> BeautifulSoup:
    """Return one document of several pages."""
    whole = read(site / f"{pages[0]}.html")
    body = whole.new_tag("body", attrs={"class": "printed"})
    anchors = {f"{page}.html": Path(page).name for page in pages}
    for page in pages:
        article = read(site / f"{page}.html").select_one("article.bd-article")
        if article is None:
            raise SystemExit(f"{page} has no article: is the book built?")
        for unprinted in article.select(UNPRINTED):
            unprinted.decompose()
        for image in article.select("img"):
            image["loading"] = "eager"
        for folded in article.select("details"):
            folded["open"] = ""
        move(article, page, anchors)
        article["id"] = anchors[f"{page}.html"]
        body.append(article)
    whole.body.replace_with(body)
    for script in whole.select("script"):
        script.decompose()
    whole.html["data-theme"] = "light"
    whole.head.append(style := whole.new_tag("style"))
    style.string = STYLE.read_text(encoding="utf-8")
    body.insert(0, contents(whole))
    if lost := unresolved(whole):
        raise SystemExit(f"The printed book has nothing of the names {lost}")
    return whole


def read(file: Path) -> BeautifulSoup:
    """Return a page."""
    if not file.is_file():
        raise SystemExit(f"{file} is not there: build the book first")
    return BeautifulSoup(file.read_text(encoding="utf-8"), "lxml")


def move(article: Tag, page: str, anchors: dict[str, str]) -> None:
    """Make a page's names its own, and its links to printed pages links within the document."""
    own = anchors[f"{page}.html"]
    for named in article.select("[id]"):
        named["id"] = f"{own}--{named['id']}"
    for user in article.find_all(True):
        for key, value in user.attrs.items():
            if key in LINKS and value.startswith("#"):
                user[key] = f"#{own}--{value[1:]}" if value[1:] else f"#{own}"
            elif key in NAMES:
                names = value.split() if isinstance(value, str) else value
                user[key] = " ".join(f"{own}--{name}" for name in names)
            elif isinstance(value, str):
                user[key] = PAINT.sub(rf"url(#{own}--\1)", value)
    for link in article.select("a[href]"):
        path, _, name = link["href"].partition("#")
        if path and ":" not in path:
            target = os.path.normpath(Path(page).parent / path).replace("\\", "/")
            if target in anchors:
                link["href"] = "#" + "--".join(filter(None, (anchors[target], name)))
            else:
                link.unwrap()


def unresolved(whole: BeautifulSoup) -> list[str]:
    """Return the names that a document refers to, and that nothing in it has."""
    used = set()
    for user in whole.find_all(True):
        for key, value in user.attrs.items():
            if key in LINKS and value.startswith("#"):
                used.add(value[1:])
            elif key in NAMES:
                used.update(value.split() if isinstance(value, str) else value)
            elif isinstance(value, str):
                used.update(PAINT.findall(value))
    return sorted(used - {named["id"] for named in whole.select("[id]")})


def contents(whole: BeautifulSoup) -> Tag:
    """Return a table of contents: the sections of each page, with room for their numbers."""
    nav = whole.new_tag("nav", attrs={"class": "printed-contents"})
    nav.append(title := whole.new_tag("h1"))
    title.string = whole.title.string
    for heading in whole.select("section > h1, section > h2"):
        entry = whole.new_tag("a", href=f"#{heading.parent['id']}")
        entry["class"] = f"of-{heading.name}"
        words = whole.new_tag("span")
        words.extend(copy(child) for child in heading.contents)
        entry.extend((words, whole.new_tag("b")))
        nav.append(entry)
    return nav


def number(whole: BeautifulSoup, pages: dict[str, int]) -> None:
    """Write the page of each section into the table of contents."""
    for entry in whole.select(".printed-contents a"):
        entry.b.string = str(pages[entry["href"][1:]])


def print_pdf(site: Path) -> Path:
    """Print the book twice, and return the file."""
    whole = join(site, table_of_contents(ROOT))
    source, target = site / "chapters" / "printed.html", site / NAME
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROME_PATH"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(color_scheme="light", java_script_enabled=False)
        page.set_default_timeout(120_000)
        for last in (False, True):
            source.write_text(str(whole), encoding="utf-8")
            page.goto(source.as_uri())
            page.pdf(
                path=target,
                format="A4",
                print_background=True,
                tagged=last,
                outline=last,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOTER,
                margin=dict.fromkeys(("top", "bottom"), "18mm")
                | dict.fromkeys(("left", "right"), "20mm"),
            )
            number(whole, destinations(target))
        browser.close()
    source.unlink()
    return target


def destinations(file: Path) -> dict[str, int]:
    """Return on which page each named place of a PDF file is, counted from one."""
    reader = PdfReader(file)
    return {
        name.removeprefix("/"): reader.get_destination_page_number(place) + 1
        for name, place in reader.named_destinations.items()
    }


if __name__ == "__main__":
    made = print_pdf(SITE)
    size = made.stat().st_size / 1e6
    sys.stdout.write(f"{made}: {len(PdfReader(made).pages)} pages, {size:.1f} MB\n")
