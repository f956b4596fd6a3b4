"""What the measurements must show, in one place."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from benchmarks.cases import BATCHED, DTYPES, SINGLE
from benchmarks.contenders import LIMIT, OURS
from benchmarks.memory import GROWTH, HELD, INFERENCE, PEAK_RATIO
from benchmarks.speed import STEP


class Gate(NamedTuple):
    """A bound on one number of all records that agree with `where`.

    ``where`` has the fields that a record must have, with a value or a tuple of values. The bound
    holds for each record's number, or for their geometric mean if ``mean`` is True.
    """

    name: str
    part: str
    where: Mapping[str, Any]
    quantity: str = "ratio"
    at_least: float = -np.inf
    at_most: float = np.inf
    mean: bool = False


class Verdict(NamedTuple):
    """A gate, and the number that decides it: the mean, or the worst; None if none was measured."""

    gate: Gate
    value: float | None

    @property
    def passed(self) -> bool:
        """Whether something was measured, and is within the bounds."""
        return (
            self.value is not None
            and self.gate.at_least <= self.value <= self.gate.at_most
        )


def _step(variant, dtype, contender, shapes):
    return {
        "threads": 1,
        "pass": STEP,
        "variant": variant,
        "dtype": dtype,
        "contender": contender,
        "shape": tuple(list(shape) for shape in shapes),
    }


def _against_torch(variant, dtype, *, mean, each, single):
    """Return the bounds on PyTorch's time over ours, for one network and dtype."""
    batched = _step(variant, dtype, "PyTorch", BATCHED)
    alone = _step(variant, dtype, "PyTorch", [SINGLE])
    name = f"PyTorch / ours, {variant} {dtype}"
    return (
        Gate(f"{name}, mean", "speed", batched, at_least=mean, mean=True),
        Gate(f"{name}, each batched shape", "speed", batched, at_least=each),
        Gate(f"{name}, one sequence", "speed", alone, at_least=single),
    )


GATES = (
    *(
        gate
        for variant in ("rnn", "gru-before", "gru-after")
        for dtype in DTYPES
        for gate in _against_torch(
            variant, dtype, mean=1.5, each=1.1, single=4.0
        )
    ),
    *_against_torch("lstm", "float64", mean=1.6, each=1.2, single=4.0),
    *_against_torch("lstm", "float32", mean=1.0, each=0.65, single=0.5),
    Gate(
        "one example at a time / ours, lstm",
        "speed",
        _step(
            "lstm", DTYPES, "one example at a time", [BATCHED[0], BATCHED[2]]
        ),
        at_least=8.0,
    ),
    Gate(
        "JAX scan / ours, lstm",
        "speed",
        _step("lstm", DTYPES, "JAX scan", BATCHED[1:]),
        at_least=1.5,
    ),
    Gate(
        "limit / ours, lstm",
        "speed",
        _step("lstm", DTYPES, LIMIT, BATCHED[1:3]),
        at_least=0.65,
    ),
    Gate(
        "numbers per T·B·H held for the backward pass, lstm",
        "memory",
        {"quantity": HELD, "variant": "lstm", "contender": OURS},
        quantity="value",
        at_most=8.0,
    ),
    Gate(
        "peak memory of a training step, PyTorch / ours",
        "memory",
        {"quantity": PEAK_RATIO},
        quantity="value",
        at_least=1.0,
    ),
    Gate(
        "numbers per B·H of inference beyond its output",
        "memory",
        {"quantity": INFERENCE},
        quantity="value",
        at_most=100.0,
    ),
    Gate(
        "growth of memory with checkpoints, from T to 4T",
        "memory",
        {"quantity": GROWTH},
        quantity="value",
        at_most=2.2,
    ),
)


def judge(
    results: Mapping[str, Iterable[Mapping[str, Any]]],
    gates: Iterable[Gate] = GATES,
) -> list[Verdict]:
    """Return a verdict on each gate.

    Parameters
    ----------
    results : mapping of str to iterables of records
        The parts that were measured.
    gates : iterable of Gate
        What to judge.

    Returns
    -------
    list of Verdict
        In the order of the gates.
    """
    verdicts = []
    for gate in gates:
        values = [
            record[gate.quantity]
            for record in results.get(gate.part, ())
            if _agrees(record, gate.where)
        ]
        verdicts.append(Verdict(gate, _deciding(gate, values)))
    return verdicts


def _agrees(record: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return all(
        record[field] in wanted
        if isinstance(wanted, tuple)
        else record[field] == wanted
        for field, wanted in where.items()
    )


def _deciding(gate: Gate, values: list[float]) -> float | None:
    if not values:
        return None
    if gate.mean:
        return float(np.exp(np.mean(np.log(values))))
    return min(values) if np.isfinite(gate.at_least) else max(values)
