"""From text to text, and through a file."""

import numpy as np
import pytest
from cells import MGU

from lstm_lab import gru, lstm, saving, seq2seq, tree
from lstm_lab.saving import LoadError
from lstm_lab.tokenizer import EOS, SPECIAL

SOURCES, TARGETS = ["7. März", "1 мая", "五月"], ["03-07", "05-01", "05"]


def translator(seed=0, **options):
    known = seq2seq.fit_vocabularies(SOURCES, TARGETS)
    network = seq2seq.Network(
        sources=known.source.size,
        targets=known.target.size,
        **{"embedding": 4, "hidden": np.int64(6), **options},
    )
    rng = np.random.default_rng(seed)
    params = seq2seq.init(network, rng=rng, dtype=np.float32)
    return seq2seq.Translator(network, known, params)


@pytest.fixture(params=[None, "dot"], ids=["no-attention", "attention"])
def model(request):
    return translator(attention=request.param)


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
    found = seq2seq.greedy(model.network, model.params, source, lengths, longest=5)
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
        assert len(repr(answer)) < 120


def test_unknown_characters_are_read_all_the_same(model):
    (answer,) = model.translate(["¿?"], longest=3)
    assert set(answer.text) <= set(model.vocabularies.target.characters) | {"\ufffd"}


@pytest.mark.parametrize("cell", [lstm, gru, MGU])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_model_from_a_file_gives_the_same_bits(cell, dtype, tmp_path):
    model = translator(cell=cell, layers=2, residual=True)
    model = model._replace(params=tree.map(dtype, model.params))
    file = tmp_path / "model.npz"
    model.save(file)
    loaded = seq2seq.load(file, cell=cell if cell is MGU else None)
    assert loaded.network == model.network
    assert loaded.vocabularies == model.vocabularies
    batch = model.vocabularies.batch(SOURCES, TARGETS)
    before, after = (
        seq2seq.logits(one.network, one.params, batch)[0].tobytes() for one in (model, loaded)
    )
    assert after == before


def test_a_cell_of_ones_own_must_be_passed(tmp_path):
    file = tmp_path / "model.npz"
    translator(cell=MGU).save(file)
    for cell in (None, gru):
        with pytest.raises(LoadError, match="cell must be passed, 'mgu'"):
            seq2seq.load(file, cell=cell)


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "int8"},
        {"dtype": "float64"},
        {"source": "abc"},
        {"target": 3},
        {"network": {}},
        {"network": None},
        {"network": {"cell": "lstm", "hidden": 7}},
        {"network": {"cell": "lstm", "width": 6}},
    ],
)
def test_files_that_hold_something_else(model, tmp_path, change):
    file = tmp_path / "model.npz"
    model.save(file)
    about = saving.metadata(file) | change
    saving.save(file, model.params, **about)
    with pytest.raises(LoadError, match=str(file)):
        seq2seq.load(file)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("12 May", "texts must be a list of texts, got the str '12 May'"),
        (["a", 3], r"texts\[1\] must be a str, got 3"),
        ({"a": 1}, "texts must be a list of texts, got dict"),
        ({"a"}, "texts must be a list of texts, got set"),
        (3, "texts must be a list of texts, got int"),
        (b"ab", "texts must be a list of texts, got bytes"),
        (np.array("ab"), "texts must be a list of texts, got ndarray"),
    ],
)
def test_lists_of_texts_are_lists_of_texts(texts, message):
    model = translator()
    with pytest.raises(TypeError, match=message):
        model.translate(texts)
    for name, arguments in (("sources", (texts, TARGETS)), ("targets", (SOURCES, texts))):
        named = message.replace("texts", name, 1)
        with pytest.raises(TypeError, match=named):
            model.vocabularies.batch(*arguments)
        with pytest.raises(TypeError, match=named):
            seq2seq.fit_vocabularies(*arguments)


def test_any_sequence_of_texts_is_one():
    model = translator()
    expected = model.translate(SOURCES)
    for texts in (tuple(SOURCES), np.array(SOURCES), iter(SOURCES)):
        found = model.translate(texts)
        assert [one.text for one in found] == [one.text for one in expected]


@pytest.mark.parametrize("seed", range(30))
def test_an_untrained_model_looks_once_for_each_character_and_the_end(seed):
    for answer in translator(seed).translate(SOURCES, longest=8):
        steps = len(answer.weights)
        assert len(answer.text) == steps - 1 or len(answer.text) == steps == 8
