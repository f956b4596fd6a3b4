"""Tell search engines and other sites about the pages: sitemap, canonical address, cards.

Where the book is published is said in one place, `html_baseurl` in _config.yml; on GitHub it is
the address of the repository's pages, whichever fork builds them.
"""

import os


def published(environment):
    """Return the address of the pages of the repository that builds them, or None."""
    owner, _, name = environment.get("GITHUB_REPOSITORY", "").partition("/")
    if not name:
        return None
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name == host else f"https://{host}/{name}/"


def use(_app, config):
    """Give the address to all who ask for it."""
    config.html_baseurl = published(os.environ) or config.html_baseurl
    config.ogp_site_url = config.html_baseurl


def setup(app):
    """Bring in what makes the sitemap and the cards."""
    app.connect("config-inited", use, priority=100)
    app.setup_extension("sphinxext.opengraph")
    app.setup_extension("sphinx_sitemap")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
