"""Numerals in prose that look like results, found by rule.

A result is computed by a cell and glued into the text; one that somebody typed is wrong as soon as
the code changes. What may be typed: small integers, definitions such as $T = 100$, years, names
that contain digits, references to numbered parts, exponents and indices, the reading time, and what
a sentence or a table row quotes from a source that it cites.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from docutils.parsers.rst import Directive
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.directives import parse_directive_text
from myst_parser.parsers.mdit import create_md_parser

CITED = "\ue000"  # stands for a citation
OTHER = "\ue001"  # stands for what is not judged: code, glue, references

# Directives that show no prose of their own but for a caption or an alternative text.
NO_PROSE = re.compile(
    r"code.*|literalinclude|listing|raw|bibliography|auto.*|toctree|image|include"
)
REFERENCE_ROLES = re.compile(r".*:.*|ref|numref|eq|doc|any|term|download|func|class|mod|meth|attr")

INTEGER = r"\d+(?:,\d{3})*"
NUMERAL = re.compile(rf"(?<![\w.,])(?:{INTEGER}(?:\.\d+)*|\.\d+)(?:[eE][-+−]?\d+)?")
APPROXIMATELY = re.compile(
    r"(?:≈|~|\\(?:approx|simeq|sim)\b|\b(?:about|around|roughly|approximately|nearly|almost))\s*[-−]?$",
    re.IGNORECASE,
)
FACTOR = re.compile(r"\s*(?:\\?%|per ?cent\b|×|x\b|[- ]?fold\b|times\b|orders? of magnitude)")
YEAR = re.compile(r"(?:19|20)\d\d")
NUMBERED_PART = re.compile(
    r"\b(?:section|chapter|part|table|figure|fig\.|equation|eq\.|appendix|exercise)s?\s+$",
    re.IGNORECASE,
)
READING_TIME = re.compile(r"\breading time\b", re.IGNORECASE)
MINUTES = re.compile(r"(?:\s*(?:–|-|to)\s*\d+)?\s+minutes\b")

SENTENCE_END = re.compile(
    r"(?<!\bal\.)(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bcf\.)(?<=[.!?])\s+"
    rf"(?=\W*[A-Z]|{CITED})"
)
LETTER = r"(?:[A-Za-z]|\\[a-z]+)(?:_(?:\w|\{\w+\}))?"
DEFINITION = re.compile(rf"(?:(?:{LETTER}\s*=\s*)+\d+)(?:\s*,\s*(?:{LETTER}\s*=\s*)+\d+)*")
PLAIN_NUMBER = re.compile(r"\s*[-\d.,{}]+\s*(?:\\%|\\times)?\s*")
NESTED = r"\{(?:[^{}]|\{[^{}]*\})*\}"
LAYOUT = re.compile(rf"\\(?:label|tag|[hv]space\*?|begin|end){NESTED}(?:{NESTED})?|\\\\\[[^\]]*\]")
SCRIPT = re.compile(rf"[\^_]\s*(?:{NESTED}|\\[a-z]+|\w)")


class Block(NamedTuple):
    """A piece of text that is judged as a whole: a paragraph, a table row, a displayed formula."""

    line: int
    kind: str
    text: str


class AnyDirective(Directive):
    """Accepts every option, an argument and a body."""

    option_spec = {"options": True}  # noqa: RUF012
    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True


def results(text: str, extensions: tuple[str, ...]) -> list[str]:
    """Return each numeral of a page's prose that looks like a result, with line and sentence."""
    return [
        f"line {line}: {numeral!r} in {shown(sentence)[:90]!r}"
        for line, kind, sentence in sentences(text, extensions)
        if CITED not in sentence
        for numeral in (in_formula(sentence) if kind == "formula" else in_prose(sentence))
    ]


def quoted(text: str, extensions: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return each numeral that a page quotes from a source, and the sentence or the row."""
    return [
        (numeral, shown(sentence))
        for _, kind, sentence in sentences(text, extensions)
        if CITED in sentence and kind != "formula"
        for numeral in in_prose(sentence)
    ]


def shown(sentence: str) -> str:
    """Return a sentence to be read; what is not judged is left out."""
    return " ".join(sentence.replace(OTHER, "…").replace(CITED, "…").split())


def sentences(text: str, extensions: tuple[str, ...]) -> Iterator[Block]:
    """Yield the sentences, table rows and formulas of a page."""
    parser = create_md_parser(MdParserConfig(enable_extensions=set(extensions)), RendererHTML)
    for line, kind, content in blocks(parser, text, 0):
        parts = SENTENCE_END.split(content) if kind == "prose" else [content]
        for part in parts:
            yield Block(line, kind, part)


def blocks(parser, text: str, line: int) -> Iterator[Block]:
    """Yield the blocks of a Markdown text whose first line has the number `line` + 1."""
    row: list[str] | None = None
    previous = ""
    for token in parser.parse(text):
        here = line + (token.map[0] if token.map else 0) + 1
        if token.type in ("fence", "colon_fence"):
            yield from directive(parser, token, here)
        elif token.type.startswith("math_block") or token.type == "amsmath":
            yield Block(here, "formula", token.content)
        elif token.type == "tr_open":
            row, row_line = [], here
        elif token.type == "tr_close":
            yield Block(row_line, "row", " | ".join(row))
            row = None
        elif token.type in ("inline", "html_block"):
            content = inline(token) if token.children else re.sub(r"<[^>]*>", " ", token.content)
            if previous == "heading_open":
                content = re.sub(r"^\d+(?:\.\d+)*\.?\s", "", content)
            if row is None:
                yield Block(here, "prose", content)
            else:
                row.append(content)
        previous = token.type


def directive(parser, token: Token, line: int) -> Iterator[Block]:
    """Yield the blocks of a directive: title, caption, alternative text and body."""
    match = re.match(r"\{([^}]+)\}\s*(.*)", token.info)
    if not match:
        return  # a plain code block
    name, argument = match.groups()
    parsed = parse_directive_text(AnyDirective, "", token.content, validate_options=False)
    for text in captions(parsed.options):
        yield from blocks(parser, text, line - 1)
    if name == "math":
        yield Block(line, "formula", "\n".join(parsed.body))
    elif not NO_PROSE.fullmatch(name):
        if name != "figure":  # its argument is a path
            yield from blocks(parser, argument, line - 1)
        yield from blocks(parser, "\n".join(parsed.body), line + parsed.body_offset)


def captions(options: dict) -> Iterator[str]:
    """Yield the captions and alternative texts among options, which may be nested."""
    for key, value in options.items():
        if isinstance(value, dict):
            yield from captions(value)
        elif key in ("caption", "alt"):
            yield str(value)


def inline(token: Token) -> str:
    """Return the words of a paragraph; what is not judged as words is replaced by a mark."""
    words, autolink = [], False
    for child in token.children or ():
        name = child.meta.get("name", "") if child.type == "myst_role" else ""
        if child.type in ("link_open", "link_close"):
            autolink = child.type == "link_open" and child.markup == "autolink"
        elif child.type == "text":
            words.append("" if autolink else child.content)
        elif child.type in ("softbreak", "hardbreak"):
            words.append(" ")
        elif child.type == "image":
            words.append(inline(child))
        elif child.type.startswith("math_inline") or name == "math":
            words.append(formula_in_text(child.content))
        elif name.startswith("cite"):
            words.append(CITED)
        elif name and not REFERENCE_ROLES.fullmatch(name):
            words.append(child.content)
        elif name or child.type == "code_inline":
            words.append(OTHER)
    return "".join(words)


def formula_in_text(formula: str) -> str:
    """Return what of a formula is judged as words: a bare number, or the results it states."""
    if PLAIN_NUMBER.fullmatch(formula):
        return formula.replace("{,}", ",").replace(r"\times", "×")
    return OTHER + "".join(f" ≈{numeral} " for numeral in in_formula(formula)) + OTHER


def in_formula(formula: str) -> list[str]:
    """Return the numerals in a formula that look like results."""
    if DEFINITION.fullmatch(formula.strip()):
        return []
    text = LAYOUT.sub(" ", formula).replace("{,}", ",").replace(r"\,", " ")
    text = SCRIPT.sub(" ", text)
    return [
        match[0]
        for match in NUMERAL.finditer(text)
        if not match[0].isdigit()
        or len(match[0]) > 1
        or APPROXIMATELY.search(text[: match.start()])
        or re.match(r"\s*\\%", text[match.end() :])
    ]


def in_prose(sentence: str) -> list[str]:
    """Return the numerals in a sentence that look like results."""
    found = []
    for match in NUMERAL.finditer(sentence):
        before, after = sentence[: match.start()], sentence[match.end() :]
        if NUMBERED_PART.search(before) or (READING_TIME.search(before) and MINUTES.match(after)):
            continue
        approximate = APPROXIMATELY.search(before) or FACTOR.match(after)
        integer = match[0].isdigit()
        if approximate or not integer or (len(match[0]) > 1 and not YEAR.fullmatch(match[0])):
            found.append(match[0])
    return found
