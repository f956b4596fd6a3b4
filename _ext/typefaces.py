"""Serve the book's typefaces from the site itself, with the weights and characters that it uses.

They come from npm packages, which the set-up installs; `_static/book.css` says what is set in them.
"""

import shutil
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer
from sphinx.errors import ExtensionError

FILES = {
    "source-serif-4": ("normal", "italic"),  # the text
    "source-sans-3": ("normal",),  # headings, and what is not text
}
WEIGHTS = (400, 700)
FEATURES = ["kern", "liga", "mark", "mkmk", "ccmp", "locl", "tnum"]
# Copyright and licence, which reserves the fonts' own names.
NAMES = (0, 13, 14)


def copy(app, exception):
    """Write the fonts below _static/fonts, each a third as large as it came."""
    if exception or app.builder.format != "html":
        return
    packages = Path(app.confdir, "node_modules", "@fontsource-variable")
    if not packages.is_dir():
        raise ExtensionError(f"The fonts are not in {packages}: run npm ci")
    target = Path(app.outdir, "_static", "fonts")
    target.mkdir(parents=True, exist_ok=True)
    pages = Path(app.outdir).rglob("*.html")
    used = {ord(c) for page in pages for c in page.read_text(encoding="utf-8")}
    for name, styles in FILES.items():
        for style in styles:
            file = (
                packages / name / "files" / f"{name}-latin-wght-{style}.woff2"
            )
            font = cut(TTFont(file), used)
            font.save(target / f"{name}.{style}.woff2")
        shutil.copy(packages / name / "LICENSE", target / f"{name}.LICENSE")


def cut(font, used):
    """Return a font without the characters, features and weights that no page uses."""
    options = subset.Options(layout_features=FEATURES, name_IDs=NAMES)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=used.intersection(font.getBestCmap()))
    subsetter.subset(font)
    lighter = instancer.instantiateVariableFont(font, {"wght": WEIGHTS})
    lighter.flavor = "woff2"
    return lighter


def setup(app):
    """Copy before `assets` makes one style sheet of several."""
    app.connect("build-finished", copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
