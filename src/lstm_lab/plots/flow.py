"""Gradients against lag, spectra, and what truncation leaves of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from lstm_lab.gradflow import (
    CellPaths,
    GradientFlow,
    GradientMap,
    Powers,
    Spectra,
    TruncationBias,
)
from lstm_lab.numerics import Array
from lstm_lab.plots.style import (
    ARCHITECTURE_STYLES,
    MARKERS,
    architecture_look,
    series,
)


def gradient_flow(ax: Axes, records: Sequence[GradientFlow]) -> Axes:
    """Draw gradient norm against lag: a line at the geometric mean, a band over all seeds.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    records : sequence of GradientFlow
        What `gradflow.gradient_flow` returned, an architecture each.

    Returns
    -------
    Axes
        The same axes.
    """
    looks = _looks([record.architecture for record in records])
    for record, look in zip(records, looks, strict=True):
        _line_and_band(ax, look, record.lags, record.typical, record.norms)
    ax.set(yscale="log", xlabel="lag $k$ (steps)")
    ax.set_ylabel("RMS gradient norm")
    ax.set_xlim(0, records[0].lags[-1])
    ax.legend()
    return ax


def gradient_map(
    ax: Axes,
    record: GradientMap,
    *,
    lowest: float = -12.0,
    highest: float = 2.0,
    bar: bool = True,
) -> Axes:
    """Draw, as colours, what a loss at each step sends back over each lag.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    record : GradientMap
        What `gradflow.gradient_map` returned.
    lowest, highest : float
        Decimal logarithms at the ends of the colour scale.
    bar : bool
        Whether to explain the colours beside the map.

    Returns
    -------
    Axes
        The same axes.
    """
    T = len(record.log10_norms)
    image = ax.imshow(
        record.log10_norms.T,
        origin="lower",
        extent=(0.5, T + 0.5, -0.5, T + 0.5),
        vmin=lowest,
        vmax=highest,
        cmap="viridis",
        interpolation="none",
    )
    ax.set(xlabel="step $t$ of the loss", ylabel="lag $k$ (steps)")
    ax.locator_params(integer=True)
    ax.grid(visible=False)
    if bar:
        ax.figure.colorbar(image, ax=ax, label="gradient norm, power of ten")
    return ax


def spectra(axes: NDArray[Any], record: Spectra) -> NDArray[Any]:
    r"""Draw singular values against lag, a panel for each way to start, and two predictions.

    Thin lines are the singular values and the thick one the largest; the dotted line is the
    bound :math:`\sigma_{max}(U)^k`, the dashed one :math:`\rho(U)^k`, where there is one.

    Parameters
    ----------
    axes : ndarray of Axes
        Where to draw, one for each start, in a grid of any shape with shared scales.
    record : Spectra
        What `gradflow.spectra` returned.

    Returns
    -------
    ndarray of Axes
        The same axes.
    """
    lags = np.array(record.lags)
    panels = zip(
        axes.flat,
        record.names,
        record.log10_singular_values,
        np.log10(record.largest),
        np.log10(record.radius),
        strict=True,
    )
    for ax, name, values, largest, radius in panels:
        ax.plot(lags, values[:, 1:], color="C5", lw=0.5, ls="-", alpha=0.7)
        ax.plot(
            lags,
            values[:, 0],
            color="C0",
            lw=2.2,
            ls="-",
            label=r"$\sigma_1$ measured",
        )
        ax.plot(lags, largest * lags, "k:", label=r"$\sigma_{\max}(U)^k$")
        ax.plot(lags, radius * lags, "--", color="C1", label=r"$\rho(U)^k$")
        ax.set(
            title=name,
            xlabel="lag $k$ (steps)",
            ylabel=r"$\sigma$, power of ten",
        )
        ax.label_outer()
    handles, labels = axes.flat[0].get_legend_handles_labels()
    axes.flat[0].figure.legend(
        handles, labels, loc="outside lower center", ncols=3
    )
    return axes


def powers(ax: Axes, record: Powers) -> Axes:
    """Draw the norms of the powers of matrices.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    record : Powers
        What `gradflow.powers` returned.

    Returns
    -------
    Axes
        The same axes.
    """
    rows = zip(record.names, record.log10_norms, strict=True)
    for n, (name, log10_norms) in enumerate(rows):
        alive = np.isfinite(log10_norms)
        ax.plot(
            np.flatnonzero(alive), log10_norms[alive], label=name, **series(n)
        )
        if not alive.all():  # the power at which nothing is left
            ax.plot(np.flatnonzero(alive)[-1], log10_norms[alive][-1], "kx")
    ax.set(xlabel="power $k$", ylabel=r"$\Vert U^k \Vert_2$, power of ten")
    ax.set_xlim(0, record.log10_norms.shape[1] - 1)
    ax.legend()
    return ax


def cell_paths(ax: Axes, record: CellPaths) -> Axes:
    """Draw the direct path (dashed) beside all paths (solid) against lag.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    record : CellPaths
        What `gradflow.cell_paths` returned.

    Returns
    -------
    Axes
        The same axes.
    """
    rows = zip(
        record.names, record.typical_direct, record.typical_full, strict=True
    )
    for n, (name, direct, full) in enumerate(rows):
        color = f"C{n}"
        ax.plot(
            record.lags,
            full,
            color=color,
            ls="-",
            marker=MARKERS[n % len(MARKERS)],
            markersize=5,
            markevery=len(full) // 6 + 1,
            label=name,
        )
        ax.plot(record.lags, direct, color=color, ls="--")
    ax.plot([], [], color="0.3", ls="--", label="direct path")
    ax.legend()
    ax.set(yscale="log", xlabel="lag $k$ (steps)", ylabel="spectral norm")
    ax.set_xlim(0, record.lags[-1])
    return ax


def truncation(ax: Axes, records: Sequence[TruncationBias]) -> Axes:
    """Draw how well truncated gradients point: the cosine with the full one, by window.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    records : sequence of TruncationBias
        What `gradflow.truncation_bias` returned, an architecture each.

    Returns
    -------
    Axes
        The same axes.
    """
    looks = _looks([record.architecture for record in records])
    for record, look in zip(records, looks, strict=True):
        mean = record.cosines.mean(axis=0)
        _line_and_band(ax, look, record.windows, mean, record.cosines)
        ax.lines[-1].set(marker="o", markersize=3)
    ax.set(
        xscale="log",
        xlabel="window (steps)",
        ylabel="cosine with the full gradient",
    )
    ax.set_ylim(top=1.02)
    ax.legend()
    return ax


def _looks(architectures: Sequence[str]) -> list[dict[str, Any]]:
    """Return a look for each architecture; further ones differ from each other."""
    further = [
        name
        for name in dict.fromkeys(architectures)
        if name not in ARCHITECTURE_STYLES
    ]
    return [
        architecture_look(name, further.index(name) if name in further else 0)
        for name in architectures
    ]


def _line_and_band(
    ax: Axes, look: dict[str, Any], x: Any, middle: Array, by_seed: Array
) -> None:
    lowest, highest = by_seed.min(axis=0), by_seed.max(axis=0)
    ax.fill_between(x, lowest, highest, color=look["color"], alpha=0.15, lw=0)
    ax.plot(x, middle, **look)
