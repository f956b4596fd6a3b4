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
    """Return the mean of every gate and the norm of every state at every step of one sequence."""
    one_sequence(trace)
    return GateActivations(
        gates={name: gate.mean(axis=-1) for name, gate in trace.gates.items()},
        norms={name: norm(s[1:], -1) for name, s in trace.states.items()},
    )


def time_constant(forget_bias: float) -> float:
    r"""Return the steps after which a cell that only forgets has decayed to 1 / e.

    .. math:: \tau = -1 / \ln \sigma(b_f)

    It is zero or infinite where no float can hold it.

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


def gate_histogram(trace: Trace, names: Sequence[str], *, bins: int = 20) -> GateHistogram:
    """Return how the values of some gates, all in [0, 1], are distributed over bins."""
    edges = np.linspace(0, 1, checks.positive_int("bins", bins) + 1)
    gates = _gates(trace, names)
    shares = [np.histogram(gate, edges)[0] / gate.size for gate in gates]
    return GateHistogram(names=tuple(names), edges=edges, shares=np.array(shares))


def saturated(trace: Trace, names: Sequence[str], *, within: float = 0.1) -> dict[str, float]:
    """Return the share of each gate's values that are closer than `within` to 0 or 1."""
    within = checks.finite_number("within", within)
    return {
        name: float((np.minimum(gate, 1 - gate) < within).mean())
        for name, gate in zip(names, _gates(trace, names), strict=True)
    }


def _gates(trace: Trace, names: Sequence[str]) -> list[Array]:
    checks.instance("trace", trace, Trace)
    for name in names:
        if name not in trace.gates:
            raise ValueError(f"names must be out of {', '.join(trace.gates)}, got {name!r}")
        low, high = trace.gates[name].min(), trace.gates[name].max()
        if not (low >= 0 and high <= 1):
            raise ValueError(f"the values of {name!r} must be in [0, 1], got {low} ... {high}")
    return [trace.gates[name] for name in names]
