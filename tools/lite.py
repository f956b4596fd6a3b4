"""Build the notebooks that run in the reader's browser, into the built book: python -m tools.lite.

The site is JupyterLite's. Its Python, Pyodide, comes from npm, and every package in pure Python
from PyPI, as lite/requirements.lock pins it: both become files of the site. What Pyodide compiles
itself, NumPy and Matplotlib above all, is on neither of the two. A reader's browser loads it from
Pyodide's host, by its hash, when a cell is run that imports it, and not before.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from jupyterlite_pyodide_kernel.constants import (
    PYODIDE_CDN_URL,
    PYODIDE_KERNEL_NPM_NAME,
    PYODIDE_LOCK,
    PYODIDE_PYTHON_VERSION,
    PYODIDE_VERSION,
)
from pyodide_lock import PyodideLockSpec
from pyodide_lock.utils import add_wheels_to_spec

ROOT = Path(__file__).resolve().parents[1]
BUILT = ROOT / "_build"
CONFIGURATION = ROOT / "lite"
REQUIREMENTS = CONFIGURATION / "requirements.lock"
NPM = ROOT / "node_modules" / "pyodide"
RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
# Parts of the kernel, and empty packages in the place of those that would need a server.
KERNEL = Path(sys.prefix, "share/jupyter/labextensions", PYODIDE_KERNEL_NPM_NAME) / "static/pypi"
KERNEL_WHEELS = (
    "ipykernel-6.*.whl",
    "piplite-*.whl",
    "pyodide_kernel-*.whl",
    "widgetsnbextension-4.*.whl",
)


def build(site: Path, stage: Path) -> Path:
    """Build the site of a built book's notebooks, and return its folder.

    Parameters
    ----------
    site : Path
        The book, with its notebooks in ``_sources``; the folder ``lite`` in it is made anew.
    stage : Path
        A folder to be made anew with all that JupyterLite takes.

    Returns
    -------
    Path
        The folder ``lite``.
    """
    target = site / "lite"
    for folder in (stage, target):
        shutil.rmtree(folder, ignore_errors=True)
    stage_notebooks(site / "_sources", stage / "files")
    stage_python(stage / "static" / "pyodide")
    for name in ("jupyter_lite_config.json", "jupyter-lite.json"):
        shutil.copy(CONFIGURATION / name, stage)
    run(
        *("jupyterlite_core", "build", "--lite-dir", stage),
        *("--contents", stage / "files", "--output-dir", target),
        folder=stage,  # where it remembers what it need not do again
    )
    return target


def stage_notebooks(sources: Path, folder: Path) -> None:
    """Copy the notebooks that readers can download, under the names of their pages."""
    notebooks = sorted(sources.rglob("*.ipynb"))
    if not notebooks:
        raise SystemExit(f"{sources} has no notebooks: build the book first")
    for notebook in notebooks:
        copied = folder / notebook.relative_to(sources)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(notebook, copied)


def stage_python(folder: Path) -> None:
    """Write Pyodide, the wheels, and the lock that says where each package is.

    By that lock an import in a cell loads its package: nobody has to install any.
    """
    version = json.loads((NPM / "package.json").read_bytes())["version"]
    if version != PYODIDE_VERSION:
        raise SystemExit(
            f"package.json brings Pyodide {version}, and jupyterlite-pyodide-kernel"
            f" needs {PYODIDE_VERSION}: change the one or the other"
        )
    folder.mkdir(parents=True)
    for name in RUNTIME:
        shutil.copy(NPM / name, folder)
    for wheel in [*locked_wheels(), *kernel_wheels()]:
        shutil.copy(wheel, folder)
    run(
        *("pip", "wheel", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT),
    )
    target = folder / PYODIDE_LOCK
    content = json.loads((NPM / PYODIDE_LOCK).read_bytes())
    content["info"]["version"] = version  # pyodide-lock wants it before 0.1.3
    target.write_text(json.dumps(content), encoding="utf-8")
    lock = PyodideLockSpec.from_json(target)
    for package in lock.packages.values():
        package.file_name = f"{PYODIDE_CDN_URL}/{package.file_name}"
    wheels = sorted(folder.glob("*.whl"))
    add_wheels_to_spec(lock, wheels).to_json(target)


def locked_wheels() -> list[Path]:
    """Return the wheels of requirements.lock, downloaded once into the environment."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    store = Path(sys.prefix, "lite-wheels", digest)
    if not store.exists():
        arriving = store.with_suffix(".part")
        run(
            *("pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--require-hashes", "--only-binary", ":all:"),
            *("--platform", "any", "--python-version", PYODIDE_PYTHON_VERSION),
            *("--dest", arriving, "--requirement", REQUIREMENTS),
        )
        arriving.rename(store)
    return sorted(store.glob("*.whl"))


def kernel_wheels() -> list[Path]:
    """Return the wheels that come with the kernel's extension."""
    return [wheel for pattern in KERNEL_WHEELS for wheel in KERNEL.glob(pattern)]


def run(module: str, *arguments: object, folder: Path = ROOT) -> None:
    """Run a module of this environment; what it says is shown only where it fails."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=folder,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout}\n{module} failed, as it says above")


if __name__ == "__main__":
    made = build(BUILT / "html", BUILT / "lite")
    size = sum(file.stat().st_size for file in made.rglob("*")) / 1e6
    sys.stdout.write(f"{made}: {size:.0f} MB\n")
