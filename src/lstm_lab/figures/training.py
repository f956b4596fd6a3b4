"""Training: landscapes, learning curves, and the results of many runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from lstm_lab.experiments.bottleneck import Curves
from lstm_lab.experiments.phase import Diagram
from lstm_lab.figures import style
from lstm_lab.figures.style import MAP_INK, MAP_PAPER
from lstm_lab.gradflow import Cliff, Descent
from lstm_lab.training import Run

_MIDDLE = 0.47  # of cividis: light and dark text have the same contrast with it


def cliff(
    ax: Axes, landscape: Cliff, descents: Sequence[Descent], *, explained: bool = True
) -> Axes:
    """Draw the loss as colors, and paths of gradient descent over it.

    A square marks the start of a path, a circle its end; `explained` says whether to add a legend,
    and a bar that explains the colors.
    """
    w, b, height = landscape.w, landscape.b, np.log10(landscape.loss + 1e-6)
    image = ax.pcolormesh(w, b, height, cmap="cividis", rasterized=True)
    for descent in descents:
        plain = descent.clip is None
        label = "no clipping" if plain else f"clipped at {descent.clip:g}"
        color, width = (MAP_INK, 1.2) if plain else (MAP_PAPER, 4)
        edge = withStroke(linewidth=width + 1, foreground=MAP_INK)
        look: dict[str, Any] = {"color": color, "path_effects": [edge]}
        ax.plot(*descent.points.T, ls="-", lw=width, label=label, **look)
        ax.plot(*descent.points[0], "s", color=MAP_PAPER, mec=MAP_INK)
        ax.plot(*descent.points[-1], "o", color=color, mec=MAP_INK)
    ax.set(xlabel="recurrent weight $w$", xlim=(w[0], w[-1]))
    ax.set(ylabel="bias $b$", ylim=(b[0], b[-1]))
    ax.grid(visible=False)
    if explained:
        ax.figure.colorbar(image, ax=ax, label="log$_{10}$ of the loss")
        legend = ax.legend(labelcolor=MAP_INK, frameon=True, loc="upper left")
        frame = {"facecolor": MAP_PAPER, "edgecolor": MAP_INK, "alpha": 0.8}
        legend.get_frame().set(**frame)
    return ax


def learning_curves(ax: Axes, runs: Mapping[str, Sequence[Run]], *, baseline: float) -> Axes:
    """Draw held-out loss against updates: every run thin, their geometric mean thick.

    The runs of a label are of equal length; `baseline` is the loss of the best constant guess.
    """
    for group, look in zip(runs.values(), style.looks(runs), strict=True):
        thin = {"color": look["color"], "ls": "-", "lw": 0.8, "alpha": 0.6}
        for run in group:
            ax.plot(run.evaluated, run.held_out, **thin)
        mean = np.exp(np.mean([np.log(run.held_out) for run in group], axis=0))
        ax.plot(group[0].evaluated, mean, lw=2, **look)
    ax.axhline(baseline, color="0.3", ls=":", label="best constant guess")
    ax.set(yscale="log", xlabel="updates", ylabel="mean squared error")
    ax.legend()
    return ax


def phase_diagram(ax: Axes, diagram: Diagram, *, bar: bool = True) -> Axes:
    """Draw the outcomes of the runs on one task, a field for each network and gap.

    The color is the median loss as a share of the baseline; `bar` says whether to draw its scale
    beside the diagram. The number says how many of the runs solved the task.
    """
    label = "loss / baseline, median"
    style.color_map(ax, diagram.share, label, bar=bar, clim=(0, 1))
    for (row, column), solved in np.ndenumerate(diagram.solved):
        dark = diagram.share[row, column] < _MIDDLE
        color = MAP_PAPER if dark else MAP_INK
        place = {"ha": "center", "va": "center"}
        ax.text(column, row, f"{solved}", place, color=color)
    ax.set_xticks(range(len(diagram.gaps)), list(map(str, diagram.gaps)))
    ax.set_yticks(range(len(diagram.networks)), diagram.networks)
    title = f"{diagram.problem}\n(solved of {diagram.runs})"
    ax.set(title=title, xlabel="$T$ [steps]")
    return ax


def curves(ax: Axes, groups: Mapping[str, Curves], *, xlabel: str, ylabel: str) -> Axes:
    """Draw the median of each group of runs, in a band from the lowest to the highest run."""
    named = groups.items()
    drawn = [(name, g.points, g.values, g.median) for name, g in named]
    style.bands(ax, drawn, **style.DOTS)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return ax
