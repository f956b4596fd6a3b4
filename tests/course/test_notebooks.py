"""Students get no solution, stubs say what is to be written, and solutions fit in their place."""

import json

import nbformat
import pytest

from tools import course

SOURCES = course.chapters()
CHAPTER = """# A chapter

Some text that stays.

% Teaching note: Ask before you tell.

````{exercise-start} Code: twice (★)
:label: ex-twice
````
Write `twice(x)`.
````{exercise-end}
````

````{solution-start} ex-twice
:class: dropdown
:label: sol-twice
````
Adding a number to itself is enough here.

```{code-cell} ipython3
:tags: [lesson, solution]
def twice(x, *, extra=0):
    doubled = x + x + extra
    return doubled
```

```{code-cell} ipython3
:tags: [check]
assert twice(3) == 6
```
````{solution-end}
````

````{exercise-start} Derive: why (★★)
:label: ex-why
````
Why?
````{exercise-end}
````

````{solution-start} ex-why
:class: dropdown
:label: sol-why
````
Because of the distributive law, of course.
````{solution-end}
````
"""


def text_of(notebook):
    return "\n".join(cell.source for cell in notebook.cells)


# --- The parts ---


def test_exercises_are_read_with_their_solutions():
    code, derive = course.exercises(CHAPTER)
    assert (code.label, code.kind, code.stars) == ("ex-twice", "Code", 1)
    assert (derive.label, derive.kind, derive.stars) == ("ex-why", "Derive", 2)
    assert [tags for tags, _ in code.cells] == [{"lesson", "solution"}, {"check"}]


@pytest.mark.parametrize(
    ("label", "said"), [("ex-twice", "without solution: .'ex-twice'"), ("ex-why", "ex-other")]
)
def test_what_does_not_belong_together_is_said(label, said):
    text = CHAPTER.replace(f"{{solution-start}} {label}", "{solution-start} ex-other")
    with pytest.raises(course.CourseError, match=said):
        course.exercises(text)


def test_a_student_gets_a_stub_and_the_check():
    text = course.student(CHAPTER)
    assert "doubled" not in text
    assert "Adding a number" not in text
    assert "Ask before" not in text
    assert "def twice(x, *, extra=0):\n    raise NotImplementedError('ex-twice:" in text
    assert ":tags: [check, raises-exception]\nassert twice(3) == 6" in text
    assert "*Your answer:*" in text


@pytest.mark.parametrize(
    "leak",
    [
        "Adding a number to itself is enough here.",
        "doubled = x + x + extra",
        "Because of the distributive law, of course.",
    ],
)
def test_what_is_left_of_a_solution_is_found(leak):
    text = course.student(CHAPTER)
    assert course.leaks(text, CHAPTER) == []
    assert course.leaks(f"{text}\n{leak}\n", CHAPTER) == [leak]


def test_a_solution_that_is_not_marked_as_one_stops_the_build(monkeypatch):
    monkeypatch.setattr(course, "stub", lambda exercise: exercise.solution)
    with pytest.raises(course.CourseError, match="there is left"):
        course.student(CHAPTER)


def test_an_instructor_gets_notes_and_open_solutions():
    text = course.instructor(CHAPTER)
    assert "{admonition} Teaching note\nAsk before you tell.\n" in text
    assert "doubled = x + x" in text


@pytest.mark.parametrize("error", [None, "ValueError"])
def test_a_stub_that_is_no_help_stops_the_build(error):
    cell = nbformat.v4.new_code_cell("pass", metadata={"tags": [course.RAISES]})
    if error:
        cell.outputs = [nbformat.v4.new_output("error", ename=error, evalue="")]
    with pytest.raises(course.CourseError, match="must raise NotImplementedError"):
        course.raised(nbformat.v4.new_notebook(cells=[cell]))


# --- What was built ---


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_a_chapter_has_exercises_of_every_kind_and_grade(source):
    exercises = course.exercises(course.read(source))
    assert 8 <= len(exercises) <= 12
    assert {e.kind for e in exercises} == {"Derive", "Code", "Experiment"}
    assert {1, 2} <= {e.stars for e in exercises} <= {1, 2, 3}
    assert len({e.label for e in exercises}) == len(exercises)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_what_students_get_tells_no_solution(source):
    file = course.BUILT / "student" / f"{source.stem}.ipynb"
    listings = "".join(label.code for label in course.known().values())
    chapter = course.read(source) + listings  # which are on the page, too
    built = nbformat.read(file, as_version=4)
    everything = json.loads(file.read_text(encoding="utf-8"))
    assert course.leaks(text_of(built), chapter) == []
    assert course.leaks(json.dumps(everything, ensure_ascii=False), chapter) == []
    stubs = [c for c in built.cells if "stub" in c.metadata.get("tags", ())]
    assert not any(stub.outputs for stub in stubs)
    for exercise in course.exercises(chapter):
        if exercise.kind != "Derive":
            assert any(f"'{exercise.label}: " in stub.source for stub in stubs)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_solutions_fit_where_the_stubs_are(source):
    chapter = course.read(source)
    stripped = course.notebook(course.student(chapter))
    solved = course.put_back(stripped, chapter)
    assert "NotImplementedError" not in text_of(solved)
    course.run(solved, source)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_instructors_get_every_solution_and_note(source):
    chapter = course.read(source)
    file = course.BUILT / "instructor" / f"{source.stem}.ipynb"
    text = text_of(nbformat.read(file, as_version=4))
    assert len(course.NOTE.findall(chapter)) >= 3
    for note in course.NOTE.findall(chapter):
        assert note in text
    for exercise in course.exercises(chapter):
        for _, code in exercise.cells:
            assert code.strip() in text


def test_instructors_get_no_outputs_of_other_cells():
    (source, *_) = SOURCES
    changed = course.read(source).replace("import numpy", "import  numpy")
    executed = course.EXECUTED / f"{source.stem}.ipynb"
    with pytest.raises(course.CourseError, match="before this cell"):
        course.as_built(course.notebook(changed), executed)


@pytest.mark.parametrize("kind", ["student", "instructor"])
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_every_exercise_has_its_title_and_its_number(source, kind):
    file = course.BUILT / kind / f"{source.stem}.ipynb"
    text = text_of(nbformat.read(file, as_version=4))
    for exercise in course.exercises(course.read(source)):
        called = course.known()[exercise.label].called
        assert f"### {called}. {exercise.title}\n" in text
