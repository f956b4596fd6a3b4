"""Notebooks are executed side by side, and each page still gets its own outputs."""

import nbformat
import pytest
from smallbook import BUILD, write
from test_drift import run

NOTEBOOK = """---
file_format: mystnb
kernelspec: {{name: python3, display_name: Python 3}}
myst:
  html_meta:
    description: One of two notebooks.
---

# The notebook {name}

```{{code-cell}} python
{code}
```
"""
# Each leaves a sign that it runs, and looks for that of the other.
MEET = """\
import time
from pathlib import Path

Path("{name}.sign").touch()
deadline = time.monotonic() + 600
while not Path("{other}.sign").exists():
    assert time.monotonic() < deadline, "the other does not run"
    time.sleep(0.1)
print("{name} has met", end=" ", flush=True)
time.sleep(1)  # what is printed after this is another message
print("{other}")"""


@pytest.fixture
def book(tmp_path):
    """A small book whose only notebooks are `page` and `claims`, which wait for each other."""
    root = write(tmp_path / "book")
    for name, other in (("page", "claims"), ("claims", "page")):
        code = MEET.format(name=name, other=other)
        put(root, name, code)
    return root


def put(root, name, code):
    """Make a page a notebook of one cell."""
    text = NOTEBOOK.format(name=name, code=code)
    (root / "chapters" / f"{name}.md").write_text(text, encoding="utf-8")


def test_two_at_a_time(book):
    outcome = run(BUILD, book)
    assert not outcome.red, outcome.said
    for name, other in (("page", "claims"), ("claims", "page")):
        file = book / "_build" / "jupyter_execute" / "chapters" / f"{name}.ipynb"
        cells = nbformat.read(file, as_version=4).cells
        (cell,) = (cell for cell in cells if cell.cell_type == "code")
        assert cell.execution_count == 1
        (output,) = cell.outputs
        assert output.text == f"{name} has met {other}\n"
        page = book / "_build" / "html" / "chapters" / f"{name}.html"
        assert f"{name} has met {other}" in page.read_text(encoding="utf-8")


def test_one_that_fails_is_named(book):
    put(book, "claims", "1 / 0")
    put(book, "page", "import time\ntime.sleep(2)\nprint('done')")
    outcome = run(BUILD, book)
    assert outcome.red
    assert "ZeroDivisionError" in outcome.said
    failed = "base.ExecutionError: {}".format
    assert failed(book / "chapters" / "claims.md") in outcome.said
    assert failed(book / "chapters" / "page.md") not in outcome.said
