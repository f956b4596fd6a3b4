"""A figure's HTML: controls, frames, and what a reader without eyes or script gets."""

import json
import re

import pytest
from bs4 import BeautifulSoup

from lstm_lab import widgets
from lstm_lab.widgets import Control, Frame, MovingFigure

SLIDER = Control("gain", ("½", "1", "2 & more"), start=1)
CHOICE = Control("text", ("a<b", "c"), slides=False)
FRAMES = [
    Frame(f"It is {gain} of {text}.", f"<b>{n}</b>")
    for n, (gain, text) in enumerate(
        (gain, text) for gain in SLIDER.positions for text in CHOICE.positions
    )
]
START = 2  # gain 1, a<b


@pytest.fixture
def figure():
    return MovingFigure('a "figure"', [SLIDER, CHOICE], FRAMES)


@pytest.fixture
def html(figure, parsed):
    return parsed(figure)


def test_it_is_a_named_group(html):
    assert html["class"] == ["lab-figure"]
    assert html["role"] == "group"
    assert html["aria-label"] == 'a "figure"'


def test_controls_are_native_and_labelled(html):
    slider, choice = html.select("label > input, label > select")
    assert slider.parent.get_text(strip=True) == "gain"
    assert {
        name: slider[name]
        for name in ("type", "name", "min", "max", "step", "value")
    } == {
        **{"type": "range", "name": "gain", "min": "0"},
        **{"max": "2", "step": "1", "value": "1"},
    }
    assert slider["aria-valuetext"] == html.output.text == "1"
    ticks = html.find(id=slider["list"]).find_all("option")
    assert [tick["label"] for tick in ticks] == [*SLIDER.positions]
    assert [tick["value"] for tick in ticks] == ["0", "1", "2"]
    assert choice["name"] == "text"
    assert choice.parent.find(string=True).strip() == "text"
    options = choice.find_all("option")
    assert [option.text for option in options] == [*CHOICE.positions]
    assert [option["value"] for option in options] == ["0", "1"]
    assert [option.has_attr("selected") for option in options] == [True, False]


def test_without_a_script_the_first_frame_is_all(html):
    assert html.select_one(".lab-controls").has_attr("hidden")
    for part in html.select("[data-frame]"):
        unseen = part.get("style") == "display:none"
        assert unseen == (part["data-frame"] != f"{START}")


def test_each_frame_says_and_shows_its_own(html):
    said = html.select_one('.lab-said[aria-live="polite"]')
    seen = html.select_one(".lab-seen")
    for n, frame in enumerate(FRAMES):
        select = f'[data-frame="{n}"]'
        assert [p.text for p in said.select(select)] == [frame.summary]
        assert [part.text for part in seen.select(select)] == [f"{n}"]


def test_a_picture_has_parts_of_frames():
    picture = '<svg><path/><g data-frame="0"/><g data-frame="1"/></svg>'
    control = Control("n", ("a", "b"), start=1)
    frames = [Frame("one"), Frame("two")]
    html = MovingFigure("f", [control], frames, picture=picture).markup
    seen = BeautifulSoup(html, "html.parser").select_one(".lab-seen")
    styles = [part.get("style") for part in seen.select("[data-frame]")]
    assert styles == ["display:none", None]
    assert seen.path is not None


def test_tables_can_be_scrolled_by_keys_and_pictures_need_it_not(html):
    seen = html.select_one(".lab-seen")
    assert (seen["tabindex"], seen["role"]) == ("0", "group")
    assert seen["aria-label"]
    frames = [Frame("one")]
    alone = MovingFigure("f", [Control("n", ("a",))], frames, picture="<p>")
    assert "tabindex" not in alone.markup


def test_page_and_notebook_show_the_same(figure):
    data, _ = figure._repr_mimebundle_()
    view = data["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == figure.model_id
    assert data["text/html"] == figure.get_state()["markup"]
    assert data["text/plain"] == repr(figure) == "MovingFigure('a \"figure\"')"


def test_the_module_is_the_script_of_the_page(figure):
    script = widgets.SCRIPT.read_text(encoding="utf-8")
    style = widgets.STYLE.read_text(encoding="utf-8")
    state = figure.get_state()
    assert state["_esm"] == f"{script}\nexport default {{ render }};\n"
    assert state["_css"] == style
    assert not re.search(r"^\s*(import|export)\b", script, re.MULTILINE)


def test_positions_are_observed_by_name(figure):
    seen = []
    figure.observe(lambda change: seen.append(change["new"]), "value")
    assert figure.value == {"gain": 1, "text": 0}
    figure.set_state({"value": {"gain": 2, "text": 1}})  # as a front end does
    assert seen == [{"gain": 2, "text": 1}]


def test_made_twice_it_is_the_same(figure):
    again = MovingFigure('a "figure"', [SLIDER, CHOICE], FRAMES)
    states = [each.get_state() for each in (figure, again)]
    for state in states:
        del state["layout"]  # a random name
    assert json.dumps(states[0]) == json.dumps(states[1])


def test_a_question_is_answered_by_python():
    figure = MovingFigure(
        *("f", [Control("n", ("a",))], [Frame("one")]),
        ask=("your <own>", lambda text: f"<i>{text}</i>"),
    )
    html = BeautifulSoup(figure.markup, "html.parser")
    field = html.select_one(".lab-ask")
    assert field.has_attr("hidden")  # a page cannot answer
    assert field.label.get_text(strip=True) == "your <own>"
    assert field.label.input["type"] == "text"
    assert html.select_one(".lab-answer")["role"] == "status"
    figure.set_state({"question": "why"})
    assert figure.answer == "<i>why</i>"
    figure.set_state({"question": ""})
    assert figure.answer == ""


def test_without_an_answer_there_is_no_field(html):
    assert html.select(".lab-ask, .lab-answer") == []


@pytest.mark.parametrize(
    ("controls", "count", "message"),
    [
        ([SLIDER], 2, r"one for each of 3 combinations of positions, got 2"),
        ([SLIDER, CHOICE], 5, "of 6 combinations"),
        ([CHOICE, CHOICE], 4, r"different names, got \['text', 'text'\]"),
        ([Control("a", ())], 0, "'a' must start at one of its 0 positions"),
        ([SLIDER._replace(start=3)], 3, "its 3 positions, got 3"),
        ([SLIDER._replace(start=-1)], 3, "its 3 positions, got -1"),
    ],
)
def test_what_does_not_fit_is_named(controls, count, message):
    with pytest.raises(ValueError, match=message):
        MovingFigure("f", controls, [Frame("a")] * count)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": None}, "label must be a str, got None"),
        ({"controls": ["x"]}, r"controls\[0\] must be .*Control"),
        ({"controls": None}, "controls must be a list of controls"),
        ({"frames": ["a", "b"]}, r"frames\[0\] must be .*Frame"),
        ({"controls": [Control("x", [1, 2])]}, r"positions of 'x'\[0\] must"),
    ],
)
def test_parts_of_other_types_are_named(change, message):
    usual = {"label": "f", "controls": [Control("x", ["1", "2"])]}
    arguments = {**usual, "frames": 2 * [Frame("s")], **change}
    with pytest.raises(TypeError, match=message):
        MovingFigure(**arguments)
