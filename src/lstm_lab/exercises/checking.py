"""Find out what is wrong with a function that a learner has written, not only that it is."""

import copy
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab.exercises.inputs import INPUTS
from lstm_lab.exercises.table import Exercise
from lstm_lab.numerics import Array

Arrays = dict[str, Array]

TOLERANCE = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-4}
"""Largest difference from the right values, relative to the largest of them.

Rounding in sums of a few dozen terms stays far below; the effect of a mistake is far above.
"""
FAULTS_OF_BATCHES = ("It raises an error", "Wrong shape")


class WrongAnswerError(AssertionError):
    """What is wrong. ``fault`` names it in a few words, the message explains it."""

    def __init__(self, fault: str, explanation: str) -> None:
        super().__init__(f"{fault}. {explanation}")
        self.fault = fault


class Right(NamedTuple):
    """The result of a check that found nothing wrong."""

    function: str
    probes: int

    def __repr__(self) -> str:
        return f"Right: {self.function} gave the right values all {self.probes} times."


class Case(NamedTuple):
    """Arguments to try a function with, and the right results, both by name."""

    exercise: Exercise
    arguments: Mapping[str, Any]
    right: Arrays

    def called(self) -> str:
        """Say what the function was called with."""
        shapes = (
            f"{name} {np.shape(value)}"
            for name, value in self.arguments.items()
        )
        return f"(Called with {', '.join(shapes)}.)"

    def wrong(self, fault: str, explanation: str) -> WrongAnswerError:
        """Return a fault, with the hint that the exercise has for it."""
        hint = self.exercise.hints.get(fault)
        return WrongAnswerError(
            fault, f"{explanation} {hint}" if hint else explanation
        )

    def differences(
        self, results: Arrays, others: Arrays
    ) -> dict[str, NDArray[np.bool_]]:
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


def check(exercise: Exercise, function: Callable[..., Any], seed: int) -> Right:
    """Try a function on random arguments; raise `WrongAnswerError` with what is wrong."""
    if not callable(function):
        raise WrongAnswerError(
            "No function",
            f"Pass the function itself, got {type(function).__name__}.",
        )
    cases = _cases(exercise, seed)
    tried: list[tuple[Case, Arrays]] = []
    objections: list[WrongAnswerError] = []
    for case in cases:
        try:
            results = _results(function, case, objections)
        except WrongAnswerError as error:
            if error.fault in FAULTS_OF_BATCHES and _larger(case, cases[0]):
                raise WrongAnswerError(
                    "One sequence works, a batch does not",
                    f"{error} With rows of a batch, W is on the right: x @ W.T; and arrays"
                    " are joined along their last axis.",
                ) from error
            raise
        tried.append((case, results))
    _recognize(exercise, tried)
    if objections:
        raise objections[0]
    _compare(exercise, tried)
    return Right(getattr(function, "__name__", "it"), len(cases))


def _cases(exercise: Exercise, seed: int) -> list[Case]:
    function = exercise.function()
    cases = []
    for values in INPUTS[exercise.name](np.random.default_rng(seed)):
        arguments = inspect.signature(function).bind(*values).arguments
        right = _solved(exercise, function, arguments)
        cases.append(Case(exercise, arguments, right))
    return cases


def _solved(
    exercise: Exercise,
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
) -> Arrays:
    """Return the results of an answer of the table."""
    with np.errstate(all="ignore"):
        returned = function(**arguments)
    results = returned if isinstance(returned, tuple) else (returned,)
    return dict(zip(exercise.results, results, strict=True))


def _results(
    function: Callable[..., Any],
    case: Case,
    objections: list[WrongAnswerError],
) -> Arrays:
    """Return what a function returns; add what is wrong even if the values are right."""
    returned, divided = _called(function, case)
    results = _named(returned, case)
    again = _named(_called(function, case)[0], case)
    if divided and not case.exercise.may_divide_by_zero:
        objections.append(case.wrong("It divides by zero", case.called()))
    for name, got in results.items():
        if got.dtype != case.right[name].dtype:
            objections.append(_wrong_dtype(name, got, case.right[name]))
        if not np.all(np.isfinite(got)):
            objections.append(
                case.wrong("Not finite", f"{name} contains NaN or infinity.")
            )
    for name, got in results.items():
        if not np.array_equal(got, again[name]):
            objections.append(
                WrongAnswerError(
                    "Not the same twice",
                    f"A second call with the same arguments returned another {name}: it must"
                    " depend on the arguments alone.",
                )
            )
    return results


def _called(function: Callable[..., Any], case: Case) -> tuple[Any, bool]:
    """Return what a function returns, and whether it has divided by zero."""
    given = copy.deepcopy(case.arguments)
    divisions: list[str] = []
    with (
        warnings.catch_warnings(),
        np.errstate(
            all="ignore",
            divide="call",
            invalid="call",
            call=lambda kind, _: divisions.append(kind),
        ),
    ):
        warnings.simplefilter("ignore")
        try:
            returned = function(*given.values())
        except (NotImplementedError, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit would end a notebook
            fault = (
                "It divides by zero"
                if isinstance(error, ZeroDivisionError)
                else "It raises an error"
            )
            raise case.wrong(
                fault, f"{type(error).__name__}: {error} {case.called()}"
            ) from error
    for name, value in given.items():
        if not np.array_equal(case.arguments[name], value):
            raise WrongAnswerError(
                "An argument is changed",
                f"The call modified {name}: += and out= write into the caller's array. Make a"
                " new one.",
            )
    return returned, bool(divisions)


def _named(returned: Any, case: Case) -> Arrays:
    """Return the results by name, if their number, types and shapes are right."""
    names = case.exercise.results
    if returned is None:
        raise WrongAnswerError(
            "Nothing is returned",
            f"The function must end with: return {', '.join(names)}",
        )
    if len(names) == 1 and not isinstance(returned, tuple):
        returned = (returned,)
    if not isinstance(returned, tuple) or len(returned) != len(names):
        got = (
            f"a tuple of {len(returned)}"
            if isinstance(returned, tuple)
            else f"one {type(returned).__name__}"
        )
        raise WrongAnswerError(
            "Wrong number of results",
            f"The function must return {', '.join(names)}, got {got}.",
        )
    results = dict(zip(names, returned, strict=True))
    for name, got in results.items():
        right = case.right[name]
        if not isinstance(got, np.ndarray | np.generic):
            raise WrongAnswerError(
                "Not an array",
                f"{name} must be an array, got {type(got).__name__}.",
            )
        if got.shape != right.shape:
            reversed_shape = right.shape[::-1]
            transposed = (
                " It looks transposed." if got.shape == reversed_shape else ""
            )
            raise WrongAnswerError(
                "Wrong shape",
                f"{name} must have the shape {right.shape}, got {got.shape}.{transposed}"
                f" {case.called()}",
            )
        if got.dtype.kind not in "biuf":
            raise _wrong_dtype(name, got, right)
    return {name: np.array(got) for name, got in results.items()}


def _wrong_dtype(name: str, got: Any, right: Array) -> WrongAnswerError:
    return WrongAnswerError(
        "Wrong dtype",
        f"{name} must be {right.dtype}, like the arguments, got {got.dtype}: an array was made"
        " without their dtype.",
    )


def _larger(case: Case, first: Case) -> bool:
    """Tell whether an argument has more axes than in the first case."""
    pairs = zip(case.arguments.values(), first.arguments.values(), strict=True)
    return any(np.ndim(value) > np.ndim(other) for value, other in pairs)


def _recognize(
    exercise: Exercise, tried: Sequence[tuple[Case, Arrays]]
) -> None:
    """Raise the mistake that gives the same results, wherever these are finite."""
    finite = [
        (case, results)
        for case, results in tried
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


def _compare(exercise: Exercise, tried: Sequence[tuple[Case, Arrays]]) -> None:
    """Raise the first difference from the right values, where the mistake is not known."""
    wrong = [
        (case, name, results[name], entries)
        for case, results in tried
        for name, entries in case.differences(results, case.right).items()
        if np.any(entries)
    ]
    if not wrong:
        return
    names = {name for _, name, _, _ in wrong}
    well = [name for name in exercise.results if name not in names]
    case, name, got, entries = wrong[0]
    index = tuple(map(int, np.argwhere(entries)[0]))
    place = f"{name}[{', '.join(map(str, index))}]"
    raise case.wrong(
        "Wrong values",
        f"{place} is {got[index]:.10g}, but must be {case.right[name][index]:.10g}. (Wrong:"
        f" {', '.join(sorted(names, key=exercise.results.index))};"
        f" right: {', '.join(well) or 'none'}.) {case.called()}",
    )
