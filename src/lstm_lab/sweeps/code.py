"""The hash of the code behind an experiment: what it does, not how it is written down."""

import ast
import hashlib
import importlib.util
import json
from collections.abc import Iterator
from functools import cache
from importlib.abc import InspectLoader
from typing import Any, cast

PACKAGE = "lstm_lab"
SWEEPS = f"{PACKAGE}.sweeps"
"""Left out: it runs experiments and has no part in what they find."""

_IGNORED_FIELDS = {"kind", "type_comment", "type_ignores"}


@cache
def fingerprints(module: str) -> dict[str, str]:
    """Return a hash for a module and for each module of its package and ours that it imports.

    Imports are followed wherever they stand, in functions too. A package's ``__init__`` counts
    where a name is taken from it. The hash is taken once in a process: a module that was
    imported stays as it was, whatever its file says later.

    Parameters
    ----------
    module : str
        Its full name.

    Returns
    -------
    dict of str to str
        The hash of each module by its name, in the order of the names. Not to be modified.

    Raises
    ------
    ModuleNotFoundError
        If there is no such module.
    ValueError
        If a module has no Python source.
    """
    packages = {PACKAGE, _top(module)}
    found: dict[str, str] = {}
    waiting = {module}
    while waiting:
        name = waiting.pop()
        tree = ast.parse(_source(name))
        found[name] = fingerprint(tree)
        waiting |= {
            imported
            for imported in _imports(name, tree, packages)
            if not f"{imported}.".startswith(f"{SWEEPS}.")
            and imported not in found
        }
    return dict(sorted(found.items()))


def fingerprint(tree: ast.AST) -> str:
    """Return the hash of a syntax tree.

    Comments, docstrings and layout have no part in it, and every Python from 3.11 on gives the
    same one: absent fields, which differ between them, are left out, and the pieces of an
    f-string are joined.

    Parameters
    ----------
    tree : ast.AST
        For example what ``ast.parse`` returns.

    Returns
    -------
    str
        The first 16 hexadecimal digits of the SHA-256.
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
            if not (name in _IGNORED_FIELDS or value is None or value == [])
        ]
        return [type(node).__name__, *fields]
    if isinstance(node, list):
        return [_canonical(item) for item in node if not _is_remark(item)]
    return ascii(node)  # repr would ask this Python's Unicode what is printable


def _is_remark(node: Any) -> bool:
    """Whether a statement is a mere string, such as a docstring."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _joined(values: list[ast.expr]) -> list[ast.expr]:
    """Return the parts of an f-string, each text in one piece."""
    parts: list[ast.expr] = []
    for value in values:
        last = parts[-1] if parts else None
        if not isinstance(value, ast.Constant):
            parts.append(value)
        elif isinstance(last, ast.Constant):
            parts[-1] = ast.Constant(f"{last.value!s}{value.value!s}")
        elif value.value:
            parts.append(value)
    return parts


def _imports(module: str, tree: ast.AST, packages: set[str]) -> Iterator[str]:
    """Yield the modules of the packages that are imported, or that a name is taken from."""
    is_package = _spec(module).submodule_search_locations is not None
    home = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            yield from (name for name in names if _top(name) in packages)
        elif isinstance(node, ast.ImportFrom):
            relative = "." * node.level + (node.module or "")
            origin = importlib.util.resolve_name(relative, home)
            if _top(origin) in packages:
                inner = (f"{origin}.{alias.name}" for alias in node.names)
                yield from (
                    name if _is_module(name) else origin for name in inner
                )


def _top(name: str) -> str:
    return name.partition(".")[0]


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # what stands before the last dot is no package
        return False


def _spec(name: str) -> Any:
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return spec


def _source(name: str) -> str:
    source = cast(InspectLoader, _spec(name).loader).get_source(name)
    if source is None:
        raise ValueError(f"{name} must have Python source, to be hashed")
    return source
