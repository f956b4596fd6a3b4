"""Settings without which a fault would be silent, and versions that belong together."""

import re
import runpy
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
BOOK = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TASKS = runpy.run_path(str(ROOT / "lab.py"))["TASKS"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
REQUIREMENTS = [
    Requirement(line)
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith(("#", "-"))
]
LOCKED = dict(re.findall(r"^([\w.-]+)==([^ ;\\\n]+)", LOCK, re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_every_build_executes_every_cell_and_a_failure_ends_it():
    assert BOOK["execute"]["execute_notebooks"] == "force"
    assert BOOK["execute"]["allow_errors"] is False
    assert BOOK["execute"]["stderr_output"] == "error"
    settings = BOOK["sphinx"]["config"]
    assert settings["nb_execution_raise_on_error"] is True
    assert settings["repairs_all_needed"] is True
    (build,) = (c for c in TASKS["book"].commands if "jupyter-book build" in c)
    assert {"-W", "-n"} <= set(build.split())


def test_a_warning_of_the_code_is_an_error():
    options = PROJECT["tool"]["pytest"]
    assert options["filterwarnings"] == ["error"]
    assert options["strict_xfail"]
    assert PROJECT["tool"]["coverage"]["report"]["fail_under"] >= 98
    assert "S" in PROJECT["tool"]["ruff"]["lint"]["select"]


def test_the_tests_have_all_of_their_parts():
    parts = ("style", "types", "metadata", "unit", "book", "pages", "browser")
    assert {*parts, "nbval", "kit", "trust"} <= set(TASKS["test"].parts)
    (trust,) = TASKS["trust"].commands
    trusted = {"tests/faults", "tests/kills", "tests/versions"}
    assert trusted <= set(trust.split())


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda r: r.name)
def test_what_is_installed_and_locked_is_what_is_required(requirement):
    name, wanted = requirement.name, requirement.specifier
    installed = metadata.version(name)
    assert wanted.contains(installed), f"{name} {installed} is not {wanted}"
    assert wanted.contains(LOCKED[name]), f"{name} {LOCKED[name]} is locked"


def test_every_locked_version_has_its_hash():
    entries = re.split(r"\n(?=\S)", LOCK)
    pinned = [entry for entry in entries if "==" in entry.split("\n")[0]]
    bare = [entry for entry in pinned if "--hash=sha256:" not in entry]
    assert len(pinned) > 100
    assert bare == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.stem)
def test_actions_are_taken_by_their_commit(workflow):
    text = workflow.read_text(encoding="utf-8")
    used = re.findall(r"uses: (\S+)", text)
    assert used
    movable = [u for u in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", u)]
    assert movable == []
