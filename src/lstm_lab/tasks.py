"""Tasks that only a memory solves, drawn at random, each beside the error of a guess.

A task is a function ``task(T, B, *, rng, dtype) -> Batch``.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from lstm_lab import checks
from lstm_lab.numerics import Array

ADDING_BASELINE = 1 / 6
r"""Mean squared error in `adding` of the best constant prediction, which is the mean.

A uniform number on [0, 1) has the mean 1/2 and the variance

.. math:: \int_0^1 (u - \tfrac{1}{2})^2\,du = \tfrac{1}{12},

and the target is the sum of two independent ones: predicting their mean, 1, leaves
:math:`\operatorname{Var}(U_1 + U_2) = 1/12 + 1/12 = 1/6`. Knowing one of the two, but not
the other, leaves 1/12.
"""


class Batch(NamedTuple):
    """Examples to learn from: inputs ``x`` (T, B, D) and targets ``y`` (B, O)."""

    x: Array
    y: Array


def adding(
    T: int,
    B: int,
    *,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float64,
) -> Batch:
    """Draw sequences of numbers of which two are marked; the target is the sum of these two.

    The first input is uniform on [0, 1). The second is 1 at two steps, one in each half of
    the sequence, and 0 at all others: what is marked must be kept for up to T - 1 steps.

    Parameters
    ----------
    T : int
        Length of the sequences in steps, at least 2. The first half has ``T // 2`` steps.
    B : int
        Number of sequences, at least 1.
    rng : numpy.random.Generator
        Where the draws come from.
    dtype : dtype
        float64 or float32; the draws are made in float64.

    Returns
    -------
    Batch
        ``x`` (T, B, 2), values beside marks, and ``y`` (B, 1). Always guessing the mean has the
        mean squared error `ADDING_BASELINE`.

    Raises
    ------
    TypeError
        If a size is no integer, `rng` no generator, or `dtype` another one.
    ValueError
        If `T` is smaller than 2, or `B` than 1.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, Neural Computation 9 (1997), experiment 4, in the form
    of Q. V. Le, N. Jaitly and G. E. Hinton, arXiv 1504.00941 (2015), section 4.1.
    """
    T, B = checks.positive_int("T", T), checks.positive_int("B", B)
    if T < 2:
        raise ValueError(
            f"T must be at least 2 steps, one for each mark, got {T}"
        )
    dtype, rng = checks.float_dtype("dtype", dtype), checks.generator(rng)
    x = np.zeros((T, B, 2), dtype)
    x[..., 0] = rng.random((T, B))
    marked = [rng.integers(0, T // 2, B), rng.integers(T // 2, T, B)]  # (2, B)
    examples = np.arange(B)
    x[marked, examples, 1] = 1
    first, second = x[marked, examples, 0]
    return Batch(x, (first + second)[:, np.newaxis])
