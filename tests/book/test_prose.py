"""The rules of the prose bite: typed results are found, and hidden cells that do more than glue."""

import ast
from pathlib import Path

import checks
import pytest
from prose import results

ROOT = Path(__file__).resolve().parents[2]
EXTENSIONS = checks.Book(ROOT).extensions
PAGE = "chapters/page"

TYPED = [
    ("The error is 0.25.", "0.25"),
    ("The error is .25.", ".25"),
    ("It takes 100 steps.", "100"),
    ("There are 4,736 parameters.", "4,736"),
    ("It falls to 2e-14 at once.", "2e-14"),
    ("The norm is about 3.", "3"),
    ("It needs ≈ 7 steps.", "7"),
    ("A share of 5 % remains.", "5"),
    ("It is 8× as fast.", "8"),
    ("It is 8 times as fast.", "8"),
    ("They differ by 7 orders of magnitude.", "7"),
    ("It is 0.73. This was found before {cite:p}`gers2000learning`.", "0.73"),
    ("It took 74,321. {cite:t}`gers2000learning` took more.", "74,321"),
    ("A share of $0.73$ is left.", "0.73"),
    ("A share of $5\\%$ is left.", "5"),
    ("It is $8\\times$ as fast.", "8"),
    ("With $x = 0.73$ it works.", "0.73"),
    ("As $\\sigma(1)^{100} = 2 \\cdot 10^{-14}$ shows.", "10"),
    ("Then $N = 3{,}552$ follows.", "3,552"),
    ("Then $\\tau \\approx 3$ follows.", "3"),
    ("$$\n\\sigma(1) = 0.731\n$$", "0.731"),
    ("```{math}\n:label: eq\nn = a + 4736\n```", "4736"),
    ("\\begin{align}\nn &= 4 \\cdot 1184\n\\end{align}", "1184"),
    ("| a | b |\n|---|---|\n| LSTM | 4736 |", "4736"),
    ("- one\n- and 12 more", "12"),
    ("# It takes 40 steps", "40"),
    (":::{note}\nIt takes 40 steps.\n:::", "40"),
    (":::{admonition} 40 steps\nindeed\n:::", "40"),
    ("```{figure} a.png\n:alt: A curve through 0.7.\n\nIt falls.\n```", "0.7"),
    (
        "```{code-cell} ipython3\n---\nmystnb:\n  figure:\n    caption: It is 0.7.\n---\n1\n```",
        "0.7",
    ),
    ("```{literalinclude} a.py\n:caption: Takes 40 steps.\n```", "40"),
    ("{strong}`It is 0.7.`", "0.7"),
    ("See [the 40 steps](page.md).", "40"),
    ("<b>It is 0.7.</b>", "0.7"),
]
ALLOWED = [
    "There are 3 gates and 2 states.",
    "It was found in 1997, and again in 2014.",
    "In ch318, float64 is used.",
    "With $T = 100$ and $D = 4, H = 32$, $b_f = 10$ it begins.",
    "See section 12, Table 7.2 and Fig. 10.",
    "# 12.3 The cell",
    "Reading time: 45 minutes.",
    "They print 1.42 bits {cite:p}`pascanu2013difficulty`.",
    "{cite:t}`gers2000learning` et al. took 100 steps, i.e. It is 0.5.",
    "| paper | loss |\n|---|---|\n| {cite:t}`le2015simple` | 0.04 |",
    "It is {glue:text}`forget:.2f`, about {glue:}`steps` steps.",
    "Call `init(40, 0.5)` as in {numref}`fig-40`, {eq}`eq-40` or [there](page-40.md#a-40).",
    "See <https://example.org/40/0.5>.",
    "$$\n\\prod_{t=1}^{100} c_{t+10} = \\frac{1}{4} \\\\[12pt] x^{20}\n$$ (eq-40)",
    "```python\nprint(0.5)\n```",
    "```{code-cell} ipython3\n:tags: [lesson]\nx = 0.5\n```",
    "```{code-cell} ipython3\n---\nmystnb:\n  figure:\n    name: fig-40\n---\nx = 0.5\n```",
    "```{math}\n:label: eq-40\na = b\n```",
    "---\nmyst:\n  html_meta:\n    description: 0.5\n---\n\nText.",
    "(sec-40)=\n## Title",
]


@pytest.mark.parametrize(("text", "numeral"), TYPED)
def test_rule_finds_typed_results(text, numeral):
    found = results(text, EXTENSIONS)
    assert len(found) == 1
    assert repr(numeral) in found[0]


@pytest.mark.parametrize("text", ALLOWED)
def test_rule_allows_what_is_no_result(text):
    assert results(text, EXTENSIONS) == []


def test_rule_names_the_line():
    text = "# Title\n\nFine.\n\n:::{note}\nFine.\n\nIt is 0.5.\n:::\n"
    assert results(text, EXTENSIONS)[0].startswith("line 8: ")


@pytest.mark.parametrize(
    ("code", "glues"),
    [
        ("glue('a', a, display=False)", True),
        ("glue('a', float(run.norms['h'][-1, 0]))", True),
        ("glue('a', f'{total:,}')", True),
        ("glue('a', 2 * a)", False),
        ("glue('a', float(np.max(a)))", False),
        ("glue('a', f'{2 * a}')", False),
        ("a = 3", False),
        ("glue('a', (a := 3))", False),
        ("show(a)", False),
    ],
)
def test_hidden_cells_may_only_glue(code, glues):
    assert checks.only_glues(ast.parse(code).body[0]) is glues


ANNOUNCED = """---
tags: [{}]
mystnb:
  code_prompt_show: Checks
---"""


@pytest.mark.parametrize(
    ("options", "code", "fault"),
    [
        (":tags: [remove-cell]", "x = 3", "more than import or glue"),
        (":tags: [hide-input]", "plt.style.use('x')", None),
        ("", "import os", "it imports"),
        ("", "def f(): ...", "defines a helper"),
        ("", "class C: ...", "defines a helper"),
        ("", "x = 3\n" * 15, "more than 14 lines"),
        ("", "plot();", "semicolon"),
        ("", "# NBVAL_IGNORE_OUTPUT\nx", "nbval"),
        (":tags: [nbval-skip]", "x", "nbval"),
        (":tags: [lesson]", "def f(): ...", None),
        ("", "# why\n\n" * 15 + "x = 3\n" * 14, None),
        (":tags: [hide-input]", 'glue("x", x)', None),
        (":tags: [hide-input]", "x = 3", "more than import or glue"),
        (ANNOUNCED.format("hide-input"), "x = 3", None),
        (ANNOUNCED.format("remove-cell"), "x = 3", "more than import or glue"),
    ],
)
def test_rule_for_cells(tmp_path, options, code, fault):
    (tmp_path / "chapters").mkdir()
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    (tmp_path / "_config.yml").write_text(config, encoding="utf-8")
    front = "---\nfile_format: mystnb\n---\n"
    cells = f"```{{code-cell}}\nimport numpy\n```\n\n```{{code-cell}}\n{options}\n\n{code}\n```\n"
    (tmp_path / f"{PAGE}.md").write_text(front + cells, encoding="utf-8")
    found = checks.cell_faults(checks.Book(tmp_path), PAGE)
    assert [fault] == [fault for f in found if fault in f] if fault else found == []
