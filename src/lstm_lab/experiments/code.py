"""The fingerprint of the code behind an experiment: what it does, not how it is written down."""

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec, resolve_name
from itertools import groupby
from typing import Any

PACKAGE = "lstm_lab"
FRAME = {f"lstm_lab.experiments{module}" for module in ("", ".code", ".running", ".store")}
"""Modules that run and store experiments; they have no part in the results."""


@cache
def fingerprints(module: str) -> dict[str, str]:
    """Return the hash of a module and of each module that it imports of its package or ours.

    Imports inside functions count. The result is cached, since a module stays as it was imported
    when its file changes later.
    """
    packages = {PACKAGE, _top(module)}
    found: dict[str, str] = {}
    waiting = {module}
    while waiting:
        spec: Any = find_spec(waiting.pop())
        tree = ast.parse(spec.loader.get_source(spec.name))
        found[spec.name] = fingerprint(tree)
        waiting |= {*_imports(tree, spec.parent, packages)}
        waiting -= FRAME | found.keys()
    return dict(sorted(found.items()))


def fingerprint(tree: ast.AST) -> str:
    """Return the hash of a syntax tree without comments, docstrings and layout.

    Every Python from 3.11 on returns the same hash: absent fields, which differ between
    versions, are left out, so is the ``u`` of a text, and the pieces of an f-string are joined.
    """
    text = json.dumps(_canonical(tree))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _canonical(node: Any) -> Any:
    if isinstance(node, ast.JoinedStr):
        return ["JoinedStr", *map(_canonical, _joined(node.values))]
    if isinstance(node, ast.AST):
        fields = [
            [name, _canonical(value)]
            for name, value in ast.iter_fields(node)
            if not (name == "kind" or value is None or value == [])
        ]
        return [type(node).__name__, *fields]
    if isinstance(node, list):
        return [_canonical(item) for item in node if not _is_remark(item)]
    return ascii(node)  # repr depends on the Unicode version of this Python


def _is_remark(node: Any) -> bool:
    """Return whether a statement is only a string, such as a docstring."""
    match node:
        case ast.Expr(ast.Constant(str())):
            return True
    return False


def _joined(values: list[Any]) -> Iterator[ast.expr]:
    """Yield the parts of an f-string, with each text in one piece."""
    for is_text, parts in groupby(values, lambda value: isinstance(value, ast.Constant)):
        if not is_text:
            yield from parts
        elif text := "".join(part.value for part in parts):
            yield ast.Constant(text)


def _imports(tree: ast.AST, home: str, packages: set[str]) -> Iterator[str]:
    """Yield the modules of the packages that are imported, or that a name is taken from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from (name for name in names if _top(name) in packages)
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), home)
            if _top(origin) in packages:
                inner = [f"{origin}.{alias.name}" for alias in node.names]
                yield from (n if _is_module(n) else origin for n in inner)


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the name before the last dot is not a package
        return False


def _top(name: str) -> str:
    return name.partition(".")[0]
