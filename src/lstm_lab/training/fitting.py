"""Training a network on a task: a configuration in, a record out."""

import numpy as np

from lstm_lab import checks
from lstm_lab.architecture import Architecture
from lstm_lab.tasks import Batch
from lstm_lab.training.configuration import Config
from lstm_lab.training.model import init, loss, loss_and_grads
from lstm_lab.training.runs import Run, meets_criterion
from lstm_lab.training.updates import Curve, bar, check_finite, update


def fit(
    arch: Architecture, config: Config, *, progress: bool | None = None
) -> Run:
    """Train a model on fresh batches, and return the record of the run.

    The same architecture and configuration give the same run. On ``KeyboardInterrupt``, the
    partial run is returned.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    config : Config
        Everything else that decides the run.
    progress : bool, optional
        Whether to show a progress bar. By default it is shown on a terminal and in an open
        notebook, but not on an executed page.

    Returns
    -------
    Run
        Losses, gradient norms, held-out losses, the first and the last model.

    Raises
    ------
    FloatingPointError
        If a loss, a gradient or a parameter becomes NaN or infinite; the message names the step
        and the last finite loss.
    """
    checks.instance("config", config, Config)
    init_rng, rng, held_out_rng = np.random.default_rng(config.seed).spawn(3)
    held_out_batch = _draw(config, config.held_out_size, held_out_rng)
    model = initial = init(
        config.start or arch.init,
        held_out_batch.x.shape[-1],
        config.H,
        held_out_batch.outputs,
        rng=init_rng,
        dtype=config.dtype,
    )
    optimizer = config.optimizer(config.learning_rate)
    state, step = optimizer.init(initial), 0
    curve, evaluations = Curve([], []), dict[int, float]()

    def evaluate() -> None:
        held_out = loss(arch, model, held_out_batch)
        check_finite("held-out loss", held_out, step, curve.losses)
        evaluations[step] = held_out

    interrupted = False
    try:
        # Overflow is found at once, with a message that names the step.
        with (
            np.errstate(over="ignore", invalid="ignore"),
            bar(progress, config.steps) as advance,
        ):
            while step < config.steps and not meets_criterion(
                config, curve.losses
            ):
                if step % config.evaluate_every == 0:
                    evaluate()
                batch = _draw(config, config.batch_size, rng)
                updated = update(
                    model,
                    state,
                    *loss_and_grads(arch, model, batch),
                    optimizer=optimizer,
                    clip=config.clip,
                    step=step,
                    curve=curve,
                )
                # Together, so that an interruption finds a whole update.
                (model, state), step = updated, step + 1
                advance(curve.losses[-1])
            evaluate()
    except KeyboardInterrupt:
        interrupted = True
    return Run(
        arch.__name__.rpartition(".")[-1],
        config,
        initial,
        model,
        np.array(curve.losses[:step]),
        np.array(curve.grad_norms[:step]),
        np.array(list(evaluations.values())),
        np.array(list(evaluations), int),
        interrupted,
    )


def _draw(config: Config, B: int, rng: np.random.Generator) -> Batch:
    return config.task(config.T, B, rng=rng, dtype=config.dtype)
