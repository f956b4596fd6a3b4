"""Checks at the public boundary: messages name the argument, its value and what was expected."""

from collections.abc import Callable, Iterable, Mapping, Set
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_lab.numerics import Array

Shape = tuple[int | str, ...]
"""An integer must match; a letter stands for any size of at least one."""


# --- Arrays ---


def array(
    name: str,
    value: Any,
    *shapes: Shape,
    dtype: np.dtype[Any] | None = None,
    finite_values: bool = True,
) -> Array:
    """Return a finite array of floats, of one of the shapes and of `dtype` if it is given."""
    checked = _plain(name, value)
    if checked.dtype not in (np.float32, np.float64):
        raise TypeError(
            f"{name} must be an array of float32 or float64, got dtype {checked.dtype};"
            " convert it with .astype(np.float64)"
        )
    if not any(_fits(checked.shape, shape) for shape in shapes):
        wanted = " or ".join(map(_show, shapes))
        empty = ", every size at least 1" if 0 in checked.shape else ""
        raise ValueError(f"{name} must have shape {wanted}{empty}; got {checked.shape}")
    if dtype is not None and checked.dtype != dtype:
        raise TypeError(
            f"{name} must have dtype {dtype} like the parameters, got {checked.dtype};"
            f" convert one of them with .astype"
        )
    if finite_values:
        finite(name, checked)
    return checked


def finite(name: str, value: Array) -> None:
    """Refuse an array with a value that is NaN or infinite."""
    if not np.isfinite(value).all():
        index = tuple(map(int, np.argwhere(~np.isfinite(value))[0]))
        where = ", ".join(map(str, index))
        raise ValueError(
            f"{name} must be finite, got {value[index]} at index ({where});"
            f" its shape is {value.shape}"
        )


def integers(name: str, value: Any, *shape: int | str) -> NDArray[np.intp]:
    """Return an array of integers of any type as one of indices."""
    checked = _plain(name, value)
    wanted = f"{name} must be an array of integers of shape {_show(shape)}"
    if not np.issubdtype(checked.dtype, np.integer):
        is_object = checked.dtype == object
        kind = type(value).__name__ if is_object else f"dtype {checked.dtype}"
        raise TypeError(f"{wanted}, got {kind}")
    if not _fits(checked.shape, shape):
        raise ValueError(f"{wanted}, got shape {checked.shape}")
    return checked.astype(np.intp, copy=False)


def like(name: str, value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return an array of exactly this shape, for None read-only zeros that take no memory."""
    if value is None:
        return np.broadcast_to(dtype.type(0), shape)
    return array(name, value, shape, dtype=dtype)


def _plain(name: str, value: Any) -> NDArray[Any]:
    """Return a value as an array, if it is one and has no mask."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name} must be an array without a mask, got a masked array; fill it"
            " with .filled(value)"
        )
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} must be one array, got nested lists of unequal length") from None
    except Exception as error:  # of whatever package the value is
        raise TypeError(f"{name} must be an array, got {type(value).__name__}: {error}") from error


def _fits(actual: tuple[int, ...], wanted: Shape) -> bool:
    return len(actual) == len(wanted) and all(
        size >= 1 if isinstance(want, str) else size == want
        for size, want in zip(actual, wanted, strict=True)
    )


def _show(shape: Shape) -> str:
    return str(shape).replace("'", "")


# --- Numbers ---


def integer(name: str, value: Any) -> int:
    """Return an integer of any type, which a bool is not, as an int."""
    return int(_typed(name, value, "an integer", Integral))


def positive_int(name: str, value: Any) -> int:
    """Return an integer of at least 1 that can be the size of an array."""
    number = integer(name, value)
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    if number > np.iinfo(np.intp).max:
        raise ValueError(f"{name} must be a size, got {value}")
    return number


def finite_number(name: str, value: Any) -> float:
    """Return a real number of any type, which a bool is not, as a finite float."""
    real = _typed(name, value, "a real number", Real)
    try:
        number = float(real)
    except OverflowError:  # an integer or a fraction beyond all floats
        number = np.inf
    if not np.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value}")
    return number


def positive_number(name: str, value: Any) -> float:
    """Return a positive real number as a finite float."""
    number = finite_number(name, value)
    if number <= 0:
        raise ValueError(f"{name} must be positive, got {value}")
    return number


def between(name: str, value: Any, low: float, high: float) -> float:
    """Return a real number from `low` to `high` as a float."""
    number = finite_number(name, value)
    if not low <= number <= high:
        raise ValueError(f"{name} must lie from {low} to {high}, got {value}")
    return number


def flag(name: str, value: Any) -> bool:
    """Return a bool of Python or NumPy as a bool."""
    return bool(_typed(name, value, "a bool", bool, np.bool_))


def seed(value: Any, name: str = "seed") -> int:
    """Return an integer of at least 0; None, which draws another seed each time, is refused."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 0:
        raise ValueError(f"{name} must be an integer, 0 or more, got {value!r}")
    return int(value)


def _typed(name: str, value: Any, expected: str, *kinds: type) -> Any:
    """Return a value of one of some types; a bool is not an integer."""
    if isinstance(value, bool) and bool not in kinds:
        kinds = ()
    if not isinstance(value, kinds):
        raise TypeError(f"{name} must be {expected}, got {value!r}")
    return value


# --- Texts and lists ---


def text(name: str, value: Any) -> str:
    """Return a text."""
    return str(_typed(name, value, "a str", str))


def texts(name: str, value: Any) -> tuple[str, ...]:
    """Return a list of texts, which a str is not, as a tuple."""
    found = items(name, value, "texts")
    return tuple(text(f"{name}[{n}]", item) for n, item in enumerate(found))


def items(name: str, value: Any, kind: str) -> tuple[Any, ...]:
    """Return the items of anything ordered, except a str, as a tuple; `kind` names them."""
    if isinstance(value, str):
        raise TypeError(
            f"{name} must be a list of {kind}, got the str {value!r}; put it into a list"
        )
    if (
        isinstance(value, bytes | Mapping | Set | np.ma.MaskedArray)
        or not isinstance(value, Iterable)
        or (isinstance(value, np.ndarray) and value.ndim != 1)
    ):
        raise TypeError(f"{name} must be a list of {kind}, got {type(value).__name__}")
    return tuple(value)


# --- Types ---


def instance(name: str, value: Any, kind: type) -> None:
    """Refuse a value of another type."""
    if not isinstance(value, kind):
        found = type(value)
        raise TypeError(
            f"{name} must be {kind.__module__}.{kind.__qualname__},"
            f" got {found.__module__}.{found.__qualname__}"
        )


def function(name: str, value: Any, example: str) -> None:
    """Refuse what cannot be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, such as {example}, got {value!r}")


def fields(record: Any, check: Callable[[str, Any], Any], *names: str) -> None:
    """Check fields of a frozen dataclass, and store what the check returns.

    NumPy's float64 is a plain float after that, which leaves float32 as it is.
    """
    for name in names:
        object.__setattr__(record, name, check(name, getattr(record, name)))


def float_dtype(name: str, value: Any) -> np.dtype[Any]:
    """Return a dtype, float32 or float64, which None is not."""
    try:
        dtype = np.dtype(int if value is None else value)
    except TypeError:
        dtype = np.dtype(int)
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} must be float32 or float64, got {value!r}")
    return dtype


def generator(rng: Any) -> np.random.Generator:
    """Return a random generator; a seed is not one."""
    expected = "a numpy.random.Generator, such as default_rng(seed)"
    found: np.random.Generator = _typed("rng", rng, expected, np.random.Generator)
    return found


def cell(name: str, value: Any) -> None:
    """Refuse what is not a cell, such as the name of one."""
    needed = ("GATES", "STATES", "Params", "init", "step", "step_vjp", "weight_grads")
    if missing := [part for part in needed if not hasattr(value, part)]:
        raise TypeError(
            f"{name} must be a cell, such as the module lstm_lab.cells.lstm,"
            f" got {value!r}, which has no {', '.join(missing)}"
        )


# --- Arguments of cells ---


def sequence(x: Any, D: int, dtype: np.dtype[Any]) -> Array:
    """Return the inputs (T, B, D) or (T, D) of a sequence."""
    return array("x", x, ("T", "B", D), ("T", D), dtype=dtype)


def step(D: int, H: int, dtype: np.dtype[Any], x: Any, **states: Any) -> list[Array]:
    """Return the input (D,) or (B, D) of one step, and its states (H,) or (B, H)."""
    x = array("x", x, (D,), ("B", D), dtype=dtype)
    shape = (*x.shape[:-1], H)
    given = states.items()
    return [x, *(array(name, h, shape, dtype=dtype) for name, h in given)]
