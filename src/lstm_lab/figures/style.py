"""Names, looks and parts of figures. Colors are entries of the style sheet's cycle."""

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any

from matplotlib import rcParams
from matplotlib.axes import Axes

from lstm_lab.numerics import Array

CELLS = {"lstm": "LSTM", "rnn": "vanilla RNN", "gru": "GRU", "coupled": "coupled gates"}
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
    start, get the entries of the cycle that are left, in turn; equal names have equal looks.

    Parameters
    ----------
    names : iterable of str
        Cells, as `sequence.name_of` has them, or labels.
    """
    names = list(names)
    entries = list(rcParams["axes.prop_cycle"])
    cells = zip(CELLS, entries, strict=False)
    found = {name: entry for name, entry in cells if name in names}
    left = cycle([e for e in entries if e not in found.values()] or entries)
    others = [name for name in dict.fromkeys(names) if name not in found]
    found |= dict(zip(others, left, strict=False))
    return [{"label": CELLS.get(name, name), **found[name]} for name in names]


def symbol(name: str, n: int = 0) -> tuple[str, str]:
    """Return the title and the color of a gate or state, or of the n-th of an unknown letter."""
    other = f"C{n % len(rcParams['axes.prop_cycle'])}"
    return SYMBOLS.get(name, (f"Gate {name}", other))


def bands(ax: Axes, curves: Sequence[tuple[str, Any, Array, Array]], **look: Any) -> None:
    """Draw curves: for each its name, x, runs (N, points), and a line in their midst.

    A band goes from the lowest to the highest of the runs.
    """
    names = [name for name, *_ in curves]
    for (_, x, runs, line), entry in zip(curves, looks(names), strict=True):
        band = {"color": entry["color"], "alpha": 0.2, "lw": 0}
        ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), **band)
        ax.plot(x, line, **entry, **look)
    ax.legend()


def color_map(ax: Axes, values: Array, label: str, *, bar: bool = True, **look: Any) -> None:
    """Draw a matrix as colors, with or without a bar that explains them."""
    look = {"cmap": "cividis", "aspect": "auto", "interpolation": "none"} | look
    image = ax.imshow(values, **look)
    ax.grid(visible=False)
    if bar:
        ax.figure.colorbar(image, ax=ax, label=label)


def shared_legend(ax: Axes, *, columns: int, place: str = "lower center") -> None:
    """Put the legend of one panel outside of all panels of its figure, each label once."""
    handles, labels = ax.get_legend_handles_labels()
    last = dict(zip(labels, handles, strict=True))
    look: dict[str, Any] = {"loc": f"outside {place}", "ncols": columns}
    ax.figure.legend([*last.values()], [*last], **look)
