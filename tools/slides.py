"""Make slides of the built chapters: python -m tools.slides.

A section becomes a slide with what its first paragraphs begin with; its equations, figures and
tables follow, a slide each, beneath it. What moves on the page moves on the slide. The section's
whole text is in the speaker's notes (key S). The slides are files that need no server.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from bs4 import BeautifulSoup, NavigableString, Tag

from lstm_lab import figures
from tools.course import chapters
from tools.serve import SITE

ROOT = Path(__file__).resolve().parents[1]
SLIDES = ROOT / "_build" / "slides"
NPM = ROOT / "node_modules"
STYLE = Path(__file__).with_name("slides.css")
FILES = {
    "reveal.css": NPM / "reveal.js/dist/reveal.css",
    "reveal.js": NPM / "reveal.js/dist/reveal.js",
    "notes.js": NPM / "reveal.js/plugin/notes/notes.js",
    "slides.css": STYLE,
    "moving.css": figures.STYLE,
    "moving.js": figures.SCRIPT,
    "katex.css": NPM / "katex/dist/katex.min.css",
    "equations.css": ROOT / "_static" / "equations.css",
}
FOLDERS = {"fonts": NPM / "katex/dist/fonts", "type": SITE / "_static" / "fonts"}
LEFT_OUT = {"Test yourself", "Exercises", "Where this comes from, and where it leads"}
POINTS = 3  # that a slide makes; a list has all of its own
TOGETHER = 3  # equations on a slide
SHORTEST, LONGEST = 25, 220  # characters of a point
SENTENCE_ENDS = re.compile(r"[.?!][”)]?(?=\s|$)")
# What has a slide of its own, and not as a part of something that has one.
EQUATION = "div.math"
SHOWN = ", ".join(
    f"{each}:not(:is(figure, .lab-figure, table) *)"
    for each in (EQUATION, "figure", "div.lab-figure", "div.cell_output table")
)
UNSHOWN = ".exercise, .solution, .admonition, details, .margin"
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
{styles}</head>
<body><div class="reveal"><div class="slides">
<section><h1>{title}</h1><p>{lead}</p></section>
{slides}
</div></div>
{scripts}
<script>
const size = {{ width: 1100, height: 700 }};
const fit = ({{ currentSlide }}) => {{ // what is too wide or too high is made smaller
  for (const equation of currentSlide.querySelectorAll("div.math")) {{
    const written = document.createRange();
    written.selectNodeContents(equation.querySelector(".katex-html"));
    const [room, needed] = [equation, written].map((e) => e.getBoundingClientRect().width);
    if (needed > 0.9 * room) equation.style.fontSize = `${{0.9 * room / needed}}em`;
  }}
  const large = currentSlide.querySelector("table, .lab-figure");
  for (let zoom = 1; large && zoom > 0.3 && currentSlide.scrollHeight > size.height; zoom -= 0.05)
    large.style.zoom = zoom;
}};
for (const event of ["ready", "slidechanged"]) Reveal.on(event, fit);
Reveal.initialize({{ ...size, hash: true, slideNumber: "c/t", plugins: [RevealNotes] }});
</script></body></html>
"""


def sections(article: Tag) -> list[Tag]:
    """Return the sections that are shown, those within others after them."""
    return [
        section
        for section in article.select("section")
        if (heading := section.find(["h2", "h3"], recursive=False))
        and title(heading) not in LEFT_OUT
    ]


def title(heading: Tag) -> str:
    """Return a heading's text, without the mark that links to it."""
    return heading.get_text().removesuffix("#").strip()


def own(section: Tag) -> list[Tag]:
    """Return what of a section is shown, without that of sections and boxes within it."""
    return [
        found
        for found in section.select(SHOWN)
        if found.find_parent("section") is section and found.css.closest(UNSHOWN) is None
    ]


def points(section: Tag) -> list[Tag]:
    """Return what the first paragraphs begin with, or all items where there is but a list."""
    paragraphs = section.find_all("p", recursive=False)
    items = section.select(":scope > ul > li")
    found = filter(None, map(beginning, paragraphs or items))
    return list(found)[: POINTS if paragraphs else None]


def beginning(text: Tag) -> Tag | None:
    """Return a text's first sentence, and the next where that is very short.

    There is none where they are too long, where the text goes on from an equation, or in an aside.
    What ends in a colon is a sentence too.
    """
    copied = BeautifulSoup(str(text), "lxml").find(["p", "li"])
    copied = copied.p or copied
    first = copied.contents[0]
    if isinstance(first, str) and re.match(r"\s*[a-z(]", first):
        return None
    length = 0
    for node in copied.children:
        if isinstance(node, str):
            for end in SENTENCE_ENDS.finditer(node):
                if SHORTEST <= length + end.end() <= LONGEST:
                    return upto(copied, node, end.end())
        length += len(node if isinstance(node, str) else spoken(node))
    whole = copied.get_text().rstrip().endswith(":") and length <= LONGEST
    return copied if whole else None


def upto(paragraph: Tag, node: NavigableString, end: int) -> Tag:
    """Cut a paragraph after some characters of one of its texts."""
    for later in list(node.next_siblings):
        later.extract()
    node.replace_with(node[:end])
    return paragraph


def spoken(node: Tag) -> str:
    """Return the text of a node, formulas as they are shown."""
    formula = node.select_one(".katex-html")
    return formula.get_text() if formula else node.get_text()


def groups(shown: list[Tag]) -> Iterator[list[Tag]]:
    """Yield what stands on one slide: equations that follow each other, or one other thing."""
    for equations, run in groupby(shown, lambda each: each.css.match(EQUATION)):
        things, most = [*run], TOGETHER if equations else 1
        for first in range(0, len(things), most):
            yield things[first : first + most]


def slide(section: Tag) -> str:
    """Return the slides of a section, one beneath the other."""
    heading = title(section.find(["h2", "h3"], recursive=False))
    notes = "".join(str(p) for p in section.find_all("p", recursive=False))
    items = "".join(f"<li>{p.decode_contents()}</li>" for p in points(section))
    first = f"<h2>{heading}</h2>" + (f"<ul>{items}</ul>" if items else "")
    stack = [f'{first}<aside class="notes">{notes}</aside>']
    for group in groups(own(section)):
        stack.append(f"<h3>{heading}</h3>{''.join(map(str, group))}")
    return f"<section>{''.join(f'<section>{each}</section>' for each in stack)}</section>"


def deck(page: Path) -> str:
    """Return the slides of a built page as one page."""
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "lxml")
    article = soup.select_one("article.bd-article")
    for unneeded in article.select(".headerlink, .only-dark, .lab-ask, .copybtn"):
        unneeded.decompose()
    for image in article.select("img"):
        image["src"] = "images/" + image["src"].rpartition("/")[2]
        image["loading"] = "eager"
    for link in article.select("a[href]"):
        link.name = "span"
        del link["href"]
    slides = "\n".join(map(slide, sections(article)))
    for named in re.findall(r' id="equation-[^"]*"', slides):
        slides = slides.replace(named, "")
    lead = soup.select_one('meta[name="description"]')["content"]
    styles = "".join(
        f'<link rel="stylesheet" href="../shared/{name}">\n'
        for name in FILES
        if name.endswith(".css")
    )
    scripts = "".join(
        f'<script src="../shared/{name}"></script>\n' for name in FILES if name.endswith(".js")
    )
    return PAGE.format(
        title=title(article.h1), lead=lead, slides=slides, styles=styles, scripts=scripts
    )


def build(site: Path = SITE, target: Path = SLIDES) -> list[Path]:
    """Write the slides of all chapters anew, and return their pages."""
    shutil.rmtree(target, ignore_errors=True)
    shared = target / "shared"
    shared.mkdir(parents=True)
    for name, file in FILES.items():
        shutil.copy(file, shared / name)
    for name, folder in FOLDERS.items():
        shutil.copytree(folder, shared / name)
    made = []
    for source in chapters():
        page = target / source.stem / "index.html"
        page.parent.mkdir()
        html = deck(site / "chapters" / f"{source.stem}.html")
        page.write_text(html, encoding="utf-8")
        (page.parent / "images").mkdir()
        for image in set(re.findall(r'src="images/([^"]+)"', html)):
            shutil.copy(site / "_images" / image, page.parent / "images")
        made.append(page)
    return made


if __name__ == "__main__":
    for written in build():
        sys.stdout.write(f"{written}\n")
