"""Figures as SVG, in the colors of day and of night."""

import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from html import escape

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from lstm_lab.figures.style import NIGHT

# Inches of a panel: side by side on a desk, one above the other on a phone.
SIZE = (3.3, 2.6)
_INK, _PAPER = 0xE0, 0x12  # black and white at night: text and page
_COLOR = re.compile(r"\b(fill|stroke): (#[0-9a-f]{6})")
_ID = re.compile(r'(\bid="|href="#|url\(#)')
_FRAME = re.compile(r'\bid="[^"]*frame-(\d+)-\d+"')
# A position with more digits than a screen can show. Scales and opacities are kept.
_FINE = re.compile(r"(scale\([^)]*|opacity: [^;\"]*)|\d+\.\d{3,}")


def night(color: str) -> str:
    """Return a color on a dark page: grays are inverted, those of color maps stay."""
    red, green, blue = (int(color[n : n + 2], 16) for n in (1, 3, 5))
    if red == green == blue:
        gray = round(_INK + (_PAPER - _INK) * red / 255)
        return f"#{gray:02x}{gray:02x}{gray:02x}"
    return NIGHT.get(color, color)


def by_night(svg: str) -> str:
    """Return an SVG file of Matplotlib in the colors of a dark page."""
    dark = _COLOR.sub(lambda found: f"{found[1]}: {night(found[2])}", svg)
    # Text and the like have no color of their own.
    return dark.replace("<svg ", f'<svg style="fill: {night("#000000")}" ', 1)


def inline(figure: Figure | SubFigure, *, label: str) -> str:
    """Return a figure as an SVG element for a page, which follows its color scheme.

    Its ids are its own, so that a page may have several figures. Positions are rounded to a
    hundredth of a point.

    Parameters
    ----------
    figure : Figure
        A whole figure.
    label : str
        The description for screen readers.
    """
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    whole = figure.get_figure(root=True)
    whole.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    svg = re.sub(r"\s*\n\s*", " ", buffer.getvalue())
    svg = _FINE.sub(lambda found: found[1] or f"{float(found[0]):.2f}", svg)
    svg = svg[svg.index("<svg ") :]
    prefix = hashlib.sha256(svg.encode()).hexdigest()[:8]
    svg = _FRAME.sub(r'data-frame="\1"', _ID.sub(rf"\g<1>{prefix}-", svg))
    svg = _COLOR.sub(lambda found: _scheme(found[1], found[2]), svg)
    head = (
        f'<svg role="img" aria-label="{escape(label)}"'
        f' style="max-width:100%;height:auto;{_scheme("fill", "#000000")}" '
    )
    return svg.replace("<svg ", head, 1)


def _scheme(name: str, color: str) -> str:
    # The first is for browsers that do not understand the second.
    return f"{name}: {color}; {name}: light-dark({color}, {night(color)})"


def panel() -> Axes:
    """Return the axes of a small figure, for `picture`, on which all frames are drawn."""
    return Figure(figsize=SIZE).subplots()


def picture(panels: Mapping[str, Axes]) -> str:
    """Return some panels as SVG elements, by their descriptions for screen readers."""
    return "".join(inline(ax.figure, label=n) for n, ax in panels.items())


@contextmanager
def frame(n: int, *panels: Axes) -> Iterator[None]:
    """Let what is drawn within belong to frame n of a `MovingFigure`."""
    before = {*_drawn(panels)}
    yield
    for m, artist in enumerate(a for a in _drawn(panels) if a not in before):
        artist.set_gid(f"frame-{n}-{m}")


def _drawn(panels: Iterable[Axes]) -> list[Artist]:
    return [a for ax in panels for a in (*ax.lines, *ax.collections)]
