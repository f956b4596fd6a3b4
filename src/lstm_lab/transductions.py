"""A task that turns one text into another: copying random letters.

Source: W. Zaremba and I. Sutskever, "Learning to execute", arXiv 1410.4615 (2014).
"""

from string import ascii_lowercase

import numpy as np

from lstm_lab import checks

Texts = tuple[str, ...]


def copy(B: int, *, length: int | tuple[int, int], rng: np.random.Generator) -> tuple[Texts, Texts]:
    """Draw B texts of lower-case letters, and return them as sources and as targets.

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
        raise ValueError(f"length must be a number or (shortest, longest), got {length}")
    shortest, longest = limits
    lengths = rng.integers(shortest, longest, B, endpoint=True)
    letters = rng.choice([*ascii_lowercase], (B, longest))
    texts = tuple("".join(row[:size]) for row, size in zip(letters, lengths, strict=True))
    return texts, texts
