"""Random arguments for the functions that learners write."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from lstm_lab.exercises.table import EXERCISES

Arguments = tuple[Any, ...]


def single(arguments: Arguments) -> Arguments:
    """Return arguments with float32 for float64."""
    return tuple(
        a.astype(np.float32) if getattr(a, "dtype", None) == np.float64 else a for a in arguments
    )


def step(rng: np.random.Generator, *batch: int, gates: int, states: int) -> Arguments:
    """Return W, b, x and arrays like the state; no size equals another."""
    D, H = 3, 5
    shapes = [(gates * H, D + H), (gates * H,), (*batch, D)]
    shapes += states * [(*batch, H)]
    return tuple(rng.normal(size=shape) for shape in shapes)


def steps(rng: np.random.Generator, *, gates: int = 1, states: int = 1) -> list[Arguments]:
    """Return one sequence, two batches, and the first two of these as float32."""
    draw = partial(step, rng, gates=gates, states=states)
    drawn = [draw(), draw(4), draw(1)]
    return [*drawn, *map(single, drawn[:2])]


def backward_steps(rng: np.random.Generator) -> list[Arguments]:
    """Return steps of one sequence, one with no loss on c, and one as float32."""
    first, second, third = (step(rng, gates=4, states=4) for _ in range(3))
    *rest, dc = third
    return [first, second, (*rest, 0 * dc), single(first)]


def sequences(rng: np.random.Generator) -> list[Arguments]:
    """Return sequences of four steps, of one and of six, and the first as float32."""
    D, H = 2, 3
    rnn_step = EXERCISES["rnn_step"].function()
    drawn: list[Arguments] = []
    for T in (4, 1, 6):
        W, b = rng.normal(size=(H, D + H)), rng.normal(size=H)
        x, h = rng.normal(size=(T, D)), rng.normal(size=(T + 1, H))
        for t in range(T):
            h[t + 1] = rnn_step(W, b, x[t], h[t])
        drawn.append((W, b, x, h, rng.normal(size=(T, H))))
    return [*drawn, single(drawn[0])]


def gradients(rng: np.random.Generator) -> list[Arguments]:
    """Return gradients above the limit, below it, zero, of unlike sizes, and as float32."""
    dW, db = rng.normal(size=(3, 4)), rng.normal(size=3)
    return [
        (dW, db, 0.5),
        (dW, 10 * db, 2.0),
        (0.01 * dW, db, 1.5),
        (0.01 * dW, 0.01 * db, 5.0),
        (0 * dW, 0 * db, 1.0),
        single((dW, db, 0.5)),
    ]


def memories(rng: np.random.Generator) -> list[Arguments]:
    """Return sources with and without padding, with scores of a thousand, and as float32.

    The large score is once at the source, once at the padding, and once all scores of the source
    are below minus a thousand.
    """
    H, T = 3, 6
    drawn: list[Arguments] = [
        (rng.normal(size=H), rng.normal(size=(T, H)), np.arange(T) < length) for length in (T, 4, 1)
    ]
    query, memory, mask = padded = drawn[1]
    drawn += [single(padded), (1000 * query, memory, mask)]
    scores = memory @ query
    large_scores = (
        np.where(np.arange(T) == 1, 1000, scores),
        np.where(mask, scores, 1000),
        np.where(mask, -1000 - np.abs(scores), scores),
    )
    for large in large_scores:
        # Moved along the query, until these are the scores.
        moves = np.outer(large - scores, query) / (query @ query)
        drawn.append((query, memory + moves, mask))
    return [*drawn, single(drawn[-3])]


INPUTS: dict[str, Callable[[np.random.Generator], list[Arguments]]] = {
    "rnn_step": steps,
    "bptt": sequences,
    "clip": gradients,
    "lstm_step": partial(steps, gates=4, states=2),
    "lstm_backward": backward_steps,
    "gru_step": partial(steps, gates=3),
    "attention": memories,
}
"""For each exercise, a function that draws arguments; the answer is tried in their order."""
