"""Memory: what is kept for the backward pass, peaks, and how both grow with the length.

NumPy's arrays are counted by ``tracemalloc``, PyTorch's saved tensors by its own hooks. Peaks
of the two are compared as what the system gave to processes that did nothing else (Linux only).
"""

import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import DTYPES, VARIANTS, Problem, Shape, draw
from benchmarks.contenders import ENTRIES, OURS, load
from benchmarks.environment import fresh
from lstm_lab import gradient_checkpointing

LAYER = Shape(64, 400, 64, 128)
LONG = Shape(4, 10_000, 8, 32)
TINY = Shape(2, 3, 4, 5)

HELD = "held for the backward pass"
PEAK = "peak of a training step"
PEAK_RATIO = "peak of a training step, PyTorch's over ours"
INFERENCE = "inference, beyond its output"
CHECKPOINTED = "checkpointing, beyond gradients"
GROWTH = "checkpointing, growth from T to 4T"
CHECKPOINT_TIME = "checkpointing, time over that of plain backpropagation"


def measure(layer: Shape = LAYER, long: Shape = LONG) -> list[dict[str, Any]]:
    """Measure all quantities of this module, each in a process of its own.

    Parameters
    ----------
    layer : Shape
        Sizes for what is held, for peaks and for inference.
    long : Shape
        Sizes for checkpointing.

    Returns
    -------
    list of dict
        Records of ``quantity``, ``variant``, ``dtype``, ``contender``, ``unit`` and ``value``.
    """
    records = []
    for variant in VARIANTS:
        for dtype in DTYPES:
            where = {"variant": variant, "dtype": dtype}
            for quantity, contender, unit, value in _of_a_layer(
                variant, layer, dtype
            ):
                records.append(
                    where
                    | {
                        "quantity": quantity,
                        "contender": contender,
                        "unit": unit,
                        "value": value,
                    }
                )
        records += [
            {
                "variant": variant,
                "dtype": "float32",
                "quantity": quantity,
                "contender": OURS,
                "unit": unit,
                "value": value,
            }
            for quantity, unit, value in _of_checkpoints(variant, long)
        ]
    return records


def _of_a_layer(
    variant: str, shape: Shape, dtype: str
) -> Iterator[tuple[str, str, str, float]]:
    """Yield quantity, contender, unit and value of one layer."""
    B, T, _, H = shape
    unit = B * T * H * np.dtype(dtype).itemsize
    per_unit = "numbers per T·B·H"
    arguments = (variant, shape, dtype)
    yield HELD, OURS, per_unit, fresh(held_by_us, *arguments) / unit
    yield HELD, "PyTorch", per_unit, fresh(held_by_torch, *arguments) / unit
    peaks = {
        OURS: fresh(peak_of_step, "ours", *arguments),
        "PyTorch": fresh(peak_of_step, ENTRIES["PyTorch"].module, *arguments),
    }
    for name, peak in peaks.items():
        yield PEAK, name, per_unit, peak / unit
    yield PEAK_RATIO, "PyTorch", "ratio", peaks["PyTorch"] / peaks[OURS]
    for factor in (1, 2):
        longer = shape._replace(T=factor * T)
        extra = fresh(extra_of_inference, variant, longer, dtype)
        yield (
            INFERENCE,
            OURS,
            f"numbers per B·H at T = {longer.T}",
            extra / (unit / T),
        )


def _of_checkpoints(
    variant: str, shape: Shape
) -> Iterator[tuple[str, str, float]]:
    """Yield quantity, unit and value of checkpointing, at a length and four times it."""
    unit = shape.B * shape.H * 4
    extras = []
    for factor in (1, 4):
        longer = shape._replace(T=factor * shape.T)
        extras.append(fresh(extra_of_checkpointing, variant, longer))
        label = f"numbers per B·H at T = {longer.T}"
        yield CHECKPOINTED, label, extras[-1] / unit
    yield GROWTH, "ratio", extras[1] / extras[0]
    yield CHECKPOINT_TIME, "ratio", fresh(time_of_checkpointing, variant, shape)


def held_by_us(variant: str, shape: Shape, dtype: str) -> int:
    """Return the bytes that a forward pass leaves for the backward pass.

    Parameters
    ----------
    variant : str
        A key of `cases.VARIANTS`.
    shape : Shape
        The sizes.
    dtype : str
        float32 or float64.

    Returns
    -------
    int
        Bytes, beyond the arguments.
    """
    problem = draw(variant, shape, dtype)
    kept, _ = traced(
        lambda: problem.arch.forward(problem.params, problem.x, *problem.states)
    )
    return kept


def held_by_torch(variant: str, shape: Shape, dtype: str) -> int:
    """Return the bytes of the tensors that PyTorch's forward pass saves, and of its output.

    Parameters
    ----------
    variant, shape, dtype
        As in `held_by_us`.

    Returns
    -------
    int
        Bytes of all storages but those of the arguments and parameters.
    """
    import torch

    from benchmarks.contenders import pytorch

    problem = draw(variant, shape, dtype)
    network = pytorch.layer(problem)
    x, *states = (
        torch.from_numpy(array).requires_grad_()
        for array in (problem.x, *problem.states)
    )
    first = tuple(state[None] for state in states)
    given = {
        tensor.untyped_storage().data_ptr()
        for tensor in (*network.parameters(), x, *first)
    }
    held = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = network(x, first if len(first) > 1 else first[0])
    keep(output[0])
    return sum(
        storage.nbytes()
        for address, storage in held.items()
        if address not in given
    )


def peak_of_step(module: str, variant: str, shape: Shape, dtype: str) -> int:
    """Return how far a training step raises the process's resident memory at its peak.

    Parameters
    ----------
    module : str
        Of `contenders`.
    variant, shape, dtype
        As in `held_by_us`.

    Returns
    -------
    int
        Bytes, from before the step to the highest moment; gradients included.
    """
    load(module, draw(variant, TINY, dtype)).step()  # loads what is loaded late
    contender = load(module, draw(variant, shape, dtype))
    before = resident("VmRSS")
    result = contender.step()
    peak = resident("VmHWM") - before
    del result
    return peak


def resident(field: str) -> int:
    """Return this process's resident memory in bytes, as Linux reports it.

    Parameters
    ----------
    field : {"VmRSS", "VmHWM"}
        Now, or at its highest since the process started.

    Returns
    -------
    int
        Bytes.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name == field:
            return int(rest.removesuffix("kB")) * 1024
    raise ValueError(f"field must be in /proc/self/status, got {field!r}")


def extra_of_inference(variant: str, shape: Shape, dtype: str) -> int:
    """Return the bytes that inference takes at its peak beyond the hidden states it returns.

    Parameters
    ----------
    variant, shape, dtype
        As in `held_by_us`.

    Returns
    -------
    int
        Bytes.
    """
    problem = draw(variant, shape, dtype)
    output = problem.dh.nbytes
    _, peak = traced(
        lambda: problem.arch.infer(problem.params, problem.x, *problem.states)
    )
    return peak - output


def extra_of_checkpointing(variant: str, shape: Shape) -> int:
    """Return the bytes that a checkpointed training step takes beyond the gradients it returns.

    Parameters
    ----------
    variant, shape
        As in `held_by_us`.

    Returns
    -------
    int
        Bytes at the peak, in float32.
    """
    problem = draw(variant, shape, "float32")
    _, peak = traced(lambda: checkpointed(problem))
    return peak - problem.x.nbytes


def time_of_checkpointing(variant: str, shape: Shape) -> float:
    """Return the time of a checkpointed training step over that of a plain one.

    Parameters
    ----------
    variant, shape
        As in `held_by_us`.

    Returns
    -------
    float
        The ratio.

    Raises
    ------
    ValueError
        If the gradients of inputs and initial states are not the same to the bit.
    """
    problem = draw(variant, shape, "float32")
    seconds, results = [], []
    for step in (load("ours", problem).step, lambda: checkpointed(problem)):
        start = time.perf_counter()
        results.append(step())
        seconds.append(time.perf_counter() - start)
    for name in problem.arch.Grads._fields[1:]:
        plain, again = (getattr(grads, name) for grads in results)
        if not np.array_equal(plain, again):
            raise ValueError(
                f"d{name} of {variant} must be the same with checkpoints, and differs"
            )
    return seconds[1] / seconds[0]


def checkpointed(problem: Problem) -> Any:
    """Return the gradients of a training step that keeps only checkpoints.

    Parameters
    ----------
    problem : Problem
        The network and what it is given.

    Returns
    -------
    Grads
        As ``backward`` returns them.
    """
    _, arch, params, x, states, dh = problem
    checkpoints = gradient_checkpointing.forward(arch, params, x, *states)
    return gradient_checkpointing.backward(arch, params, checkpoints, dh)


def traced(function: Callable[[], Any]) -> tuple[int, int]:
    """Return the bytes that a call leaves allocated, and those at its peak.

    Parameters
    ----------
    function : callable
        What to call; what it returns is kept until both are read.

    Returns
    -------
    kept, peak : int
        Bytes beyond those allocated before.
    """
    tracemalloc.start()
    try:
        result = function()
        kept, peak = tracemalloc.get_traced_memory()
        del result
    finally:
        tracemalloc.stop()
    return kept, peak
