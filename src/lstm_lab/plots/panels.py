"""Figures in which all cases lie on the same axes, for a page that shows one of them at a time.

The curves of case n are in groups of the SVG with ``data-frame="n"``; axes, labels and legend
are there once.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle

import matplotlib.style
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lstm_lab.gradflow import CellPaths, CellSteps, GradientFlow, Spectra
from lstm_lab.plots import flow
from lstm_lab.plots.svg import inline

LOWEST, HIGHEST = -15, 6
"""Powers of ten that a panel shows."""
SIZE = (3.3, 2.6)
"""Inches: two panels stand beside each other on a desk, above each other on a phone."""


def gain_panels(flows: list[GradientFlow], spectra: Spectra) -> str:
    """Draw gradient norms against lag, and beside them the singular values of the same starts.

    Parameters
    ----------
    flows : list of GradientFlow
        What `gradflow.gradient_flow` returned, a start each.
    spectra : Spectra
        What `gradflow.spectra` returned for the same starts.

    Returns
    -------
    str
        HTML, an SVG for each panel, as of `svg.inline`; a frame for each start.
    """

    def norms(ax: Axes, n: int) -> None:
        flow.gradient_flow(ax, [flows[n]])

    def fan(ax: Axes, n: int) -> None:
        one = slice(n, n + 1)
        of_one = replace(
            spectra,
            names=("",),
            log10_singular_values=spectra.log10_singular_values[one],
            radius=spectra.radius[one],
            largest=spectra.largest[one],
        )
        flow.spectra(np.array([ax]), of_one)

    def finish_norms(ax: Axes) -> None:
        ax.legend().remove()
        ax.axhline(1, color="k", lw=0.8)
        ax.set_ylim(10.0**LOWEST, 10.0**HIGHEST)

    def finish_fan(ax: Axes) -> None:
        for legend in [*ax.figure.legends]:
            legend.remove()
        ax.axhline(0, color="k", lw=0.8)
        ax.set(ylim=(LOWEST, HIGHEST), xlim=(0, spectra.lags[-1]))
        _legend_on_top(ax, columns=2)

    count = len(flows)
    return _overlaid(
        norms,
        finish_norms,
        count=count,
        label="Gradient norm against lag",
    ) + _overlaid(
        fan,
        finish_fan,
        count=count,
        label="Singular values against lag: a fan between its bound and zero",
    )


def forget_bias_panels(record: CellPaths) -> str:
    """Draw the direct path and all paths: against lag, and at the longest against the bias.

    Parameters
    ----------
    record : CellPaths
        What `gradflow.cell_paths` returned, the starts in the order of their biases.

    Returns
    -------
    str
        HTML, an SVG for each panel, as of `svg.inline`; a frame for each start.
    """
    places = np.arange(len(record.names))
    ends = record.typical_full[:, -1], record.typical_direct[:, -1]

    def against_lag(ax: Axes, n: int) -> None:
        one = slice(n, n + 1)
        of_one = replace(
            record,
            names=("all paths",),
            direct=record.direct[one],
            full=record.full[one],
        )
        flow.cell_paths(ax, of_one)

    def at_the_end(ax: Axes, n: int) -> None:
        ax.plot([n, n], [end[n] for end in ends], color="C0", ls="", marker="o")

    def finish_lags(ax: Axes) -> None:
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

    def finish_ends(ax: Axes) -> None:
        for end, ls in zip(ends, ("-", "--"), strict=True):
            ax.plot(places, end, color="C0", ls=ls)
        ax.axhline(1, color="k", lw=0.8)
        ax.set_xticks(places, record.names)
        ax.set(
            title=f"over {record.lags[-1]} steps",
            xlabel="forget bias",
            yscale="log",
            ylim=(10.0**LOWEST, 10.0**HIGHEST),
        )

    count = len(record.names)
    return _overlaid(
        against_lag,
        finish_lags,
        count=count,
        label="Spectral norm against lag: the direct path below, all paths above",
    ) + _overlaid(
        at_the_end,
        finish_ends,
        count=count,
        label="The same two at the longest lag, against the forget bias",
    )


def cell_panels(record: CellSteps) -> str:
    """Draw the cell state of each unit, and what of the gradient reaches the end from each step.

    Parameters
    ----------
    record : CellSteps
        What `gradflow.cell_steps` returned.

    Returns
    -------
    str
        HTML, an SVG for each panel, as of `svg.inline`; a frame for each step, which it marks.
    """
    steps = np.arange(1, len(record.x) + 1)

    def mark(ax: Axes, n: int) -> None:
        ax.axvline(steps[n], color="0.75", ls="-", lw=6, zorder=0)

    def finish_states(ax: Axes) -> None:
        for unit, (c, ls) in enumerate(
            zip(record.c.T, cycle(("-", "--", "-.", ":"))), start=1
        ):
            ax.plot(steps, c, ls=ls, label=f"{unit}")
        ax.set(xlabel="step $t$", ylabel="$c_t$ of each unit")
        ax.locator_params("x", integer=True)
        _legend_on_top(ax)

    def finish_paths(ax: Axes) -> None:
        ax.plot(steps, record.full, color="C0", ls="-", label="all paths")
        ax.plot(
            steps,
            record.kept.max(axis=1),
            color="C0",
            ls="--",
            label="direct path",
        )
        ax.set(xlabel="step $t$", ylabel=r"gradient, $c_T$ to $c_t$", ylim=0)
        ax.locator_params("x", integer=True)
        _legend_on_top(ax)

    count = len(steps)
    return _overlaid(
        mark,
        finish_states,
        count=count,
        label="The cell state of each unit against the step",
    ) + _overlaid(
        mark,
        finish_paths,
        count=count,
        label="What reaches the end from each step, directly and along all paths",
    )


def _legend_on_top(ax: Axes, *, columns: int = 4) -> None:
    """Put what the last case has drawn into a legend above the axes."""
    handles, labels = ax.get_legend_handles_labels()
    last = dict(zip(labels, handles, strict=True))
    ax.legend(
        [*last.values()],
        [*last],
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0,
        ncols=columns,
        columnspacing=1.2,
        handlelength=1.8,
    )


def _overlaid(
    draw: Callable[[Axes, int], None],
    finish: Callable[[Axes], None],
    *,
    count: int,
    label: str,
) -> str:
    """Return a panel on which each case is drawn in turn, then what all share."""
    with matplotlib.style.context("lstm_lab.book"):
        figure = Figure(figsize=SIZE)
        ax = figure.subplots()
        for n in range(count):
            drawn = {*_curves(ax)}
            draw(ax, n)
            new = [curve for curve in _curves(ax) if curve not in drawn]
            for m, curve in enumerate(new):
                curve.set_gid(f"frame-{n}-{m}")
        finish(ax)
        svg = inline(figure, label=label)
    return re.sub(r'\bid="[^"]*frame-(\d+)-\d+"', r'data-frame="\1"', svg)


def _curves(ax: Axes) -> list[Artist]:
    return [*ax.lines, *ax.collections]
