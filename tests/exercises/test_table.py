"""The table of right answers and mistakes: what its texts must have, and its checks."""

import inspect

import pytest

from lstm_lab import exercises
from lstm_lab.exercises.inputs import INPUTS
from lstm_lab.exercises.table import EXERCISES, replaced

NAMES = [*EXERCISES]


def test_each_exercise_has_inputs_and_a_check():
    checks = {name for name in vars(exercises) if name.startswith("check_")}
    assert checks == {f"check_{name}" for name in NAMES}
    assert [*INPUTS] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_check_says_what_the_function_takes_and_returns(name):
    check = getattr(exercises, f"check_{name}")
    exercise = EXERCISES[name]
    arguments = inspect.signature(exercise.function())
    assert f"``function{arguments}`` returns" in check.__doc__
    for result in exercise.results:
        assert f"``{result}``" in check.__doc__ or "both arrays" in check.__doc__
    assert str(inspect.signature(check)).startswith("(function: ")
    assert check.__name__ == check.__qualname__ == f"check_{name}"


@pytest.mark.parametrize("name", NAMES)
def test_mistakes_have_different_names_and_say_what_to_do(name):
    mistakes = EXERCISES[name].mistakes
    assert len({mistake.name for mistake in mistakes}) == len(mistakes)
    for mistake in mistakes:
        assert not mistake.name.endswith(".")
        assert mistake.message.endswith((".", ".)"))


@pytest.mark.parametrize("part", ["c", "a"])
def test_a_part_must_occur_once(part):
    assert replaced("a, a, b", {"b": "c", "c": "d"}) == "a, a, d"
    with pytest.raises(ValueError, match=f"'{part}' must occur once"):
        replaced("a, a, b", {part: "d"})
