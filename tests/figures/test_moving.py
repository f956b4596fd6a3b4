"""A figure's HTML: controls, frames, and what a reader without eyes or script gets."""

import re

import pytest
from bs4 import BeautifulSoup

from lstm_lab import figures
from lstm_lab.figures import Control, Frame, MovingFigure

from .conftest import parsed

SLIDER = Control("gain", ("½", "1", "2 & more"), start=1)
CHOICE = Control("text", ("a<b", "c"), slides=False)
FRAMES = [Frame(f"It is <i>{n}</i>.", f"<b>{n}</b>") for n in range(6)]
START = 2  # gain 1, a<b


@pytest.fixture
def figure():
    return MovingFigure('a "figure"', [SLIDER, CHOICE], lambda gain, text: FRAMES[2 * gain + text])


@pytest.fixture
def html(figure):
    return parsed(figure)


def test_controls_are_native_and_labelled(html):
    assert (html["class"], html["role"]) == (["lab-figure"], "group")
    assert html["aria-label"] == 'a "figure"'
    slider, choice = html.select("label > input, label > select")
    assert slider.parent.get_text(strip=True) == slider["name"] == "gain"
    limits = [slider[name] for name in ("min", "max", "step", "value")]
    assert limits == ["0", "2", "1", "1"]
    assert slider["aria-valuetext"] == html.output.text == "1"
    assert choice.parent.find(string=True).strip() == choice["name"] == "text"
    ticks = html.find(id=slider["list"])
    for control, listed in ((SLIDER, ticks), (CHOICE, choice)):
        options = listed.find_all("option")
        assert [option.text for option in options] == [*control.positions]
        numbers = [int(option["value"]) for option in options]
        assert numbers == [*range(len(control.positions))]
        selected = [n for n in numbers if options[n].has_attr("selected")]
        assert selected == [control.start]


def test_without_a_script_the_first_frame_is_all(html):
    assert html.select_one(".lab-controls").has_attr("hidden")
    for part in html.select("[data-frame]"):
        unseen = part.get("style") == "display:none"
        assert unseen == (part["data-frame"] != f"{START}")


def test_each_frame_says_and_shows_its_own(html):
    said = html.select_one('.lab-said[aria-live="polite"]')
    seen = html.select_one(".lab-seen")
    for n in range(6):
        select = f'[data-frame="{n}"]'
        assert [part.text for part in said.select(select)] == [f"It is {n}."]
        assert [part.text for part in seen.select(select)] == [f"{n}"]
    # Tables can be scrolled with keys.
    assert (seen["tabindex"], seen["role"]) == ("0", "group")
    assert seen["aria-label"]


def test_a_picture_has_parts_of_frames():
    picture = '<svg><path/><g data-frame="0"/><g data-frame="1"/></svg>'
    control = Control("n", ("a", "b"), start=1)
    frames = [Frame("one"), Frame("two")]
    html = MovingFigure("f", [control], frames.__getitem__, picture=picture).markup
    seen = BeautifulSoup(html, "html.parser").select_one(".lab-seen")
    styles = [part.get("style") for part in seen.select("[data-frame]")]
    assert styles == ["display:none", None]
    assert not seen.has_attr("tabindex")


def test_page_and_notebook_show_the_same(figure):
    data, _ = figure._repr_mimebundle_()
    view = data["application/vnd.jupyter.widget-view+json"]
    state = figure.get_state()
    assert view["model_id"] == figure.model_id
    assert data["text/html"] == state["markup"]
    assert data["text/plain"] == repr(figure) == "MovingFigure('a \"figure\"')"
    script = figures.SCRIPT.read_text(encoding="utf-8")
    assert state["_esm"] == f"{script}\nexport default {{ render }};\n"
    assert state["_css"] == figures.STYLE.read_text(encoding="utf-8")
    assert not re.search(r"^\s*(import|export)\b", script, re.MULTILINE)


def test_positions_are_observed_by_name(figure):
    seen = []
    figure.observe(lambda change: seen.append(change["new"]), "value")
    assert figure.value == {"gain": 1, "text": 0}
    figure.set_state({"value": {"gain": 2, "text": 1}})  # as a front end does
    assert seen == [{"gain": 2, "text": 1}]


def test_python_answers_a_question(html):
    assert html.select(".lab-ask, .lab-answer") == []
    ask = ("your <own>", lambda text: f"<i>{text}</i>")
    figure = MovingFigure("f", [Control("n", ("a",))], lambda _: Frame("one"), ask=ask)
    field = parsed(figure).select_one(".lab-ask")
    assert field.has_attr("hidden")  # a page cannot answer
    assert field.label.get_text(strip=True) == "your <own>"
    assert field.label.input["type"] == "text"
    assert parsed(figure).select_one(".lab-answer")["role"] == "status"
    for question, answer in (("why", "<i>why</i>"), ("", "")):
        figure.set_state({"question": question})
        assert figure.answer == answer


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ([CHOICE, CHOICE], r"different names, got \['text', 'text'\]"),
        ([SLIDER._replace(start=3)], "'gain' must start at 0 to 2, got 3"),
        ([SLIDER._replace(start=-1)], "'gain' must start at 0 to 2, got -1"),
    ],
)
def test_what_does_not_fit_is_named(controls, message):
    with pytest.raises(ValueError, match=message):
        MovingFigure("f", controls, lambda *_: Frame("a"))


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        ([1, 2], r"positions of 'x'\[0\] must be a str, got 1"),
        ("ab", "positions of 'x' must be a list of texts"),
    ],
)
def test_positions_are_texts(positions, message):
    with pytest.raises(TypeError, match=message):
        MovingFigure("f", [Control("x", positions)], lambda _: Frame("s"))
