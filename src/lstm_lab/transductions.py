"""Tasks that turn one text into another, drawn at random, each with its answer as a function.

A task is a function ``task(B, *, ..., rng) -> Pairs``. Every target is ``ANSWERS[name](source)``,
by which any other text is answered too, such as one that is longer than those that were learnt.

Sources: W. Zaremba and I. Sutskever, "Learning to execute", arXiv 1410.4615 (2014), for copying and
adding; O. Vinyals, S. Bengio and M. Kudlur, "Order matters: sequence to sequence for sets", ICLR
(2016), for sorting.
"""

import re
from collections.abc import Callable
from string import ascii_lowercase
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks


class Pairs(NamedTuple):
    """Texts to turn into others, and what they become: B of each, in the same order."""

    source: tuple[str, ...]
    target: tuple[str, ...]


def _sum(text: str) -> str:
    text = checks.text("text", text)
    if not re.fullmatch("[0-9]+([+][0-9]+)*", text):
        raise ValueError(f"text must be numbers joined by +, got {text!r}")
    return str(sum(map(int, text.split("+"))))


ANSWERS: dict[str, Callable[[str], str]] = {
    "copy": lambda text: checks.text("text", text),
    "reverse": lambda text: checks.text("text", text)[::-1],
    "sort": lambda text: "".join(sorted(checks.text("text", text))),
    "addition": _sum,
}
"""The target of any source, by the name of the task."""


def copy(
    B: int,
    *,
    length: int | tuple[int, int],
    rng: np.random.Generator,
    alphabet: str = ascii_lowercase,
) -> Pairs:
    """Draw texts that are to be said again.

    Parameters
    ----------
    B : int
        Number of pairs, at least 1.
    length : int or (int, int)
        Characters of each source; of two, the shortest and the longest, and all between them
        are equally likely.
    rng : numpy.random.Generator
        Where the draws come from.
    alphabet : str
        The characters to draw from, all equally likely, none twice.

    Returns
    -------
    Pairs
        Such as ``"cab"`` and ``"cab"``.

    Raises
    ------
    TypeError
        If a size is no integer, `alphabet` no text, or `rng` no generator.
    ValueError
        If a size is smaller than 1, the shortest longer than the longest, or the alphabet empty
        or with a character twice.
    """
    return _answered("copy", _texts(B, length, rng, alphabet))


def reverse(
    B: int,
    *,
    length: int | tuple[int, int],
    rng: np.random.Generator,
    alphabet: str = ascii_lowercase,
) -> Pairs:
    """Draw texts that are to be said from their end to their beginning.

    Parameters
    ----------
    B, length, rng, alphabet
        As in `copy`.

    Returns
    -------
    Pairs
        Such as ``"cab"`` and ``"bac"``.

    Raises
    ------
    TypeError, ValueError
        As in `copy`.
    """
    return _answered("reverse", _texts(B, length, rng, alphabet))


def sort(
    B: int,
    *,
    length: int | tuple[int, int],
    rng: np.random.Generator,
    alphabet: str = ascii_lowercase,
) -> Pairs:
    """Draw texts whose characters are to be said in the order of their code points.

    Parameters
    ----------
    B, length, rng, alphabet
        As in `copy`.

    Returns
    -------
    Pairs
        Such as ``"cab"`` and ``"abc"``.

    Raises
    ------
    TypeError, ValueError
        As in `copy`.
    """
    return _answered("sort", _texts(B, length, rng, alphabet))


def addition(
    B: int, *, digits: int | tuple[int, int], rng: np.random.Generator
) -> Pairs:
    """Draw sums of two numbers, in decimal digits without leading zeros.

    Parameters
    ----------
    B : int
        Number of pairs, at least 1.
    digits : int or (int, int)
        The most digits of a number, which has one at least; of two, the fewest and the most.
        All counts between them are equally likely for each number by itself, and so are all
        numbers with as many digits.
    rng : numpy.random.Generator
        Where the draws come from.

    Returns
    -------
    Pairs
        Such as ``"17+25"`` and ``"42"``.

    Raises
    ------
    TypeError
        If a size is no integer, or `rng` no generator.
    ValueError
        If a size is smaller than 1, or the fewest digits are more than the most.
    """
    B, rng = checks.positive_int("B", B), checks.generator(rng)
    fewest, most = _bounds("digits", digits, 1)
    counts = rng.integers(fewest, most, 2 * B, endpoint=True)
    drawn = rng.integers(0, 10, (2 * B, most))
    # A number of one digit may be 0; longer ones begin with 1 to 9.
    drawn[:, 0] = rng.integers(counts > 1, 10)
    numbers = _cut("0123456789", drawn, counts)
    return _answered(
        "addition",
        tuple(
            f"{first}+{second}"
            for first, second in zip(numbers[:B], numbers[B:], strict=True)
        ),
    )


def _texts(
    B: int,
    length: int | tuple[int, int],
    rng: np.random.Generator,
    alphabet: str,
) -> tuple[str, ...]:
    B, rng = checks.positive_int("B", B), checks.generator(rng)
    checks.instance("alphabet", alphabet, str)
    if not alphabet or len(set(alphabet)) < len(alphabet):
        raise ValueError(
            "alphabet must have at least one character, and none twice,"
            f" got {alphabet!r}"
        )
    shortest, longest = _bounds("length", length)
    lengths = rng.integers(shortest, longest, B, endpoint=True)
    drawn = rng.integers(0, len(alphabet), (B, longest))
    return _cut(alphabet, drawn, lengths)


def _bounds(
    name: str, value: int | tuple[int, int], least: int | None = None
) -> tuple[int, int]:
    """Return the smallest and the largest size; of one number, itself or `least` and itself."""
    if not isinstance(value, tuple):
        largest = checks.positive_int(name, value)
        return least or largest, largest
    if len(value) != 2:
        raise ValueError(
            f"{name} must be one number or two, the smallest and the largest,"
            f" got {value}"
        )
    smallest, largest = (checks.positive_int(name, size) for size in value)
    if smallest > largest:
        raise ValueError(
            f"{name} must be the smallest size and then the largest, got {value}"
        )
    return smallest, largest


def _cut(
    alphabet: str, drawn: NDArray[Any], lengths: NDArray[Any]
) -> tuple[str, ...]:
    """Return the first characters of each row of `drawn` (B, longest), as many as its length."""
    return tuple(
        "".join(alphabet[n] for n in row[:length])
        for row, length in zip(drawn.tolist(), lengths.tolist(), strict=True)
    )


def _answered(name: str, source: tuple[str, ...]) -> Pairs:
    return Pairs(source, tuple(map(ANSWERS[name], source)))
