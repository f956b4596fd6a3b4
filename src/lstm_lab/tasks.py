"""Tasks that only a memory solves, drawn at random, each beside the error of a guess.

A task is a function ``task(T, B, *, rng, dtype) -> Batch``. What it calls its first argument is
how far it stretches: the length of its sequences, the lag, or the largest count. The error of
a guess is that of the best answers without a memory, averaged over the steps that are answered:
a mean squared error where targets are numbers, a cross-entropy in nats where they are classes.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

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

TEMPORAL_ORDER_BASELINE = math.log(4)
r"""Cross-entropy in `temporal_order` of the best constant prediction, in nats.

The four classes are equally likely, and the step of the answer shows the same trigger in each:
a share of 1/4 for each class leaves :math:`-\ln \tfrac{1}{4} = \ln 4`. Knowing one of the two
symbols, but not the other, leaves :math:`\ln 2`.
"""

LATCH_BASELINE = math.log(2)
r"""Cross-entropy in `latch` of the best constant prediction, in nats.

The two classes are equally likely, and the noise at the step of the answer says nothing of
them: a share of 1/2 for each leaves :math:`-\ln \tfrac{1}{2} = \ln 2`.
"""

COPIED, SYMBOLS = 10, 8
"""How many symbols `copy_memory` shows, and how many there are to choose from."""

# Classes of `copy_memory` beyond its symbols.
_BLANK, _DELIMITER = SYMBOLS, SYMBOLS + 1
# The input symbols of `temporal_order`.
_X, _Y, _DISTRACTORS, _BEGIN, _TRIGGER, _KINDS = 0, 1, (2, 6), 6, 7, 8
# Symbols and classes of `counting`.
_A, _B, _BOUNDARY = 0, 1, 2


class Batch(NamedTuple):
    """Examples to learn from: inputs, and what is to be answered.

    ``x`` (T, B, D) are the inputs. The targets ``y`` are numbers, (B, O) for one answer at the
    end of each sequence or (T, B, O) for one at each step; or they are integers from 0 to
    ``classes`` - 1, (B,) or (T, B), where ``classes`` is not None. ``mask`` (T, B) is true at
    the steps of a sequence and false at the padding behind its end, where nothing is read; it
    is None where all sequences are full.
    """

    x: Array
    y: NDArray[Any]
    mask: NDArray[np.bool_] | None = None
    classes: int | None = None

    @property
    def every_step(self) -> bool:
        """Whether each step is answered, not the last one only."""
        return self.y.ndim == (3 if self.classes is None else 2)

    @property
    def outputs(self) -> int:
        """How many numbers an answer has: those of a target, or one for each class."""
        return self.classes or int(self.y.shape[-1])


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
    T, B = (
        _at_least(2, "T", T, "one for each mark"),
        checks.positive_int("B", B),
    )
    dtype, rng = checks.float_dtype("dtype", dtype), checks.generator(rng)
    x = np.zeros((T, B, 2), dtype)
    x[..., 0] = rng.random((T, B))
    marked = [rng.integers(0, T // 2, B), rng.integers(T // 2, T, B)]  # (2, B)
    examples = np.arange(B)
    x[marked, examples, 1] = 1
    first, second = x[marked, examples, 0]
    return Batch(x, (first + second)[:, np.newaxis])


def copy_memory(
    T: int,
    B: int,
    *,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float64,
) -> Batch:
    """Draw sequences that show ten symbols and, much later, ask for them in their order.

    The inputs are ten symbols out of eight, T - 1 blanks, a delimiter and ten blanks. The
    targets are T + 10 blanks and then the ten symbols: each is answered T + 10 steps after it
    was shown.

    Parameters
    ----------
    T : int
        Steps between the last symbol and the first answer, at least 1.
    B : int
        Number of sequences, at least 1.
    rng : numpy.random.Generator
        Where the draws come from.
    dtype : dtype
        float64 or float32, of the inputs.

    Returns
    -------
    Batch
        ``x`` (T + 20, B, 10), one-hot: symbols 0 to 7, blank 8, delimiter 9; and ``y``
        (T + 20, B) of the nine classes from 0 to 8. Whoever remembers no symbol has the
        cross-entropy `copy_memory_baseline`.

    Raises
    ------
    TypeError
        If a size is no integer, `rng` no generator, or `dtype` another one.
    ValueError
        If a size is smaller than 1.

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
    x = _one_hot(inputs, SYMBOLS + 2, dtype)
    return Batch(x, y, classes=SYMBOLS + 1)


def copy_memory_baseline(T: int) -> float:
    r"""Return the cross-entropy in `copy_memory` of the best answers without a memory, in nats.

    Who knows the step, but no symbol, is sure of the T + 10 blanks and must give each of the
    eight symbols the same share in the last ten steps. The mean over all steps is

    .. math:: \frac{(T + 10) \cdot 0 + 10 \ln 8}{T + 20} = \frac{10 \ln 8}{T + 20} .

    Parameters
    ----------
    T : int
        As in `copy_memory`.

    Returns
    -------
    float
        0.1733, 0.0400 and 0.0103 at T = 100, 500 and 2000.

    Raises
    ------
    TypeError, ValueError
        If `T` is no positive integer.
    """
    T = checks.positive_int("T", T)
    return COPIED * math.log(SYMBOLS) / (T + 2 * COPIED)


def temporal_order(
    T: int,
    B: int,
    *,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float64,
) -> Batch:
    """Draw sequences with two relevant symbols; the class says which they were, in which order.

    A sequence begins with a begin symbol and ends with a trigger. Between them stand random
    distractors but for two steps: an X or a Y about a tenth on the way, and another about
    half-way. The class is asked for at the trigger: 0 for X X, 1 for X Y, 2 for Y X, 3 for Y Y.

    Parameters
    ----------
    T : int
        Shortest length in steps, at least 10. Lengths are uniform from T to ``T + T // 10``,
        the two positions from ``T // 10`` to ``2 * T // 10`` and from ``5 * T // 10`` to
        ``6 * T // 10``, the ends included, counted from 0.
    B : int
        Number of sequences, at least 1.
    rng : numpy.random.Generator
        Where the draws come from.
    dtype : dtype
        float64 or float32, of the inputs.

    Returns
    -------
    Batch
        ``x`` (T + T // 10, B, 8), one-hot: X, Y, four distractors, begin, trigger, and zeros as
        padding; ``y`` (B,) of four classes; ``mask``. A constant guess has the cross-entropy
        `TEMPORAL_ORDER_BASELINE`.

    Raises
    ------
    TypeError
        If a size is no integer, `rng` no generator, or `dtype` another one.
    ValueError
        If `T` is smaller than 10, or `B` than 1.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, Neural Computation 9 (1997), experiment 6a, which is
    this at T = 100.
    """
    T = _at_least(10, "T", T, "of which a tenth is one")
    B = checks.positive_int("B", B)
    dtype, rng = checks.float_dtype("dtype", dtype), checks.generator(rng)
    longest = T + T // 10
    symbols = rng.integers(*_DISTRACTORS, (longest, B))
    lengths = rng.integers(T, longest, B, endpoint=True)
    positions = [
        rng.integers(tenths * T // 10, (tenths + 1) * T // 10, B, endpoint=True)
        for tenths in (1, 5)
    ]
    first, second = relevant = rng.integers(_X, _Y, (2, B), endpoint=True)
    examples = np.arange(B)
    symbols[0] = _BEGIN
    symbols[positions, examples] = relevant
    symbols[lengths - 1, examples] = _TRIGGER
    mask = _mask(lengths, longest)
    x = _one_hot(symbols, _KINDS, dtype)
    x[~mask] = 0
    return Batch(x, 2 * first + second, mask, classes=4)


def latch(
    T: int,
    B: int,
    *,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float64,
) -> Batch:
    """Draw noise behind a first number that says the class, which is asked for at the end.

    The first input is 1 in class 1 and -1 in class 0. All others are normal with mean 0 and
    variance 0.2, on the same channel: the class must be kept for T - 1 steps of noise.

    Parameters
    ----------
    T : int
        Length of the sequences in steps, at least 2.
    B : int
        Number of sequences, at least 1.
    rng : numpy.random.Generator
        Where the draws come from.
    dtype : dtype
        float64 or float32, of the inputs; the draws are made in float64.

    Returns
    -------
    Batch
        ``x`` (T, B, 1) and ``y`` (B,) of two classes. A constant guess has the cross-entropy
        `LATCH_BASELINE`.

    Raises
    ------
    TypeError
        If a size is no integer, `rng` no generator, or `dtype` another one.
    ValueError
        If `T` is smaller than 2, or `B` than 1.

    References
    ----------
    Y. Bengio, P. Simard and P. Frasconi, IEEE Transactions on Neural Networks 5 (1994), in the
    form of S. Hochreiter and J. Schmidhuber, Neural Computation 9 (1997), experiment 3a.
    """
    T = _at_least(2, "T", T, "the signal and noise")
    B = checks.positive_int("B", B)
    dtype, rng = checks.float_dtype("dtype", dtype), checks.generator(rng)
    y = rng.integers(0, 2, B)
    x = rng.normal(0, math.sqrt(0.2), (T, B, 1)).astype(dtype)
    x[0, :, 0] = 2 * y - 1
    return Batch(x, y, classes=2)


def counting(
    N: int,
    B: int,
    *,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float64,
) -> Batch:
    """Draw words of n letters a and as many b; at each step the next symbol is asked for.

    The count n is uniform from 1 to N. A word stands between two boundaries: the inputs are
    the boundary, n times a and n times b, the targets n times a, n times b and the boundary.
    That the first b comes cannot be known; all that follows it can, by counting.

    Parameters
    ----------
    N : int
        Largest count, at least 1.
    B : int
        Number of sequences, at least 1.
    rng : numpy.random.Generator
        Where the draws come from.
    dtype : dtype
        float64 or float32, of the inputs.

    Returns
    -------
    Batch
        ``x`` (2N + 1, B, 3), one-hot: a, b, boundary, and zeros as padding; ``y`` (2N + 1, B) of
        the same three classes; ``mask`` of the first 2n + 1 steps. Who sees only the present
        symbol has the cross-entropy `counting_baseline`, who counts `counting_optimum`.

    Raises
    ------
    TypeError
        If a size is no integer, `rng` no generator, or `dtype` another one.
    ValueError
        If a size is smaller than 1.

    References
    ----------
    F. A. Gers and J. Schmidhuber, IEEE Transactions on Neural Networks 12 (2001); G. Weiss,
    Y. Goldberg and E. Yahav, ACL (2018).
    """
    N, B = checks.positive_int("N", N), checks.positive_int("B", B)
    dtype, rng = checks.float_dtype("dtype", dtype), checks.generator(rng)
    n = rng.integers(1, N, B, endpoint=True)
    step = np.arange(2 * N + 1)[:, np.newaxis]
    y = np.where(step < n, _A, np.where(step < 2 * n, _B, _BOUNDARY))
    inputs = np.concatenate([np.full((1, B), _BOUNDARY), y[:-1]])
    mask = _mask(2 * n + 1, 2 * N + 1)
    x = _one_hot(inputs, 3, dtype)
    x[~mask] = 0
    return Batch(x, y, mask, classes=3)


def counting_baseline(N: int) -> float:
    r"""Return the cross-entropy in `counting` of the best answers without a memory, in nats.

    Who sees only the present symbol is sure of an a behind the boundary. The n letters a are
    followed by n - 1 times a and once by b. Over many words, which have :math:`(N + 1)/2` of
    them in the mean, b has the share :math:`q = 2/(N + 1)` and each a costs the entropy
    :math:`S = -q \ln q - (1 - q) \ln (1 - q)`. Each b costs as much, since b is followed by b
    and by the boundary just as often. The words' mean number of steps, 2n + 1, is N + 2:

    .. math:: \frac{2 \cdot \frac{N + 1}{2}\,S}{N + 2} = \frac{N + 1}{N + 2}\,S .

    Parameters
    ----------
    N : int
        As in `counting`.

    Returns
    -------
    float
        The mean over the steps of many words.

    Raises
    ------
    TypeError, ValueError
        If `N` is no positive integer.
    """
    N = checks.positive_int("N", N)
    shares = (2 / (N + 1), (N - 1) / (N + 1))
    entropy = -sum(share * math.log(share) for share in shares if share > 0)
    return (N + 1) / (N + 2) * entropy


def counting_optimum(N: int) -> float:
    r"""Return the cross-entropy in `counting` of the best answers of all, in nats.

    Whatever is answered, the product of the shares along a word is the share of its n, and all
    N are equally likely: a word costs :math:`\ln N` at least. Who counts pays no more. Behind
    the k-th a, b has the share 1/(N - k + 1), and all behind it is sure. The mean over the
    steps is

    .. math:: \frac{\ln N}{N + 2} .

    Parameters
    ----------
    N : int
        As in `counting`.

    Returns
    -------
    float
        The mean over the steps of many words.

    Raises
    ------
    TypeError, ValueError
        If `N` is no positive integer.
    """
    N = checks.positive_int("N", N)
    return math.log(N) / (N + 2)


def _at_least(least: int, name: str, value: int, why: str) -> int:
    if checks.positive_int(name, value) < least:
        raise ValueError(
            f"{name} must be at least {least} steps, {why}, got {value}"
        )
    return int(value)


def _one_hot(symbols: NDArray[Any], kinds: int, dtype: DTypeLike) -> Array:
    x: Array = np.eye(kinds, dtype=dtype)[symbols]
    return x


def _mask(lengths: NDArray[Any], longest: int) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = np.arange(longest)[:, np.newaxis] < lengths
    return mask
