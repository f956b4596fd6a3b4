"""Figures as SVG, in the colours of day and of night."""

import hashlib
import io
import re
from html import escape

from matplotlib.figure import Figure

from lstm_lab.plots.style import NIGHT

_INK, _PAPER = 0xE0, 0x12  # what black and white become: text and page at night
_COLOR = re.compile(r"\b(fill|stroke): (#[0-9a-f]{6})")
_ID = re.compile(r'(\bid="|href="#|url\(#)')
# A place of more digits than a screen can show. Scales and opacities are not places.
_FINE = re.compile(r"(scale\([^)]*|opacity: [^;\"]*)|\d+\.\d{3,}")


def night(color: str) -> str:
    """Return what a colour of a figure becomes on a dark page.

    Parameters
    ----------
    color : str
        ``#rrggbb``, in lower case.

    Returns
    -------
    str
        Its partner in `style.NIGHT`; for a grey, the grey as far from the other end; any other
        colour, such as one of a colour map, unchanged.
    """
    red, green, blue = (int(color[n : n + 2], 16) for n in (1, 3, 5))
    if red == green == blue:
        grey = round(_INK + (_PAPER - _INK) * red / 255)
        return f"#{grey:02x}{grey:02x}{grey:02x}"
    return NIGHT.get(color, color)


def by_night(svg: str) -> str:
    """Return an SVG file with the colours that it takes on a dark page.

    Parameters
    ----------
    svg : str
        What Matplotlib wrote.

    Returns
    -------
    str
        The same figure. What has no colour of its own, such as text, takes that of ink.
    """
    dark = _COLOR.sub(lambda found: f"{found[1]}: {night(found[2])}", svg)
    return dark.replace("<svg ", f'<svg style="fill: {night("#000000")}" ', 1)


def inline(figure: Figure, *, label: str) -> str:
    """Return a figure as an SVG element for a page, which follows its colour scheme.

    Parameters
    ----------
    figure : Figure
        What to draw.
    label : str
        What a reader who does not see it is told.

    Returns
    -------
    str
        HTML. Its names are its own, so that several figures may stand in one page. Places are
        rounded to a hundredth of a point; scales and opacities are kept.
    """
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    svg = re.sub(r"\s*\n\s*", " ", buffer.getvalue())
    svg = svg[svg.index("<svg ") :]
    svg = _FINE.sub(lambda found: found[1] or f"{float(found[0]):.2f}", svg)
    prefix = hashlib.sha256(svg.encode()).hexdigest()[:8]
    svg = _COLOR.sub(_both, _ID.sub(rf"\g<1>{prefix}-", svg))
    head = (
        f'<svg role="img" aria-label="{escape(label)}"'
        f' style="max-width:100%;height:auto;{_both_of("fill", "#000000")}" '
    )
    return svg.replace("<svg ", head, 1)


def _both(found: re.Match[str]) -> str:
    return _both_of(found[1], found[2])


def _both_of(name: str, color: str) -> str:
    # The first is for browsers that do not know the second.
    return f"{name}: {color}; {name}: light-dark({color}, {night(color)})"
