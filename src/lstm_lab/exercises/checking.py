"""Find out what is wrong with a function that a learner has written, not only that it is."""

import copy
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from lstm_lab.exercises.inputs import INPUTS
from lstm_lab.exercises.table import Exercise
from lstm_lab.numerics import Array

Arrays = dict[str, Array]

TOLERANCE = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-4}
"""Largest difference from the right values, relative to the largest of them.

Rounding in sums of a few dozen terms stays far below; the effect of a mistake is far above.
"""


class WrongAnswerError(AssertionError):
    """What is wrong. ``fault`` names it in a few words, the message explains it."""

    def __init__(self, fault: str, explanation: str) -> None:
        super().__init__(f"{fault}. {explanation}")
        self.fault = fault


class Right(str):
    """The result of a check that found nothing wrong."""

    __repr__ = str.__str__


class Case(NamedTuple):
    """Arguments to try a function with, and the right results, both by name."""

    exercise: Exercise
    arguments: Mapping[str, Any]
    right: Arrays

    def wrong(self, fault: str, explanation: str, *, calling: bool = False) -> WrongAnswerError:
        """Return a fault, with the call if it explains it, and the exercise's hint."""
        parts = [explanation, self.exercise.hints.get(fault)]
        if calling:
            shapes = (f"{n} {np.shape(a)}" for n, a in self.arguments.items())
            parts.insert(1, f"(Called with {', '.join(shapes)}.)")
        return WrongAnswerError(fault, " ".join(filter(None, parts)))

    def differences(self, results: Arrays, others: Arrays) -> dict[str, Any]:
        """Return, for each result, which entries differ by more than rounding."""
        with np.errstate(all="ignore"):
            return {
                name: ~(
                    np.abs(results[name] - other)
                    <= TOLERANCE[self.right[name].dtype] * np.abs(other).max()
                )
                for name, other in others.items()
            }

    def same(self, results: Arrays, others: Arrays) -> bool:
        """Tell whether two sets of results are equal except for rounding."""
        return not any(map(np.any, self.differences(results, others).values()))


class Trial(NamedTuple):
    """A case, what a function returned for it, and whether it divided by zero."""

    case: Case
    results: Arrays
    has_divided: bool


def check(exercise: Exercise, function: Callable[..., Any], seed: int) -> Right:
    """Try a function on random arguments; raise `WrongAnswerError` with what is wrong."""
    if not callable(function):
        raise WrongAnswerError(
            "No function", f"Pass the function itself, got {type(function).__name__}."
        )
    right = exercise.function()
    trials: list[Trial] = []
    for values in INPUTS[exercise.name](np.random.default_rng(seed)):
        arguments = inspect.signature(right).bind(*values).arguments
        solved = _solved(exercise, right, arguments)
        case = Case(exercise, arguments, solved)
        try:
            trials.append(Trial(case, *_results(function, case)))
        except WrongAnswerError as error:
            raise _of_batches(error, case, trials) from error
    _recognize(exercise, trials)
    for trial in trials:
        _object(trial)
    _compare(exercise, trials)
    name = getattr(function, "__name__", "it")
    return Right(f"Right: {name} gave the right values all {len(trials)} times.")


def _solved(
    exercise: Exercise, function: Callable[..., Any], arguments: Mapping[str, Any]
) -> Arrays:
    """Return the results of an answer of the table."""
    with np.errstate(all="ignore"):
        returned = function(**arguments)
    results = returned if isinstance(returned, tuple) else (returned,)
    return dict(zip(exercise.results, results, strict=True))


def _of_batches(error: WrongAnswerError, case: Case, trials: list[Trial]) -> WrongAnswerError:
    """Return a fault, or that it is one of batches only: with more axes than the first case."""
    if error.fault not in ("It raises an error", "Wrong shape") or not trials:
        return error
    pairs = zip(case.arguments.values(), trials[0].case.arguments.values(), strict=True)
    if not any(np.ndim(value) > np.ndim(first) for value, first in pairs):
        return error
    return WrongAnswerError(
        "One sequence works, a batch does not",
        f"{error} With rows of a batch, W is on the right: x @ W.T; and arrays are joined"
        " along their last axis.",
    )


def _results(function: Callable[..., Any], case: Case) -> tuple[Arrays, bool]:
    """Return what a function returns, and whether it has divided by zero."""
    given = copy.deepcopy(case.arguments)
    divisions: list[str] = []
    with (
        warnings.catch_warnings(action="ignore"),
        np.errstate(
            all="ignore", divide="call", invalid="call", call=lambda kind, _: divisions.append(kind)
        ),
    ):
        try:
            returned = function(*given.values())
        except (NotImplementedError, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit would end a notebook
            is_division = isinstance(error, ZeroDivisionError)
            raise case.wrong(
                "It divides by zero" if is_division else "It raises an error",
                f"{type(error).__name__}: {error}",
                calling=True,
            ) from error
    for name, value in given.items():
        if not np.array_equal(case.arguments[name], value):
            raise case.wrong(
                "An argument is changed",
                f"The call modified {name}: += and out= write into the caller's array. Make a"
                " new one.",
            )
    return _named(returned, case), bool(divisions)


def _named(returned: Any, case: Case) -> Arrays:
    """Return the results by name, if their number, types and shapes are right."""
    names = case.exercise.results
    wanted = ", ".join(names)
    if returned is None:
        raise case.wrong("Nothing is returned", f"The function must end with: return {wanted}")
    is_tuple = isinstance(returned, tuple)
    given = returned if is_tuple else (returned,)
    if len(given) != len(names):
        got = f"a tuple of {len(given)}" if is_tuple else f"one {type(returned).__name__}"
        raise case.wrong(
            "Wrong number of results", f"The function must return {wanted}, got {got}."
        )
    results = dict(zip(names, given, strict=True))
    for name, got in results.items():
        right = case.right[name]
        if not isinstance(got, np.ndarray | np.generic):
            raise case.wrong("Not an array", f"{name} must be an array, got {type(got).__name__}.")
        if got.shape != right.shape:
            is_turned = got.shape == right.shape[::-1]
            raise case.wrong(
                "Wrong shape",
                f"{name} must have the shape {right.shape}, got {got.shape}."
                f"{' It looks transposed.' if is_turned else ''}",
                calling=True,
            )
        if got.dtype.kind not in "biuf":
            raise _wrong_dtype(name, got, case)
    return {name: np.array(got) for name, got in results.items()}


def _wrong_dtype(name: str, got: Any, case: Case) -> WrongAnswerError:
    return case.wrong(
        "Wrong dtype",
        f"{name} must be {case.right[name].dtype}, like the arguments, got {got.dtype}: an array"
        " was made without their dtype.",
    )


def _recognize(exercise: Exercise, trials: list[Trial]) -> None:
    """Raise the mistake that gives the same results, wherever these are finite."""
    finite = [
        (case, results)
        for case, results, *_ in trials
        if all(np.all(np.isfinite(array)) for array in results.values())
    ]
    if all(case.same(results, case.right) for case, results in finite):
        return
    for mistake in exercise.mistakes:
        function = exercise.function(mistake.answer)
        if all(
            case.same(results, _solved(exercise, function, case.arguments))
            for case, results in finite
        ):
            raise WrongAnswerError(mistake.name, mistake.message)


def _object(trial: Trial) -> None:
    """Raise what is wrong even if the values are right."""
    case, results, has_divided = trial
    if has_divided and not case.exercise.may_divide_by_zero:
        raise case.wrong("It divides by zero", "", calling=True)
    for name, got in results.items():
        if got.dtype != case.right[name].dtype:
            raise _wrong_dtype(name, got, case)
        if not np.all(np.isfinite(got)):
            raise case.wrong("Not finite", f"{name} contains NaN or infinity.")


def _compare(exercise: Exercise, trials: list[Trial]) -> None:
    """Raise the first difference from the right values, where the mistake is not known."""
    wrong = [
        (case, name, results[name], entries)
        for case, results, *_ in trials
        for name, entries in case.differences(results, case.right).items()
        if np.any(entries)
    ]
    if not wrong:
        return
    names = [name for _, name, _, _ in wrong]
    bad = [name for name in exercise.results if name in names]
    well = [name for name in exercise.results if name not in names]
    case, name, got, entries = wrong[0]
    index = tuple(map(int, np.argwhere(entries)[0]))
    place = f"{name}[{', '.join(map(str, index))}]"
    raise case.wrong(
        "Wrong values",
        f"{place} is {got[index]:.10g}, but must be {case.right[name][index]:.10g}. (Wrong:"
        f" {', '.join(bad)}; right: {', '.join(well) or 'none'}.)",
        calling=True,
    )
