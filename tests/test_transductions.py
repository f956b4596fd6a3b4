"""Texts and what they become: every answer right, every length and character as likely."""

import re
from functools import partial

import numpy as np
import pytest

from lstm_lab import transductions
from lstm_lab.transductions import ANSWERS

B = 60
DRAWS = 20_000
# Five standard errors of a share p of DRAWS are at most this times sqrt(p).
SAMPLING = 5 / np.sqrt(DRAWS)

ALPHABET = "bac\u00e9\U0001f600"
TEXTS = {
    name: getattr(transductions, name) for name in ("copy", "reverse", "sort")
}
SIZED = {
    name: (partial(task, alphabet=ALPHABET), "length")
    for name, task in TEXTS.items()
} | {"addition": (transductions.addition, "digits")}
EVERY_TEXT = pytest.mark.parametrize("task", TEXTS.values(), ids=TEXTS)
EVERY = pytest.mark.parametrize(("task", "size"), SIZED.values(), ids=SIZED)


@pytest.mark.parametrize(
    ("name", "source", "target"),
    [
        ("copy", "cab", "cab"),
        ("reverse", "cab", "bac"),
        ("sort", "cabcZ\u00e9", "Zabcc\u00e9"),
        ("addition", "17+25", "42"),
        ("addition", "0+0", "0"),
        ("addition", "99999999999999999999+1", "100000000000000000000"),
    ],
)
def test_what_a_text_becomes(name, source, target):
    assert ANSWERS[name](source) == target


@pytest.mark.parametrize("name", SIZED)
def test_targets_are_the_answers_to_their_sources(name, rng):
    task, size = SIZED[name]
    pairs = task(B, **{size: (1, 6)}, rng=rng)
    assert len(pairs.source) == B
    assert pairs.target == tuple(map(ANSWERS[name], pairs.source))


def test_every_task_has_an_answer():
    assert ANSWERS.keys() == SIZED.keys()


@EVERY_TEXT
def test_lengths_and_characters_are_as_likely(task, rng):
    source = task(DRAWS, length=(2, 5), rng=rng, alphabet=ALPHABET).source
    _, lengths = np.unique(list(map(len, source)), return_counts=True)
    np.testing.assert_allclose(lengths / DRAWS, 1 / 4, atol=SAMPLING / 2)
    first = [text[0] for text in source]
    characters, counts = np.unique(first, return_counts=True)
    assert set(characters) == set(ALPHABET)
    np.testing.assert_allclose(counts / DRAWS, 1 / 5, atol=SAMPLING / 5**0.5)
    last = {text[-1] for text in source if len(text) == 5}
    assert last == set(ALPHABET)


@EVERY_TEXT
def test_one_length_is_that_of_all(task, rng):
    source = task(B, length=7, rng=rng).source
    assert set(map(len, source)) == {7}
    assert len(set(source)) == B


@pytest.mark.parametrize(("digits", "fewest"), [(3, 1), ((2, 3), 2)])
def test_summands_are_numbers_of_up_to_so_many_digits(digits, fewest, rng):
    source = transductions.addition(DRAWS, digits=digits, rng=rng).source
    summands = np.array([text.split("+") for text in source])
    number = re.compile("0|[1-9][0-9]*")
    assert all(map(number.fullmatch, summands.ravel()))
    for side in summands.T:
        counts, shares = np.unique(np.strings.str_len(side), return_counts=True)
        assert list(counts) == list(range(fewest, 4))
        share = 1 / len(counts)
        np.testing.assert_allclose(
            shares / DRAWS, share, atol=SAMPLING * share**0.5
        )
    # The two are drawn apart.
    assert (summands[:, 0] == summands[:, 1]).mean() < 0.1


def test_numbers_with_as_many_digits_are_as_likely(rng):
    source = transductions.addition(DRAWS, digits=1, rng=rng).source
    sums, counts = np.unique(source, return_counts=True)
    assert len(sums) == 100
    np.testing.assert_allclose(counts / DRAWS, 0.01, atol=SAMPLING / 10)
    source = transductions.addition(DRAWS, digits=(2, 2), rng=rng).source
    first, counts = np.unique(
        [text.split("+")[0] for text in source], return_counts=True
    )
    assert list(first) == list(map(str, range(10, 100)))
    np.testing.assert_allclose(counts / DRAWS, 1 / 90, atol=SAMPLING / 90**0.5)


@EVERY
def test_draws_are_seeded(task, size):
    first, second, other = (
        task(B, **{size: (1, 5)}, rng=np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    assert first == second
    assert first != other


@EVERY
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0, ValueError, "{} must be at least 1, got 0"),
        ((0, 3), ValueError, "{} must be at least 1, got 0"),
        (2.0, TypeError, "{} must be an integer, got 2.0"),
        ((3, 2), ValueError, r"{} must be the smallest.*got \(3, 2\)"),
        ((1, 2, 3), ValueError, r"{} must be one number or two.*got \(1, 2"),
    ],
)
def test_sizes_that_are_none(task, size, value, error, message, rng):
    with pytest.raises(error, match=message.format(size)):
        task(B, **{size: value}, rng=rng)


@EVERY
def test_tasks_say_what_is_wrong(task, size, rng):
    with pytest.raises(ValueError, match="B must be at least 1, got 0"):
        task(0, **{size: 3}, rng=rng)
    with pytest.raises(TypeError, match="rng must be a numpy"):
        task(B, **{size: 3}, rng=3)


@EVERY_TEXT
def test_alphabets_that_are_none(task, rng):
    for alphabet in ("", "aba"):
        with pytest.raises(ValueError, match=f"none twice, got '{alphabet}'"):
            task(B, length=3, rng=rng, alphabet=alphabet)
    with pytest.raises(TypeError, match=r"alphabet must be builtins\.str"):
        task(B, length=3, rng=rng, alphabet=["a", "b"])


@pytest.mark.parametrize("text", ["", "1+", "a", "-1+2", "1_0", "1 + 2"])
def test_a_sum_is_of_numbers(text):
    with pytest.raises(ValueError, match="text must be numbers joined by"):
        ANSWERS["addition"](text)


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("text", [None, 3, ["1", "2"], b"12"])
def test_what_is_answered_is_a_text(name, text):
    with pytest.raises(TypeError, match="text must be a str, got"):
        ANSWERS[name](text)
