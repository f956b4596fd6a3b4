"""The training loop: draw a batch, follow its gradient, keep a record."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray
from tqdm import tqdm

from lstm_lab import checks, optim
from lstm_lab.numerics import Array


@dataclass(frozen=True, kw_only=True)
class Config:
    """How a model is trained; a value that is not possible is refused by name.

    Parameters
    ----------
    batch_size : int
        Examples in a batch; each batch is new.
    steps : int
        Updates of the parameters, at most.
    optimizer : callable
        ``optimizer(learning_rate)`` returns an optimizer: a class of ``optim``, or a
        ``functools.partial`` of one.
    learning_rate : float
        Its step size.
    clip : float or None
        Norm to which longer gradients are shortened; None leaves them as they are.
    criterion, window : float or None, int
        Training stops as soon as the mean of the last `window` losses is below the criterion.
    evaluate_every : int
        Updates between two evaluations on held-out examples.
    dtype : dtype
        float64 or float32.
    seed : int
        Of all draws. Parameters, batches and held-out examples come from different children of
        one generator, so that a change of one leaves the others.
    """

    batch_size: int = 32
    steps: int = 1000
    optimizer: Callable[[float], optim.Optimizer] = optim.Adam
    learning_rate: float = 1e-3
    clip: float | None = 1.0
    criterion: float | None = None
    window: int = 20
    evaluate_every: int = 100
    dtype: DTypeLike = "float64"
    seed: int = 0

    def __post_init__(self) -> None:
        sizes = ("batch_size", "steps", "window", "evaluate_every")
        checks.fields(self, checks.positive_int, *sizes)
        checks.fields(self, checks.positive_number, "learning_rate")
        if self.clip is not None:
            checks.fields(self, checks.positive_number, "clip")
        if self.criterion is not None:
            checks.fields(self, checks.finite_number, "criterion")
        checks.fields(self, checks.float_dtype, "dtype")
        checks.fields(self, lambda _, seed: checks.seed(seed), "seed")
        checks.function("optimizer", self.optimizer, "optim.Adam")
        made = self.optimizer(self.learning_rate)
        if not hasattr(made, "step"):
            raise TypeError(f"optimizer must make an optimizer, got {made!r}")


class _Bar(tqdm):  # type: ignore[type-arg]
    monitor_interval = 0  # no thread, which a browser does not have


class Evaluation(NamedTuple):
    """The number of updates before an evaluation, and the loss on held-out examples."""

    step: int
    loss: float


@dataclass(frozen=True, repr=False, eq=False)
class Run:
    """The record of a training run: its results, and the configuration behind them.

    Attributes
    ----------
    cell : str
        Name of the cell.
    config : Config
        With the seed.
    initial, final : trees of ndarrays
        All parameters before and after.
    losses, grad_norms : ndarrays of shape (steps,)
        Of each batch, at the parameters before the update; norms before clipping.
    evaluations : tuple of Evaluation
        Before the first update, every ``config.evaluate_every`` updates, and at the end.
    interrupted : bool
        Whether a KeyboardInterrupt ended it, after a whole number of updates.
    """

    cell: str
    config: Config
    initial: Any
    final: Any
    losses: Array
    grad_norms: Array
    evaluations: tuple[Any, ...]
    interrupted: bool = False

    @property
    def steps(self) -> int:
        """The number of updates."""
        return len(self.losses)

    @property
    def reached(self) -> bool:
        """Whether the criterion was met; False if there is none."""
        return _meets_criterion(self.config, self.losses)

    @property
    def evaluated(self) -> NDArray[np.int_]:
        """The number of updates before each evaluation."""
        return np.array([found.step for found in self.evaluations])

    @property
    def held_out(self) -> Array:
        """The loss of each evaluation."""
        return np.array([found.loss for found in self.evaluations])

    def complete(self) -> "Run":
        """Return the run, if it came to its end; raise the KeyboardInterrupt again if not."""
        if self.interrupted:
            raise KeyboardInterrupt
        return self

    def __repr__(self) -> str:
        ends = [f"{loss:.4g}" for loss in self.held_out]
        return (
            f"Run of {self.cell}, seed {self.config.seed}: {self.steps} of at most"
            f" {self.config.steps} updates{', interrupted' * self.interrupted},"
            f" held-out loss {' to '.join(ends[:1] + ends[1:][-1:])}"
        )


def train(
    cell: str,
    config: Config,
    initial: Any,
    draw: Callable[[], Any],
    loss_and_grads: Callable[[Any, Any], tuple[float, Any]],
    evaluate: Callable[[int, Any], Any],
) -> Run:
    """Train a model of any kind, and return the record of the run.

    A progress bar is shown on a terminal and in an open notebook.

    Parameters
    ----------
    cell, config, initial : str, Config, tree of ndarrays
        Name of the model's cell, how it is trained, and its first parameters.
    draw, loss_and_grads, evaluate : callables
        ``draw()`` returns a new batch, ``loss_and_grads(params, batch)`` the loss and its gradient
        and ``evaluate(step, params)`` an `Evaluation`, or another NamedTuple that begins like it.

    Returns
    -------
    Run
        The record; after a KeyboardInterrupt, that of the updates before it.

    Raises
    ------
    FloatingPointError
        If a loss, a gradient or a parameter becomes NaN or infinite; it names the step.
    """
    optimizer = config.optimizer(config.learning_rate)
    params, state, step = initial, optimizer.init(initial), 0
    losses, norms, evaluations = list[float](), list[float](), list[Any]()
    interrupted = False
    # A server sets the variable for the kernel of an open notebook; what executes the pages of
    # a book starts its kernels without.
    is_watched = sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ
    bar = _Bar(total=config.steps, unit="update", leave=False, disable=not is_watched)
    try:
        # Overflow is found at once, with a message that names the step.
        with np.errstate(over="ignore", invalid="ignore"), bar:
            while True:
                done = step == config.steps or _meets_criterion(config, losses)
                if done or step % config.evaluate_every == 0:
                    evaluations.append(evaluate(step, params))
                    _require_finite("held-out loss", evaluations[-1].loss)
                if done:
                    break
                loss, grads = loss_and_grads(params, draw())
                _require_finite("loss", loss)
                losses.append(loss)
                if config.clip is None:
                    norm = optim.global_norm(grads)
                else:
                    grads, norm = optim.clip_by_global_norm(grads, config.clip)
                _require_finite("gradient's norm", norm)
                norms.append(norm)
                updated = optimizer.step(params, grads, state)
                new_norm = optim.global_norm(updated[0])
                _require_finite("new parameters' norm", new_norm)
                # Together, so that an interruption finds a whole update.
                (params, state), step = updated, step + 1
                bar.set_postfix_str(f"loss {loss:.3g}", refresh=False)
                bar.update()
    except KeyboardInterrupt:
        interrupted = True
    except FloatingPointError as error:
        raise FloatingPointError(
            f"training diverged in step {step}, counted from 0: {error}; the last"
            f" finite losses are {np.array(losses[-3:])}"
        ) from error
    return Run(
        cell,
        config,
        initial,
        params,
        np.array(losses[:step]),
        np.array(norms[:step]),
        tuple(evaluations),
        interrupted,
    )


def _require_finite(name: str, value: float) -> None:
    if not np.isfinite(value):
        raise FloatingPointError(f"the {name} is {value}")


def _meets_criterion(config: Config, losses: Sequence[float] | Array) -> bool:
    """Return whether the mean of the last losses is below the criterion, if there is one."""
    return (
        config.criterion is not None
        and len(losses) >= config.window
        and bool(np.mean(losses[-config.window :]) < config.criterion)
    )
