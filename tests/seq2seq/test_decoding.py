"""Searches: what they find, beside the best there is."""

import numpy as np
import pytest

from lstm_lab import seq2seq, tree
from lstm_lab.seq2seq import decoding
from lstm_lab.tokenizer import BOS, EOS, PAD, SPECIAL

from .conftest import TARGETS, network, pairs

ROUNDING = 1e-12
SYMBOLS = np.array([4, 5, 6])
LONGEST = 4


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
    batch = pairs(rng)
    return batch.source, batch.source_lengths


def scored(net, params, sources, found):
    batch = seq2seq.Batch(*sources, found.tokens, found.lengths)
    return seq2seq.log_probability(net, params, batch)


def search(name, net, params, sources, **options):
    return getattr(seq2seq, name)(
        net, params, *sources, longest=LONGEST, **options
    )


@pytest.mark.parametrize("seed", range(5))
def test_log_probabilities_are_those_of_the_targets(seed, sources):
    net = network()
    params = sharp(net, seed)
    for name, options in (
        ("greedy", {}),
        ("beam", {"width": 3}),
        ("exhaustive", {"symbols": SYMBOLS}),
    ):
        found = search(name, net, params, sources, **options)
        np.testing.assert_allclose(
            found.log_probability,
            scored(net, params, sources, found),
            rtol=ROUNDING,
        )


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_of_one_is_greedy(seed, sources):
    net = network(layers=2, cell="gru")
    params = sharp(net, seed)
    narrow = search("beam", net, params, sources, width=1)
    greedy = search("greedy", net, params, sources)
    np.testing.assert_array_equal(narrow.tokens, greedy.tokens)
    np.testing.assert_array_equal(narrow.lengths, greedy.lengths)


@pytest.mark.parametrize("exponent", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_a_beam_as_wide_as_all_beginnings_is_exhaustive(
    seed, exponent, sources
):
    net = network()
    params = sharp(net, seed)
    best = search(
        "exhaustive", net, params, sources, symbols=SYMBOLS, exponent=exponent
    )
    wide = search("beam", net, params, sources, width=200, exponent=exponent)
    np.testing.assert_array_equal(wide.lengths, best.lengths)
    size = min(len(wide.tokens), len(best.tokens))
    np.testing.assert_array_equal(wide.tokens[:size], best.tokens[:size])
    np.testing.assert_allclose(
        wide.log_probability, best.log_probability, rtol=ROUNDING
    )


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
    every = seq2seq.Batch(many, np.full(len(begun), len(many)), target, lengths)
    log_p = seq2seq.log_probability(net, params, every)
    return dict(zip(begun, log_p / lengths**exponent, strict=True))


@pytest.mark.parametrize("exponent", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_a_beam_keeps_the_best_at_each_step(seed, width, exponent, sources):
    net = network()
    params = sharp(net, seed)
    found = search("beam", net, params, sources, width=width, exponent=exponent)
    for b, length in enumerate(sources[1]):
        one = sources[0][:length, [b]]
        expected = plain_beam(net, params, one, width, exponent)
        tokens = found.tokens[: found.lengths[b], b]
        assert tuple(tokens.tolist()) == expected
        assert (found.tokens[found.lengths[b] :, b] == PAD).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_beam_compares_probabilities_unless_told_otherwise(seed, sources):
    net = network()
    params = sharp(net, seed)
    usual = search("beam", net, params, sources, width=3)
    chosen = search("beam", net, params, sources, width=3, exponent=0.0)
    np.testing.assert_array_equal(usual.tokens, chosen.tokens)


def test_what_has_ended_takes_one_place_of_a_beam(sources, monkeypatch):
    """The second place is for a beginning that overtakes the end only after many steps."""
    shares = np.full((20, TARGETS), 1e-9)
    shares[0, [EOS, 4]] = 0.5, 0.45
    shares[1, [5, 6]] = 0.9, 0.1
    shares[2:, 5] = 1
    shares[-1, [EOS, 5]] = 1, 1e-9
    steps = iter(np.log(shares))

    def step(_network, _params, _encoded, states, last):
        return np.tile(next(steps), (len(last), 1)), states, None

    monkeypatch.setattr(decoding, "step", step)
    net = network()
    found = decoding.beam(
        net, sharp(net, 0), *sources, longest=20, width=2, exponent=0.1
    )
    assert found.tokens[:, 0].tolist() == [4, *18 * [5], EOS]
    assert found.lengths.tolist() == 4 * [20]


def test_of_what_is_alike_the_first_is_taken(sources):
    """Half of the tokens are as likely here, in no order."""
    net = network(targets=600)
    drawn = seq2seq.init(net, rng=np.random.default_rng(0))
    likely = np.random.default_rng(1).random(600) < 0.5
    likely[:SPECIAL] = False
    params = tree.map(np.zeros_like, drawn)
    params = params._replace(b_out=9.0 * likely)
    found = seq2seq.beam(net, params, *sources, longest=1, width=3)
    assert found.tokens.tolist() == [4 * [likely.argmax()]]


@pytest.mark.parametrize(
    ("name", "options"), [("greedy", {}), ("beam", {"width": 1})]
)
def test_a_search_stops_at_the_last_end(name, options, sources):
    net = network()
    params = sharp(net, 9)  # which end soon
    found = getattr(seq2seq, name)(net, params, *sources, longest=20, **options)
    assert (found.tokens == EOS).any(axis=0).all()
    assert 1 < len(found.tokens) == found.lengths.max()


def test_probabilities_have_the_dtype_of_the_model(sources):
    net = network()
    params = seq2seq.init(net, rng=np.random.default_rng(0), dtype=np.float32)
    found = search("greedy", net, params, sources)
    assert found.log_probability.dtype == np.float32


def test_no_search_beats_the_exhaustive_one(sources):
    net = network()
    better = 0
    for seed in range(20):
        params = sharp(net, seed)
        best = search("exhaustive", net, params, sources, symbols=SYMBOLS)
        greedy = search("greedy", net, params, sources)
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
    behind = np.arange(LONGEST)[:, np.newaxis] >= lengths
    assert (tokens[behind] == PAD).all()


def test_examples_of_a_batch_do_not_meet(sources):
    net = network(attention="additive")
    params = sharp(net, 3)
    source, lengths = sources
    for name, options in (("greedy", {}), ("beam", {"width": 3})):
        whole = search(name, net, params, sources, **options)
        for b in range(4):
            alone = source[: lengths[b], [b]], lengths[[b]]
            one = search(name, net, params, alone, **options)
            size = one.lengths[0]
            assert size == whole.lengths[b]
            np.testing.assert_array_equal(
                one.tokens[:size, 0], whole.tokens[:size, b]
            )


def test_greedy_shows_where_it_looked(sources):
    net = network()
    found = seq2seq.greedy(net, sharp(net, 0), *sources, longest=7)
    assert len(found.tokens) != 4  # as there are sources
    assert found.weights.shape == (4, len(found.tokens), len(sources[0]))
    np.testing.assert_allclose(found.weights.sum(-1), 1, rtol=ROUNDING)
    without = network(attention=None)
    found = search("greedy", without, sharp(without, 0), sources)
    assert found.weights is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "width must be at least 1"),
        ({"width": 2, "exponent": -1.0}, "exponent must not be negative"),
        ({"width": 2, "exponent": np.nan}, "exponent must be"),
        ({"width": 2, "exponent": 1e9}, "exponent must be smaller"),
    ],
)
def test_searches_that_cannot_be(sources, options, message):
    net = network()
    with pytest.raises(ValueError, match=message):
        search("beam", net, sharp(net, 0), sources, **options)


def untrained(seed):
    """Return a model as it is drawn, in which no token is much likelier than another."""
    kinds = ("rnn", "lstm", "gru")
    net = network(cell=kinds[seed % 3], bidirectional=seed % 2 == 0)
    rng = np.random.default_rng(seed)
    dtype = (np.float32, np.float64)[seed % 5 == 0]
    params = seq2seq.init(net, rng=rng, dtype=dtype)
    batch = pairs(rng)
    return net, params, (batch.source, batch.source_lengths)


@pytest.mark.parametrize("seed", range(60))
def test_greedy_is_a_beam_of_one_before_any_training(seed):
    net, params, sources = untrained(seed)
    greedy, narrow = (
        getattr(seq2seq, name)(net, params, *sources, longest=9, **options)
        for name, options in (("greedy", {}), ("beam", {"width": 1}))
    )
    np.testing.assert_array_equal(greedy.tokens, narrow.tokens)
    np.testing.assert_array_equal(greedy.lengths, narrow.lengths)
    np.testing.assert_array_equal(
        greedy.log_probability, narrow.log_probability
    )
    np.testing.assert_allclose(
        greedy.log_probability,
        scored(net, params, sources, greedy),
        rtol=1e-5,  # some are of float32
    )


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("width", [1, 2, 50])
def test_no_search_writes_what_no_target_holds(seed, width):
    net, params, sources = untrained(seed)
    params.b_out[[PAD, BOS]] += 2  # which a search would like best
    for name, options in (("greedy", {}), ("beam", {"width": width})):
        found = search(name, net, params, sources, **options)
        steps = np.arange(len(found.tokens))[:, np.newaxis]
        within = steps < found.lengths
        assert not np.isin(found.tokens[within], [PAD, BOS]).any()
        assert (found.tokens[~within] == PAD).all()
        assert ((found.tokens == EOS) & (steps < found.lengths - 1)).sum() == 0
        assert np.isfinite(found.log_probability).all()


def test_nothing_is_written_where_logits_overflow(sources):
    net = network()
    params = sharp(net, 0)
    params.W_out[5] = np.nan
    for name, options in (("greedy", {}), ("beam", {"width": 2})):
        with pytest.raises(FloatingPointError, match="logits overflowed"):
            search(name, net, params, sources, **options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"symbols": [4, EOS]},
            ValueError,
            "symbols must be .* other than PAD",
        ),
        ({"symbols": [4, 4]}, ValueError, "none twice; got"),
        ({"symbols": [4.0]}, TypeError, "symbols must be an array of integers"),
        ({"symbols": []}, TypeError, "symbols must be an array of integers"),
        ({"symbols": SYMBOLS, "exponent": np.nan}, ValueError, "exponent must"),
        ({"symbols": SYMBOLS, "exponent": -1}, ValueError, "exponent must not"),
    ],
)
def test_exhaustive_searches_that_cannot_be(sources, options, error, message):
    net = network()
    with pytest.raises(error, match=message):
        search("exhaustive", net, sharp(net, 0), sources, **options)


@pytest.mark.parametrize(
    ("answers", "error", "message"),
    [
        ([1, 2, 3, 4], TypeError, "answers must be an array of float32"),
        (None, TypeError, "answers must be an array of float32"),
        (
            np.zeros(3),
            ValueError,
            "answers must be of at least 4 tokens, got 3",
        ),
        (np.zeros((0, 4)), ValueError, "answers must have shape"),
        (np.array([0, 0, np.inf, 0]), FloatingPointError, "overflowed"),
    ],
)
def test_logits_that_cannot_be_chosen_from(answers, error, message):
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(error, match=message),
    ):
        seq2seq.writable(answers)


def test_a_token_that_may_not_be_written_keeps_its_probability():
    answers = np.array([9.0, 9, 0, 0, 1])
    before, kept = answers.copy(), seq2seq.writable(answers)
    np.testing.assert_array_equal(answers, before)
    assert (kept[:2] == -np.inf).all()
    assert np.exp(kept[2:]).sum() < 1e-2  # the others do not share it
