"""nbgrader gives a perfect submission all points, an empty one none, and finds what is wrong."""

import nbformat
import pytest
from nbgrader.api import Gradebook

from lstm_lab.exercises.table import EXERCISES
from tools import course, grading

TEXTS = {source.stem: course.read(source) for source in course.chapters()}
# What is wrong with a submission of chapter 318, by exercise.
WRONG = {
    "ex-gru-step": "z keeps instead of admitting",
    "ex-lstm-backward": "The path through h is missing",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A course whose students have handed in, graded."""
    folder = tmp_path_factory.mktemp("course")
    names = grading.build(folder)
    assert names == [*TEXTS]
    for name in names:
        hand_in(folder, name, "perfect", solutions(name))
    hand_in(folder, "ch318", "empty", {})
    hand_in(folder, "ch318", "mistaken", solutions("ch318") | mistakes())
    for name in names:
        grading.nbgrader(folder, "autograde", name)
    return folder


def solutions(name):
    return {
        exercise.label: "\n".join(code for tags, code in exercise.cells if "lesson" in tags)
        for exercise in grading.graded(TEXTS[name])
    }


def mistakes():
    """Return wrong answers, such as the checks recognize."""
    return {
        label: mistake.answer
        for label, fault in WRONG.items()
        for mistake in EXERCISES[label.removeprefix("ex-").replace("-", "_")].mistakes
        if mistake.name == fault
    }


def hand_in(folder, name, student, answers):
    """Put answers into what students were given, and hand it in."""
    file = f"{name}/{name}.ipynb"
    notebook = nbformat.read(folder / "release" / file, as_version=4)
    for cell in notebook.cells:
        if cell.id in answers:
            cell.source = answers[cell.id]
    target = folder / "submitted" / student / file
    target.parent.mkdir(parents=True)
    nbformat.write(notebook, target)


@pytest.fixture(scope="module")
def gradebook(built):
    with Gradebook(f"sqlite:///{built / 'gradebook.db'}") as book:
        yield book


@pytest.mark.parametrize("name", TEXTS)
def test_students_get_neither_solutions_nor_hidden_tests(built, name):
    file = built / "release" / name / f"{name}.ipynb"
    text = "\n".join(c.source for c in nbformat.read(file, as_version=4).cells)
    assert course.leaks(text, TEXTS[name]) == []
    assert f"{grading.SEED}" not in text
    assert "HIDDEN" not in text
    assert 'raise NotImplementedError("Write your solution here.")' in text


@pytest.mark.parametrize("name", TEXTS)
def test_hidden_tests_try_what_the_shown_ones_do_not(name):
    cells = grading.assignment(TEXTS[name]).cells
    tests = {c.id: c.source for c in cells if c.id.endswith("-test")}
    for test, shown in tests.items():
        (hidden,) = (c.source for c in cells if c.id == test.removesuffix("test") + "hidden")
        assert f"{grading.SEED}" in hidden
        assert shown not in hidden


def test_a_test_that_draws_nothing_cannot_be_hidden():
    with pytest.raises(course.CourseError, match="nothing in this check"):
        grading.hidden(["assert f(1) == 2"], 0)


@pytest.mark.parametrize("name", TEXTS)
def test_a_perfect_submission_gets_all_points(gradebook, name):
    found = gradebook.find_submission(name, "perfect")
    points = sum(2 * e.stars for e in grading.graded(TEXTS[name]))
    assert (found.score, found.max_score) == (points, points)
    assert not found.needs_manual_grade


def test_an_empty_submission_gets_none(gradebook):
    assert gradebook.find_submission("ch318", "empty").score == 0


def test_a_mistake_costs_the_points_of_its_exercise(gradebook):
    for exercise in grading.graded(TEXTS["ch318"]):
        for test in ("test", "hidden"):
            grade = gradebook.find_grade(f"{exercise.label}-{test}", "ch318", "ch318", "mistaken")
            right = exercise.label not in WRONG
            assert grade.auto_score == right * exercise.stars


def test_what_is_wrong_is_told(built):
    file = built / "autograded" / "mistaken" / "ch318" / "ch318.ipynb"
    errors = [
        output.evalue
        for cell in nbformat.read(file, as_version=4).cells
        for output in cell.get("outputs", ())
        if output.output_type == "error"
    ]
    for fault in WRONG.values():
        assert any(error.startswith(f"{fault}. ") for error in errors)
