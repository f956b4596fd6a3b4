"""Every text comes back as it was, and what is not known has a name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_lab import tokenizer
from lstm_lab.tokenizer import BOS, EOS, PAD, UNK

# Lone surrogates and all: whatever a str can hold.
TEXT = st.text(st.characters(codec=None, exclude_categories=()))


@given(st.lists(TEXT, max_size=5))
def test_what_was_fitted_comes_back(texts):
    known = tokenizer.fit(texts)
    for text in texts:
        tokens = known.encode(text)
        assert len(tokens) == len(text)
        assert ((tokens >= tokenizer.SPECIAL) & (tokens < known.size)).all()
        assert known.decode(tokens) == text
        assert known.decode([BOS, *tokens, EOS, UNK, PAD]) == text


def test_the_order_of_the_texts_does_not_matter():
    known = tokenizer.fit(["ba", "cab"])
    assert known == tokenizer.fit(["c", "abba"])
    assert known.characters == ("a", "b", "c")
    assert known.size == 7
    assert tokenizer.fit([]).size == 4


def test_a_character_that_is_not_known_is_named():
    known = tokenizer.fit(["März"])
    with pytest.raises(ValueError, match=r"'a' \(U\+0061\) at index 1 of 'Mar"):
        known.encode("Marz")
    tokens = known.encode("Marz", unknown=True)
    assert tokens[1] == UNK
    assert known.decode(tokens) == "M\ufffdrz"


@pytest.mark.parametrize("token", [-1, 6])
def test_a_number_that_is_no_token_is_refused(token):
    with pytest.raises(ValueError, match=f"between 0 and 5, got {token}"):
        tokenizer.fit(["ab"]).decode([4, token])


@pytest.mark.parametrize("end", [False, True])
def test_a_batch_is_its_texts(end):
    texts = ["abc", "a", "cb"]
    known = tokenizer.fit(texts)
    tokens, lengths = known.batch(texts, end=end)
    assert tokens.shape == (3 + end, 3)
    np.testing.assert_array_equal(lengths, [3 + end, 1 + end, 2 + end])
    for b, text in enumerate(texts):
        assert known.decode(tokens[:, b]) == text
        assert (tokens[lengths[b] :, b] == PAD).all()
        assert (tokens[lengths[b] - 1, b] == EOS) == end
    tokens, _ = known.batch(["x"], unknown=True)
    assert tokens.tolist() == [[UNK]]


@pytest.mark.parametrize("texts", [[], ["a", ""]])
def test_a_batch_needs_texts(texts):
    with pytest.raises(ValueError, match="texts must be at least one"):
        tokenizer.fit(["a"]).batch(texts)


def test_no_characters_have_no_tokens_which_are_integers():
    tokens = tokenizer.fit(["ab"]).encode("")
    assert tokens.shape == (0,)
    assert np.issubdtype(tokens.dtype, np.integer)


def test_a_batch_of_unknown_characters_is_an_error_unless_told_otherwise():
    known = tokenizer.fit(["ab"])
    with pytest.raises(ValueError, match=r"'c'.* is not known"):
        known.batch(["ac"])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("ab", "texts must be a list of texts, got the str 'ab'"),
        (["a", ["b"]], r"texts\[1\] must be a str, got \['b'\]"),
        (None, "texts must be a list of texts, got NoneType"),
    ],
)
def test_a_text_is_not_a_list_of_texts(texts, message):
    with pytest.raises(TypeError, match=message):
        tokenizer.fit(texts)
    with pytest.raises(TypeError, match=message):
        tokenizer.fit(["ab"]).batch(texts)


def test_a_list_is_not_a_text():
    with pytest.raises(TypeError, match=r"text must be a str, got \['a'\]"):
        tokenizer.fit(["a"]).encode(["a"])
    with pytest.raises(TypeError, match="unknown must be a bool, got 'no'"):
        tokenizer.fit(["a"]).encode("b", unknown="no")
    with pytest.raises(TypeError, match="end must be a bool, got 5"):
        tokenizer.fit(["a"]).batch(["a"], end=5)


@pytest.mark.parametrize(
    "tokens",
    [
        *([4.7], ["4"], [True], [[4]], [[4, 5], [4]]),
        *(4, None, "ab", {4: 5}, np.array(4), np.array([[4]])),
        np.ma.array([4], mask=[True]),
    ],
    ids=repr,
)
def test_what_is_not_a_list_of_tokens_is_refused(tokens):
    with pytest.raises(TypeError, match=r"tokens(\[0\])? must be an? "):
        tokenizer.fit(["ab"]).decode(tokens)


def test_no_tokens_are_no_characters():
    known = tokenizer.fit(["ab"])
    for tokens in ([], (), np.array([]), known.encode("")):
        assert known.decode(tokens) == ""
