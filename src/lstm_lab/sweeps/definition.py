"""What a sweep is: one experiment, the configurations it is run with, and the seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from numbers import Integral
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from lstm_lab import checks

Value = bool | int | float | str | list["Value"] | None
"""What a configuration and a result are made of; JSON has it all but NaN and infinities."""


class SweepError(Exception):
    """A sweep that did not get through, or a store that cannot be used; says what to do."""


class StaleError(SweepError):
    """A store of other code, another experiment or another grid than the sweep's."""


class Case(NamedTuple):
    """One run of the experiment: its row in the table, and what it is called with."""

    row: int
    configuration: dict[str, Value]
    seed: int

    def __str__(self) -> str:
        return f"row {self.row}, {self.configuration}, seed {self.seed}"


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """An experiment, to be run with each configuration and each seed.

    Parameters
    ----------
    name : str
        Where the sweep itself can be imported from, ``"package.module:NAME"``.
    experiment : callable
        ``experiment(*, seed, **configuration)`` returns a dict of numbers, strings, booleans,
        None and lists of these. A function at the top level of an importable module.
    configurations : sequence of dict
        The keyword arguments, each configuration as it is meant: what makes no sense together
        is left out. The table goes through them in this order.
    seeds : sequence of int
        The seeds of each configuration, 0 or more; in the table they change fastest.
    signature : dict of str to float
        Fields of the result that another machine reproduces, with the relative tolerance;
        0 for exactly. Early losses are such fields, the outcome of a long training is none.
    probe : callable, optional
        Called like `experiment`; returns the fields of `signature` alone, the sooner the
        better. Without it, `check` runs the whole experiment.

    Raises
    ------
    TypeError, ValueError
        If a value cannot be what it should be; the message names it.
    """

    name: str
    experiment: Callable[..., Mapping[str, Any]]
    configurations: Sequence[Mapping[str, Any]]
    seeds: Sequence[int]
    signature: Mapping[str, float] = field(default_factory=dict)
    probe: Callable[..., Mapping[str, Any]] | None = None

    def __post_init__(self) -> None:
        module, colon, attribute = self.name.partition(":")
        if not (module and colon and attribute.isidentifier()):
            raise ValueError(
                f"name must be 'module:NAME', where the sweep is found, got {self.name!r}"
            )
        _check_importable("experiment", self.experiment)
        if self.probe is not None:
            _check_importable("probe", self.probe)
        # As a store gives them back, so that an experiment gets what its row says.
        configurations = tuple(
            plain_fields(f"configurations[{n}]", configuration)
            for n, configuration in enumerate(self.configurations)
        )
        for n, configuration in enumerate(configurations):
            if "seed" in configuration:
                raise ValueError(
                    f"configurations[{n}] must leave the seed to seeds, got {configuration}"
                )
        seeds: tuple[Any, ...] = tuple(self.seeds)
        for n, seed in enumerate(seeds):
            if not isinstance(seed, Integral) or seed < 0:
                raise ValueError(
                    f"seeds[{n}] must be an integer, 0 or more, got {seed!r}"
                )
        seeds = tuple(map(int, seeds))
        _check_new("configurations", configurations)
        _check_new("seeds", seeds)
        if not configurations or not seeds:
            raise ValueError(
                "configurations and seeds must be one or more,"
                f" got {len(configurations)} and {len(seeds)}"
            )
        for name, rtol in self.signature.items():
            if checks.finite_number(f"signature[{name!r}]", rtol) < 0:
                raise ValueError(
                    f"signature[{name!r}] must be 0 or more, got {rtol}"
                )
        object.__setattr__(self, "configurations", configurations)
        object.__setattr__(self, "seeds", seeds)

    @property
    def cases(self) -> tuple[Case, ...]:
        """Every run, in the order of the table."""
        return cases(self.configurations, self.seeds)


def cases(
    configurations: Sequence[Any], seeds: Sequence[int]
) -> tuple[Case, ...]:
    """Return every configuration with every seed, the seeds changing fastest.

    Parameters
    ----------
    configurations : sequence of dict
        As a `Sweep` or a store has them.
    seeds : sequence of int
        The same for all.

    Returns
    -------
    tuple of Case
        Numbered from 0.
    """
    pairs = product(configurations, seeds)
    return tuple(Case(row, *pair) for row, pair in enumerate(pairs))


def plain_fields(name: str, fields: Any) -> dict[str, Value]:
    """Return a configuration or a result in Python's own types.

    Parameters
    ----------
    name : str
        What it is, for the message.
    fields : mapping of str to value
        NumPy's scalars and arrays, and tuples, become numbers and lists.

    Returns
    -------
    dict
        The same fields, in a new dict with new lists.

    Raises
    ------
    TypeError
        If it is no mapping of identifiers to numbers, strings, booleans, None and lists.
    """
    if not isinstance(fields, Mapping):
        raise TypeError(f"{name} must be a dict, got {fields!r}")
    for key in fields:
        if not (isinstance(key, str) and key.isidentifier()):
            raise TypeError(
                f"{name} must have identifiers as keys, got {key!r}"
            )
    return {
        key: _plain(f"{name}[{key!r}]", value) for key, value in fields.items()
    }


def _plain(name: str, value: Any) -> Value:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(f"{name}[{n}]", item) for n, item in enumerate(value)]
    if value is not None and type(value) not in (bool, int, float, str):
        raise TypeError(
            f"{name} must be a number, a string, a boolean, None or a list of these,"
            f" got {type(value).__name__}"
        )
    plain: Value = value
    return plain


def _check_importable(name: str, function: Any) -> None:
    if not (
        isinstance(function, FunctionType)
        and function.__qualname__.isidentifier()
        and function.__module__ != "__main__"
    ):
        raise TypeError(
            f"{name} must be a function at the top level of a module that workers can"
            f" import, got {function!r}"
        )


def _check_new(name: str, values: Sequence[Any]) -> None:
    seen = set()
    for n, value in enumerate(values):
        if repr(value) in seen:
            raise ValueError(
                f"{name}[{n}] must be a new one, got {value} again"
            )
        seen.add(repr(value))
