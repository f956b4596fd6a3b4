"""Change the package in small ways, one at a time, and see that a test notices each.

`python3 lab.py mutants` does so with every module of the table `TESTS`, and each test run with a
part of them, another one each day. `python -m tools.mutants MODULE ...` takes the modules that are
named.

The library mutmut makes the mutants; what is below runs them. It takes the place of mutmut's own
runner, which rewrites a module with all of its mutants in it: tests that read the source would
fail, and each mutant would collect the tests anew. Here a module's tests are collected once and run
once, to see which lines each executes. Every mutant is then a forked process, in which the changed
function gets its new code and the tests that execute the changed line run, the quickest first,
until one fails. A test that takes many times as long as it should has failed. Tests draw no random
number that is not seeded, so that the outcome is the same each time.

To what the library changes, one thing is added: an error is not raised, or is one of another kind.

These mutants are not made, since they say nothing of correctness:

- in the words of an error: what is inside the parentheses of a `raise`, and the names in quotes by
  which a function of `checks` is to call a value (its first argument) and the sizes of an array;
- in docstrings, annotations and `typing.cast`, which nothing executes or compares;
- outside of functions, where what a test has imported cannot be exchanged any more;
- in arguments of `len` and `isinstance` and in defaults that are no plain name, number or string,
  which the library leaves alone.

Survivors stand in tests/mutants/equivalent.toml, each with the reason why no test can see it.
"""

import argparse
import datetime
import functools
import gc
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import types
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import coverage
import pytest

from tools import mutating

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "lstm_lab"
LISTED = ROOT / "tests" / "mutants" / "equivalent.toml"
SHARE = 150  # lines, about as many mutants, in each half of a test run's share
LEAST = 0.95  # of the mutants that must be killed
EXAMPLES = 10  # of each property
PATIENCE = 20  # times the seconds that a test takes, and at least
LEAST_PATIENCE = 2  # seconds of computing, after which a test has failed
ASLEEP = 900  # seconds for all tests of a mutant, however little they compute
TIMERS = (signal.SIGALRM, signal.SIGPROF) if sys.platform == "linux" else ()

CELLS = (
    "test_textbook_cells.py",
    "test_architectures.py",
    "test_against_autograd.py",
    "test_checks.py",
)
# The modules that are mutated, and the tests that are to notice.
TESTS = {
    "numerics": ("test_numerics.py", *CELLS),
    "tree": ("test_tree.py",),
    "checks": ("test_checks.py", "test_coupled.py"),
    "kernels": ("test_kernels.py", *CELLS),
    "packing": ("test_packing.py", *CELLS),
    "rnn": CELLS,
    "lstm": CELLS,
    "gru": CELLS,
    "coupled": ("test_coupled.py",),
    "gradient_checkpointing": ("test_gradient_checkpointing.py",),
    "counting": ("test_counting.py",),
    "gradcheck": ("test_gradcheck.py",),
    "initialization": ("test_initialization.py",),
    "interop": ("test_interop.py",),
    "checkpoints": ("test_checkpoints.py",),
    "jacobians": ("test_jacobians.py", "gradflow"),
    "losses": ("test_losses.py",),
    "optim": ("test_optim.py",),
    "tasks": ("test_tasks.py", "test_training.py"),
    "dates": ("test_dates.py",),
    "tokenizer": ("test_tokenizer.py",),
    "transductions": ("test_transductions.py",),
    **dict.fromkeys(
        (
            *("training.configuration", "training.fitting", "training.model"),
            *("training.runs", "training.updates"),
        ),
        ("test_training.py", "test_resuming.py"),
    ),
    "seq2seq.attention": ("seq2seq/test_attention.py",),
    "seq2seq.stack": ("seq2seq/test_stack.py", "seq2seq/test_model.py"),
    "seq2seq.model": ("seq2seq/test_model.py",),
    "seq2seq.fitting": ("seq2seq/test_fitting.py",),
    "seq2seq.decoding": ("seq2seq/test_decoding.py",),
    "seq2seq.scoring": ("seq2seq/test_scoring.py",),
    "seq2seq.translating": ("seq2seq/test_translating.py",),
    "seq2seq.depth": ("seq2seq/test_depth.py",),
    "gradflow.experiment": ("gradflow",),
    "gradflow.flow": ("gradflow/test_flow.py",),
    "gradflow.spectra": ("gradflow/test_spectra.py",),
    "gradflow.paths": ("gradflow/test_paths.py",),
    "gradflow.gates": ("gradflow/test_gates.py",),
    "gradflow.steps": ("gradflow/test_steps.py",),
    "gradflow.cliff": ("gradflow/test_cliff.py",),
    "gradflow.truncation": ("gradflow/test_truncation.py",),
    "sweeps.definition": ("sweeps/test_definition.py",),
    "sweeps.code": ("sweeps/test_code.py",),
    "sweeps.store": ("sweeps/test_store.py", "sweeps/test_running.py"),
    "sweeps.running": (
        *("sweeps/test_running.py", "sweeps/test_command.py"),
        "sweeps/test_cluster.py",
    ),
    "sweeps.__main__": ("sweeps/test_command.py",),
}
# Tests that start other processes, which have the package as it is on the disk.
ELSEWHERE = (
    "tests/test_architectures.py::test_another_process",
    "tests/sweeps/test_cluster.py::test_a_cluster_that_loses_a_worker",
    "tests/sweeps/test_cluster.py::test_a_row_that_kills_its_workers",
    "tests/sweeps/test_cluster.py::test_linear_algebra_has_one_thread",
    "tests/sweeps/test_command.py::test_a_sweep_killed_again",
    "tests/sweeps/test_command.py::test_ctrl_c_ends",
    "tests/sweeps/test_running.py::test_processes_and_their_order",
    "tests/sweeps/test_running.py::test_a_process_that_dies",
    "tests/sweeps/test_running.py::test_linear_algebra_has_one_thread[2]",
    "tests/sweeps/test_store.py::test_a_lock_ends_with_its_process",
)
# Tests that try thousands of cases, and take seconds.
LONG = (
    "tests/test_checkpoints.py::test_mutations_under_a_right_checksum",
    "tests/test_checkpoints.py::test_every_flipped_bit",
    "tests/test_checkpoints.py::test_forged_files_are_refused",
    "tests/seq2seq/test_model.py::test_the_gradient_with_inputs_of_its_own",
)


class Mutant(NamedTuple):
    """What is changed, said in a way that other changes of the file leave as it is.

    Attributes
    ----------
    module : str
        Without the package's name.
    function : str
        With the name of its class.
    before, after : str
        The lines that differ, without indentation.
    nth : int
        Among those that read the same in this function, from one.
    """

    module: str
    function: str
    before: str
    after: str
    nth: int

    def __str__(self) -> str:
        more = f" ({self.nth})" if self.nth > 1 else ""
        return (
            f"{self.module}.{self.function}{more}\n"
            + "".join(f"  - {line}\n" for line in self.before.splitlines())
            + "".join(f"  + {line}\n" for line in self.after.splitlines())
        )


class Change(NamedTuple):
    """How a mutant is made.

    Attributes
    ----------
    mutant : Mutant
        What is made.
    start, end : int
        The part of the source that is replaced.
    new : str
        What takes its place.
    lines : range
        The numbers of the lines that differ.
    """

    mutant: Mutant
    start: int
    end: int
    new: str
    lines: range

    def source(self) -> str:
        """Return the source of the module with the mutant in it."""
        return replaced(
            source(self.mutant.module), self.start, self.end, self.new
        )


class Outcome(NamedTuple):
    """What became of a mutant: the test that killed it, and the seconds it took."""

    mutant: Mutant
    killer: str
    seconds: float


# --- Mutants ---


def path(module: str) -> Path:
    """Return the file of a module."""
    return ROOT / "src" / PACKAGE / f"{module.replace('.', '/')}.py"


@functools.cache
def source(module: str) -> str:
    """Return the source of a module."""
    return path(module).read_text(encoding="utf-8")


def replaced(text: str, start: int, end: int, new: str) -> str:
    """Return a text with another part in the place of one."""
    return text[:start] + new + text[end:]


def changes(module: str) -> list[Change]:
    """Return every mutant of a module."""
    text = source(module)
    seen: Counter[tuple[str, ...]] = Counter()
    made = []
    for function, *change in mutating.replacements(text):
        lines, before, after = difference(text, replaced(text, *change))
        if before != after:
            seen[function, before, after] += 1
            nth = seen[function, before, after]
            mutant = Mutant(module, function, before, after, nth)
            made.append(Change(mutant, *change, lines))
    return made


def difference(old: str, new: str) -> tuple[range, str, str]:
    """Return the numbers of the lines that differ, and what they were and are."""
    a = [line.strip() for line in old.splitlines()]
    b = [line.strip() for line in new.splitlines()]
    same = sum(1 for _ in itertools.takewhile(_equal, zip(a, b, strict=False)))
    ends = zip(reversed(a[same:]), reversed(b[same:]), strict=False)
    last = sum(1 for _ in itertools.takewhile(_equal, ends))
    lines = range(same + 1, len(a) - last + 1)
    before, after = a[same : len(a) - last], b[same : len(b) - last]
    return lines, "\n".join(before), "\n".join(after)


def _equal(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


def listed() -> dict[Mutant, str]:
    """Return the survivors that are known, each with its reason."""
    groups = tomllib.loads(LISTED.read_text(encoding="utf-8"))["equivalent"]
    known = {}
    for group in groups:
        for before, after, *nth in group["mutants"]:
            mutant = Mutant(
                group["module"], group["function"], before, after, *nth or [1]
            )
            if mutant in known:
                raise ValueError(f"listed twice:\n{mutant}")
            known[mutant] = group["reason"]
    return known


def parts() -> list[tuple[str, int, int]]:
    """Return the parts of the package: a module, which of its parts, and how many it has."""
    found = []
    for module in TESTS:
        number = -(-source(module).count("\n") // SHARE)
        found += [(module, part, number) for part in range(number)]
    return found


def turns(day: datetime.date) -> tuple[int, int]:
    """Return which two parts are a day's: after a number of days, each has had its turn."""
    return 2 * day.toordinal(), 2 * day.toordinal() + 1


def share(day: datetime.date, half: int) -> list[Mutant]:
    """Return half of a day's mutants."""
    every = parts()
    module, part, number = every[turns(day)[half] % len(every)]
    return [change.mutant for change in changes(module)[part::number]]


# --- Running ---


class Runner:
    """A pytest plugin that runs the tests once for each mutant, in a process of its own."""

    def __init__(self, module: str, chosen: list[Change], results: Path):
        self.module = module
        self.chosen = chosen
        self.results = results
        self.failed = ""
        self.mutated = False
        self.caches: list[Any] = []

    def pytest_collection(self) -> None:
        """Have few examples of each property, before the tests are imported."""
        import hypothesis  # not before pytest, which wants to import its plugins itself

        few = hypothesis.settings(
            derandomize=True,
            database=None,
            deadline=None,
            max_examples=EXAMPLES,
            suppress_health_check=[hypothesis.HealthCheck.too_slow],
        )
        hypothesis.settings.register_profile("few", few)
        hypothesis.settings.load_profile("few")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: Any) -> None:
        """End a mutant's process at the first failure, before it is put into words."""
        if self.mutated and call.excinfo is not None:
            os._exit(1)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Remember the first failure."""
        if report.failed and not self.failed:
            self.failed = f"{report.nodeid}\n{report.longreprtext}"

    def pytest_runtestloop(self, session: Any) -> bool:
        """Run all tests as they are, and then for each mutant those that meet it."""
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        items = {
            item.nodeid: item
            for item in session.items
            if not item.nodeid.startswith((*ELSEWHERE, *LONG))
        }
        functions = self.functions()
        self.caches = [
            thing
            for thing in gc.get_objects()
            if isinstance(thing, functools._lru_cache_wrapper)
            and thing.__module__.startswith(PACKAGE)
        ]
        gc.collect()
        gc.freeze()
        met = in_another_process(lambda: self.measure(list(items.values())))
        seconds = {name: float(taken) for name, (taken, _) in met.items()}
        lines = {name: set(where) for name, (_, where) in met.items()}
        with self.results.open("w", encoding="utf-8") as file:
            for change in self.chosen:
                names = self.chosen_tests(change, lines)
                names.sort(key=seconds.__getitem__)
                began = time.monotonic()
                killer = self.judge(change, functions, names, items, seconds)
                taken = round(time.monotonic() - began, 3)
                row = (change.mutant, killer, taken)
                file.write(json.dumps(row) + "\n")
                file.flush()
        return True

    def functions(self) -> dict[str, list[types.FunctionType]]:
        """Return the functions of the module by name, whatever is wrapped around them."""
        name = f"{PACKAGE}.{self.module}"
        found: dict[str, list[types.FunctionType]] = {}
        for thing in gc.get_objects():
            if (
                isinstance(thing, types.FunctionType)
                and thing.__module__ == name
            ):
                found.setdefault(thing.__code__.co_qualname, []).append(thing)
        return found

    def forget(self) -> None:
        """Empty the caches of the package, so that nothing is known from before."""
        for cached in self.caches:
            cached.cache_clear()

    def measure(self, items: list[Any]) -> dict[str, tuple[float, list[int]]]:
        """Return the seconds and the module's lines of each test."""
        file = str(path(self.module))
        cover = coverage.Coverage(
            data_file=None, include=[file], config_file=False, messages=False
        )
        cover.start()
        taken = {}
        for item in items:
            self.forget()
            cover.switch_context(item.nodeid)
            began = time.process_time()
            run(item)
            taken[item.nodeid] = time.process_time() - began
            if self.failed:
                raise RuntimeError(f"without a mutant: {self.failed}")
        cover.stop()
        data = cover.get_data()
        lines: dict[str, list[int]] = {item.nodeid: [] for item in items}
        for line, contexts in data.contexts_by_lineno(file).items():
            for context in contexts:
                if context:
                    lines[context].append(line)
        return {name: (taken[name], lines[name]) for name in lines}

    def chosen_tests(
        self, change: Change, lines: dict[str, set[int]]
    ) -> list[str]:
        """Return the tests that execute what is changed, or else its function."""
        for where in (change.lines, whole(change)):
            names = [
                name for name, met in lines.items() if not met.isdisjoint(where)
            ]
            if names:
                return names
        return []

    def judge(
        self,
        change: Change,
        functions: dict[str, list[types.FunctionType]],
        names: list[str],
        items: dict[str, Any],
        seconds: dict[str, float],
    ) -> str:
        """Return the test that notices a mutant, or nothing."""
        exchanged = functions.get(change.mutant.function, [])
        if not exchanged:
            return ""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(reading)
                signal.setitimer(signal.ITIMER_REAL, ASLEEP)
                exchange(change, exchanged)
                self.forget()
                self.mutated = True
                for name in names:
                    os.write(writing, f"{name}\n".encode())
                    limit = max(LEAST_PATIENCE, PATIENCE * seconds[name])
                    signal.setitimer(signal.ITIMER_PROF, limit)
                    run(items[name])
                os._exit(0)
            finally:  # an error of pytest itself, which the mutant has made
                os._exit(2)
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as pipe:
            said = pipe.read().splitlines()
        _, status = os.waitpid(child, 0)
        if status == 0:
            return ""
        if not said:
            raise ValueError(f"cannot be made: {change.mutant}")
        too_long = os.WIFSIGNALED(status) and os.WTERMSIG(status) in TIMERS
        return said[-1] + too_long * ", which took too long"


def whole(change: Change) -> range:
    """Return the lines of the function that a mutant is in, those of its signature left out."""
    mutant = change.mutant
    code = named(compile(source(mutant.module), "", "exec"), mutant.function)
    lines = [line for *_, line in code.co_lines() if line]
    return range(code.co_firstlineno + 1, max(lines) + 1)


def named(code: types.CodeType, name: str) -> types.CodeType:
    """Return the code of a function in that of its module."""
    parts = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    for part in parts:
        if part.co_qualname == name:
            return part
        if name.startswith(f"{part.co_qualname}."):
            return named(part, name)
    raise ValueError(f"there is no function {name}")


def exchange(change: Change, functions: list[types.FunctionType]) -> None:
    """Give functions the code and the defaults that they have in a changed source."""
    file = str(path(change.mutant.module))
    module = compile(change.source(), file, "exec", dont_inherit=True)
    code = named(module, change.mutant.function)
    for function in functions:
        if change.lines.start < first_line(function.__code__):
            defaults, keywords = new_defaults(module, function)
            function.__defaults__ = defaults
            function.__kwdefaults__ = keywords
        # A method that no longer calls `super` has no cell left for its class.
        cells = code.co_freevars or function.__code__.co_freevars
        function.__code__ = code.replace(co_freevars=cells)


def first_line(code: types.CodeType) -> int:
    """Return the number of the first line that a call executes."""
    lines = [line for *_, line in code.co_lines() if line]
    return min(line for line in lines if line > code.co_firstlineno)


def new_defaults(
    module: types.CodeType, function: types.FunctionType
) -> tuple[tuple[Any, ...] | None, dict[str, Any] | None]:
    """Return the defaults of a function in a changed module, where they are plain values."""
    scratch: dict[str, Any] = {"__name__": function.__module__}
    exec(module, scratch)  # noqa: S102
    outer, *inner = function.__code__.co_qualname.split(".")
    new = scratch[outer]
    for name in inner:
        new = getattr(new, name)
    plain = (bool, int, float, str, type(None))

    def better(old: Any, changed: Any) -> Any:
        return changed if isinstance(changed, plain) else old

    defaults, keywords = function.__defaults__, function.__kwdefaults__
    if defaults is not None:
        pairs = zip(defaults, new.__defaults__, strict=True)
        defaults = tuple(better(*pair) for pair in pairs)
    if keywords is not None:
        keywords = {
            name: better(old, new.__kwdefaults__[name])
            for name, old in keywords.items()
        }
    return defaults, keywords


def run(item: Any) -> None:
    """Run a test with all that belongs to it, and end its fixtures."""
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)


def in_another_process(function: Any) -> Any:
    """Return what a function returns in a process that leaves no trace in this one."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            with os.fdopen(writing, "w", encoding="utf-8") as pipe:
                json.dump(function(), pipe)
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(f"{error}\n")
            sys.stderr.flush()
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise SystemExit("the tests fail without a mutant")
    return json.loads(said)


def run_here(module: str, results: Path, chosen: set[Mutant] | None) -> int:
    """Run a module's mutants, or the chosen ones, in this process."""
    made = changes(module)
    if chosen is not None:
        made = [change for change in made if change.mutant in chosen]
    quiet = (
        *("-p", "no:cacheprovider", "-p", "no:xdist", "-s"),
        *("-o", "tmp_path_retention_policy=none"),
    )
    targets = [str(ROOT / "tests" / name) for name in TESTS[module]]
    return pytest.main(
        [*quiet, *targets], plugins=[Runner(module, made, results)]
    )


def run_apart(module: str, chosen: list[Mutant] | None = None) -> list[Outcome]:
    """Run a module's mutants in a new process, so that nothing of it is imported yet."""
    with tempfile.TemporaryDirectory() as folder:
        results, choice = Path(folder) / "results", Path(folder) / "choice"
        choice.write_text(json.dumps(chosen), encoding="utf-8")
        command = [sys.executable, "-m", "tools.mutants", module]
        paths = [str(ROOT / "src"), str(ROOT)]
        done = subprocess.run(  # noqa: S603
            [*command, "--results", str(results), "--choice", str(choice)],
            cwd=folder,  # a mutant may write to a name that is none
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"{module}: {done.stdout}{done.stderr}"[-3000:])
        rows = results.read_text(encoding="utf-8").splitlines()
    return [
        Outcome(Mutant(*mutant), killer, seconds)
        for mutant, killer, seconds in map(json.loads, rows)
    ]


# --- What came of it ---


def complaints(outcomes: list[Outcome]) -> list[str]:
    """Return what is wrong: survivors that are not listed, and listed ones that are none."""
    known = listed()
    unlisted = [
        f"survived, and is not listed: {outcome.mutant}"
        for outcome in outcomes
        if not outcome.killer and outcome.mutant not in known
    ]
    killed = [
        f"is listed, but killed by {outcome.killer}: {outcome.mutant}"
        for outcome in outcomes
        if outcome.killer and outcome.mutant in known
    ]
    return unlisted + killed


def gone() -> list[str]:
    """Return complaints of the listed mutants that are not made any more."""
    modules = {mutant.module for mutant in listed()}
    made = {c.mutant for module in modules for c in changes(module)}
    return [
        f"is listed, but not made any more: {mutant}"
        for mutant in listed()
        if mutant not in made
    ]


def summary(outcomes: list[Outcome]) -> str:
    """Return how many mutants were killed, in words."""
    known = listed()
    survivors = [o.mutant for o in outcomes if not o.killer]
    equivalent = sum(mutant in known for mutant in survivors)
    return (
        f"mutants killed: {len(outcomes) - len(survivors)} of {len(outcomes)},"
        f" {equivalent} survivors listed as equivalent,"
        f" {len(survivors) - equivalent} others"
    )


def main() -> int:
    """Run the mutants of all modules or of some, and say what survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    parser.add_argument("--results", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--choice", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if sys.platform != "linux":
        parser.error(
            "mutants are forked processes, which only Linux has safely"
        )
    if unknown := set(options.modules) - set(TESTS):
        parser.error(f"not mutated: {', '.join(sorted(unknown))}")
    if options.results:
        rows = json.loads(options.choice.read_text(encoding="utf-8"))
        chosen = rows and {Mutant(*row) for row in rows}
        return run_here(options.modules[0], options.results, chosen)
    outcomes = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        modules = options.modules or [*TESTS]
        for module, found in zip(
            modules, pool.map(run_apart, modules), strict=True
        ):
            say(f"{module:24} {summary(found)}")
            outcomes += found
    wrong = complaints(outcomes) + gone()
    for complaint in wrong:
        say(complaint)
    killed = sum(bool(outcome.killer) for outcome in outcomes)
    say(summary(outcomes))
    return 1 if wrong or killed < LEAST * len(outcomes) else 0


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
