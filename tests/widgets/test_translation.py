"""Widgets: what they show without a kernel, and what a kernel adds."""

import numpy as np
import pytest
from bs4 import BeautifulSoup

from lstm_lab import seq2seq, tokenizer, widgets


@pytest.fixture(scope="module")
def translator():
    letters = tokenizer.Tokenizer(tuple("ab<月"))
    network = seq2seq.Network(
        sources=letters.size, targets=letters.size, embedding=3, hidden=4
    )
    params = seq2seq.init(network, rng=np.random.default_rng(0))
    return seq2seq.Translator(
        network, seq2seq.Vocabularies(letters, letters), params
    )


def test_each_source_has_its_page(translator):
    sources = ["ab", "月", "a<b"]
    chooser = widgets.translations(translator, sources, live=False)
    choice, stack = chooser.children
    assert choice.options == tuple(sources)
    assert stack.selected_index == choice.index == 0
    for page, answer, source in zip(
        stack.children, translator.translate(sources), sources, strict=True
    ):
        assert page.value == widgets.attention_table(answer, source)
    assert repr(chooser) == "Chooser('ab', '月', 'a<b')"


def test_the_choice_is_linked_without_a_kernel(translator):
    chooser = widgets.translations(translator, ["a", "b"], live=False)
    choice, stack = chooser.children
    state = choice.get_manager_state()["state"].values()
    links = [
        each["state"] for each in state if each["model_name"] == "LinkModel"
    ]
    ends = (
        [f"IPY_MODEL_{choice.model_id}", "index"],
        [f"IPY_MODEL_{stack.model_id}", "selected_index"],
    )
    assert any((link["source"], link["target"]) == ends for link in links)


def test_a_table_has_the_weights(translator):
    (answer,) = translator.translate(["a<月 "])
    html = BeautifulSoup(
        widgets.attention_table(answer, "a<月 "), "html.parser"
    )
    head, *rows = html.find_all("tr")
    assert [th.text for th in head.find_all("th")] == ["", "a", "<", "月", "·"]
    assert len(rows) == len(answer.weights)
    for row, weights in zip(rows, answer.weights, strict=True):
        shown = [float(cell["title"]) for cell in row.find_all("td")]
        np.testing.assert_allclose(shown, weights, atol=0.005)
        for cell in row.find_all("td"):
            assert f"rgba(0,114,178,{cell['title']})" in cell["style"]
    names = [row.th.text for row in rows]
    assert "".join(names).rstrip("⏎") == answer.text
    assert html.strong.text == answer.text


def test_an_open_notebook_has_a_field(translator, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert len(widgets.translations(translator, ["a"]).children) == 2
    monkeypatch.setenv("JPY_SESSION_NAME", "a.ipynb")
    _, _, field, shown = widgets.translations(translator, ["a"]).children
    field.value = "ba"
    (answer,) = translator.translate(["ba"])
    assert shown.value == widgets.attention_table(answer, "ba")
    field.value = ""
    assert shown.value == ""


def test_what_cannot_be_shown_is_named(translator):
    with pytest.raises(ValueError, match="sources must be different"):
        widgets.translations(translator, ["a", "a"])
    with pytest.raises(ValueError, match="texts must be at least one"):
        widgets.translations(translator, [])
    blind = seq2seq.Translation("a", -1.0, None)
    with pytest.raises(ValueError, match="translation must have weights"):
        widgets.attention_table(blind, "a")
