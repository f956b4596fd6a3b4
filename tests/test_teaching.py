"""Both ways to decode, against a loop that takes one step after the other."""

import numpy as np
import pytest

from lstm_lab import seq2seq, teaching, tokenizer
from lstm_lab.losses import log_softmax

SOURCES, TARGETS = ["ab", "c", "bca"], ["abc", "", "ccba"]


@pytest.fixture(scope="module", params=[None, "dot"])
def translator(request):
    letters = tokenizer.fit(["abc"])
    network = seq2seq.Network(
        sources=letters.size, targets=letters.size, embedding=3, hidden=4, attention=request.param
    )
    params = seq2seq.init(network, rng=np.random.default_rng(3))
    return seq2seq.Translator(network, seq2seq.Vocabularies(letters, letters), params)


def decoded(translator, source, target, *, forced):
    """Yield what is given and written, and its probability, one step at a time."""
    network, vocabularies, params = translator
    names = [*teaching.NAMES.values(), *vocabularies.target.characters]
    batch = vocabularies.batch([source], [target])
    encoded = seq2seq.encode(network, params, batch.source, batch.source_lengths)
    states, last = encoded.states, np.array([tokenizer.BOS])
    for right in batch.target:
        answers, states = seq2seq.step(network, params, encoded, states, last)
        log_p = log_softmax(answers[0])
        log_p[[tokenizer.PAD, tokenizer.BOS]] = -np.inf  # are never written
        written = int(log_p.argmax())
        yield names[last[0]], names[written], np.exp(log_p[written])
        last = right if forced else np.array([written])


def test_names_are_in_the_order_of_the_tokens():
    assert [*teaching.NAMES] == [*range(tokenizer.SPECIAL)]


def test_both_ways_are_those_of_single_steps(translator):
    records = teaching.two_ways(translator, SOURCES, TARGETS)
    for record, source, target in zip(records, SOURCES, TARGETS, strict=True):
        assert record.source == source
        assert record.target == (*target, "⏎")
        for way, forced in ((record.forced, True), (record.free, False)):
            steps = decoded(translator, source, target, forced=forced)
            given, written, p = zip(*steps, strict=True)
            assert (way.given, way.written) == (given, written)
            np.testing.assert_allclose(way.probability, p, rtol=1e-12)


def test_ways_part_where_another_token_is_read():
    def way(given):
        return teaching.Steps(tuple(given), ("a",) * 3, np.ones(3))

    def parted(one, other):
        record = teaching.TwoWays("a", ("a",) * 3, way(one), way(other))
        return record.parted

    assert parted("⊢ab", "⊢ab") is None
    assert parted("⊢ab", "⊢aa") == 2
    assert parted("⊢ab", "⊢bb") == 1


def test_unequal_numbers_are_refused(translator):
    with pytest.raises(ValueError, match="must be as many"):
        teaching.two_ways(translator, ["a"], [])


def test_a_text_is_not_a_list_of_texts(translator):
    with pytest.raises(TypeError, match="sources must be a list of texts"):
        teaching.two_ways(translator, "ab", ["a", "b"])
    with pytest.raises(TypeError, match="targets must be a list of texts"):
        teaching.two_ways(translator, ["a", "b"], "ab")


@pytest.mark.parametrize("seed", range(30))
def test_nothing_is_written_that_no_target_holds(translator, seed):
    params = seq2seq.init(translator.network, rng=np.random.default_rng(seed))
    params.b_out[[tokenizer.PAD, tokenizer.BOS]] = 3
    model = translator._replace(params=params)
    special = {teaching.NAMES[tokenizer.PAD], teaching.NAMES[tokenizer.BOS]}
    for record in teaching.two_ways(model, SOURCES, TARGETS):
        for way in (record.forced, record.free):
            assert not special & set(way.written)
            assert not special & set(way.given[1:])
        # What was written without a teacher is what is read at the next step.
        assert record.free.given[1:] == record.free.written[:-1]
