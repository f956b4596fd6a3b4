"""Training a model on pairs of sequences: a configuration in, a record out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lstm_lab import checks, optim
from lstm_lab.numerics import Array
from lstm_lab.seq2seq.decoding import Decoded, greedy, writable
from lstm_lab.seq2seq.model import (
    Batch,
    Network,
    Params,
    Tokens,
    checked,
    encode,
    init,
    loss,
    loss_and_grads,
    step,
)
from lstm_lab.seq2seq.scoring import exact_match
from lstm_lab.tokenizer import BOS
from lstm_lab.training.updates import Curve, bar, check_finite, update

Draw = Callable[[int, np.random.Generator], Batch]


@dataclass(frozen=True, kw_only=True)
class Config:
    """All that decides a training run, but for where the pairs come from.

    Parameters
    ----------
    network : Network
        What the model is built of.
    batch_size : int
        Pairs in a batch; each batch is drawn anew.
    steps : int
        Updates of the weights.
    optimizer : callable
        ``optimizer(learning_rate)`` returns an optimizer: a class of ``optim``.
    learning_rate : float
        Its step size.
    clip : float or None
        Norm to which longer gradients are shortened; None leaves them as they are.
    teacher_forcing : float
        Probability with which the decoder reads the token before as it should be, and not as
        it guessed it; drawn for each token.
    evaluate_every : int
        Updates between two evaluations on the held-out pairs.
    dtype : dtype
        float64 or float32.
    seed : int
        The first weights, and the draws of the batches, come from children of its generator.

    Raises
    ------
    TypeError, ValueError
        If a value cannot be what it should be; the message names it.
    """

    network: Network
    batch_size: int = 64
    steps: int = 1000
    optimizer: Callable[[float], optim.Optimizer] = optim.Adam
    learning_rate: float = 2e-3
    clip: float | None = 1.0
    teacher_forcing: float = 1.0
    evaluate_every: int = 100
    dtype: DTypeLike = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        checks.instance("network", self.network, Network)
        if not callable(self.optimizer):
            raise TypeError(
                "optimizer must be a class of optim, or another callable, got"
                f" {self.optimizer!r}"
            )
        sizes = ("batch_size", "steps", "evaluate_every")
        plain: dict[str, Any] = {
            name: checks.positive_int(name, getattr(self, name))
            for name in sizes
        }
        plain["teacher_forcing"] = _ratio(
            "teacher_forcing", self.teacher_forcing
        )
        plain["learning_rate"] = checks.finite_number(
            "learning_rate", self.learning_rate
        )
        if self.clip is not None:
            plain["clip"] = checks.finite_number("clip", self.clip)
            if plain["clip"] <= 0:
                raise ValueError(
                    f"clip must be positive or None, got {self.clip}"
                )
        plain["seed"] = checks.seed(self.seed)
        # NumPy's scalars are stored as plain numbers, which leave a float32 what it is.
        for name, value in plain.items():
            object.__setattr__(self, name, value)
        made = self.optimizer(self.learning_rate)  # says what is wrong
        if not (hasattr(made, "init") and hasattr(made, "step")):
            raise TypeError(f"optimizer must make an optimizer, got {made!r}")
        checks.float_dtype("dtype", self.dtype)


class Run(NamedTuple):
    """The record of a training run.

    ``losses`` and ``grad_norms`` (steps,) are those of the batches, before each update.
    At the steps ``evaluated`` (N,), ``held_out`` (N,) is the loss on the held-out pairs and
    ``exact`` (N,) the share that greedy decoding got right to the last token; ``decoded`` are
    what it wrote.
    """

    config: Config
    params: Params
    losses: Array
    grad_norms: Array
    evaluated: NDArray[np.int_]
    held_out: Array
    exact: Array
    decoded: tuple[Tokens, ...]
    interrupted: bool = False


class _Evaluation(NamedTuple):
    step: int
    loss: float
    exact: float
    tokens: Tokens


def fit(
    config: Config,
    draw: Draw,
    held_out: Batch,
    *,
    progress: bool | None = None,
) -> Run:
    """Train a model on pairs that are drawn for each update.

    Who interrupts it (``KeyboardInterrupt``) gets the run so far.

    Parameters
    ----------
    config : Config
        What decides the run.
    draw : callable
        ``draw(B, rng) -> Batch``.
    held_out : Batch
        Pairs that are not trained on.
    progress : bool, optional
        Whether to show a progress bar; where it is None, whether someone is watching.

    Returns
    -------
    Run
        The record.

    Raises
    ------
    FloatingPointError
        If a loss, a gradient or a weight becomes NaN or infinite; the message names the step.
    """
    checks.instance("config", config, Config)
    network = config.network
    if not callable(draw):
        raise TypeError(f"draw must be callable, got {draw!r}")
    checks.instance("held_out", held_out, Batch)
    held_out = checked(network, held_out)
    init_rng, rng, forcing_rng = np.random.default_rng(config.seed).spawn(3)
    params = init(network, rng=init_rng, dtype=config.dtype)
    optimizer = config.optimizer(config.learning_rate)
    state, done = optimizer.init(params), 0
    curve = Curve([], [])
    evaluations: list[_Evaluation] = []

    def evaluate() -> None:
        value = loss(network, params, held_out)
        check_finite("held-out loss", value, done, curve.losses)
        found = answer(network, params, held_out)
        exact = float(np.mean(exact_match(found, held_out)))
        evaluations.append(_Evaluation(done, value, exact, found.tokens))

    interrupted = False
    try:
        with (
            np.errstate(over="ignore", invalid="ignore"),
            bar(progress, config.steps) as advance,
        ):
            while done < config.steps:
                if done % config.evaluate_every == 0:
                    evaluate()
                batch = draw(config.batch_size, rng)
                inputs = mixed_inputs(
                    network,
                    params,
                    batch,
                    ratio=config.teacher_forcing,
                    rng=forcing_rng,
                )
                try:
                    found = loss_and_grads(network, params, batch, inputs)
                except FloatingPointError:
                    found = np.nan, params
                params, state = update(
                    params,
                    state,
                    *found,
                    optimizer=optimizer,
                    clip=config.clip,
                    step=done,
                    curve=curve,
                )
                done += 1
                advance(curve.losses[-1])
            evaluate()
    except KeyboardInterrupt:
        interrupted = True
    return Run(
        config,
        params,
        np.array(curve.losses[:done]),
        np.array(curve.grad_norms[:done]),
        np.array([each.step for each in evaluations], int),
        np.array([each.loss for each in evaluations]),
        np.array([each.exact for each in evaluations]),
        tuple(each.tokens for each in evaluations),
        interrupted,
    )


def mixed_inputs(
    network: Network,
    params: Params,
    batch: Batch,
    *,
    ratio: float,
    rng: np.random.Generator,
) -> Tokens | None:
    """Return what the decoder reads in training: the tokens before, or its own guesses.

    Parameters
    ----------
    network : Network
        What the model is built of.
    params : Params
        Its weights.
    batch : Batch
        Sources and targets.
    ratio : float
        Probability of the token as it should be, drawn for each; 1 is teacher forcing, 0 free
        running, and between them it is scheduled sampling (S. Bengio et al., NeurIPS 2015).
    rng : numpy.random.Generator
        Where the draws come from.

    Returns
    -------
    ndarray of int of shape (S, B), or None
        The inputs; None where all are the targets before. No guess is ``PAD`` or ``BOS``.

    Raises
    ------
    TypeError, ValueError
        If an argument cannot be what it should be; the message names it.
    """
    ratio = _ratio("ratio", ratio)
    rng = checks.generator(rng)
    if ratio == 1:
        return None
    batch = checked(network, batch)
    encoded = encode(network, params, batch.source, batch.source_lengths)
    states, inputs = encoded.states, np.empty_like(batch.target)
    inputs[0] = BOS
    for s, right in enumerate(batch.target[:-1]):
        answers, states, _ = step(network, params, encoded, states, inputs[s])
        forced = rng.random(right.shape) < ratio
        guessed = writable(answers).argmax(axis=-1)
        inputs[s + 1] = np.where(forced, right, guessed)
    return inputs


def answer(network: Network, params: Params, batch: Batch) -> Decoded:
    """Decode the sources of a batch greedily, a token longer than the longest target."""
    checks.instance("batch", batch, Batch)
    return greedy(
        network,
        params,
        batch.source,
        batch.source_lengths,
        longest=len(batch.target) + 1,
    )


def _ratio(name: str, value: float) -> float:
    ratio = checks.finite_number(name, value)
    if not 0 <= ratio <= 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {ratio}")
    return ratio
