"""Blocks side by side: split, joined, drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_lab import lstm, packing

small = st.integers(1, 4)


@given(leading=st.lists(small, max_size=2), gates=small, H=small)
def test_split_and_join_are_inverse(leading, gates, H):
    packed = (
        np.arange(np.prod([*leading, gates, H])).reshape(*leading, gates * H)
        / 2
    )
    blocks = packing.split(packed, "ifog"[:gates])
    assert [block.shape for block in blocks] == gates * [(*leading, H)]
    np.testing.assert_array_equal(packing.join(*blocks), packed)


def test_blocks_come_in_the_order_of_the_names():
    i, f, o, g = packing.split(np.arange(8.0), lstm.GATES)
    assert (i[0], f[0], o[0], g[0]) == (0, 2, 4, 6)
    rows = packing.split_rows(np.arange(24.0).reshape(8, 3), lstm.GATES)
    assert [row.shape for row in rows] == 4 * [(2, 3)]
    assert [row[0, 0] for row in rows] == [0, 6, 12, 18]


@pytest.mark.parametrize("split", [packing.split, packing.split_rows])
def test_blocks_are_views(split):
    packed = np.zeros((4, 4))
    blocks = split(packed, lstm.GATES)
    blocks[1][:] = 1
    assert packed.sum() == 4
    assert all(np.shares_memory(block, packed) for block in blocks)


def test_joining_makes_a_new_array():
    block = np.zeros(2)
    assert not np.shares_memory(packing.join(block), block)


def test_blocks_must_be_equal():
    with pytest.raises(ValueError, match="equal division"):
        packing.split(np.zeros(7), lstm.GATES)


class Pair(packing.Packed):
    """Weights of two gates, which no cell of the book has."""

    gates = ("a", "b")


@pytest.mark.parametrize("dtype", [np.float64, np.float32, "float32"])
def test_draws_are_those_of_float64(dtype):
    W, b = packing.draw(Pair, 3, 5, np.random.default_rng(1), dtype)
    wanted = np.random.default_rng(1).normal(0, 1 / np.sqrt(8), (10, 8))
    np.testing.assert_array_equal(W, wanted.astype(dtype))
    np.testing.assert_array_equal(b, np.zeros(10))
    assert W.dtype == b.dtype == np.dtype(dtype)


def test_biases_are_said_to_be_as_many_as_the_gates():
    pair = Pair(np.ones((4, 3)), np.ones((4, 1)))
    with pytest.raises(ValueError, match=r"params\.b must have shape \(2H,\)"):
        packing.check(pair, Pair)


def test_one_input_is_enough():
    pair = Pair(np.ones((4, 3)), np.ones(4))
    packing.check(pair, Pair)
    assert (pair.D, pair.H) == (1, 2)
    with pytest.raises(ValueError, match="with D at least 1"):
        packing.check(pair._replace(W=np.ones((4, 2))), Pair)


def test_a_row_with_another_state_is_a_copy():
    row = np.array([1.0, 2.0, 3.0, 4.0, 1.0])
    np.testing.assert_array_equal(packing.state(row, 2), [3, 4])
    changed = packing.with_state(row, np.array([7.0, 8.0]))
    np.testing.assert_array_equal(changed, [1, 2, 7, 8, 1])
    np.testing.assert_array_equal(row, [1, 2, 3, 4, 1])
