"""From text to text, and through a file."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_lab import saving, seq2seq
from lstm_lab.saving import LoadError
from lstm_lab.tokenizer import EOS, SPECIAL, UNKNOWN

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
        ({"source": ["ab", "c"]}, "source must be the characters, got list"),
        ({"target": "aab"}, "target has a character twice"),
        ({"network": {}}, r"a network has .*got \[\]"),
        ({"network": None}, "is of no model"),
        ({"target": 3}, "is of no model"),
    ],
)
def test_files_that_hold_something_else(model, tmp_path, change, message):
    file = tmp_path / "model.npz"
    model.save(file)
    about = saving.metadata(file) | change
    saving.save(file, model.params, **about)
    with pytest.raises(LoadError, match=message):
        seq2seq.load(file)
    saving.save(file, model.params)
    with pytest.raises(LoadError, match="is of no model: 'network'"):
        seq2seq.load(file)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=300)
@given(st.data())
def test_whatever_a_file_says_of_its_model_it_is_loaded_whole_or_not_at_all(
    tmp_path_factory, data
):
    known = seq2seq.fit_vocabularies(SOURCES, TARGETS)
    sizes = {"sources": known.source.size, "targets": known.target.size}
    network = seq2seq.Network(**sizes, embedding=4, hidden=6)
    params = seq2seq.init(network, rng=np.random.default_rng(0))
    file = tmp_path_factory.getbasetemp() / "said.npz"
    seq2seq.Translator(network, known, params).save(file)
    about = saving.metadata(file)
    inner = data.draw(st.booleans())
    changed = about["network"] if inner else about
    changed[data.draw(st.sampled_from(sorted(changed)))] = data.draw(JSON)
    saving.save(file, params, **about)
    try:
        loaded = seq2seq.load(file)
    except LoadError:
        return
    (answer,) = loaded.translate(SOURCES[:1], longest=2)
    assert set(answer.text) <= {*about["target"], UNKNOWN}


def test_a_model_is_refused_as_soon_as_its_file_is_too_small(model, tmp_path):
    file = tmp_path / "model.npz"
    model.save(file)
    about = saving.metadata(file)
    sizes, itemsize = about["network"], model.params.b_out.itemsize
    has = file.stat().st_size
    while seq2seq.count(seq2seq.Network(**sizes)) * itemsize <= has:
        sizes["embedding"] += 1
    saving.save(file, model.params, **about)
    with pytest.raises(LoadError, match="its weights would take"):
        seq2seq.load(file)


@pytest.mark.parametrize(
    "size", ["sources", "targets", "embedding", "hidden", "layers"]
)
@pytest.mark.parametrize("times", [100, 10**9])
def test_a_model_larger_than_its_file_takes_no_memory(
    model, tmp_path, size, times
):
    file = tmp_path / "model.npz"
    model.save(file)
    about = saving.metadata(file)
    about["network"][size] *= times
    saving.save(file, model.params, **about)
    tracemalloc.start()
    with pytest.raises(LoadError, match="its weights would take"):
        seq2seq.load(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e6


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
def test_lists_of_texts_are_lists_of_texts(model, texts, message):
    with pytest.raises(TypeError, match=message):
        model.translate(texts)
    for name, arguments in (
        ("sources", (texts, TARGETS)),
        ("targets", (SOURCES, texts)),
    ):
        named = message.replace("texts", name, 1)
        with pytest.raises(TypeError, match=named):
            model.vocabularies.batch(*arguments)
        with pytest.raises(TypeError, match=named):
            seq2seq.fit_vocabularies(*arguments)


def test_any_sequence_of_texts_is_one(model):
    expected = model.translate(SOURCES)
    for texts in (tuple(SOURCES), np.array(SOURCES), iter(SOURCES)):
        found = model.translate(texts)
        assert [one.text for one in found] == [one.text for one in expected]


@pytest.mark.parametrize("seed", range(100))
def test_an_untrained_model_looks_once_for_each_character_and_the_end(seed):
    known = seq2seq.fit_vocabularies(SOURCES, TARGETS)
    network = seq2seq.Network(
        sources=known.source.size,
        targets=known.target.size,
        **{"embedding": 4, "hidden": 6},
    )
    params = seq2seq.init(network, rng=np.random.default_rng(seed))
    model = seq2seq.Translator(network, known, params)
    for answer in model.translate(SOURCES, longest=8):
        steps = len(answer.weights)
        assert len(answer.text) == (steps if steps == 8 else steps - 1) or (
            steps == 8 and len(answer.text) == 7
        )


def test_a_model_of_numpy_sizes_can_be_saved(tmp_path):
    known = seq2seq.fit_vocabularies(SOURCES, TARGETS)
    network = seq2seq.Network(
        sources=np.int64(known.source.size),
        targets=np.int64(known.target.size),
        **{"embedding": np.int64(4), "hidden": np.int64(6)},
    )
    params = seq2seq.init(network, rng=np.random.default_rng(0))
    model = seq2seq.Translator(network, known, params)
    model.save(tmp_path / "model.npz")
    assert seq2seq.load(tmp_path / "model.npz").network == network
