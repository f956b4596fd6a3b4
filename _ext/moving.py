"""Bring the script and the style of `lstm_lab.widgets` to the pages that have a figure to move."""

from lstm_lab import widgets


def serve(app):
    """Copy both files to the site."""
    app.config.html_static_path += map(str, (widgets.SCRIPT, widgets.STYLE))


def load(app, _page, _template, context, _doctree):
    """Load both where they are needed, the script as a classic one, which works from a file too."""
    if 'class="lab-figure"' in context.get("body", ""):
        app.add_js_file(widgets.SCRIPT.name, loading_method="defer")
        app.add_css_file(widgets.STYLE.name)


def setup(app):
    """Wait for the configuration, and for each page."""
    app.connect("builder-inited", serve)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
