"""Test the package with the oldest and the newest versions of what it needs: lab.py versions.

The oldest are the lower bounds of pyproject.toml, the newest those of today. Each of the two is
installed for every Python that pyproject.toml names, into a folder of .venv/versions, and the
package's tests are run there. A Python that is neither found nor installed makes its rows red.
"""

import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.version import Version
from tabulate import tabulate

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".venv" / "versions"
LOCK = ROOT / "requirements.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = [
    classifier.rpartition(" ")[2]
    for classifier in PROJECT["classifiers"]
    if re.search(r":: 3\.\d+$", classifier)
]
AGES = {"oldest": "lowest-direct", "newest": "highest"}
# What the package's tests import besides; always in the locked versions.
TOOLS = (
    *("autograd", "beautifulsoup4", "coloraide", "hypothesis"),
    *("markdown-it-py", "mdit-py-plugins", "onnx", "onnxruntime"),
    *("pytest", "pytest-xdist", "sacrebleu"),
)
# What is about the repository, and not about the package.
LEFT_OUT = {
    "tests/test_bibliography.py": "reads the book's bibliography",
    "tests/test_configuration.py": "compares with the locked versions",
    "tests/test_licences.py": "reads what git knows of files",
    "tests/test_seeds.py": "runs pages of the book",
    "tests/figures/test_script.py": "drives a browser, in which there is no Python",
}
# What every test run takes of them: the arithmetic, and all that draws, stores or shows.
QUICK = (
    *("tests/gradflow", "tests/figures"),
    *("tests/test_sequence.py", "tests/test_interop.py"),
    *("tests/test_losses.py", "tests/test_numerics.py"),
    *("tests/test_optim.py", "tests/test_saving.py"),
    *("tests/experiments/test_code.py", "tests/experiments/test_running.py"),
)
TIMEOUT = 1800  # seconds for the tests of one environment


class VersionsError(Exception):
    """What could not be installed, and what uv said."""


class Row(NamedTuple):
    """What came of one environment.

    Attributes
    ----------
    python, age : str
        Which one it is.
    versions : dict
        The version of each dependency of the package, by name.
    passed, failed : int
        How many tests did so; errors count as failures.
    seconds : float
        For the tests.
    said : str
        The messages, if it is red; else nothing.
    """

    python: str
    age: str
    versions: dict[str, str]
    passed: int
    failed: int
    seconds: float
    said: str

    @property
    def green(self) -> bool:
        """Whether tests were run and none failed."""
        return self.passed > 0 and self.failed == 0 and not self.said


def declared() -> dict[str, Requirement]:
    """Return what the package needs, its extra included, by name."""
    lines = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dask"]]
    return {Requirement(line).name: Requirement(line) for line in lines}


def bound(requirement: Requirement) -> Version:
    """Return the lower bound of a requirement."""
    (lower,) = (s for s in requirement.specifier if s.operator == ">=")
    return Version(lower.version)


def tools() -> str:
    """Return the lines of the lock that pin the tools of the tests, without hashes."""
    lines = re.findall(r"(?m)^[\w.-]+==[^\\\n]*[^\\\s]", LOCK.read_text(encoding="utf-8"))
    return "\n".join(line for line in lines if line.split("==")[0] in TOOLS)


def environment(python: str, age: str) -> Path:
    """Return the folder of an environment; install it, unless it is there and up to date.

    Parameters
    ----------
    python : str
        Such as 3.11.
    age : str
        A key of `AGES`.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    VersionsError
        If it cannot be installed, or has other versions than it should have.
    """
    folder = FOLDER / f"{python}-{age}"
    stamp = folder / "made-of"
    today = datetime.now(UTC).date().isoformat()
    made_of = "\n".join(
        [
            *(str(requirement) for requirement in declared().values()),
            tools(),
            str(ROOT),
            today if age == "newest" else "",
        ]
    )
    if stamp.exists() and stamp.read_text(encoding="utf-8") == made_of:
        return folder
    resolved = resolve(python, age, tools())
    check(python, age, pins(resolved))
    uv("venv", "--clear", "--python", python, str(folder))
    uv("pip", "sync", "--python", str(folder), "-", given=resolved)
    uv("pip", "install", "--python", str(folder), "--no-deps", "-e", str(ROOT))
    stamp.write_text(made_of, encoding="utf-8")
    return folder


def resolve(python: str, age: str, more: str = "") -> str:
    """Return what is to be installed: a line for each package, with its version."""
    return uv(
        *("pip", "compile", "pyproject.toml", "-", "--extra", "dask"),
        *("--resolution", AGES[age], "--python-version", python),
        *("--no-build", "--no-header", "--no-annotate"),
        given=more,
    )


def pins(resolved: str) -> dict[str, str]:
    """Return the resolved version of each dependency of the package, by name."""
    found = dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", resolved))
    return {name: found[name] for name in declared()}


def check(python: str, age: str, found: dict[str, str]) -> None:
    """Raise an error where the versions that were found are not those to be tested."""
    wanted = (
        {name: str(bound(needed)) for name, needed in declared().items()}
        if age == "oldest"
        else pins(resolve(python, age))
    )
    off = [
        f"{name} {found[name]} in the place of {version}"
        for name, version in wanted.items()
        if Version(found[name]) != Version(version)
    ]
    if off:
        raise VersionsError(
            f"with Python {python}, the {age} that can be installed: {', '.join(off)}"
        )


def uv(*arguments: str, given: str = "") -> str:
    """Run uv on some input, and return what it writes."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    pythons = [folder for python in PYTHONS for folder in pyenv.glob(f"versions/{python}.*/bin")]
    folders = [Path(sys.executable).parent, *pythons]
    path = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
    done = subprocess.run(  # noqa: S603
        # With the certificates of this machine, as pip: a proxy may have one of its own.
        [str(shutil.which("uv", path=path)), *arguments, *("--quiet", "--system-certs")],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise VersionsError(done.stderr.strip())
    return done.stdout


def python_of(folder: Path) -> Path:
    """Return the Python of an environment."""
    windows = folder / "Scripts" / "python.exe"
    return windows if os.name == "nt" else folder / "bin" / "python"


def pytest_arguments(*, quick: bool = False) -> list[str]:
    """Return the arguments of pytest: those of the step *unit*, without what is left out."""
    (command,) = runpy.run_path(str(ROOT / "lab.py"))["TASKS"]["unit"].commands
    _, *arguments = shlex.split(command)
    where = QUICK if quick else ("tests",)
    return [
        *where,
        *(a for a in arguments if a not in ("tests", "--cov")),
        *(f"--ignore={path}" for path in LEFT_OUT),
        # The conftest beside lab.py is nbval's, which compares notebooks of the book.
        *("--confcutdir=tests", "-p", "no:cacheprovider", "-q"),
    ]


def tested(python: str, age: str, arguments: Iterable[str]) -> Row:
    """Run tests in an environment.

    Parameters
    ----------
    python, age : str
        Which one.
    arguments : iterable of str
        Those of pytest.

    Returns
    -------
    Row
        What came of it; red, if the environment could not be made.
    """
    try:
        folder = environment(python, age)
    except VersionsError as error:
        return Row(python, age, {}, 0, 0, 0.0, str(error))
    started = time.monotonic()
    try:
        done = run(folder, "-m", "pytest", *arguments)
    except subprocess.TimeoutExpired:
        return Row(python, age, {}, 0, 0, TIMEOUT, f"stopped after {TIMEOUT} s")
    seconds = time.monotonic() - started
    last = done.stdout.strip().rpartition("\n")[2]
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (\w+)", last)}
    failed = counts.get("failed", 0) + sum(
        n for word, n in counts.items() if word.startswith("error")
    )
    return Row(
        python,
        age,
        versions(folder),
        counts.get("passed", 0),
        failed,
        seconds,
        "" if done.returncode == 0 else done.stdout[-5000:] + done.stderr,
    )


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the Python of an environment, with caches of its own."""
    return subprocess.run(  # noqa: S603
        [str(python_of(folder)), *arguments],
        cwd=ROOT,
        env={
            **{k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            "IPYTHONDIR": str(folder / "ipython"),
            "MPLCONFIGDIR": str(folder / "matplotlib"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )


def versions(folder: Path) -> dict[str, str]:
    """Return the installed version of each dependency of the package, by name."""
    return pins(uv("pip", "freeze", "--python", str(folder)))


def table(rows: list[Row]) -> str:
    """Return a table with a column for each environment."""
    lines = [
        ["Python", *(row.python for row in rows)],
        *([name, *(row.versions.get(name, "?") for row in rows)] for name in declared()),
        ["passed", *(str(row.passed) for row in rows)],
        ["failed", *(str(row.failed) for row in rows)],
        ["seconds", *(f"{row.seconds:.0f}" for row in rows)],
    ]
    headers = ["", *(row.age for row in rows)]
    return tabulate(lines, headers, disable_numparse=True, stralign="right")


def main() -> int:
    """Test in every environment, and say what came of it."""
    rows = []
    for python in PYTHONS:
        for age in AGES:
            row = tested(python, age, pytest_arguments())
            rows.append(row)
            came = "green" if row.green else "red"
            sys.stdout.write(f"Python {python}, {age}: {came}, {row.seconds:.0f} s\n{row.said}")
            sys.stdout.flush()
    green = sum(row.green for row in rows)
    sys.stdout.write(f"\n{table(rows)}\n\nversions tested: {green} of {len(rows)} green\n")
    return 0 if green == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
