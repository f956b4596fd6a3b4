"""Make a course for nbgrader of the code exercises: python -m tools.grading.

Each chapter becomes an assignment. Its solutions are those of the book; students see the tests that
the book shows, and for hidden ones the same checks try other arguments.
"""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.course import BUILT, CourseError, Exercise, chapters, exercises, read, write

COURSE = BUILT / "nbgrader"
SEED = 2026  # of the hidden tests; a course may choose its own
DRAWN = "default_rng(0)"  # in a check that draws its arguments itself
IMPORTS = """\
import numpy as np

from lstm_lab import exercises
from lstm_lab.numerics import sigmoid
"""
CONFIGURATION = """\
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "lstm-lab"
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("Write your solution here.")'}
c.ExecutePreprocessor.timeout = 120
"""


def graded(chapter: str) -> list[Exercise]:
    """Return the exercises of a chapter's text that a check can grade."""
    return [
        exercise
        for exercise in exercises(chapter)
        if exercise.kind == "Code" and any("check" in tags for tags, _ in exercise.cells)
    ]


def assignment(chapter: str, *, seed: int = SEED) -> NotebookNode:
    """Return the source of an assignment: exercises with solutions and tests."""
    cells = [cell("imports", IMPORTS, locked=True)]
    for exercise in graded(chapter):
        name, points = exercise.label, exercise.stars
        text = new_markdown_cell(f"## {exercise.title}\n\n{exercise.text.strip()}")
        text.id = f"{name}-text"
        checks = [code for tags, code in exercise.cells if "check" in tags]
        answers = [code for tags, code in exercise.cells if "lesson" in tags]
        cells += [
            text,
            cell(name, "\n\n".join(map(marked, answers)), solution=True),
            cell(f"{name}-test", "\n".join(checks), points=points),
            cell(f"{name}-hidden", hidden(checks, seed), points=points),
        ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def cell(
    name: str,
    source: str,
    *,
    locked: bool = False,
    solution: bool = False,
    points: int | None = None,
) -> NotebookNode:
    """Return a cell that nbgrader knows; one with points is a test."""
    about = {
        "grade": points is not None,
        "grade_id": name,
        "locked": locked or points is not None,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if points is not None:
        about["points"] = points
    made = new_code_cell(source.strip(), metadata={"nbgrader": about})
    made.id = name
    return made


def marked(code: str) -> str:
    """Return a function with the marks between which nbgrader takes the solution out."""
    (function,) = ast.parse(code).body
    lines = code.rstrip().splitlines()
    first = function.body[0].lineno - 1
    body = ["    ### BEGIN SOLUTION", *lines[first:], "    ### END SOLUTION"]
    return "\n".join([*lines[:first], *body])


def hidden(checks: list[str], seed: int) -> str:
    """Return the checks with other arguments, between the marks of hidden tests."""
    others = [redrawn(check.strip(), seed) for check in checks]
    return "\n".join(["### BEGIN HIDDEN TESTS", *others, "### END HIDDEN TESTS"])


def redrawn(check: str, seed: int) -> str:
    """Return a check whose arguments are drawn with another seed."""
    if check.startswith("exercises.check_"):
        return f"{check.removesuffix(')')}, seed={seed})"
    other = check.replace(DRAWN, f"default_rng({seed})")
    if other == check:
        raise CourseError(f"nothing in this check is drawn:\n{check}")
    return other


def build(course: Path = COURSE) -> list[str]:
    """Write a course anew, let nbgrader make the students' versions, and return their names."""
    shutil.rmtree(course, ignore_errors=True)
    names = []
    for source in chapters():
        name = source.stem
        write(assignment(read(source)), course / "source" / name / f"{name}.ipynb")
        names.append(name)
    (course / "nbgrader_config.py").write_text(CONFIGURATION, encoding="utf-8")
    for name in names:
        nbgrader(course, "generate_assignment", name, "--create", "--force")
    return names


def nbgrader(course: Path, *arguments: str) -> None:
    """Run a command of nbgrader in a course's folder; its failure ends the program."""
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(  # noqa: S603
        command, cwd=course, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"nbgrader {' '.join(arguments)}:\n{done.stderr}")


if __name__ == "__main__":
    sys.stdout.write(f"{', '.join(build())} are in {COURSE}\n")
