"""Serve the book's typefaces from the site itself, with the weights and characters that it uses.

They come from npm packages, which the set-up installs; `_static/book.css` says what is set in them.
A browser asks for them before all else, and sets a page in them if they are there when it is first
drawn. If not, the page stays in what most readers have, stretched to the same width and height, so
that no line moves under the reader's eyes: how much is measured on the text of the pages.

Characters that these faces lack, and that not every system has, come in one more font, cut from
several. What no font has is shown as a box, never as nothing.
"""

import json
import logging
import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from assets import TARGET
from fontTools import merge, subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer
from lxml import html as markup
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
REST = "Lab Rest"
# Where the other characters are looked for: the first font that has one gives it.
SPARE = {
    "@fontsource-variable/noto-sans-jp": "files/*.woff2",
    "@fontsource-variable/noto-sans-kr": "files/*.woff2",
    "katex": "dist/fonts/KaTeX_Main-Regular.woff2",
}
# Latin, Greek and Cyrillic letters, and marks and spaces between them: every system has these.
EVERYWHERE = {*range(0x530), *range(0x2000, 0x2070)}
UNSEEN = "//script | //style | //head | //*[@class='katex']"
TAG = re.compile(r"<(script|style|svg|head)\b.*?</\1>|<[^>]*>", re.DOTALL)


def copy(app, exception):
    """Write the fonts, each a third as large as it came, and the style sheet that names them."""
    if exception or app.builder.format != "html":
        return
    packages = Path(app.confdir, "node_modules")
    target = Path(app.outdir, "_static", "fonts")
    target.mkdir(parents=True, exist_ok=True)
    pages = [page.read_text(encoding="utf-8") for page in Path(app.outdir).rglob("*.html")]
    used = {ord(c) for page in pages for c in page}
    letters = Counter("".join(TAG.sub(" ", page) for page in pages))
    rules, known = [], []
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
        known.append(set(font.getBestCmap()))
    others = shown(pages) - EVERYWHERE - set.intersection(*known)
    rules += rest(others, packages, target)
    sheet = target.with_name(SHEET)
    sheet.write_text("\n".join(rules) + "\n", encoding="utf-8")


def load(file):
    """Open a font."""
    if not file.is_file():
        raise ExtensionError(f"A font is not at {file}: run npm ci")
    return TTFont(file, recalcTimestamp=False)


def cut(font, used, weights=None):
    """Return a font without the characters, features and weights that no page uses."""
    options = subset.Options(layout_features=FEATURES, name_IDs=NAMES, notdef_outline=True)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=used.intersection(font.getBestCmap()))
    subsetter.subset(font)
    if weights:
        limits = {"wght": (weights[0], weights[-1])}
        font = instancer.instantiateVariableFont(font, limits)
    font.flavor = "woff2"
    return font


def shown(pages):
    """Return the characters of the pages' text. Mathematics has fonts of its own."""
    found = set()
    for page in pages:
        tree = markup.fromstring(page)
        for part in tree.xpath(UNSEEN):
            part.drop_tree()
        found |= {ord(c) for c in tree.text_content()}
    return found


def rest(wanted, packages, target):
    """Write a font of the characters that are left, and yield the rule that names it."""
    parts = []
    for name, pattern in SPARE.items():
        for file in sorted((packages / name).glob(pattern)):
            font = load(file)
            found = wanted.intersection(font.getBestCmap())
            if found:
                wanted = wanted - found
                parts.append(plain(font, found))
                shutil.copy(packages / name / "LICENSE", target / f"{Path(name).name}.LICENSE")
    if not parts:
        return
    font = joined(parts)
    font.save(target / "rest.woff2")
    points = ", ".join(f"U+{point:X}" for point in sorted(font.getBestCmap()))
    yield (
        f'@font-face {{ font-family: "{REST}"; font-display: swap;'
        f" src: url(fonts/rest.woff2); unicode-range: {points}; }}"
    )


def plain(font, points):
    """Return a font of certain characters alone, in one weight."""
    options = subset.Options(layout_features=[], notdef_outline=True)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=points)
    subsetter.subset(font)
    if "fvar" in font:
        font = instancer.instantiateVariableFont(font, {"wght": 400})
    font.flavor = None
    return font


def joined(fonts):
    """Return one font of several, as old as the first."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{n}.ttf") for n in range(len(fonts))]
        for file, font in zip(files, fonts, strict=True):
            font.save(file)
        options = merge.Options(
            drop_tables=["BASE", "GDEF", "GPOS", "GSUB", "STAT", "gasp", "vhea", "vmtx"]
        )
        font = merge.Merger(options).merge([str(file) for file in files])
    font.recalcTimestamp = False
    for name in ("created", "modified"):
        setattr(font["head"], name, getattr(fonts[0]["head"], name))
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
        local = ", ".join(f'local("{name}{style}")' for name in SAME_WIDTH[face.stand_in])
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
