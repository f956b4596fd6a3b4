"""Run the chapters with other seeds, and count in how many each assertion holds.

`python3 lab.py seeds` takes every page with code, `python3 lab.py seeds ch317` one. Each is run
from its source with ten alternatives for every seed: what `numpy.random.default_rng` is given, by
a cell or by the package, default seeds included. Stored experiments have seeds of their own and
keep them. An assertion about one particular draw says so, `# one draw`, and so does its
sentence; every other one must hold each time. Finished runs are kept in _build/seeds and are not
repeated, as long as neither the page nor the package has changed.
"""

import argparse
import ast
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from myst_nb.core.read import read_myst_markdown_notebook

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS, PACKAGE = ROOT / "chapters", ROOT / "src" / "lstm_lab"
STORE = ROOT / "_build" / "seeds"
ALTERNATIVES = range(1, 11)
ONE_DRAW = re.compile(r"#.*\bone draw\b")
EXPERIMENT = re.compile(r"lstm_lab\.experiments\.\w+")
FENCE = "```{code-cell}"


class Cell(NamedTuple):
    """A code cell of a page: the line at which its code begins, and the code."""

    line: int
    code: str


class Claim(NamedTuple):
    """An assertion of a page, or what a cell raised."""

    line: int
    source: str
    one_draw: bool = False


# --- What a page asserts ---


def cells(page: Path) -> list[Cell]:
    """Return the code cells of a page."""
    text = page.read_text(encoding="utf-8")
    if FENCE not in text:
        return []
    notebook = read_myst_markdown_notebook(text, add_source_map=True)
    lines, found = text.splitlines(), []
    for cell, fence in zip(notebook.cells, notebook.metadata["source_map"], strict=True):
        if cell.cell_type == "code":
            # Options stand before the code, and nothing between it and the end of its block.
            end = lines.index("```", fence) + 1
            first = end - len(cell.source.splitlines())
            found.append(Cell(first, cell.source))
    return found


def claims(page: Path) -> list[Claim]:
    """Return the assertions of a page in their order."""
    found = []
    for cell in cells(page):
        lines = cell.code.splitlines()
        for node in ast.walk(ast.parse(cell.code)):
            if isinstance(node, ast.Assert):
                written = lines[node.lineno - 1 : node.end_lineno]
                found.append(
                    Claim(
                        cell.line + node.lineno - 1,
                        ast.unparse(node.test),
                        any(map(ONE_DRAW.search, written)),
                    )
                )
    return sorted(found)


# --- One run, in a process of its own ---


def shift_seeds(alternative: int) -> Callable[[], Any]:
    """Give every generator another seed; return a context in which they keep theirs."""
    original = np.random.default_rng
    shifting = [True]

    def default_rng(seed: Any = None) -> np.random.Generator:
        stored = EXPERIMENT.fullmatch(sys._getframe(1).f_globals["__name__"])
        if shifting[-1] and isinstance(seed, Integral) and not stored:
            return original([alternative, int(seed)])
        return original(seed)

    @contextmanager
    def kept() -> Iterator[None]:
        shifting.append(False)
        try:
            yield
        finally:
            shifting.pop()

    np.random.default_rng = default_rng  # type: ignore[assignment]
    return kept


class Recorder(ast.NodeTransformer):
    """Turns assertions into records of whether they held, and goes on behind one that did not."""

    first = 0
    """The line of the page at which the cell begins."""

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        """Return a statement that calls `__held__(line, outcome)`."""
        line = self.first + node.lineno - 1
        recording = ast.parse(
            "try:\n    pass\nexcept AssertionError:\n"
            f"    __held__({line}, False)\nelse:\n    __held__({line}, True)"
        ).body[0]
        recording.body = [node]  # type: ignore[attr-defined]
        return ast.copy_location(recording, node)


def observe(page: Path, alternative: int) -> dict[str, Any]:
    """Run a page with other seeds; return which lines' assertions held, and what cells raised."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    from lstm_lab import experiments

    kept, check = shift_seeds(alternative), experiments.check

    def check_with_its_own_seeds(*arguments: Any, **options: Any) -> Any:
        with kept():
            return check(*arguments, **options)

    experiments.check = check_with_its_own_seeds
    held: dict[int, bool] = {}
    raised: dict[int, str] = {}

    def record(line: int, outcome: bool) -> None:
        held[line] = outcome and held.get(line, True)

    recorder = Recorder()
    shell = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    shell.user_ns["__held__"] = record
    shell.ast_transformers.append(recorder)
    for cell in cells(page):
        recorder.first = cell.line
        result = shell.run_cell(cell.code, store_history=True)
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            raised[cell.line] = f"{type(error).__name__}: {error}"
    return {"alternative": alternative, "held": held, "raised": raised}


# --- All runs ---


def identity(page: Path) -> str:
    """Return the hash of all that the runs of a page depend on."""
    files = [page, Path(__file__), *sorted(PACKAGE.rglob("*.py"))]
    files += sorted((PACKAGE / "data").glob("*"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def stored(page: Path, store: Path = STORE) -> Path:
    """Return the file of a page's finished runs: one line for each."""
    return store / f"{page.stem}-{identity(page)}.jsonl"


def runs(file: Path) -> dict[int, dict[str, Any]]:
    """Return the finished runs of a file by their alternative; a torn line is none."""
    found = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            run = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[run["alternative"]] = run
    return found


def perform(page: Path, alternative: int, file: Path) -> None:
    """Run a page once in a process of its own and append what came of it to a file."""
    command = [sys.executable, "-m", "tools.seeds", str(page)]
    done = subprocess.run(  # noqa: S603
        [*command, "--once", str(alternative)],
        cwd=ROOT,
        env={**os.environ, "MPLBACKEND": "agg"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    last = done.stdout.rpartition("\n")[2]
    if done.returncode != 0 or not last.startswith("{"):
        raise RuntimeError(f"{page.name}: {done.stdout}{done.stderr}")
    with file.open("a", encoding="utf-8") as lines:
        lines.write(f"\n{last}\n")


def run_all(pages: list[Path], alternatives: range, jobs: int, store: Path = STORE) -> None:
    """Do the runs that are not stored yet, the first of every page first."""
    store.mkdir(parents=True, exist_ok=True)
    missing = []
    for page in pages:
        stored(page, store).touch()
        known = runs(stored(page, store))
        missing += [(n, page) for n in alternatives if n not in known]
    missing.sort(key=lambda run: run[0])
    with ThreadPoolExecutor(jobs) as pool:
        begun = [pool.submit(perform, page, n, stored(page, store)) for n, page in missing]
        try:
            for count, done in enumerate(as_completed(begun), start=1):
                done.result()
                say(f"{count} of {len(begun)} runs done", sys.stderr)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def say(text: str, stream: Any = sys.stdout) -> None:
    """Print at once."""
    print(text, file=stream, flush=True)


def report(page: Path, found: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the lines of a page's table, and those of claims that did not hold."""
    lines, failed = [f"\n{page.stem}: {len(found)} alternatives"], []
    for claim in claims(page):
        outcomes = [run["held"].get(str(claim.line)) for run in found]
        held = sum(outcome is True for outcome in outcomes)
        # One that no run has reached stands behind a condition, or a cell that raised.
        is_lost = False in outcomes and not claim.one_draw
        remark = "  one draw" if claim.one_draw else "  FAILS" * is_lost
        row = f"{held:3} of {len(found)}  line {claim.line:4}  {claim.source}{remark}"
        lines.append(row)
        failed += [f"{page.stem}: {row}"] * is_lost
    for run in found:
        for line, error in run["raised"].items():
            row = f"alternative {run['alternative']}: the cell at line {line} raised {error}"
            lines.append(row)
            failed.append(f"{page.stem}: {row}")
    return lines, failed


def known_pages(names: list[str]) -> list[Path]:
    """Return the pages of some names, or all that assert something; refuse what is none."""
    pages = {page.stem: page for page in sorted(CHAPTERS.glob("*.md")) if cells(page)}
    stems = [Path(name).stem for name in names]
    if unknown := [stem for stem in stems if stem not in pages]:
        raise SystemExit(f"{', '.join(unknown)} must be pages with code: {', '.join(pages)}")
    return [pages[stem] for stem in stems or pages]


def main(arguments: list[str]) -> int:
    """Run and report; return 1 if a claim did not hold for every alternative."""
    parser = argparse.ArgumentParser(prog="lab.py seeds", description=__doc__)
    parser.add_argument("pages", nargs="*", metavar="chapter")
    parser.add_argument("--alternatives", type=int, default=len(ALTERNATIVES))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--once", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.once is not None:
        outcome = observe(Path(options.pages[0]), options.once)
        sys.stdout.write(f"\n{json.dumps(outcome)}")
        return 0
    if options.alternatives < 1 or options.jobs < 1:
        parser.error("--alternatives and --jobs must be 1 or more")
    pages = known_pages(options.pages)
    alternatives = range(1, options.alternatives + 1)
    run_all(pages, alternatives, options.jobs)
    lost = []
    for page in pages:
        found = runs(stored(page))
        lines, failed = report(page, [found[n] for n in alternatives])
        lost += failed
        say("\n".join(lines))
    total = sum(len(claims(page)) for page in pages)
    say(f"\n{total} assertions, {len(alternatives)} alternatives of every seed")
    if lost:
        say("These do not hold for all seeds:\n" + "\n".join(lost))
    return bool(lost)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
