"""Encoders and decoders at work: gradients through depth, attention, teacher forcing."""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lstm_lab import checks
from lstm_lab.figures import markup, style
from lstm_lab.figures.markup import bar, cell
from lstm_lab.figures.moving import Control, Frame, MovingFigure
from lstm_lab.numerics import Array
from lstm_lab.seq2seq import DepthMap, Translation, Translator
from lstm_lab.teaching import NAMES, TwoWays
from lstm_lab.tokenizer import EOS

LOWEST = -6.0  # power of ten at the dark end of a map


def depth_map(ax: Axes, record: DepthMap, *, bar: bool = True) -> Axes:
    """Draw, as colors, how much of a gradient arrives at each layer and step.

    It is the geometric mean over the seeds; `bar` says whether to draw the scale beside the map.
    """
    layers, steps = record.typical.shape
    # The lowest color stands for less, too: no hole at zero.
    powers = np.log10(np.maximum(record.typical, 10.0**LOWEST))
    edges = (0.5, steps + 0.5, 0.5, layers + 0.5)
    look = {"clim": (LOWEST, 0), "origin": "lower", "extent": edges}
    style.color_map(ax, powers, "gradient, power of ten", bar=bar, **look)
    name = "with" if record.residual else "without"
    ax.set_title(f"{name} residual\nconnections")
    ax.set(xlabel="step $t$", ylabel="layer")
    ax.locator_params(axis="y", integer=True)
    return ax


def attention_map(ax: Axes, translation: Translation, source: str) -> Axes:
    """Draw the attention weights: the source to the right, the steps of the answer downwards.

    Parameters
    ----------
    ax : Axes
    translation : Translation
        The answer, from `seq2seq.Translator.translate`.
    source : str
        The text that was translated.

    Raises
    ------
    ValueError
        If the model has no attention, or the weights belong to another source or answer.
    """
    steps, weights = _attention(translation, source)
    style.color_map(ax, weights, "weight", clim=(0, 1))
    ax.set_xticks(range(len(source)), _visible(source))
    ax.set_yticks(range(len(steps)), steps)
    ax.set(xlabel="source, as read", ylabel="target, as written")
    return ax


def attention_table(translation: Translation, source: str, language: str) -> str:
    """Return the attention weights as an HTML table, in any script: a row for each step."""
    steps, weights = _attention(translation, source)
    rows = zip(steps, weights, strict=True)
    return markup.table(
        "Where the model looked: the source from left to right, the answer downwards",
        ["", *_visible(source)],
        [[step, *map(markup.weight, row)] for step, row in rows],
        kind="weights",
        language=language,
    )


def _attention(translation: Translation, source: str) -> tuple[list[str], Array]:
    """Return the characters written, perhaps with the end, and the weights if they fit."""
    steps = [*_visible(translation.text), NAMES[EOS]]
    weights: Any = translation.weights
    shape, columns = np.shape(weights), len(checks.text("source", source))
    if shape not in ((len(steps), columns), (len(steps) - 1, columns)):
        raise ValueError(
            "translation must have weights of attention, a row for each character of"
            f" {translation.text!r} and perhaps for its end, and a column for each of"
            f" the source {source!r}; their shape is {shape}"
        )
    return steps[: len(weights)], weights


def _visible(characters: Sequence[str]) -> list[str]:
    return ["·" if c == " " else c for c in characters]


def translations(
    translator: Translator, sources: Sequence[str], *, languages: Sequence[str] = ()
) -> MovingFigure:
    """Return a figure in which a reader chooses a text, and sees the answer and its attention.

    In a notebook there is also a field for other texts.

    Parameters
    ----------
    translator : Translator
        The model, with attention.
    sources : sequence of str
        Texts to choose from.
    languages : sequence of str, optional
        The language of each source, such as ``"ja"``, for screen readers.
    """
    sources = checks.texts("sources", sources)
    languages = languages or [""] * len(sources)
    if len(languages) != len(sources):
        raise ValueError(f"languages must be one for each source, got {list(languages)}")

    def frame(source: str, found: Translation, language: str) -> Frame:
        p = np.exp(found.log_probability)
        summary = (
            f"<span{markup.spoken(language)}>{escape(source)}</span> becomes"
            f" {escape(found.text)}, with probability {p:.4f}."
        )
        return Frame(summary, attention_table(found, source, language))

    def answer(text: str) -> str:
        (found,) = translator.translate([text])
        return "<p>{}</p>{}".format(*frame(text, found, ""))

    answers = translator.translate(sources)
    return MovingFigure(
        "A model's answer to a text, and where it looked",
        [Control("source", sources, slides=False, languages=languages)],
        lambda n: frame(sources[n], answers[n], languages[n]),
        ask=("your own", answer),
    )


def teacher_and_free(records: Sequence[TwoWays]) -> MovingFigure:
    """Return a figure in which a reader steps through texts decoded with a teacher and without.

    Parameters
    ----------
    records : sequence of TwoWays
        From `teaching.two_ways`, with targets of one length.
    """
    sizes = {len(record.target) for record in records}
    if len(sizes) != 1:
        raise ValueError(f"targets must have one length, got {sorted(sizes)}")
    steps = range(*sizes)
    sources = [record.source for record in records]
    return MovingFigure(
        "What a decoder reads and writes with a teacher, and by itself",
        [Control("text", sources, slides=False), Control("step", [f"{s + 1}" for s in steps])],
        lambda n, s: _both(records[n], s),
    )


def _both(record: TwoWays, s: int) -> Frame:
    """Return the frame of one step: both ways in words, and in a table of all steps."""
    forced, free = record.forced, record.free
    summary = (
        f"Step {s + 1}, where {record.target[s]} is right. With a teacher the"
        f" model reads {forced.given[s]} and writes {forced.written[s]}"
        f" ({forced.probability[s]:.2f}); by itself it reads {free.given[s]} and"
        f" writes {free.written[s]} ({free.probability[s]:.2f})."
    )
    if record.parted is None or s < record.parted:
        summary += " So far both have read the same."
    else:
        summary += f" They have read different tokens since step {record.parted + 1}."
    rows = []
    for n, right in enumerate(record.target):
        row = [f"{n + 1}", cell(right)]
        for read, wrote, p in (forced, free):
            marked = wrote[n] != right
            row += [cell(read[n]), cell(wrote[n], marked=marked), bar(p[n])]
        rows.append(row)
    table = markup.table(
        "What is underlined is wrong",
        ["step", "right", *["reads", "writes", "p"] * 2],
        rows,
        groups=[("", 2), ("with a teacher", 3), ("by itself", 3)],
        current=s,
    )
    return Frame(escape(summary), table)
