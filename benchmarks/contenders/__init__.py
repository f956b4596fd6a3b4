"""Who takes part, and where. Each module has ``contender(problem) -> Contender``.

A module is imported when it is asked for, so that one package can be measured without the others.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from benchmarks.cases import BATCHED, DTYPES, SHAPES, VARIANTS, Problem, Shape


class Contender(NamedTuple):
    """A network that is ready to run on its problem.

    ``forward()`` and ``step()``, a forward pass alone and a training step, are what is timed;
    where one is None, it is not offered. ``outputs(result)`` reads the hidden states (T, B, H)
    from what `forward` returned, and ``grads(result)`` the gradients, in this package's
    ``Grads``, from what `step` returned; where they are None, something else is computed.
    """

    forward: Callable[[], Any] | None
    step: Callable[[], Any] | None
    outputs: Callable[[Any], Any] | None = None
    grads: Callable[[Any], Any] | None = None


class Entry(NamedTuple):
    """A contender's module, and the problems that it takes part in."""

    module: str
    variants: tuple[str, ...] = tuple(VARIANTS)
    dtypes: tuple[str, ...] = DTYPES
    shapes: tuple[Shape, ...] = SHAPES
    slow: bool = False

    def enters(self, variant: str, shape: Shape, dtype: str) -> bool:
        """Tell whether it takes part in a problem."""
        return (
            variant in self.variants
            and shape in self.shapes
            and dtype in self.dtypes
        )


OURS = "LSTM Lab"
LIMIT = "limit"
ENTRIES = {
    "PyTorch": Entry("pytorch"),
    "JAX scan": Entry("jax_scan"),
    "ONNX Runtime": Entry("onnx_runtime", dtypes=("float32",)),
    "HIPS autograd": Entry("hips_autograd", variants=("lstm",), slow=True),
    "one example at a time": Entry(
        "textbook",
        variants=("lstm",),
        shapes=(BATCHED[0], BATCHED[2]),
        slow=True,
    ),
    LIMIT: Entry("limit"),
}


def load(module: str, problem: Problem) -> Contender:
    """Return the contender of a module of this package, ready to run."""
    return import_module(f"{__name__}.{module}").contender(problem)
