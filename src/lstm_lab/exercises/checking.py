"""Find out what is wrong with a function that a reader has written, not only that it is."""

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from lstm_lab.numerics import Array

Arguments = tuple[Any, ...]

TOLERANCE = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-4}
"""Largest difference from the right values, in units of the largest of them.

Sums of a few dozen terms, in whatever order, stay some digits below; a mistake is larger by far.
"""


class WrongAnswerError(AssertionError):
    """What is wrong. ``fault`` names it in a few words, the message explains it."""

    def __init__(self, fault: str, explanation: str) -> None:
        super().__init__(f"{fault}. {explanation}")
        self.fault = fault


class Right(NamedTuple):
    """Nothing was found wrong with a function."""

    function: str
    probes: int

    def __repr__(self) -> str:
        return f"Right: {self.function} gave the right values all {self.probes} times."


class Fault(NamedTuple):
    """A mistake that is often made: its name, what to tell who made it, and what it computes."""

    name: str
    explanation: str
    variant: Callable[..., Any]


def fault(
    name: str, explanation: str, base: Callable[..., Any], **options: Any
) -> Fault:
    """Return a fault that is a function with options."""
    return Fault(name, explanation, partial(base, **options))


def identity(a: Array) -> Array:
    """Return what is given, in the place of a function that was forgotten."""
    return a


@dataclass(frozen=True)
class Problem:
    """A function to be written.

    Attributes
    ----------
    arguments, results : tuple of str
        Names, in their order; every result is an array.
    solution : callable
        The right function.
    probes : callable
        Returns, from a generator of random numbers, tuples of arguments to try. The functions
        are tried in their order.
    faults : tuple of Fault
        Mistakes to recognise; the first that computes the same is named.
    hints : mapping of str to str
        A sentence to add to what is said of a fault that any function can have.
    divides : bool
        Whether a division by zero within the function is no fault as long as the results are
        right.
    """

    arguments: tuple[str, ...]
    results: tuple[str, ...]
    solution: Callable[..., Any]
    probes: Callable[[np.random.Generator], Sequence[Arguments]]
    faults: tuple[Fault, ...]
    hints: Mapping[str, str] = field(default_factory=dict)
    divides: bool = True

    def check(self, function: Callable[..., Any], seed: int) -> Right:
        """Try a function; raise `WrongAnswerError` with what is wrong with it."""
        if not callable(function):
            raise WrongAnswerError(
                "No function",
                f"Hand over the function itself, got {type(function).__name__}.",
            )
        probes = self.probes(np.random.default_rng(seed))
        if not probes:
            raise ValueError("probes must be one or more, got none")
        wrong = None
        found = []
        for number, probe in enumerate(probes):
            try:
                found.append(self._try(function, probe))
            except WrongAnswerError as error:
                wrong = self._in_context(error, probes, number)
                break
        if wrong is not None or not self._right(found, probes):
            self._recognise(function, probes)
            raise wrong or self._off(found, probes)
        return Right(getattr(function, "__name__", "it"), len(probes))

    def _try(
        self, function: Callable[..., Any], probe: Arguments
    ) -> tuple[Array, ...]:
        """Return what a function returns, if that can be compared with what is right."""
        first, again = (
            self._results(
                self._call(function, probe, divides=self.divides), probe
            )
            for _ in range(2)
        )
        for name, one, other in zip(self.results, first, again, strict=True):
            if not np.array_equal(one, other):
                raise WrongAnswerError(
                    "Not the same twice",
                    f"Called again with the same arguments, it returned another {name}:"
                    " it must depend on its arguments alone.",
                )
        return first

    def _call(
        self,
        function: Callable[..., Any],
        probe: Arguments,
        *,
        divides: bool = True,
    ) -> Any:
        given = copy.deepcopy(probe)
        zero: Literal["ignore", "raise"] = "ignore" if divides else "raise"
        with (
            warnings.catch_warnings(),
            np.errstate(all="ignore", divide=zero, invalid=zero),
        ):
            warnings.simplefilter("ignore")
            try:
                returned = copy.deepcopy(function(*given))
            except (NotImplementedError, KeyboardInterrupt):
                raise
            except BaseException as error:  # SystemExit would end a notebook
                by_zero = isinstance(error, ZeroDivisionError) or (
                    isinstance(error, FloatingPointError) and not divides
                )
                name = "It divides by zero" if by_zero else "It raises an error"
                raise WrongAnswerError(
                    name,
                    f"{type(error).__name__}: {error} {self._shapes(probe)}"
                    + self._hint(name),
                ) from error
        for name, before, after in zip(
            self.arguments, probe, given, strict=True
        ):
            if not np.array_equal(before, after):
                raise WrongAnswerError(
                    "An argument is changed",
                    f"After the call, {name} is not what it was: += and out= write into the"
                    " caller's array. Make a new one.",
                )
        return returned

    def _results(self, returned: Any, probe: Arguments) -> tuple[Array, ...]:
        """Return the results, if their number, types, shapes and dtypes are right."""
        results = ", ".join(self.results)
        if returned is None:
            raise WrongAnswerError(
                "Nothing is returned", f"It must end in: return {results}"
            )
        if len(self.results) == 1 and not isinstance(returned, tuple):
            returned = (returned,)
        if not isinstance(returned, tuple) or len(returned) != len(
            self.results
        ):
            count = (
                f"a tuple of {len(returned)}"
                if isinstance(returned, tuple)
                else f"one {type(returned).__name__}"
            )
            raise WrongAnswerError(
                "Wrong number of results",
                f"It must return {results}, got {count}.",
            )
        for name, got, right in zip(
            self.results, returned, self._solve(probe), strict=True
        ):
            self._compare(name, got, right, probe)
        return returned

    def _compare(
        self, name: str, got: Any, right: Array, probe: Arguments
    ) -> None:
        if not isinstance(got, np.ndarray | np.generic):
            raise WrongAnswerError(
                "Not an array",
                f"{name} must be an array, got {type(got).__name__}.",
            )
        if got.shape != right.shape:
            turned = (
                " It looks transposed."
                if got.shape == right.shape[::-1]
                else ""
            )
            raise WrongAnswerError(
                "Wrong shape",
                f"{name} must have the shape {right.shape}, got {got.shape}.{turned}"
                f" {self._shapes(probe)}",
            )
        if got.dtype != right.dtype:
            raise WrongAnswerError(
                "Wrong dtype",
                f"{name} must be {right.dtype}, as the arguments are, got {got.dtype}: "
                "an array was made without their dtype.",
            )
        if not np.all(np.isfinite(got)):
            raise WrongAnswerError(
                "Not finite",
                f"{name} has NaN or infinity in it." + self._hint("Not finite"),
            )

    def _in_context(
        self, wrong: WrongAnswerError, probes: Sequence[Arguments], number: int
    ) -> WrongAnswerError:
        """Return a fault of a batch as such, when one sequence alone has had none."""
        shapes = [
            np.ndim(dict(zip(self.arguments, p, strict=True)).get("x", 0))
            for p in probes
        ]
        if wrong.fault in BATCH and shapes[number] > shapes[0]:
            return WrongAnswerError(
                "One sequence works, a batch does not",
                f"{wrong} With rows of a batch, W is on the right: x @ W.T; and arrays are"
                " joined along their last axis.",
            )
        return wrong

    def _recognise(
        self, function: Callable[..., Any], probes: Sequence[Arguments]
    ) -> None:
        """Raise the first known fault that computes on every probe what a function does."""
        got = self._outputs(function, probes)
        if not got:
            return
        cases = [
            (one, probe)
            for one, probe in zip(got, probes, strict=True)
            if _finite(one)
        ]
        if self._right(
            [one for one, _ in cases], [probe for _, probe in cases]
        ):
            return
        for fault in self.faults:
            same = self._outputs(fault.variant, [probe for _, probe in cases])
            if same and all(
                _alike(one, other, _dtype(probe))
                for (one, probe), other in zip(cases, same, strict=True)
            ):
                raise WrongAnswerError(fault.name, fault.explanation)

    def _outputs(
        self, function: Callable[..., Any], probes: Sequence[Arguments]
    ) -> list[Any]:
        """Return what a function returns for each probe; nothing if it fails on one."""
        try:
            return [self._call(function, probe) for probe in probes]
        except WrongAnswerError:
            return []

    def _right(
        self, found: Sequence[tuple[Array, ...]], probes: Sequence[Arguments]
    ) -> bool:
        return all(
            _alike(got, self._solve(probe), _dtype(probe))
            for got, probe in zip(found, probes, strict=True)
        )

    def _off(
        self, found: Sequence[tuple[Array, ...]], probes: Sequence[Arguments]
    ) -> WrongAnswerError:
        """Return which results are wrong, where the reason is not known."""
        off, by = set(), 0.0
        for got, probe in zip(found, probes, strict=True):
            for name, one, right in zip(
                self.results, got, self._solve(probe), strict=True
            ):
                if not _alike(one, right, _dtype(probe)):
                    off.add(name)
                    by = max(by, float(np.abs(one - right).max()))
        wrong = [name for name in self.results if name in off]
        well = [name for name in self.results if name not in off]
        so_far = f" ({', '.join(well)} would be right.)" if well else ""
        return WrongAnswerError(
            "Wrong values",
            f"{', '.join(wrong)} differ from the right values by up to {by:.1e}.{so_far}"
            + self._hint("Wrong values"),
        )

    def _solve(self, probe: Arguments) -> tuple[Array, ...]:
        right = self.solution(*probe)
        return right if isinstance(right, tuple) else (right,)

    def _shapes(self, probe: Arguments) -> str:
        shapes = (
            f"{name} {np.shape(value)}"
            for name, value in zip(self.arguments, probe, strict=True)
        )
        return f"(Called with {', '.join(shapes)}.)"

    def _hint(self, fault: str) -> str:
        return f" {self.hints[fault]}" if fault in self.hints else ""


BATCH = ("It raises an error", "Wrong shape")
"""Faults that a function may have with a batch only."""


def _dtype(probe: Arguments) -> np.dtype[Any]:
    floats = (np.asarray(a) for a in probe if np.ndim(a))
    return next(a.dtype for a in floats if a.dtype.kind == "f")


def _finite(returned: Any) -> bool:
    """Tell whether what is returned has neither NaN nor infinity in it."""
    return all(
        isinstance(one, np.ndarray | np.generic) and np.all(np.isfinite(one))
        for one, _ in _pairs(returned, returned)
    )


def _alike(one: Any, other: Any, dtype: np.dtype[Any]) -> bool:
    """Tell whether two results, arrays or tuples of arrays, are equal but for rounding."""
    pairs = [*_pairs(one, other)]
    return bool(pairs) and all(
        np.shape(a) == np.shape(b)
        and np.allclose(
            a,
            b,
            rtol=0,
            atol=TOLERANCE[dtype] * max(1e-300, float(np.abs(b).max())),
        )
        for a, b in pairs
    )


def _pairs(one: Any, other: Any) -> Iterator[tuple[Any, Any]]:
    ones = one if isinstance(one, tuple) else (one,)
    others = other if isinstance(other, tuple) else (other,)
    if len(ones) == len(others):
        yield from zip(ones, others, strict=True)
