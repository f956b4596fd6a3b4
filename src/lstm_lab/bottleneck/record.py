"""The table of runs as curves: one for each configuration, its runs side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks
from lstm_lab.bottleneck.sweep import SWEEP, USUAL
from lstm_lab.numerics import Array
from lstm_lab.sweeps import Row


@dataclass(frozen=True)
class Curves:
    """One field of the results of one configuration, a curve for each run.

    ``values`` (runs, points) stand at ``at`` (points,).
    """

    at: NDArray[Any]
    values: Array

    @property
    def median(self) -> Array:
        """The median of the runs (points,)."""
        median: Array = np.median(self.values, axis=0)
        return median

    @property
    def range(self) -> tuple[Array, Array]:
        """The least and the greatest of the runs (points,).

        The median of all runs that could be made lies between them with the probability
        `confidence`.
        """
        return self.values.min(axis=0), self.values.max(axis=0)

    @property
    def confidence(self) -> float:
        r"""Probability that not all runs lie on one side of the median, :math:`1 - 2^{1-n}`."""
        return 1 - 2.0 ** (1 - len(self.values))


def curves(
    rows: Sequence[Row],
    field: str,
    at: Sequence[float] | NDArray[Any] | None = None,
    **changed: Any,
) -> Curves:
    """Return a field of the results of one configuration, a curve for each seed.

    Parameters
    ----------
    rows : sequence of Row
        The table of `SWEEP`.
    field : str
        A field of what `experiment` returns.
    at : sequence of float, optional
        Where its values stand; 1, 2, ... where it is None.
    **changed
        In what the configuration differs from `USUAL`.

    Returns
    -------
    Curves
        In the order of the seeds.

    Raises
    ------
    TypeError
        If the rows are not rows, `field` is not a name, or `at` does not hold numbers.
    ValueError
        If there is no such configuration, row or field, or `at` is of another size.
    """
    rows = checks.items("rows", rows, "sweeps.Row")
    for n, row in enumerate(rows):
        checks.instance(f"rows[{n}]", row, Row)
    field = checks.text("field", field)
    wanted = {**USUAL, **changed}
    plain = all(
        isinstance(value, str | float | int | None)
        for value in changed.values()
    )
    if not plain or wanted not in SWEEP.configurations:
        raise ValueError(
            f"changed must lead to a configuration of the sweep, got {changed}"
        )
    found: list[Any] = [
        row.result for row in rows if row.configuration == wanted
    ]
    if not found:
        raise ValueError(
            f"rows must have a run of the configuration {wanted}, got none"
        )
    if field not in found[0]:
        raise ValueError(
            f"field must be one of {', '.join(found[0])}, got {field!r}"
        )
    values = np.array([result[field] for result in found])
    values = values.reshape(len(found), -1)
    points = np.arange(1, values.shape[1] + 1) if at is None else _points(at)
    if points.shape != values.shape[1:]:
        raise ValueError(
            f"at must be of length {values.shape[1]}, got {len(points)}"
        )
    return Curves(points, values)


def _points(at: Sequence[float] | NDArray[Any]) -> NDArray[Any]:
    points = checks.items("at", at, "numbers")
    for n, point in enumerate(points):
        checks.finite_number(f"at[{n}]", point)
    return np.array(points)
