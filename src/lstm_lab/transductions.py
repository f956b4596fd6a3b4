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


def copy(B: int, *, length: int | tuple[int, int], rng: np.random.Generator) -> Pairs:
    """Draw B texts of lower-case letters, each of which is its own target.

    Parameters
    ----------
    B : int
        Number of pairs.
    length : int or (int, int)
        Letters of each text, or the shortest and the longest length, between which all are
        equally likely.
    rng : numpy.random.Generator
        Source of the draws.
    """
    B, rng = checks.positive_int("B", B), checks.generator(rng)
    given = length if isinstance(length, tuple) else (length, length)
    limits = [checks.positive_int("length", limit) for limit in given]
    if len(limits) != 2 or limits[0] > limits[1]:
        raise ValueError(
            f"length must be one number, or the shortest and the longest, got {length}"
        )
    shortest, longest = limits
    lengths = rng.integers(shortest, longest, B, endpoint=True)
    letters = rng.choice([*ascii_lowercase], (B, longest))
    texts = tuple("".join(row[:size]) for row, size in zip(letters, lengths, strict=True))
    return Pairs(texts, texts)
