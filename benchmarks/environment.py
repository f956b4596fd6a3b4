"""The machine and the libraries, and processes with a fixed number of threads."""

import multiprocessing
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from threadpoolctl import threadpool_info

CHOICES = (
    "ATEN_CPU_CAPABILITY",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
)
"""Variables by which a shell can keep one library, and not the others, from a processor's
instructions. They are taken away: each library chooses for itself."""
PACKAGES = ("numpy", "torch", "jax", "onnxruntime", "autograd")
Result = TypeVar("Result")


def variables(threads: int) -> dict[str, str]:
    """Return the environment variables that limit all contenders to a number of threads."""
    libraries = ("MKL", "NUMEXPR", "OMP", "OPENBLAS", "VECLIB_MAXIMUM")
    limits = {f"{library}_NUM_THREADS": str(threads) for library in libraries}
    eigen = "true" if threads > 1 else "false"
    return limits | {
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={eigen}",
        "NPROC": str(threads),  # the size of XLA's pool
        "JAX_PLATFORMS": "cpu",
    }


def fresh(
    function: Callable[..., Result], *arguments: Any, threads: int = 1
) -> Result:
    """Call a function in a new process that has the given number of threads.

    Libraries read the number when they are loaded, so it must be set before. None of `CHOICES`
    is set there.

    Parameters
    ----------
    function : callable
        A function of a module.
    *arguments
        What it takes.
    threads : int
        For every library in the process.

    Returns
    -------
    object
        What the function returned.
    """
    context = multiprocessing.get_context("spawn")
    with (
        _environment(variables(threads)),
        ProcessPoolExecutor(1, mp_context=context) as executor,
    ):
        return executor.submit(function, *arguments).result()


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    for name in CHOICES:
        os.environ.pop(name, None)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def describe() -> dict[str, Any]:
    """Return what a result depends on: processor, instructions, libraries, versions, date."""
    blas = [
        f"{pool['internal_api']} {pool['version']} ({pool['architecture']})"
        for pool in threadpool_info()
        if pool["user_api"] == "blas" and "numpy" in pool["filepath"]
    ]
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy_simd": [*simd["baseline"], *simd.get("found", [])],
        "blas": blas,
        "versions": {name: version(name) for name in PACKAGES},
    }


def processor() -> str:
    """Return the model of the processor, as the system names it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line for line in lines if line.startswith("model name")]
    return (
        models[0].partition(":")[2].strip() if models else platform.processor()
    )
