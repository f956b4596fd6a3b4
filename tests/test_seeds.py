"""Other seeds reach each draw of a page but those of stored experiments; outcomes are counted."""

import json
import shutil

import numpy as np
import pytest

from tools import seeds

PAGE = """\
---
kernelspec:
  name: python3
---

# A page

```{code-cell} ipython3
---
tags: [hide-input]
---
import lstm_lab
import numpy as np
```

```{code-cell} ipython3
:tags: [hide-input]

draw = np.random.default_rng(0).integers(2**40)
assert draw >= 0
assert (
    draw == DRAWN
)
own = np.random.default_rng(0).integers(2**40)
assert own == DRAWN  # one draw
for n in range(3):
    assert n != 1
print("behind an assertion that does not hold")
```

```{code-cell} ipython3
assert lstm_lab.LSTMCell(2, 3).W[0, 0] == WEIGHT
assert np.random.default_rng([1, 2]).integers(2**40) >= 0
raise RuntimeError("in vain")
```
"""
ALWAYS, DRAWN, ONE_DRAW, LOOP, DEFAULT, LISTED = 20, 21, 25, 27, 32, 33
RAISED = 32


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page that is right for the seeds it was written with."""
    import lstm_lab

    file = tmp_path_factory.mktemp("pages") / "page.md"
    drawn = np.random.default_rng(0).integers(2**40)
    weight = lstm_lab.LSTMCell(2, 3).W[0, 0]
    text = PAGE.replace("DRAWN", f"{drawn}")
    file.write_text(text.replace("WEIGHT", f"{float(weight)!r}"))
    return file


@pytest.fixture(scope="module")
def store(page, tmp_path_factory):
    """The outcomes of three alternatives."""
    folder = tmp_path_factory.mktemp("seeds")
    seeds.run_all([page], range(1, 4), 2, folder)
    return folder


@pytest.fixture(scope="module")
def found(page, store):
    return seeds.runs(seeds.stored(page, store))


def test_each_assertion_is_found_at_its_line(page):
    claims = seeds.claims(page)
    assert [claim.line for claim in claims] == [*(ALWAYS, DRAWN, ONE_DRAW, LOOP, DEFAULT, LISTED)]
    lines = page.read_text(encoding="utf-8").splitlines()
    assert all("assert" in lines[claim.line - 1] for claim in claims)
    assert [claim.line for claim in claims if claim.one_draw] == [ONE_DRAW]


def test_every_assertion_of_the_chapters_is_at_its_line():
    total = 0
    for page in seeds.known_pages([]):
        lines = page.read_text(encoding="utf-8").splitlines()
        for claim in seeds.claims(page):
            assert "assert" in lines[claim.line - 1], (page, claim)
            total += 1
    assert total > 100


def test_other_seeds_reach_the_cells_and_the_package(found):
    assert sorted(found) == [1, 2, 3]
    for run in found.values():
        held = {int(line): outcome for line, outcome in run["held"].items()}
        assert held == {
            ALWAYS: True,
            DRAWN: False,
            ONE_DRAW: False,
            LOOP: False,
            DEFAULT: False,
            LISTED: True,
        }


def test_what_a_cell_raises_is_kept(found):
    for run in found.values():
        assert run["raised"] == {str(RAISED): "RuntimeError: in vain"}


def test_the_table_names_what_does_not_hold(page, found):
    lines, failed = seeds.report(page, [*found.values()])
    assert f"  3 of 3  line {ALWAYS:4}  draw >= 0" in lines
    assert any(line.endswith("one draw") for line in lines)
    places = (DRAWN, LOOP, DEFAULT)
    assert all(f"line {line:4}" in "\n".join(failed) for line in places)
    assert f"line {ONE_DRAW:4}" not in "\n".join(failed)
    assert sum("in vain" in line for line in failed) == 3


def test_an_interrupted_run_goes_on(page, store, tmp_path):
    file = seeds.stored(page, tmp_path)
    shutil.copy(seeds.stored(page, store), file)
    whole = file.read_text(encoding="utf-8")
    first, *_ = [line for line in whole.splitlines() if line]
    marked = json.dumps(json.loads(first) | {"raised": {"1": "kept"}})
    file.write_text(f"{marked}\n{first[:20]}", encoding="utf-8")
    (kept,) = seeds.runs(file)
    seeds.run_all([page], range(1, 4), 2, tmp_path)
    again = seeds.runs(file)
    assert sorted(again) == [1, 2, 3]
    assert again[kept]["raised"] == {"1": "kept"}


def test_runs_of_another_text_are_not_taken(page, tmp_path):
    before = seeds.stored(page, tmp_path)
    other = tmp_path / page.name
    other.write_text(page.read_text(encoding="utf-8") + "\nMore.\n")
    assert seeds.stored(other, tmp_path) != before


def test_stored_experiments_keep_their_seeds(monkeypatch):
    original = np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", original)
    kept = seeds.shift_seeds(1)
    plain = original(0).integers(2**40)
    assert np.random.default_rng(0).integers(2**40) != plain
    with kept():
        assert np.random.default_rng(0).integers(2**40) == plain
    module = {"np": np, "__name__": "lstm_lab.experiments.phase"}
    assert eval("np.random.default_rng(0)", module).integers(2**40) == plain


def test_a_page_that_is_none_is_refused():
    with pytest.raises(SystemExit, match=r"ch999 must be pages with code.*ch317"):
        seeds.known_pages(["ch999"])
