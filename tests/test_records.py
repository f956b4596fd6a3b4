"""Records say in one line what they hold."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lstm_lab import lstm, records


@records.short
class Inner(NamedTuple):
    W: np.ndarray


@records.short
@dataclass(frozen=True)
class Record:
    name: str
    arrays: tuple
    inner: Inner
    cell: object


def test_arrays_are_shown_by_their_shape():
    record = Record("a", 5 * (np.ones(10**6),), Inner(np.zeros((2, 3))), lstm)
    assert repr(record) == (
        "Record(name='a', arrays=[float64 (1000000,), float64 (1000000,),"
        " float64 (1000000,), ...], inner=Inner(W=float64 (2, 3)), cell=lstm)"
    )
