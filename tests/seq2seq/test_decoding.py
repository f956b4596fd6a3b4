"""Searches: what they find, beside the best there is, and what they get right."""

import numpy as np
import pytest

from lstm_lab import gru, lstm, rnn, seq2seq, tree
from lstm_lab.tokenizer import BOS, EOS, PAD, SPECIAL

from .conftest import TARGETS, network, some_pairs

ROUNDING = 1e-12
SYMBOLS = np.array([4, 5, 6])
LONGEST = 4
NET = network()


def sharp(net, seed):
    """Return weights under which some targets are much likelier than others."""
    rng = np.random.default_rng(seed)
    drawn = seq2seq.init(net, rng=rng)
    params = tree.map(lambda leaf: rng.normal(0, 1, leaf.shape), drawn)
    # Of the tokens only the end and the symbols are ever likely.
    b_out = np.full_like(params.b_out, -50.0)
    b_out[[EOS, *SYMBOLS]] = 0
    return params._replace(b_out=b_out)


@pytest.fixture
def sources(rng):
    pairs = some_pairs(rng)
    return pairs.source, pairs.source_lengths


def search(name, net, params, sources, **options):
    options = {"longest": LONGEST, **options}
    return getattr(seq2seq, name)(net, params, *sources, **options)


@pytest.mark.parametrize("seed", range(3))
def test_probabilities_are_those_of_the_targets(seed, sources):
    params = sharp(NET, seed)
    for name, options in (
        ("greedy", {}),
        ("beam", {"width": 3}),
        ("exhaustive", {"symbols": SYMBOLS}),
    ):
        found = search(name, NET, params, sources, **options)
        pairs = seq2seq.Pairs(*sources, found.tokens, found.lengths)
        log_p = seq2seq.log_probability(NET, params, pairs)
        np.testing.assert_allclose(found.log_probability, log_p, rtol=ROUNDING)


@pytest.mark.parametrize("exponent", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_beam_as_wide_as_all_beginnings_is_exhaustive(seed, exponent, sources):
    params = sharp(NET, seed)
    best = search("exhaustive", NET, params, sources, symbols=SYMBOLS, exponent=exponent)
    wide = search("beam", NET, params, sources, width=200, exponent=exponent)
    np.testing.assert_array_equal(wide.lengths, best.lengths)
    size = min(len(wide.tokens), len(best.tokens))
    np.testing.assert_array_equal(wide.tokens[:size], best.tokens[:size])
    np.testing.assert_allclose(wide.log_probability, best.log_probability, rtol=ROUNDING)


def plain_beam(net, params, source, width, exponent):
    """Return what a beam finds, written with lists: each beginning is scored from its start."""
    kept = [()]
    for _ in range(LONGEST):
        ended = [begun for begun in kept if EOS in begun]
        longer = [
            (*begun, token)
            for begun in kept
            if EOS not in begun
            for token in range(TARGETS)
            if token not in (PAD, BOS)
        ]
        scores = plain_scores(net, params, source, ended + longer, exponent)
        kept = sorted(scores, key=scores.get, reverse=True)[:width]
        if all(EOS in begun for begun in kept):
            break
    return next((begun for begun in kept if EOS in begun), kept[0])


def plain_scores(net, params, source, begun, exponent):
    """Return the score of each beginning."""
    lengths = np.array(list(map(len, begun)))
    target = np.full((LONGEST, len(begun)), PAD)
    for k, tokens in enumerate(begun):
        target[: len(tokens), k] = tokens
    many = np.repeat(source, len(begun), axis=1)
    every = seq2seq.Pairs(many, np.full(len(begun), len(many)), target, lengths)
    log_p = seq2seq.log_probability(net, params, every)
    return dict(zip(begun, log_p / lengths**exponent, strict=True))


@pytest.mark.parametrize("exponent", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("seed", range(2))
def test_a_beam_keeps_the_best_at_each_step(seed, width, exponent, sources):
    params = sharp(NET, seed)
    found = search("beam", NET, params, sources, width=width, exponent=exponent)
    for b, length in enumerate(sources[1]):
        one = sources[0][:length, [b]]
        expected = plain_beam(NET, params, one, width, exponent)
        tokens = found.tokens[: found.lengths[b], b]
        assert tuple(tokens.tolist()) == expected
        assert (found.tokens[found.lengths[b] :, b] == PAD).all()


def test_of_what_is_alike_the_first_is_taken(sources):
    """Half of the tokens are as likely here, in no order."""
    net = network(targets=600)
    drawn = seq2seq.init(net, rng=np.random.default_rng(0))
    likely = np.random.default_rng(1).random(600) < 0.5
    likely[:SPECIAL] = False
    params = tree.map(np.zeros_like, drawn)
    params = params._replace(b_out=9.0 * likely)
    found = search("beam", net, params, sources, longest=1, width=3)
    assert found.tokens.tolist() == [4 * [likely.argmax()]]


def test_a_search_stops_at_the_last_end(sources):
    steps = set()
    for seed in range(10):
        found = search("greedy", NET, sharp(NET, seed), sources, longest=20)
        steps.add(len(found.tokens))
        assert len(found.tokens) == found.lengths.max()
        ended = (found.tokens == EOS).any(axis=0)
        assert (found.lengths[~ended] == 20).all()
    assert len(steps) > 2


def test_no_search_beats_the_exhaustive_one(sources):
    better = 0
    for seed in range(20):
        params = sharp(NET, seed)
        best = search("exhaustive", NET, params, sources, symbols=SYMBOLS)
        greedy = search("greedy", NET, params, sources)
        ends = (greedy.tokens == EOS).any(axis=0)
        gap = best.log_probability - greedy.log_probability
        assert (gap[ends] >= -ROUNDING).all()
        better += (gap[ends] > 0.01).sum()
    assert better > 0  # greedy does miss the best


def test_every_target_is_there_once():
    tokens, lengths = seq2seq.every_target(SYMBOLS, LONGEST)
    assert tokens.shape == (LONGEST, 1 + 3 + 9 + 27)
    assert len({tuple(t) for t in tokens.T}) == tokens.shape[1]
    ends = tokens == EOS
    assert (ends.sum(axis=0) == 1).all()
    np.testing.assert_array_equal(ends.argmax(axis=0) + 1, lengths)
    after = np.arange(LONGEST)[:, np.newaxis] >= lengths
    assert (tokens[after] == PAD).all()


def test_examples_of_a_batch_do_not_influence_each_other(net, sources):
    params = sharp(net, 3)
    source, lengths = sources
    for name, options in (("greedy", {}), ("beam", {"width": 3})):
        whole = search(name, net, params, sources, **options)
        for b in range(4):
            alone = source[: lengths[b], [b]], lengths[[b]]
            one = search(name, net, params, alone, **options)
            size = one.lengths[0]
            assert size == whole.lengths[b]
            np.testing.assert_array_equal(one.tokens[:size, 0], whole.tokens[:size, b])


@pytest.mark.parametrize("seed", range(30))
def test_no_search_writes_what_no_target_holds(seed):
    """In models as they are drawn, in which no token is much likelier than another."""
    net = network(cell=(rnn, lstm, gru)[seed % 3])
    rng = np.random.default_rng(seed)
    dtype = (np.float32, np.float64)[seed % 5 == 0]
    params = seq2seq.init(net, rng=rng, dtype=dtype)
    params.b_out[[PAD, BOS]] += 2  # which a search would like best
    pairs = some_pairs(rng)
    sources = pairs.source, pairs.source_lengths
    for name, options in (("greedy", {}), ("beam", {"width": 2}), ("beam", {"width": 50})):
        found = search(name, net, params, sources, **options)
        steps = np.arange(len(found.tokens))[:, np.newaxis]
        within = steps < found.lengths
        assert not np.isin(found.tokens[within], [PAD, BOS]).any()
        assert (found.tokens[~within] == PAD).all()
        assert ((found.tokens == EOS) & (steps < found.lengths - 1)).sum() == 0
        assert np.isfinite(found.log_probability).all()
        assert found.log_probability.dtype == dtype


def test_nothing_is_written_if_logits_overflow(sources):
    params = sharp(NET, 0)
    signs = np.resize([[1], [-1]], (TARGETS, 1)) * np.ones(3)
    huge = params._replace(W_out=1e308 * signs, b_out=np.full(TARGETS, 1.79e308))
    for name, options in (("greedy", {}), ("beam", {"width": 2})):
        with (
            np.errstate(over="ignore", invalid="ignore"),
            pytest.raises(FloatingPointError, match="logits overflowed"),
        ):
            search(name, NET, huge, sources, **options)


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("greedy", {"longest": 0}, ValueError, "longest must be at least 1"),
        ("beam", {"width": 0}, ValueError, "width must be at least 1"),
        ("beam", {"width": 2, "exponent": -1.0}, ValueError, "from 0 to 10"),
        ("beam", {"width": 2, "exponent": np.nan}, ValueError, "exponent must"),
        ("beam", {"width": 2, "exponent": 1e9}, ValueError, "from 0 to 10"),
        ("exhaustive", {"symbols": [4, EOS]}, ValueError, "symbols must be .* other than PAD"),
        ("exhaustive", {"symbols": [4, 4]}, ValueError, "none twice; got"),
        ("exhaustive", {"symbols": [4.0]}, TypeError, "symbols must be an arr"),
        ("exhaustive", {"symbols": []}, TypeError, "symbols must be an array"),
        ("exhaustive", {"symbols": SYMBOLS, "exponent": -1}, ValueError, "exponent must"),
    ],
)
def test_searches_that_cannot_be(sources, name, options, error, message):
    with pytest.raises(error, match=message):
        search(name, NET, sharp(NET, 0), sources, **options)


def test_logits_that_cannot_be_chosen_from():
    with np.errstate(invalid="ignore"), pytest.raises(FloatingPointError, match="overflowed"):
        seq2seq.writable(np.array([0, 0, np.inf, 0]))


def test_the_probability_of_what_may_not_be_written_is_not_shared_out():
    answers = np.array([9.0, 9, 0, 0, 1])
    before, kept = answers.copy(), seq2seq.writable(answers)
    np.testing.assert_array_equal(answers, before)
    assert (kept[:2] == -np.inf).all()
    assert np.exp(kept[2:]).sum() < 1e-2


# What is right


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
        seq2seq.errors_by_position(pairs.target[::-1], one) for one in (longer, pairs)
    )
    np.testing.assert_array_equal(found, expected)


def test_a_match_is_exact_to_the_last_token():
    # What stands after an end is not read.
    target = np.array([[5, 5, 5, 5], [6, EOS, 6, 6], [EOS, 7, EOS, EOS]])
    lengths = np.array([3, 2, 3, 3])
    found = np.array([[5, 5, 5, 5], [6, EOS, 6, 7], [EOS, PAD, 6, EOS], [PAD, PAD, EOS, PAD]])
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
