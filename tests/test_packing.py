"""Blocks side by side: split, joined, drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_lab import lstm, packing

small = st.integers(1, 4)


@given(leading=st.lists(small, max_size=2), gates=small, H=small)
def test_splitting_and_joining_are_inverse(leading, gates, H):
    packed = np.arange(np.prod([gates, H, *leading])).reshape(gates * H, *leading) / 2
    blocks = packing.by_gate(packed, "ifog"[:gates])
    assert [b.shape for b in blocks.values()] == gates * [(H, *leading)]
    joined = packing.join(*(block.T for block in blocks.values()))
    np.testing.assert_array_equal(joined.T, packed)


def test_blocks_come_in_the_order_of_the_names():
    blocks = packing.by_gate(np.arange(24.0).reshape(8, 3), lstm.GATES)
    assert list(blocks) == ["i", "f", "o", "g"]
    assert [block.shape for block in blocks.values()] == 4 * [(2, 3)]
    assert [block[0, 0] for block in blocks.values()] == [0, 6, 12, 18]


def test_blocks_are_views():
    packed = np.zeros((4, 4))
    blocks = packing.by_gate(packed, lstm.GATES)
    blocks["f"][:] = 1
    assert packed[1].sum() == packed.sum() == 4
    assert all(np.shares_memory(b, packed) for b in blocks.values())


def test_joining_makes_a_new_array():
    block = np.zeros(2)
    assert not np.shares_memory(packing.join(block), block)


def test_blocks_must_be_equal():
    with pytest.raises(ValueError, match="equal division"):
        packing.by_gate(np.zeros(7), lstm.GATES)


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
