"""Figures in which all cases lie on the same axes, for a page that shows one of them at a time.

The curves of case n are in groups of the SVG with ``data-frame="n"``; axes, labels and legend
are there once.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import matplotlib.style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lstm_lab.gradflow import CellPaths, GradientFlow, Spectra
from lstm_lab.plots import flow
from lstm_lab.plots.svg import inline

LOWEST, HIGHEST = -15, 6
"""Powers of ten that a panel shows."""


def gain_panels(flows: list[GradientFlow], spectra: Spectra) -> str:
    """Draw gradient norms against lag, and beneath them the singular values of the same starts.

    Parameters
    ----------
    flows : list of GradientFlow
        What `gradflow.gradient_flow` returned, a start each.
    spectra : Spectra
        What `gradflow.spectra` returned for the same starts.

    Returns
    -------
    str
        HTML, as of `svg.inline`; a frame for each start.
    """

    def draw(axes: NDArray[Any], n: int) -> None:
        one = slice(n, n + 1)
        of_one = replace(
            spectra,
            names=("",),
            log10_singular_values=spectra.log10_singular_values[one],
            radius=spectra.radius[one],
            largest=spectra.largest[one],
        )
        flow.gradient_flow(axes[0], [flows[n]])
        flow.spectra(axes[1:], of_one)

    def finish(axes: NDArray[Any]) -> None:
        upper, lower = axes
        for legend in (upper.get_legend(), *upper.figure.legends):
            legend.remove()
        upper.axhline(1, color="k", lw=0.8)
        upper.set(ylim=(10.0**LOWEST, 10.0**HIGHEST), xlabel="")
        lower.axhline(0, color="k", lw=0.8)
        lower.set(ylim=(LOWEST, HIGHEST), xlim=upper.get_xlim())
        _legend_on_top(lower)

    return _overlaid(
        draw,
        finish,
        count=len(flows),
        label="Two panels against lag: gradient norm, and a fan of singular values"
        " between its bound and zero",
        rows=2,
        size=(5.0, 4.6),
    )


def forget_bias_panel(record: CellPaths) -> str:
    """Draw the direct path and all paths of each start against lag, over all starts in grey.

    Parameters
    ----------
    record : CellPaths
        What `gradflow.cell_paths` returned.

    Returns
    -------
    str
        HTML, as of `svg.inline`; a frame for each start.
    """

    def draw(axes: NDArray[Any], n: int) -> None:
        one = slice(n, n + 1)
        of_one = replace(
            record,
            names=("all paths",),
            direct=record.direct[one],
            full=record.full[one],
        )
        flow.cell_paths(axes[0], of_one)

    def finish(axes: NDArray[Any]) -> None:
        (ax,) = axes
        _legend_on_top(ax)
        ax.plot(
            record.lags,
            record.typical_full.T,
            color="0.75",
            ls="-",
            lw=0.8,
            zorder=1,
        )
        ax.axhline(1, color="k", lw=0.8)
        ax.set_ylim(10.0**LOWEST, 10.0**HIGHEST)

    return _overlaid(
        draw,
        finish,
        count=len(record.names),
        label="Spectral norm against lag: the direct path below, all paths above",
    )


def _legend_on_top(ax: Axes) -> None:
    """Put what the last case has drawn into a legend above the axes."""
    handles, labels = ax.get_legend_handles_labels()
    last = dict(zip(labels, handles, strict=True))
    ax.legend(
        [*last.values()],
        [*last],
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0,
        ncols=3,
    )


def _overlaid(
    draw: Callable[[NDArray[Any], int], None],
    finish: Callable[[NDArray[Any]], None],
    *,
    count: int,
    label: str,
    rows: int = 1,
    size: tuple[float, float] = (5.0, 2.8),
) -> str:
    """Return a figure of panels above each other, on which each case is drawn in turn."""
    with matplotlib.style.context("lstm_lab.book"):
        figure = Figure(figsize=size)
        axes = figure.subplots(rows, squeeze=False)[:, 0]
        for n in range(count):
            drawn = {*_curves(axes)}
            draw(axes, n)
            new = [curve for curve in _curves(axes) if curve not in drawn]
            for m, curve in enumerate(new):
                curve.set_gid(f"frame-{n}-{m}")
        finish(axes)
        svg = inline(figure, label=label)
    return re.sub(r'\bid="[^"]*frame-(\d+)-\d+"', r'data-frame="\1"', svg)


def _curves(axes: NDArray[Any]) -> list[Artist]:
    return [curve for ax in axes for curve in (*ax.lines, *ax.collections)]
