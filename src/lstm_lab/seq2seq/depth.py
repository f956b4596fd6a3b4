"""What depth does to a gradient: how much of it arrives at each layer and each step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_lab import checks, records, sequence
from lstm_lab.gradflow.experiment import SEEDS, Experiment, checked_seeds, geometric_mean
from lstm_lab.numerics import Array
from lstm_lab.seq2seq import stack
from lstm_lab.sequence import Cell


@records.short
@dataclass(frozen=True, kw_only=True)
class DepthMap(Experiment):
    r"""How much of a gradient arrives at each layer and step, in one stack for each seed.

    ``norms`` (S, L, T), for each seed, each layer from the lowest and each step from the first,
    are

    .. math:: \lVert \partial y_T / \partial u^{(l)}_t \rVert_F / \sqrt{H},

    with the output y of the highest layer and the input :math:`u^{(l)}` of layer l, along every
    path through layers and steps.
    """

    norms: Array
    residual: bool

    @property
    def typical(self) -> Array:
        """The geometric mean over the seeds (L, T); zero where a norm is zero."""
        return geometric_mean(self.norms)


def depth_map(
    cell: Cell,
    *,
    init: Callable[..., Any] | None = None,
    layers: int = 8,
    H: int = 32,
    T: int = 40,
    residual: bool = False,
    seeds: Sequence[int] = SEEDS,
) -> DepthMap:
    """Measure the gradient of a loss at the last step of the highest layer, in every direction.

    Parameters
    ----------
    cell, init : module, callable
        See ``gradflow.draw_and_run``; ``init`` draws each layer.
    layers, H, T : int
        Number of layers, size of each and of the inputs, number of steps.
    residual : bool
        Whether each layer but the lowest adds its input to its output.
    seeds : sequence of int
        One stack and one sequence of N(0, 1) inputs is drawn for each; with and without residual
        connections they are the same.

    Returns
    -------
    DepthMap
        The norms.

    References
    ----------
    Chapter ch319, figure ``fig-depth``.
    """
    checks.cell("cell", cell)
    residual = checks.flag("residual", residual)
    layers = checks.positive_int("layers", layers)
    T, H = checks.positive_int("T", T), checks.positive_int("H", H)
    seeds = checked_seeds(seeds)
    norms = np.empty((len(seeds), layers, T))
    for row, seed in zip(norms, seeds, strict=True):
        weights_rng, inputs_rng = np.random.default_rng(seed).spawn(2)
        draw = init or cell.init
        params = [draw(H, H, rng=weights_rng) for _ in range(layers)]
        # One example for each direction of the loss; their inputs are the same.
        x = np.repeat(inputs_rng.normal(size=(T, 1, H)), H, axis=1)
        trace = stack.forward(cell, params, x, residual=residual)
        doutputs = np.zeros_like(x)
        doutputs[-1] = np.eye(H)
        dinputs = stack.backward(trace, doutputs).inputs
        row[:] = np.linalg.norm(dinputs, axis=(2, 3)) / np.sqrt(H)
    name = sequence.name_of(cell)
    return DepthMap(cell=name, D=H, H=H, T=T, seeds=seeds, norms=norms, residual=residual)
