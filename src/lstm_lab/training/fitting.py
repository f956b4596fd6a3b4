"""Training a network on a task: a configuration in, a record out.

An experiment returns a frozen record with the configuration and the seed that made it; it draws
nothing, and prints nothing but a bar for who is watching.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lstm_lab import checkpoints, checks
from lstm_lab.architecture import Architecture
from lstm_lab.checkpoints import CheckpointError
from lstm_lab.numerics import Array
from lstm_lab.tasks import Batch
from lstm_lab.training.configuration import Config, describe
from lstm_lab.training.model import Model, init, loss, loss_and_grads
from lstm_lab.training.runs import Run, meets_criterion
from lstm_lab.training.updates import Curve, bar, check_finite, update


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
    checks.instance("config", config, Config)
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
    curve, evaluations = Curve([], []), dict[int, float]()
    about: dict[str, Any] = {}
    if checkpoint is not None:
        about = {"architecture": arch.__name__, **describe(config)}
        if Path(checkpoint).exists():
            at, curve, evaluations = _resume(checkpoint, about, at, config, rng)

    def evaluate() -> None:
        held_out = loss(arch, at.model, held_out_batch)
        check_finite("held-out loss", held_out, at.step, curve.losses)
        evaluations[at.step] = held_out

    def write() -> None:
        if checkpoint is not None:
            stored = _stored(at, curve, evaluations, config)
            place = {"step": at.step, "rng": at.rng}
            checkpoints.save(checkpoint, stored, **about, **place)

    interrupted = False
    try:
        # What overflows is found at once, and said in other words than NumPy's.
        with (
            np.errstate(over="ignore", invalid="ignore"),
            bar(progress, config.steps, at.step) as advance,
        ):
            while at.step < config.steps and not meets_criterion(
                config, curve.losses
            ):
                if at.step % config.evaluate_every == 0:
                    evaluate()
                batch = _draw(config, config.batch_size, rng)
                model, state = update(
                    at.model,
                    at.optimizer,
                    *loss_and_grads(arch, at.model, batch),
                    optimizer=optimizer,
                    clip=config.clip,
                    step=at.step,
                    curve=curve,
                )
                # An interruption finds the last whole update, or this one.
                at = _Point(at.step + 1, model, state, rng.bit_generator.state)
                advance(curve.losses[-1])
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
        np.array(curve.losses[: at.step]),
        np.array(curve.grad_norms[: at.step]),
        np.array(list(evaluations.values())),
        np.array(list(evaluations), int),
        interrupted,
    )


class _Point(NamedTuple):
    """Where training stands after a whole number of updates."""

    step: int
    model: Model
    optimizer: Any
    rng: Any


class _Stored(NamedTuple):
    """The arrays of a checkpoint."""

    model: Model
    optimizer: Any
    losses: Array
    grad_norms: Array
    held_out: Array


def _draw(config: Config, B: int, rng: np.random.Generator) -> Batch:
    return config.task(config.T, B, rng=rng, dtype=config.dtype)


def _stored(
    at: _Point, curve: Curve, evaluations: dict[int, float], config: Config
) -> _Stored:
    # An evaluation after the last update may be one that a longer run does not make.
    steps = range(0, at.step, config.evaluate_every)
    return _Stored(
        at.model,
        at.optimizer,
        np.array(curve.losses[: at.step]),
        np.array(curve.grad_norms[: at.step]),
        np.array([evaluations[step] for step in steps]),
    )


def _resume(
    file: checkpoints.File,
    about: dict[str, Any],
    first: _Point,
    config: Config,
    rng: np.random.Generator,
) -> tuple[_Point, Curve, dict[int, float]]:
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
    each, held_out = np.empty(step), np.empty(len(evaluated))
    like = _Stored(first.model, first.optimizer, each, each, held_out)
    stored = checkpoints.load(file, like)
    try:
        rng.bit_generator.state = metadata["rng"]
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(
            f"{file} is of no run: the state of its generator is none, {error}"
        ) from error
    at = _Point(step, stored.model, stored.optimizer, rng.bit_generator.state)
    evaluations = dict(zip(evaluated, stored.held_out.tolist(), strict=True))
    curve = Curve(stored.losses.tolist(), stored.grad_norms.tolist())
    return at, curve, evaluations
