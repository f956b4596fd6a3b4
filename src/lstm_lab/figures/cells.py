"""The inside of a cell: its gates over time and in distribution, and a cell step by step."""

from collections.abc import Sequence
from html import escape
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lstm_lab import checks
from lstm_lab.figures import style, svg
from lstm_lab.figures.markup import bar, table
from lstm_lab.figures.moving import Control, Frame, MovingFigure
from lstm_lab.gradflow import CellSteps, GateActivations, GateHistogram
from lstm_lab.numerics import Array


def gate_activations(
    axes: NDArray[Any],
    record: GateActivations,
    *,
    gates: Sequence[str] | None = None,
    states: Sequence[str] | None = None,
) -> NDArray[Any]:
    """Draw the mean of each gate and the norm of each state over time.

    Parameters
    ----------
    axes : two-dimensional ndarray of Axes
        One for each gate and state.
    record : GateActivations
    gates, states : sequence of str, optional
        Names of those that are drawn; by default all are.
    """
    means, norms = record.gates, record.norms
    panels: list[Any] = []
    for name in means if gates is None else gates:
        # A candidate has the letter of the state that it may become.
        candidate = name in norms
        letter = rf"\tilde {name}" if candidate else name
        title, color = style.symbol("g" if candidate else name, len(panels))
        panels.append((title, color, f"mean of ${letter}_t$", means[name]))
    for name in norms if states is None else states:
        title, color = style.symbol(name, len(panels))
        label = rf"norm $\Vert {name}_t \Vert$"
        panels.append((title, color, label, norms[name]))
    drawn = zip(axes.flat, panels, strict=True)
    for ax, (title, color, label, values) in drawn:
        ax.plot(np.arange(1, len(values) + 1), values, color=color)
        ax.set(title=title, ylabel=label, xlim=(0, len(values)))
    for ax in axes[-1]:
        ax.set_xlabel("time step $t$")
    return axes


def gate_histograms(
    axes: Sequence[Axes],
    records: Sequence[GateHistogram],
    labels: Sequence[str],
) -> Sequence[Axes]:
    """Draw the distribution of each gate's values, one outline for each record.

    Parameters
    ----------
    axes : sequence of Axes
        One for each gate of the records.
    records : sequence of GateHistogram
        Such as before and after training; the last one has the color of its gate.
    labels : sequence of str
        One for each record.
    """
    for gate, (ax, name) in enumerate(zip(axes, records[0].names, strict=True)):
        title, color = style.symbol(name, gate)
        dotted: dict[str, Any] = {"color": "0.35", "ls": ":"}
        styles = [dotted] * (len(records) - 1) + [{"color": color}]
        for record, label, look in zip(records, labels, styles, strict=True):
            shares, edges = record.shares[gate], record.edges
            ax.stairs(shares, edges, label=label, lw=1.4, **look)
        ax.set(title=title, xlabel="value", xlim=(0, 1))
        ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes[0].set_ylabel("share of values")
    style.shared_legend(axes[0], columns=2)
    return axes


@matplotlib.style.context("lstm_lab.book")
def cell_explorer(
    record: CellSteps, *, inputs: Sequence[str], start: int = 1
) -> MovingFigure:
    """Return a figure in which a reader steps through a sequence, and sees inside a cell.

    Parameters
    ----------
    record : CellSteps
    inputs : sequence of D str
        Names of the entries of an input.
    start : int
        The step that is shown first, from 1.

    Raises
    ------
    TypeError, ValueError
        If `inputs` are not D str, or there is no step `start`.
    """
    checks.instance("record", record, CellSteps)
    inputs = checks.texts("inputs", inputs)
    start = checks.positive_int("start", start)
    T, D = record.x.shape
    if len(inputs) != D:
        raise ValueError(f"inputs must be {D} names, got {list(inputs)}")
    states, paths = svg.panel(), svg.panel()
    steps = np.arange(1, T + 1)
    for ax in (states, paths):
        for n, t in enumerate(steps):
            with svg.frame(ax, n):
                ax.axvline(t, color="0.75", ls="-", lw=6, zorder=0)
        ax.set_xlabel("step $t$")
    name = record.direct_state
    by_unit = record.states[name].T
    units = map(str, range(1, len(by_unit) + 1))
    for values, look in zip(by_unit, style.looks(units), strict=True):
        states.plot(steps, values, **look)
    states.set_ylabel(f"${name}_t$ of each unit")
    paths.plot(steps, record.full, "C0-", label="all paths")
    paths.plot(steps, record.kept.max(axis=1), "C0--", label="direct path")
    paths.set(ylabel=f"gradient, ${name}_T$ to ${name}_t$", ylim=0)
    picture = ""
    for ax, label in (
        (states, f"The state {name} of each unit against the step"),
        (
            paths,
            "What reaches the end from each step, directly and along all paths",
        ),
    ):
        ax.locator_params("x", integer=True)
        style.shared_legend(ax, columns=4, place="upper left")
        picture += svg.inline(ax.figure, label=label)
    return MovingFigure(
        "The gates, the states and the gradient of a cell, step by step",
        [Control("step", [f"{t} of {T}" for t in steps], start - 1)],
        [_step(record, inputs, t) for t in steps],
        picture=picture,
    )


def _step(record: CellSteps, inputs: Sequence[str], t: int) -> Frame:
    """Return step t in words, and in tables of its inputs, its units and its gradient."""
    n, T = t - 1, len(record.x)
    direct, around, full = record.direct[n], record.around[n], record.full[n]
    kept, named = record.kept[n].max(), [*zip(inputs, record.x[n], strict=True)]
    tilde = "\N{COMBINING TILDE}"  # on a candidate with the letter of a state
    values = [
        (name + tilde * (name in record.states), value)
        for name, value in record.gates.items()
    ]
    values += [*record.states.items(), (f"kept to {T}", record.kept)]
    columns = [
        [bar(value, *_scale(by_step)) for value in by_step[n]]
        for _, by_step in values
    ]
    rows = [
        [f"{unit}", *bars]
        for unit, bars in enumerate(zip(*columns, strict=True), start=1)
    ]
    reads = table(
        f"What step {t} reads",
        ["input", "x"],
        [[name, bar(x, *_scale(record.x))] for name, x in named],
    )
    units = table("What its units do", ["unit", *(v for v, _ in values)], rows)
    none = "<td></td>"
    paths = table(
        "How much of its gradient passes, at best",
        ["", "direct path", "round through h", "all paths"],
        [
            [f"step {t - 1} to {t}", bar(direct), bar(around), none],
            [f"step {t} to {T}", bar(kept), none, bar(full)],
        ],
    )
    summary = (
        f"Step {t} reads {', '.join(f'{name} {x:.2f}' for name, x in named)}. On the"
        f" direct path its units keep between {record.factors[n].min():.2f} and"
        f" {direct:.2f} of the state before. The way round through h passes"
        f" {around:.2f} of its gradient at best. From here to the end, the direct"
        f" path keeps {kept:.2f} and all paths {full:.2f} at best."
    )
    return Frame(escape(summary), reads + units + paths)


def _scale(values: Array) -> tuple[float, float]:
    """Return the ends of bars: 1, or as far as values go, and 0 unless some are negative."""
    reach = max(1.0, float(np.abs(values).max()))
    return (-reach if values.min() < 0 else 0.0, reach)
