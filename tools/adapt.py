"""Adapt the book to a course: python3 lab.py adapt, and one of these.

rename ch318 ch07 ["Gated networks"]   name and number a chapter anew, in its file and wherever
                                       it is referred to; with a title, that too
drop ch319                             take out a chapter, and what refers to it: sentences, rows
                                       of tables, entries of the glossary, tests of its equations
point ch309 https://…/sigmoid          let references to a chapter of the longer book lead to an
                                       address, or to a page of this book such as chapters/own.md
reseed 1000                            add to every seed that a chapter's cell names, but for
                                       cells tagged few-runs: the text says what came of those
transplant ../their-book networks      copy the chapters into a folder of another Jupyter Book,
                                       but for the list of claims, whose tests stay here

The sources are changed in place, so begin with a clean `git status`, and see with `git diff` what
came of it.
"""

import argparse
import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
NAME = re.compile(r"[a-z][a-z0-9-]*")
# Where a chapter is named: text files in these places.
PLACES = (
    *("README.md", "_toc.yml", "_config.yml", "lab.py"),
    *("chapters", "src", "tests", "tools", "benchmarks", "_ext"),
)
TEXTS = {".md", ".py", ".yml", ".toml", ".bib", ".in"}
LONGER = "chapters/longer-book.md"
IDENTITIES, EQUATIONS = "tests/test_identities.py", "tests/equations.toml"

LABELS = (
    r"^\(([\w-]+)\)=$",
    r"^\$\$ \(([\w-]+)\)$",
    r"^ *:(?:label|name): ([\w-]+)$",
    r"^ +name: ([\w-]+)$",
)
ROLE = re.compile(r"\{(?:ref|eq|numref)\}`(?:[^`<]*<)?([\w-]+)>?`")
LINK = re.compile(r"\]\(([\w-]+)\.md(?:#[\w-]*)?\)")
RECIPE = re.compile(r"`python3 lab\.py adapt drop ([\w-]+)`")
LISTED = re.compile(r"^```\{claims\} ([\w-]+)$", re.MULTILINE)
# A reference in parentheses behind a sentence goes with it.
SENTENCE = re.compile(r"(?<=[.?!])\s+(?!\()")
SEEDS = (
    (r"(default_rng\()(\d+)(?=\))", 0),
    (r"(\bseeds?=\[?)(\d+)", 0),
    (r"(\bfor s(?:eed)? in range\()(\d+)(?=\))", 1),
    (r"(\bseeds=range\()(\d+)(?=\))", 1),
)
FEW = ":tags: [few-runs]"
CELL = re.compile(r"^```\{code-cell\}.*?^```$", re.MULTILINE | re.DOTALL)

STAYS = "claims"  # the page that lists claims: the tests that carry some are here
# What the sources need of a book's configuration, and the extensions that they are written for.
EXTENSIONS = ("figures", "listing", "moving", "powers")
SETTINGS = (
    *("nb_execution_raise_on_error", "nb_render_markdown_format"),
    *("nb_mime_priority_overrides", "nb_ipywidgets_js", "nb_merge_streams"),
    *("myst_heading_anchors", "myst_words_per_minute", "numfig"),
    *("math_numfig", "math_eqref_format", "bibtex_reference_style"),
    *("autodoc_typehints", "autodoc_member_order", "autodoc_preserve_defaults"),
    *("autodoc_default_options", "numpydoc_show_class_members"),
    "numpydoc_xref_param_type",
)


class AdaptError(Exception):
    """What cannot be adapted, and why."""


def texts(root: Path) -> Iterator[Path]:
    """Yield the text files in which a chapter may be named."""
    for place in PLACES:
        path = root / place
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and file.suffix in TEXTS:
                yield file


def change(file: Path, edit: Callable[[str], str]) -> bool:
    """Change the text of a file, and tell whether there was anything to change."""
    before = file.read_text(encoding="utf-8")
    after = edit(before)
    if after != before:
        file.write_text(after, encoding="utf-8")
    return after != before


def source(root: Path, name: str) -> Path:
    """Return the file of a chapter; refuse what is none."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    known = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    if f"chapters/{name}" not in known:
        names = ", ".join(file.removeprefix("chapters/") for file in known)
        raise AdaptError(f"{name!r} is no chapter; there are: {names}")
    return root / "chapters" / f"{name}.md"


def tidy(root: Path) -> None:
    """Take out imports that are not needed any more, and break lines anew."""
    for task in (("check", "--fix", "--select", "F401,I"), ("format",)):
        command = [sys.executable, "-m", "ruff", *task, "--quiet", str(root)]
        subprocess.run(command, check=True)  # noqa: S603


# --- Names and numbers ---


def rename(root: Path, old: str, new: str, title: str | None = None) -> str:
    """Give a chapter another name and number, and another title if one is told."""
    file = source(root, old)
    if not NAME.fullmatch(new):
        raise AdaptError(f"a name is small letters, digits and hyphens, got {new!r}")
    if file.with_stem(new).exists():
        raise AdaptError(f"{new!r} is there already")
    number, other = (name.removeprefix("ch").lstrip("0") or name for name in (old, new))
    words = {rf"\b{old}\b": new, rf"\b([Cc]hapter) {number}\b": rf"\1 {other}"}

    def edit(text: str) -> str:
        for word, replacement in words.items():
            text = re.sub(word, replacement, text)
        return text

    changed = [text for text in texts(root) if change(text, edit)]
    tidy(root)
    renamed = file.rename(file.with_stem(new))
    if title is not None:
        heading = re.compile(rf"^# {new}: .*$", re.MULTILINE)
        change(renamed, lambda text: heading.sub(lambda _: f"# {new}: {title}", text))
    return f"{old} is {new} now, in {len(changed)} files"


# --- Fewer chapters ---


def drop(root: Path, name: str) -> str:
    """Take out a chapter, with every sentence, row and entry elsewhere that refers to it."""
    file = source(root, name)
    text = file.read_text(encoding="utf-8")
    gone = {name} | {
        label for pattern in LABELS for label in re.findall(pattern, text, re.MULTILINE)
    }
    file.unlink()
    entry = re.compile(rf"^ +- file: chapters/{name}\n", re.MULTILINE)
    change(root / "_toc.yml", lambda toc: entry.sub("", toc))
    changed = [
        page.stem
        for page in sorted((root / "chapters").glob("*.md"))
        if change(page, lambda text: without(text, gone))
    ]
    without_tests(root, gone)
    return f"{name} is gone, and what referred to it in: {', '.join(changed)}"


def refers(text: str, gone: set[str]) -> bool:
    """Tell whether a text refers to one of some labels, or to a page of that name."""
    found = (pattern.findall(text) for pattern in (ROLE, LINK, LISTED, RECIPE))
    return any(not gone.isdisjoint(labels) for labels in found)


def without(text: str, gone: set[str]) -> str:
    """Return a text without its parts that refer to labels which are gone.

    A row of a table is such a part, an entry of a glossary with its term, and a sentence.
    """
    blocks = text.split("\n\n")
    kept = [shortened(b, gone) if refers(b, gone) else b for b in blocks]
    return "\n\n".join(block for block in kept if block)


def shortened(block: str, gone: set[str]) -> str:
    """Return a table, an entry or a paragraph without what refers to labels that are gone."""
    lines = block.split("\n")
    if any(line.startswith("|") for line in lines):
        rows = (row_without(line, gone) for line in lines)
        return "\n".join(row for row in rows if row is not None)
    term, is_definition, definition = block.partition("\n: ")
    if is_definition:
        left = sentences(definition, gone)
        return f"{term}\n: {left}" if left else ""
    if any(line.startswith("  ") for line in lines):  # of the glossary
        return "\n".join(line for line in lines if line.startswith(":::"))
    return sentences(block, gone)


def row_without(row: str, gone: set[str]) -> str | None:
    """Return a row of a table without references that are gone; None if more must go."""
    cells = row.split("|")
    for n, cell in enumerate(cells):
        if refers(cell, gone):
            items = cell.strip().split(", ")
            left = [item for item in items if not refers(item, gone)]
            if not left or not all(map(ROLE.fullmatch, items)):
                return None
            cells[n] = f" {', '.join(left)} "
    return "|".join(cells)


def sentences(text: str, gone: set[str]) -> str:
    """Return a text without the sentences that refer to labels which are gone."""
    ends = [*SENTENCE.finditer(text)]
    starts = [0, *(end.end() for end in ends)]
    pieces = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    return "".join(p for p in pieces if not refers(p, gone)).rstrip()


def without_tests(root: Path, gone: set[str]) -> None:
    """Take out the tests of equations that are gone."""
    change(root / IDENTITIES, lambda code: without_identities(code, gone))
    change(
        root / EQUATIONS,
        lambda stored: "".join(
            line for line in stored.splitlines(keepends=True) if line.partition(" ")[0] not in gone
        ),
    )
    tidy(root)


def without_identities(code: str, gone: set[str]) -> str:
    """Return a module without the tests of equations that are gone."""
    lines = code.splitlines(keepends=True)
    for node in reversed(ast.parse(code).body):
        if not isinstance(node, ast.FunctionDef) or not node.decorator_list:
            continue
        (call, *_) = node.decorator_list
        if not ast.unparse(call).startswith("identity("):
            continue
        labels = [argument.value for argument in call.args]
        left = [label for label in labels if label not in gone]
        first, last = call.lineno - 1, call.end_lineno
        if not left:
            del lines[first - 2 : node.end_lineno]  # with the empty lines
        elif left != labels:
            names = ", ".join(f'"{label}"' for label in left)
            lines[first:last] = [f"@identity({names})\n"]
    return "".join(lines)


# --- References to the longer book ---


def point(root: Path, label: str, target: str) -> str:
    """Let references to a chapter of the longer book lead elsewhere, and drop its recap here."""
    page = root / LONGER
    recap = re.compile(
        rf"^\({label}\)=\n## (.*?)\n(?:.*?)(?=^\([\w-]+\)=\n|\Z)", re.MULTILINE | re.DOTALL
    )
    found = recap.search(page.read_text(encoding="utf-8"))
    if found is None:
        raise AdaptError(f"{label!r} has no section in {LONGER}")
    if not re.match(r"https?://", target):
        own = root / target
        if not own.is_file():
            raise AdaptError(f"{target!r} is neither an address nor a page of this book")
        target = os.path.relpath(own, root / "chapters").replace(os.sep, "/")
    gone = {name for pattern in LABELS for name in re.findall(pattern, found[0], re.MULTILINE)} - {
        label
    }
    role = re.compile(rf"\{{ref\}}`(?:([^`<]*?) *<{label}>|{label})`")
    change(page, lambda text: recap.sub("", text).rstrip() + "\n")
    count = 0
    for file in sorted((root / "chapters").glob("*.md")):
        text = file.read_text(encoding="utf-8")
        text, found_here = role.subn(lambda m: f"[{m[1] or label}]({target})", text)
        file.write_text(text, encoding="utf-8")
        count += found_here
    without_tests(root, gone)
    return f"{count} references to {label} lead to {target}"


# --- Seeds ---


def reseed(root: Path, by: int) -> str:
    """Add to every seed that a cell of a chapter names.

    Stored runs keep theirs, and so do a few runs of which the text says what came of them.
    """
    count = 0

    def moved(cell: re.Match[str]) -> str:
        nonlocal count
        code = cell[0]
        if FEW in code:
            return code
        for pattern, ranged in SEEDS:

            def new(seed: re.Match[str], ranged: int = ranged) -> str:
                first = f"{by}, " if ranged else ""
                return f"{seed[1]}{first}{by + int(seed[2])}"

            code, found = re.subn(pattern, new, code)
            count += found
        return code

    for file in sorted((root / "chapters").glob("*.md")):
        change(file, lambda text: CELL.sub(moved, text))
    return f"{count} seeds are {by} higher"


# --- Another book ---


def transplant(root: Path, book: Path, folder: str) -> str:
    """Copy the chapters into a folder of another book; return what its two files need besides."""
    if not (book / "_config.yml").is_file():
        raise AdaptError(f"{book} has no _config.yml: it is no Jupyter Book")
    target = book / folder
    if target.exists():
        raise AdaptError(f"{target} is there already")
    shutil.copytree(root / "chapters", target)
    # The listings show the package's files.
    shutil.copytree(root / "src" / "lstm_lab", target / "lstm_lab")
    (target / f"{STAYS}.md").unlink()
    for page in target.glob("*.md"):
        change(page, lambda text: text.replace("/src/", f"/{folder}/"))
        change(page, lambda text: without(text, {STAYS}))
    (target / "_ext").mkdir()
    for extension in EXTENSIONS:
        shutil.copy(root / "_ext" / f"{extension}.py", target / "_ext")
    needs = settings(root, folder), contents(root, folder)
    config, toc = (yaml.safe_dump(n, sort_keys=False) for n in needs)
    return (
        f"The chapters are in {target}. Install the package where the book is built:"
        f" pip install {root}\n\nAdd to _config.yml, to what is there:\n\n{config}\n"
        f"Add to _toc.yml, as parts or as chapters:\n\n{toc}"
    )


def settings(root: Path, folder: str) -> dict[str, object]:
    """Return what another book's configuration needs for the chapters in a folder."""
    own = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    extra = own["sphinx"]["extra_extensions"]
    return {
        "parse": own["parse"],
        "execute": {"timeout": own["execute"]["timeout"]},
        "bibtex_bibfiles": [f"{folder}/references.bib"],
        "sphinx": {
            "extra_extensions": extra,
            "local_extensions": dict.fromkeys(EXTENSIONS, f"{folder}/_ext"),
            "config": {key: own["sphinx"]["config"][key] for key in SETTINGS},
        },
    }


def contents(root: Path, folder: str) -> dict[str, object]:
    """Return the parts that another book's table of contents needs."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))

    def moved(file: str) -> str:
        return file.replace("chapters", folder, 1)

    first = [{"file": moved(toc["root"])}]
    parts = [
        {
            "caption": part["caption"],
            "chapters": [
                {"file": moved(c["file"])}
                for c in part["chapters"]
                if c["file"] != f"chapters/{STAYS}"
            ],
        }
        for part in toc["parts"]
    ]
    parts[0]["chapters"] = first + parts[0]["chapters"]
    return {"parts": parts}


def main(arguments: list[str]) -> int:
    """Do what is asked for, and say what was done."""
    parser = argparse.ArgumentParser(
        prog="lab.py adapt",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    tasks = parser.add_subparsers(required=True, metavar="TASK")
    for task, *operands in (
        (rename, ("old", str), ("new", str)),
        (drop, ("name", str)),
        (point, ("label", str), ("target", str)),
        (reseed, ("by", int)),
        (transplant, ("book", Path), ("folder", str)),
    ):
        added = tasks.add_parser(task.__name__, description=task.__doc__)
        added.set_defaults(task=task)
        for operand, kind in operands:
            added.add_argument(operand, type=kind)
        if task is rename:
            added.add_argument("title", nargs="?")
    options = vars(parser.parse_args(arguments))
    task = options.pop("task")
    try:
        sys.stdout.write(f"{task(ROOT, **options)}\n")
    except AdaptError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
