"""Functions over nested NamedTuples whose leaves are arrays.

Parameters, states and gradients are trees. A ``None`` is an absent array: it has no
leaves and stays ``None``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_lab.numerics import Array


def _is_node(tree: object) -> bool:
    if isinstance(tree, dict):
        raise TypeError(
            "a tree must be of NamedTuples, tuples or lists, got a dict of"
            f" {', '.join(str(key) for key in tree) or 'nothing'}"
        )
    return isinstance(tree, tuple | list)


def _rebuild(like: Any, children: list[Any]) -> Any:
    return (
        type(like)(*children)
        if hasattr(like, "_fields")
        else type(like)(children)
    )


def _describe(tree: Any) -> str:
    entries = f" of {len(tree)} entries" if _is_node(tree) else ""
    return type(tree).__name__ + entries


def map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Return the tree of ``function(leaf, *other_leaves)``, leaf by leaf.

    Parameters
    ----------
    function : callable
        Takes one leaf of each tree.
    tree : nested NamedTuples, tuples or lists
        Gives the structure of the result.
    *others : trees of the same structure
        Further arguments of `function`.

    Returns
    -------
    tree
        Of the type of `tree`.

    Raises
    ------
    TypeError
        If there is a dict among them.
    ValueError
        If the structures differ.
    """
    if tree is None:
        if any(other is not None for other in others):
            raise ValueError(
                "the trees differ: an array in one of them is None in the first"
            )
        return tree
    if not _is_node(tree):
        if any(other is None or _is_node(other) for other in others):
            raise ValueError(
                "the trees differ: a leaf of the first is no leaf in another"
            )
        return function(tree, *others)
    for other in others:
        if type(other) is not type(tree) or len(other) != len(tree):
            raise ValueError(
                f"the trees differ: {_describe(tree)} against {_describe(other)}"
            )
    children = [
        map(function, *branches) for branches in zip(tree, *others, strict=True)
    ]
    return _rebuild(tree, children)


def leaves(tree: Any, prefix: str = "") -> dict[str, Array]:
    """Return the arrays of a tree under their dotted names, in order.

    Parameters
    ----------
    tree : nested NamedTuples, tuples or lists
        Where the arrays are.
    prefix : str
        Put before every name.

    Returns
    -------
    dict of str to ndarray
        For example ``{"params.W": ..., "params.b": ..., "x": ...}``.
    """
    if tree is None:
        return {}
    if not _is_node(tree):
        return {prefix: tree}
    names = getattr(tree, "_fields", range(len(tree)))
    dot = "." if prefix else ""
    found: dict[str, Array] = {}
    for name, branch in zip(names, tree, strict=True):
        found |= leaves(branch, f"{prefix}{dot}{name}")
    return found


def size(tree: Any) -> int:
    """Return how many numbers a tree holds.

    Parameters
    ----------
    tree : nested NamedTuples, tuples or lists
        For example the parameters of a layer.

    Returns
    -------
    int
        The sum of the sizes of its arrays.
    """
    return sum(np.size(leaf) for leaf in leaves(tree).values())
