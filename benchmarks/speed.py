"""Seconds of a forward pass and of a training step, for this package and for every contender."""

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.cases import DTYPES, SHAPES, VARIANTS, Problem, Shape, draw
from benchmarks.contenders import ENTRIES, OURS, Contender, load
from benchmarks.timing import Samples, compare, interleave
from lstm_lab import tree
from lstm_lab.numerics import Array

FORWARD, STEP = "forward", "training step"

# Relative to the norm of an array: rounding of sums over up to 400 steps, forward and back.
TOLERANCE = {"float32": 1e-4, "float64": 1e-12}
# Clocks of processor time are coarse, and differ from the wall's by a part in ten at most.
EXCESS = 0.1
SLOW = 3  # contenders marked as slow get one round for so many of the others


class Plan(NamedTuple):
    """What to time, and how often."""

    rounds: int = 9
    threads: int = 1
    shapes: Sequence[Shape] = SHAPES
    dtypes: Sequence[str] = DTYPES
    variants: Sequence[str] = tuple(VARIANTS)
    contenders: Sequence[str] = tuple(ENTRIES)
    at_least: float = 0.02


class WrongResultError(Exception):
    """A contender computes something else than this package."""


class ThreadsError(Exception):
    """A contender keeps more cores busy than it was allowed."""


def measure(plan: Plan) -> list[dict[str, Any]]:
    """Time everything that a plan names, once all agree with this package.

    Parameters
    ----------
    plan : Plan
        What to time. The process must have been started with the plan's number of threads.

    Returns
    -------
    list of dict
        One record for each problem, pass and contender.

    Raises
    ------
    WrongResultError
        If a contender's hidden states or gradients are not this package's.
    ThreadsError
        If a contender uses more threads than the plan allows.
    """
    rng = np.random.default_rng(0)
    problems = [
        (variant, dtype, shape)
        for variant in plan.variants
        for dtype in plan.dtypes
        for shape in plan.shapes
    ]
    records: list[dict[str, Any]] = []
    taken: dict[str, list[Samples]] = defaultdict(list)
    for n, (variant, dtype, shape) in enumerate(problems, start=1):
        report(f"{n}/{len(problems)} {variant} {dtype} {tuple(shape)}")
        problem = draw(variant, shape, dtype)
        names = [
            name
            for name in plan.contenders
            if ENTRIES[name].enters(variant, shape, dtype)
        ]
        ours = load("ours", problem)
        others = {name: load(ENTRIES[name].module, problem) for name in names}
        for name, contender in others.items():
            check_results(name, ours, contender, problem)
        where = {
            "threads": plan.threads,
            "variant": variant,
            "dtype": dtype,
            "shape": list(shape),
        }
        for kind, samples in _race(ours, others, plan, rng):
            for name, series in samples.items():
                taken[name].append(series)
            own = samples.pop(OURS).seconds
            records += [
                where
                | {"pass": kind, "contender": name, "rounds": len(own)}
                | compare(own, theirs.seconds)._asdict()
                for name, theirs in samples.items()
            ]
    for name, all_series in taken.items():
        check_threads(name, all_series, plan.threads)
    report("")
    return records


def _race(
    ours: Contender,
    others: Mapping[str, Contender],
    plan: Plan,
    rng: np.random.Generator,
) -> Iterator[tuple[str, dict[str, Samples]]]:
    """Yield each pass with the samples of all who take part, slow contenders apart."""
    for slow in (False, True):
        rounds = max(1, plan.rounds // SLOW) if slow else plan.rounds
        for kind, attribute in ((FORWARD, "forward"), (STEP, "step")):
            functions = {
                name: function
                for name, contender in others.items()
                if ENTRIES[name].slow is slow
                and (function := getattr(contender, attribute))
            }
            if functions:
                functions[OURS] = getattr(ours, attribute)
                yield (
                    kind,
                    interleave(
                        functions, rounds, rng=rng, at_least=plan.at_least
                    ),
                )


def check_results(
    name: str, ours: Contender, theirs: Contender, problem: Problem
) -> None:
    """Compare a contender's hidden states and gradients with this package's.

    Parameters
    ----------
    name : str
        The contender's, for the message.
    ours, theirs : Contender
        Ready to run on the same problem.
    problem : Problem
        What they run on.

    Raises
    ------
    WrongResultError
        If an array differs by more than its dtype explains.
    """
    where = f"{name}, {problem.variant}"
    if theirs.outputs and theirs.forward:
        check_close(
            f"{where}: h",
            theirs.outputs(theirs.forward()),
            ours.outputs(ours.forward()),
        )
    if theirs.grads and theirs.step:
        expected = tree.leaves(ours.grads(ours.step()))
        actual = tree.leaves(theirs.grads(theirs.step()))
        for leaf, array in expected.items():
            check_close(f"{where}: d{leaf}", actual[leaf], array)


def check_close(name: str, actual: Array, expected: Array) -> None:
    """Compare two arrays in dtype, shape and, up to rounding, in value.

    Parameters
    ----------
    name : str
        For the message.
    actual, expected : ndarrays
        What to compare.

    Raises
    ------
    WrongResultError
        If they differ.
    """
    for attribute in ("dtype", "shape"):
        came, wanted = (getattr(a, attribute) for a in (actual, expected))
        if came != wanted:
            raise WrongResultError(
                f"{name} has the {attribute} {came}, expected {wanted}"
            )
    error = np.linalg.norm(actual - expected) / np.linalg.norm(expected)
    if not error < TOLERANCE[expected.dtype.name]:
        raise WrongResultError(f"{name} has the relative error {error:.1e}")


def check_threads(name: str, series: Iterable[Samples], threads: int) -> None:
    """See that no more cores were busy than there may be threads.

    Parameters
    ----------
    name : str
        Whose samples, for the message.
    series : iterable of Samples
        What `timing.interleave` measured.
    threads : int
        How many cores may be busy.

    Raises
    ------
    ThreadsError
        If there were more.
    """
    times = [(samples.wall, samples.processor) for samples in series]
    wall, processor = map(sum, zip(*times, strict=True))
    if processor > (threads + EXCESS) * wall:
        raise ThreadsError(
            f"{name} keeps {processor / wall:.2f} cores busy, expected at most {threads}"
        )


def report(line: str) -> None:
    """Show a line of progress where a terminal is watching, in place of the last one."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
