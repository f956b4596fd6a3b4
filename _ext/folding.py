"""Let a displayed equation that is wider than its place go on in the next line.

KaTeX lets a line end after each relation and each binary operation that stands in no other formula.
Too many of these are inside of parentheses, and the best place is not among them: the space between
equations that stand side by side.
"""

import re
from copy import copy

from bs4 import BeautifulSoup
from sphinxcontrib import katex

SPACE = re.compile(r"margin-right:[12]em;")  # \quad or \qquad
NESTING = {"mopen": 1, "mclose": -1}


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


def setup(_app):
    """Stand where a displayed equation is rendered."""
    render = katex.render_latex

    def render_and_fold(latex, options=None):
        html = render(latex, options)
        return fold(html) if (options or {}).get("displayMode") else html

    katex.render_latex = render_and_fold
    return {"parallel_read_safe": True, "parallel_write_safe": True}
