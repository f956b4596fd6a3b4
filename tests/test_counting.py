"""Parameter counts: the formulas against the arrays, and against sums by hand."""

import pytest

from lstm_lab import counting, coupled, gru, lstm, rnn, tree


@pytest.mark.parametrize(
    ("convention", "expected"),
    [
        ("book", [1_184, 3_552, 4_736, 3_552]),
        ("pytorch", [1_216, 3_648, 4_864, 3_648]),
        ("keras", [1_184, 3_648, 4_736, 3_552]),  # two biases in the GRU
    ],
)
def test_the_counts_of_the_comparison(convention, expected):
    """Those of a library are the sizes of the arrays that its layers hold."""
    counts = [
        counting.layer(cell, 4, 32, convention=convention) for cell in (rnn, gru, lstm, coupled)
    ]
    assert counts == expected


@pytest.mark.parametrize(("D", "H"), [(4, 32), (1, 1), (7, 5)])
def test_the_book_counts_the_arrays_of_any_cell(cell, D, H, rng):
    params = cell.init(D, H, rng=rng)
    assert counting.layer(cell, D, H) == tree.size(params)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"D": 0}, "D must be at least 1, got 0"),
        ({"H": 2.5}, "H must be an integer, got 2.5"),
        ({"convention": "jax"}, "must be one of book, pytorch, keras, got 'jax"),
        ({"cell": tree}, "cell must be a cell, .*got <module"),
        ({"cell": "lstm"}, "cell must be a cell, .*got 'lstm'"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"cell": lstm, "D": 4, "H": 3} | change
    with pytest.raises((TypeError, ValueError), match=message):
        counting.layer(**arguments)
