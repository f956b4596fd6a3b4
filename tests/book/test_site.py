"""What the site shows has its name, its letters and its icons, and no wall of code."""

import ast
import re
import runpy
import sys
from pathlib import Path

import checks
import pytest
import yaml
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parents[2]
BOOK = checks.Book(ROOT)
SITE = ROOT / "_build" / "html"
ASSETS = SITE / "_static" / "assets"
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
REFERENCES = [page for page in BOOK.pages if page.startswith("chapters/api")]
TEXT = {".html", ".inv", ".ipynb", ".js", ".json", ".svg", ".xml"}
PRIVATE = re.compile(r'"\\([ef][0-9a-f]{3})"')
INITIAL = re.compile(r"[A-Z]\.\s(?:[A-Z]\.\s)*[\w-]+")
# A replacement character may be replaced by a box: it says the same.
SAME_AS_A_BOX = {0xFFFD}


@pytest.fixture(scope="module")
def typefaces():
    """The module of the build that brings the typefaces."""
    sys.path.insert(0, str(ROOT / "_ext"))
    yield runpy.run_path(str(ROOT / "_ext" / "typefaces.py"))
    sys.path.remove(str(ROOT / "_ext"))


def test_the_site_has_the_books_name():
    nameless = [
        file.relative_to(SITE).as_posix()
        for file in SITE.rglob("*")
        if file.suffix in TEXT and b"Project name not set" in file.read_bytes()
    ]
    assert nameless == []
    front = BeautifulSoup((SITE / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert front.title.text == front.h1.text == CONFIG["title"]


def test_cards_have_the_books_name(tmp_path):
    draw = runpy.run_path(str(ROOT / "_ext" / "cards.py"))["draw"]
    html = BOOK.html("chapters/ch318")
    title = html.h1.get_text().rstrip("#").strip()
    said = html.find("meta", attrs={"name": "description"})["content"]
    draw(CONFIG["title"], title, said, tmp_path / "card.png")
    shown = SITE / "_images" / "cards" / "ch318.png"
    assert shown.read_bytes() == (tmp_path / "card.png").read_bytes()


# --- Letters and icons ---


def characters(*fonts: Path) -> set[int]:
    return set().union(*(TTFont(font).getBestCmap() or () for font in fonts))


def test_every_icon_has_its_glyph():
    style = (SITE / "_static" / "book-site.css").read_text(encoding="utf-8")
    icons = {int(point, 16) for point in PRIVATE.findall(style)}
    assert 0xF0F3 in icons  # a bell, which only a property names
    assert icons - characters(*ASSETS.glob("fa-*.woff2")) == set()


def test_every_character_has_its_glyph(typefaces):
    pages = [
        page.read_text(encoding="utf-8")
        for page in SITE.rglob("*.html")
        if "lite" not in page.relative_to(SITE).parts
    ]
    faces = [
        characters(ASSETS / f"{face.package}.{face.style}.woff2") for face in typefaces["FACES"]
    ]
    known = characters(ASSETS / "rest.woff2") | set.intersection(*faces)
    known |= typefaces["EVERYWHERE"] | SAME_AS_A_BOX
    shown = typefaces["shown"](pages)
    assert {ord("年"), ord("월"), ord("★")} <= shown
    assert sorted(map(chr, shown - known)) == []


def test_what_has_no_glyph_is_shown_as_a_box():
    for font in ASSETS.glob("*.woff2"):
        glyphs = TTFont(font)
        if "glyf" in glyphs:
            assert glyphs["glyf"][".notdef"].numberOfContours, font.name


# --- The reference of the package ---


@pytest.mark.parametrize("page", REFERENCES)
def test_no_signature_is_a_wall(page):
    values = [" ".join(sign.get_text().split()) for sign in BOOK.html(page).select(".data > .sig")]
    assert [value[:80] for value in values if len(value) > 200] == []


@pytest.mark.parametrize("page", REFERENCES)
def test_no_name_becomes_a_list(page):
    lists = BOOK.html(page).select("article ol:not(.arabic)")
    assert [one.get_text().strip()[:80] for one in lists] == []


def initials() -> set[str]:
    """Return the paragraphs of docstrings that begin with an initial, as far as the surname."""
    found = set()
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node) or ""
                for paragraph in re.split(r"\n\s*\n|\n-+\n", text):
                    if begun := INITIAL.match(paragraph.strip()):
                        found.add(" ".join(begun[0].split()))
    return found


def test_names_begin_with_their_initials():
    names = initials()
    text = " ".join(" ".join(BOOK.html(page).article.get_text().split()) for page in REFERENCES)
    shown = {name for name in names if name.split()[-1] in text}
    assert len(shown) >= 8
    assert sorted(name for name in shown if name not in text) == []
