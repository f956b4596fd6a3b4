"""Texts to copy: every length and character as likely."""

from string import ascii_lowercase

import numpy as np
import pytest

from lstm_lab.transductions import copy

B = 60
DRAWS = 20_000
# Five standard errors of a share p of DRAWS are at most this times sqrt(p).
SAMPLING = 5 / np.sqrt(DRAWS)


def test_targets_are_their_sources(rng):
    source, target = copy(B, length=(1, 6), rng=rng)
    assert len(source) == B
    assert target == source


def test_lengths_and_characters_are_as_likely(rng):
    source, _ = copy(DRAWS, length=(2, 5), rng=rng)
    _, lengths = np.unique(list(map(len, source)), return_counts=True)
    np.testing.assert_allclose(lengths / DRAWS, 1 / 4, atol=SAMPLING / 2)
    first = [text[0] for text in source]
    letters, counts = np.unique(first, return_counts=True)
    assert "".join(letters) == ascii_lowercase
    atol = SAMPLING / 26**0.5
    np.testing.assert_allclose(counts / DRAWS, 1 / 26, atol=atol)
    last = {text[-1] for text in source if len(text) == 5}
    assert last == set(ascii_lowercase)


def test_one_length_is_that_of_all(rng):
    source, _ = copy(B, length=7, rng=rng)
    assert set(map(len, source)) == {7}
    assert len(set(source)) == B


def test_draws_are_seeded():
    first, second, other = (
        copy(B, length=(1, 5), rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"length": 0}, ValueError, "length must be at least 1, got 0"),
        ({"length": (0, 3)}, ValueError, "length must be at least 1, got 0"),
        ({"length": 2.0}, TypeError, "length must be an integer, got 2.0"),
        ({"length": (3, 2)}, ValueError, r"length must be .*got \(3, 2\)"),
        ({"length": (1, 2, 3)}, ValueError, r"length must be .*got \(1, 2"),
        ({"B": 0}, ValueError, "B must be at least 1, got 0"),
        ({"rng": 3}, TypeError, "rng must be a numpy"),
    ],
)
def test_bad_arguments_are_named(changes, error, message, rng):
    with pytest.raises(error, match=message):
        copy(**{"B": B, "length": 3, "rng": rng} | changes)
