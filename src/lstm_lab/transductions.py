"""A task that turns one text into another: copying random letters.

Source: W. Zaremba and I. Sutskever, "Learning to execute", arXiv 1410.4615 (2014).
"""

from string import ascii_lowercase
from typing import NamedTuple

import numpy as np

from lstm_lab import checks


class Pairs(NamedTuple):
    """Source texts and their targets, in the same order."""

    source: tuple[str, ...]
    target: tuple[str, ...]


def copy(
    B: int, *, length: int | tuple[int, int], rng: np.random.Generator
) -> Pairs:
    """Draw texts of lower-case letters that are to be copied.

    Parameters
    ----------
    B : int
        Number of pairs.
    length : int or (int, int)
        Letters of each text, or the shortest and the longest length, between which all are
        equally likely.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    Pairs
        Sources, and targets that equal them.
    """
    B, rng = checks.positive_int("B", B), checks.generator(rng)
    bounds = length if isinstance(length, tuple) else (length, length)
    if len(bounds) != 2:
        raise ValueError(
            f"length must be one number, or the shortest and the longest, got {length}"
        )
    shortest, longest = (checks.positive_int("length", size) for size in bounds)
    if shortest > longest:
        raise ValueError(
            f"length must be the shortest and then the longest, got {length}"
        )
    lengths = rng.integers(shortest, longest, B, endpoint=True)
    drawn = rng.integers(0, len(ascii_lowercase), (B, longest))
    texts = tuple(
        "".join(ascii_lowercase[n] for n in row[:size])
        for row, size in zip(drawn.tolist(), lengths.tolist(), strict=True)
    )
    return Pairs(texts, texts)
