"""A small book with the real book's configuration, to do to it what the real one is spared."""

import runpy
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SMALL = ROOT / "tests" / "book" / "small"
CONFIGURATION = ["_config.yml", "_static", "_ext", "conftest.py", "pyproject.toml"]
LAB = runpy.run_path(str(ROOT / "lab.py"))  # the book's own commands
TASKS = LAB["TASKS"]
CLEAN, BUILD = TASKS["book"].commands[:2]
NBVAL = TASKS["nbval"].commands[-1]


def write(root: Path) -> Path:
    """Write the small book with the real book's configuration."""
    shutil.copytree(SMALL, root, dirs_exist_ok=True)
    for name in CONFIGURATION:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name)
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, root)
    shutil.copy(ROOT / "chapters" / "references.bib", root / "chapters")
    (root / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "test_identities.py", root / "tests")
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    edit(root, "_config.yml", "repairs_all_needed: true", "repairs_all_needed: false")
    profile = root / ".venv" / LAB["PROFILE"]
    profile.parent.mkdir(parents=True)
    profile.write_text(LAB["KERNEL"], encoding="utf-8")
    return root


def edit(root: Path, file: str, old: str, new: str) -> None:
    """Replace a text that occurs once in a file."""
    text = (root / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {file}"
    (root / file).write_text(text.replace(old, new), encoding="utf-8")
