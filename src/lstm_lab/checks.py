"""Checks at the public boundary: what came, what was expected, and which argument it was."""

from collections.abc import Iterable, Mapping, Set
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_lab.numerics import Array

Shape = tuple[int | str, ...]
"""An integer must match; a letter stands for any size of at least one."""


def _show(shape: Shape) -> str:
    return (
        "("
        + ", ".join(map(str, shape))
        + ("," if len(shape) == 1 else "")
        + ")"
    )


def _fits(actual: tuple[int, ...], wanted: Shape) -> bool:
    return len(actual) == len(wanted) and all(
        size >= 1 if isinstance(want, str) else size == want
        for size, want in zip(actual, wanted, strict=True)
    )


def array(
    name: str,
    value: Any,
    *shapes: Shape,
    dtype: np.dtype[Any] | None = None,
    finite_values: bool = True,
) -> Array:
    """Return `value` as a float array of one of the shapes, or say what is wrong.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : array_like
        What came.
    *shapes : tuples of int or str
        The shapes that are allowed; a letter stands for any size >= 1.
    dtype : dtype, optional
        The dtype it must have; float32 and float64 are allowed where none is given.
    finite_values : bool
        Whether `finite` is asked as well.

    Returns
    -------
    ndarray
        `value` itself where it is an array already.

    Raises
    ------
    TypeError
        If the dtype is not float32 or float64, or not `dtype`.
    ValueError
        If no shape fits, or a value is NaN or infinite.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name} must be an array without a mask, got a masked array; fill it"
            " with .filled(value)"
        )
    try:
        checked = np.asarray(value)
    except ValueError:
        raise ValueError(
            f"{name} must be one array, got nested lists of unequal length"
        ) from None
    if checked.dtype not in (np.float32, np.float64):
        raise TypeError(
            f"{name} must be an array of float32 or float64, got dtype {checked.dtype};"
            " convert it with .astype(np.float64)"
        )
    if not any(_fits(checked.shape, shape) for shape in shapes):
        wanted = " or ".join(_show(shape) for shape in shapes)
        empty = ", every size at least 1" if 0 in checked.shape else ""
        raise ValueError(
            f"{name} must have shape {wanted}{empty}; got {_show(checked.shape)}"
        )
    if dtype is not None and checked.dtype != dtype:
        raise TypeError(
            f"{name} must have dtype {dtype} like the parameters, got {checked.dtype};"
            f" convert one of them with .astype"
        )
    if finite_values:
        finite(name, checked)
    return checked


def finite(name: str, value: Array) -> None:
    """Refuse an array that is not finite, and say where.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : ndarray
        What came.

    Raises
    ------
    ValueError
        If a value is NaN or infinite.
    """
    if not np.isfinite(value).all():
        bad = np.argwhere(~np.isfinite(value))[0]
        where = ", ".join(map(str, bad))
        raise ValueError(
            f"{name} must be finite, got {value[tuple(bad)]} at index ({where});"
            f" its shape is {_show(value.shape)}"
        )


def instance(name: str, value: Any, kind: type) -> None:
    """Refuse a `value` that is not of the given type of this package.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What came.
    kind : type
        A NamedTuple of an architecture, such as ``lstm.Params``.

    Raises
    ------
    TypeError
        If `value` is of another type.
    """
    if not isinstance(value, kind):
        came = type(value)
        raise TypeError(
            f"{name} must be {kind.__module__}.{kind.__qualname__},"
            f" got {came.__module__}.{came.__qualname__}"
        )


def float_dtype(name: str, value: Any) -> np.dtype[Any]:
    """Return `value` as a dtype, float32 or float64, or say what is wrong.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : dtype_like
        What came.

    Returns
    -------
    dtype
        float32 or float64.

    Raises
    ------
    TypeError
        If it is another dtype or none.
    """
    try:
        dtype: np.dtype[Any] | None = None if value is None else np.dtype(value)
    except TypeError:
        dtype = None
    if dtype is None or dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} must be float32 or float64, got {value!r}")
    return dtype


def integer(name: str, value: Any) -> int:
    """Return `value` as an int, or raise a TypeError that names it."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    return int(value)


def positive_int(name: str, value: Any) -> int:
    """Return `value` as an int of at least one, or say what is wrong.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : int
        What came.

    Returns
    -------
    int
        The same number.

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is smaller than one, or larger than any array.
    """
    number = integer(name, value)
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    if number > np.iinfo(np.intp).max:
        raise ValueError(f"{name} must be a size, got {value}")
    return number


def finite_number(name: str, value: Any) -> float:
    """Return `value` as a finite float, or say what is wrong.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : float
        What came.

    Returns
    -------
    float
        The same number.

    Raises
    ------
    TypeError
        If it is not a real number.
    ValueError
        If it is NaN or infinite.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a real number, got {value!r}")
    try:
        number = float(value)
    except OverflowError:  # an integer or a fraction beyond all floats
        raise ValueError(f"{name} must be finite, got {value}") from None
    if not np.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value}")
    return number


def flag(name: str, value: Any) -> bool:
    """Return `value` as a bool, or raise a TypeError that names it."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be a bool, got {value!r}")
    return bool(value)


def seed(value: Any, name: str = "seed") -> int:
    """Return `value` as the seed of a generator, or say what is wrong.

    Parameters
    ----------
    value : int
        What came.
    name : str
        The argument's name, for the message.

    Returns
    -------
    int
        The same number, 0 or more.

    Raises
    ------
    ValueError
        If it is anything else; None would be another run each time.
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, Integral)
        or int(value) < 0
    ):
        raise ValueError(f"{name} must be an integer, 0 or more, got {value!r}")
    return int(value)


def text(name: str, value: Any) -> str:
    """Return `value` as a str, or raise a TypeError that names it."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {value!r}")
    return str(value)


def texts(name: str, value: Any) -> tuple[str, ...]:
    """Return several texts as a tuple, or say what is wrong.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : iterable of str
        A str is refused, although it is a sequence of strings, and so are a dict and a set.

    Returns
    -------
    tuple of str
        The same texts.

    Raises
    ------
    TypeError
        If it is one text, has no order, or an item is not a str; the message names the item.
    """
    return tuple(
        text(f"{name}[{n}]", item)
        for n, item in enumerate(items(name, value, "texts"))
    )


def items(name: str, value: Any, kind: str) -> tuple[Any, ...]:
    """Return the items of a list, or raise a TypeError that names it.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : iterable
        Not a str, nor anything without an order.
    kind : str
        What the items are, for the message.

    Returns
    -------
    tuple
        The same items.
    """
    if isinstance(value, str):
        raise TypeError(
            f"{name} must be a list of {kind}, got the str {value!r}; put it"
            " into a list"
        )
    if (
        isinstance(value, bytes | Mapping | Set | np.ma.MaskedArray)
        or not isinstance(value, Iterable)
        or (isinstance(value, np.ndarray) and value.ndim != 1)
    ):
        raise TypeError(
            f"{name} must be a list of {kind}, got {type(value).__name__}"
        )
    return tuple(value)


def integers(name: str, value: Any, *shape: int | str) -> NDArray[np.intp]:
    """Return `value` as an array of integers that can be used as indices, or say what is wrong.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : array_like of int
        Of any type of integer that is not masked.
    *shape : int or str
        The shape that it must have; a letter stands for any size >= 1.

    Returns
    -------
    ndarray of int
        `value` itself where it is such an array already.

    Raises
    ------
    TypeError
        If it is masked, or not of integers.
    ValueError
        If it has another shape.
    """
    wanted = f"{name} must be an array of integers of shape {_show(shape)}"
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{wanted}, got a masked array")
    try:
        checked = np.asarray(value)
    except ValueError:
        raise ValueError(
            f"{wanted}, got nested lists of unequal length"
        ) from None
    if not np.issubdtype(checked.dtype, np.integer):
        raise TypeError(f"{wanted}, got {_named(value, checked)}")
    if not _fits(checked.shape, shape):
        raise ValueError(f"{wanted}, got shape {_show(checked.shape)}")
    return checked.astype(np.intp, copy=False)


def _named(value: Any, checked: NDArray[Any]) -> str:
    return (
        f"{type(value).__name__}"
        if checked.dtype == object
        else f"dtype {checked.dtype}"
    )


def cell(name: str, value: Any) -> None:
    """Refuse a `value` that is not a cell, such as its name."""
    needed = ("GATES", "STATES", "Params", "init", "step", "step_vjp")
    if missing := [part for part in needed if not hasattr(value, part)]:
        raise TypeError(
            f"{name} must be a cell, such as the module lstm_lab.lstm,"
            f" got {value!r}, which has no {', '.join(missing)}"
        )


def generator(rng: Any) -> np.random.Generator:
    """Return `rng`, or say how to make one.

    Parameters
    ----------
    rng : numpy.random.Generator
        What came.

    Returns
    -------
    numpy.random.Generator
        The same generator.

    Raises
    ------
    TypeError
        If it is anything else, such as a seed.
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng must be a numpy.random.Generator, got {rng!r}; make one with default_rng(seed)"
        )
    return rng


def sequence(x: Any, D: int, dtype: np.dtype[Any]) -> Array:
    """Return the inputs of a sequence, or say what is wrong with them.

    Parameters
    ----------
    x : array_like of shape (T, B, D) or (T, D)
        What came.
    D : int
        Input size of the parameters.
    dtype : dtype
        That of the parameters.

    Returns
    -------
    ndarray
        `x` as an array.
    """
    return array("x", x, ("T", "B", D), ("T", D), dtype=dtype)


def like(
    name: str, value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Array:
    """Return `value` as an array of exactly this shape, zeros where it is None.

    The zeros are one zero, seen everywhere: they take no memory and are only to be read.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : array_like or None
        What came, such as an initial state or a cotangent.
    shape : tuple of int
        The shape it must have.
    dtype : dtype
        The dtype it must have.

    Returns
    -------
    ndarray
        Of that shape and dtype.
    """
    return (
        np.broadcast_to(dtype.type(0), shape)
        if value is None
        else array(name, value, shape, dtype=dtype)
    )


def step(
    D: int, H: int, dtype: np.dtype[Any], x: Any, **states: Any
) -> list[Array]:
    """Return the input and the states of one step as arrays, or say what is wrong with them.

    Parameters
    ----------
    D, H : int
        Input and hidden size of the parameters.
    dtype : dtype
        That of the parameters.
    x : array_like of shape (D,) or (B, D)
        The input.
    **states : array_like of shape (H,) or (B, H)
        The states under their arguments' names.

    Returns
    -------
    list of ndarrays
        The input, then the states.

    Raises
    ------
    TypeError, ValueError
        If one has the wrong dtype or shape, or is not finite.
    """
    x = array("x", x, (D,), ("B", D), dtype=dtype)
    shape = (*x.shape[:-1], H)
    return [
        x,
        *(
            array(name, state, shape, dtype=dtype)
            for name, state in states.items()
        ),
    ]
