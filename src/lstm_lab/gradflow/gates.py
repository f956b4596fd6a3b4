"""How open the gates are: over time, in distribution, and what that means for memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_lab import checks
from lstm_lab.jacobians import one_sequence
from lstm_lab.numerics import Array, norm
from lstm_lab.sequence import Trace


@dataclass(frozen=True, kw_only=True)
class GateActivations:
    """The gates and the states of a network, step by step, each under its name.

    ``gates`` are means over the units, ``norms`` the Euclidean norms of the states after the step,
    all of shape (T,).
    """

    gates: dict[str, Array]
    norms: dict[str, Array]


def gate_activations(trace: Trace) -> GateActivations:
    """Return the mean of every gate and the norm of every state at every step.

    Parameters
    ----------
    trace : Trace
        Of a forward pass over one sequence, x of shape (T, D).

    Returns
    -------
    GateActivations
        Arrays of shape (T,), such as ``gates["f"]`` and ``norms["c"]`` of an LSTM.

    Raises
    ------
    TypeError, ValueError
        If `trace` is not a trace, or is of a batch.
    """
    one_sequence(trace)
    return GateActivations(
        gates={name: gate.mean(axis=-1) for name, gate in trace.gates.items()},
        norms={name: norm(s[1:], -1) for name, s in trace.states.items()},
    )


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


@dataclass(frozen=True, kw_only=True)
class GateHistogram:
    """How the values of each gate are distributed over steps, examples and units.

    ``shares`` (G, N) sum to one for each of the G gates in ``names``; ``edges`` (N + 1,)
    bound the N bins between 0 and 1.
    """

    names: tuple[str, ...]
    edges: Array
    shares: Array

    def saturated(self, *, within: float = 0.1) -> dict[str, float]:
        """Return, by gate, the share of its values that are that close to 0 or 1.

        The distance `within` must be an edge of the bins and at most 0.5; otherwise a ValueError
        says so.
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
    trace: Trace, names: Sequence[str], *, bins: int = 20
) -> GateHistogram:
    """Return the distribution of gates' values.

    Parameters
    ----------
    trace : Trace
        Of a forward pass.
    names : sequence of str
        The gates, out of those with values in (0, 1).
    bins : int
        How many bins divide the interval from 0 to 1.

    Returns
    -------
    GateHistogram
        Shares by gate and bin.

    Raises
    ------
    TypeError, ValueError
        If `trace` is not a trace, `bins` is not a positive integer, the cell has no gate of a
        name, or a gate has values outside of [0, 1].
    """
    checks.instance("trace", trace, Trace)
    edges = np.linspace(0, 1, checks.positive_int("bins", bins) + 1)
    shares = []
    for name in names:
        if name not in trace.gates:
            raise ValueError(
                f"names must be out of {', '.join(trace.gates)}, got {name!r}"
            )
        values = trace.gates[name]
        if not (values.min() >= 0 and values.max() <= 1):
            raise ValueError(
                f"the values of {name!r} must be in [0, 1],"
                f" got {values.min()} ... {values.max()}"
            )
        shares.append(np.histogram(values, edges)[0] / values.size)
    return GateHistogram(
        names=tuple(names), edges=edges, shares=np.array(shares)
    )
