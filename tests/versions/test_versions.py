"""The declared versions are tested, and what is wrong with one of them is said."""

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tools import versions

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
# A Python that is newer than the oldest versions has no wheels of them.
THIS = RUNNING if RUNNING in versions.PYTHONS else versions.PYTHONS[-1]
ROW = versions.Row("3.11", "oldest", {"numpy": "2.1.0"}, 3, 0, 1.0, "")


def test_the_oldest_versions_pass_what_is_quick():
    arguments = versions.pytest_arguments(quick=True)
    row = versions.tested(THIS, "oldest", [*arguments, "-n", "0"])
    assert row.green, row.said
    assert row.passed > 300
    for name, requirement in versions.declared().items():
        oldest = versions.bound(requirement)
        assert Version(row.versions[name]) == oldest, name


def test_each_requirement_has_a_bound_which_the_lock_keeps():
    locked = dict(
        re.findall(r"(?m)^([\w.-]+)==([^ ;\\\n]+)", versions.LOCK.read_text(encoding="utf-8"))
    )
    for name, requirement in versions.declared().items():
        assert versions.bound(requirement) <= Version(locked[name])


def test_the_book_asks_for_the_same_bounds():
    text = (versions.ROOT / "requirements.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line[0] not in "#-"]
    book = {Requirement(line).name: Requirement(line) for line in lines}
    for name, requirement in versions.declared().items():
        if name in book:
            assert book[name].specifier == requirement.specifier


def test_all_tests_but_those_of_the_repository_are_run():
    arguments = versions.pytest_arguments()
    assert "tests" in arguments
    assert "--cov" not in arguments
    for path in (*versions.LEFT_OUT, *versions.QUICK):
        assert (versions.ROOT / path).exists(), path
    for path, reason in versions.LEFT_OUT.items():
        assert f"--ignore={path}" in arguments
        assert reason
    assert "tests" not in versions.pytest_arguments(quick=True)
    assert len(versions.PYTHONS) >= 3


def test_the_tools_are_locked():
    names = [line.split("==")[0] for line in versions.tools().splitlines()]
    assert sorted(set(names)) == sorted(versions.TOOLS)
    assert "--hash" not in versions.tools()


def test_a_python_that_is_not_there_makes_its_row_red(monkeypatch, tmp_path):
    monkeypatch.setattr(versions, "FOLDER", tmp_path)
    monkeypatch.setattr(versions, "check", lambda *_: None)
    monkeypatch.setattr(versions, "resolve", lambda *_: "")
    monkeypatch.setattr(versions, "pins", lambda _: {})
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    row = versions.tested("3.99", "oldest", [])
    assert not row.green
    assert "3.99" in row.said


def test_another_version_than_the_declared_one_is_an_error():
    found = {n: str(versions.bound(r)) for n, r in versions.declared().items()}
    versions.check(THIS, "oldest", found)
    found["numpy"] = "99.0"
    bound = versions.bound(versions.declared()["numpy"])
    with pytest.raises(versions.VersionsError, match=f"numpy 99.0 in the place of {bound}"):
        versions.check(THIS, "oldest", found)


@pytest.mark.parametrize(
    ("printed", "code", "passed", "failed"),
    [
        ("..\n2 passed in 0.12s", 0, 2, 0),
        ("..\n1 failed, 2 passed, 3 errors in 1.00s", 1, 2, 4),
        ("no tests ran in 0.01s", 5, 0, 0),
        ("1 error in 0.01s", 2, 0, 1),
    ],
)
def test_what_pytest_says_is_counted(printed, code, passed, failed, monkeypatch):
    done = versions.subprocess.CompletedProcess([], code, printed, "")
    monkeypatch.setattr(versions, "environment", lambda *_: Path())
    monkeypatch.setattr(versions, "run", lambda *_: done)
    monkeypatch.setattr(versions, "versions", lambda _: {})
    row = versions.tested("3.11", "oldest", [])
    assert (row.passed, row.failed) == (passed, failed)
    assert row.green == (code == 0)


@pytest.mark.parametrize("red", [0, 1])
def test_the_last_line_counts_what_is_green(red, monkeypatch, capsys):
    rows = [ROW._replace(failed=red and n == 0) for n in range(6)]
    monkeypatch.setattr(versions, "PYTHONS", ["3.11", "3.12", "3.13"])
    monkeypatch.setattr(versions, "tested", lambda *_: rows.pop())
    assert versions.main() == red
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"versions tested: {6 - red} of 6 green"
