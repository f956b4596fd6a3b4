"""Set numbers that Python writes as 6.8e-08, in text and in tables, as powers of ten."""

from docutils import nodes

from lstm_lab.figures.markup import POWER, power

CODE = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw)


def set_powers(app, doctree, _page):
    """Replace each such number outside code."""
    if app.builder.format != "html":
        return
    for text in list(doctree.findall(nodes.Text)):
        if POWER.search(text) and not inside(text, CODE):
            text.parent.replace(text, list(parts(text)))


def inside(node, kinds):
    """Tell whether a node is within one of certain kinds."""
    while node := node.parent:
        if isinstance(node, kinds):
            return True
    return False


def parts(text):
    """Yield the nodes that a text becomes."""
    end = 0
    for found in POWER.finditer(text):
        base, exponent = power(found)
        yield nodes.Text(text[end : found.start()] + base)
        if exponent:
            yield nodes.superscript("", exponent)
        end = found.end()
    yield nodes.Text(text[end:])


def setup(app):
    """Wait until the values of cells stand in the text."""
    app.connect("doctree-resolved", set_powers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
