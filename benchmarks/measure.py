"""Time and memory of the contenders beside this package's, and what they depend on."""

import math
import os
import platform
import time
import timeit
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info
from tqdm import tqdm

from benchmarks.contenders import CONTENDERS, NETWORKS, Shape, draw
from lstm_lab.numerics import Array

SAMPLE = 0.02  # seconds; a shorter function is called several times
# Relative to the norm of an array: rounding of sums over up to 400 steps, forward and back.
TOLERANCE = {"float32": 1e-4, "float64": 1e-12}
INSTRUCTION_SETS = {"AVX-512": {"X86_V4", "AVX512F"}, "AVX2": {"X86_V3", "AVX2"}}


def speed(names: Iterable[str], shapes: Sequence[Shape], rounds: int) -> dict[str, Any]:
    """Return what NumPy uses in this process, and ``records`` of networks, dtypes and shapes.

    A record is made once the results agree. ``ours`` is the median of our seconds for one call;
    ``ratio``, ``low`` and ``high`` are those of `compare`.
    """
    rng, records = np.random.default_rng(0), []
    problems = [
        (network, dtype, shape) for network in NETWORKS for dtype in TOLERANCE for shape in shapes
    ]
    for network, dtype, shape in tqdm(problems, disable=None):
        problem = draw(network, shape, dtype)
        entrants = {name: CONTENDERS[name] for name in names if dtype in CONTENDERS[name].dtypes}
        functions = {
            build: build(problem) for entrant in entrants.values() for build in entrant[:2]
        }
        for name, (theirs, ours, *_) in entrants.items():
            check(
                f"{name}, {network}, {dtype}",
                functions[theirs](),
                functions[ours](),
                direct=1 + len(problem.states),
            )
        seconds = interleave(functions, rounds, rng=rng)
        records += [
            {
                "contender": name,
                "network": network,
                "dtype": dtype,
                "shape": list(shape),
                "ours": float(np.median(seconds[ours])),
            }
            | compare(seconds[theirs], seconds[ours])
            for name, (theirs, ours, *_) in entrants.items()
        ]
    return {"instructions": instructions(), "blas": blas(), "records": records}


def check(name: str, theirs: Sequence[Any], ours: Sequence[Any], *, direct: int) -> None:
    """Raise a ValueError unless two results agree.

    The first `direct` arrays are compared entry by entry. Those behind are gradients of weights,
    for which each library has its own order and signs: the magnitudes of all matrices are compared.
    """
    pairs = [
        (np.asarray(a), np.asarray(b)) for a, b in zip(theirs[:direct], ours[:direct], strict=True)
    ]
    matrices = (
        [np.ravel(array) for array in arrays[direct:] if np.ndim(array) == 2]
        for arrays in (theirs, ours)
    )
    magnitudes = [np.sort(np.abs(np.concatenate(m))) for m in matrices if m]
    for a, b in [*pairs, *([magnitudes] if magnitudes else [])]:
        error = np.linalg.norm(a - b) / np.linalg.norm(b)
        if a.dtype != b.dtype or not error < TOLERANCE[b.dtype.name]:
            raise ValueError(
                f"{name}: {a.dtype} with the relative error {error:.1e}, expected {b.dtype}"
            )


def interleave(
    functions: Mapping[Any, Callable[[], Any]], rounds: int, *, rng: np.random.Generator
) -> dict[Any, Array]:
    """Return the seconds of one call (rounds,) of each function.

    A round times every function, in a random order, so that a slow moment of the machine affects
    all of them. What counts is the processor time of all threads.
    """
    timers = {
        name: timeit.Timer(function, timer=time.process_time)
        for name, function in functions.items()
    }
    calls = {n: math.ceil(SAMPLE / t.timeit(1)) for n, t in timers.items()}
    seconds = {name: np.empty(rounds) for name in functions}
    names = list(functions)
    for n in range(rounds):
        for k in rng.permutation(len(names)):
            name = names[k]
            seconds[name][n] = timers[name].timeit(calls[name]) / calls[name]
    return seconds


def compare(theirs: Array, ours: Array) -> dict[str, float]:
    """Return the median ``ratio`` of theirs to ours in a round, and the quartiles around it."""
    quartiles = np.quantile(theirs / ours, [0.5, 0.25, 0.75])
    return dict(zip(("ratio", "low", "high"), map(float, quartiles), strict=True))


# --- Memory ---


def peak(build: Callable[..., Any], shape: Shape, tiny: Shape) -> int:
    """Return by how many bytes one call raises the memory of this process at its peak (Linux).

    `build` is a contender's function, or one of ours; a call at the shape `tiny` loads the library.
    """
    build(draw("LSTM", tiny, "float32"))()
    function = build(draw("LSTM", shape, "float32"))
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts here
    before = _highest()
    result = function()
    after = _highest()
    del result
    return after - before


def _highest() -> int:
    status = Path("/proc/self/status").read_text()
    _, _, rest = status.partition("VmHWM:")
    return int(rest.split()[0]) * 1024


# --- The machine ---


def enabled() -> list[str]:
    """Return the groups of instructions that NumPy uses in this process, the widest last."""
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    return [*simd["baseline"], *simd.get("found", [])]


def instructions() -> str:
    """Return the name of the widest instruction set that NumPy uses in this process."""
    groups = enabled()
    for name, members in INSTRUCTION_SETS.items():
        if members & {*groups}:
            return name
    return ", ".join(groups[-1:])


def blas() -> str:
    """Return NumPy's library of linear algebra, and the kernel that it chose."""
    pools = (pool for pool in threadpool_info() if pool["user_api"] == "blas")
    return ", ".join(
        f"{pool['internal_api']} {pool['version']}, kernel {pool['architecture']}"
        for pool in pools
        if "numpy" in pool["filepath"]
    )


def machine(names: Iterable[str]) -> dict[str, Any]:
    """Return what the results depend on besides the instructions."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line for line in lines if line.startswith("model name")]
    cpu = models[0].partition(": ")[2] if models else platform.processor()
    packages = ["numpy", *(CONTENDERS[name].package for name in names)]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {package: version(package) for package in packages},
    }
