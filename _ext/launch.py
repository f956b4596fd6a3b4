"""Let the reader run a page: here in the browser, on Binder or on Colab, or as a download.

Each page with cells becomes a notebook that needs neither the book nor its tools, with what the
build computed in it. Binder and Colab take theirs from the repository on GitHub, so where none is
known there are no buttons for them; see _ext/address.py.
"""

import json
import os
import re
from pathlib import Path

import nbformat
from address import repository
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from plain import GLUED, Plain, labels

IMPORT = re.compile(r"^from myst_nb import glue\n?", re.MULTILINE)
HIDDEN = "remove-cell"  # of cells that glue, and do nothing else
VIEW = "application/vnd.jupyter.widget-view+json"  # of what a kernel has that is no more
METADATA = ("kernelspec", "language_info")

BINDER = "https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/{page}.md"
COLAB = "https://colab.research.google.com/github/{repository}/blob/{branch}/{page}.ipynb"
BRANCH = "notebooks"  # to which .github/workflows/pages.yml publishes Colab's
BOOK = "book.pdf"  # which tools/pdf.py adds to the site
LITE = "lite/notebooks/index.html"  # which tools/lite.py adds to the site


# --- The notebooks ---


def standalone(executed, known):
    """Return an executed notebook that needs neither the book nor its tools.

    Parameters
    ----------
    executed : Path
        What the build executed. The values that it glued, if any, lie beside it.
    known : dict of plain.Label
        What has a name in the book.
    """
    notebook = nbformat.read(executed, as_version=4)
    values = glued(executed)
    for count, cell in enumerate(notebook.cells):
        cell.id = f"cell-{count}"  # not another one in each build
        for name, _ in GLUED.findall(cell.source):
            page, elsewhere, own = name.partition(".md::")
            if elsewhere:
                file = executed.with_name(f"{page}.ipynb")
                values[name] = glued(file)[own]
    return settle(notebook, Plain(executed.stem, values, known))


def glued(executed):
    """Return what Python writes for each value that the build of a page glued, by its name."""
    stored = executed.with_suffix(".glue.json")
    values = json.loads(stored.read_bytes()) if stored.exists() else {}
    return {name: value["data"]["text/plain"] for name, value in values.items()}


def settle(notebook, plain):
    """Return a notebook in plain Markdown, without the cells that glued what is now in its text.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place.
    plain : plain.Plain
        What turns the text of the page into plain Markdown.
    """
    notebook.metadata = {
        key: notebook.metadata[key] for key in METADATA if key in notebook.metadata
    }
    cells = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source)
        elif HIDDEN in cell.metadata.get("tags", ()):
            continue
        else:
            cell.source = IMPORT.sub("", cell.source)
            for output in cell.outputs:
                output.get("data", {}).pop(VIEW, None)
        if cell.source:
            cells.append(cell)
        if figure := cell.metadata.get("mystnb", {}).get("figure"):
            caption = plain.caption(figure)
            cells.append(new_markdown_cell(caption, id=f"{cell.id}-caption"))
    notebook.cells = cells
    return notebook


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


def execution(app, page):
    """Return where the build puts a page's notebook when it has executed it."""
    return Path(app.outdir).parent / "jupyter_execute" / f"{page}.ipynb"


def publish(app, exception):
    """Write every page's notebooks, when the pages have been built and all has its number."""
    if exception or app.builder.name != "html":
        return
    site = Path(app.outdir)
    name, known = repository(os.environ), labels(site)
    for page in sorted(app.env.found_docs):
        if (executed := execution(app, page)).exists():
            notebook = standalone(executed, known)
            write(notebook, site / "_sources" / f"{page}.ipynb")
            if name:
                colab = site.parent / BRANCH / f"{page}.ipynb"
                write(for_colab(notebook, name), colab)


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
                "url": address.format(repository=name, branch=BRANCH, page=page),
                "text": host,
                "tooltip": f"Run this page on a server, by {host}",
                "icon": "fas fa-cloud",
                "label": f"launch-{host.lower()}",
            }


def offer(app, page, _template, context, _doctree):
    """Add the buttons of a page with cells, before the theme adds the downloads."""
    if app.builder.name != "html" or not execution(app, page).exists():
        return
    name = repository(os.environ)
    context["ipynb_source"] = f"{page}.ipynb"
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
    app.connect("build-finished", publish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
