"""Encoders and decoders at work: maps, tables, and the choices and steps of a reader."""

import numpy as np
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure

from lstm_lab import figures, seq2seq, teaching
from lstm_lab.figures.translation import attention_table

from .conftest import model, parsed, rows, texts

SOURCES = ["ab", "月", "a<b"]


def texts_of(tags):
    return [tag.text for tag in tags]


def translation(source="a b", text="x-", end=True):
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(len(source)), len(text) + end)
    return seq2seq.Translation(text, -0.1, weights)


# --- Maps ---


def test_an_attention_map_has_a_row_for_each_step(ax):
    record = translation()
    assert figures.attention_map(ax, record, "a b") is ax
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), record.weights)
    assert image.get_clim() == (0, 1)
    assert texts(ax.get_xticklabels()) == ["a", "·", "b"]
    assert texts(ax.get_yticklabels()) == ["x", "-", "⏎"]
    assert ax.figure.axes[1].get_ylabel() == "weight"
    assert ax.get_xlabel().startswith("source")
    assert ax.get_ylabel().startswith("target")


def test_an_answer_that_was_cut_off_has_no_end(ax):
    # A glyph that the font lacks would be a warning, and an error here.
    figures.attention_map(ax, translation("é ł ж", end=False), "é ł ж")
    assert texts(ax.get_yticklabels()) == ["x", "-"]


@pytest.mark.parametrize("residual", [False, True])
def test_a_depth_map_has_the_first_layer_at_the_bottom(ax, panels, residual):
    norms = np.array([[[1e-9, 1e-2, 1.0], [1e-3, 0.0, 10.0]]])
    settings = {"cell": "lstm", "D": 2, "H": 2, "T": 3, "seeds": (0,)}
    record = seq2seq.DepthMap(**settings, norms=norms, residual=residual)
    assert figures.depth_map(ax, record) is ax
    (image,) = ax.images
    expected = [[-6, -2, 0], [-3, -6, 1]]
    np.testing.assert_allclose(image.get_array(), expected, atol=1e-12)
    assert image.get_clim() == (-6, 0)
    assert image.origin == "lower"
    assert [*image.get_extent()] == [0.5, 3.5, 0.5, 2.5]
    assert ax.get_title().startswith("with residual") is residual
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step $t$", "layer")
    assert "power of ten" in ax.figure.axes[1].get_ylabel()
    assert all(tick == round(tick) for tick in ax.get_yticks())
    bare = panels()
    figures.depth_map(bare, record, bar=False)
    assert bare.figure.axes == [bare]


# --- A model's answers ---


def test_each_source_has_its_frame(translator):
    figure = figures.translations(translator, SOURCES)
    assert figure.value == {"source": 0}
    html = parsed(figure)
    assert texts_of(html.select("select option")) == SOURCES
    answers = translator.translate(SOURCES)
    for n, (answer, source) in enumerate(zip(answers, SOURCES, strict=True)):
        assert figure.frames[n].html == attention_table(answer, source, "")
        said = html.select_one(f'.lab-said [data-frame="{n}"]').text
        assert said.startswith(f"{source} becomes {answer.text},")
        p = np.exp(answer.log_probability)
        assert said.endswith(f"with probability {p:.4f}.")


def test_a_source_has_its_language_in_every_place(translator):
    html = parsed(figures.translations(translator, SOURCES, languages=["de", "ja", ""]))
    languages = {"de": "ab", "ja": "月"}
    for place in ("option", ".lab-said span", "thead"):
        found = {tag["lang"]: tag.text for tag in html.select(f"{place}[lang]")}
        assert found == languages


def test_a_notebook_answers_other_texts(translator):
    figure = figures.translations(translator, ["a"])
    figure.question = "ba"
    (answer,) = translator.translate(["ba"])
    assert attention_table(answer, "ba", "") in figure.answer
    said = BeautifulSoup(figure.answer, "html.parser").p.text
    assert said.startswith("ba becomes")


@pytest.mark.parametrize("seed", range(18))
def test_rows_are_what_an_untrained_model_wrote_and_columns_what_it_read(seed):
    for source in SOURCES:
        (answer,) = model(seed).translate([source])
        table = BeautifulSoup(attention_table(answer, source, ""), "html.parser")
        assert texts_of(table.thead.find_all("th")) == [*source]
        names = [name for name, *_ in rows(table)]
        shown = [[float(cell or 0) for cell in row] for _, *row in rows(table)]
        np.testing.assert_allclose(shown, answer.weights, atol=0.005)
        assert "".join(names).removesuffix("⏎") == answer.text
        ax = figures.attention_map(Figure().subplots(), answer, source)
        assert texts(ax.get_yticklabels()) == names


def test_a_text_that_looks_like_a_number_is_shown_as_it_is(translator):
    html = parsed(figures.translations(translator, ["1e-05"]))
    assert html.select_one(".lab-said").text.startswith("1e-05 becomes")
    assert not html.select(".lab-said sup")


@pytest.mark.parametrize(
    ("changed", "source", "error", "message"),
    [
        ({}, "abc", ValueError, r"source 'abc'; their shape is \(3, 2\)"),
        ({}, ["a", "b"], TypeError, "source must be a str"),
        ({"text": 300 * "b"}, "ab", ValueError, "a row for each character"),
        ({"weights": None}, "ab", ValueError, "translation must have weights"),
    ],
)
def test_weights_belong_to_their_source_and_answer(ax, changed, source, error, message):
    answer = translation("ab")._replace(**changed)
    with pytest.raises(error, match=message):
        figures.attention_map(ax, answer, source)
    with pytest.raises(error, match=message):
        attention_table(answer, source, "")


@pytest.mark.parametrize(
    ("sources", "languages", "error", "message"),
    [
        (["a", "b"], ["de"], ValueError, "one for each source"),
        ([], (), ValueError, "texts must be at least one"),
        ("ab", (), TypeError, "sources must be a list of texts, got the str"),
    ],
)
def test_sources_are_texts_and_have_a_language_each(translator, sources, languages, error, message):
    with pytest.raises(error, match=message):
        figures.translations(translator, sources, languages=languages)


# --- With a teacher and without ---


@pytest.fixture(scope="module")
def records(translator):
    return teaching.two_ways(translator, ["ab", "ba"], ["ab<", "b<a"])


def test_each_text_and_step_has_a_frame(records):
    figure = figures.teacher_and_free(records)
    assert figure.value == {"text": 0, "step": 0}
    html = parsed(figure)
    cases = [(record, s) for record in records for s in range(4)]
    assert len(figure.frames) == len(cases)
    for n, (record, current) in enumerate(cases):
        table = html.select_one(f'div[data-frame="{n}"] table')
        marked = [row.has_attr("aria-current") for row in table.tbody("tr")]
        assert marked == [s == current for s in range(4)]
        for s, (number, right, *ways) in enumerate(rows(table)):
            assert (number, right) == (f"{s + 1}", record.target[s])
            for way in (record.forced, record.free):
                given, written, p, *ways = ways
                assert (given, written) == (way.given[s], way.written[s])
                assert abs(float(p) - way.probability[s]) <= 0.005
            assert texts_of(table.tbody("tr")[s].find_all("mark")) == [
                way.written[s]
                for way in (record.forced, record.free)
                if way.written[s] != record.target[s]
            ]


def test_a_summary_says_where_the_ways_part():
    def way(given, written):
        return teaching.Steps(tuple(given), tuple(written), np.full(3, 0.25))

    record = teaching.TwoWays("ab", tuple("ab⏎"), way("⊢ab", "bb⏎"), way("⊢bb", "bba"))
    first, second, third = figures.teacher_and_free([record]).frames
    assert first.summary.endswith("So far both have read the same.")
    for frame in (second, third):
        assert frame.summary.endswith("different tokens since step 2.")
    assert third.summary.startswith(
        "Step 3, where ⏎ is right. With a teacher the model reads b and writes ⏎"
        " (0.25); by itself it reads b and writes a (0.25)."
    )


def test_targets_have_one_length(translator):
    uneven = teaching.two_ways(translator, ["ab", "ba"], ["ab", "b"])
    with pytest.raises(ValueError, match=r"one length, got \[2, 3\]"):
        figures.teacher_and_free(uneven)
    with pytest.raises(ValueError, match=r"one length, got \[\]"):
        figures.teacher_and_free([])
