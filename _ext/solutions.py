"""Fold each solution as the browser itself folds, so that it is closed without a script, too.

Its whole title opens it. The link to the exercise stands inside: in the title, a click on it would
leave the place instead.
"""

import re

from sphinx.errors import ExtensionError
from sphinx_exercise.nodes import depart_solution_node, solution_node, visit_solution_node

TITLE = re.compile(
    r'<p class="admonition-title">Solution to\s*'
    r'<a class="reference internal" href="(?P<address>[^"]*)">'
    r"\s*(?P<exercise>Exercise(?: \d+)?)(?P<more>.*?)</a></p>",
    re.DOTALL,
)
# What an open one hides: "Show".
FOLDED = (
    r'<summary class="admonition-title"><span class="lab-show">Show </span>'
    r"solution to \g<exercise>\g<more></summary>"
    r'<p><a class="reference internal" href="\g<address>">Back to \g<exercise></a></p>'
)


def visit(translator, node):
    """Begin a solution, folded if its class is `dropdown`."""
    if "dropdown" not in node["classes"]:
        visit_solution_node(translator, node)
        return
    node["classes"].remove("dropdown")  # a script would fold it once more
    node["begins"] = len(translator.body)
    tag = translator.starttag(node, "details", CLASS="admonition")
    translator.body.append(tag)


def depart(translator, node):
    """End a solution; its title, which has been written by now, becomes what opens it."""
    if "begins" not in node:
        depart_solution_node(translator, node)
        return
    written = "".join(translator.body[node["begins"] :])
    folded, found = TITLE.subn(FOLDED, written, count=1)
    if not found:
        raise ExtensionError(f"this solution has another title: {written[:300]}")
    translator.body[node["begins"] :] = [f"{folded}</details>\n"]


def setup(app):
    """Replace the writer of solutions."""
    app.setup_extension("sphinx_exercise")
    app.add_node(solution_node, override=True, html=(visit, depart))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
