"""Tables of results, as Markdown that a notebook and the built page both render."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from tabulate import tabulate

# Code between backticks, as many on both sides; mathematics between dollar signs; markup.
_SPECIAL = re.compile(
    r"(?P<code>(?<!`)(`+)(?!`).+?(?<!`)\2(?!`))|(?P<math>\$(?!\s)[^$]+(?<!\s)\$)"
    r"|[\\|*_<&\[\]`$~]"
)


class Foreign(NamedTuple):
    """A cell with a text in another language, and its locale, such as ``"pt_BR"``."""

    text: str
    locale: str


@dataclass(frozen=True)
class Table:
    """Rows of cells under column headings; cells are shown as the text that they are.

    Code between backticks and mathematics between dollar signs are shown as such.

    Parameters
    ----------
    columns : sequence of str
        Headings.
    rows : iterable of sequences
        Cells; a cell that is not text is shown as ``str`` gives it, a line break as a space.
    """

    columns: Sequence[object]
    rows: Iterable[Sequence[object]]

    def _repr_markdown_(self) -> str:
        headings = [_cell(heading) for heading in self.columns]
        cells = [[_cell(cell) for cell in row] for row in self.rows]
        return tabulate(cells, headings, "github", disable_numparse=True)


def _cell(value: object) -> str:
    """Return the Markdown of a cell."""
    if isinstance(value, Foreign):
        language = escape(value.locale.replace("_", "-"))
        return f'<span lang="{language}">{_cell(value.text)}</span>'
    return _SPECIAL.sub(_shown, " ".join(str(value).splitlines()))


def _shown(found: re.Match[str]) -> str:
    """Return Markdown that shows code and mathematics as such, and markup as text."""
    if found["code"]:
        return found[0].replace("|", r"\|")
    if found["math"]:
        bars = found[0].replace(r"\|", r"\Vert ")
        return bars.replace("|", r"\vert ")
    return f"\\{found[0]}"
