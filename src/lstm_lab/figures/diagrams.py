"""Diagrams of the cells, and of an encoder with its decoder."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, Patch

from lstm_lab.figures.style import symbol
from lstm_lab.teaching import NAMES
from lstm_lab.tokenizer import BOS, EOS

INK = "0.25"
Place = tuple[float, float]


def lstm_diagram(ax: Axes) -> Axes:
    """Draw an LSTM cell: the cell state on top, the gates below it."""
    top, bus = 4.2, 0.9
    _cell(ax, top, "c")
    _wire(ax, (-0.8, bus), (5.9, bus), arrow=False)
    _text(ax, -0.9, bus, "$h_{t-1}$", ha="right")
    _wire(ax, (0.6, -0.8), (0.6, bus), arrow=False)
    _text(ax, 0.6, -0.95, "$x_t$", va="top")
    for gate, x in (("f", 1.6), ("i", 3.0), ("g", 4.4), ("o", 5.9)):
        _wire(ax, (x, bus), (x, 1.5))
        _gate(ax, x, 1.8, gate)
        side, ha = (0.15, "left") if gate == "g" else (-0.15, "right")
        _text(ax, x + side, 2.4, f"${gate}_t$", ha=ha)
    _wire(ax, (1.6, 2.1), (1.6, top - 0.25))
    _wire(ax, (3.0, 2.1), (3.0, 3.0), (3.45, 3.0))
    _wire(ax, (4.4, 2.1), (4.4, 3.0), (3.95, 3.0))
    _wire(ax, (3.7, 3.25), (3.7, top - 0.25))
    _wire(ax, (7.2, top), (7.2, 3.4))
    _wire(ax, (7.2, 2.8), (7.2, 2.05))
    _wire(ax, (5.9, 2.1), (5.9, 2.4), (6.6, 2.4), (6.6, 1.8), (6.95, 1.8))
    _wire(ax, (7.2, 1.55), (7.2, bus), (9.4, bus))
    _text(ax, 9.5, bus, "$h_t$", ha="left")
    _operation(ax, "×", (1.6, top), (3.7, 3.0), (7.2, 1.8))
    _operation(ax, "+", (3.7, top))
    _box(ax, 7.2, 3.1, "tanh", "0.45")
    _joints(ax, (0.6, bus), (1.6, bus), (3.0, bus), (4.4, bus), (7.2, top))
    return ax


def gru_diagram(ax: Axes) -> Axes:
    """Draw a GRU: the state on top, the update and reset gates below it."""
    top, bus, inputs = 4.2, 0.9, 0.4
    _cell(ax, top, "h")
    _wire(ax, (0.3, top), (0.3, bus), (5.4, bus), arrow=False)
    _wire(ax, (0.9, -0.8), (0.9, bus), arrow=False)
    _text(ax, 0.9, -0.95, "$x_t$", va="top")
    _wire(ax, (0.9, inputs), (3.6, inputs), (3.6, 2.7))
    for gate, x in (("r", 2.0), ("z", 5.4)):
        _wire(ax, (x, bus), (x, 1.5))
        _gate(ax, x, 1.8, gate)
    _wire(ax, (0.3, 3.0), (1.75, 3.0))
    _wire(ax, (2.0, 2.1), (2.0, 2.75))
    _wire(ax, (2.25, 3.0), (3.2, 3.0))
    _gate(ax, 3.6, 3.0, "g")
    _wire(ax, (4.0, 3.0), (6.95, 3.0))
    _wire(ax, (5.4, 2.1), (5.4, top - 0.25))
    _wire(ax, (5.4, 2.35), (7.2, 2.35), (7.2, 2.75))
    _wire(ax, (7.2, 3.25), (7.2, top - 0.25))
    _operation(ax, "×", (2.0, 3.0), (5.4, top), (7.2, 3.0))
    _operation(ax, "+", (7.2, top))
    _joints(ax, (0.3, top), (0.3, 3.0), (0.9, bus), (0.9, inputs))
    _joints(ax, (2.0, bus), (5.4, 2.35))
    _text(ax, 1.85, 2.4, "$r_t$", ha="right")
    _text(ax, 4.5, 3.3, r"$\tilde h_t$")
    _text(ax, 5.55, 3.6, "$1 - z_t$", ha="left")
    _text(ax, 6.3, 2.1, "$z_t$")
    return ax


def encoder_decoder(ax: Axes) -> Axes:
    """Draw an encoder and a decoder of two layers over three steps each."""
    reads = ("$x_1$", "$x_2$", "$x_3$", NAMES[BOS], "$y_1$", "$y_2$")
    writes = ("", "", "", "$y_1$", "$y_2$", NAMES[EOS])
    columns = (0.0, 1.6, 3.2, 5.8, 7.4, 9.0)
    for n, x in enumerate(columns):
        for y, below in ((0.0, -0.9), (1.3, 0.35)):
            _box(ax, x, y, "LSTM", "C0" if n < 3 else "C1", width=0.96)
            _wire(ax, (x, below), (x, y - 0.35), lw=1)
            if n < 5:
                _wire(ax, (x + 0.53, y), (columns[n + 1] - 0.53, y), lw=1)
        _text(ax, x, -1.0, reads[n], va="top")
        if n > 2:
            _wire(ax, (x, 1.65), (x, 2.2), lw=1)
        _text(ax, x, 2.3, writes[n], va="bottom")
    _text(ax, 4.5, 0.65, r"$\zeta$")
    _text(ax, 1.6, 3.1, "encoder", va="bottom", color="C0")
    _text(ax, 7.4, 3.1, "decoder", va="bottom", color="C1")
    ax.set(xlim=(-0.6, 9.6), ylim=(-1.6, 3.6), aspect="equal")
    ax.axis("off")
    return ax


def _cell(ax: Axes, y: float, state: str) -> None:
    """Draw the body of a cell, with the line of a state through it."""
    body = FancyBboxPatch((0, 0), 8.6, 4.9, "round,pad=0.1")
    _patch(ax, body, facecolor="0.96", edgecolor="0.75", zorder=0)
    ax.set(xlim=(-1.8, 10.2), ylim=(-1.4, 5.1), aspect="equal")
    ax.axis("off")
    _wire(ax, (-0.8, y), (9.4, y), color=symbol("c")[1], lw=3)
    _text(ax, -0.9, y, f"${state}_{{t-1}}$", ha="right")
    _text(ax, 9.5, y, f"${state}_t$", ha="left")


def _wire(ax: Axes, *points: Place, arrow: bool = True, **look: Any) -> None:
    look = {"color": INK, "lw": 1.4, **look}
    ax.plot(*zip(*points, strict=True), "-", zorder=1, **look)
    if arrow:
        look |= {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", points[-1], points[-2], arrowprops=look, zorder=1)


def _gate(ax: Axes, x: float, y: float, gate: str) -> None:
    name = "tanh" if gate == "g" else r"$\sigma$"
    _box(ax, x, y, name, symbol(gate)[1])


def _box(ax: Axes, x: float, y: float, name: str, color: str, width: float = 0.84) -> None:
    corner = (x - width / 2, y - 0.28)
    box = FancyBboxPatch(corner, width, 0.56, "round,pad=0.02")
    _patch(ax, box, edgecolor=color, linewidth=2, zorder=2)
    _text(ax, x, y, name)


def _operation(ax: Axes, sign: str, *places: Place) -> None:
    for place in places:
        _patch(ax, Circle(place, 0.25), linewidth=1.4, zorder=3)
        _text(ax, *place, sign)


def _patch(ax: Axes, patch: Patch, **look: Any) -> None:
    patch.set(**{"facecolor": "white", "edgecolor": INK} | look)
    ax.add_patch(patch)


def _joints(ax: Axes, *places: Place) -> None:
    ax.plot(*zip(*places, strict=True), "o", color=INK, ms=4, zorder=3)


def _text(ax: Axes, x: float, y: float, text: str, **look: Any) -> None:
    usual: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 4}
    ax.text(x, y, text, **usual | look)
