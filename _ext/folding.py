"""Say where a line may end within an equation, and after it.

A displayed equation that is wider than its place goes on in the next line. KaTeX lets a line end
after each relation and each binary operation that stands in no other formula. Too many of these are
inside of parentheses, and the best place is not among them: the space between equations that stand
side by side.
"""

import re
from copy import copy

from bs4 import BeautifulSoup
from docutils import nodes
from sphinxcontrib import katex

SPACE = re.compile(r"margin-right:[12]em;")  # \quad or \qquad
NESTING = {"mopen": 1, "mclose": -1}
SIGNS = re.compile(r"[.,;:!?)\]’”]+")
SYMBOL = re.compile(r"\\[A-Za-z]+|[^\s{}^_\\]")
LONGEST = 25  # symbols, in the width of a phone


def fold(display):
    """Return KaTeX's HTML of a displayed equation with boxes around what belongs together.

    Each `lab-part` is one of the equations side by side, and goes to the next line before any other
    line ends. What is in a `lab-whole` stays on one line.
    """
    soup = BeautifulSoup(display, "html.parser")
    line = soup.select_one(".katex-html")
    bases = line.contents[:] if line else []
    if len(bases) < 2 or any("base" not in base["class"] for base in bases):
        return display

    def box(name, within):
        return within.append(soup.new_tag("span", attrs={"class": name}))

    line.clear()
    part, depth = box("lab-part", line), 0
    for base in bases:
        strut, *atoms = base.contents
        if depth == 0:
            whole = box("lab-whole", part)
        piece = box("base", whole)
        piece.append(copy(strut))
        for atom in atoms:
            piece.append(atom)
            depth += nesting(atom)
            if depth == 0 and SPACE.fullmatch(atom.get("style", "")):
                part = box("lab-part", line)
                whole = box("lab-whole", part)
                piece = box("base", whole)
                piece.append(copy(strut))
    return str(soup)


def nesting(atom):
    """Return how many parentheses an atom opens, less those it closes: it may be several."""
    signs = len(next(atom.stripped_strings, ""))
    return signs * sum(NESTING.get(kind, 0) for kind in atom["class"])


def join(app, doctree, _page):
    """Keep a formula in a sentence on one line with the comma after it, unless it is long."""
    if app.builder.format != "html":
        return
    for formula in list(doctree.findall(nodes.math)):
        within = formula.parent
        place = within.index(formula)
        after = within[place + 1] if place + 1 < len(within) else None
        sign = isinstance(after, nodes.Text) and SIGNS.match(after)
        if sign and len(SYMBOL.findall(formula.astext())) <= LONGEST:
            held = formula.deepcopy(), nodes.Text(sign.group())
            within[place] = nodes.inline("", "", *held, classes=["lab-whole"])
            within[place + 1] = nodes.Text(after[sign.end() :])


def setup(app):
    """Stand where a displayed equation is rendered, and before all are."""
    render = katex.render_latex

    def render_and_fold(latex, options=None):
        html = render(latex, options)
        return fold(html) if (options or {}).get("displayMode") else html

    katex.render_latex = render_and_fold
    app.connect("doctree-resolved", join)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
