"""Tables of results, as Markdown that a notebook and the built page both render."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from tabulate import tabulate


@dataclass(frozen=True)
class Table:
    """Rows of cells under column headings; cells are shown as the text that they are.

    Parameters
    ----------
    columns : sequence of str
        Headings; they may hold mathematics between dollar signs.
    rows : iterable of sequences
        Cells; a cell that is no text is shown as ``str`` gives it.
    """

    columns: Sequence[object]
    rows: Iterable[Sequence[object]]

    def _repr_markdown_(self) -> str:
        headings = [str(heading) for heading in self.columns]
        cells = [[str(cell) for cell in row] for row in self.rows]
        return tabulate(cells, headings, "github", disable_numparse=True)


def foreign(text: str, locale: str) -> str:
    """Return a cell that holds a text in another language, and says in which.

    Parameters
    ----------
    text : str
        The text.
    locale : str
        Its language, such as ``"ja"`` or ``"pt_BR"``.

    Returns
    -------
    str
        HTML, as which Markdown takes it.
    """
    language = locale.replace("_", "-")
    return f'<span lang="{escape(language)}">{escape(text)}</span>'
