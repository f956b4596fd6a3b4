"""Tasks that only a memory solves, drawn at random, each with the loss of the best guess.

A task is a function ``task(T, B, *, rng, dtype) -> Batch``. The best guess is that of a
network without memory; its loss is a mean squared error if the targets are numbers, and a
cross-entropy in nats if they are classes.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lstm_lab import checks
from lstm_lab.numerics import Array

ADDING_BASELINE = 1 / 6
r"""Mean squared error in `adding` of the best constant prediction, which is the mean.

The target is the sum of two independent numbers, each uniform on [0, 1) with the variance

.. math:: \int_0^1 (u - \tfrac{1}{2})^2\,du = \tfrac{1}{12} .

Predicting their mean, 1, leaves the variance of both, 1/12 + 1/12; knowing one of the two leaves
1/12.
"""

COPIED, SYMBOLS = 10, 8
"""How many symbols `copy_memory` shows, and how many there are to choose from."""

# Classes of `copy_memory` beyond its symbols.
_BLANK, _DELIMITER = SYMBOLS, SYMBOLS + 1


class Batch(NamedTuple):
    """Examples to learn from: inputs, and the right answers.

    ``x`` (T, B, D) are the inputs. The targets ``y`` are numbers, (B, O) for one answer at the
    end of each sequence or (T, B, O) for one at each step; or they are integers from 0 to
    ``classes`` - 1, (B,) or (T, B), if ``classes`` is not None.
    """

    x: Array
    y: NDArray[Any]
    classes: int | None = None

    @property
    def every_step(self) -> bool:
        """Whether there is an answer at each step, not only at the last one."""
        return self.y.ndim == (3 if self.classes is None else 2)

    @property
    def outputs(self) -> int:
        """How many numbers an answer has: those of a target, or one for each class."""
        return self.classes or int(self.y.shape[-1])


def adding(T: int, B: int, *, rng: np.random.Generator, dtype: DTypeLike = np.float64) -> Batch:
    """Draw sequences of numbers of which two are marked; the target is the sum of these two.

    The first input is uniform on [0, 1). The second is 1 at two steps, one in each half of
    the sequence, and 0 at all others: a marked number must be kept for up to T - 1 steps.

    Parameters
    ----------
    T, B : int
        Length of the sequences in steps, at least 2, and their number. The first half has
        ``T // 2`` steps.
    rng : numpy.random.Generator
        Source of the draws.
    dtype : dtype
        float64 or float32; the draws are made in float64.

    Returns
    -------
    Batch
        ``x`` (T, B, 2), values beside marks, and ``y`` (B, 1). Always guessing the mean has the
        mean squared error `ADDING_BASELINE`.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, Neural Computation 9 (1997), experiment 4, in the form
    of Q. V. Le, N. Jaitly and G. E. Hinton, arXiv 1504.00941 (2015), section 4.1.
    """
    T, B = checks.positive_int("T", T), checks.positive_int("B", B)
    dtype, rng = checks.float_dtype("dtype", dtype), checks.generator(rng)
    if T < 2:
        raise ValueError(f"T must be at least 2 steps, one for each mark, got {T}")
    x = np.zeros((T, B, 2), dtype)
    x[..., 0] = rng.random((T, B))
    marked = [rng.integers(0, T // 2, B), rng.integers(T // 2, T, B)]  # (2, B)
    examples = np.arange(B)
    x[marked, examples, 1] = 1
    first, second = x[marked, examples, 0]
    return Batch(x, (first + second)[:, np.newaxis])


def copy_memory(
    T: int, B: int, *, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> Batch:
    """Draw sequences that show ten symbols and, much later, ask for them in their order.

    The inputs are ten symbols out of eight, T - 1 blanks, a delimiter and ten blanks. The
    targets are T + 10 blanks and then the ten symbols: each is the answer T + 10 steps after
    it was shown.

    Parameters
    ----------
    T : int
        Steps between the last symbol and the first answer.
    B, rng, dtype
        See `adding`.

    Returns
    -------
    Batch
        ``x`` (T + 20, B, 10), one-hot: symbols 0 to 7, blank 8, delimiter 9; and ``y``
        (T + 20, B) of the nine classes from 0 to 8. A network that remembers no symbol has at
        best the cross-entropy `copy_memory_baseline`.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, Neural Computation 9 (1997), in the form of M. Arjovsky,
    A. Shah and Y. Bengio, ICML (2016), section 5.1.
    """
    T, B = checks.positive_int("T", T), checks.positive_int("B", B)
    dtype, rng = checks.float_dtype("dtype", dtype), checks.generator(rng)
    shown = rng.integers(0, SYMBOLS, (COPIED, B))
    y = np.full((T + 2 * COPIED, B), _BLANK)
    inputs = y.copy()
    inputs[:COPIED] = y[-COPIED:] = shown
    inputs[-COPIED - 1] = _DELIMITER
    one_hot: Array = np.eye(SYMBOLS + 2, dtype=dtype)[inputs]
    return Batch(one_hot, y, classes=SYMBOLS + 1)


def copy_memory_baseline(T: int) -> float:
    r"""Return the cross-entropy in `copy_memory` of the best answers without a memory, in nats.

    A network that knows the step, but no symbol, is sure of the T + 10 blanks and gives each
    of the eight symbols the same probability in the last ten steps. The mean over all steps is

    .. math:: \frac{(T + 10) \cdot 0 + 10 \ln 8}{T + 20} = \frac{10 \ln 8}{T + 20}.
    """
    T = checks.positive_int("T", T)
    return COPIED * math.log(SYMBOLS) / (T + 2 * COPIED)
