"""The inside of a cell: its gates over time and in distribution, and a cell step by step."""

from collections.abc import Sequence
from html import escape
from itertools import count
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lstm_lab import checks
from lstm_lab.figures import style, svg
from lstm_lab.figures.markup import bar, bars, table
from lstm_lab.figures.moving import Control, Frame, MovingFigure
from lstm_lab.gradflow import CellSteps, GateActivations, GateHistogram


def gate_activations(
    axes: NDArray[Any],
    record: GateActivations,
    *,
    gates: Sequence[str] | None = None,
    states: Sequence[str] | None = None,
) -> NDArray[Any]:
    """Draw the mean of each gate and the norm of each state over time, in a grid of axes.

    By default all gates and states of the record are drawn; `gates` and `states` name some.
    """
    panels = []
    for name in record.gates if gates is None else gates:
        # A candidate has the letter of the state that it may become.
        candidate = name in record.norms
        letter = rf"\tilde {name}" if candidate else name
        label = f"mean of ${letter}_t$"
        panels.append(("g" if candidate else name, label, record.gates[name]))
    for name in record.norms if states is None else states:
        label = rf"norm $\Vert {name}_t \Vert$"
        panels.append((name, label, record.norms[name]))
    drawn = zip(axes.flat, panels, strict=True)
    for n, (ax, (name, label, values)) in enumerate(drawn):
        title, color = style.symbol(name, n)
        ax.plot(np.arange(1, len(values) + 1), values, color=color)
        ax.set(title=title, ylabel=label, xlim=(0, len(values)))
    for ax in axes[-1]:
        ax.set_xlabel("time step $t$")
    return axes


def gate_histograms(
    axes: Sequence[Axes], records: Sequence[GateHistogram], labels: Sequence[str]
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
        for record, label in zip(records, labels, strict=True):
            last = record is records[-1]
            look: dict[str, Any] = {"color": color} if last else {"color": "0.35", "ls": ":"}
            shares, edges = record.shares[gate], record.edges
            ax.stairs(shares, edges, label=label, lw=1.4, **look)
        ax.set(title=title, xlabel="value", xlim=(0, 1))
        ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes[0].set_ylabel("share of values")
    style.shared_legend(axes[0], columns=2)
    return axes


@matplotlib.style.context("lstm_lab.book")
def cell_explorer(record: CellSteps, *, inputs: Sequence[str]) -> MovingFigure:
    """Return a figure in which a reader steps through a sequence, and sees inside a cell.

    Parameters
    ----------
    record : CellSteps
    inputs : sequence of D str
        Names of the entries of an input.
    """
    inputs = checks.texts("inputs", inputs)
    T, D = record.x.shape
    if len(inputs) != D:
        raise ValueError(f"inputs must be {D} names, got {list(inputs)}")
    states, paths = svg.panel(), svg.panel()
    steps, name = range(1, T + 1), record.direct_state
    panels = {
        f"The state {name} of each unit against the step": states,
        "What reaches the end from each step, directly and along all paths": paths,
    }
    for n, t in enumerate(steps):
        with svg.frame(n, states, paths):
            for ax in panels.values():
                ax.axvline(t, color="0.75", ls="-", lw=6, zorder=0)
    by_unit = record.states[name].T
    units = map(str, range(1, len(by_unit) + 1))
    for values, look in zip(by_unit, style.looks(units), strict=True):
        states.plot(steps, values, **look)
    states.set_ylabel(f"${name}_t$ of each unit")
    paths.plot(steps, record.full, "C0-", label="all paths")
    paths.plot(steps, record.kept.max(axis=1), "C0--", label="direct path")
    paths.set(ylabel=f"gradient, ${name}_T$ to ${name}_t$", ylim=0)
    for ax in panels.values():
        ax.set_xlabel("step $t$")
        ax.locator_params("x", integer=True)
        style.shared_legend(ax, columns=4, place="upper left")
    return MovingFigure(
        "The gates, the states and the gradient of a cell, step by step",
        [Control("step", [f"{t} of {T}" for t in steps])],
        lambda n: _step(record, inputs, n),
        picture=svg.picture(panels),
    )


def _step(record: CellSteps, inputs: Sequence[str], n: int) -> Frame:
    """Return step n + 1 in words, and in tables of its inputs, its units and its gradient."""
    t, T = n + 1, len(record.x)
    direct, around, full = record.direct[n], record.around[n], record.full[n]
    least, kept = record.factors[n].min(), record.kept[n].max()
    read = zip(inputs, record.x[n], strict=True)
    tilde = "\N{COMBINING TILDE}"  # on a candidate with the letter of a state
    gates = record.gates.items()
    columns = {f"{g}{tilde * (g in record.states)}": v for g, v in gates}
    columns |= {**record.states, f"kept to {T}": record.kept}
    head, numbers = ["unit", *columns], map(str, count(1))
    inputs_read = zip(inputs, bars(record.x, n), strict=True)
    units = zip(numbers, *(bars(v, n) for v in columns.values()), strict=False)
    gradient = [
        [f"step {n} to {t}", bar(direct), bar(around), "<td></td>"],
        [f"step {t} to {T}", bar(kept), "<td></td>", bar(full)],
    ]
    ways = ["", "direct path", "round through h", "all paths"]
    tables = table(f"What step {t} reads", ["input", "x"], inputs_read)
    tables += table("What its units do", head, units)
    tables += table("How much of its gradient passes, at best", ways, gradient)
    summary = (
        f"Step {t} reads {', '.join(f'{name} {x:.2f}' for name, x in read)}. On the"
        f" direct path its units keep between {least:.2f} and {direct:.2f} of the"
        f" state before. The way round through h passes {around:.2f} of its gradient"
        f" at best. From here to the end, the direct path keeps {kept:.2f} and all"
        f" paths {full:.2f} at best."
    )
    return Frame(escape(summary), tables)
