"""A right answer is accepted, a wrong one never; and of a wrong one it is said what is wrong."""

import importlib.util
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from lstm_lab import exercises
from lstm_lab.exercises import PROBLEMS, WrongAnswerError

from .answers import ANSWERS

NUMBERS = count()
WRONG = [
    pytest.param(name, fault, changes, id=f"{name}-{fault}-{n}")
    for name, (_, wrong) in ANSWERS.items()
    for n, (fault, *changes) in enumerate(wrong)
]
GENERAL = {
    *(
        "No function",
        "It raises an error",
        "Nothing is returned",
        "Wrong dtype",
    ),
    *("Wrong number of results", "Not an array", "Wrong shape", "Not finite"),
    *("An argument is changed", "Not the same twice", "Wrong values"),
    *("One sequence works, a batch does not", "It divides by zero"),
}


@pytest.fixture
def written(tmp_path):
    """Return a function that makes one of a reader's text."""

    def make(text, name):
        file = tmp_path / f"answer_{next(NUMBERS)}.py"
        file.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(file.stem, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, name)

    return make


def check_of(name):
    return getattr(exercises, f"check_{name}")


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("seed", range(5))
def test_a_right_answer_is_accepted(written, name, seed):
    right, _ = ANSWERS[name]
    told = check_of(name)(written(right, name), seed=seed)
    assert repr(told).startswith(f"Right: {name} gave the right values ")


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_laboratory_itself_is_accepted(name):
    check_of(name)(PROBLEMS[name].solution)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("name", "fault", "changes"), WRONG)
def test_a_wrong_answer_is_told_what_is_wrong(
    written, name, fault, changes, seed
):
    text, _ = ANSWERS[name]
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    with pytest.raises(WrongAnswerError) as told:
        check_of(name)(written(text, name), seed=seed)
    assert told.value.fault == fault
    assert str(told.value).startswith(f"{fault}. ")


@pytest.mark.parametrize("name", PROBLEMS)
def test_at_least_twelve_mistakes_of_each_are_known_and_each_is_tried(name):
    known = {fault.name for fault in PROBLEMS[name].faults}
    tried = {fault for fault, *_ in ANSWERS[name][1]}
    assert len(known) >= 12
    assert known == tried - GENERAL
    assert tried & GENERAL >= {"Wrong values", "An argument is changed"}


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("seed", [0, 7])
def test_no_mistake_is_taken_for_another(name, seed):
    problem = PROBLEMS[name]
    for fault in problem.faults:
        with pytest.raises(WrongAnswerError) as told:
            problem.check(fault.variant, seed)
        assert told.value.fault == fault.name


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_is_no_function_is_said(name):
    with pytest.raises(WrongAnswerError, match=r"No function\. .* got int"):
        check_of(name)(3)


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_is_still_to_be_written_stays_so(name):
    def stub(*_):
        raise NotImplementedError("write me")

    with pytest.raises(NotImplementedError, match="write me"):
        check_of(name)(stub)


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, RecursionError])
def test_what_is_raised_does_not_end_the_host(name, error):
    def leaving(*_):
        raise error(0)

    with pytest.raises(
        WrongAnswerError, match=f"^It raises .*{error.__name__}"
    ):
        check_of(name)(leaving)


@pytest.mark.parametrize("name", PROBLEMS)
def test_whoever_stops_a_check_does(name):
    def interrupted(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_of(name)(interrupted)


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_cannot_be_copied_is_named(name):
    with pytest.raises(WrongAnswerError, match=r"^It raises an error"):
        check_of(name)(lambda *_: (n for n in range(3)))


@pytest.mark.parametrize("name", PROBLEMS)
def test_nothing_is_right_that_was_not_tried(name):
    problem = replace(PROBLEMS[name], probes=lambda _: [])
    with pytest.raises(ValueError, match="probes must be one or more"):
        problem.check(problem.solution, 0)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_attention_is_asked_for_a_score_of_a_thousand(seed, dtype):
    """As its exercise asks, for every seed."""
    probes = PROBLEMS["attention"].probes(np.random.default_rng(seed))
    largest = [
        (memory @ query)[mask].max()
        for query, memory, mask in probes
        if query.dtype == dtype
    ]
    assert any(abs(score - 1000) < 0.01 for score in largest)
