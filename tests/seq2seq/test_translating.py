"""From text to text, and through a file."""

import numpy as np
import pytest

from lstm_lab import checkpoints, seq2seq
from lstm_lab.checkpoints import CheckpointError
from lstm_lab.tokenizer import EOS, SPECIAL

SOURCES, TARGETS = ["7. März", "1 мая", "五月"], ["03-07", "05-01", "05"]


@pytest.fixture(params=[None, "dot"], ids=["no-attention", "attention"])
def model(request, rng):
    known = seq2seq.fit_vocabularies(SOURCES, TARGETS)
    network = seq2seq.Network(
        sources=known.source.size,
        targets=known.target.size,
        embedding=4,
        hidden=6,
        attention=request.param,
    )
    params = seq2seq.init(network, rng=rng, dtype=np.float32)
    return seq2seq.Translator(network, known, params)


def test_a_batch_is_the_pairs(model):
    batch = model.vocabularies.batch(SOURCES, TARGETS)
    assert batch.source_lengths.tolist() == list(map(len, SOURCES))
    assert batch.target_lengths.tolist() == [len(t) + 1 for t in TARGETS]
    for b, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        assert model.vocabularies.source.decode(batch.source[:, b]) == source
        assert model.vocabularies.target.decode(batch.target[:, b]) == target
        assert batch.target[len(target), b] == EOS
    with pytest.raises(ValueError, match="as many, got 3 and 2"):
        model.vocabularies.batch(SOURCES, TARGETS[:2])


def test_an_answer_without_an_end_has_a_hundred_characters(model):
    biases = np.where(np.arange(model.network.targets) < SPECIAL, -99, 0)
    endless = model.params._replace(b_out=biases.astype(np.float32))
    (answer,) = model._replace(params=endless).translate(SOURCES[:1])
    assert len(answer.text) == 100


def test_answers_are_those_of_the_search(model):
    answers = model.translate(SOURCES, longest=5)
    source, lengths = model.vocabularies.source.batch(SOURCES)
    found = seq2seq.greedy(
        model.network, model.params, source, lengths, longest=5
    )
    for b, answer in enumerate(answers):
        text = model.vocabularies.target.decode(found.tokens[:, b])
        assert answer.text == text
        assert answer.log_probability == found.log_probability[b]
        if model.network.attention:
            shape = found.lengths[b], len(SOURCES[b])
            assert answer.weights.shape == shape
            np.testing.assert_allclose(answer.weights.sum(-1), 1, rtol=1e-5)
        else:
            assert answer.weights is None


def test_what_is_not_known_is_read_all_the_same(model):
    (answer,) = model.translate(["¿?"], longest=3)
    assert set(answer.text) <= set(model.vocabularies.target.characters) | {
        "\ufffd"
    }


def test_a_model_from_a_file_gives_the_same_bits(model, tmp_path):
    file = tmp_path / "model.npz"
    model.save(file)
    loaded = seq2seq.load(file)
    assert loaded.network == model.network
    assert loaded.vocabularies == model.vocabularies
    batch = model.vocabularies.batch(SOURCES, TARGETS)
    before, after = (
        seq2seq.logits(one.network, one.params, batch)[0].tobytes()
        for one in (model, loaded)
    )
    assert after == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dtype": "int8"}, "is of no model: .*int8"),
        ({"source": "abc"}, r"vocabularies have \(7, \d+\) tokens"),
        ({"network": {}}, r"a network has .*got \[\]"),
        ({"network": None}, "is of no model"),
        ({"target": 3}, "is of no model"),
    ],
)
def test_files_that_hold_something_else(model, tmp_path, change, message):
    file = tmp_path / "model.npz"
    model.save(file)
    about = checkpoints.metadata(file) | change
    checkpoints.save(file, model.params, **about)
    with pytest.raises(CheckpointError, match=message):
        seq2seq.load(file)
    checkpoints.save(file, model.params)
    with pytest.raises(CheckpointError, match="is of no model: 'network'"):
        seq2seq.load(file)
