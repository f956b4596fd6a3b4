"""Compare this package with PyTorch, JAX and ONNX Runtime, and store what the book's page shows.

Everything runs on one thread. On a processor with AVX-512, all is measured a second time with the
libraries kept from it.
"""

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks import measure
from benchmarks.contenders import CONTENDERS, Shape

RESULTS = Path(__file__).parents[1] / "src" / "lstm_lab" / "data" / "benchmarks.json"
ROUNDS = 9
SINGLE = Shape(1, 100, 4, 32)
BATCHES = (
    Shape(32, 100, 32, 64),
    Shape(64, 100, 64, 128),
    Shape(64, 50, 128, 256),
    Shape(16, 400, 32, 128),
)
LAYER = Shape(64, 400, 64, 128)  # whose memory is measured
TINY = Shape(2, 3, 4, 5)

ONE_THREAD = {
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NPROC": "1",  # of XLA
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
}
# Of glibc: memory that is free is not kept, where it would hide a part of the next peak.
GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": "131072"}


def without_avx512() -> dict[str, str]:
    """Return variables that keep all libraries but ONNX Runtime from AVX-512."""
    wide = measure.INSTRUCTION_SETS["AVX-512"]
    disabled = [group for group in measure.enabled() if group in wide or group.startswith("AVX512")]
    return {
        "NPY_DISABLE_CPU_FEATURES": " ".join(disabled),
        "OPENBLAS_CORETYPE": "Haswell",
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "XLA_FLAGS": f"{ONE_THREAD['XLA_FLAGS']} --xla_cpu_max_isa=AVX2",
    }


def fresh(
    function: Callable[..., Any], *arguments: Any, variables: Mapping[str, str] = ONE_THREAD
) -> Any:
    """Call a function in a new process: libraries read these variables when they are loaded."""
    context = multiprocessing.get_context("spawn")
    with (
        mock.patch.dict(os.environ, variables),
        ProcessPoolExecutor(1, mp_context=context) as executor,
    ):
        return executor.submit(function, *arguments).result()


def record(
    names: Sequence[str],
    rounds: int,
    shapes: Sequence[Shape] = (SINGLE, *BATCHES),
    layer: Shape = LAYER,
) -> dict[str, Any]:
    """Measure everything, and return it with what it depends on."""
    results = [fresh(measure.speed, names, shapes, rounds)]
    if results[0]["instructions"] == "AVX-512":
        limited = [name for name in names if CONTENDERS[name].limited]
        variables = ONE_THREAD | without_avx512()
        results.append(fresh(measure.speed, limited, shapes, rounds, variables=variables))
    linux = sys.platform == "linux"
    return {
        "machine": measure.machine(names),
        "rounds": rounds,
        "blas": {result["instructions"]: result["blas"] for result in results},
        "tasks": {name: CONTENDERS[name].task for name in names},
        "speed": [
            {"instructions": result["instructions"]} | line
            for result in results
            for line in result["records"]
        ],
        "memory": [memory(name, layer) for name in names if linux],
    }


def memory(name: str, layer: Shape) -> dict[str, Any]:
    """Return what a contender's LSTM and ours take at their peak, in bytes, and their ratio."""
    theirs, ours = (
        fresh(measure.peak, build, layer, TINY, variables=ONE_THREAD | GIVE_BACK)
        for build in CONTENDERS[name][:2]
    )
    return {
        "contender": name,
        "shape": list(layer),
        "theirs": theirs,
        "ours": ours,
        "ratio": theirs / ours,
    }


def write(path: Path, results: Mapping[str, Any]) -> None:
    """Write results as JSON, a record a line, with more digits than their noise deserves."""

    def line(value: Any) -> str:
        if isinstance(value, dict):
            value = {
                key: float(f"{v:.4g}") if isinstance(v, float) else v for key, v in value.items()
            }
        return json.dumps(value, ensure_ascii=False)

    parts = []
    for name, value in results.items():
        text = line(value)
        if isinstance(value, list):
            text = "[\n  " + ",\n  ".join(map(line, value)) + "\n ]"
        parts.append(f' "{name}": {text}')
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says, and write the results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=[*CONTENDERS])
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    complete = sys.platform == "linux" and {*options.contenders} == {*CONTENDERS}
    if options.output == RESULTS and not complete:
        parser.error(
            "the book shows all contenders, and their memory on Linux: choose another --output"
        )
    write(options.output, record(options.contenders, options.rounds))


if __name__ == "__main__":
    main()
