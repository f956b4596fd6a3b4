r"""What depth does to a gradient: how much of it arrives at each layer and each step.

A loss reads the highest layer at the last step, in every direction alike. Its gradient with
respect to the input of layer l at step t comes along every path through layers and steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_lab import checks
from lstm_lab.architecture import Architecture
from lstm_lab.numerics import Array
from lstm_lab.seq2seq import stack


@dataclass(frozen=True)
class DepthMap:
    r"""How much of a gradient arrives at each layer and step, in one stack.

    ``norms`` (N, L, T) holds for each seed, each layer from the lowest and each step from the
    first

    .. math:: \lVert \partial y_T / \partial u^{(l)}_t \rVert_F / \sqrt{H},

    with the output y of the highest layer, and what layer l reads, :math:`u^{(l)}`.
    """

    norms: Array
    residual: bool
    seeds: tuple[int, ...]

    @property
    def typical(self) -> Array:
        """The geometric mean over the seeds (L, T); zero where a norm is zero."""
        with np.errstate(divide="ignore"):
            typical: Array = np.exp(np.log(self.norms).mean(axis=0))
        return typical


def depth_map(
    arch: Architecture,
    *,
    layers: int = 8,
    H: int = 32,
    T: int = 40,
    residual: bool = False,
    seeds: Sequence[int] = range(10),
) -> DepthMap:
    """Measure the gradient that a loss at the top sends back to every layer and step.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
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
        Norms by seed, layer and step.

    Raises
    ------
    TypeError, ValueError
        If a size is not a positive integer, or there is no seed.

    References
    ----------
    Chapter ch319, figure ``fig-depth``.
    """
    checks.architecture("arch", arch)
    residual = checks.flag("residual", residual)
    seeds = tuple(
        checks.seed(seed, f"seeds[{n}]")
        for n, seed in enumerate(checks.items("seeds", seeds, "integers"))
    )
    if not seeds:
        raise ValueError("seeds must be at least one, got none")
    layers, H, T = (
        checks.positive_int(name, value)
        for name, value in (("layers", layers), ("H", H), ("T", T))
    )
    norms = np.empty((len(seeds), layers, T))
    for row, seed in zip(norms, seeds, strict=True):
        weights_rng, input_rng = np.random.default_rng(seed).spawn(2)
        cells = tuple(arch.init(H, H, rng=weights_rng) for _ in range(layers))
        # One example for each direction in which a loss may pull; their inputs are the same.
        x = np.repeat(input_rng.normal(size=(T, 1, H)), H, axis=1)
        _, _, trace = stack.forward(arch, cells, x, residual=residual)
        doutputs = np.zeros_like(x)
        doutputs[-1] = np.eye(H)
        _, dinputs, _ = stack.backward(
            arch, cells, trace, doutputs, residual=residual
        )
        row[:] = np.linalg.norm(dinputs, axis=(2, 3)) / np.sqrt(H)
    return DepthMap(norms, residual, seeds)
