"""What a page says in MyST, its notebooks say in plain Markdown, with the same numbers."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
plain = runpy.run_path(str(ROOT / "_ext" / "plain.py"))
Label = plain["Label"]
PAGE = """
<article><section id="a-title"><span id="here"></span><h1>A title<a>#</a></h1>
<p>Reading time: about 7 minutes.</p>
<div class="math" id="equation-eq-one"><span class="eqno">(4)<a>#</a></span></div>
<div class="math" id="unnumbered"><span class="katex">x</span></div>
<figure id="fig-one"><figcaption><p><span class="caption-number">Fig. 2 </span>Text</p>
</figcaption></figure>
<div id="lst-one"><div><span class="caption-number">Listing 3 </span></div>
<pre><span></span><span class="k">def</span> f():
    pass
</pre></div>
<div class="exercise" id="ex-one"><p><span class="caption-number">Exercise 5 </span>(Code)</p></div>
<section id="below"><h2>Below</h2></section></section></article>
"""
KNOWN = {
    "here": Label("page", "A title"),
    "page wordcount-minutes": Label("page", "7"),
    "eq-one": Label("page", "(4)"),
    "fig-one": Label("page", "Fig. 2"),
    "lst-one": Label("page", "Listing 3", "def f():\n    pass"),
    "ex-one": Label("page", "Exercise 5"),
    "a-title": Label("page", "A title"),
    "below": Label("page", "Below"),
}


def say(text, page="page", **values):
    return plain["Plain"](page, values, KNOWN)(text)


def test_names_are_read_off_the_built_pages(tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "page.html").write_text(PAGE, encoding="utf-8")
    assert plain["labels"](tmp_path) == KNOWN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{eq}`eq-one`", "Eq. (4)"),
        ("{numref}`fig-one` shows", "Fig. 2 shows"),
        ("{ref}`here`", "A title"),
        ("{ref}`the other book <ch123>`", "the other book"),
        ("about {sub-ref}`wordcount-minutes` minutes", "about 7 minutes"),
        ("{glue:text}`loss:.2f` of it", "0.25 of it"),
        ("{glue:text}`small:.0e`", "3\xa0×\xa010<sup>−7</sup>"),
        ("{cite:t}`hochreiter1997long`", "Hochreiter and Schmidhuber (1997)"),
        ("{cite:p}`gers2000learning`", "(Gers et al., 2000)"),
        (
            "{cite:p}`hochreiter1991untersuchungen,cho2014learning`",
            "(Hochreiter, 1991; Cho et al., 2014)",
        ),
        ("[a part](#below), [page](page.md#below)", "a part, page"),
        ("[a site](https://example.org)", "[a site](https://example.org)"),
        ("(here)=\n# A title", "# A title"),
        ("% Teaching note: Ask.\n\nText", "Text"),
        ("Used here\n: tanh", "- **Used here**: tanh"),
        ("`x[{i}]` and `a`", "`x[{i}]` and `a`"),
    ],
)
def test_roles_are_words(text, expected):
    assert say(text, loss="0.25", small="3e-07") == expected


def test_an_equation_of_another_page_says_which():
    assert say("{eq}`eq-one`", page="other") == "Eq. (4) of page"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```{math}\n:label: eq-one\nx\n```", "$$\nx\n\\tag{4}\n$$"),
        ("```{math}\nx\n```", "$$\nx\n$$"),
        ("```{math}\na \\\\ b\n```", "$$\n\\begin{split}a \\\\ b\\end{split}\n$$"),
        (
            ":::{admonition} Mind\n:class: note\nOne.\n\nTwo {eq}`eq-one`.\n:::",
            "> **Mind**\n>\n> One.\n>\n> Two Eq. (4).",
        ),
        (":::{margin}\nAside.\n:::", "> Aside."),
        (
            "::::{admonition} Why?\n:class: question\n\n:::{dropdown} It is.\nNo.\n:::\n::::",
            "> **Why?**\n>\n> <details>\n> <summary>It is.</summary>\n>\n> No.\n>\n> </details>",
        ),
        (
            "```{literalinclude} /a.py\n:pyobject: f\n:caption: A function.\n:name: lst-one\n```",
            "**Listing 3.** A function.\n\n```python\ndef f():\n    pass\n```",
        ),
        (
            "````{exercise-start} Code: f (★)\n:label: ex-one\n````\nWrite.\n"
            "````{exercise-end}\n````\n\nMore.",
            "### Exercise 5. Code: f (★)\n\nWrite.\n\nMore.",
        ),
        (
            "````{solution-start} ex-one\n:class: dropdown\n:label: sol\n````\nSo.\n",
            "**Solution of exercise 5.**\n\nSo.",
        ),
        ("```{claims} page\n```", "*A table, on the page of the book.*"),
        ("```python\nx = {eq}\n```", "```python\nx = {eq}\n```"),
    ],
)
def test_directives_are_markdown(text, expected):
    assert say(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{doc}`page`", "page: no words are known for {doc}`page`"),
        ("```{mermaid}\nA\n```", "page: no words are known for ```{mermaid}"),
        (":::{margin}\nText", "page: the end of :::{margin} is not in its cell"),
    ],
)
def test_what_is_not_known_is_an_error(text, said):
    with pytest.raises(ValueError, match="^" + said.replace("{", r"\{")):
        say(text)


def test_a_caption_has_its_number():
    made = plain["Plain"]("page", {"n": "3"}, KNOWN)
    figure = {"name": "fig-one", "caption": "As {glue:text}`n` lines."}
    assert made.caption(figure) == "**Fig. 2.** As 3 lines."
