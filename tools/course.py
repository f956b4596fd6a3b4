"""Make a course's notebooks of the chapters: python -m tools.course.

A chapter is the one source of three: the book's page; the *student's* notebook, with a stub in the
place of each solution; and the *instructor's*, with the solutions open and the teaching notes,
which are comments of the chapter. The student's is executed here, the instructor's has what the
build of the book computed. What stays of a solution in a student's notebook is an error, and so is
a stub that does not say what is to be written.
"""

import ast
import copy
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import NamedTuple

import jupytext
import nbformat
import yaml
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "_ext"))
import launch  # noqa: E402
from plain import Label, Plain, labels  # noqa: E402

SITE = ROOT / "_build" / "html"
BUILT = ROOT / "_build" / "course"
EXECUTED = ROOT / "_build" / "jupyter_execute" / "chapters"
TIMEOUT = 600  # seconds a cell

EXERCISE = re.compile(
    r"^````\{exercise-start\} (?P<title>[^\n]*)\n:label: (?P<label>\S+)\n````\n"
    r"(?P<text>.*?)^````\{exercise-end\}\n````\n",
    re.MULTILINE | re.DOTALL,
)
SOLUTION = re.compile(
    r"^````\{solution-start\} (?P<label>\S+)\n(?::[^\n]*\n)*````\n"
    r"(?P<body>.*?)^````\{solution-end\}\n````\n",
    re.MULTILINE | re.DOTALL,
)
CELL = re.compile(
    r"^```\{code-cell\} ipython3\n(?::tags: \[(?P<tags>[^\n]*)\]\n)?(?P<code>.*?)^```\n",
    re.MULTILINE | re.DOTALL,
)
NOTE = re.compile(r"^% Teaching note: (?P<text>.*)\n", re.MULTILINE)
RECORD = "application/papermill.record/text/plain"  # of a value that is glued
RAISES = "raises-exception"  # nbclient goes on after such a cell


class CourseError(Exception):
    """What of a chapter makes no course."""


class Exercise(NamedTuple):
    """An exercise of a chapter with its solution."""

    label: str
    title: str  # such as "Code: one step (★)"
    text: str
    solution: str

    @property
    def kind(self) -> str:
        """Derive, Code or Experiment."""
        return self.title.partition(":")[0]

    @property
    def stars(self) -> int:
        """How hard it is, from one to three."""
        return self.title.count("★")

    @property
    def cells(self) -> list[tuple[set[str], str]]:
        """Tags and code of the solution's cells."""
        return [
            (set((cell["tags"] or "").split(", ")), cell["code"])
            for cell in CELL.finditer(self.solution)
        ]


def chapters(root: Path = ROOT) -> list[Path]:
    """Return the sources that have exercises, in the order of the book."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    files = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    sources = (root / f"{file}.md" for file in files)
    return [source for source in sources if exercises(read(source))]


def read(source: Path) -> str:
    """Return the text of a source."""
    return source.read_text(encoding="utf-8")


def exercises(chapter: str) -> list[Exercise]:
    """Return the exercises of a chapter's text, each with its solution."""
    solutions = {s["label"]: s["body"] for s in SOLUTION.finditer(chapter)}
    found = [
        Exercise(e["label"], e["title"], e["text"], solutions.pop(e["label"], ""))
        for e in EXERCISE.finditer(chapter)
    ]
    unsolved = [exercise.label for exercise in found if not exercise.solution]
    if unsolved or solutions:
        raise CourseError(f"without solution: {unsolved}; without exercise: {[*solutions]}")
    return found


# --- The student's notebooks ---


def student(chapter: str) -> str:
    """Return a chapter's text with stubs for solutions, and without teaching notes."""
    known = {exercise.label: exercise for exercise in exercises(chapter)}
    text = SOLUTION.sub(lambda s: stub(known[s["label"]]), chapter)
    text = NOTE.sub("", text)
    if left := leaks(text, chapter):
        raise CourseError(f"of a solution there is left: {left}")
    return text


def stub(exercise: Exercise) -> str:
    """Return what stands where a solution was: cells to fill in, and those that check them."""
    if exercise.kind == "Derive":
        return "*Your answer:*\n"
    lines = []
    for tags, code in exercise.cells:
        if "lesson" in tags:
            lines.append(cell("stub", "\n\n\n".join(signatures(exercise, code))))
        elif "check" in tags:
            lines.append(cell(f"check, {RAISES}", code))
    if not any("def " in line for line in lines):
        lines.append(cell(f"stub, {RAISES}", to_do(exercise)))
    return "\n".join(lines)


def signatures(exercise: Exercise, code: str) -> Iterator[str]:
    """Yield the head of each function, with a body that says what is to be done."""
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef):
            yield f"def {node.name}({ast.unparse(node.args)}):\n    {to_do(exercise)}"


def to_do(exercise: Exercise) -> str:
    """Return the statement that stands for what is to be written."""
    what = f"{exercise.label}: put your code in the place of this."
    return f"raise NotImplementedError({what!r})"


def cell(tags: str, code: str) -> str:
    """Return the source of a code cell."""
    return f"```{{code-cell}} ipython3\n:tags: [{tags}]\n{code.strip()}\n```\n"


def leaks(text: str, chapter: str) -> list[str]:
    """Return what of the solutions stands in a text, and nowhere else in the chapter."""
    known = exercises(chapter)
    checks = [code for e in known for tags, code in e.cells if "check" in tags]
    kept = SOLUTION.sub("", chapter) + "".join(checks)
    found = []
    for exercise in known:
        prose = CELL.sub("", exercise.solution)
        parts = re.split(r"(?<=[.:?]) |\n", prose) + [
            line.strip()
            for tags, code in exercise.cells
            if "check" not in tags
            for line in code.splitlines()
            if not line.lstrip().startswith(("def ", "return", "@"))
        ]
        found += [
            part for part in parts if len(part) > SHORTEST and part not in kept and part in text
        ]
    return found


SHORTEST = 15  # characters of what tells anything


def put_back(stripped: NotebookNode, chapter: str) -> NotebookNode:
    """Return a student's notebook, not executed, with the solutions in the place of the stubs."""
    solved = copy.deepcopy(stripped)
    known = {exercise.label: exercise for exercise in exercises(chapter)}
    for each in solved.cells:
        tags = each.metadata.get("tags", [])
        each.metadata["tags"] = [tag for tag in tags if tag != RAISES]
        if "stub" in tags:
            (label,) = set(re.findall(r"\bex-[\w-]+(?=:)", each.source))
            each.source = "\n\n".join(
                code.strip() for kinds, code in known[label].cells if "check" not in kinds
            )
    return solved


# --- The instructor's notebooks ---


def instructor(chapter: str) -> str:
    """Return a chapter's text with the solutions open and the teaching notes in boxes."""
    return NOTE.sub(r":::{admonition} Teaching note\n\g<text>\n:::\n", chapter)


# --- Building ---


def notebook(text: str) -> NotebookNode:
    """Return a text as a notebook whose cells have stable names."""
    made = jupytext.reads(text, fmt="md:myst")
    for number, each in enumerate(made.cells):
        each.id = f"cell-{number}"
    made.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    return made


def run(made: NotebookNode, source: Path) -> NotebookNode:
    """Execute a chapter's notebook and make its text plain; an error not expected ends it."""
    client = NotebookClient(
        made,
        timeout=TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(source.parent)}},
    )
    client.execute()
    return launch.settle(made, Plain(source.stem, glued(made), known()))


def as_built(made: NotebookNode, executed: Path) -> NotebookNode:
    """Return a notebook with the outputs that its cells had when the book was built."""
    built = nbformat.read(executed, as_version=4)
    pairs = zip(code_cells(made), code_cells(built), strict=True)
    for mine, theirs in pairs:
        if mine.source != theirs.source:
            raise CourseError(f"the book was built before this cell was written:\n{mine.source}")
        mine.outputs = theirs.outputs
        mine.execution_count = theirs.execution_count
    plain = Plain(executed.stem, launch.glued(executed), known())
    return launch.settle(made, plain)


@cache
def known() -> dict[str, Label]:
    """Return what has a name in the built book."""
    return labels(SITE)


def code_cells(made: NotebookNode) -> list[NotebookNode]:
    """Return the cells that are executed."""
    return [each for each in made.cells if each.cell_type == "code"]


def glued(made: NotebookNode) -> dict[str, str]:
    """Return what Python writes for each value that a notebook's cells glued, by its name."""
    outputs = [o for each in made.cells for o in each.get("outputs", ())]
    return {
        output.metadata["scrapbook"]["name"]: output.data[RECORD]
        for output in outputs
        if "scrapbook" in output.get("metadata", {})
    }


def raised(made: NotebookNode) -> list[str]:
    """Return what the cells raised that may, and complain of what is no help."""
    found = []
    for each in made.cells:
        if RAISES in each.metadata.get("tags", ()):
            errors = [o for o in each.outputs if o.output_type == "error"]
            names = [error.ename for error in errors]
            if names != ["NotImplementedError"]:
                raise CourseError(
                    f"a stub must raise NotImplementedError, got {names} in:\n{each.source}"
                )
            found.append(errors[0].evalue)
    return found


def write(made: NotebookNode, file: Path) -> None:
    """Write a notebook that keeps to its format."""
    nbformat.validate(made)
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, file)


def build(source: Path) -> str:
    """Make and run both notebooks of a chapter; return what was made."""
    chapter = read(source)
    stripped = run(notebook(student(chapter)), source)
    stubs = raised(stripped)
    for each in stripped.cells:
        if {"stub", RAISES} & set(each.metadata.get("tags", ())):
            each.outputs, each.execution_count = [], None
    write(stripped, BUILT / "student" / f"{source.stem}.ipynb")
    solved = as_built(notebook(instructor(chapter)), EXECUTED / f"{source.stem}.ipynb")
    write(solved, BUILT / "instructor" / f"{source.stem}.ipynb")
    count = len(exercises(chapter))
    return f"{source.stem}: {count} exercises, {len(stubs)} cells to fill in or to pass"


def main() -> int:
    """Build the notebooks of all chapters, two at a time: the last first, which take longest."""
    with ThreadPoolExecutor(2) as pool:
        for made in pool.map(build, reversed(chapters())):
            sys.stdout.write(f"{made}\n")
    sys.stdout.write(f"The notebooks are in {BUILT}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
