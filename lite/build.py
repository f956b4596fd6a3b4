"""Build the notebooks that run in the reader's browser, into the built book.

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

import nbformat
from jupyterlite_pyodide_kernel.constants import (
    PYODIDE_CDN_URL,
    PYODIDE_KERNEL_NPM_NAME,
    PYODIDE_LOCK,
    PYODIDE_PYTHON_VERSION,
    PYODIDE_VERSION,
)
from notebooks import standalone
from pyodide_lock import PyodideLockSpec
from pyodide_lock.utils import add_wheels_to_spec

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
EXECUTED = ROOT / "_build" / "jupyter_execute" / "chapters"
STAGE = ROOT / "_build" / "lite"  # what JupyterLite makes the site of
SITE = ROOT / "_build" / "html" / "lite"
NPM = ROOT / "node_modules" / "pyodide"
RUNTIME = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
)
REQUIREMENTS = HERE / "requirements.lock"
# Parts of the kernel, and empty packages in the place of what would need a server.
KERNEL = (
    Path(sys.prefix, "share/jupyter/labextensions", PYODIDE_KERNEL_NPM_NAME)
    / "static/pypi"
)
KERNEL_WHEELS = (
    "ipykernel-6.*.whl",
    "piplite-*.whl",
    "pyodide_kernel-*.whl",
    "widgetsnbextension-4.*.whl",
)


def main():
    """Stage everything, and let JupyterLite make the site."""
    for folder in (STAGE, SITE):
        shutil.rmtree(folder, ignore_errors=True)
    stage_notebooks(STAGE / "files")
    stage_python(STAGE / "static" / "pyodide")
    for name in ("jupyter_lite_config.json", "jupyter-lite.json"):
        shutil.copy(HERE / name, STAGE)
    run(
        *("jupyterlite_core", "build", "--lite-dir", STAGE),
        *("--contents", STAGE / "files", "--output-dir", SITE),
    )


def stage_notebooks(folder):
    """Write the executed notebooks, with their outputs."""
    folder.mkdir(parents=True)
    for file in sorted(EXECUTED.glob("*.ipynb")):
        text = nbformat.writes(standalone(file), split_lines=False)
        (folder / file.name).write_text(text + "\n", encoding="utf-8")


def stage_python(folder):
    """Write Pyodide, the wheels, and the lock that says where each package is.

    By that lock an import in a cell loads its package: nobody has to install any.
    """
    version = json.loads((NPM / "package.json").read_bytes())["version"]
    if version != PYODIDE_VERSION:
        sys.exit(
            f"package.json brings Pyodide {version}, and jupyterlite-pyodide-kernel"
            f" needs {PYODIDE_VERSION}: change the one or the other"
        )
    folder.mkdir(parents=True)
    for name in RUNTIME:
        shutil.copy(NPM / name, folder)
    for wheel in [*locked_wheels(), *kernel_wheels()]:
        shutil.copy(wheel, folder)
    run(
        *(
            "pip",
            "wheel",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ),
        *("--no-build-isolation", "--wheel-dir", folder, ROOT),
    )
    target = folder / PYODIDE_LOCK
    content = json.loads((NPM / PYODIDE_LOCK).read_bytes())
    content["info"]["version"] = version  # which pyodide-lock requires before 0.1.3
    target.write_text(json.dumps(content), encoding="utf-8")
    lock = PyodideLockSpec.from_json(target)
    for package in lock.packages.values():
        package.file_name = f"{PYODIDE_CDN_URL}/{package.file_name}"
    wheels = sorted(folder.glob("*.whl"))
    add_wheels_to_spec(lock, wheels).to_json(target)


def locked_wheels():
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


def kernel_wheels():
    """Return the wheels that the kernel brings, one for each pattern."""
    return [
        wheel for pattern in KERNEL_WHEELS for wheel in KERNEL.glob(pattern)
    ]


def run(module, *arguments):
    """Run a module of this environment, without its dialogue."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    subprocess.run(command, check=True)  # noqa: S603


if __name__ == "__main__":
    main()
