"""Scores: a loss in other units, and errors by position."""

import numpy as np
import pytest

from lstm_lab import seq2seq
from lstm_lab.tokenizer import EOS, PAD

from .conftest import some_pairs


def test_a_uniform_guess_costs_as_much_as_there_are_tokens():
    for V in (1, 2, 26):
        assert seq2seq.perplexity(np.log(V)) == pytest.approx(V, rel=1e-14)
        assert seq2seq.bits(np.log(V)) == pytest.approx(np.log2(V), rel=1e-14)


def test_a_cost_beyond_all_floats_is_infinite():
    assert seq2seq.perplexity(1e4) == np.inf


@pytest.mark.parametrize("unit", [seq2seq.perplexity, seq2seq.bits])
def test_a_cost_must_be_a_number(unit):
    with pytest.raises(ValueError, match="nats"):
        unit(np.nan)


@pytest.fixture
def pairs():
    target = np.array([[4, 5, EOS], [5, EOS, PAD], [EOS, PAD, PAD]])
    source = np.full((1, 3), 4)
    return seq2seq.Pairs(source, np.ones(3, int), target, np.array([3, 2, 1]))


def test_errors_are_shares_of_the_targets_that_are_as_long(pairs):
    wrong = pairs.target.copy()
    wrong[0, 1] = 7  # one of three
    wrong[1, 1] = 7  # one of two
    wrong[2, 2] = 7  # after an end
    found = seq2seq.errors_by_position(wrong, pairs)
    np.testing.assert_allclose(found, [1 / 3, 1 / 2, 0], rtol=1e-15)


def test_answers_may_be_longer_or_shorter(pairs):
    longer = np.vstack([pairs.target, np.full((2, 3), 7)])
    assert seq2seq.errors_by_position(longer, pairs).tolist() == [0, 0, 0]
    shorter = pairs.target[:1]
    assert seq2seq.errors_by_position(shorter, pairs).tolist() == [0, 1, 1]


def test_a_position_that_no_target_has_has_no_share(pairs):
    longer = pairs._replace(target=np.pad(pairs.target, ((0, 3), (0, 0))))
    found, expected = (
        seq2seq.errors_by_position(pairs.target[::-1], one)
        for one in (longer, pairs)
    )
    np.testing.assert_array_equal(found, expected)


def test_a_match_is_exact_to_the_last_token():
    # What stands after an end is not read.
    target = np.array([[5, 5, 5, 5], [6, EOS, 6, 6], [EOS, 7, EOS, EOS]])
    lengths = np.array([3, 2, 3, 3])
    found = np.array(
        [
            [5, 5, 5, 5],
            [6, EOS, 6, 7],
            [EOS, PAD, 6, EOS],
            [PAD, PAD, EOS, PAD],
        ]
    )
    pairs = seq2seq.Pairs(target, lengths, target, lengths)
    decoded = seq2seq.Decoded(found, np.array([3, 2, 4, 3]), np.zeros(4))
    exact = seq2seq.exact_match(decoded, pairs)
    assert exact.tolist() == [True, True, False, False]
    shorter = seq2seq.Decoded(found[:2], np.array([2, 2, 2, 2]), np.zeros(4))
    exact = seq2seq.exact_match(shorter, pairs)
    assert exact.tolist() == [False, True, False, False]


def test_scores_need_one_answer_for_each_target():
    pairs = some_pairs(np.random.default_rng(0))
    one = seq2seq.Decoded(pairs.target[:, :1], np.array([3]), np.zeros(1))
    with pytest.raises(ValueError, match=r"decoded.tokens must .* \(S, 4\)"):
        seq2seq.exact_match(one, pairs)
    with pytest.raises(ValueError, match=r"tokens must .* \(S, 4\)"):
        seq2seq.errors_by_position(pairs.target[:, :1], pairs)
    with pytest.raises(TypeError, match="tokens must be an array of integers"):
        seq2seq.errors_by_position(pairs.target * 1.0, pairs)
