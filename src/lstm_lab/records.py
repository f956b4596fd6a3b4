"""Records in one line: arrays are shown by their type and shape, not by their numbers."""

from dataclasses import fields
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

Kind = TypeVar("Kind", bound=type)


def short(kind: Kind) -> Kind:
    """Give a NamedTuple or dataclass a short representation, as a decorator."""
    kind.__repr__ = _show  # type: ignore[method-assign, assignment]
    return kind


def _show(record: Any) -> str:
    is_tuple = hasattr(record, "_fields")
    names = record._fields if is_tuple else [f.name for f in fields(record)]
    values = [f"{name}={_value(getattr(record, name))}" for name in names]
    return f"{type(record).__name__}({', '.join(values)})"


def _value(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, ModuleType):
        return value.__name__.rpartition(".")[-1]
    if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
        more = ["..."] * (len(value) > 3)
        return f"[{', '.join([*map(_value, value[:3]), *more])}]"
    return repr(value)
