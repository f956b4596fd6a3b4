"""What a learner and an instructor find on the pages: questions, conventions, objectives."""

import re

import pytest

from lstm_lab import gru, interop, lstm
from tools import course

SOURCES = course.chapters()
QUESTION = re.compile(
    r"^::::\{admonition\} (?P<question>.*?)\n:class: question\n(?P<answers>.*?)^::::\n",
    re.MULTILINE | re.DOTALL,
)
ANSWER = re.compile(
    r"^:::\{dropdown\} (?P<answer>.*?)\n(?P<why>.*?)^:::\n", re.MULTILINE | re.DOTALL
)


def page(name):
    return course.read(course.ROOT / "chapters" / f"{name}.md")


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_each_question_has_one_right_answer_and_says_why(source):
    questions = QUESTION.findall(course.read(source))
    assert len(questions) >= 4
    for question, answers in questions:
        assert question.endswith("?")
        found = ANSWER.findall(answers)
        assert len(found) >= 3
        reasons = [why for _, why in found]
        assert sum(why.startswith("Right") for why in reasons) == 1
        assert all(why.startswith(("Right", "No: ")) for why in reasons)
        assert min(map(len, reasons)) > 40


def cells(row):
    return [cell.strip() for cell in row.strip("|").split("|")]


@pytest.mark.parametrize(
    ("begins", "gates"), [("LSTM's order", lstm), ("GRU's order", gru)], ids=["LSTM", "GRU"]
)
def test_the_orders_of_others_are_those_that_weights_are_converted_by(begins, gates):
    (row,) = (
        cells(line) for line in page("notation").splitlines() if line.startswith(f"| {begins}")
    )
    ours, pytorch, keras, *_ = row
    assert ours.endswith(f"${', '.join(gates.GATES)}$")
    for told, library in ((pytorch, "PyTorch"), (keras, "Keras")):
        order = interop.GATE_ORDERS[library][gates]
        assert told == f"${', '.join(g.removeprefix('-') for g in order)}$"


def test_every_exercise_shows_an_objective():
    labels = {
        exercise.label for source in SOURCES for exercise in course.exercises(course.read(source))
    }
    shown = set(re.findall(r"\{ref\}`(ex-[\w-]+)`", page("instructor")))
    assert shown == labels
