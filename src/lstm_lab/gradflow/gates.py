"""How open the gates are: over time, in distribution, and what that means for memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_lab import checks, lstm
from lstm_lab.numerics import Array, norm
from lstm_lab.packing import apart


@dataclass(frozen=True)
class GateActivations:
    """How open the gates of an LSTM are, and how large its cell state is, step by step.

    ``i``, ``f``, ``o`` (T,) are means over the units, ``cell_norm`` (T,) is the Euclidean
    norm of the cell state after the step.
    """

    i: Array
    f: Array
    o: Array
    cell_norm: Array


def gate_activations(trace: lstm.Trace) -> GateActivations:
    """Return the mean gates and the norm of the cell state at every step.

    Parameters
    ----------
    trace : lstm.Trace
        Of a forward pass over one sequence, x of shape (T, D).

    Returns
    -------
    GateActivations
        Arrays of shape (T,).

    Raises
    ------
    TypeError, ValueError
        If `trace` is none of an LSTM, or of a batch.
    """
    checks.instance("trace", trace, lstm.Trace)
    checks.array("trace.x", trace.x, ("T", "D"))
    i, f, o, _ = (gate.mean(axis=-1) for gate in apart(trace.gates))
    return GateActivations(i, f, o, norm(trace.c[1:], -1))


def time_constant(forget_bias: float) -> float:
    r"""Return the steps after which a cell that only forgets has decayed to 1 / e.

    .. math:: \tau = -1 / \ln \sigma(b_f)

    Parameters
    ----------
    forget_bias : float
        Bias of a forget gate that nothing else moves.

    Returns
    -------
    float
        Steps; zero or infinite where no float can hold them.

    Raises
    ------
    TypeError, ValueError
        If `forget_bias` is not a finite number.

    References
    ----------
    Chapter ch318, equation ``eq-time-constant``.
    """
    bias = checks.finite_number("forget_bias", forget_bias)
    with np.errstate(divide="ignore", over="ignore"):
        # -ln sigma(b) = ln(1 + exp(-b)), which a gate that rounds to one does not upset
        return float(1 / np.logaddexp(0, -bias))


@dataclass(frozen=True)
class GateHistogram:
    """How the values of each gate are distributed over steps, examples and units.

    ``shares`` (G, N) sum to one for each of the G gates in ``names``; ``edges`` (N + 1,)
    bound the N bins between 0 and 1.
    """

    names: tuple[str, ...]
    edges: Array
    shares: Array

    def saturated(self, *, within: float = 0.1) -> dict[str, float]:
        """Return the share of each gate's values that are that close to 0 or 1.

        Parameters
        ----------
        within : float
            The distance, at most 1/2, which the bins must be able to tell.

        Returns
        -------
        dict of str to float
            The share by gate.

        Raises
        ------
        TypeError, ValueError
            If `within` is no such number.
        """
        within = checks.finite_number("within", within)
        if within > 0.5 or not np.isclose(within, self.edges).any():
            raise ValueError(
                "within must be the distance of a bin's edge from 0, at most 0.5,"
                f" got {within}"
            )
        centers = (self.edges[:-1] + self.edges[1:]) / 2  # no ties to round
        near = (centers < within) | (centers > 1 - within)
        shares = self.shares[:, near].sum(axis=1)
        return dict(zip(self.names, map(float, shares), strict=True))


def gate_histogram(
    gates: Array, names: Sequence[str], *, packed: Sequence[str], bins: int = 20
) -> GateHistogram:
    """Return the distribution of gates' values.

    Parameters
    ----------
    gates : ndarray of shape (T, B, G, H) or (T, G, H)
        ``trace.gates`` of an LSTM or a GRU.
    names : sequence of str
        The gates wanted; of those with values in (0, 1).
    packed : sequence of str
        The packing order of `gates`: ``arch.GATES``, of ``coupled``, whose traces are those of
        an LSTM, ``lstm.GATES``.
    bins : int
        How many bins divide the interval from 0 to 1.

    Returns
    -------
    GateHistogram
        Shares by gate and bin.

    Raises
    ------
    TypeError, ValueError
        If `bins` is no positive integer, a name is not in the packing order, or `gates` are
        no such array or have values outside of [0, 1].
    """
    G = len(packed)
    gates = checks.array("gates", gates, ("T", "B", G, "H"), ("T", G, "H"))
    edges = np.linspace(0, 1, checks.positive_int("bins", bins) + 1)
    blocks: dict[str, Any] = dict(zip(packed, apart(gates), strict=True))
    missing = [name for name in names if name not in blocks]
    if missing:
        raise ValueError(
            f"names must be out of {', '.join(packed)}, got {missing[0]!r}"
        )
    for name in names:
        low, high = blocks[name].min(), blocks[name].max()
        if low < 0 or high > 1:
            raise ValueError(
                f"the values of {name!r} must be in [0, 1], got {low} ... {high}"
            )
    counts = [np.histogram(blocks[name], edges)[0] for name in names]
    shares = np.stack([count / count.sum() for count in counts])
    return GateHistogram(tuple(names), edges, shares)
