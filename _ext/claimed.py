"""What a page claims, read from the built page and from its executed notebook.

Nothing is stored: sentences are copied from the page, values from what was executed, and which
assertion is about which value follows from the names in the cells.
"""

import ast
import os
import re
from collections import defaultdict
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import dataflow
import nbformat
from address import repository
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.util import logging
from sphinx_exercise.nodes import solution_node

log = logging.getLogger(__name__)
TESTS = "tests/test_identities.py"
SENTENCE_END = re.compile(r"(?<!e\.g)(?<!i\.e)(?<!cf)[.?!]\)?\s+(?=[^\w\s]*[A-Z]|$)")
CALLS = {"float", "int"}  # around what is glued
DIAGRAM = "It is a diagram, which draws no data."
NOTHING = "Nothing is asserted of exactly these data."
LONGEST = 110  # characters of a statement that is shown
KINDS = {
    "number": "numbers in sentences",
    "figure": "figures",
    "equation": "equations",
    "assertion": "assertions",
}


class Claim(NamedTuple):
    """What is claimed, and what carries it.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    label : list of Node
        What leads to its place.
    said : list of Node
        The sentence, the caption, the formula, or the code of assertions.
    carriers : list of Node
        Paragraphs, or nothing where what is said goes across both columns.
    """

    kind: str
    label: list
    said: list
    carriers: list


class Page:
    """A page that has been read, and its notebook, executed.

    Parameters
    ----------
    app : Sphinx
    name : str
        The page.
    shown_on : str
        The page that lists its claims.
    """

    def __init__(self, app, name, shown_on):
        self.name, self.shown_on = name, shown_on
        self.uri = app.builder.get_relative_uri(shown_on, name)
        self.doctree = app.env.get_doctree(name)
        file = Path(app.outdir).parent / "jupyter_execute" / f"{name}.ipynb"
        empty = nbformat.v4.new_notebook()
        self.notebook = nbformat.read(file, 4) if file.exists() else empty
        self.statements = dataflow.statements(self.notebook)
        self.assertions = [
            (number, part)
            for number, statement in enumerate(self.statements)
            for part in ast.walk(statement.node)
            if isinstance(part, ast.Assert)
        ]
        self.solutions = {
            cell["cell_index"]: solution["ids"][0]
            for solution in self.doctree.findall(solution_node)
            for cell in solution.findall(is_cell)
        }
        self.tests = Path(app.srcdir, TESTS)

    def sections(self):
        """Return each section with what it claims, in the order in which they are read."""
        carrying, found = set(), []
        places = list(self.doctree.findall())
        for at, node in enumerate(places):
            found += [(at, claim) for claim in self.stated(node, carrying)]
        for at, node in enumerate(places):
            if is_cell(node):
                found += [(at, claim) for claim in self.other(node, carrying)]
        claims = {}
        for at, claim in sorted(found, key=itemgetter(0)):
            claims.setdefault(section(places[at]), []).append(claim)
        return list(claims.items())

    def stated(self, node, carrying):
        """Return what a node states: a paragraph, an equation, or a cell with a figure."""
        if isinstance(node, nodes.paragraph) and any(node.findall(is_value)):
            return list(self.numbers(node, carrying))
        if isinstance(node, nodes.math_block) and node.get("label"):
            return [self.equation(node)]
        if is_cell(node) and figure_of(node):
            return [self.figure(node, carrying)]
        return []

    def link(self, place, *content, **attributes):
        """Return a link to a place on the page."""
        return nodes.reference(
            "", "", *content, internal=True, refuri=f"{self.uri}#{place}", **attributes
        )

    # --- Numbers in sentences ---

    def numbers(self, node, carrying):
        """Yield the sentences of a paragraph that have computed numbers."""
        place = next(i for i in node["ids"] if i.startswith("claim-"))
        for sentence in sentences(node):
            box = nodes.paragraph("", "", *sentence)
            values = list(box.findall(is_value))
            if not values:
                continue
            for value in values:
                value.parent.replace(value, self.link(place, value.deepcopy()))
            names = dict.fromkeys(value["glued"] for value in values)
            yield Claim(
                "number",
                [self.link(place, nodes.Text("in the text"))],
                [self.moved(box)],
                [p for name in names for p in self.computed(name, carrying)],
            )

    def computed(self, name, carrying):
        """Return how a number is computed, and what is asserted of it."""
        for statement in self.statements:
            call = glue_call(statement.node, name)
            if call is None:
                continue
            expression, makers = call, statement.reads
            if isinstance(call, ast.Call) and base_name(call) in CALLS:
                (expression,) = call.args
            lines = [nodes.literal("", name), nodes.Text(": ")]
            if not (makers and isinstance(expression, ast.Name)):
                lines.append(code(ast.unparse(expression)))
                lines += [nodes.Text(", with ")] if makers else []
            for k, maker in enumerate(sorted(makers)):
                lines += [nodes.Text(", ")] if k else []
                lines.append(code(shortened(self.statements[maker].node)))
            about = self.about(makers, direct=True)
            return [nodes.paragraph("", "", *lines), *self.listed(about, carrying)]
        raise LookupError(f"{self.name}: no cell glues {name!r}")

    # --- Figures ---

    def figure(self, cell, carrying):
        """Return what a figure's caption states."""
        figure = figure_of(cell)
        (caption,) = figure.findall(nodes.caption)
        own = {
            number
            for number, statement in enumerate(self.statements)
            if statement.cell == cell["cell_index"]
        }
        read = set().union(*(self.statements[n].reads for n in own)) - own
        data = {n for n in read if not dataflow.is_constant(self.statements[n].node)}
        carriers = self.listed(self.about(own | data), carrying)
        return Claim(
            "figure",
            [self.cross("std", "numref", figure["names"][0])],
            [self.moved(nodes.paragraph("", "", *copied(caption)))],
            carriers or [plain(NOTHING if data else DIAGRAM)],
        )

    # --- Equations ---

    def equation(self, node):
        """Return an equation and its test."""
        label = node["label"]
        found = tests(self.tests)[label]
        if not found:
            log.warning("%s has no test in %s", label, TESTS, location=node)
        head = [self.cross("math", "eq", label)]
        for name, line in found:
            head += [nodes.Text(", test "), linked_test(name, line)]
        text = node.astext()
        plainly = {"nowrap": node["nowrap"], "number": None, "label": None}
        formula = nodes.math_block(text, text, **plainly)
        return Claim("equation", head, [formula], [])

    # --- Assertions ---

    def about(self, makers, *, direct=False):
        """Return the numbers of the assertions about what some statements made."""
        makers = set(makers)
        return [
            n
            for n, (number, _) in enumerate(self.assertions)
            if makers
            & (
                self.statements[number].reads
                if direct
                else self.statements[number].rests_on | {number}
            )
        ]

    def listed(self, which, carrying):
        """Return paragraphs with some assertions, and note that they carry something."""
        carrying.update(which)
        return [self.assertion(n) for n in which]

    def assertion(self, n):
        """Return a paragraph with an assertion, and a link to its cell."""
        number, node = self.assertions[n]
        link = self.place(self.statements[number].cell)
        shown = code(ast.unparse(node.test))
        return nodes.paragraph("", "", link, nodes.Text(" "), shown)

    def place(self, cell):
        """Return a link to a cell, or to the solution in which it is folded away."""
        solution = self.solutions.get(cell)
        if solution:
            return self.link(solution, nodes.Text("asserted in a solution"))
        return self.link(f"cell-{cell}", nodes.Text("asserted"))

    def other(self, cell, carrying):
        """Return the assertions of a cell that carry no number and no caption, if any."""
        own = [
            n
            for n, (number, _) in enumerate(self.assertions)
            if self.statements[number].cell == cell["cell_index"] and n not in carrying
        ]
        shown = [code(ast.unparse(self.assertions[n][1].test)) for n in own]
        lines = [nodes.paragraph("", "", line) for line in shown]
        where = [self.place(cell["cell_index"])]
        return [Claim("assertion", where, lines, [])] if own else []

    # --- Nodes of another page ---

    def cross(self, domain, kind, target):
        """Return a reference that is resolved later, to a numbered thing."""
        return pending_xref(
            "",
            nodes.inline("", target),
            refdomain=domain,
            reftype=kind,
            reftarget=target,
            refexplicit=False,
            refwarn=True,
            refdoc=self.shown_on,
        )

    def moved(self, copy_of):
        """Make a copied node fit for another page, and return it."""
        for node in copy_of.findall(nodes.Element):
            node["ids"], node["names"] = [], []
            if "refdoc" in node:
                node["refdoc"] = self.shown_on
            if "refid" in node:
                node["refuri"] = f"{self.uri}#{node['refid']}"
                del node["refid"]
        return copy_of


def sentences(block):
    """Yield the sentences of a paragraph, each as a list of copied nodes."""
    sentence = []
    for child in block.children:
        if not isinstance(child, nodes.Text):
            sentence.append(child.deepcopy())
            continue
        text, start = child.astext(), 0
        for end in SENTENCE_END.finditer(text):
            sentence.append(nodes.Text(text[start : end.end()].rstrip()))
            yield sentence
            sentence, start = [], end.end()
        if text[start:]:
            sentence.append(nodes.Text(text[start:]))
    if sentence:
        yield sentence


def copied(block):
    """Return copies of what is in a block."""
    return [child.deepcopy() for child in block.children]


def section(node):
    """Return the section in which a node is, exercises and solutions aside."""
    while not (
        isinstance(node, nodes.section) and isinstance(node.parent, nodes.section | nodes.document)
    ):
        node = node.parent
    return node


def figure_of(cell):
    """Return the figure that a cell shows, or None."""
    return next((f for f in cell.findall(nodes.figure) if f["names"]), None)


def glue_call(node, name):
    """Return the expression that a statement glues under a name, or None."""
    match node:
        case ast.Expr(
            value=ast.Call(func=ast.Name(id="glue"), args=[ast.Constant(value=key), value])
        ) if key == name:
            return value
    return None


def base_name(call):
    """Return the name of a function that is called, or None."""
    return call.func.id if isinstance(call.func, ast.Name) else None


def shortened(node):
    """Return the code of a statement, of a long one the beginning."""
    text = ast.unparse(node).splitlines()
    line = text[0] + (" …" if text[1:] else "")
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def code(text):
    """Return a piece of Python in the colours of code; what is shortened has none."""
    look = {"language": "python", "classes": ["code", "highlight"]}
    return nodes.literal(text, text, **({} if text.endswith("…") else look))


def plain(text):
    """Return a paragraph of plain words."""
    return nodes.paragraph("", text)


@cache
def tests(file):
    """Return the name and the line of each test of an equation, by its label."""
    found = defaultdict(list)
    for function in ast.parse(file.read_text(encoding="utf-8")).body:
        for call in getattr(function, "decorator_list", ()):
            if ast.unparse(call).startswith("identity("):
                for label in call.args:
                    found[label.value].append((function.name, function.lineno))
    return found


def linked_test(name, line):
    """Return the name of a test, and where the repository is known, as a link to its code."""
    shown, known = nodes.literal("", name), repository(os.environ)
    if not known:
        return shown
    address = f"https://github.com/{known}/blob/HEAD/{TESTS}#L{line}"
    return nodes.reference("", "", shown, refuri=address)


def is_value(node):
    """Tell whether a node is a value that was inserted into a sentence of its own page."""
    return isinstance(node, nodes.inline) and "glued" in node


def is_cell(node):
    """Tell whether a node is a cell."""
    return isinstance(node, nodes.container) and "cell_index" in node


def paragraph(node):
    """Return the block in which an inline node stands."""
    while isinstance(node, nodes.Inline | nodes.Text):
        node = node.parent
    return node
