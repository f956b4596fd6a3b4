"""Say in plain Markdown what a page says in MyST, for every program that shows notebooks.

What has a number or a title in the book has the same in a notebook: both are read off the pages
that were built. A directive or a role that is not known here is an error, or it would be shown as
it is written.
"""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lxml import html
from pybtex.database import parse_file

from lstm_lab.figures.markup import powers

BIBLIOGRAPHY = Path(__file__).parents[1] / "chapters" / "references.bib"
HEADINGS = ["h1", "h2", "h3", "h4", "h5", "h6"]
MINUTES = re.compile(r"Reading time:\D*(\d+)")

COMMENT = re.compile(r"^% .*\n*", re.MULTILINE)  # such as a note for teachers
TARGET = re.compile(r"^\([\w-]+\)=\n", re.MULTILINE)
TERM = re.compile(r"^(\S.*)\n: +", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]\n]+)\]\((?:[\w-]+\.md)?(?:#[\w-]+)?\)")
# Another page's value has a name that begins with the page: ch318.md::chrono-gain.
GLUED = re.compile(r"\{glue:text\}`((?:[\w-]+\.md::)?[^`:]+)(?::([^`]+))?`")
CITATION = re.compile(r"\{cite:([tp])\}`([^`]+)`")
ROLE = re.compile(r"\{([a-z:-]+)\}`([^`<]+?)(?: <([^`>]+)>)?`")
# One that holds no other.
DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w-]+)\}(?P<argument>[^\n]*)\n"
    r"(?P<options>(?::[\w-]+:[^\n]*\n)*)"
    r"(?P<body>(?:(?!^(?:`{3,}|:{3,})\{)(?!^(?P=fence)$)[^\n]*\n)*)"
    r"^(?P=fence)$",
    re.MULTILINE,
)
OPENED = re.compile(r"^(?:`{3,}|:{3,})\{[\w-]+\}", re.MULTILINE)
OPTION = re.compile(r"^:([\w-]+):\s*(.*)$", re.MULTILINE)


# --- What is named ---


class Label(NamedTuple):
    """Something that has a name, as the built page has it."""

    page: str
    called: str  # "(8)", "Fig. 3", "Exercise 2", or the title of a section
    code: str = ""  # of a listing


def labels(site):
    """Return what has a name on the pages of a site, by its name."""
    sections, found = {}, {}
    for file in sorted(Path(site, "chapters").glob("*.html")):
        page, root = file.stem, html.parse(file).getroot()
        for element in root.xpath("//article//*[@id]"):
            inside = element.getparent()
            if element.tag == "section":
                sections[element.get("id")] = Label(page, title(element))
            elif element.tag == "span" and inside.tag == "section":
                found[element.get("id")] = Label(page, title(inside))
            elif called := number(element):
                name = element.get("id").removeprefix("equation-")
                code = element.xpath("string(.//pre)")
                found[name] = Label(page, called, code.strip("\n"))
        if minutes := MINUTES.search(root.text_content()):
            found[f"{page} wordcount-minutes"] = Label(page, minutes[1])
    return sections | found


def title(section):
    """Return the heading of a section."""
    heading = next((e for e in section if e.tag in HEADINGS), None)
    return "" if heading is None else heading.text_content().rstrip("#").strip()


def number(element):
    """Return the number of an equation, a figure, a listing or an exercise, or nothing."""
    kinds = "@class='eqno' or @class='caption-number'"
    return element.xpath(f"string((.//span[{kinds}])[1]/text()[1])").strip()


# --- What is written ---


class Plain(NamedTuple):
    """What turns the text of a page into plain Markdown.

    `values` are what Python writes for each glued value, `known` is of `labels`.
    """

    page: str
    values: dict
    known: dict

    def __call__(self, text):
        """Return a text in plain Markdown."""
        text = TARGET.sub("", COMMENT.sub("", text))
        text = CITATION.sub(cited, GLUED.sub(self.value, text))
        text = TERM.sub(r"- **\1**: ", LINK.sub(r"\1", text))
        rest = ROLE.sub(self.role, text)
        while (text := DIRECTIVE.sub(self.directive, rest)) != rest:
            rest = text
        if left := OPENED.search(text):
            raise ValueError(f"{self.page}: the end of {left[0]} is not in its cell")
        return re.sub(r"\n{3,}", "\n\n", text).strip("\n")

    def value(self, role):
        """Return a glued value in its format."""
        name, style = role.groups(default="")
        return powers(format(ast.literal_eval(self.values[name]), style))

    def role(self, role):
        """Return what stands for a reference."""
        kind, text, label = role.groups()
        if kind not in ("eq", "numref", "ref", "sub-ref"):
            raise ValueError(f"{self.page}: no words are known for {role[0]}")
        if label:
            return text
        if kind == "sub-ref":
            text = f"{self.page} {text}"
        there = self.known[text]
        if kind != "eq":
            return there.called
        elsewhere = there.page != self.page
        return f"Eq. {there.called}" + f" of {there.page}" * elsewhere

    def directive(self, found):
        """Return what stands for a directive."""
        name, argument = found["name"], found["argument"].strip()
        options = dict(OPTION.findall(found["options"]))
        body = found["body"].strip("\n")
        match name:
            case "math":
                return self.equation(body, options.get("label"))
            case "admonition":
                return quoted(f"**{argument}**\n\n{body}")
            case "margin":
                return quoted(body)
            case "dropdown":
                return f"<details>\n<summary>{argument}</summary>\n\n{body}\n\n</details>"
            case "literalinclude":
                there = self.known[options["name"]]
                caption = f"**{there.called}.** {options['caption']}"
                return f"{caption}\n\n```python\n{there.code}\n```"
            case "exercise-start":
                called = self.known[options["label"]].called
                return f"### {called}. {argument}\n"
            case "solution-start":
                called = self.known[argument].called
                return f"**Solution of {called[0].lower()}{called[1:]}.**\n"
            case "exercise-end" | "solution-end":
                return ""
            case "claims":
                return "*A table, on the page of the book.*"
        raise ValueError(f"{self.page}: no words are known for {found[0]}")

    def equation(self, body, label):
        """Return an equation, with its number if it has a name."""
        if r"\\" in body and r"\begin{" not in body:
            body = rf"\begin{{split}}{body}\end{{split}}"
        tag = rf"\tag{{{self.known[label].called[1:-1]}}}" if label else ""
        return "\n".join(filter(None, ("$$", body, tag, "$$")))

    def caption(self, figure):
        """Return what stands below a figure, of the metadata of the cell that draws it."""
        called = self.known[figure["name"]].called
        return f"**{called}.** {self(figure['caption'])}"


def quoted(text):
    """Return a block quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def cited(role):
    """Return a citation in words: a notebook has no list of references to link to."""
    kind, keys = role.groups()
    form = "{} ({})" if kind == "t" else "{}, {}"
    works = [bibliography().entries[key.strip()] for key in keys.split(",")]
    texts = [form.format(names(work), work.fields["year"]) for work in works]
    return ", ".join(texts) if kind == "t" else f"({'; '.join(texts)})"


def names(work):
    """Return who wrote a work, the first of more than two."""
    people = work.persons["author"] or work.persons["editor"]
    family = ["".join(map(str, person.rich_last_names)) for person in people]
    return f"{family[0]} et al." if len(family) > 2 else " and ".join(family)


@cache
def bibliography():
    """Return the works that the book cites."""
    return parse_file(BIBLIOGRAPHY)
