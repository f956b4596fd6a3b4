"""Each recipe of `tools.adapt`, on a copy of the book, which then builds without a warning."""

import datetime
import json
import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from jupyter_cache import get_cache
from nbformat.v4 import new_output

from tools import adapt, course

ROOT = adapt.ROOT
EXECUTED = ROOT / "_build" / "jupyter_execute"
PARTS = ("chapters", "src", "tests", "_ext", "_static")
FILES = ("README.md", "_config.yml", "_toc.yml", "lab.py", "pyproject.toml")
OWN = "(ch336)=\n# A project of ours\n\nSee {ref}`longer-book`.\n"
THEIRS = {
    "_config.yml": "title: Their book\nsphinx:\n  config:\n    numfig: true\n",
    "_toc.yml": "format: jb-book\nroot: index\nparts: []\n",
    "index.md": "# Their book\n\nIt has {ref}`the LSTM <ch318>` too.\n",
}


@pytest.fixture
def copy(tmp_path):
    """The sources of the book, to be changed."""
    for part in PARTS:
        shutil.copytree(ROOT / part, tmp_path / "book" / part)
    for file in FILES:
        shutil.copy(ROOT / file, tmp_path / "book")
    (tmp_path / "book" / "node_modules").symlink_to(ROOT / "node_modules")
    return tmp_path / "book"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """What the cells of the built book gave, where other builds find it."""
    folder = tmp_path_factory.mktemp("cache")
    outputs = get_cache(folder / "cache")
    for executed in sorted(EXECUTED.glob("chapters/*.ipynb")):
        notebook = nbformat.read(executed, as_version=4)
        stored = executed.with_suffix(".glue.json")
        if stored.exists():
            glued = json.loads(stored.read_bytes()).values()
            cells = [c for c in notebook.cells if c.cell_type == "code"]
            cells[0].outputs += map(as_glued, glued)
        file = folder / executed.name
        nbformat.write(notebook, file)
        outputs.cache_notebook_file(file, check_validity=False)
    return folder / "cache"


def as_glued(stored):
    """Return a value that a build has kept as the output that glued it."""
    prefix = stored["metadata"]["scrapbook"]["mime_prefix"]
    data = {f"{prefix}{kind}": value for kind, value in stored["data"].items()}
    return new_output(**{**stored, "data": data})


def edit(file, change):
    """Change a YAML file."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(yaml.safe_dump(content), encoding="utf-8")


def build(book, cache):
    """Build a book with every warning an error; return its pages by their names."""
    settings = {"execute_notebooks": "cache", "cache": str(cache)}
    edit(book / "_config.yml", lambda config: config.setdefault("execute", {}).update(settings))
    command = ["jupyter-book", "build", "-W", "-n", "--keep-going", str(book)]
    environment = {**os.environ, "PYTHONPATH": str(book / "src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    complaints = [line for line in said.splitlines() if "WARNING" in line]
    assert done.returncode == 0, "\n".join(complaints) or said[-3000:]
    assert "Executing notebook" not in said
    site = book / "_build" / "html"
    pages = {
        f"{page.relative_to(site)}": BeautifulSoup(page.read_bytes(), "lxml")
        for page in site.rglob("*.html")
    }
    return {name: page for name, page in pages.items() if page.article}


def words(page):
    """Return what an article says."""
    return page.article.get_text()


def test_chapters_are_named_and_numbered_anew_and_references_lead_elsewhere(copy, cache):
    (copy / "chapters" / "own.md").write_text(OWN, encoding="utf-8")
    edit(
        copy / "_toc.yml", lambda toc: toc["parts"][0]["chapters"].append({"file": "chapters/own"})
    )
    for old, new in (("ch317", "ch06"), ("ch319", "week-8")):
        adapt.rename(copy, old, new)
    adapt.rename(copy, "ch318", "ch07", "Gated networks: \\1 and $c_t$")
    adapt.point(copy, "ch309", "https://example.org/sigmoid")
    adapt.point(copy, "ch123", "chapters/own.md")
    # Whose label is declared in a page of one's own needs only the section here to go.
    adapt.point(copy, "ch336", "chapters/own.md")
    pages = build(copy, cache)

    assert {"chapters/ch06.html", "chapters/ch07.html"} < {*pages}
    for name, page in pages.items():
        found = re.findall(r"\S*ch31[789]\S*|chapter 31\d", words(page), re.I)
        assert (name, found) == (name, [])
        for link in page.select("article a[href]"):
            assert not re.search(r"ch31\d", link["href"])
    title = pages["chapters/ch07.html"].h1.get_text()
    assert title.startswith("ch07: Gated networks: \\1 and")
    gated = pages["chapters/ch07.html"]
    assert gated.select('a[href="https://example.org/sigmoid"]')
    assert gated.select('a[href="own.html"]')
    recap = pages["chapters/longer-book.html"]
    assert recap.select("section section") == []
    assert len(recap.select("table a")) == 3 + 7  # three chapters, used in ours


def test_a_chapter_less(copy, cache):
    adapt.drop(copy, "ch319")
    pages = build(copy, cache)
    assert "chapters/ch319.html" not in pages
    for name, page in pages.items():
        if not name.startswith(("chapters/api", "genindex")):
            assert (name, "ch319" in words(page)) == (name, False)
    rows = pages["chapters/longer-book.html"].select("table tr")
    assert [len(row.select("a")) for row in rows] == [0, 3, 3, 2]
    terms = [t.get_text() for t in pages["chapters/glossary.html"].select("dt")]
    assert not any(term.startswith("attention") for term in terms)
    assert any(term.startswith("cell state") for term in terms)
    for tests in (adapt.IDENTITIES, adapt.EQUATIONS):
        text = (copy / tests).read_text(encoding="utf-8")
        assert "eq-attention" not in text
        assert "eq-lstm-gates" in text


def test_in_another_book(copy, cache, tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for name, text in THEIRS.items():
        (theirs / name).write_text(text, encoding="utf-8")
    told = adapt.transplant(copy, theirs, "networks")
    # What is told is YAML to add to theirs.
    config, toc = re.findall(r":\n\n(\S.*?)(?=\n\n|\Z)", told, re.DOTALL)
    edit(theirs / "_config.yml", lambda own: merge(own, yaml.safe_load(config)))
    edit(theirs / "_toc.yml", lambda own: merge(own, yaml.safe_load(toc)))
    pages = build(theirs, cache)
    chapter = pages["networks/ch318.html"]
    assert chapter.select(".lab-figure input[type=range]")
    assert chapter.select_one('script[src*="moving.js"]')
    assert chapter.select("img.only-dark")
    assert chapter.select("sup")
    assert pages["index.html"].select('a[href="networks/ch318.html"]')


def merge(own, added):
    """Add settings to settings, as one would by hand."""
    for key, value in added.items():
        if isinstance(value, dict):
            merge(own.setdefault(key, {}), value)
        elif isinstance(value, list):
            own[key] = own.get(key, []) + value
        else:
            own[key] = value


SEEDED = (
    "rng = np.random.default_rng(0)",
    "runs = [fit(seed=s) for s in range(5)]",
    "plain = flow(seeds=range(20))",
    "one = flow(seeds=[3], seed=7)",
)
RESEEDED = (
    "rng = np.random.default_rng(100)",
    "runs = [fit(seed=s) for s in range(100, 105)]",
    "plain = flow(seeds=range(100, 120))",
    "one = flow(seeds=[103], seed=107)",
)


def test_seeds_are_moved_in_cells_and_nowhere_else(tmp_path):
    (tmp_path / "chapters").mkdir()
    chapter = tmp_path / "chapters" / "ch1.md"
    cell = "```{{code-cell}} ipython3\n{}{}\n```\n"
    text = "Say `default_rng(0)`.\n{}{}"
    few = cell.format(":tags: [few-runs]\n", SEEDED[0])
    before = text.format(cell.format("", "\n".join(SEEDED)), few)
    after = text.format(cell.format("", "\n".join(RESEEDED)), few)
    chapter.write_text(before, encoding="utf-8")
    assert adapt.reseed(tmp_path, 100) == "5 seeds are 100 higher"
    assert chapter.read_text(encoding="utf-8") == after


def test_the_book_holds_with_other_seeds(copy):
    chapters = course.chapters()
    today = datetime.datetime.now(tz=datetime.UTC).toordinal()
    source = chapters[today % len(chapters)]  # a minute each: one a day, in turn
    before = source.read_text(encoding="utf-8")
    adapt.reseed(copy, 1000)
    changed = copy / "chapters" / source.name
    after = changed.read_text(encoding="utf-8")
    assert len(re.findall(r"\b10\d\d\b", after)) > before.count("default_rng(")
    course.run(course.notebook(after), changed)


DRAW = """
import sys
from lstm_lab import figures
import matplotlib.pyplot as plt
with plt.style.context("lstm_lab.book"):
    figure, ax = plt.subplots()
    ax.plot([0, 1], **figures.looks(["a line"])[0])
    day = figures.inline(figure, label="A line")
sys.stdout.write(day + figures.by_night(day))
"""
DAY, NIGHT = ("2a52a8", "34349e"), ("3f7afe", "8f8fff")  # before and after


def test_the_palette_has_one_place_by_day_and_one_by_night(copy):
    package = copy / "src" / "lstm_lab"
    adapt.change(
        package / "book.mplstyle", lambda text: text.replace(DAY[0].upper(), DAY[1].upper())
    )
    adapt.change(
        package / "figures" / "style.py",
        lambda text: text.replace(DAY[0], DAY[1]).replace(NIGHT[0], NIGHT[1]),
    )
    drawn, tested = (
        subprocess.run(
            [sys.executable, *command],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        for command in (["-c", DRAW], ["-m", "pytest", "-q", "tests/figures/test_palette.py"])
    )
    assert drawn.returncode == 0, drawn.stderr
    for before, after in (DAY, NIGHT):
        assert f"#{after}" in drawn.stdout
        assert f"#{before}" not in drawn.stdout
    assert tested.returncode == 0, tested.stdout


# --- What is refused ---


@pytest.mark.parametrize(
    "task",
    [
        lambda book: adapt.rename(book, "ch320", "ch07"),
        lambda book: adapt.rename(book, "ch318", "ch319"),
        lambda book: adapt.rename(book, "ch318", "Gated networks"),
        lambda book: adapt.drop(book, "lstm"),
        lambda book: adapt.point(book, "ch310", "https://example.org"),
        lambda book: adapt.point(book, "ch309", "chapters/nothing.md"),
        lambda book: adapt.transplant(book, book / "src", "networks"),
        lambda book: adapt.transplant(book, book, "chapters"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_changed(copy, task):
    before = {f: f.read_bytes() for f in adapt.texts(copy)}
    with pytest.raises(adapt.AdaptError):
        task(copy)
    assert before == {f: f.read_bytes() for f in adapt.texts(copy)}


def test_every_task_is_on_the_command_line():
    for task in ("rename", "drop", "point", "reseed", "transplant"):
        command = [sys.executable, "-m", "tools.adapt", task, "--help"]
        assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    command = [sys.executable, "-m", "tools.adapt", "drop", "ch1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "'ch1' is no chapter; there are: ch317" in done.stderr
