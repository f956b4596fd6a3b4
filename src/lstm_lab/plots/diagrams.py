"""Diagrams of the cells."""

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch

from lstm_lab.plots.style import GATE_COLORS


def lstm_diagram(ax: Axes) -> Axes:
    """Draw an LSTM cell: the cell state on top, the gates below it.

    Parameters
    ----------
    ax : Axes
        Where to draw; its frame is turned off.

    Returns
    -------
    Axes
        The same axes.
    """
    top, bus = 4.2, 0.9
    _state_line(ax, top, "$c_{t-1}$", "$c_t$")
    _wire(ax, (-0.8, bus), (5.9, bus), arrow=False)
    _text(ax, -0.9, bus, "$h_{t-1}$", ha="right")
    _wire(ax, (0.6, -0.8), (0.6, bus), arrow=False)
    _text(ax, 0.6, -0.95, "$x_t$", va="top")
    for gate, x in (("f", 1.6), ("i", 3.0), ("g", 4.4), ("o", 5.9)):
        _wire(ax, (x, bus), (x, 1.5))
        _box(ax, x, 1.8, gate)
    _wire(ax, (1.6, 2.1), (1.6, top - 0.25))
    _wire(ax, (3.0, 2.1), (3.0, 3.0), (3.45, 3.0))
    _wire(ax, (4.4, 2.1), (4.4, 3.0), (3.95, 3.0))
    _wire(ax, (3.7, 3.25), (3.7, top - 0.25))
    _wire(ax, (7.2, top), (7.2, 3.4))
    _wire(ax, (7.2, 2.8), (7.2, 2.05))
    _wire(ax, (5.9, 2.1), (5.9, 2.4), (6.6, 2.4), (6.6, 1.8), (6.95, 1.8))
    _wire(ax, (7.2, 1.55), (7.2, bus), (9.4, bus))
    _text(ax, 9.5, bus, "$h_t$", ha="left")
    for x, y, symbol in (
        (1.6, top, "×"),
        (3.7, top, "+"),
        (3.7, 3.0, "×"),
        (7.2, 1.8, "×"),
    ):
        _node(ax, x, y, symbol)
    _box(ax, 7.2, 3.1, "tanh")
    _joints(ax, (0.6, bus), (1.6, bus), (3.0, bus), (4.4, bus), (7.2, top))
    for name, x, ha in (
        ("$f_t$", 1.45, "right"),
        ("$i_t$", 2.85, "right"),
        ("$g_t$", 4.55, "left"),
        ("$o_t$", 5.75, "right"),
    ):
        _text(ax, x, 2.4, name, ha=ha)
    return ax


def gru_diagram(ax: Axes) -> Axes:
    """Draw a GRU: the state on top, the update and reset gates below it.

    Parameters
    ----------
    ax : Axes
        Where to draw; its frame is turned off.

    Returns
    -------
    Axes
        The same axes.
    """
    top, bus, inputs = 4.2, 0.9, 0.4
    _state_line(ax, top, "$h_{t-1}$", "$h_t$")
    _wire(ax, (0.3, top), (0.3, bus), (5.4, bus), arrow=False)
    _wire(ax, (0.9, -0.8), (0.9, bus), arrow=False)
    _text(ax, 0.9, -0.95, "$x_t$", va="top")
    _wire(ax, (0.9, inputs), (3.6, inputs), (3.6, 2.7))
    for gate, x in (("r", 2.0), ("z", 5.4)):
        _wire(ax, (x, bus), (x, 1.5))
        _box(ax, x, 1.8, gate)
    _wire(ax, (0.3, 3.0), (1.75, 3.0))
    _wire(ax, (2.0, 2.1), (2.0, 2.75))
    _wire(ax, (2.25, 3.0), (3.2, 3.0))
    _box(ax, 3.6, 3.0, "g")
    _wire(ax, (4.0, 3.0), (6.95, 3.0))
    _wire(ax, (5.4, 2.1), (5.4, top - 0.25))
    _wire(ax, (5.4, 2.35), (7.2, 2.35), (7.2, 2.75))
    _wire(ax, (7.2, 3.25), (7.2, top - 0.25))
    for x, y, symbol in (
        (2.0, 3.0, "×"),
        (5.4, top, "×"),
        (7.2, 3.0, "×"),
        (7.2, top, "+"),
    ):
        _node(ax, x, y, symbol)
    _joints(
        ax,
        *((0.3, top), (0.3, 3.0), (0.9, bus), (0.9, inputs), (2.0, bus)),
        (5.4, 2.35),
    )
    _text(ax, 1.85, 2.4, "$r_t$", ha="right")
    _text(ax, 4.5, 3.3, r"$\tilde h_t$")
    _text(ax, 5.55, 3.6, "$1 - z_t$", ha="left")
    _text(ax, 6.3, 2.1, "$z_t$")
    return ax


def _state_line(ax: Axes, y: float, before: str, after: str) -> None:
    body = FancyBboxPatch((0, 0), 8.6, 4.9, boxstyle="round,pad=0.1")
    body.set(facecolor="0.96", edgecolor="0.75", zorder=0)
    ax.add_patch(body)
    ax.set(xlim=(-1.8, 10.2), ylim=(-1.4, 5.1), aspect="equal")
    ax.axis("off")
    _wire(ax, (-0.8, y), (9.4, y), color=GATE_COLORS["c"], lw=3)
    _text(ax, -0.9, y, before, ha="right")
    _text(ax, 9.5, y, after, ha="left")


def _wire(
    ax: Axes,
    *points: tuple[float, float],
    color: str = "0.25",
    lw: float = 1.4,
    arrow: bool = True,
) -> None:
    xs, ys = zip(*points, strict=True)
    ax.plot(xs, ys, color=color, lw=lw, ls="-", zorder=1)
    if arrow:
        head = {"arrowstyle": "-|>", "color": color, "lw": lw}
        head |= {"shrinkA": 0, "shrinkB": 0}
        ax.annotate("", points[-1], points[-2], arrowprops=head, zorder=1)


def _box(ax: Axes, x: float, y: float, gate: str) -> None:
    symbol = "tanh" if gate in ("g", "tanh") else r"$\sigma$"
    box = FancyBboxPatch((x - 0.42, y - 0.28), 0.84, 0.56, zorder=2)
    box.set_boxstyle("round", pad=0.02)
    box.set(facecolor="white", linewidth=2)
    box.set_edgecolor(GATE_COLORS.get(gate, "0.45"))
    ax.add_patch(box)
    _text(ax, x, y, symbol)


def _node(ax: Axes, x: float, y: float, symbol: str) -> None:
    node = Circle((x, y), 0.25, facecolor="white", edgecolor="0.25", lw=1.4)
    node.set_zorder(3)
    ax.add_patch(node)
    _text(ax, x, y, symbol)


def _joints(ax: Axes, *points: tuple[float, float]) -> None:
    ax.plot(*zip(*points, strict=True), "o", color="0.25", ms=4, zorder=3)


def _text(
    ax: Axes,
    x: float,
    y: float,
    text: str,
    ha: str = "center",
    va: str = "center",
) -> None:
    ax.text(x, y, text, ha=ha, va=va, zorder=4)
