"""All that decides a training run, and its description in words and numbers."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from numbers import Integral, Real
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from lstm_lab import checks, optim
from lstm_lab.tasks import Batch


class Task(Protocol):
    """What ``tasks.adding`` is, as a type: a function that draws a batch."""

    def __call__(
        self,
        T: int,
        B: int,
        /,
        *,
        rng: np.random.Generator,
        dtype: DTypeLike = ...,
    ) -> Batch:
        """Return inputs and targets."""


_EXAMPLES = {
    "task": "tasks.adding",
    "optimizer": "optim.Adam",
    "start": "lstm.init",
}


@dataclass(frozen=True, kw_only=True)
class Config:
    """All that decides a training run.

    Parameters
    ----------
    task : callable
        Draws a batch, such as ``tasks.adding``.
    T : int
        The task's first argument: most often the length of the sequences, in steps of time.
    H : int
        Hidden size.
    batch_size : int
        Sequences in a batch; each batch is new.
    steps : int
        Updates of the parameters, at most.
    optimizer : callable
        ``optimizer(learning_rate)`` returns an optimizer: a class of ``optim``, or a
        ``functools.partial`` of one.
    learning_rate : float
        Its step size.
    clip : float or None
        Norm to which longer gradients are shortened; None leaves them as they are.
    start : callable or None
        ``start(D, H, *, rng) -> Params`` draws the first parameters of the layer, such as
        what ``initialization.start`` returns; ``arch.init`` where it is None.
    criterion : float or None
        Training stops as soon as the mean of the last `window` losses is below this.
    window : int
        How many losses that mean is taken over.
    evaluate_every : int
        Updates between two evaluations on the held-out batch.
    held_out_size : int
        Sequences in the held-out batch, which stays the same.
    dtype : dtype
        float64 or float32.
    seed : int
        Of the one generator; the first parameters, the batches and the held-out batch come
        from three children of it, so that a change of one leaves the others.

    Raises
    ------
    TypeError, ValueError
        If a value cannot be what it should be; the message names it.
    """

    task: Task
    T: int
    H: int = 32
    batch_size: int = 32
    steps: int = 1000
    optimizer: Callable[[float], optim.Optimizer] = optim.Adam
    learning_rate: float = 1e-3
    clip: float | None = 1.0
    start: Callable[..., Any] | None = None
    criterion: float | None = None
    window: int = 20
    evaluate_every: int = 100
    held_out_size: int = 1000
    dtype: DTypeLike = "float64"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("task", "optimizer", "start"):
            value = getattr(self, name)
            if not (callable(value) or (name == "start" and value is None)):
                raise TypeError(
                    f"{name} must be a function or a class, such as {_EXAMPLES[name]},"
                    f" got {value!r}"
                )
        # Plain numbers: NumPy's float64 would make float64 of float32.
        for name in (
            *("T", "H", "batch_size", "steps"),
            *("window", "evaluate_every", "held_out_size"),
        ):
            self._store(name, checks.positive_int(name, getattr(self, name)))
        for name in ("criterion", "clip", "learning_rate"):
            value = getattr(self, name)
            if value is not None or name == "learning_rate":
                self._store(name, checks.finite_number(name, value))
        if self.clip is not None and self.clip <= 0:
            raise ValueError(f"clip must be positive or None, got {self.clip}")
        self.optimizer(self.learning_rate)  # says itself what is wrong
        checks.float_dtype("dtype", self.dtype)
        self._store("seed", checks.seed(self.seed))

    def _store(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


def describe(config: Config) -> dict[str, Any]:
    """Return a configuration as JSON knows it: equal ones, in any process, are equal so.

    Functions and classes become their full names. A ``functools.partial`` and a dataclass, such
    as ``initialization.start`` returns, become what they consist of.

    Parameters
    ----------
    config : Config
        The configuration.

    Returns
    -------
    dict
        Each field under its name.

    Raises
    ------
    TypeError
        If a value has no full name, such as a lambda or a function inside another; the message
        says which.
    """
    values = {
        field.name: getattr(config, field.name) for field in fields(config)
    }
    values["dtype"] = np.dtype(config.dtype).name
    return {name: _describe(name, value) for name, value in values.items()}


def _describe(name: str, value: Any) -> Any:
    match value:
        case None | bool() | str():
            return value
        case Integral():
            return int(value)
        case Real():
            return float(value)
        case tuple() | list():
            return [_describe(f"{name}[{n}]", v) for n, v in enumerate(value)]
        case partial():
            return {
                "partial": _describe(name, value.func),
                "arguments": _describe(name, value.args),
                "keywords": {
                    key: _describe(f"{name}.{key}", value.keywords[key])
                    for key in sorted(value.keywords)
                },
            }
    if is_dataclass(value) and not isinstance(value, type):
        parts = {
            field.name: _describe(
                f"{name}.{field.name}", getattr(value, field.name)
            )
            for field in fields(value)
        }
        return {"type": _full_name(name, type(value)), **parts}
    return _full_name(name, value)


def _full_name(name: str, value: Any) -> str:
    module = getattr(value, "__module__", None)
    qualified = getattr(value, "__qualname__", "")
    found: Any = sys.modules.get(str(module))
    for part in qualified.split("."):
        found = getattr(found, part, None)
    if found is None or found is not value:
        raise TypeError(
            f"{name} must be a number, a name, or a function or class of a module"
            f" to be described, got {value!r}; instead of a lambda, or a function"
            " inside another, use a functools.partial of a function of a module"
        )
    return f"{module}.{qualified}"
