"""Tell search engines and other sites about the pages: sitemap, canonical address, cards.

Where the book is published is said in one place, `html_baseurl` in _config.yml; on GitHub it is
the address of the repository's pages, whichever fork builds them.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ORIGIN = re.compile(r"(?:^|//|@)github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$")


def repository(environment, folder=ROOT):
    """Return the repository on GitHub that the book is built from, ``owner/name``, or None.

    A workflow there says it; elsewhere it is what the folder was cloned from.
    """
    if name := environment.get("GITHUB_REPOSITORY"):
        return name
    git = shutil.which("git")
    if git is None or not (folder / ".git").exists():
        return None
    command = [git, "-C", str(folder), "remote", "get-url", "origin"]
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, check=False, encoding="utf-8"
    )
    found = ORIGIN.search(done.stdout.strip())
    return found[1] if found else None


def published(name):
    """Return the address of a repository's pages."""
    owner, _, project = name.partition("/")
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if project == host else f"https://{host}/{project}/"


def use(_app, config):
    """Give the address to all who ask for it."""
    if name := repository(os.environ):
        config.html_baseurl = published(name)
    config.ogp_site_url = config.html_baseurl


def setup(app):
    """Bring in what makes the sitemap and the cards."""
    app.connect("config-inited", use, priority=100)
    app.setup_extension("sphinxext.opengraph")
    app.setup_extension("sphinx_sitemap")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
