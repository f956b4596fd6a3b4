"""The notebooks that run in the browser are complete: every page, package, version and file.

That a kernel starts from the site alone is tested in tests/browser/test_lite.py.
"""

import ast
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup
from jupyterlite_pyodide_kernel.constants import PYODIDE_CDN_URL
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
LITE = SITE / "lite"
PYTHON = LITE / "static" / "pyodide"
PAGES = [
    f"chapters/{name}" for name in ("index", "ch317", "ch318", "ch319", "claims", "benchmarks")
]
COMPILED = {*("contourpy", "kiwisolver", "lxml", "matplotlib", "numpy", "pillow"), "regex"}
LARGEST = 75e6  # bytes of the site; GitHub's pages may have a thousand million

# Pyodide has no processes and no threads.
AS_IN_A_BROWSER = """
import importlib, pkgutil, sys, threading
for name in ("_multiprocessing", "fcntl", "resource"):
    sys.modules[name] = None
def start(*_, **__):
    raise RuntimeError("can't start new thread")
for name in ("_start_new_thread", "_start_joinable_thread"):
    if hasattr(threading, name):
        setattr(threading, name, start)
import lstm_lab
for module in pkgutil.walk_packages(lstm_lab.__path__, "lstm_lab."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from lstm_lab import experiments
from lstm_lab.experiments import ablation, bottleneck, phase, reach
for stored in (ablation, bottleneck, phase, reach):
    assert experiments.load(stored)
    assert not experiments.check(stored, rows=[0], jobs=1)
"""


@cache
def lock() -> dict:
    """Return what Pyodide reads to find packages."""
    return json.loads((PYTHON / "pyodide-lock.json").read_bytes())


def loaded(*names: str) -> dict[str, dict]:
    """Return the packages that are loaded with some."""
    found, waiting = {}, list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = lock()["packages"][name]
            waiting += found[name]["depends"]
    return found


@cache
def cells(page: str) -> list[nbformat.NotebookNode]:
    """Return the cells of a page's notebook, as the browser gets them."""
    file = LITE / "files" / f"{page}.ipynb"
    return nbformat.read(file, as_version=4).cells


def imported(page: str) -> set[str]:
    """Return the names of the packages that a page's cells import."""
    names = set()
    for cell in cells(page):
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Import):
                    names |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    names.add(node.module)
    return {name.partition(".")[0] for name in names}


def kernel() -> dict:
    """Return the kernel's settings."""
    settings = json.loads((LITE / "jupyter-lite.json").read_bytes())
    return settings["jupyter-config-data"]["litePluginSettings"][
        "@jupyterlite/pyodide-kernel-extension:kernel"
    ]


@cache
def packages() -> dict[str, dict]:
    """Return the packages that the kernel and the pages load."""
    names = [
        name
        for name, package in lock()["packages"].items()
        for page in PAGES
        if imported(page) & set(package["imports"])
    ]
    return loaded(*kernel()["loadPyodideOptions"]["packages"], *names)


# --- The notebooks ---


@pytest.mark.parametrize("page", PAGES)
def test_every_page_with_cells_leads_to_its_notebook(page):
    html = BeautifulSoup((SITE / f"{page}.html").read_text("utf-8"), "lxml")
    link = urlsplit(html.select_one("a.btn-launch-lite")["href"])
    assert (SITE / page).parent.joinpath(link.path).is_file()
    (path,) = parse_qs(link.query)["path"]
    assert (LITE / "files" / path).is_file()
    listing = LITE / "api" / "contents" / Path(path).parent / "all.json"
    listed = json.loads(listing.read_bytes())["content"]
    assert path in {file["path"] for file in listed}


def test_no_page_is_forgotten():
    executed = ROOT / "_build" / "jupyter_execute"
    notebooks = {
        file.relative_to(executed).with_suffix("").as_posix() for file in executed.rglob("*.ipynb")
    }
    assert notebooks == set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_the_notebook_shows_what_was_computed(page):
    assert not any("{glue" in cell.source for cell in cells(page))
    assert any(cell.get("outputs") for cell in cells(page))


# --- The packages ---


def test_the_kernel_is_the_sites_own():
    assert LITE / kernel()["pyodideUrl"] == PYTHON / "pyodide.mjs"
    assert (PYTHON / "pyodide.asm.wasm").is_file()


@pytest.mark.parametrize("page", PAGES)
def test_every_import_of_a_page_loads_a_package(page):
    known = {name for package in packages().values() for name in package["imports"]}
    assert imported(page) <= known | sys.stdlib_module_names


def test_every_package_is_in_the_site_but_those_that_pyodide_compiles():
    elsewhere = {}
    for name, package in packages().items():
        file = package["file_name"]
        if not urlsplit(file).netloc:
            content = (PYTHON / file).read_bytes()
            assert hashlib.sha256(content).hexdigest() == package["sha256"]
        else:
            elsewhere[name] = file
            assert re.fullmatch(r"[0-9a-f]{64}", package["sha256"])
    assert elsewhere.keys() == COMPILED
    assert all(file.startswith(PYODIDE_CDN_URL) for file in elsewhere.values())
    assert all(file.endswith("_wasm32.whl") for file in elsewhere.values())


def test_the_versions_suit_each_other():
    python = lock()["info"]["python"]
    system = {
        "extra": "",
        "platform_system": "Emscripten",
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": "emscripten",
    }

    def applies(marker: Marker | None) -> bool:
        return marker is None or marker.evaluate(system)

    unmet = []
    for name, package in packages().items():
        if not urlsplit(package["file_name"]).netloc:
            for text in requirements(PYTHON / package["file_name"]):
                requirement = Requirement(text)
                other = canonicalize_name(requirement.name)
                if applies(requirement.marker) and not (
                    other in packages()
                    and requirement.specifier.contains(
                        packages()[other]["version"], prereleases=True
                    )
                ):
                    unmet.append(f"{name} requires {text}")
    assert unmet == []


def requirements(wheel: Path) -> list[str]:
    """Return what a wheel requires."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    return metadata.get_all("Requires-Dist", [])


def test_the_versions_are_the_books_own():
    """But for those that the book's lock does not have, and those of Pyodide."""
    own = pins(ROOT / "requirements.lock")
    assert {
        name: versions
        for name, versions in pins(ROOT / "lite" / "requirements.lock").items()
        if name in own and not versions <= own[name]
    } == {}


def pins(file: Path) -> dict[str, set[str]]:
    """Return the versions of each package in a lock."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"(?m)^([\w.-]+)==([^ ;]+)", file.read_text("utf-8")):
        found.setdefault(name, set()).add(version)
    return found


def test_the_package_is_the_one_that_made_the_book():
    wheel = PYTHON / packages()["lstm-lab"]["file_name"]
    source = ROOT / "src"
    with zipfile.ZipFile(wheel) as archive:
        packed = {
            name: archive.read(name) for name in archive.namelist() if name.startswith("lstm_lab/")
        }
    assert packed == {
        file.relative_to(source).as_posix(): file.read_bytes()
        for file in (source / "lstm_lab").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_the_package_needs_no_threads_and_no_processes():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", AS_IN_A_BROWSER],
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr


# --- The site ---


def test_the_site_is_not_too_large():
    size = sum(file.stat().st_size for file in LITE.rglob("*"))
    assert 0 < size < LARGEST
