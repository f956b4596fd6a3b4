"""Parameter counts: the formulas against the arrays, and against sums by hand."""

import numpy as np
import pytest

from lstm_lab import counting, coupled, gru, interop, lstm, rnn, tree

ARCHITECTURES = [rnn, gru, lstm]
SIZES = [(4, 32), (1, 1), (7, 5)]


@pytest.mark.parametrize(
    ("convention", "expected", "ratio"),
    [
        ("book", [1_184, 3_552, 4_736], 0.75),
        ("pytorch", [1_216, 3_648, 4_864], 0.75),
        ("keras", [1_184, 3_648, 4_736], 0.770),
    ],
)
def test_the_counts_of_the_comparison(convention, expected, ratio):
    counts = [
        counting.layer(arch, 4, 32, convention=convention)
        for arch in ARCHITECTURES
    ]
    assert counts == expected
    assert round(counts[1] / counts[2], 3) == ratio


@pytest.mark.parametrize("arch", [*ARCHITECTURES, coupled])
@pytest.mark.parametrize(("D", "H"), SIZES)
def test_book_convention_counts_the_arrays(arch, D, H):
    params = arch.init(D, H, rng=np.random.default_rng(0))
    assert counting.layer(arch, D, H) == tree.size(params)


@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize(("D", "H"), SIZES)
def test_library_conventions_count_the_arrays(arch, D, H):
    options = {"reset": "after"} if arch is gru else {}
    params = arch.init(D, H, rng=np.random.default_rng(0), **options)
    for convention, write in (
        ("pytorch", interop.to_torch),
        ("keras", interop.to_keras),
    ):
        held = sum(array.size for array in write(params).values())
        assert counting.layer(arch, D, H, convention=convention) == held


def test_a_library_would_give_any_gates_its_number_of_biases():
    """Three gates of coupled cells, as the three of a GRU but for Keras' reset gate."""
    counts = [
        counting.layer(coupled, 4, 32, convention=convention)
        for convention in counting.CONVENTIONS
    ]
    assert counts == [3_552, 3_648, 3_552]


def test_upper_layers_read_the_states_below():
    count = counting.model(lstm, 4, 32, layers=3)
    above = counting.layer(lstm, 32, 32)
    assert count.layers == (4_736, above, above)
    assert count.total == 4_736 + 2 * above


def test_layers_of_a_stack_follow_the_convention():
    count = counting.model(gru, 4, 32, layers=2, convention="pytorch")
    assert count.layers == (
        counting.layer(gru, 4, 32, convention="pytorch"),
        counting.layer(gru, 32, 32, convention="pytorch"),
    )


def test_the_book_has_one_bias_for_each_gate():
    assert [counting.bias_vectors(arch) for arch in ARCHITECTURES] == [1, 1, 1]


@pytest.mark.parametrize(
    ("arch", "expected"), [(rnn, 13_416), (gru, 29_928), (lstm, 38_184)]
)
def test_models_have_an_embedding_and_an_output_layer(arch, expected):
    count = counting.model(arch, 64, 64, embedding=40, output=40)
    assert count.total == expected
    assert count.embedding == 40 * 64
    assert count.output == 40 * 64 + 40
    assert counting.model(arch, 64, 64).total == sum(count.layers)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"D": 0}, "D must be at least 1, got 0"),
        ({"H": 2.5}, "H must be an integer, got 2.5"),
        (
            {"convention": "jax"},
            "convention must be one of book, pytorch, keras, got 'jax'",
        ),
        ({"arch": tree}, "arch must be a module such as rnn, .*, got <module"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"arch": lstm, "D": 4, "H": 3} | change
    with pytest.raises((TypeError, ValueError), match=message):
        counting.layer(**arguments)


@pytest.mark.parametrize("name", ["layers", "embedding", "output"])
def test_bad_model_sizes_are_named(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got -1"):
        counting.model(lstm, 4, 3, **{name: -1})
