"""Landscapes and learning curves."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from lstm_lab.experiments.phase import Diagram
from lstm_lab.gradflow import Cliff, Descent
from lstm_lab.plots.style import MAP_INK, MAP_PAPER, series
from lstm_lab.training import Run

# Of cividis, where a pale text and a dark one have the same contrast with it.
_MIDDLE = 0.47


def cliff(
    ax: Axes,
    landscape: Cliff,
    descents: Sequence[Descent],
    *,
    explained: bool = True,
) -> Axes:
    """Draw the loss as colors, and paths of gradient descent over it.

    A square marks where a path starts, a circle where it ends.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    landscape : Cliff
        What `gradflow.cliff` returned.
    descents : sequence of Descent
        What `gradflow.descend` returned, with and without clipping.
    explained : bool
        Whether to have a legend, and a bar that explains the colors.

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
        color, width = (MAP_INK, 1.2) if plain else (MAP_PAPER, 4)
        edge = withStroke(linewidth=width + 1, foreground=MAP_INK)
        look: dict[str, Any] = {"color": color, "path_effects": [edge]}
        ax.plot(*descent.points.T, ls="-", lw=width, label=label, **look)
        ax.plot(*descent.points[0], "s", color=MAP_PAPER, mec=MAP_INK)
        ax.plot(*descent.points[-1], "o", color=color, mec=MAP_INK)
    ax.set(xlabel="recurrent weight $w$", ylabel="bias $b$")
    ax.set_xlim(landscape.w[0], landscape.w[-1])
    ax.set_ylim(landscape.b[0], landscape.b[-1])
    ax.grid(visible=False)
    if explained:
        legend = ax.legend(labelcolor=MAP_INK, frameon=True, loc="upper left")
        look = {"facecolor": MAP_PAPER, "edgecolor": MAP_INK, "alpha": 0.8}
        legend.get_frame().set(**look)
        ax.figure.colorbar(image, ax=ax, label="log$_{10}$ of the loss")
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
        look = series(n)
        thin = look | {"linestyle": "-"}
        for run in group:
            ax.plot(run.evaluated, run.held_out, lw=0.8, alpha=0.6, **thin)
        mean = np.exp(np.mean([np.log(run.held_out) for run in group], axis=0))
        ax.plot(group[0].evaluated, mean, lw=2, label=name, **look)
    ax.axhline(baseline, color="0.3", ls=":", label="best constant guess")
    ax.set(yscale="log", xlabel="updates", ylabel="mean squared error")
    ax.legend()
    return ax


def phase_diagram(ax: Axes, diagram: Diagram, *, bar: bool = True) -> Axes:
    """Draw what became of the runs on one task, a field for each network and gap.

    The color is the median loss as a share of the baseline, the text says how many of the runs
    solved the task.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    diagram : Diagram
        What `phase.diagram` returned.
    bar : bool
        Whether to explain the colours beside the diagram.

    Returns
    -------
    Axes
        The same axes.
    """
    image = ax.imshow(
        diagram.share,
        cmap="cividis",
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="none",
    )
    for (n, m), solved in np.ndenumerate(diagram.solved):
        dark = diagram.share[n, m] < _MIDDLE
        ax.text(
            m,
            n,
            f"{solved}",
            color=MAP_PAPER if dark else MAP_INK,
            ha="center",
            va="center",
        )
    ax.set_xticks(range(len(diagram.gaps)), list(map(str, diagram.gaps)))
    ax.set_yticks(range(len(diagram.networks)), diagram.networks)
    title = f"{diagram.problem}\n(solved of {diagram.runs})"
    ax.set(title=title, xlabel="$T$ [steps]")
    ax.grid(visible=False)
    if bar:
        ax.figure.colorbar(image, ax=ax, label="loss / baseline, median")
    return ax
