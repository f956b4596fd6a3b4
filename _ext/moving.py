"""Bring the script and the style of `lstm_lab.figures` to the pages that have a figure to move."""

from lstm_lab import figures


def serve(app):
    """Copy both files to the site."""
    app.config.html_static_path += map(str, (figures.SCRIPT, figures.STYLE))


def load(app, _page, _template, context, _doctree):
    """Load both where they are needed, the script as a classic one, which works from a file too."""
    if 'class="lab-figure"' in context.get("body", ""):
        app.add_js_file(figures.SCRIPT.name, loading_method="defer")
        app.add_css_file(figures.STYLE.name)


def setup(app):
    """Wait for the configuration, and for each page."""
    app.connect("builder-inited", serve)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
