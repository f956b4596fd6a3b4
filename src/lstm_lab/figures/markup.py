"""Tables as HTML, with cells that hold a text, a bar or a weight; and powers of ten."""

import re
from collections.abc import Iterable
from html import escape

import numpy as np

from lstm_lab.numerics import Array

POWER = re.compile(r"(?<![\w.#])(-?\d+(?:\.\d+)?)e([+-]\d+)(?!\w)")
"""A number as Python writes it when it is very small or large, such as ``6.8e-08``."""


def power(number: re.Match[str]) -> tuple[str, str]:
    """Return the base line of such a number as a power of ten, and its exponent, if any."""
    digits, exponent = number[1].replace("-", "−"), int(number[2])
    if not exponent:
        return digits, ""
    base = f"{digits}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10"
    return base, f"{exponent}".replace("-", "−")


def powers(html: str) -> str:
    """Return HTML in which such numbers are set as powers of ten."""
    raised = POWER.sub(lambda n: "{}<sup>{}</sup>".format(*power(n)), html)
    return raised.replace("<sup></sup>", "")


def spoken(language: str) -> str:
    """Return the attribute of an element in another language than the page's."""
    return f' lang="{escape(language)}"' if language else ""


def table(
    caption: str,
    head: Iterable[str],
    rows: Iterable[Iterable[str]],
    *,
    groups: Iterable[tuple[str, int]] = (),
    current: int | None = None,
    kind: str = "plain",
    language: str = "",
) -> str:
    """Return a table with a heading for each column and for each row.

    Rows begin with their heading, a text; their other entries come from `cell`, `bar` or
    `weight`. `groups` are headings above those of the columns, with the number of columns that
    each spans; `current` is the index of the row that a sentence is about; `language` is that of
    the headings of the columns. The style sheet calls the table ``lab-`` and its `kind`.
    """
    above = "".join(_heading(*group, scope="colgroup") for group in groups)
    body = ""
    for n, (first, *cells) in enumerate(rows):
        now = ' aria-current="step"' * (n == current)
        heading = f'<th scope="row">{escape(first)}</th>'
        body += f"<tr{now}>{heading}{''.join(cells)}</tr>"
    return (
        f'<table class="lab-{kind}"><caption>{escape(caption)}</caption>'
        f"<thead{spoken(language)}>{above and f'<tr>{above}</tr>'}"
        f"<tr>{''.join(map(_heading, head))}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def _heading(name: str, span: int = 1, *, scope: str = "col") -> str:
    """Return a heading, or an empty cell if it has no name."""
    if not name:
        return f'<td colspan="{span}"></td>'
    return f'<th scope="{scope}" colspan="{span}">{escape(name)}</th>'


def cell(text: str, *, marked: bool = False) -> str:
    """Return a cell with a text, which may be marked."""
    shown = escape(text)
    return f"<td><mark>{shown}</mark></td>" if marked else f"<td>{shown}</td>"


def bar(value: float, lowest: float = 0.0, highest: float = 1.0) -> str:
    """Return a cell with a number and a bar from zero to it, at most to the ends of the scale."""
    places = np.clip(sorted((0.0, value)), lowest, highest) - lowest
    start, end = 100 * places / (highest - lowest)
    return f'<td class="lab-bar" style="--from:{start:.0f}%;--to:{end:.0f}%">{value:.2f}</td>'


def bars(values: Array, n: int) -> list[str]:
    """Return cells with row n of some values: bars to 1 or to the farthest, both ways if needed."""
    reach = max(1.0, np.abs(values).max())
    lowest = -reach if values.min() < 0 else 0.0
    return [bar(value, lowest, reach) for value in values[n]]


def weight(value: float) -> str:
    """Return a cell whose color is a weight between zero and one, and which says it too."""
    # Two digits: an eye tells no more, and most weights are zero to that precision.
    digits = f"{value:.2f}"
    if digits == "0.00":
        return "<td></td>"
    return f'<td style="--w:{digits}" title="{digits}"><span class="lab-heard">{digits}</span></td>'
