"""Nested NamedTuples of arrays, mapped, named and counted."""

from typing import NamedTuple

import numpy as np
import pytest

from lstm_lab import tree


class Leaves(NamedTuple):
    """Two arrays, one of which may be absent."""

    a: object
    b: object = None


class Nest(NamedTuple):
    """A tree, a list and a tuple in one."""

    inner: Leaves
    several: list
    pair: tuple


NEST = Nest(Leaves(np.ones(2), None), [np.zeros((2, 3)), Leaves(1.5)], (np.arange(4), None))


def test_map_keeps_the_structure():
    doubled = tree.map(lambda leaf: 2 * leaf, NEST)
    assert [type(part) for part in (doubled, *doubled)] == [Nest, Leaves, list, tuple]
    assert type(doubled.several[1]) is Leaves
    assert doubled.several[1] == Leaves(3.0, None)
    assert doubled.pair[1] is doubled.inner.b is None
    np.testing.assert_array_equal(doubled.pair[0], [0, 2, 4, 6])
    np.testing.assert_array_equal(NEST.pair[0], [0, 1, 2, 3])


def test_map_takes_leaves_together():
    sums = tree.map(lambda x, y, z: x + 10 * y + 100 * z, *[Leaves(n, [n]) for n in (1, 2, 3)])
    assert sums == Leaves(321, [321])


def test_a_leaf_and_nothing_are_trees():
    assert tree.map(lambda x, y: x - y, 5, 3) == 2
    assert tree.map(len, None, None) is None
    assert tree.leaves(7) == {"": 7}
    assert tree.leaves(7, "x") == {"x": 7}
    assert tree.leaves(None) == {}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (None, "Leaves of 2 entries against NoneType"),
        (3, "Leaves of 2 entries against int"),
        ((1, (2, 3)), "Leaves of 2 entries against tuple of 2 entries"),
        (Leaves(1, (2,)), "tuple of 2 entries against tuple of 1 entries"),
        (Leaves(1, [2, 3]), "tuple of 2 entries against list of 2 entries"),
        (Leaves(None, (2, 3)), "int against NoneType"),
        (Leaves((1,), (2, 3)), "int against tuple of 1 entries"),
    ],
)
def test_map_refuses_trees_that_differ(other, message):
    with pytest.raises(ValueError, match=f"^the trees differ: {message}$"):
        tree.map(np.add, Leaves(1, (2, 3)), other)


def test_map_refuses_an_array_where_the_first_tree_has_none():
    with pytest.raises(ValueError, match="differ: NoneType against int"):
        tree.map(np.add, Leaves(1), Leaves(1, 2))


def test_leaves_have_dotted_names_in_order():
    assert list(tree.leaves(NEST)) == ["inner.a", "several.0", "several.1.a", "pair.0"]
    assert next(iter(tree.leaves(NEST, "nest"))) == "nest.inner.a"
    assert tree.leaves(NEST)["several.0"] is NEST.several[0]


def test_size_counts_numbers():
    assert tree.size(NEST) == 2 + 6 + 1 + 4
    assert tree.size(None) == 0


@pytest.mark.parametrize(
    "use",
    [
        lambda values: tree.map(np.negative, values),
        lambda values: tree.map(np.add, np.ones(2), values),
        tree.leaves,
        tree.size,
    ],
)
def test_dicts_are_named_as_what_they_are(use):
    with pytest.raises(TypeError, match="tuples or lists, got a dict of W, b"):
        use({"W": np.ones(2), "b": np.ones(1)})
