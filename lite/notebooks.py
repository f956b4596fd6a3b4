"""Make notebooks that run where the book's tools are not: the chapters, as the build ran them."""

import ast
import json
import re

import nbformat

GLUED = re.compile(r"\{glue:text\}`([^`:]+)(?::([^`]*))?`")
IMPORT = re.compile(r"^from myst_nb import glue\n", re.MULTILINE)
HIDDEN = "remove-cell"  # cells that glue, and do nothing else
KEPT = ("kernelspec", "language_info")


def standalone(file):
    """Return an executed notebook with the values in its text, and without what glued them.

    Parameters
    ----------
    file : Path
        A notebook of ``_build/jupyter_execute``; beside it lie the values that it glued, if any.

    Returns
    -------
    NotebookNode
        A notebook that imports nothing but what its own cells use.

    Raises
    ------
    KeyError
        If the text takes a value that no cell glued.
    """
    notebook = nbformat.read(file, as_version=4)
    stored = file.with_suffix(".glue.json")
    values = (
        {
            name: output["data"]["text/plain"]
            for name, output in json.loads(
                stored.read_text(encoding="utf-8")
            ).items()
        }
        if stored.exists()
        else {}
    )
    notebook.metadata = {
        key: notebook.metadata[key] for key in KEPT if key in notebook.metadata
    }
    notebook.cells = [
        cell
        for cell in notebook.cells
        if HIDDEN not in cell.metadata.get("tags", ())
    ]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = IMPORT.sub("", cell.source)
        else:
            cell.source = GLUED.sub(
                lambda found: shown(values[found[1]], found[2]), cell.source
            )
    return notebook


def shown(value, style):
    """Return a glued value as the page shows it, in a style such as ``.2f``."""
    value = ast.literal_eval(value)
    return format(value, style or "")
