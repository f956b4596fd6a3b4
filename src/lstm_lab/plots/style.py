"""Names and looks, as entries of the style sheet's cycle: a palette has one place."""

from typing import Any

from matplotlib import rcParams

NAMES = {
    "rnn": "vanilla RNN",
    "lstm": "LSTM",
    "gru": "GRU",
    "coupled": "coupled gates",
}
ARCHITECTURE_STYLES: dict[str, dict[str, Any]] = {
    "rnn": {"color": "C1", "linestyle": "--"},
    "lstm": {"color": "C0", "linestyle": "-"},
    "gru": {"color": "C2", "linestyle": "-."},
    "coupled": {"color": "C3", "linestyle": ":"},
}
GATE_COLORS = {
    "i": "C0",
    "f": "C1",
    "o": "C2",
    "c": "C3",
    "g": "C4",
    "z": "C1",
    "r": "C0",
}
GATE_NAMES = {
    "i": "Input gate",
    "f": "Forget gate",
    "o": "Output gate",
    "c": "Cell state",
    "g": "Candidate",
    "z": "Update gate",
    "r": "Reset gate",
}
MARKERS = "os^Dv"  # for curves whose line styles say something else
# What the colours of the cycle become on a dark page; greys are turned by `svg.night`.
NIGHT = {
    "#2a52a8": "#3f7afe",
    "#ba5108": "#e16129",
    "#03a489": "#53d7a4",
    "#6b1046": "#c791c3",
    "#c48607": "#f8df53",
    "#1379a9": "#cdf3fb",
}
# What is written on a colour map stays as it is, as the map does: black and white, but no greys.
MAP_INK = "#000010"
MAP_PAPER = "#fffff0"


def architecture_look(name: str, n: int = 0) -> dict[str, Any]:
    """Return the look and the label of an architecture, of the n-th further one by `series`."""
    known = len(ARCHITECTURE_STYLES)
    look = ARCHITECTURE_STYLES.get(name) or series(known + n)
    return {"label": NAMES.get(name, name)} | look


def gate_look(name: str, n: int = 0) -> tuple[str, str]:
    """Return the color and the title of a gate, of the n-th of a further name by its letter."""
    color = GATE_COLORS.get(name, f"C{n % len(rcParams['axes.prop_cycle'])}")
    return color, GATE_NAMES.get(name, f"Gate {name}")


def series(n: int) -> dict[str, Any]:
    """Return the look of the n-th of some curves: an entry of the style sheet's cycle.

    Parameters
    ----------
    n : int
        From 0; behind the last entry the cycle begins again.

    Returns
    -------
    dict of str to Any
        Colour and line style, for ``ax.plot``.
    """
    looks = list(rcParams["axes.prop_cycle"])
    return dict(looks[n % len(looks)])
