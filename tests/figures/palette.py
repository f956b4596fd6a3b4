"""What colors must achieve: every eye tells them apart, by day and by night."""

import io
import re

from coloraide.everything import ColorAll as Color
from matplotlib.colors import to_hex
from matplotlib.image import AxesImage
from matplotlib.text import Text

from lstm_lab.figures import style
from lstm_lab.figures.svg import night

PAGES = {"day": "#ffffff", "night": "#121212"}  # of sphinx-book-theme
# Machado, Oliveira and Fernandes (2009), of full severity.
SIGHTS = (None, "protan", "deutan", "tritan")
LINE, TEXT = 3.0, 4.5  # contrasts that WCAG 2.2 asks for
UNIFORM = {"viridis", "cividis"}


def shown(color, time):
    """Return a color as `#rrggbb` by day or by night."""
    day = to_hex(color)
    return day if time == "day" else night(day)


def difference(one, other):
    """Return how far two colors are from each other in the eye that sees least of it."""

    def seen(color, sight):
        color = Color(color)
        return color.filter(sight, method="machado") if sight else color

    return min(seen(one, sight).delta_e(seen(other, sight), method="cam02") for sight in SIGHTS)


def contrast(one, other):
    return Color(one).contrast(other, method="wcag21")


def judge(figure):
    """Fail if a figure has other colors, text without contrast, or lines that look the same."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True)
    used = set(re.findall(r"#[0-9a-f]{6}\b", buffer.getvalue()))
    on_a_map = {style.MAP_INK, style.MAP_PAPER}
    others = used - {*style.NIGHT} - on_a_map
    assert all(len({c[1:3], c[3:5], c[5:]}) == 1 for c in others), others
    for image in figure.findobj(AxesImage):
        assert image.cmap.name in UNIFORM
    for text in figure.findobj(Text):
        color = to_hex(text.get_color())
        for time, page in PAGES.items():
            readable = contrast(shown(color, time), page) >= TEXT
            assert readable or color in on_a_map or not text.get_text(), text
    for ax in figure.axes:
        named = [line for line in ax.lines if line.get_label()[0] != "_"]
        looks = {(line.get_linestyle(), line.get_marker(), line.get_linewidth()) for line in named}
        assert len(looks) == len(named)
