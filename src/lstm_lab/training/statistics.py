"""Shares and medians of a few runs, with their 95 % intervals."""

from collections.abc import Sequence
from math import comb
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks


class Rate(NamedTuple):
    """A share of successes, and the ends of its 95 % interval."""

    share: float
    low: float
    high: float


def wilson_interval(successes: int, n: int) -> Rate:
    r"""Return the share :math:`\hat p` of successes in n trials, with Wilson's interval.

    .. math::

        \frac{\hat p + \frac{z^2}{2n} \pm z \sqrt{\frac{\hat p (1 - \hat p)}{n} +
        \frac{z^2}{4 n^2}}}{1 + \frac{z^2}{n}}, \qquad z = 1.96

    References
    ----------
    E. B. Wilson, Journal of the American Statistical Association 22 (1927).
    """
    n = checks.positive_int("n", n)
    successes = checks.integer("successes", successes)
    if not 0 <= successes <= n:
        raise ValueError(f"successes must be from 0 to {n}, got {successes}")
    share = successes / n
    z = 1.959963984540054
    middle = share + z * z / (2 * n)
    spread = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    shrink = 1 + z * z / n
    low, high = (middle - spread) / shrink, (middle + spread) / shrink
    return Rate(share, max(0.0, float(low)), min(1.0, float(high)))


class Median(NamedTuple):
    """A median, and the ends of its 95 % interval."""

    median: float
    low: float
    high: float


def median_interval(values: Sequence[float] | NDArray[np.number[Any]]) -> Median:
    r"""Return a median, with the interval that order statistics give for it.

    Its ends are the k-th smallest and the k-th largest value, with the largest k for which

    .. math:: 2 \sum_{j < k} \binom{n}{j} 2^{-n} \le 0.05,

    since each value is below the true median with probability one half, whatever the
    distribution. Fewer than six values have no such interval.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n = ordered.size
    if ordered.ndim != 1 or n < 6 or np.isnan(ordered).any():
        raise ValueError(f"values must be six or more numbers in one row, got {values}")
    tail = np.cumsum([comb(n, j) for j in range(n // 2)]) / 2**n
    k = int(np.sum(2 * tail <= 0.05))  # at least 1 if n is at least 6
    return Median(float(np.median(ordered)), float(ordered[k - 1]), float(ordered[n - k]))
