"""A day's mutants are killed or listed with a reason, and the tool does what it says."""

import datetime
import types

import pytest

from lstm_lab.sweeps import running
from tools import mutants, mutating
from tools.mutants import Mutant, Outcome

# Packages and modules that are not mutated: what they make is compared with stored pages and
# files, or is looked at in a browser.
NOT_MUTATED = {
    *("plots", "widgets", "exercises", "phase", "bottleneck"),
    *("teaching", "tables", "architecture"),
}


@pytest.mark.parametrize("half", [0, 1])
def test_the_mutants_of_the_day_are_killed_or_listed(half, record_property):
    # In the world's time, so that all workers have the same day.
    today = datetime.datetime.now(datetime.UTC).date()
    chosen = mutants.share(today, half)
    outcomes = mutants.run_apart(chosen[0].module, chosen)
    said = mutants.summary(outcomes)
    record_property("mutants", f"{chosen[0].module}: {said}")
    assert [outcome.mutant for outcome in outcomes] == chosen
    assert mutants.complaints(outcomes) == []


def test_what_is_listed_can_be_made():
    assert mutants.gone() == []
    assert all(len(reason) > 10 for reason in mutants.listed().values())


def test_after_some_days_each_part_has_had_its_turn():
    first = datetime.date(2026, 1, 1)
    parts = mutants.parts()
    met = [
        parts[turn % len(parts)]
        for day in range(len(parts))
        for turn in mutants.turns(first + datetime.timedelta(day))
    ]
    assert set(met) == set(parts)


def test_each_module_is_mutated_or_named_here():
    root = mutants.path("numerics").parent
    modules = {
        ".".join(file.relative_to(root).with_suffix("").parts)
        for file in root.rglob("*.py")
        if file.name != "__init__.py"
    }
    left = {m for m in modules if m.split(".")[0] in NOT_MUTATED}
    assert modules - left == set(mutants.TESTS)


def made(source):
    """Return the mutants of a source, each as its function and its changed line."""
    found = set()
    for function, *change in mutating.replacements(source):
        new = mutants.replaced(source, *change)
        _, _, after = mutants.difference(source, new)
        found.add((function, after))
    return found


def test_words_of_errors_stay_but_not_the_errors():
    source = (
        "def f(a):\n"
        '    raise ValueError(f"a is {a + 1}" + "!") from None\n'
        "class C:\n"
        "    @property\n"
        "    def g(self):\n"
        '        return checks.array("g", self, ("T", 2))\n'
    )
    words = made(source)
    assert {after for function, after in words if function == "f"} == {
        "pass",
        'raise BaseException(f"a is {a + 1}" + "!") from None',
    }
    assert {after for function, after in words if function == "C.g"} == {
        'return checks.array("g", None, ("T", 2))',
        'return checks.array("g", self, None)',
        'return checks.array(self, ("T", 2))',
        'return checks.array("g", ("T", 2))',
        'return checks.array("g", self, )',
        'return checks.array("g", self, ("T", 3))',
    }


def test_every_mutant_of_a_module_can_be_compiled():
    """Also those of a statement with others in it, whose lines are indented."""
    changes = mutants.changes("counting")
    assert any(change.mutant.before.startswith("case") for change in changes)
    for change in changes:
        compile(change.source(), "", "exec")


def test_a_method_may_lose_its_super():
    [change] = [
        change
        for change in mutants.changes("sweeps.running")
        if change.mutant.after == "cores: int = None"
    ]
    method = running._DaskBackend.effective_n_jobs
    copy = types.FunctionType(
        method.__code__, method.__globals__, closure=method.__closure__
    )
    mutants.exchange(change, [copy])
    with pytest.raises(TypeError, match="'NoneType'"):
        copy(None, 1)


def test_a_mutant_is_known_by_its_lines():
    old = "a\n  b\nc\nb\n"
    lines, before, after = mutants.difference(old, "a\n  x\nc\nb\n")
    assert (lines, before, after) == (range(2, 3), "b", "x")
    lines, before, after = mutants.difference(old, "a\nc\nb\n")
    assert (lines, before, after) == (range(2, 3), "b", "")


def test_survivors_and_listed_ones_that_are_none_are_named(
    tmp_path, monkeypatch
):
    file = tmp_path / "equivalent.toml"
    file.write_text(
        '[[equivalent]]\nmodule = "numerics"\nfunction = "sigmoid"\n'
        'reason = "No reason."\nmutants = [["a", "b"], ["a", "b", 2]]\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(mutants, "LISTED", file)
    first = Mutant("numerics", "sigmoid", "a", "b", 1)
    second = first._replace(nth=2)
    third = first._replace(after="c")
    outcomes = [Outcome(first, "", 0.0), Outcome(second, "", 0.0)]
    assert mutants.complaints(outcomes) == []
    outcomes = [Outcome(second, "a test", 0.0), Outcome(third, "", 0.0)]
    survived, killed = mutants.complaints(outcomes)
    assert survived.startswith("survived, and is not listed: numerics.sigmoid")
    assert killed.startswith("is listed, but killed by a test: numerics.sig")
    assert mutants.summary([Outcome(first, "", 0.0), *outcomes]) == (
        "mutants killed: 1 of 3, 1 survivors listed as equivalent, 1 others"
    )
    assert len(mutants.gone()) == 2
