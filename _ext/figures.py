"""Show each drawn figure in the colours of day and of night, whichever the page has.

Beside the SVG file that a cell made goes another one in the colours of night; the theme shows one
of the two, and that of the day where no script runs. Their sizes are stated, so that nothing moves
when they arrive, and all but the first of a page wait until they are about to be seen.
"""

import re
from pathlib import Path

from docutils import nodes

from lstm_lab.figures import by_night

VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
PIXELS = 96 / 72  # of a page, for each point of a figure


def visit_image(translator, node):
    """Write two images for an SVG file, and for any other what Sphinx writes."""
    if not node["uri"].endswith(".svg"):
        type(translator).visit_image(translator, node)
        return
    builder = translator.builder
    svg = Path(builder.srcdir, node["uri"]).read_text(encoding="utf-8")
    day = Path(builder.images[node["uri"]])
    night = day.with_stem(f"{day.stem}-night")
    folder = Path(builder.outdir, builder.imagedir)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / night).write_text(by_night(svg), encoding="utf-8")
    width, height = (round(PIXELS * float(side)) for side in VIEW_BOX.search(svg).groups())
    # In a span of their own, as the theme hides the caption that follows a hidden image.
    translator.body.append('<span class="day-and-night">\n')
    first = next(translator.document.findall(nodes.image)) is node
    for theme, file in (("light", day), ("dark", night)):
        eager = first and theme == "light"
        attributes = {
            "src": f"{builder.imgpath}/{file}",
            "alt": node.get("alt", ""),
            "class": f"only-{theme} dark-light",
            "width": width,
            "height": height,
            "loading": "eager" if eager else "lazy",
            "decoding": "async",
        }
        translator.body.append(translator.emptytag(nodes.Element(), "img", "\n", **attributes))
    translator.body.append("</span>\n")


def depart_image(translator, node):
    """End what Sphinx began."""
    type(translator).depart_image(translator, node)


def setup(app):
    """Replace the writer of images."""
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
