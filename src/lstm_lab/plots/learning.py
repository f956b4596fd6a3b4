"""Landscapes and learning curves."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lstm_lab.gradflow import Cliff, Descent
from lstm_lab.phase import Diagram
from lstm_lab.plots.flow import LINE_STYLES
from lstm_lab.training import Run


def cliff(ax: Axes, landscape: Cliff, descents: Sequence[Descent]) -> Axes:
    """Draw the loss as colours, and paths of gradient descent over it.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    landscape : Cliff
        What `gradflow.cliff` returned.
    descents : sequence of Descent
        What `gradflow.descend` returned, with and without clipping.

    Returns
    -------
    Axes
        The same axes.
    """
    image = ax.pcolormesh(
        landscape.w,
        landscape.b,
        np.log10(landscape.loss + 1e-6),
        cmap="cividis",
        shading="nearest",
        rasterized=True,
    )
    for descent in descents:
        plain = descent.clip is None
        label = "no clipping" if plain else f"clipped at {descent.clip:g}"
        look: dict[str, Any] = (
            {"color": "C1", "lw": 1.2} if plain else {"color": "w", "lw": 4}
        )
        ax.plot(*descent.points.T, ls="-", label=label, **look)
        ax.plot(*descent.points[-1], "o", color=look["color"], mec="k")
    ax.set(xlabel="recurrent weight $w$", ylabel="bias $b$")
    ax.set_xlim(landscape.w[0], landscape.w[-1])
    ax.set_ylim(landscape.b[0], landscape.b[-1])
    ax.grid(visible=False)
    ax.legend(facecolor="0.3", labelcolor="w", frameon=True, loc="upper left")
    ax.figure.colorbar(image, ax=ax, label="loss, power of ten")
    return ax


def learning_curves(
    ax: Axes, runs: Mapping[str, Sequence[Run]], *, baseline: float
) -> Axes:
    """Draw held-out loss against updates: every run thin, their geometric mean thick.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    runs : mapping of str to sequence of Run
        Runs of several seeds and of equal length under the name of what they have in common.
    baseline : float
        The loss of the best constant guess.

    Returns
    -------
    Axes
        The same axes.
    """
    for n, (name, group) in enumerate(runs.items()):
        for run in group:
            ax.plot(
                run.evaluated, run.held_out, color=f"C{n}", lw=0.6, alpha=0.6
            )
        mean = np.exp(np.mean([np.log(run.held_out) for run in group], axis=0))
        style = LINE_STYLES[n % len(LINE_STYLES)]
        ax.plot(
            group[0].evaluated, mean, color=f"C{n}", ls=style, lw=2, label=name
        )
    ax.axhline(baseline, color="0.3", ls=":", label="best constant guess")
    ax.set(yscale="log", xlabel="updates", ylabel="mean squared error")
    ax.legend()
    return ax


def phase_diagram(ax: Axes, diagram: Diagram) -> Axes:
    """Draw what became of the runs on one task, a field for each network and gap.

    The colour is the median loss as a share of the baseline, the text says how many of the runs
    solved the task.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    diagram : Diagram
        What `phase.diagram` returned.

    Returns
    -------
    Axes
        The same axes.
    """
    image = ax.imshow(
        diagram.share, cmap="cividis", vmin=0, vmax=1, aspect="auto"
    )
    for (n, m), solved in np.ndenumerate(diagram.solved):
        dark = diagram.share[n, m] < 0.5
        ax.text(
            m,
            n,
            f"{solved}/{diagram.runs}",
            color="w" if dark else "k",
            ha="center",
            va="center",
        )
    ax.set_xticks(range(len(diagram.gaps)), list(map(str, diagram.gaps)))
    ax.set_yticks(range(len(diagram.networks)), diagram.networks)
    ax.set(title=diagram.problem, xlabel="$T$ [steps]")
    ax.grid(visible=False)
    ax.figure.colorbar(image, ax=ax, label="loss / baseline, median")
    return ax
