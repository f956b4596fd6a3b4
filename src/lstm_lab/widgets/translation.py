"""Decoders at work: where one looks, and what it writes with a teacher and without."""

from collections.abc import Sequence
from html import escape
from typing import cast

import numpy as np

from lstm_lab import checks
from lstm_lab.numerics import Array
from lstm_lab.seq2seq import Translation, Translator
from lstm_lab.teaching import Steps, TwoWays, written
from lstm_lab.widgets.figure import Control, Frame, MovingFigure
from lstm_lab.widgets.markup import bar, cell, table, weight


def translations(
    translator: Translator,
    sources: Sequence[str],
    *,
    languages: Sequence[str] = (),
) -> MovingFigure:
    """Let a reader choose a text, and see a model's answer and where it looked.

    In a notebook there is a field for other texts as well.

    Parameters
    ----------
    translator : Translator
        The model, with attention.
    sources : sequence of str
        Texts to choose from, all different.
    languages : sequence of str, optional
        That of each source, such as ``"ja"``, for who has the page read aloud.

    Returns
    -------
    MovingFigure
        To be the value of a cell.

    Raises
    ------
    TypeError
        If `sources` is a str, or holds something else than str.
    ValueError
        If there is no source, one is empty or twice there, there are not as many languages, or
        the model has no attention.
    """
    checks.instance("translator", translator, Translator)
    sources = checks.texts("sources", sources)
    if len(set(sources)) != len(sources):
        raise ValueError(f"sources must be different, got {list(sources)}")
    if languages and len(languages) != len(sources):
        raise ValueError(
            f"languages must be one for each of {len(sources)} sources, got"
            f" {list(languages)}"
        )
    answers = translator.translate(sources)

    def answer(text: str) -> str:
        (found,) = translator.translate([text])
        return f"<p>{escape(_said(found, text))}</p>" + attention_table(
            found, text
        )

    return MovingFigure(
        "A model's answer to a text, and where it looked",
        [Control("source", sources, slides=False, languages=languages)],
        [
            # A text is shown as it is, even if it looks like a number.
            Frame(
                _said(found, source),
                attention_table(found, source, language=language),
                literal=True,
                foreign=(source, language) if language else None,
            )
            for source, found, language in zip(
                sources,
                answers,
                languages or [""] * len(sources),
                strict=True,
            )
        ],
        ask=("your own", answer),
    )


def _said(translation: Translation, source: str) -> str:
    p = np.exp(translation.log_probability)
    return f"{source} becomes {translation.text}, with probability {p:.4f}."


def attention_table(
    translation: Translation, source: str, *, language: str | None = None
) -> str:
    """Return where a model looked at each step as an HTML table: a row for each step.

    Parameters
    ----------
    translation : Translation
        What the model made of the source.
    source : str
        The text, in any script.
    language : str, optional
        That of the text, if it is not the page's.

    Returns
    -------
    str
        HTML. The weights are the opacities of the cells, and their titles.

    Raises
    ------
    TypeError
        If one of both is of another type.
    ValueError
        If the model has no attention, or the weights belong to another source or answer.
    """
    steps = written(translation, source)
    weights = cast(Array, translation.weights)
    return table(
        "Where the model looked: the source from left to right, the answer"
        " downwards",
        ["", *map(_visible, source)],
        [
            [_visible(character), *map(weight, row)]
            for character, row in zip(steps, weights, strict=True)
        ],
        kind="weights",
        language=language,
    )


def _visible(character: str) -> str:
    return "·" if character == " " else character


def teacher_and_free(records: Sequence[TwoWays]) -> MovingFigure:
    """Let a reader step through targets that are decoded with teacher forcing and without.

    Parameters
    ----------
    records : sequence of TwoWays
        What `teaching.two_ways` returned, all targets of one length, all sources different.

    Returns
    -------
    MovingFigure
        To be the value of a cell.

    Raises
    ------
    TypeError
        If a record is of another type.
    ValueError
        If targets differ in their lengths, or two sources are the same.
    """
    records = checks.items("records", records, "TwoWays")
    for n, record in enumerate(records):
        checks.instance(f"records[{n}]", record, TwoWays)
    sources = [record.source for record in records]
    if len(set(sources)) != len(sources):
        raise ValueError(f"records must have different sources, got {sources}")
    sizes = {len(record.target) for record in records}
    if len(sizes) != 1:
        raise ValueError(f"targets must have one length, got {sorted(sizes)}")
    steps = range(*sizes)
    return MovingFigure(
        "What a decoder reads and writes with a teacher, and by itself",
        [
            Control("text", sources, slides=False),
            Control("step", [f"{s + 1}" for s in steps]),
        ],
        [
            Frame(_both_said(record, s), _both(record, s))
            for record in records
            for s in steps
        ],
    )


def _both(record: TwoWays, current: int) -> str:
    def cells(way: Steps, s: int) -> list[str]:
        right = record.target[s]
        wrote, p = way.written[s], way.probability[s]
        return [
            cell(way.given[s]),
            cell(wrote, marked=wrote != right),
            bar(p),
        ]

    return table(
        "What is underlined is wrong",
        ["step", "right", *["reads", "writes", "p"] * 2],
        [
            [
                f"{s + 1}",
                cell(right),
                *cells(record.forced, s),
                *cells(record.free, s),
            ]
            for s, right in enumerate(record.target)
        ],
        groups=[("", 2), ("with a teacher", 3), ("by itself", 3)],
        current=current,
    )


def _both_said(record: TwoWays, s: int) -> str:
    forced, free = record.forced, record.free
    told = (
        f"Step {s + 1}, where {record.target[s]} is right. With a teacher the"
        f" model reads {forced.given[s]} and writes {forced.written[s]}"
        f" ({forced.probability[s]:.2f}); by itself it reads {free.given[s]} and"
        f" writes {free.written[s]} ({free.probability[s]:.2f})."
    )
    if record.parted is None or s < record.parted:
        return f"{told} So far both have read the same."
    return f"{told} They have read different tokens since step {record.parted + 1}."
