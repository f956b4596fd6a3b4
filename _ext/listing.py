"""Let literalinclude leave the docstrings out of package code that it shows.

The docstrings stand on the API page; a listing beside the equations shows the code alone.
"""

import re

from docutils import nodes
from sphinx.directives.code import LiteralInclude

DOCSTRING = re.compile(r'^ +r?"""(?:.(?!"""))*?.?"""\n+', re.MULTILINE | re.DOTALL)


class Listing(LiteralInclude):
    """A literalinclude without docstrings."""

    def run(self):
        """Return what literalinclude returns, docstrings left out."""
        found = super().run()
        for node in found:
            for block in node.findall(nodes.literal_block):
                text = DOCSTRING.sub("", block.astext())
                block.rawsource = text
                block.children = [nodes.Text(text)]
        return found


def setup(app):
    """Replace the directive."""
    app.add_directive("literalinclude", Listing, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
