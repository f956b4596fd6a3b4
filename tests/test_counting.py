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
        counting.layer(cell, 4, 32, convention=convention)
        for cell in (rnn, gru, lstm, coupled)
    ]
    assert counts == expected


@pytest.mark.parametrize(("D", "H"), [(4, 32), (1, 1), (7, 5)])
def test_the_book_counts_the_arrays_of_any_cell(cell, D, H, rng):
    params = cell.init(D, H, rng=rng)
    assert counting.layer(cell, D, H) == tree.size(params)


@pytest.mark.parametrize("convention", counting.CONVENTIONS)
def test_upper_layers_read_the_states_below(convention):
    count = counting.model(gru, 4, 32, layers=3, convention=convention)
    first, above = (
        counting.layer(gru, D, 32, convention=convention) for D in (4, 32)
    )
    assert count.layers == (first, above, above)
    assert count.total == first + 2 * above


@pytest.mark.parametrize(
    ("cell", "expected"), [(rnn, 13_416), (gru, 29_928), (lstm, 38_184)]
)
def test_models_have_an_embedding_and_an_output_layer(cell, expected):
    count = counting.model(cell, 64, 64, embedding=40, output=40)
    assert count.total == expected
    assert count.embedding == 40 * 64
    assert count.output == 40 * 64 + 40


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"D": 0}, "D must be at least 1, got 0"),
        ({"H": 2.5}, "H must be an integer, got 2.5"),
        (
            {"convention": "jax"},
            "must be one of book, pytorch, keras, got 'jax",
        ),
        ({"cell": tree}, "cell must be a cell, .*got <module"),
        ({"cell": "lstm"}, "cell must be a cell, .*got 'lstm'"),
        ({"layers": -1}, "layers must be at least 1, got -1"),
        ({"embedding": -1}, "embedding must be at least 1, got -1"),
        ({"output": -1}, "output must be at least 1, got -1"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"cell": lstm, "D": 4, "H": 3} | change
    with pytest.raises((TypeError, ValueError), match=message):
        counting.model(**arguments)
