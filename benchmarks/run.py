"""Measure this package beside other implementations, and write what the book's appendix shows.

Each part runs in processes of its own with a fixed number of threads. The exit code is 1 if a
bound of benchmarks/gates.py is missed. A run that is restricted by an option writes nothing
unless --output says where.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tabulate import tabulate

from benchmarks import gates, memory, speed, techniques, training
from benchmarks.cases import SHAPES
from benchmarks.contenders import ENTRIES
from benchmarks.environment import describe, fresh

RESULTS = (
    Path(__file__).parents[1] / "src" / "lstm_lab" / "data" / "benchmarks.json"
)
PARTS = ("speed", "two-threads", "memory", "techniques", "training")
ROUNDS = 9
DIGITS = 4  # significant ones, of all results


def main(arguments: Sequence[str]) -> int:
    """Run what the command line asks for.

    Parameters
    ----------
    arguments : sequence of str
        Without the name of the program.

    Returns
    -------
    int
        The exit code: 1 if a bound is missed.
    """
    options = _options(arguments)
    parts = options.only or PARTS
    shapes = tuple(SHAPES[n] for n in options.shapes or range(len(SHAPES)))
    results = {part: _measure(part, options, shapes) for part in parts}
    record = {"environment": fresh(describe) | _settings(options)}
    record |= {part: _rounded(results[part]) for part in parts}
    for part in parts:
        print(f"\n{part}\n\n{_table(record[part])}")
    verdicts = gates.judge(record)
    print(f"\n{_verdicts(verdicts)}")
    partial = (
        options.only or options.shapes or options.contenders or options.quick
    )
    output = options.output or (None if partial else RESULTS)
    if output:
        write(output, record)
    judged = [
        verdict
        for verdict in verdicts
        if not partial or verdict.value is not None
    ]
    return int(not all(verdict.passed for verdict in judged))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description=__doc__
    )
    parser.add_argument(
        "--rounds", type=_positive, help=f"samples of each time ({ROUNDS})"
    )
    parser.add_argument(
        "--shapes",
        type=int,
        nargs="+",
        choices=range(len(SHAPES)),
        help=", ".join(f"{n}: {tuple(s)}" for n, s in enumerate(SHAPES))
        + ", each (B, T, D, H)",
    )
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, help="parts to run (all)"
    )
    parser.add_argument(
        "--contenders",
        nargs="+",
        choices=ENTRIES,
        help="whom to time (all)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="3 rounds of short samples"
    )
    parser.add_argument(
        "--output", type=Path, help="file for the results (the book's)"
    )
    options = parser.parse_args(arguments)
    options.rounds = options.rounds or (3 if options.quick else ROUNDS)
    options.at_least = 0.005 if options.quick else 0.02
    return options


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text!r}")
    return int(text)


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "rounds": options.rounds,
        "seconds_of_a_sample": options.at_least,
    }


def _measure(
    part: str, options: argparse.Namespace, shapes: tuple[speed.Shape, ...]
) -> list[dict[str, Any]]:
    if part in ("speed", "two-threads"):
        threads = 1 if part == "speed" else 2
        plan = speed.Plan(
            rounds=options.rounds // (1 if threads == 1 else speed.SLOW) or 1,
            threads=threads,
            shapes=shapes,
            contenders=(options.contenders or tuple(ENTRIES))
            if threads == 1
            else ("PyTorch",),
            at_least=options.at_least,
        )
        return fresh(speed.measure, plan, threads=threads)
    if part == "memory":
        return memory.measure()
    if part == "techniques":
        return fresh(
            techniques.measure, options.rounds, shapes, options.at_least
        )
    return fresh(training.measure)


def _rounded(value: Any) -> Any:
    """Return results with floats to a few digits, which is more than their noise deserves."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return (
        [_rounded(inner) for inner in value]
        if isinstance(value, list)
        else value
    )


def _table(records: list[dict[str, Any]]) -> str:
    return tabulate(records, headers="keys", tablefmt="github")


def _verdicts(verdicts: list[gates.Verdict]) -> str:
    rows = [
        (
            gate.name,
            f"≥ {gate.at_least}"
            if gate.at_most == float("inf")
            else f"≤ {gate.at_most}",
            "" if value is None else f"{value:.3g}",
            "not measured"
            if value is None
            else ("PASS" if verdict.passed else "FAIL"),
        )
        for verdict in verdicts
        for gate, value in [verdict]
    ]
    return tabulate(
        rows,
        ("bound", "required", "measured", ""),
        "github",
        disable_numparse=True,
    )


def write(path: Path, record: Mapping[str, Any]) -> None:
    """Write results as JSON, one record a line, so that a later change shows what moved.

    Parameters
    ----------
    path : Path
        The file.
    record : mapping of str to dict or list
        The environment, and lists of records by part.
    """
    parts = []
    for name, value in record.items():
        if isinstance(value, list):
            lines = ",\n".join(
                f"  {json.dumps(line, ensure_ascii=False)}" for line in value
            )
            text = f"[\n{lines}\n ]"
        else:
            text = json.dumps(value, ensure_ascii=False)
        parts.append(f" {json.dumps(name)}: {text}")
    body = ",\n".join(parts)
    path.write_text(f"{{\n{body}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
