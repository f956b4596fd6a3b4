"""Times of functions side by side: in turns, in random order, with the garbage collector off."""

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from lstm_lab.numerics import Array

Function = Callable[[], Any]


class Samples(NamedTuple):
    """Seconds of one call (rounds,), and what all calls together took.

    ``wall`` is time on the wall and ``processor`` that of all threads, in seconds.
    """

    seconds: Array
    wall: float
    processor: float


class Comparison(NamedTuple):
    """Two medians in seconds, and how they compare.

    ``ratio`` is the second over the first; ``low`` and ``high`` are the quartiles of the ratios
    of the single rounds.
    """

    ours: float
    theirs: float
    ratio: float
    low: float
    high: float


def interleave(
    functions: Mapping[str, Function],
    rounds: int,
    *,
    rng: np.random.Generator,
    at_least: float = 0.02,
) -> dict[str, Samples]:
    """Return how long one call of each function takes, round by round.

    Each round times every function once, in an order that is drawn anew, so that a slow
    moment of the machine strikes all of them alike.

    Parameters
    ----------
    functions : mapping of str to callable
        What to time, by name. All are called before to warm up.
    rounds : int
        How many samples of each.
    rng : numpy.random.Generator
        Where the orders come from.
    at_least : float
        Seconds that a sample should last; short functions are called many times for it.

    Returns
    -------
    dict of str to Samples
        By the same names.
    """
    names = list(functions)
    calls = {name: calls_for(functions[name], at_least) for name in names}
    taken = {name: np.empty((rounds, 2)) for name in names}
    for n in range(rounds):
        for name in rng.permutation(names):
            taken[name][n] = sample(functions[name], calls[name])
    return {
        name: Samples(times[:, 0] / calls[name], *map(float, times.sum(0)))
        for name, times in taken.items()
    }


def calls_for(function: Function, at_least: float) -> int:
    """Return how many calls last `at_least` seconds; the function is warm afterwards.

    Parameters
    ----------
    function : callable
        What to call.
    at_least : float
        Seconds.

    Returns
    -------
    int
        At least 1.
    """
    calls = 1
    while (wall := sample(function, calls)[0]) < at_least / 2:
        calls *= 2
    return max(1, math.ceil(at_least * calls / wall))


def sample(function: Function, calls: int) -> tuple[float, float]:
    """Return the seconds that calls in a row take.

    Parameters
    ----------
    function : callable
        What to call.
    calls : int
        How often.

    Returns
    -------
    wall : float
        On the wall.
    processor : float
        Of all threads of this process together.
    """
    with _no_garbage_collection():
        processor, wall = time.process_time(), time.perf_counter()
        for _ in range(calls):
            function()
        wall = time.perf_counter() - wall
        processor = time.process_time() - processor
    return wall, processor


def compare(ours: Array, theirs: Array) -> Comparison:
    """Compare two series of samples that were taken in the same rounds.

    Parameters
    ----------
    ours, theirs : ndarrays of shape (rounds,)
        Seconds a call.

    Returns
    -------
    Comparison
        Medians, their ratio, and the quartiles of the ratios.
    """
    first, second = float(np.median(ours)), float(np.median(theirs))
    low, high = np.quantile(theirs / ours, [0.25, 0.75])
    return Comparison(first, second, second / first, float(low), float(high))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
