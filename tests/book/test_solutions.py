"""A folded solution is the browser's own: closed without a script, opened by its whole title."""

import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

EXTENSIONS = Path(__file__).resolve().parents[2] / "_ext"
CONFIGURATION = """\
import sys
sys.path.insert(0, {folder!r})
extensions = ["myst_parser", "sphinx.ext.mathjax", "solutions"]
myst_enable_extensions = ["dollarmath"]
numfig = True
"""
PAGE = """\
# A page

```{{exercise}} Derive: why $a = b$ (★)
:label: ex-why
Why?
```

````{{solution}} ex-why
:label: sol-why
{kind}
So.

```{{note}}
And so on.
```
````
"""


def solution(tmp_path, kind):
    """Return a solution as Sphinx writes it."""
    conf = CONFIGURATION.format(folder=str(EXTENSIONS))
    (tmp_path / "conf.py").write_text(conf, encoding="utf-8")
    page = PAGE.format(kind=kind)
    (tmp_path / "index.md").write_text(page, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", tmp_path]
    subprocess.run([*command, tmp_path / "site"], check=True)
    html = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    return BeautifulSoup(html, "lxml").select_one("#sol-why")


@pytest.fixture
def folded(tmp_path):
    return solution(tmp_path, ":class: dropdown")


def test_a_solution_is_closed_and_its_title_leads_nowhere(folded):
    assert folded.name == "details"
    assert "open" not in folded.attrs
    assert folded["class"] == ["solution", "admonition"]
    bar = folded.find(True)
    assert bar.name == "summary"
    assert bar.get_text().startswith("Show solution to Exercise 1 (Derive: why ")
    assert bar.get_text().endswith("(★))")
    assert bar.select("span.math")
    assert not bar.select("a")


def test_a_solution_leads_back_to_its_exercise_and_is_whole(folded):
    link = folded.select_one("summary ~ p > a")
    assert link["href"] == "#ex-why"
    assert link.get_text() == "Back to Exercise 1"
    assert "So." in folded.get_text()
    assert folded.select_one(".note").get_text().strip().endswith("And so on.")


def test_a_solution_that_is_not_folded_stays_as_it_is(tmp_path):
    plain = solution(tmp_path, "")
    assert plain.name == "div"
    assert plain.select_one("p.admonition-title > a")
