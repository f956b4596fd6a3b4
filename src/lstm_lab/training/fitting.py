"""Training a network on a task: a configuration in, a record out.

An experiment returns a frozen record with the configuration and the seed that made it; it draws
nothing, and prints nothing but a bar for who is watching.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lstm_lab import checkpoints, checks, optim
from lstm_lab.architecture import Architecture
from lstm_lab.checkpoints import CheckpointError
from lstm_lab.numerics import Array
from lstm_lab.tasks import Batch
from lstm_lab.training.configuration import Config, describe
from lstm_lab.training.model import Model, init, loss, loss_and_grads
from lstm_lab.training.runs import Run, meets_criterion


def fit(
    arch: Architecture,
    config: Config,
    *,
    progress: bool | None = None,
    checkpoint: checkpoints.File | None = None,
    checkpoint_every: int = 100,
) -> Run:
    """Train a model on fresh batches, and return the record of it.

    The same architecture and configuration give the same run, also where it is continued from a
    checkpoint. Who interrupts it (``KeyboardInterrupt``) gets the run so far.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    config : Config
        All else that decides the run.
    progress : bool, optional
        Whether to show a progress bar; where it is None, whether someone is watching: on a
        terminal, or in a notebook that is open. A page that is executed shows none.
    checkpoint : path-like, optional
        A file to continue from, if it exists, and to write to: every `checkpoint_every` updates
        and at the end. It must be of this architecture and configuration, but ``steps`` may
        be others, if not fewer than were done.
    checkpoint_every : int
        Updates between two checkpoints.

    Returns
    -------
    Run
        Losses, gradient norms, held-out losses, the first and the last model.

    Raises
    ------
    FloatingPointError
        If a loss, a gradient or a parameter becomes NaN or infinite; the message names the step
        and the last finite loss.
    CheckpointError
        If the checkpoint is damaged, or of another run; the message names what differs.
    TypeError
        If there is to be a checkpoint, and `config` has a part that `describe` refuses.
    """
    checks.positive_int("checkpoint_every", checkpoint_every)
    init_rng, rng, held_out_rng = np.random.default_rng(config.seed).spawn(3)
    held_out_batch = _draw(config, config.held_out_size, held_out_rng)
    initial = init(
        config.start or arch.init,
        held_out_batch.x.shape[-1],
        config.H,
        held_out_batch.outputs,
        rng=init_rng,
        dtype=config.dtype,
    )
    optimizer = config.optimizer(config.learning_rate)
    at = _Point(0, initial, optimizer.init(initial), rng.bit_generator.state)
    history = _History([], [], {})
    about: dict[str, Any] = {}
    if checkpoint is not None:
        about = {"architecture": arch.__name__, **describe(config)}
        if Path(checkpoint).exists():
            at, history = _resume(checkpoint, about, at, config, rng)

    def evaluate() -> None:
        held_out = loss(arch, at.model, held_out_batch)
        _check_finite("held-out loss", held_out, at.step, history.losses)
        history.held_out[at.step] = held_out

    def write() -> None:
        if checkpoint is not None:
            stored = _stored(at, history, config)
            place = {"step": at.step, "rng": at.rng}
            checkpoints.save(checkpoint, stored, **about, **place)

    interrupted = False
    try:
        # What overflows is found at once, and said in other words than NumPy's.
        with (
            np.errstate(over="ignore", invalid="ignore"),
            _bar(progress, config, at.step) as advance,
        ):
            while at.step < config.steps and not meets_criterion(
                config, history.losses
            ):
                if at.step % config.evaluate_every == 0:
                    evaluate()
                batch = _draw(config, config.batch_size, rng)
                model, state = _update(
                    arch, config, optimizer, at, batch, history
                )
                # An interruption finds the last whole update, or this one.
                at = _Point(at.step + 1, model, state, rng.bit_generator.state)
                advance(history.losses[-1])
                if at.step % checkpoint_every == 0:
                    write()
            evaluate()
    except KeyboardInterrupt:
        interrupted = True
    write()
    return Run(
        arch.__name__.rpartition(".")[-1],
        config,
        initial,
        at.model,
        np.array(history.losses[: at.step]),
        np.array(history.grad_norms[: at.step]),
        np.array(list(history.held_out.values())),
        np.array(list(history.held_out), int),
        interrupted,
    )


class _Point(NamedTuple):
    """Where training stands after a whole number of updates."""

    step: int
    model: Model
    optimizer: Any
    rng: Any


class _History(NamedTuple):
    """What was measured so far; of an update that was interrupted, perhaps one loss more."""

    losses: list[float]
    grad_norms: list[float]
    held_out: dict[int, float]


class _Stored(NamedTuple):
    """The arrays of a checkpoint."""

    model: Model
    optimizer: Any
    losses: Array
    grad_norms: Array
    held_out: Array


def _update(
    arch: Architecture,
    config: Config,
    optimizer: optim.Optimizer,
    at: _Point,
    batch: Batch,
    history: _History,
) -> tuple[Model, Any]:
    """Return the model and the optimizer's state after one update, and note loss and norm."""

    def check(name: str, value: float) -> None:
        _check_finite(name, value, at.step, history.losses)

    batch_loss, grads = loss_and_grads(arch, at.model, batch)
    check("loss", batch_loss)
    history.losses.append(batch_loss)
    if config.clip is None:
        norm = optim.global_norm(grads)
    else:
        grads, norm = optim.clip_by_global_norm(grads, config.clip)
    check("gradient's norm", norm)
    history.grad_norms.append(norm)
    model, state = optimizer.step(at.model, grads, at.optimizer)
    check("new parameters' norm", optim.global_norm(model))
    return model, state


def _draw(config: Config, B: int, rng: np.random.Generator) -> Batch:
    return config.task(config.T, B, rng=rng, dtype=config.dtype)


def _check_finite(
    name: str, value: float, step: int, batch_losses: list[float]
) -> None:
    if not np.isfinite(value):
        last = (
            f"the last finite loss was {batch_losses[-1]:.6g},"
            f" in step {len(batch_losses) - 1}"
            if batch_losses
            else "no loss was finite"
        )
        raise FloatingPointError(
            f"training diverged in step {step}, counted from 0:"
            f" the {name} is {value}; {last}"
        )


def _stored(at: _Point, history: _History, config: Config) -> _Stored:
    # An evaluation after the last update may be one that a longer run does not make.
    steps = range(0, at.step, config.evaluate_every)
    return _Stored(
        at.model,
        at.optimizer,
        np.array(history.losses[: at.step]),
        np.array(history.grad_norms[: at.step]),
        np.array([history.held_out[step] for step in steps]),
    )


def _resume(
    file: checkpoints.File,
    about: dict[str, Any],
    first: _Point,
    config: Config,
    rng: np.random.Generator,
) -> tuple[_Point, _History]:
    """Return where a checkpoint stands, with `rng` there too; `first` is where the run began."""
    metadata = checkpoints.metadata(file)
    for name, wanted in about.items():
        if name != "steps" and metadata.get(name) != wanted:
            raise CheckpointError(
                f"{file} is of another run: its {name} is"
                f" {metadata.get(name)!r}, expected {wanted!r}"
            )
    step = metadata.get("step")
    if type(step) is not int or step < 0:
        raise CheckpointError(f"{file} is of no run: its step is {step!r}")
    if step > config.steps:
        raise CheckpointError(
            f"{file} has {step} steps behind it: steps must not be fewer,"
            f" got {config.steps}"
        )
    evaluated = range(0, step, config.evaluate_every)
    curve, held_out = np.empty(step), np.empty(len(evaluated))
    like = _Stored(first.model, first.optimizer, curve, curve, held_out)
    stored = checkpoints.load(file, like)
    try:
        rng.bit_generator.state = metadata["rng"]
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(
            f"{file} is of no run: the state of its generator is none, {error}"
        ) from error
    at = _Point(step, stored.model, stored.optimizer, rng.bit_generator.state)
    evaluations = dict(zip(evaluated, stored.held_out.tolist(), strict=True))
    return at, _History(
        stored.losses.tolist(), stored.grad_norms.tolist(), evaluations
    )


def _is_watched() -> bool:
    # A server sets the variable for the kernel of an open notebook; what executes the pages of
    # a book, or tests them, starts its kernels without.
    return sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ


@contextmanager
def _bar(
    progress: bool | None, config: Config, done: int
) -> Iterator[Callable[[float], None]]:
    """Show a bar, or none, and give the function that takes the loss of each update."""
    if not (_is_watched() if progress is None else progress):
        yield lambda _: None
        return
    # At its import it looks for a notebook, and complains of one without widgets.
    from tqdm.auto import tqdm

    with tqdm(
        total=config.steps, initial=done, unit="update", leave=False
    ) as bar:

        def advance(batch_loss: float) -> None:
            bar.set_postfix_str(f"loss {batch_loss:.3g}", refresh=False)
            bar.update()

        yield advance
