"""Faults that must not stay unnoticed, and which check notices each.

`python3 lab.py all-faults` injects every one of them, each into a copy of the repository, and runs
the check that should see it. Each test run does the same with a part of them, another one each day.
`python -m tools.faults` writes the list for contributors, tests/faults/README.md.
"""

import datetime
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "tests" / "faults" / "README.md"
SHARE = 6  # faults in each test run
TIMEOUT = 300  # seconds for a check
BUILT = "_build/html/chapters"


class Fault(NamedTuple):
    """A text that is put in the place of another, and what must become red.

    Attributes
    ----------
    kind : str
        Where it is: code, chapters, page, configuration, data, dependencies or supply.
    what : str
        What is wrong, in words.
    file : str
        The file that is changed; with `old` empty, it is made.
    old, new : str
        `old` occurs once in the file.
    check : str
        A command of the environment.
    said : str
        A regular expression that occurs in what the check says.
    """

    kind: str
    what: str
    file: str
    old: str
    new: str
    check: str
    said: str


PYTEST = "pytest -q -x -p no:cacheprovider"


def code(what: str, file: str, old: str, new: str, tests: str) -> Fault:
    """Return a fault of the package, which some of its tests must find."""
    return Fault(
        "code",
        what,
        f"src/lstm_lab/{file}",
        old,
        new,
        f"{PYTEST} tests/{tests}",
        "[1-9] (failed|error)",
    )


def page_check(name: str) -> str:
    """Return the command of one check of the built pages."""
    return f"{PYTEST} tests/book/test_pages.py -k {name}"


CODE = [
    code(
        "the gates of the LSTM are in another order",
        "cells/lstm.py",
        'GATES = ("i", "f", "o", "g")',
        'GATES = ("f", "i", "o", "g")',
        "test_textbook_cells.py",
    ),
    code(
        "the forget gate's gradient has the wrong sign",
        "cells/lstm.py",
        "sigmoid_vjp(dc_total * c_prev, f)",
        "sigmoid_vjp(-dc_total * c_prev, f)",
        "test_sequence.py -k every_gradient",
    ),
    code(
        "the output gate's gradient reads the cell state of the step before",
        "cells/lstm.py",
        "sigmoid_vjp(dh * tanh_c, o)",
        "sigmoid_vjp(dh * np.tanh(c_prev), o)",
        "test_sequence.py -k every_gradient",
    ),
    code(
        "the gradient along the cell state forgets its way through the hidden state",
        "cells/lstm.py",
        "return dc + tanh_vjp(dh * cache.o, cache.tanh_c)",
        "return dc",
        "test_identities.py",
    ),
    code(
        "the forget bias starts at two",
        "cells/lstm.py",
        '["f"][:] = 1',
        '["f"][:] = 2',
        "test_textbook_cells.py",
    ),
    code(
        "the update gate keeps instead of admitting",
        "cells/gru.py",
        "h = (1 - z) * h_prev + z * candidate",
        "h = z * h_prev + (1 - z) * candidate",
        "test_textbook_cells.py",
    ),
    code(
        "the GRU's gradient loses its direct path",
        "cells/gru.py",
        "dh_prev + dh * (1 - z) + da_zr @ U_zr",
        "dh_prev + da_zr @ U_zr",
        "test_sequence.py -k every_gradient",
    ),
    code(
        "a cell state of another step is read in the Jacobian",
        "gradflow/paths.py",
        "trace.caches[-2::-1]",
        "trace.caches[-1:0:-1]",
        "gradflow/test_paths.py",
    ),
    code(
        "a figure's data are one per cent too large",
        "gradflow/flow.py",
        "[log10_rms(cotangents) for",
        "[1.01 * log10_rms(cotangents) for",
        "gradflow/test_flow.py",
    ),
    code(
        "a parameter count forgets the biases",
        "counting.py",
        "H * (D + H) + biases * H",
        "H * (D + H)",
        "test_counting.py",
    ),
    code(
        "padding takes part in attention",
        "seq2seq/attention.py",
        "e = np.where(mask[:, np.newaxis], e, -np.inf)",
        "e = np.where(mask[:, np.newaxis], e, 0.0)",
        "seq2seq/test_attention.py",
    ),
    code(
        "a longer output is penalised instead of favoured",
        "seq2seq/decoding.py",
        "log_p / sizes**exponent, -np.inf",
        "log_p * sizes**exponent, -np.inf",
        "seq2seq/test_decoding.py",
    ),
    code(
        "the gradient of the cross-entropy is not divided by the number of answers",
        "losses.py",
        "return 1 / right.size * p",
        "return p",
        "test_losses.py",
    ),
    code(
        "Adam does not correct for its start",
        "optim.py",
        "(m / (1 - b1**n)) / (np.sqrt(v / (1 - b2**n)) + epsilon)",
        "m / (np.sqrt(v) + epsilon)",
        "test_optim.py",
    ),
    code(
        "gradients are clipped to half the norm",
        "optim.py",
        "factor = max_norm / relative",
        "factor = 0.5 * max_norm / relative",
        "test_optim.py",
    ),
    code(
        "the baseline of copy memory has another denominator",
        "tasks.py",
        "/ (T + 2 * COPIED)",
        "/ (T + COPIED)",
        "test_tasks.py",
    ),
    code(
        "a file may declare more bytes than it has",
        "saving.py",
        "if declared > size:",
        "if False:",
        "test_saving.py",
    ),
    code(
        "a check of exercises tolerates a tenth",
        "exercises/checking.py",
        "np.dtype(np.float64): 1e-9",
        "np.dtype(np.float64): 1e-1",
        "exercises",
    ),
    code(
        "NumPy's global generator is used",
        "tasks.py",
        "import math\n",
        "import math\n\nimport numpy as np\n\nnp.random.seed(0)\n",
        "test_layers.py",
    ),
    code(
        "the cells import the figures",
        "cells/lstm.py",
        "",
        "\n\ndef draw():\n    from lstm_lab import figures\n",
        "test_layers.py",
    ),
]

CHAPTERS = [
    Fault(
        "chapters",
        "a sign in a displayed equation",
        "chapters/ch318.md",
        r"c_t = f_t \odot c_{t-1} + (1 - f_t) \odot g_t .",
        r"c_t = f_t \odot c_{t-1} - (1 - f_t) \odot g_t .",
        f"{PYTEST} tests/test_identities.py",
        "eq-coupled",
    ),
    Fault(
        "chapters",
        "an equation that no test checks",
        "chapters/ch317.md",
        "\n## Summary\n",
        "\n$$\nh_t = 2 h_t\n$$ (eq-untested)\n\n## Summary\n",
        f"{PYTEST} tests/test_identities.py",
        "eq-untested",
    ),
    Fault(
        "chapters",
        "a number typed into a sentence",
        "chapters/ch318.md",
        "The plain LSTM took {glue:text}`ablation-sequences:,` sequences",
        "The plain LSTM took 74,321 sequences",
        page_check("typed_results"),
        "74,321",
    ),
    Fault(
        "chapters",
        "a number typed into a caption",
        "chapters/ch317.md",
        "at a gain of one although the bound grows",
        "at a gain of 1.37 although the bound grows",
        page_check("typed_results"),
        r"1\.37",
    ),
    Fault(
        "chapters",
        "a hidden cell that computes",
        "chapters/ch318.md",
        'glue("ablation-sequences", int(sequences), display=False)',
        'glue("ablation-sequences", 2 * int(sequences), display=False)',
        page_check("cell_faults"),
        "input is hidden",
    ),
    Fault(
        "chapters",
        "a paper's figure that is not the one beside ours",
        "chapters/ch318.md",
        "an accuracy of .892 for the LSTM",
        "an accuracy of .829 for the LSTM",
        page_check("quotations_not_listed"),
        ".829 is not among the figures of papers",
    ),
    Fault(
        "chapters",
        "an assertion that the list of claims does not have",
        "chapters/ch317.md",
        "low[1] < change[1] < 0.5",
        "low[1] < change[1] < 0.6",
        page_check("claims_not_listed"),
        "low[1] < change[1] < 0.6",
    ),
    Fault(
        "chapters",
        "a chapter changed after the book was built",
        "chapters/ch319.md",
        "Now something real.",
        "Now for something real.",
        page_check("changed_since_build"),
        "has changed since the build",
    ),
    Fault(
        "chapters",
        "a year in the bibliography",
        "chapters/references.bib",
        "  year    = {1997},\n",
        "  year    = {1995},\n",
        f"{PYTEST} tests/test_bibliography.py",
        "hochreiter1997long",
    ),
    Fault(
        "chapters",
        "a solution that no longer solves",
        "chapters/ch317.md",
        "    joined = np.concatenate([x, h_prev], axis=-1)\n    return np.tanh(",
        "    joined = np.concatenate([h_prev, x], axis=-1)\n    return np.tanh(",
        f"{PYTEST} tests/course/test_notebooks.py -k 'solutions_fit and ch317'",
        "WrongAnswerError",
    ),
    Fault(
        "chapters",
        "an exercise without a solution",
        "chapters/ch318.md",
        "````{solution-start} ex-half-life",
        "````{solution-start} ex-half-live",
        f"{PYTEST} tests/course/test_pages.py",
        "without solution: .'ex-half-life'",
    ),
    Fault(
        "chapters",
        "an answer to a question that gives no reason",
        "chapters/ch317.md",
        "No: the bound grows, and a bound that grows forces nothing.",
        "The bound grows, and a bound that grows forces nothing.",
        f"{PYTEST} tests/course/test_pages.py",
        "AssertionError",
    ),
    Fault(
        "chapters",
        "an objective that names another exercise",
        "chapters/instructor.md",
        "{ref}`ex-bptt`",
        "{ref}`ex-bppt`",
        f"{PYTEST} tests/course/test_pages.py",
        "ex-bppt",
    ),
    Fault(
        "chapters",
        "a gate of another library in the wrong place",
        "chapters/notation.md",
        "| LSTM's order $i, f, o, g$ | $i, f, g, o$",
        "| LSTM's order $i, f, o, g$ | $i, f, o, g$",
        f"{PYTEST} tests/course/test_pages.py",
        "AssertionError",
    ),
]

PAGES = [
    Fault(
        "page",
        "a claim names a test that is none of its equation",
        f"{BUILT}/claims.html",
        ">product_by_a_diagonal_matrix<",
        ">sigmoid_and_tanh<",
        page_check("claims_not_listed"),
        "no claim names the tests of eq-ch123-product",
    ),
    Fault(
        "page",
        "a figure without its alternative text",
        f"{BUILT}/ch318.html",
        'alt="Diagram. A thick line',
        'alt="" title="Diagram. A thick line',
        page_check("images_not_shown"),
        "alternative text of",
    ),
    Fault(
        "page",
        "the frame of a moving figure is out of date",
        f"{BUILT}/ch318.html",
        'class="lab-figure"',
        'class="lab-figure" data-old',
        page_check("widgets_not_shown"),
        "figure to move|figures to move",
    ),
    Fault(
        "page",
        "a page says nothing of itself",
        f"{BUILT}/ch317.html",
        '<meta content="Vanilla',
        '<meta content="" title="Vanilla',
        page_check("page_not_described"),
        "ch317",
    ),
]

CONFIGURATION = [
    Fault(
        "configuration",
        "notebooks are taken from a cache",
        "_config.yml",
        "execute_notebooks: force",
        "execute_notebooks: cache",
        f"{PYTEST} tests/test_configuration.py",
        "execute_notebooks",
    ),
    Fault(
        "configuration",
        "a cell may fail",
        "_config.yml",
        "allow_errors: false",
        "allow_errors: true",
        f"{PYTEST} tests/test_configuration.py",
        "allow_errors",
    ),
    Fault(
        "configuration",
        "warnings of the build are no errors",
        "lab.py",
        "jupyter-book build -W -n",
        "jupyter-book build -n",
        f"{PYTEST} tests/test_configuration.py",
        "-W",
    ),
    Fault(
        "configuration",
        "warnings of the code are no errors",
        "pyproject.toml",
        'filterwarnings = ["error"]',
        "filterwarnings = []",
        f"{PYTEST} tests/test_configuration.py",
        "filterwarnings",
    ),
    Fault(
        "configuration",
        "a part of the tests is left out",
        "lab.py",
        '"browser", "nbval", "kit"',
        '"browser", "kit"',
        f"{PYTEST} tests/test_configuration.py",
        "nbval",
    ),
    Fault(
        "configuration",
        "a file under no licence",
        "REUSE.toml",
        'path = "**"',
        'path = "src/**"',
        f"{PYTEST} tests/test_licences.py",
        "each_file_has_a_licence",
    ),
    Fault(
        "configuration",
        "the citation names no title",
        "CITATION.cff",
        "title:",
        "titel:",
        "check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff",
        "title",
    ),
    Fault(
        "configuration",
        "a workflow that is none",
        ".github/workflows/test.yml",
        "runs-on: ${{ matrix.os }}",
        "run-on: ${{ matrix.os }}",
        "check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/test.yml",
        "test",
    ),
]

DATA = [
    Fault(
        "data",
        "the stored runs of the phase diagram are of other code",
        "src/lstm_lab/tasks.py",
        "def copy_memory_baseline(",
        "UNUSED = 1\n\n\ndef copy_memory_baseline(",
        f"{PYTEST} tests/experiments/test_stores.py",
        r"lstm_lab\.tasks changed.*--renew",
    ),
    Fault(
        "data",
        "the stored runs of chapter 319 are of other code",
        "src/lstm_lab/seq2seq/attention.py",
        "e = np.where(mask[:, np.newaxis], e, -np.inf)",
        "e = np.where(mask[:, np.newaxis], e, -1e300)",
        f"{PYTEST} tests/experiments/test_stores.py",
        r"lstm_lab\.seq2seq\.attention changed.*--renew",
    ),
    Fault(
        "data",
        "a stored run is missing",
        "src/lstm_lab/data/phase.jsonl",
        '{"row": 17, ',
        '{"row": 18, ',
        f"{PYTEST} tests/experiments/test_stores.py",
        "not in the grid",
    ),
    Fault(
        "data",
        "an equation's stored reading is gone",
        "tests/equations.toml",
        "eq-coupled = ",
        "eq-uncoupled = ",
        f"{PYTEST} tests/test_identities.py",
        "eq-coupled",
    ),
]

DEPENDENCIES = [
    Fault(
        "dependencies",
        "a dependency is a major version up",
        "fake/jupyter_book-2.1.0.dist-info/METADATA",
        "",
        "Metadata-Version: 2.1\nName: jupyter-book\nVersion: 2.1.0\n",
        f"{PYTEST} tests/test_configuration.py",
        r"jupyter-book 2\.1\.0",
    ),
    Fault(
        "dependencies",
        "a requirement that the lock does not meet",
        "requirements.txt",
        "numpy>=2.1",
        "numpy>=99",
        f"{PYTEST} tests/test_configuration.py",
        "numpy",
    ),
    Fault(
        "dependencies",
        "a locked version without its hash",
        "requirements.lock",
        "alabaster==0.7.16 \\\n",
        "alabaster==0.7.16\nalabaster-again==0.7.16 \\\n",
        f"{PYTEST} tests/test_configuration.py",
        "alabaster",
    ),
    Fault(
        "dependencies",
        "the package and the book ask for other versions",
        "pyproject.toml",
        '"numpy>=2.1"',
        '"numpy>=2.0"',
        f"{PYTEST} tests/versions/test_versions.py -k same_bounds",
        "AssertionError",
    ),
    Fault(
        "dependencies",
        "the tests with other versions are all left out",
        "lab.py",
        "tests/kills tests/versions -n 2",
        "tests/kills -n 2",
        f"{PYTEST} tests/test_configuration.py -k all_of_their_parts",
        "tests/versions",
    ),
]

SUPPLY = [
    Fault(
        "supply",
        "text is evaluated as code",
        "src/lstm_lab/tables.py",
        "",
        'VALUE = eval("1")\n',
        "ruff check --no-cache src",
        "S307",
    ),
    Fault(
        "supply",
        "a pickle is loaded",
        "src/lstm_lab/loading.py",
        "",
        'import pickle\n\nVALUE = pickle.loads(b"")\n',
        "ruff check --no-cache src",
        "S301",
    ),
    Fault(
        "supply",
        "a shell interprets a command",
        "tools/shell.py",
        "",
        'import subprocess\n\nsubprocess.run("ls", shell=True)\n',
        "ruff check --no-cache tools",
        "S60[2-9]",
    ),
    Fault(
        "supply",
        "an action is taken by a tag that can be moved",
        ".github/workflows/test.yml",
        "      - run: python lab.py test\n",
        "      - uses: actions/checkout@v7\n      - run: python lab.py test\n",
        "zizmor --offline .github",
        "unpinned-uses",
    ),
]

FAULTS = [*CODE, *CHAPTERS, *PAGES, *CONFIGURATION, *DATA, *DEPENDENCIES, *SUPPLY]


def share(day: datetime.date, size: int = SHARE) -> list[Fault]:
    """Return the faults of a day: after a number of days, each has had its turn."""
    turns = -(-len(FAULTS) // size)
    return FAULTS[day.toordinal() % turns :: turns]


def with_build(target: Path) -> None:
    """Copy what is published, and let what is built be found there too."""
    copied(target)
    linked(ROOT / "_build", target / "_build", BUILT.split("/")[1:])


def copied(target: Path) -> None:
    """Copy what is published, and let what npm installed be found there too."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(  # noqa: S603
        command, cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, file)
    git = ["git", "init", "--quiet"]
    subprocess.run(git, cwd=target, check=True)  # noqa: S603
    (target / "node_modules").symlink_to(ROOT / "node_modules")


def linked(source: Path, target: Path, path: list[str]) -> None:
    """Link what is in a folder, but copy the folder at a path in it."""
    if not path:
        shutil.copytree(source, target)
        return
    target.mkdir()
    for entry in source.iterdir():
        if entry.name == path[0]:
            linked(entry, target / entry.name, path[1:])
        else:
            (target / entry.name).symlink_to(entry)


def inject(fault: Fault, root: Path) -> None:
    """Change a copy so that it has a fault."""
    file = root / fault.file
    if not fault.old:
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        file.write_text(before + fault.new, encoding="utf-8")
        return
    text = file.read_text(encoding="utf-8")
    if fault.old not in text:
        raise ValueError(f"{fault.old!r} is not in {fault.file} any more")
    file.write_text(text.replace(fault.old, fault.new, 1), encoding="utf-8")


def judge(fault: Fault, root: Path) -> tuple[bool, str]:
    """Run a fault's check in a copy; return whether it was red, and what it said."""
    paths = [root / "fake", root / "src", root]
    program, *arguments = shlex.split(fault.check)
    programs = Path(sys.executable).parent
    done = subprocess.run(  # noqa: S603
        [shutil.which(program, path=programs), *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )
    said = re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)
    return done.returncode != 0, said


def listing() -> str:
    """Return the list for contributors."""
    rows = [
        f"| {fault.kind} | {fault.what} | `{fault.file}` | `{who(fault)}` |" for fault in FAULTS
    ]
    return "\n".join(
        [
            "# Faults, and who finds them",
            "",
            "Written by `python -m tools.faults`. `python3 lab.py all-faults` injects each of"
            " these into a copy and expects its check to fail for the right reason; every test"
            " run does so with a part of them, another one each day.",
            "",
            "| where | fault | file | found by |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def who(fault: Fault) -> str:
    """Return the check of a fault, shortly."""
    return fault.check.removeprefix(f"{PYTEST} ")


if __name__ == "__main__":
    LIST.write_text(listing(), encoding="utf-8")
    sys.stdout.write(f"{len(FAULTS)} faults are in {LIST}\n")
