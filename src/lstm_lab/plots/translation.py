"""Encoder and decoder: their diagram, where attention looks, and curves of many runs."""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import findfont, get_font
from matplotlib.patches import FancyBboxPatch

from lstm_lab import checks
from lstm_lab.experiments.bottleneck import Curves
from lstm_lab.numerics import Array
from lstm_lab.plots.style import series
from lstm_lab.seq2seq import DepthMap, Translation
from lstm_lab.teaching import NAMES, written
from lstm_lab.tokenizer import BOS, EOS

BEGINNING, END = NAMES[BOS], NAMES[EOS]
SPACE = "·"


def encoder_decoder(ax: Axes) -> Axes:
    """Draw an encoder and a decoder of two layers over three steps each.

    Parameters
    ----------
    ax : Axes
        Where to draw; its frame is turned off.

    Returns
    -------
    Axes
        The same axes.
    """
    read = ("$x_1$", "$x_2$", "$x_3$", BEGINNING, "$y_1$", "$y_2$")
    written = ("", "", "", "$y_1$", "$y_2$", END)
    columns = [0.0, 1.6, 3.2, 5.8, 7.4, 9.0]
    for n, (x, below, above) in enumerate(
        zip(columns, read, written, strict=True)
    ):
        color = "C0" if n < 3 else "C1"
        for y in (0.0, 1.3):
            box = FancyBboxPatch((x - 0.46, y - 0.3), 0.92, 0.6)
            box.set_boxstyle("round", pad=0.04)
            box.set(facecolor="white", edgecolor=color, linewidth=2)
            ax.add_patch(box)
            ax.text(x, y, "LSTM", ha="center", va="center")
            if n < 5:
                _arrow(ax, (x + 0.54, y), (columns[n + 1] - 0.54, y))
        _arrow(ax, (x, -0.9), (x, -0.38))
        _arrow(ax, (x, 0.38), (x, 0.92))
        ax.text(x, -1.0, below, ha="center", va="top")
        if above:
            _arrow(ax, (x, 1.68), (x, 2.2))
            ax.text(x, 2.3, above, ha="center", va="bottom")
    ax.text(4.5, 0.65, r"$\zeta$", ha="center", va="center")
    for x, name, color in ((1.6, "encoder", "C0"), (7.4, "decoder", "C1")):
        ax.text(x, 3.1, name, ha="center", va="bottom", color=color)
    ax.set(xlim=(-0.6, 9.6), ylim=(-1.6, 3.6), aspect="equal")
    ax.axis("off")
    return ax


def _arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float]
) -> None:
    head = {"arrowstyle": "-|>", "color": "0.25", "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=head)


def depth_map(
    ax: Axes,
    record: DepthMap,
    *,
    limits: tuple[float, float] = (-6, 0),
    bar: bool = True,
) -> Axes:
    """Draw how much of a gradient arrives at each layer and step.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    record : DepthMap
        What `seq2seq.depth_map` returned.
    limits : (float, float)
        Powers of ten at the ends of the colours.
    bar : bool
        Whether to explain the colours beside the map.

    Returns
    -------
    Axes
        The same axes.

    Raises
    ------
    TypeError, ValueError
        If the record is of another type, or the limits are not two numbers in their order.
    """
    checks.instance("record", record, DepthMap)
    low, high = _limits(limits)
    typical = record.typical
    layers, steps = typical.shape
    with np.errstate(divide="ignore"):
        powers = np.clip(np.log10(typical), low, high)
    image = ax.imshow(
        powers,
        cmap="cividis",
        vmin=low,
        vmax=high,
        aspect="auto",
        origin="lower",
        interpolation="none",
        extent=(0.5, steps + 0.5, 0.5, layers + 0.5),
    )
    name = "with" if record.residual else "without"
    ax.set(title=f"{name} residual\nconnections")
    ax.set(xlabel="step $t$", ylabel="layer")
    ax.grid(visible=False)
    if bar:
        ax.figure.colorbar(image, ax=ax, label="gradient, power of ten")
    ax.locator_params(axis="y", integer=True)
    return ax


def _limits(limits: tuple[float, float]) -> tuple[float, ...]:
    found = tuple(
        checks.finite_number(f"limits[{n}]", limit)
        for n, limit in enumerate(checks.items("limits", limits, "numbers"))
    )
    if len(found) != 2 or found[0] >= found[1]:
        raise ValueError(
            f"limits must be the lower and the upper one, got {limits}"
        )
    return found


def attention_map(ax: Axes, translation: Translation, source: str) -> Axes:
    """Draw where a model looked at each step: the source to the right, its answer downwards.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    translation : Translation
        What `seq2seq.Translator.translate` made of the source.
    source : str
        The text.

    Returns
    -------
    Axes
        The same axes.

    Raises
    ------
    TypeError
        If the translation or the source is of another type.
    ValueError
        If the model has no attention, the weights belong to another source or answer, or the font
        lacks a character.
    """
    steps = written(translation, source)
    weights = cast(Array, translation.weights)
    known = get_font(findfont("DejaVu Sans")).get_charmap()
    for character in (*source, *steps):
        if ord(character) not in known:
            raise ValueError(
                f"source and answer must have characters of the font, got {character!r}"
            )
    image = ax.imshow(
        weights,
        cmap="cividis",
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="none",
    )
    ax.set_xticks(range(len(source)), _visible(source))
    ax.set_yticks(range(len(steps)), _visible(steps))
    ax.set(xlabel="source, as read", ylabel="target, as written")
    ax.grid(visible=False)
    ax.figure.colorbar(image, ax=ax, label="weight")
    return ax


def _visible(characters: Sequence[str]) -> list[str]:
    return [SPACE if c == " " else c for c in characters]


def curves(
    ax: Axes, groups: Mapping[str, Curves], *, xlabel: str, ylabel: str
) -> Axes:
    """Draw the medians of some groups of runs, each with a band from the least to the greatest.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    groups : mapping of str to Curves
        Under the names that the legend gives them.
    xlabel, ylabel : str
        What the axes show.

    Returns
    -------
    Axes
        The same axes.

    Raises
    ------
    TypeError
        If the groups are not a mapping of names to `Curves`.
    """
    checks.instance("groups", groups, Mapping)
    for n, (name, group) in enumerate(groups.items()):
        checks.instance(f"groups[{name!r}]", group, Curves)
        look = series(n)
        ax.fill_between(
            group.points, *group.range, color=look["color"], alpha=0.2, lw=0
        )
        ax.plot(
            group.points, group.median, marker="o", ms=3, label=name, **look
        )
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return ax
