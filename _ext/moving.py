"""Give the pages with moving figures the script that moves them, and its style."""

import shutil
from pathlib import Path

from lstm_lab.widgets.figure import SCRIPT, STYLE


def load(app, _page, _template, context, _doctree):
    """Load both where there is such a figure."""
    if 'class="lab-figure"' in context.get("body", ""):
        app.add_css_file(STYLE.name)
        app.add_js_file(SCRIPT.name, loading_method="defer")


def copy(app, exception):
    """Put both into the site."""
    if not exception and app.builder.format == "html":
        for file in (SCRIPT, STYLE):
            shutil.copy(file, Path(app.outdir) / "_static")


def setup(app):
    """Wait for each page, and for all of them."""
    app.connect("html-page-context", load)
    app.connect("build-finished", copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
