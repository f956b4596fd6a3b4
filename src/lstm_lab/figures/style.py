"""Names, looks and parts of figures. Colors are entries of the style sheet's cycle."""

from collections.abc import Iterable
from itertools import cycle
from typing import Any

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable

from lstm_lab.numerics import Array

CELLS = {
    "lstm": "LSTM",
    "rnn": "vanilla RNN",
    "gru": "GRU",
    "coupled": "coupled gates",
}
"""Cells as figures name them, in the order of the cycle: each has an entry of its own."""
SYMBOLS = {
    "i": ("Input gate", "C0"),
    "f": ("Forget gate", "C1"),
    "o": ("Output gate", "C2"),
    "g": ("Candidate", "C4"),
    "r": ("Reset gate", "C0"),
    "z": ("Update gate", "C1"),
    "c": ("Cell state", "C3"),
    "h": ("Hidden state", "C5"),
}
"""The name and the color of gates and states."""
NIGHT = {
    "#2a52a8": "#3f7afe",
    "#ba5108": "#e16129",
    "#03a489": "#53d7a4",
    "#6b1046": "#c791c3",
    "#c48607": "#f8df53",
    "#1379a9": "#cdf3fb",
}
"""The colors of the cycle on a dark page; `svg.night` inverts grays."""
# Color maps do not change at night, and neither does text on them: almost black, almost white.
MAP_INK = "#000010"
MAP_PAPER = "#fffff0"
LAG = "lag $k$ (steps)"
DOTS = {"marker": "o", "markersize": 3}


def looks(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return a label, a color and a line style for each name, for ``ax.plot``.

    The cells in `CELLS` look the same in every figure. Other names, of new cells or of ways to
    start, get the entries of the cycle that are left, in turn.

    Parameters
    ----------
    names : iterable of str
        Cells, as `sequence.name_of` has them, or labels.

    Returns
    -------
    list of dict of str to Any
        One for each name; equal names have equal looks.
    """
    names = list(names)
    entries = list(rcParams["axes.prop_cycle"])
    fixed = {name: n for n, name in enumerate(CELLS) if name in names}
    left = [n for n in range(len(entries)) if n not in fixed.values()] or [0]
    others = [name for name in dict.fromkeys(names) if name not in CELLS]
    places = fixed | dict(zip(others, cycle(left), strict=False))
    return [
        {"label": CELLS.get(name, name), **entries[places[name] % len(entries)]}
        for name in names
    ]


def symbol(name: str, n: int = 0) -> tuple[str, str]:
    """Return the title and the color of a gate or state, or of the n-th of an unknown letter."""
    other = f"C{n % len(rcParams['axes.prop_cycle'])}"
    return SYMBOLS.get(name, (f"Gate {name}", other))


def band(ax: Axes, x: Any, runs: Array, middle: Array, **look: Any) -> None:
    """Draw a line in a band from the lowest to the highest of the runs (N, points)."""
    lowest, highest = runs.min(axis=0), runs.max(axis=0)
    ax.fill_between(x, lowest, highest, color=look["color"], alpha=0.2, lw=0)
    ax.plot(x, middle, **look)


def color_map(
    ax: Axes, values: Array, label: str, *, bar: bool, **options: Any
) -> None:
    """Draw a matrix as colors, with or without a bar that explains them."""
    usual = {"cmap": "cividis", "aspect": "auto", "interpolation": "none"}
    explain(ax, ax.imshow(values, **usual | options), label, bar=bar)


def explain(ax: Axes, image: ScalarMappable, label: str, *, bar: bool) -> None:
    """Finish a color map: no grid, and a bar if it is wanted."""
    ax.grid(visible=False)
    if bar:
        ax.figure.colorbar(image, ax=ax, label=label)


def shared_legend(
    ax: Axes, *, columns: int, place: str = "lower center"
) -> None:
    """Put the legend of one panel outside of all panels of its figure, each label once."""
    handles, labels = ax.get_legend_handles_labels()
    last = dict(zip(labels, handles, strict=True))
    look: dict[str, Any] = {"loc": f"outside {place}", "ncols": columns}
    ax.figure.legend([*last.values()], [*last], **look)
