"""Gates over time and in distribution."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lstm_lab.gradflow import GateActivations, GateHistogram
from lstm_lab.plots.style import GATE_COLORS, GATE_NAMES, gate_look


def gate_activations(
    axes: NDArray[Any], record: GateActivations
) -> NDArray[Any]:
    """Draw the mean gates and the norm of the cell state of an LSTM over time.

    Parameters
    ----------
    axes : ndarray of 2 x 2 Axes
        Where to draw: input gate, forget gate, output gate, cell state.
    record : GateActivations
        What `gradflow.gate_activations` returned.

    Returns
    -------
    ndarray of Axes
        The same axes.
    """
    panels = (
        ("i", record.i, "mean of $i_t$"),
        ("f", record.f, "mean of $f_t$"),
        ("o", record.o, "mean of $o_t$"),
        ("c", record.cell_norm, r"norm $\Vert c_t \Vert$"),
    )
    for ax, (key, values, label) in zip(axes.flat, panels, strict=True):
        steps = np.arange(1, len(values) + 1)
        ax.plot(steps, values, color=GATE_COLORS[key])
        ax.set(title=GATE_NAMES[key], ylabel=label, xlim=(0, len(values)))
    for ax in axes[-1]:
        ax.set_xlabel("time step $t$")
    return axes


def gate_histograms(
    axes: Sequence[Axes],
    records: Sequence[GateHistogram],
    labels: Sequence[str],
) -> Sequence[Axes]:
    """Draw how the values of each gate are distributed, one outline for each record.

    Parameters
    ----------
    axes : sequence of Axes
        Where to draw, one for each gate of the records.
    records : sequence of GateHistogram
        What `gradflow.gate_histogram` returned, such as before and after training.
    labels : sequence of str
        What to call each record.

    Returns
    -------
    sequence of Axes
        The same axes.
    """
    styles = ({"ls": ":", "color": "0.35"}, {"ls": "-"})
    for gate, (ax, name) in enumerate(zip(axes, records[0].names, strict=True)):
        color, title = gate_look(name, gate)
        for record, label, style in zip(records, labels, styles, strict=False):
            look: dict[str, Any] = {"color": color} | style
            ax.stairs(
                record.shares[gate], record.edges, label=label, lw=1.4, **look
            )
        ax.set(title=title, xlabel="value", xlim=(0, 1))
        ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes[0].set_ylabel("share of values")
    handles, names = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(handles, names, loc="outside lower center", ncols=2)
    return axes
