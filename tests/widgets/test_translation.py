"""Decoders at work: the answers, weights and steps that a reader can choose."""

import numpy as np
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure

from lstm_lab import plots, seq2seq, teaching, tokenizer, widgets

SOURCES = ["ab", "月", "a<b"]


def test_each_source_has_its_frame(translator, parsed):
    figure = widgets.translations(translator, SOURCES)
    assert figure.value == {"source": 0}
    html = parsed(figure)
    options = html.select("select option")
    assert [option.text for option in options] == SOURCES
    answers = translator.translate(SOURCES)
    for n, (answer, source) in enumerate(zip(answers, SOURCES, strict=True)):
        table = widgets.attention_table(answer, source)
        summary, shown, *_ = figure.frames[n]
        assert shown == table
        assert summary.startswith(f"{source} becomes {answer.text},")
        p = np.exp(answer.log_probability)
        assert summary.endswith(f"with probability {p:.4f}.")


def test_a_source_says_its_language_wherever_it_stands(translator, parsed):
    figure = widgets.translations(
        translator, SOURCES, languages=["de", "ja", ""]
    )
    html = parsed(figure)
    spoken = {"de": "ab", "ja": "月"}
    for place in ("option", ".lab-said span"):
        found = {e["lang"]: e.text for e in html.select(f"{place}[lang]")}
        assert found == spoken
    heads = html.select("thead[lang]")
    assert {head["lang"]: head.text for head in heads} == spoken
    for n, source in enumerate(SOURCES):
        said = html.select_one(f'.lab-said [data-frame="{n}"]')
        assert said.text.startswith(f"{source} becomes")


def test_a_table_has_the_weights(translator):
    (answer,) = translator.translate(["a<月 "])
    table = widgets.attention_table(answer, "a<月 ")
    html = BeautifulSoup(table, "html.parser")
    head, *rows = html.find_all("tr")
    assert [th.text for th in head.find_all("th")] == ["a", "<", "月", "·"]
    assert len(rows) == len(answer.weights)
    for row, weights in zip(rows, answer.weights, strict=True):
        shown = [float(cell.text or 0) for cell in row.find_all("td")]
        np.testing.assert_allclose(shown, weights, atol=0.005)
    names = [row.th.text for row in rows]
    assert "".join(names).rstrip("⏎") == answer.text


def test_a_notebook_answers_other_texts(translator):
    figure = widgets.translations(translator, ["a"])
    figure.question = "ba"
    (answer,) = translator.translate(["ba"])
    assert widgets.attention_table(answer, "ba") in figure.answer
    assert "ba becomes" in figure.answer


def test_what_cannot_be_shown_is_named(translator):
    with pytest.raises(ValueError, match="sources must be different"):
        widgets.translations(translator, ["a", "a"])
    with pytest.raises(ValueError, match="one for each of 2 sources"):
        widgets.translations(translator, ["a", "b"], languages=["de"])
    with pytest.raises(ValueError, match="texts must be at least one"):
        widgets.translations(translator, [])
    blind = seq2seq.Translation("a", -1.0, None)
    with pytest.raises(ValueError, match="translation must have weights"):
        widgets.attention_table(blind, "a")


@pytest.fixture(scope="module")
def records(translator):
    return teaching.two_ways(translator, ["ab", "ba"], ["ab<", "b<a"])


def test_each_text_and_step_has_a_frame(records, parsed, rows):
    figure = widgets.teacher_and_free(records)
    assert figure.value == {"text": 0, "step": 0}
    assert len(figure.frames) == 2 * 4
    html = parsed(figure)
    for n, (record, s) in enumerate((r, s) for r in records for s in range(4)):
        table = html.select_one(f'div[data-frame="{n}"] table')
        steps = table.tbody.find_all("tr")
        current = [step.has_attr("aria-current") for step in steps]
        assert current == [at == s for at in range(4)]
        for at, (number, right, *ways) in enumerate(rows(table)):
            assert (number, right) == (f"{at + 1}", record.target[at])
            for way, told in (
                (record.forced, ways[:3]),
                (record.free, ways[3:]),
            ):
                given, written, p = told
                assert (given, written) == (way.given[at], way.written[at])
                assert abs(float(p) - way.probability[at]) <= 0.005
            wrong = [mark.text for mark in steps[at].find_all("mark")]
            assert wrong == [
                way.written[at]
                for way in (record.forced, record.free)
                if way.written[at] != record.target[at]
            ]


def test_a_summary_tells_where_the_ways_part():
    def way(given, written):
        return teaching.Steps(tuple(given), tuple(written), np.full(3, 0.25))

    record = teaching.TwoWays(
        "ab", tuple("ab⏎"), way("⊢ab", "bb⏎"), way("⊢bb", "bba")
    )
    first, second, third = widgets.teacher_and_free([record]).frames
    assert first.summary.endswith("So far both have read the same.")
    for frame in (second, third):
        assert frame.summary.endswith("different tokens since step 2.")
    assert third.summary.startswith(
        "Step 3, where ⏎ is right. With a teacher the model reads b and writes ⏎"
        " (0.25); by itself it reads b and writes a (0.25)."
    )


def test_targets_of_one_length_are_asked_for(translator):
    records = teaching.two_ways(translator, ["ab", "ba"], ["ab", "b"])
    with pytest.raises(ValueError, match=r"one length, got \[2, 3\]"):
        widgets.teacher_and_free(records)
    with pytest.raises(ValueError, match=r"one length, got \[\]"):
        widgets.teacher_and_free([])


def untrained(seed):
    """Return a model as it is drawn; every third likes padding and beginnings best."""
    letters = tokenizer.Tokenizer(tuple("ab<月"))
    network = seq2seq.Network(
        sources=letters.size, targets=letters.size, embedding=3, hidden=4
    )
    params = seq2seq.init(network, rng=np.random.default_rng(seed))
    if seed % 3 == 0:
        params.b_out[[tokenizer.PAD, tokenizer.BOS]] = 3
    known = seq2seq.Vocabularies(letters, letters)
    return seq2seq.Translator(network, known, params)


@pytest.mark.parametrize("seed", range(40))
def test_rows_are_named_by_what_an_untrained_model_wrote(seed):
    model = untrained(seed)
    figure = widgets.translations(model, SOURCES)
    for answer, source, frame in zip(
        model.translate(SOURCES), SOURCES, figure.frames, strict=True
    ):
        assert widgets.attention_table(answer, source) == frame.html
        rows = BeautifulSoup(frame.html, "html.parser").tbody.find_all("tr")
        assert len(rows) == len(answer.weights)
        names = [row.th.text for row in rows]
        assert "".join(names).removesuffix("⏎") == answer.text
        axes = Figure().subplots()
        readable = answer._replace(text=answer.text.replace("月", "m"))
        plots.attention_map(axes, readable, source.replace("月", "m"))
        labels = [label.get_text() for label in axes.get_yticklabels()]
        assert labels == [name.replace("月", "m") for name in names]


def test_a_text_is_not_a_list_of_texts(translator):
    message = "sources must be a list of texts, got the str 'ab'"
    with pytest.raises(TypeError, match=message):
        widgets.translations(translator, "ab")
    with pytest.raises(TypeError, match=message):
        teaching.two_ways(translator, "ab", ["a", "b"])
    with pytest.raises(TypeError, match="targets must be a list of texts"):
        teaching.two_ways(translator, ["a", "b"], "ab")
    with pytest.raises(TypeError, match="positions of 'x' must be a list of"):
        widgets.MovingFigure(
            "f", [widgets.Control("x", "ab")], 2 * [widgets.Frame("s")]
        )


def test_weights_belong_to_their_source_and_answer(translator):
    (answer,) = translator.translate(["ab"])
    with pytest.raises(ValueError, match="source must have 2 characters"):
        widgets.attention_table(answer, "abc")
    with pytest.raises(ValueError, match=r"weights for each character .* got"):
        widgets.attention_table(answer._replace(text="b" * 300), "ab")
    with pytest.raises(TypeError, match=r"translation must be .*Translation"):
        widgets.attention_table(tuple(answer), "ab")
    with pytest.raises(TypeError, match="source must be a str"):
        widgets.attention_table(answer, ["a", "b"])


def test_records_are_of_different_texts(translator):
    records = teaching.two_ways(translator, ["ab", "ab"], ["ab", "ba"])
    with pytest.raises(ValueError, match="records must have different sources"):
        widgets.teacher_and_free(records)
    with pytest.raises(TypeError, match=r"records\[0\] must be .*TwoWays"):
        widgets.teacher_and_free([3])


def test_a_text_that_looks_like_a_number_is_shown_as_it_is(translator, parsed):
    html = parsed(widgets.translations(translator, ["1e-05"]))
    assert html.select_one(".lab-said").text.startswith("1e-05 becomes")
    assert not html.select(".lab-said sup")
