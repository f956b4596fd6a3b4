"""Functions over nested NamedTuples whose leaves are arrays.

Parameters, states and gradients are trees of NamedTuples, tuples or lists. A ``None`` is an
absent array: it has no leaves and stays ``None``. A dict in a tree is a TypeError.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_lab.numerics import Array


def map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Return the tree of ``function(leaf, *other_leaves)``, leaf by leaf.

    All trees have the same structure, or a ValueError says how two differ. The first gives the
    type of the result.
    """
    for other in others:
        if _structure(other) != _structure(tree):
            raise ValueError(f"the trees differ: {_describe(tree)} against {_describe(other)}")
    if not _is_node(tree):
        return None if tree is None else function(tree, *others)
    branches = zip(tree, *others, strict=True)
    children = [map(function, *branch) for branch in branches]
    is_named = hasattr(tree, "_fields")
    return type(tree)(*children) if is_named else type(tree)(children)


def leaves(tree: Any, prefix: str = "") -> dict[str, Array]:
    """Return the arrays of a tree under their dotted names, in order.

    For example ``{"params.W": ..., "params.b": ..., "x": ...}``; `prefix` begins every name.
    """
    if not _is_node(tree):
        return {} if tree is None else {prefix: tree}
    names = getattr(tree, "_fields", range(len(tree)))
    dot = "." if prefix else ""
    found: dict[str, Array] = {}
    for name, branch in zip(names, tree, strict=True):
        found |= leaves(branch, f"{prefix}{dot}{name}")
    return found


def size(tree: Any) -> int:
    """Return how many numbers a tree holds, such as the parameters of a layer."""
    return sum(np.size(leaf) for leaf in leaves(tree).values())


def _is_node(tree: object) -> bool:
    if isinstance(tree, dict):
        raise TypeError(
            "a tree must be of NamedTuples, tuples or lists, got a dict of"
            f" {', '.join(f'{key}' for key in tree) or 'nothing'}"
        )
    return isinstance(tree, tuple | list)


def _structure(tree: Any) -> tuple[type, int] | bool:
    """Return the type and the length of a node; of a leaf, whether it is absent."""
    return (type(tree), len(tree)) if _is_node(tree) else tree is None


def _describe(tree: Any) -> str:
    entries = f" of {len(tree)} entries" if _is_node(tree) else ""
    return type(tree).__name__ + entries
