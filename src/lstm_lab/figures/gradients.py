"""Gradients against lag: by cell, by way to start, in one network, and truncated."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import cycle
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lstm_lab import gradflow
from lstm_lab.figures import markup, style, svg
from lstm_lab.figures.moving import Control, Frame, MovingFigure

MARKERS = "os^Dv"  # for curves whose line styles tell something else
RANGE = np.array([-15.0, 6.0])  # powers of ten on a dial


def gradient_flow(ax: Axes, records: Sequence[gradflow.GradientFlow]) -> Axes:
    """Draw gradient norm against lag, for a `GradientFlow` of each cell.

    The line is the geometric mean over the seeds, the band goes from the least to the greatest.
    """
    style.bands(ax, [(r.cell, r.lags, r.norms, r.typical) for r in records])
    ax.set(yscale="log", xlabel=style.LAG, ylabel="RMS gradient norm")
    ax.set_xlim(0, records[0].lags[-1])
    return ax


def gradient_map(
    ax: Axes,
    record: gradflow.GradientMap,
    *,
    limits: tuple[float, float] = (-12, 2),
    bar: bool = True,
) -> Axes:
    """Draw, as colors, the gradient from a loss at each step over each lag.

    `limits` are the decimal logarithms at the ends of the color scale; `bar` says whether to draw
    the scale beside the map.
    """
    T = len(record.log10_norms)
    look = {"cmap": "viridis", "aspect": "equal", "clim": limits}
    look |= {"origin": "lower", "extent": (0.5, T + 0.5, -0.5, T + 0.5)}
    label = "gradient norm, power of ten"
    style.color_map(ax, record.log10_norms.T, label, bar=bar, **look)
    ax.set(xlabel="step $t$ of the loss", ylabel=style.LAG)
    ax.locator_params(integer=True)
    return ax


def spectra(axes: NDArray[Any], records: Mapping[str, gradflow.Spectra]) -> NDArray[Any]:
    r"""Draw singular values against lag and two predictions, a panel for each way to start.

    Thin lines are the singular values and the thick one the largest, in the network of the first
    seed; the dotted line is the bound :math:`\sigma_{max}(U)^k`, the dashed one
    :math:`\rho(U)^k`, if the cell has such a U. The grid of panels may have any shape.
    """
    for ax, (name, record) in zip(axes.flat, records.items(), strict=True):
        _fan(ax, record)
        ax.set_title(name)
        ax.label_outer()
    style.shared_legend(axes.flat[0], columns=3)
    return axes


def _fan(ax: Axes, record: gradflow.Spectra) -> None:
    """Draw one panel of `spectra`, without title and legend."""
    lags, values = np.array(record.lags), record.log10_singular_values[0]
    ax.plot(lags, values[:, 1:], "C5-", lw=0.5, alpha=0.7)
    ax.plot(lags, values[:, 0], "C0-", lw=2.2, label=r"$\sigma_1$ measured")
    for base, look, label in (
        (record.largest[0], "k:", r"$\sigma_{\max}(U)^k$"),
        (record.radius[0], "C1--", r"$\rho(U)^k$"),
    ):
        if base > 0:  # not NaN, which says that there is no such U
            ax.plot(lags, np.log10(base) * lags, look, label=label)
    ax.set(xlabel=style.LAG, ylabel=r"$\sigma$, power of ten")


def powers(ax: Axes, record: gradflow.Powers) -> Axes:
    """Draw the norms of the powers of matrices, to the power at which nothing is left."""
    looks = style.looks(record.names)
    for norms, look in zip(record.log10_norms, looks, strict=True):
        alive = norms[np.isfinite(norms)]
        ax.plot(alive, **look)
        if len(alive) < len(norms):
            ax.plot(len(alive) - 1, alive[-1], "kx")
    ax.set(xlabel="power $k$", ylabel=r"$\Vert U^k \Vert_2$, power of ten")
    ax.set_xlim(0, record.log10_norms.shape[1] - 1)
    ax.legend()
    return ax


def cell_paths(ax: Axes, records: Mapping[str, gradflow.CellPaths]) -> Axes:
    """Draw the direct path (dashed) beside all paths (solid) against lag, by way to start."""
    looks = style.looks(records)
    marks = cycle(MARKERS)
    for record, look, mark in zip(records.values(), looks, marks, strict=False):
        lags, every = record.lags, len(record.lags) // 6 + 1
        solid = look | {"linestyle": "-", "marker": mark}
        ax.plot(lags, record.typical_full, ms=5, markevery=every, **solid)
        ax.plot(lags, record.typical_direct, color=look["color"], ls="--")
        ax.set_xlim(0, lags[-1])
    ax.plot([], [], color="0.3", ls="--", label="direct path")
    ax.legend()
    ax.set(yscale="log", xlabel=style.LAG, ylabel="spectral norm")
    return ax


def truncation(ax: Axes, records: Sequence[gradflow.TruncationBias]) -> Axes:
    """Draw the cosine of truncated with full gradients by window, a curve for each cell."""
    cosines = [(r.cell, r.windows, r.cosines) for r in records]
    drawn = [(*runs, runs[-1].mean(axis=0)) for runs in cosines]
    style.bands(ax, drawn, **style.DOTS)
    ax.set(xscale="log", xlabel="window (steps)", ylim=(None, 1.02))
    ax.set_ylabel("cosine with the full gradient")
    return ax


@matplotlib.style.context("lstm_lab.book")
def gain_dial(
    flows: Mapping[str, gradflow.GradientFlow],
    spectra: Mapping[str, gradflow.Spectra],
    *,
    start: str,
) -> MovingFigure:
    """Return a figure in which a reader turns the gain of the recurrent weights.

    Parameters
    ----------
    flows : mapping of str to GradientFlow
        Gradients by gain.
    spectra : mapping of str to Spectra
        Singular values for the same gains; those of the first seed are drawn.
    start : str
        The gain that is shown first.
    """
    if [*flows] != [*spectra]:
        raise ValueError(
            f"flows and spectra must have the same names, got {[*flows]} and {[*spectra]}"
        )
    norms, fans, summaries = svg.panel(), svg.panel(), {}
    for n, (name, flow) in enumerate(flows.items()):
        fan = spectra[name]
        longest = fan.lags[-1]
        with svg.frame(n, norms, fans):
            gradient_flow(norms, [flow])
            _fan(fans, fan)
        best, *_, worst = 10 ** fan.log10_singular_values[0, -1]
        bound = fan.largest[0] ** longest
        summaries[name] = (
            f"Gain {name}. Over {longest} steps {flow.typical[longest]:.1e} of a"
            f" gradient arrives, in the mean of {len(flow.seeds)} networks. In the"
            f" single network of the fan the best direction keeps {best:.1e}, the"
            f" worst {worst:.1e}; the bound allows {bound:.1e}."
        )
        fans.set_xlim(0, longest)
    norms.legend().remove()
    style.shared_legend(fans, columns=2, place="upper left")
    return _dial(
        "Gradient against lag, by the gain of the recurrent weights",
        "gain of U",
        start,
        summaries,
        {
            "Gradient norm against lag": norms,
            "Singular values against lag: a fan between its bound and zero": fans,
        },
    )


@matplotlib.style.context("lstm_lab.book")
def forget_bias_dial(records: Mapping[str, gradflow.CellPaths], *, start: str) -> MovingFigure:
    """Return a figure in which a reader turns the forget bias.

    Parameters
    ----------
    records : mapping of str to CellPaths
        Norms by bias, in ascending order, over the same lags.
    start : str
        The bias that is shown first.
    """
    paths, by_bias, summaries = svg.panel(), svg.panel(), {}
    for n, (name, record) in enumerate(records.items()):
        longest = record.lags[-1]
        full, direct = record.typical_full, record.typical_direct
        with svg.frame(n, paths, by_bias):
            cell_paths(paths, {"all paths": record})
            by_bias.plot([n, n], [full[-1], direct[-1]], "C0o", ls="")
        paths.plot(record.lags, full, "-", color="0.75", lw=0.8, zorder=1)
        summaries[name] = (
            f"Forget bias {name}. Over {longest} steps the direct path"
            f" keeps {direct[-1]:.1e}, all paths together {full[-1]:.1e}."
        )
    paths.legend().remove()
    style.shared_legend(paths, columns=2, place="upper left")
    every = records.values()
    by_bias.plot([record.typical_full[-1] for record in every], "C0-")
    by_bias.plot([record.typical_direct[-1] for record in every], "C0--")
    by_bias.set_xticks(range(len(records)), [*records])
    title = f"over {longest} steps"
    by_bias.set(title=title, xlabel="forget bias", yscale="log")
    return _dial(
        "Direct path and all paths against lag, by the forget bias",
        "forget bias",
        start,
        summaries,
        {
            "Spectral norm against lag: the direct path below, all paths above": paths,
            "The same two at the longest lag, against the forget bias": by_bias,
        },
    )


def _dial(
    label: str, control: str, start: str, summaries: Mapping[str, str], panels: Mapping[str, Axes]
) -> MovingFigure:
    """Return a figure with panels that show the same powers of ten, and a line at one."""
    if start not in summaries:
        raise ValueError(f"start must be one of {', '.join(summaries)}, got {start!r}")
    for ax in panels.values():
        log = ax.get_yscale() == "log"
        ax.axhline(1 if log else 0, color="k", lw=0.8)
        ax.set_ylim(*(10**RANGE if log else RANGE))
    return MovingFigure(
        label,
        [Control(control, [*summaries], [*summaries].index(start))],
        [Frame(markup.powers(escape(text))) for text in summaries.values()].__getitem__,
        picture=svg.picture(panels),
    )
