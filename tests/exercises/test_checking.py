"""A right answer is accepted, a wrong one never; and the learner is told what is wrong."""

import tomllib
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from lstm_lab import exercises
from lstm_lab.exercises import WrongAnswerError
from lstm_lab.exercises.inputs import INPUTS
from lstm_lab.exercises.table import EXERCISES, replaced

MISTAKES = [
    pytest.param(name, mistake, id=f"{name}-{mistake.name}")
    for name, exercise in EXERCISES.items()
    for mistake in exercise.mistakes
]
OTHERS = Path(__file__).with_name("wrong.toml").read_text(encoding="utf-8")
WRONG = [
    pytest.param(name, wrong["replace"], wrong["says"], id=f"{name}-{n}")
    for name, answers in tomllib.loads(OTHERS).items()
    for n, wrong in enumerate(answers)
]


def check(name, answer, **options):
    """Check an answer, given as a text."""
    function = EXERCISES[name].function(answer)
    return getattr(exercises, f"check_{name}")(function, **options)


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("seed", range(5))
def test_a_right_answer_is_accepted(name, seed):
    right = check(name, EXERCISES[name].right, seed=seed)
    assert repr(right).startswith(f"Right: {name} gave the right values all ")


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_each_mistake_is_recognized_and_taken_for_no_other(name, mistake, seed):
    with pytest.raises(WrongAnswerError) as wrong:
        check(name, mistake.answer, seed=seed)
    assert wrong.value.fault == mistake.name
    assert str(wrong.value) == f"{mistake.name}. {mistake.message}"


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("name", "replacements", "says"), WRONG)
def test_a_wrong_answer_is_told_what_is_wrong(name, replacements, says, seed):
    answer = replaced(EXERCISES[name].right, replacements)
    with pytest.raises(WrongAnswerError) as wrong:
        check(name, answer, seed=seed)
    assert str(wrong.value).startswith(says)
    assert says.startswith(f"{wrong.value.fault}. ")


def test_wrong_values_are_shown_with_a_hint():
    answer = replaced(EXERCISES["bptt"].right, {"return dW": "return 0 * dW"})
    with pytest.raises(
        WrongAnswerError,
        match=r"dW\[0, 0\] is -?0, but must be -?\d\S+\. \(Wrong: dW; right: db, dx, dh0\.\)"
        r" \(Called with W \(3, 5\), .* A numerical gradient",
    ):
        check("bptt", answer)


@pytest.mark.parametrize("name", EXERCISES)
def test_a_function_is_needed(name):
    with pytest.raises(WrongAnswerError, match=r"^No function\. .* got int"):
        getattr(exercises, f"check_{name}")(3)


def test_a_function_needs_no_name():
    function = partial(EXERCISES["clip"].function())
    assert repr(exercises.check_clip(function)).startswith("Right: it gave")


@pytest.mark.parametrize("error", [NotImplementedError, KeyboardInterrupt])
def test_a_stub_stays_one_and_a_check_can_be_stopped(error):
    def raising(*_):
        raise error("write me")

    with pytest.raises(error, match="write me"):
        exercises.check_clip(raising)


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, RecursionError])
def test_an_error_does_not_end_the_notebook(error):
    def leaving(*_):
        raise error(0)

    with pytest.raises(WrongAnswerError, match=f"^It raises .*{error.__name__}"):
        exercises.check_clip(leaving)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_attention_is_asked_for_a_score_of_a_thousand(seed, dtype):
    """As its exercise asks, for every seed."""
    inputs = INPUTS["attention"](np.random.default_rng(seed))
    largest = [
        (memory @ query)[mask].max() for query, memory, mask in inputs if query.dtype == dtype
    ]
    assert any(abs(score - 1000) < 0.01 for score in largest)
