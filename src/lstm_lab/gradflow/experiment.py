"""What the experiments share: networks drawn from seeds, and the settings in their records."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_lab import checks
from lstm_lab.numerics import Array
from lstm_lab.sequence import Cell, Trace, forward, name_of

SEEDS = tuple(range(10))


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """The settings of an experiment, which every record of one has.

    ``cell`` is the cell's name; D, H and T are input size, hidden size and number of steps. For
    each of the S ``seeds`` one network and one input sequence were drawn.
    """

    cell: str
    D: int
    H: int
    T: int
    seeds: tuple[int, ...]


def draw_and_run(
    cell: Cell,
    *,
    init: Callable[..., Any] | None = None,
    D: int = 4,
    H: int = 32,
    T: int = 100,
    seed: int = 0,
) -> Trace:
    """Draw one of the networks of the experiments, and run it over a sequence.

    Parameters
    ----------
    cell : module
        ``rnn``, ``lstm``, ``gru``, ``coupled``, or a cell of your own.
    init : callable, optional
        Returns parameters from ``(D, H, rng=rng)``; ``cell.init`` if it is None.
    D, H, T : int
        Input size, hidden size, number of steps.
    seed : int
        Of the network and of the inputs, which are N(0, 1) and the same for every `init`.

    Returns
    -------
    Trace
        Of the forward pass over x of shape (T, D); ``trace.params`` is the network.
    """
    checks.cell("cell", cell)
    D, H = checks.positive_int("D", D), checks.positive_int("H", H)
    T, seed = checks.positive_int("T", T), checks.seed(seed)
    weights_rng, inputs_rng = np.random.default_rng(seed).spawn(2)
    params = (init or cell.init)(D, H, rng=weights_rng)
    return forward(cell, params, inputs_rng.normal(size=(T, D)))


def networks(
    cell: Cell, *, seeds: Sequence[int] = SEEDS, **network: Any
) -> tuple[dict[str, Any], list[Trace]]:
    """Return an experiment's settings, and the trace of the network of each seed."""
    seeds = checked_seeds(seeds)
    traces = [draw_and_run(cell, seed=seed, **network) for seed in seeds]
    (T, D), H = traces[0].x.shape, traces[0].params.H
    settings = {"cell": name_of(cell), "D": D, "H": H, "T": T, "seeds": seeds}
    return settings, traces


def checked_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    """Return one or more seeds as a tuple."""
    checked = tuple(checks.seed(seed) for seed in seeds)
    if not checked:
        raise ValueError("seeds must be one or more, got none")
    return checked


def unit_cotangents(trace: Trace, state: str) -> list[Array]:
    """Return the cotangents (H, H) of all states for H losses, which read one unit of one each."""
    H = trace.params.H
    return [np.eye(H) * (name == state) for name in trace.cell.STATES]


def geometric_mean(values: Array) -> Array:
    """Return the geometric mean over the first axis; zero where a value is zero."""
    with np.errstate(divide="ignore"):
        mean: Array = np.exp(np.log(values).mean(axis=0))
    return mean
