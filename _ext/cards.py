"""Draw the card that other sites show for a page: its title, what it says of itself, a cell."""

import textwrap
from pathlib import Path

import matplotlib.style
from docutils import nodes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lstm_lab import figures

SIZE = (12.0, 6.3)  # inches at 100 dots: what the sites ask for


def draw(book, title, description, target):
    """Write the card into a file."""
    with matplotlib.style.context("lstm_lab.book"):
        card = Figure(figsize=SIZE, dpi=100, facecolor="white", layout="none")
        cell = card.add_axes((0.56, 0.14, 0.42, 0.62))
        figures.lstm_diagram(cell)
        cell.set_facecolor("none")
        band = {"color": "C0", "transform": card.transFigure}
        card.add_artist(Rectangle((0, 0), 1, 0.022, **band))
        for y, text, width, size, look in (
            (0.88, book, 60, 18, {"color": "0.35"}),
            (0.80, title, 24, 38, {"weight": "bold", "linespacing": 1.2}),
            (0.36, description, 50, 15, {"color": "0.25", "linespacing": 1.5}),
        ):
            lines = textwrap.wrap(text, width, max_lines=5, placeholder=" …")
            card.text(0.05, y, "\n".join(lines), va="top", size=size, **look)
        card.savefig(target, metadata={"Software": None})


def describe(app, page, _template, context, doctree):
    """Put a page's own description and its card where opengraph looks for them."""
    for meta in doctree.findall(nodes.meta) if doctree else ():
        if meta.get("name") == "description":
            title = app.env.titles[page].astext()
            file = Path("_images", "cards", f"{Path(page).name}.png")
            target = Path(app.outdir) / file
            target.parent.mkdir(parents=True, exist_ok=True)
            draw(app.config.project, title, meta["content"], target)
            context["meta"] |= {
                "og:description": meta["content"],
                "og:image": file.as_posix(),
                "og:image:alt": f"A cell of an LSTM beside the title: {title}",
            }


def setup(app):
    """Draw before opengraph writes its tags."""
    app.connect("html-page-context", describe, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
