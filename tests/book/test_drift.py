"""Every kind of drift turns a check red: one fault at a time, in a copy of a small book.

The small book has the real book's configuration, copied when the test runs, and is judged by the
real book's commands and checks. Each fault must be reported for what it is, and the copy without a
fault must pass everything.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import checks
import pytest
from smallbook import BUILD, LAB, NBVAL, ROOT, edit, write

PAGE, INDEX, CLAIMS = ("chapters/page.md", "chapters/index.md", "chapters/claims.md")
BUILT, LISTED = ("_build/html/chapters/page.html", "_build/html/chapters/claims.html")


class Outcome(NamedTuple):
    """What came of a command."""

    red: bool
    said: str


def run(command: str, root: Path, **variables: str) -> Outcome:
    """Run a command of this Python's environment in a book."""
    program, *arguments = shlex.split(command)
    done = subprocess.run(
        [shutil.which(program, path=Path(sys.executable).parent), *arguments],
        cwd=root,
        env={**os.environ, "IPYTHONDIR": str(root / ".venv" / "ipython"), **variables},
        capture_output=True,
        check=False,
        encoding="utf-8",
        errors="replace",
    )
    said = re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)  # without colours
    return Outcome(done.returncode != 0, said)


def faults(root: Path) -> list[str]:
    """Return what the checks of the real book's pages find in a built book."""
    book = checks.Book(root)
    every, executed = checks.EVERY_PAGE, checks.EXECUTED_PAGE
    return [
        fault
        for page in book.pages
        for check in every + (executed if book.is_notebook(page) else ())
        for fault in check(book, page)
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The small book without a fault, built once."""
    root = write(tmp_path_factory.mktemp("small"))
    outcome = run(BUILD, root)
    assert not outcome.red, outcome.said
    return root


@pytest.fixture
def copy(built, tmp_path) -> Path:
    """A copy of the built book, to inject a fault after the build."""
    return shutil.copytree(built, tmp_path / "book", symlinks=True)


@pytest.fixture
def fresh(tmp_path) -> Path:
    """A copy of the book's sources, to inject a fault before the build."""
    return write(tmp_path / "book")


@pytest.fixture
def plain(fresh) -> Path:
    """The same without the page that has cells, which makes the build quick."""
    (fresh / PAGE).unlink()
    (fresh / CLAIMS).unlink()
    toc = fresh / "_toc.yml"
    lines = toc.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = "".join(line for line in lines if "chapters/claims" not in line)
    toc.write_text(kept.replace("chapters/page", "chapters/other"), encoding="utf-8")
    other = "---\nmyst:\n  html_meta:\n    description: A page.\n---\n\n# Another page\n"
    (fresh / "chapters" / "other.md").write_text(other)
    return fresh


def test_without_a_fault_all_is_green(built):
    assert faults(built) == []
    outcome = run(NBVAL, built)
    assert not outcome.red, outcome.said
    cells = len(checks.code_cells(checks.Book(built).executed("chapters/page")))
    assert f"{cells + 2} passed" in outcome.said  # and two items, Glued and Widgets


# --- Faults that stop the build ---


def test_broken_references(plain):
    faults = {
        "{ref}`small-references`": ("{ref}`small-reference`", "undefined label: 'small-reference'"),
        "gers2000learning": ("gers1999learning", 'could not find bibtex key "gers1999learning"'),
        "(references.md)": ("(reference.md)", "cross-reference target not found: 'reference.md'"),
        "md#references": ("md#reference", "local id not found in doc 'chapters/references'"),
    }
    for right, (wrong, _) in faults.items():
        edit(plain, INDEX, right, wrong)
    outcome = run(BUILD, plain)
    assert outcome.red
    for _, message in faults.values():
        assert message in outcome.said
    assert outcome.said.count("WARNING: ") == len(faults)


def test_cell_that_raises(fresh):
    edit(fresh, PAGE, "import numpy as np", "1 / 0")
    outcome = run(BUILD, fresh)
    assert outcome.red
    assert "ZeroDivisionError" in outcome.said


def test_glued_key_that_no_cell_makes_any_more(fresh):
    edit(fresh, PAGE, 'glue("forget"', 'glue("forgotten"')
    outcome = run(BUILD, fresh)
    assert outcome.red
    assert "No key 'forget' found in glue data" in outcome.said


# --- Faults that appear when the notebooks are run again ---


def test_constant_changed_in_the_package(built, tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src")
    edit(tmp_path, "src/lstm_lab/cells/lstm.py", '["f"][:] = 1', '["f"][:] = 2')
    outcome = run(NBVAL, built, PYTHONPATH=str(tmp_path / "src"))
    assert outcome.red
    assert "mismatch 'stdout'" in outcome.said
    assert "mismatch 'image/svg+xml'" in outcome.said
    assert "Glued changed since the build" in outcome.said
    assert "Widgets changed since the build" in outcome.said


def test_outputs_that_depend_on_when_they_are_computed(fresh):
    edit(fresh, PAGE, 'f"{forget:.4f}"', '__import__("time").time_ns()')
    edit(fresh, PAGE, "np.arange(10))", "np.random.default_rng().random(10))")
    outcome = run(BUILD, fresh)
    assert not outcome.red, outcome.said
    outcome = run(NBVAL, fresh)
    assert outcome.red
    assert "2 failed" in outcome.said  # each for a reason of its own: nbval judges cell by cell
    # Where the variable CI is set, pytest's summary repeats the messages.
    report, _, _ = outcome.said.partition("short test summary info")
    _, clock, figure = re.split(r"(?m)^Cell \d+: Cell outputs differ", report)
    assert "time_ns()" in clock
    assert "mismatch 'stdout'" in clock
    assert "default_rng()" in figure
    assert "mismatch 'image/svg+xml'" in figure


# --- Faults in the pages, after the build ---


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("so {glue", "hence {glue", ["text has", "cells have"]),
        ("lstm.init(4, 32,", "lstm.init(4, 16,", ["text has", "cells have"]),
        ("decays geom", "falls geom", ["text has", "cells have"]),
        ("description: One", "description: A", ["text has"]),
    ],
    ids=["prose", "code", "caption", "description"],
)
def test_chapter_edited_after_the_build(copy, old, new, found):
    edit(copy, PAGE, old, new)
    kinds = {"text has": "the text has changed since the build"}
    kinds["cells have"] = "the cells have changed since they were executed"
    assert faults(copy) == [f"chapters/page: {kinds[kind]}" for kind in found]


def test_result_typed_instead_of_glued(copy):
    edit(copy, PAGE, "{glue:text}`forget:.2f`", "0.73")
    assert any(re.search(r"page: line \d+: '0.73' in 'so 0.73 of", f) for f in faults(copy))


@pytest.mark.parametrize(
    ("file", "old", "new", "found"),
    [
        (
            BUILT,
            'pasted-text">0.73<',
            'pasted-text">0.74<',
            [
                "no claim says that forget is 0.74",
                "what the claims say of forget is not in the text",
            ],
        ),
        (
            BUILT,
            "decays geometrically",
            "falls geometrically",
            ["no claim is what the caption of fig-decay says"],
        ),
        (
            LISTED,
            ">sigmoid_and_tanh<",
            ">product_by_a_diagonal_matrix<",
            ["no claim names the tests of eq-ch309-definitions"],
        ),
        (
            PAGE,
            "assert forget > 0.7",
            "assert forget > 0.6",
            ["no claim is what a cell asserts: forget > 0.6"],
        ),
        (
            PAGE,
            "scored .902",
            "scored .92",
            [
                ".92 is not among the figures of papers",
                "no chapter and no test that is named has .902",
            ],
        ),
    ],
    ids=["number", "caption", "equation", "assertion", "paper"],
)
def test_claim_that_is_not_listed_as_it_is(copy, file, old, new, found):
    edit(copy, file, old, new)
    said = [fault for fault in faults(copy) if "changed since" not in fault]
    said = [fault for fault in said if "have changed" not in fault]
    assert len(said) == len(found)
    for fault, expected in zip(said, found, strict=True):
        assert expected in fault


def test_equation_without_a_test(fresh):
    file = "tests/test_identities.py"
    edit(fresh, file, '@identity("eq-ch309-definitions")', "@identity()")
    outcome = run(BUILD, fresh)
    assert outcome.red
    assert "eq-ch309-definitions has no test in" in outcome.said


def test_hidden_cell_that_computes(copy):
    edit(copy, PAGE, "float(forget)", "forget**2")
    assert any(
        "its input is hidden and it does more than import or glue" in f for f in faults(copy)
    )


@pytest.mark.parametrize(
    ("night", "found"),
    [
        (False, "page: the page does not show the executed image of `fig, ax"),
        (True, "page: by night the page shows another image of `fig, ax"),
    ],
    ids=["day", "night"],
)
def test_page_that_shows_another_figure(copy, night, found):
    images = (copy / "_build" / "html" / "_images").glob("*.svg")
    (figure,) = (f for f in images if f.stem.endswith("-night") is night)
    figure.write_text(figure.read_text(encoding="utf-8") + " ", encoding="utf-8")
    (fault,) = faults(copy)
    assert found in fault


def test_figure_that_is_not_legible_on_a_phone(fresh):
    edit(fresh, PAGE, "figsize=(3, 2)", "figsize=(7, 2)")
    outcome = run(BUILD, fresh)
    assert not outcome.red, outcome.said
    width, em = faults(fresh)
    assert "the figure of `fig, ax" in width
    assert "is 7.0 inches wide" in width
    assert "is 6.9 px" in em


def test_figure_that_is_no_drawing(fresh):
    (fresh / ".venv" / LAB["PROFILE"]).unlink()
    outcome = run(BUILD, fresh)
    assert not outcome.red, outcome.said
    (fault,) = faults(fresh)
    assert fault.endswith("is no SVG")


def test_page_that_prints_something_else(copy):
    edit(copy, BUILT, "0.7311\n</pre>", "0.7310\n</pre>")
    (fault,) = faults(copy)
    assert "does not show what was printed" in fault


def test_moving_figure_out_of_date(copy):
    edit(copy, BUILT, "0.7311 is left", "0.7310 is left")
    (fault,) = faults(copy)
    assert "the page does not show the figure to move of `assert forget > 0.7`" in fault


def test_moving_figure_that_no_cell_made(copy):
    other = '<div class="lab-figure"></div></body>'
    edit(copy, BUILT, "</body>", other)
    (fault,) = faults(copy)
    assert "the page has 2 figures to move, its cells made 1" in fault


def test_widget_that_needs_a_kernel(fresh):
    edit(fresh, PAGE, "import numpy as np", "import ipywidgets\nimport numpy as np")
    edit(fresh, PAGE, "figures.MovingFigure(", "ipywidgets.IntSlider(3)  # (")
    outcome = run(BUILD, fresh)
    assert not outcome.red, outcome.said
    (fault,) = faults(fresh)
    assert "shows nothing without a kernel" in fault
