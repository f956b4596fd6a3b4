"""Everything that decides a training run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from lstm_lab import checks, optim
from lstm_lab.tasks import Batch


class Task(Protocol):
    """Protocol of ``tasks.adding`` and of any task of your own."""

    def __call__(
        self,
        T: int,
        B: int,
        /,
        *,
        rng: np.random.Generator,
        dtype: DTypeLike = ...,
    ) -> Batch:
        """Draw a batch."""


_EXAMPLES = {
    "task": "tasks.adding",
    "optimizer": "optim.Adam",
    "start": "lstm.init",
}


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that decides a training run.

    Parameters
    ----------
    task : callable
        Draws a batch, such as ``tasks.adding``.
    T : int
        The task's first argument: most often the length of the sequences, in steps.
    H : int
        Hidden size.
    batch_size : int
        Sequences in a batch; each batch is a new draw.
    steps : int
        Updates of the parameters, at most.
    optimizer : callable
        ``optimizer(learning_rate)`` returns an optimizer: a class of ``optim``, or a
        ``functools.partial`` of one.
    learning_rate : float
        Its step size.
    clip : float or None
        Norm to which larger gradients are clipped; None leaves them as they are.
    start : callable or None
        ``start(D, H, *, rng) -> Params`` draws the first parameters of the layer, such as
        what ``initialization.start`` returns; None stands for ``arch.init``.
    criterion : float or None
        Training stops as soon as the mean of the last `window` losses is below this.
    window : int
        The number of losses in that mean.
    evaluate_every : int
        Updates between two evaluations on the held-out batch.
    held_out_size : int
        Sequences in the held-out batch, which stays the same.
    dtype : dtype
        float64 or float32.
    seed : int
        Seed of the one generator. The first parameters, the batches and the held-out batch
        come from three children of it, so that a change of one leaves the others.
    """

    task: Task
    T: int
    H: int = 32
    batch_size: int = 32
    steps: int = 1000
    optimizer: Callable[[float], optim.Optimizer] = optim.Adam
    learning_rate: float = 1e-3
    clip: float | None = 1.0
    start: Callable[..., Any] | None = None
    criterion: float | None = None
    window: int = 20
    evaluate_every: int = 100
    held_out_size: int = 1000
    dtype: DTypeLike = "float64"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("task", "optimizer", "start"):
            value = getattr(self, name)
            if not (callable(value) or (name == "start" and value is None)):
                raise TypeError(
                    f"{name} must be a function or a class, such as {_EXAMPLES[name]},"
                    f" got {value!r}"
                )
        # Plain numbers: NumPy's float64 would make float64 of float32.
        for name in (
            *("T", "H", "batch_size", "steps"),
            *("window", "evaluate_every", "held_out_size"),
        ):
            self._store(name, checks.positive_int(name, getattr(self, name)))
        rate = checks.positive_number("learning_rate", self.learning_rate)
        self._store("learning_rate", rate)
        if self.clip is not None:
            self._store("clip", checks.positive_number("clip", self.clip))
        if self.criterion is not None:
            criterion = checks.finite_number("criterion", self.criterion)
            self._store("criterion", criterion)
        self.optimizer(rate)  # says itself what is wrong
        checks.float_dtype("dtype", self.dtype)
        self._store("seed", checks.seed(self.seed))

    def _store(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
