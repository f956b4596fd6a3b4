"""Say what each statement of a notebook rests on, by following names from cell to cell.

A loop is one statement, and what it changes rests on all that it reads. Names of modules and of
functions are not followed.
"""

import ast
from typing import NamedTuple

CHANGING = {"append", "extend", "update", "setdefault", "pop"}


class Statement(NamedTuple):
    """A statement at the top level of a cell.

    Attributes
    ----------
    cell : int
        The index of its cell in the notebook.
    node : ast.stmt
    reads : frozenset of int
        Numbers of the statements that made what it reads.
    rests_on : frozenset of int
        The same, and what those rest on.
    """

    cell: int
    node: ast.stmt
    reads: frozenset
    rests_on: frozenset


def statements(notebook):
    """Return the statements of a notebook, in their order."""
    found, makers = [], {}
    for index, cell in enumerate(notebook.cells):
        body = ast.parse(cell.source).body if cell.cell_type == "code" else ()
        for node in body:
            reads = {makers[n] for n in names_read(node) if n in makers}
            rests_on = reads.union(*(found[n].rests_on for n in reads))
            number = len(found)
            found.append(Statement(index, node, frozenset(reads), frozenset(rests_on)))
            makers |= dict.fromkeys(names_made(node, makers), number)
    return found


def names_read(node):
    """Return the names that a statement takes from outside."""
    inner = {
        name.id
        for scope in ast.walk(node)
        if isinstance(scope, ast.comprehension | ast.For)
        for name in ast.walk(scope.target)
        if isinstance(name, ast.Name)
    }
    inner |= {a.arg for a in ast.walk(node) if isinstance(a, ast.arg)}
    read = {
        name.id
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)
    }
    added_to = {base(n.target) for n in ast.walk(node) if isinstance(n, ast.AugAssign)}
    return (read | added_to) - inner


def names_made(node, known):
    """Return the names that a statement gives a value, or whose value it changes."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef):
        return set()
    hidden = {
        name
        for scope in ast.walk(node)
        if isinstance(scope, ast.comprehension)
        for name in ast.walk(scope.target)
    }
    made = set()
    for part in ast.walk(node):
        match part:
            case ast.Name(id=name, ctx=ast.Store()) if part not in hidden:
                made.add(name)
            case ast.Subscript(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()):
                made |= {base(part)} & known.keys()
            case ast.Call(func=ast.Attribute(attr=attr) as called):
                if attr in CHANGING:
                    made |= {base(called)} & known.keys()
    return made


def base(node):
    """Return the name at the beginning of an expression such as a.b[c], or None."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def is_constant(node):
    """Tell whether a statement gives names to constants only."""
    return not any(isinstance(part, ast.Call) for part in ast.walk(node))
