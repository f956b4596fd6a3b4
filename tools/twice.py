"""Build the book twice, in two places, and compare every file: python3 lab.py twice.

What may differ is named here, with its reason; all else is the same to the byte, or is printed.
"""

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import course, faults

ROOT = Path(__file__).resolve().parents[1]
VIEW = course.launch.VIEW
COMPARED = ("html", "jupyter_execute")
# How long cells took, and when: the instructor's page shows it, and the search knows its words.
ALLOWED = {
    "html/chapters/instructor.html": re.compile(
        rb"<td[^>]*><p>(?:\d{4}-\d\d-\d\d \d\d:\d\d|\d+(?:\.\d+)?)</p></td>"
    ),
    "html/searchindex.js": re.compile(rb".*", re.DOTALL),
}


def built(folder: Path) -> Path:
    """Build the book in a folder, as `lab.py book` begins; return what it built."""
    faults.copied(folder)
    (command,) = (task for task in commands() if task.startswith("jupyter-book build"))
    program, *arguments = shlex.split(command)
    path = shutil.which(program, path=Path(sys.executable).parent)
    done = subprocess.run(  # noqa: S603
        [path, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return folder / "_build"


def commands() -> list[str]:
    """Return what the task *book* runs."""
    return list(runpy.run_path(str(ROOT / "lab.py"))["TASKS"]["book"].commands)


def content(root: Path, name: str) -> bytes:
    """Return a file without what may differ."""
    read = (root / name).read_bytes()
    if name.startswith("jupyter_execute/") and name.endswith(".ipynb"):
        read = anonymous(read)
    return ALLOWED[name].sub(b"", read) if name in ALLOWED else read


def anonymous(notebook: bytes) -> bytes:
    """Return a notebook without the names that a kernel gives its cells and models."""
    content = json.loads(notebook)
    content["metadata"].pop("widgets", None)
    for cell in content["cells"]:
        cell.pop("id", None)
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(VIEW, None)
    return json.dumps(content).encode()


def files(root: Path) -> set[str]:
    """Return the names of the files that are compared."""
    return {
        file.relative_to(root).as_posix()
        for part in COMPARED
        for file in (root / part).rglob("*")
        if file.is_file()
    }


def differences(one: Path, other: Path) -> list[tuple[str, int]]:
    """Return each file that differs, and in how many bytes."""
    found = []
    for name in sorted(files(one) | files(other)):
        if not ((one / name).exists() and (other / name).exists()):
            found.append((f"{name} (in one build only)", 0))
            continue
        a, b = content(one, name), content(other, name)
        if a != b:
            pairs = zip(a, b, strict=False)
            count = sum(x != y for x, y in pairs) + abs(len(a) - len(b))
            found.append((name, count))
    return found


def main() -> int:
    """Build, compare, and say what differs."""
    with tempfile.TemporaryDirectory() as folder:
        builds = [built(Path(folder) / name) for name in ("one", "other")]
        compared = len(files(builds[0]))
        found = differences(*builds)
    for name, count in found:
        sys.stdout.write(f"{name}: {count} bytes differ\n")
    sys.stdout.write(f"files that differ between two builds: {len(found)} of {compared}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
