"""Functions over nested NamedTuples whose leaves are arrays.

Parameters, states and gradients are trees of NamedTuples, tuples or lists. A ``None`` is an
absent array: it has no leaves and stays ``None``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_lab.numerics import Array


def map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Return the tree of ``function(leaf, *other_leaves)``, leaf by leaf.

    Parameters
    ----------
    function : callable
        Takes one leaf of each tree.
    tree, *others : trees of the same structure
        The first gives the type of the result.

    Returns
    -------
    tree
        The results.

    Raises
    ------
    TypeError
        If a tree contains a dict.
    ValueError
        If the structures differ.
    """
    if _is_node(tree):
        for other in others:
            if type(other) is not type(tree) or len(other) != len(tree):
                raise ValueError(
                    f"the trees differ: {_describe(tree)} against {_describe(other)}"
                )
        branches = zip(tree, *others, strict=True)
        children = [map(function, *branch) for branch in branches]
        is_named = hasattr(tree, "_fields")
        return type(tree)(*children) if is_named else type(tree)(children)
    for other in others:
        if _is_node(other) or (other is None) != (tree is None):
            raise ValueError(
                f"the trees differ: {_describe(tree)} against {_describe(other)}"
            )
    return None if tree is None else function(tree, *others)


def leaves(tree: Any, prefix: str = "") -> dict[str, Array]:
    """Return the arrays of a tree under their dotted names, in order.

    Parameters
    ----------
    tree : nested NamedTuples, tuples or lists
        The tree.
    prefix : str
        The first part of every name.

    Returns
    -------
    dict of str to ndarray
        For example ``{"params.W": ..., "params.b": ..., "x": ...}``.
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


def _describe(tree: Any) -> str:
    entries = f" of {len(tree)} entries" if _is_node(tree) else ""
    return type(tree).__name__ + entries
