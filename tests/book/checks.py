"""What must hold of a book and its pages. Each check returns the faults that it finds, in words."""

import ast
import hashlib
import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import nbformat
import prose
import yaml
from bs4 import BeautifulSoup, Tag
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig

from lstm_lab import figures

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
HIDDEN = {"hide-input", "remove-input", "hide-cell", "remove-cell"}
UNSEEN = {"remove-cell", "remove-output"}
LINES = 14  # of code in a cell
CLAIMS = "chapters/claims"  # the page that lists what the others claim
TESTS = "tests/test_identities.py"
GLUED = re.compile(r"\{glue:text\}`([^`]+?)(?::[^`:]+)?`")
EQUATION = re.compile(r"^:label: (eq-[\w-]+)$|^\$\$ \((eq-[\w-]+)\)$", re.MULTILINE)
FIGURE = "image/svg+xml"
WIDEST = 6.4  # inches
PHONE = 350  # CSS pixels, of the text's column
LEGIBLE = 8.5  # CSS pixels, of an em


class Book:
    """A Jupyter Book: its sources, and what was built from them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def extensions(self) -> tuple[str, ...]:
        config = yaml.safe_load((self.root / "_config.yml").read_text(encoding="utf-8"))
        return tuple(config["parse"]["myst_enable_extensions"])

    @property
    def pages(self) -> list[str]:
        """The pages in the table of contents, such as chapters/ch318."""

        def files(entry: object) -> Iterator[str]:
            if isinstance(entry, list):
                for part in entry:
                    yield from files(part)
            elif isinstance(entry, dict):
                yield from (entry[key] for key in ("root", "file") if key in entry)
                yield from files([v for v in entry.values() if isinstance(v, list)])

        return list(files(yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8"))))

    def source(self, page: str) -> str:
        return (self.root / f"{page}.md").read_text(encoding="utf-8")

    def is_notebook(self, page: str) -> bool:
        return is_myst_markdown_notebook(self.source(page))

    def notebook(self, page: str) -> nbformat.NotebookNode:
        """Return the page as a notebook, not executed."""
        config = MdParserConfig(enable_extensions=set(self.extensions))
        return read_myst_markdown_notebook(self.source(page), config)

    def executed(self, page: str) -> nbformat.NotebookNode:
        """Return the notebook from which the page was made."""
        path = self.built(f"jupyter_execute/{page}.ipynb")
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)

    def html(self, page: str) -> BeautifulSoup:
        text = self.built(f"html/{page}.html").read_text(encoding="utf-8")
        soup = BeautifulSoup(text, "html.parser")
        for preview in soup("template"):  # not a part of the page
            preview.decompose()
        return soup

    def built(self, path: str) -> Path:
        file = self.root / "_build" / path
        if not file.exists():
            raise FileNotFoundError(f"{file} is missing: build the book first, python3 lab.py book")
        return file


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell: nbformat.NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", ()))


def outputs(book: Book, page: str, mime: str) -> Iterator[tuple[nbformat.NotebookNode, str]]:
    """Yield each output of a type that the page shows, with its cell."""
    for cell in code_cells(book.executed(page)):
        if tags(cell) & UNSEEN:
            continue
        # The page merges what was printed in pieces.
        printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
        if mime == "stream" and printed:
            yield cell, printed
        for output in cell.outputs:
            if mime in output.get("data", {}):
                yield cell, output.data[mime]


# --- The page is what was executed ---


def changed_since_build(book: Book, page: str) -> list[str]:
    """Find differences between a source and what the page, and its notebook, were made from."""
    faults = []
    built = book.built(f"html/_sources/{page}.md").read_text(encoding="utf-8")
    if built != book.source(page):
        faults.append(f"{page}: the text has changed since the build")
    if book.is_notebook(page):
        now, then = (
            [(cell.cell_type, cell.source, cell.metadata) for cell in notebook.cells]
            for notebook in (book.notebook(page), book.executed(page))
        )
        if any(not c.execution_count for c in code_cells(book.executed(page))):
            faults.append(f"{page}: a cell was not executed")
        if now != then:
            faults.append(f"{page}: the cells have changed since they were executed")
    return faults


def images_not_shown(book: Book, page: str) -> list[str]:
    """Find executed figures that the page does not show, by day and by night, as described."""
    faults = []
    html = book.html(page)
    images = book.root / "_build" / "html" / "_images"
    for cell, svg in outputs(book, page, FIGURE):
        written = os.linesep.join(svg.splitlines())  # as MyST-NB writes it
        name = hashlib.sha256(written.encode()).hexdigest()
        day, night = images / f"{name}.svg", images / f"{name}-night.svg"
        shown = [one_image(html, file.name) for file in (day, night)]
        if not all(shown) or contents(day) != "\n".join(svg.splitlines()):
            faults.append(f"{page}: the page does not show the executed image of {head(cell)}")
            continue
        if contents(night) != figures.by_night(contents(day)):
            faults.append(f"{page}: by night the page shows another image of {head(cell)}")
        figure = shown[0].find_parent("figure")
        described = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if any(" ".join(described.split()) != " ".join(image["alt"].split()) for image in shown):
            faults.append(f"{page}: the alternative text of {head(cell)} is not in the page")
        if (
            figure is None
            or not figure.figcaption
            or not figure.figcaption.get_text(strip=True)
            or shown[1] in figure.contents  # the theme hides captions after it
        ):
            faults.append(f"{page}: the page shows no caption for {head(cell)}")
    return faults


def one_image(html: BeautifulSoup, name: str) -> Tag | None:
    return html.find("img", src=lambda src: src and src.endswith(f"/{name}"))


def contents(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


def text_not_shown(book: Book, page: str) -> list[str]:
    """Find printed outputs that the page does not show."""
    shown = {pre.get_text().strip() for pre in book.html(page).select(".cell_output pre")}
    return [
        f"{page}: the page does not show what was printed by {head(cell)}"
        for cell, text in outputs(book, page, "stream")
        if text.strip() not in shown
    ]


def widgets_not_shown(book: Book, page: str) -> list[str]:
    """Find widgets that a page without a kernel does not show as they were executed."""
    text = book.built(f"html/{page}.html").read_text(encoding="utf-8")
    faults, made = [], 0
    for cell in code_cells(book.executed(page)):
        for output in cell.outputs:
            data = output.get("data", {})
            if WIDGET_VIEW not in data:
                continue
            if "text/html" not in data:
                faults.append(f"{page}: the widget of {head(cell)} shows nothing without a kernel")
                continue
            made += 1
            if data["text/html"] not in text:
                faults.append(f"{page}: the page does not show the figure to move of {head(cell)}")
    shown = text.count('<div class="lab-figure"')
    if shown != made:
        faults.append(f"{page}: the page has {shown} figures to move, its cells made {made}")
    return faults


# --- The page is complete ---


def figures_not_described(book: Book, page: str) -> list[str]:
    """Find cells whose image lacks a name, a caption or an alternative text."""
    faults = []
    for cell, _ in outputs(book, page, FIGURE):
        options = cell.metadata.get("mystnb", {})
        figure, image = options.get("figure", {}), options.get("image", {})
        if not str(figure.get("name", "")).startswith("fig-"):
            faults.append(f"{page}: no name (fig-…) for the figure of {head(cell)}")
        if not figure.get("caption"):
            faults.append(f"{page}: no caption for the figure of {head(cell)}")
        if not image.get("alt"):
            faults.append(f"{page}: no alternative text for the figure of {head(cell)}")
    return faults


def figures_not_legible(book: Book, page: str) -> list[str]:
    """Find figures that are no SVG, too wide, or illegible on a phone that shows them whole."""
    drawn = [cell.execution_count for cell, _ in outputs(book, page, FIGURE)]
    faults = [
        f"{page}: the figure of {head(cell)} is no SVG"
        for cell, _ in outputs(book, page, "image/png")
        if cell.execution_count not in drawn
    ]
    for cell, svg in outputs(book, page, FIGURE):
        inches, em = width_and_em(svg)
        if inches > WIDEST:
            faults.append(f"{page}: the figure of {head(cell)} is {inches:.1f} inches wide")
        if em < LEGIBLE:
            faults.append(f"{page}: on a phone, an em in the figure of {head(cell)} is {em:.1f} px")
    return faults


def width_and_em(svg: str) -> tuple[float, float]:
    """Return the width of a figure in inches, and the height of its smallest text on a phone."""
    points = float(re.search(r'width="([\d.]+)pt"', svg)[1])
    # Matplotlib draws text as paths of glyphs in hundredths of an em, with the y-axis upwards.
    scales = re.findall(r"scale\(([\d.]+) -[\d.]+\)", svg)
    smallest = 100 * min(map(float, scales), default=1.0)
    return points / 72, smallest * min(96 / 72, PHONE / points)


def page_not_described(book: Book, page: str) -> list[str]:
    """Find a page without a description."""
    meta = book.html(page).find("meta", attrs={"name": "description"})
    return [] if meta and meta.get("content", "").strip() else [f"{page}: no description"]


# --- The page hides nothing, and its cells are short ---


CORRECTIONS = "chapters/errata"


def typed_results(book: Book, page: str) -> list[str]:
    """Find results that are typed into the text instead of glued; corrections quote old ones."""
    if page == CORRECTIONS:
        return []
    return [f"{page}: {fault}" for fault in prose.results(book.source(page), book.extensions)]


def cell_faults(book: Book, page: str) -> list[str]:
    """Find cells that compute out of sight, import late, define helpers or are too long."""
    if not book.is_notebook(page):
        return []
    faults = []
    for number, cell in enumerate(code_cells(book.notebook(page))):
        tree = ast.parse(cell.source)
        kinds = {type(node) for node in ast.walk(tree)}
        lines = (line.strip() for line in cell.source.splitlines())
        code = [line for line in lines if line and not line.startswith("#")]
        found = {
            "its input is hidden and it does more than import or glue": tags(cell) & HIDDEN
            and not is_announced(cell)
            and not all(
                only_glues(statement) or only_sets_up(statement) for statement in tree.body
            ),
            "it imports, and is not the first": number and kinds & {ast.Import, ast.ImportFrom},
            "it defines a helper and is not tagged lesson": "lesson" not in tags(cell)
            and kinds & {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef},
            f"it has more than {LINES} lines of code": len(code) > LINES,
            "nbval is told to ignore it": "nbval" in " ".join([cell.source, *tags(cell)]).lower(),
            # Run again by nbval, such a cell shows what the semicolon hides; assign it to _.
            "it ends with a semicolon": cell.source.rstrip().endswith(";"),
        }
        faults += [f"{page}: {head(cell)}: {fault}" for fault, present in found.items() if present]
    return faults


def is_announced(cell: nbformat.NotebookNode) -> bool:
    """Tell whether a cell is folded under a line that says what it is."""
    line = cell.metadata.get("mystnb", {}).get("code_prompt_show")
    return tags(cell) & HIDDEN == {"hide-input"} and bool(line)


def only_sets_up(statement: ast.stmt) -> bool:
    """Tell whether a statement imports something, or chooses the look of figures."""
    style = "plt.style.use"
    return isinstance(statement, ast.Import | ast.ImportFrom) or (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and ast.unparse(statement.value.func) == style
    )


def only_glues(statement: ast.stmt) -> bool:
    """Tell whether a statement glues something that has a name, and computes nothing."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id="glue"), args=args, keywords=keywords)):
            values = [*args, *(keyword.value for keyword in keywords)]
            return all(names_a_value(value) for value in values)
    return False


def names_a_value(expression: ast.expr) -> bool:
    """Tell whether an expression is a name, part, length or conversion of a value, or constant."""
    match expression:
        case ast.Constant() | ast.Name():
            return True
        case ast.Attribute(value=value):
            return names_a_value(value)
        case ast.UnaryOp(op=ast.USub(), operand=value) | ast.FormattedValue(value=value):
            return names_a_value(value)
        case ast.JoinedStr(values=parts):
            return all(names_a_value(part) for part in parts)
        case ast.Subscript(value=value, slice=ast.Tuple(elts=parts)):
            return names_a_value(value) and all(names_a_value(part) for part in parts)
        case ast.Subscript(value=value, slice=part):
            return names_a_value(value) and names_a_value(part)
        case ast.Call(func=ast.Name(id="float" | "int" | "str" | "len"), args=[value], keywords=[]):
            return names_a_value(value)
    return False


def head(cell: nbformat.NotebookNode) -> str:
    """Return the first line of a cell, to tell it by."""
    first, *_ = [*cell.source.strip().splitlines(), "empty cell"]
    return f"`{first[:60]}`"


# --- What is claimed is listed, with what carries it ---


def claims_not_listed(book: Book, page: str) -> list[str]:
    """Find what a page claims and the page of claims does not list, or lists otherwise."""
    listed = Listed(book, page)
    return [
        f"{page}: {what}"
        for find in (numbers, captions, equations, assertions)
        for what in find(book, page, listed)
    ]


class Listed:
    """What the page of claims lists of another page."""

    def __init__(self, book: Book, page: str) -> None:
        name = page.removeprefix("chapters/")
        start = "#" if page == CLAIMS else f"{name}.html#"
        self.rows = [
            row
            for row in book.html(CLAIMS).select("table.claims tbody tr")
            if row.select_one(f'a[href^="{start}"]')
        ]
        self.codes = [{squeezed(code) for code in row.select("code")} for row in self.rows]

    def find(self, code: str, kind: str) -> list[Tag]:
        """Return the rows of a kind that show a piece of code."""
        return [
            row
            for row, codes in zip(self.rows, self.codes, strict=True)
            if "".join(code.split()) in codes and f"claims-{kind}" in row["class"]
        ]


def squeezed(tag: Tag) -> str:
    """Return the text of a tag without white space."""
    return "".join(tag.get_text().split())


def numbers(book: Book, page: str, listed: Listed) -> Iterator[str]:
    """Yield each glued number that is not listed with its value and its sentence."""
    article = book.html(page).article
    for unseen in article.select("table.claims"):
        unseen.decompose()
    shown = [squeezed(value) for value in article.select(".pasted-text")]
    names = GLUED.findall(book.source(page))
    if len(names) != len(shown):
        yield f"{len(names)} numbers are inserted and {len(shown)} are shown"
        return
    text = squeezed(article)
    for name, value in zip(names, shown, strict=True):
        if ".md::" in name:  # of another page, where it is listed
            continue
        rows = listed.find(name, "number")
        values = {squeezed(v) for r in rows for v in r.select(".pasted-text")}
        if value not in values:
            yield f"no claim says that {name} is {value}"
        for row in rows:
            if squeezed(row.select("td p")[1]) not in text:
                yield f"what the claims say of {name} is not in the text"


def captions(book: Book, page: str, listed: Listed) -> Iterator[str]:
    """Yield each figure whose caption is not listed."""
    told = [squeezed(row) for row in listed.rows]
    for caption in book.html(page).select("figcaption .caption-text"):
        name = caption.find_parent("figure")["id"]
        if not any(squeezed(caption) in row for row in told):
            yield f"no claim is what the caption of {name} says"


def equations(book: Book, page: str, listed: Listed) -> Iterator[str]:
    """Yield each equation that is not listed with its test."""
    labels = [a or b for a, b in EQUATION.findall(book.source(page))]
    for label in labels:
        rows = [row for row in listed.rows if row.select_one(f'a[href$="#equation-{label}"]')]
        code = (book.root / TESTS).read_text(encoding="utf-8")
        tests = re.findall(rf'^@identity\([^)]*"{label}"[^)]*\)\ndef (\w+)', code, re.MULTILINE)
        named = [row for test in tests for row in listed.find(test, "equation") if row in rows]
        if not tests or len(named) != len(tests):
            yield f"no claim names the tests of {label}"


def assertions(book: Book, page: str, listed: Listed) -> Iterator[str]:
    """Yield each assertion that is not listed."""
    cells = code_cells(book.notebook(page)) if book.is_notebook(page) else ()
    told = set().union(*listed.codes)
    for cell in cells:
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Assert):
                code = ast.unparse(node.test)
                if "".join(code.split()) not in told:
                    yield f"no claim is what a cell asserts: {code[:60]}"


def quotations_not_listed(book: Book, page: str) -> list[str]:
    """Find figures of papers that stand on a page alone, and not beside ours."""
    quoted = prose.quoted(book.source(page), book.extensions)
    if page != CLAIMS:
        beside = prose.quoted(book.source(CLAIMS), book.extensions)
        known = {numeral for numeral, _ in beside}
        return [
            f"{page}: {numeral} is not among the figures of papers: {said[:60]!r}"
            for numeral, said in quoted
            if numeral not in known
        ]
    elsewhere = {
        numeral
        for other in book.pages
        if other != CLAIMS
        for numeral, _ in prose.quoted(book.source(other), book.extensions)
    }
    tests = "".join(
        (book.root / file).read_text(encoding="utf-8")
        for file in re.findall(r"`(tests/\w+\.py)`", book.source(page))
    )
    elsewhere |= set(re.findall(r"\d+", tests.replace("_", "")))
    return [
        f"{page}: no chapter and no test that is named has {numeral}: {said[:60]!r}"
        for numeral, said in quoted
        if not {numeral, numeral.replace(",", "")} & elsewhere
    ]


EVERY_PAGE = (
    changed_since_build,
    page_not_described,
    typed_results,
    cell_faults,
    claims_not_listed,
    quotations_not_listed,
)
EXECUTED_PAGE = (
    images_not_shown,
    text_not_shown,
    widgets_not_shown,
    figures_not_described,
    figures_not_legible,
)
