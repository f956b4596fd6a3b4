"""Serve the book's typefaces from the site itself, with the weights and characters that it uses.

They come from npm packages, which the set-up installs; `_static/book.css` says what is set in them.
A browser asks for them before all else, and sets a page in them if they are there when it is first
drawn. If not, the page stays in what most readers have, stretched to the same width and height, so
that no line moves under the reader's eyes: how much is measured on the text of the pages.
"""

import json
import logging
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from assets import TARGET
from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer
from sphinx.errors import ExtensionError


class Face(NamedTuple):
    """A typeface of the book, and the one that stands in for it."""

    family: str
    package: str
    style: str
    weights: tuple[int, ...]
    stand_in: str


FACES = (
    Face("Lab Serif", "source-serif-4", "normal", (400, 700), "tinos"),
    Face("Lab Serif", "source-serif-4", "italic", (400,), "tinos"),
    Face("Lab Sans", "source-sans-3", "normal", (400, 700), "arimo"),
)
BOLD = {400: "", 700: " Bold"}
# Arimo and Tinos were made as wide, letter by letter, as what other systems have in their place.
SAME_WIDTH = {
    "arimo": ("Arial", "Liberation Sans", "Arimo", "Helvetica"),
    "tinos": ("Times New Roman", "Liberation Serif", "Tinos", "Times"),
}
FEATURES = ["kern", "liga", "mark", "mkmk", "ccmp", "locl", "tnum"]
# Copyright and licence, which reserves the fonts' own names.
NAMES = (0, 13, 14)
SHEET = "typefaces.css"
MATHEMATICS = ("KaTeX_Main-Regular", "KaTeX_Math-Italic")  # the most of it
# From a folder fonts are there at once, and browsers refuse to ask for them early.
PRELOAD = """\
<script>
if (location.protocol !== "file:")
  for (const href of {fonts})
    document.head.append(Object.assign(document.createElement("link"),
      {{ rel: "preload", as: "font", type: "font/woff2", crossOrigin: "", href }}));
</script>
"""
TAG = re.compile(r"<(script|style|svg|head)\b.*?</\1>|<[^>]*>", re.DOTALL)


def copy(app, exception):
    """Write the fonts, each a third as large as it came, and the style sheet that names them."""
    if exception or app.builder.format != "html":
        return
    packages = Path(app.confdir, "node_modules")
    target = Path(app.outdir, "_static", "fonts")
    target.mkdir(parents=True, exist_ok=True)
    pages = [
        page.read_text(encoding="utf-8")
        for page in Path(app.outdir).rglob("*.html")
    ]
    used = {ord(c) for page in pages for c in page}
    letters = Counter("".join(TAG.sub(" ", page) for page in pages))
    rules = []
    for face in FACES:
        folder = packages / "@fontsource-variable" / face.package
        name = f"{face.package}-latin-wght-{face.style}.woff2"
        font = cut(load(folder / "files" / name), used, face.weights)
        file = f"{face.package}.{face.style}.woff2"
        font.save(target / file)
        shutil.copy(folder / "LICENSE", target / f"{face.package}.LICENSE")
        rules.append(
            f'@font-face {{ font-family: "{face.family}"; font-style: {face.style};'
            f" font-weight: {face.weights[0]} {face.weights[-1]}; font-display: optional;"
            f" src: url(fonts/{file}); }}"
        )
        rules += stand_ins(face, font, packages / "@fontsource", letters)
    sheet = target.with_name(SHEET)
    sheet.write_text("\n".join(rules) + "\n", encoding="utf-8")


def load(file):
    """Open a font."""
    if not file.is_file():
        raise ExtensionError(f"A font is not at {file}: run npm ci")
    return TTFont(file, recalcTimestamp=False)


def cut(font, used, weights=None):
    """Return a font without the characters, features and weights that no page uses."""
    options = subset.Options(layout_features=FEATURES, name_IDs=NAMES)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=used.intersection(font.getBestCmap()))
    subsetter.subset(font)
    if weights:
        limits = {"wght": (weights[0], weights[-1])}
        font = instancer.instantiateVariableFont(font, limits)
    font.flavor = "woff2"
    return font


def stand_ins(face, font, folder, letters):
    """Return rules that give what the reader has the measures of a font, one for each weight."""
    lines = font["hhea"]
    for weight in face.weights:
        name = f"{face.stand_in}-latin-{weight}-{face.style}.woff2"
        other = load(folder / face.stand_in / "files" / name)
        scale = width(font, letters, weight) / width(other, letters)
        em = font["head"].unitsPerEm * scale
        style = BOLD[weight] + (" Italic" if face.style == "italic" else "")
        local = ", ".join(
            f'local("{name}{style}")' for name in SAME_WIDTH[face.stand_in]
        )
        yield (
            f'@font-face {{ font-family: "{face.family} at first";'
            f" font-style: {face.style}; font-weight: {weight}; src: {local};"
            f" size-adjust: {scale:.2%}; ascent-override: {lines.ascent / em:.2%};"
            f" descent-override: {-lines.descent / em:.2%};"
            f" line-gap-override: {lines.lineGap / em:.2%}; }}"
        )


def width(font, letters, weight=None):
    """Return how wide a text's letters are on average, in the font's size."""
    names = font.getBestCmap()
    glyphs = font.getGlyphSet(location={"wght": weight} if weight else None)
    counted = Counter({c: n for c, n in letters.items() if ord(c) in names})
    wide = sum(n * glyphs[names[ord(c)]].width for c, n in counted.items())
    return wide / counted.total() / font["head"].unitsPerEm


def hasten(app, exception):
    """Cut the fonts of mathematics too; have every page ask for fonts before its style sheet."""
    if exception or app.builder.name != "html":
        return
    site = Path(app.outdir)
    pages = {p: p.read_text(encoding="utf-8") for p in site.rglob("*.html")}
    used = {ord(c) for html in pages.values() for c in html}
    fonts = site / "_static" / "assets"
    for font in fonts.glob("KaTeX_*.woff2"):
        cut(load(font), used).save(font)
    text = [f"{face.package}.{face.style}" for face in FACES]
    for page, html in pages.items():
        up = "../" * (len(page.relative_to(site).parts) - 1)
        style = f'<link rel="stylesheet" href="{up}{TARGET}">'
        names = [*text, *(MATHEMATICS if 'class="katex' in html else ())]
        paths = [f"{up}_static/assets/{name}.woff2" for name in names]
        ask = PRELOAD.format(fonts=json.dumps(paths))
        page.write_text(html.replace(style, ask + style, 1), encoding="utf-8")


def setup(app):
    """Write before `assets` makes one style sheet of several; ask when it has."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    app.add_css_file(SHEET)
    app.connect("build-finished", copy)
    app.connect("build-finished", hasten, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
