"""Let the reader run a page: here in the browser, on Binder or on Colab, or as a download.

Each page with cells becomes a notebook that needs neither the book nor its tools, with what the
build computed in it. Binder and Colab take theirs from the repository on GitHub, so where none is
known there are no buttons for them; see _ext/address.py.
"""

import ast
import json
import os
import re
from functools import cache
from pathlib import Path

import nbformat
from address import repository
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from pybtex.database import parse_file

# Of a value that another page glued, the name begins with the page: ch318.md::chrono-gain.
GLUED = re.compile(r"\{glue:text\}`((?:[\w-]+\.md::)?[^`:]+)(?::([^`]+))?`")
TABLES = re.compile(r"^```\{claims\}[^`]*```$", re.MULTILINE)
IMPORT = re.compile(r"^from myst_nb import glue\n?", re.MULTILINE)
COMMENT = re.compile(r"^% .*\n*", re.MULTILINE)  # such as a note for teachers
CITATION = re.compile(r"\{cite:([tp])\}`([^`]+)`")
BIBLIOGRAPHY = Path(__file__).parents[1] / "chapters" / "references.bib"
HIDDEN = "remove-cell"  # of cells that glue, and do nothing else
METADATA = ("kernelspec", "language_info")

BINDER = (
    "https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/{page}.md"
)
COLAB = "https://colab.research.google.com/github/{repository}/blob/{branch}/{page}.ipynb"
BRANCH = "notebooks"  # to which .github/workflows/pages.yml publishes Colab's
BOOK = "book.pdf"  # which tools/pdf.py adds to the site
LITE = "lite/notebooks/index.html"  # which tools/lite.py adds to the site


# --- The notebooks ---


def standalone(executed):
    """Return an executed notebook that needs neither the book nor its tools.

    Parameters
    ----------
    executed : Path
        What the build executed. The values that it glued, if any, lie beside it.
    """
    notebook = nbformat.read(executed, as_version=4)
    texts = glued(executed)
    for cell in notebook.cells:
        for name, _ in GLUED.findall(cell.source):
            page, elsewhere, own = name.partition(".md::")
            if elsewhere:
                file = executed.with_name(f"{page}.ipynb")
                texts[name] = glued(file)[own]
    return settle(notebook, texts)


def glued(executed):
    """Return what Python writes for each value that the build of a page glued, by its name."""
    stored = executed.with_suffix(".glue.json")
    values = json.loads(stored.read_bytes()) if stored.exists() else {}
    return {name: value["data"]["text/plain"] for name, value in values.items()}


def settle(notebook, texts):
    """Return a notebook with the values in its text, and without the cells that glued them.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place.
    texts : dict of str
        What Python writes for each value, by the name under which it was glued.
    """

    def value(role):
        name, style = role.groups(default="")
        return format(ast.literal_eval(texts[name]), style)

    notebook.metadata = {
        key: notebook.metadata[key]
        for key in METADATA
        if key in notebook.metadata
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
            text = COMMENT.sub("", GLUED.sub(value, cell.source))
            text = TABLES.sub("*A table, on the page of the book.*", text)
            cell.source = CITATION.sub(cited, text)
    return notebook


def cited(role):
    """Return a citation in words: a notebook has no list of references to link to."""
    kind, keys = role.groups()
    form = "{} ({})" if kind == "t" else "{}, {}"
    works = [bibliography().entries[key.strip()] for key in keys.split(",")]
    texts = [form.format(names(work), work.fields["year"]) for work in works]
    return ", ".join(texts) if kind == "t" else f"({'; '.join(texts)})"


def names(work):
    """Return who wrote a work, the first of more than two."""
    people = work.persons["author"] or work.persons["editor"]
    family = ["".join(map(str, person.rich_last_names)) for person in people]
    return f"{family[0]} et al." if len(family) > 2 else " and ".join(family)


@cache
def bibliography():
    """Return the works that the book cites."""
    return parse_file(BIBLIOGRAPHY)


def for_colab(notebook, name):
    """Return a notebook that first installs what it needs, the package from its repository."""
    install = f"%pip install --quiet git+https://github.com/{name} sacrebleu"
    cell = new_code_cell(install, id="install")
    return NotebookNode(notebook, cells=[cell, *notebook.cells])


def write(notebook, file):
    """Write a notebook."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # JupyterLite does not expect that a source is split into lines.
    text = nbformat.writes(notebook, split_lines=False)
    file.write_text(text + "\n", encoding="utf-8")


# --- The buttons ---


def buttons(page, name, pathto):
    """Return the launch buttons of a page, for a repository or for none."""
    yield {
        "type": "link",
        "url": f"{pathto(LITE, 1)}?path={page}.ipynb",
        "text": "Run in this browser",
        "tooltip": "Run this page in your browser, with nothing to install",
        "icon": "fas fa-play",
        "label": "launch-lite",
    }
    if name:
        for host, address in (("Binder", BINDER), ("Colab", COLAB)):
            yield {
                "type": "link",
                "url": address.format(
                    repository=name, branch=BRANCH, page=page
                ),
                "text": host,
                "tooltip": f"Run this page on a server, by {host}",
                "icon": "fas fa-cloud",
                "label": f"launch-{host.lower()}",
            }


def offer(app, page, _template, context, _doctree):
    """Write a page's notebooks and add its buttons, before the theme adds the downloads."""
    site = Path(app.outdir)
    executed = site.parent / "jupyter_execute" / f"{page}.ipynb"
    if app.builder.name != "html" or not executed.exists():
        return
    name = repository(os.environ)
    notebook = standalone(executed)
    write(notebook, site / "_sources" / f"{page}.ipynb")
    context["ipynb_source"] = f"{page}.ipynb"
    if name:
        colab = site.parent / BRANCH / f"{page}.ipynb"
        write(for_colab(notebook, name), colab)
    context["header_buttons"].append(
        {
            "type": "group",
            "tooltip": "Run this page",
            "icon": "fas fa-rocket",
            "buttons": list(buttons(page, name, context["pathto"])),
            "label": "launch-buttons",
        }
    )


def offer_book(_app, _page, _template, context, _doctree):
    """Add the whole book to the downloads, and call printing by its name."""
    for group in context["header_buttons"]:
        if group.get("label") == "download-buttons":
            for button in group["buttons"]:
                if button["label"] == "download-pdf-button":
                    button["text"] = "Print"
            group["buttons"].append(
                {
                    "type": "link",
                    "url": context["pathto"](BOOK, 1),
                    "text": ".pdf",
                    "tooltip": "Download the whole book",
                    "icon": "fas fa-book",
                    "label": "download-book-button",
                }
            )


def link(_app, config):
    """Let the theme link to the repository, if it is known."""
    if name := repository(os.environ):
        config.html_theme_options |= {
            "repository_url": f"https://github.com/{name}",
            "use_repository_button": True,
            "use_issues_button": True,
        }


def setup(app):
    """Come between the theme's handlers: it makes the list of buttons, and adds its own at 501."""
    app.connect("config-inited", link)
    app.connect("html-page-context", offer, priority=500)
    app.connect("html-page-context", offer_book, priority=502)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
