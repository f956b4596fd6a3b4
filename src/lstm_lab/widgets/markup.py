"""Tables as HTML, with cells that hold a text, a bar or a weight; and powers of ten."""

import re
from collections.abc import Iterable, Sequence
from html import escape

POWER = re.compile(r"(?<![\w.#])(-?\d+(?:\.\d+)?)e([+-]\d+)(?!\w)")
"""A number as Python writes it when it is very small or large, such as ``6.8e-08``."""


def power(number: re.Match[str]) -> tuple[str, str]:
    """Return what stands on the line for such a number, and what above it, if anything."""
    digits, exponent = number[1].replace("-", "−"), int(number[2])
    if not exponent:
        return digits, ""
    base = f"{digits}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10"
    return base, f"{exponent}".replace("-", "−")


def powers(html: str) -> str:
    """Return HTML in which such numbers are set as powers of ten."""

    def markup(number: re.Match[str]) -> str:
        base, exponent = power(number)
        return f"{base}<sup>{exponent}</sup>" if exponent else base

    return POWER.sub(markup, html)


def spoken(language: str | None) -> str:
    """Return the attribute of an element in another language than the page's."""
    return f' lang="{escape(language)}"' if language else ""


def table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    groups: Sequence[tuple[str, int]] = (),
    current: int | None = None,
    kind: str = "plain",
    language: str | None = None,
) -> str:
    """Return a table with a heading for each column and for each row.

    Parameters
    ----------
    caption : str
        Text.
    head : sequence of str
        Text, a column each.
    rows : iterable of sequences of str
        Each begins with its heading, text; the others are cells, which `cell`, `bar` or
        `weight` made.
    groups : sequence of pairs of str and int
        Headings above those of the columns, and how many columns each spans.
    current : int, optional
        Index of the row that is talked of.
    kind : str
        In the style sheet, after ``lab-``.
    language : str, optional
        Of the headings of the columns, if it is not that of the page, such as ``"ja"``.

    Returns
    -------
    str
        HTML.
    """
    above = "".join(_heading(*group, scope="colgroup") for group in groups)
    headings = "".join(map(_heading, head))
    now = ' aria-current="step"'
    body = "".join(
        f"<tr{now if n == current else ''}>"
        f'<th scope="row">{escape(first)}</th>{"".join(cells)}</tr>'
        for n, (first, *cells) in enumerate(rows)
    )
    above = f"<tr>{above}</tr>" if groups else ""
    return (
        f'<table class="lab-{kind}"><caption>{escape(caption)}</caption>'
        f"<thead{spoken(language)}>{above}<tr>{headings}</tr></thead><tbody>{body}</tbody></table>"
    )


def _heading(name: str, span: int = 1, *, scope: str = "col") -> str:
    """Return a heading; what heads nothing is an empty cell."""
    wide = f' colspan="{span}"' if span > 1 else ""
    if not name:
        return f"<td{wide}></td>"
    return f'<th scope="{scope}"{wide}>{escape(name)}</th>'


def cell(text: str, *, marked: bool = False) -> str:
    """Return a cell of a table with a text, which may be marked."""
    shown = escape(text)
    return f"<td><mark>{shown}</mark></td>" if marked else f"<td>{shown}</td>"


def bar(
    value: float, *, lowest: float = 0.0, highest: float = 1.0, digits: int = 2
) -> str:
    """Return a cell with a number, and a bar from zero to it.

    Parameters
    ----------
    value : float
        The number.
    lowest, highest : float
        Ends of the scale, with zero between them; a bar stops there.
    digits : int
        Digits of the number behind the point.

    Returns
    -------
    str
        HTML.
    """

    def place(number: float) -> float:
        share = (number - lowest) / (highest - lowest)
        return 100 * min(max(share, 0.0), 1.0)

    start, end = sorted((place(0.0), place(value)))
    return (
        f'<td class="lab-bar" style="--from:{start:.0f}%;--to:{end:.0f}%">'
        f"{value:.{digits}f}</td>"
    )


def weight(value: float) -> str:
    """Return a cell whose colour is a weight between zero and one, and which says it too."""
    # Two digits: an eye tells no more, and most weights are zero to them.
    digits = f"{value:.2f}"
    if digits == "0.00":
        return "<td></td>"
    return (
        f'<td style="--w:{digits}" title="{digits}">'
        f'<span class="lab-heard">{digits}</span></td>'
    )
