"""Training a model on pairs of sequences: a configuration in, a record out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from lstm_lab import checks, records, sequence
from lstm_lab.seq2seq import model
from lstm_lab.seq2seq.decoding import Decoded, exact_match, greedy, writable
from lstm_lab.seq2seq.model import Network, Pairs, Params, Tokens
from lstm_lab.training import Config, Run, train


@dataclass(frozen=True, kw_only=True)
class PairsConfig(Config):
    """How a model of pairs is trained, except for where they come from.

    Parameters
    ----------
    network : Network
        The architecture of the model.
    teacher_forcing : float
        Probability with which the decoder reads the previous token as it should be, and not as
        the model guessed it; drawn for each token.
    **others
        Those of `training.Config`.
    """

    network: Network
    batch_size: int = 64
    learning_rate: float = 2e-3
    teacher_forcing: float = 1.0
    dtype: DTypeLike = "float32"

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.instance("network", self.network, Network)
        share = partial(checks.between, low=0, high=1)
        checks.fields(self, share, "teacher_forcing")


@records.short
class PairsEvaluation(NamedTuple):
    """A model after `step` updates, on held-out pairs.

    ``loss`` is the mean cost of a token in nats, ``exact`` the share that greedy decoding got
    right to the last token, ``tokens`` (S, B) are what it wrote.
    """

    step: int
    loss: float
    exact: float
    tokens: Tokens


def fit(
    config: PairsConfig, draw: Callable[[int, np.random.Generator], Pairs], held_out: Pairs
) -> Run:
    """Train a model on pairs that are drawn for each update.

    Parameters
    ----------
    config : PairsConfig
        Everything else that decides the run.
    draw : callable
        ``draw(B, rng) -> Pairs``.
    held_out : Pairs
        Pairs that are not trained on.

    Returns
    -------
    training.Run
        The record; its ``evaluations`` are of type `PairsEvaluation`. For errors, see
        ``training.train``.
    """
    checks.instance("config", config, PairsConfig)
    checks.function("draw", draw, "lambda B, rng: pairs")
    checks.instance("held_out", held_out, Pairs)
    network, ratio = config.network, config.teacher_forcing
    init_rng, rng, forcing_rng = np.random.default_rng(config.seed).spawn(3)
    mixed = partial(mixed_inputs, network, ratio=ratio, rng=forcing_rng)

    def loss_and_grads(params: Params, pairs: Pairs) -> tuple[float, Params]:
        inputs = mixed(params, pairs)
        pairs = pairs._replace(inputs=inputs)
        return model.loss_and_grads(network, params, pairs)

    def evaluate(step: int, params: Params) -> PairsEvaluation:
        value = model.loss(network, params, held_out)
        found = answer(network, params, held_out)
        exact = float(np.mean(exact_match(found, held_out)))
        return PairsEvaluation(step, value, exact, found.tokens)

    return train(
        sequence.name_of(network.cell),
        config,
        model.init(network, rng=init_rng, dtype=config.dtype),
        partial(draw, config.batch_size, rng),
        loss_and_grads,
        evaluate,
    )


def mixed_inputs(
    network: Network, params: Params, pairs: Pairs, *, ratio: float, rng: np.random.Generator
) -> Tokens:
    """Return what the decoder reads in training (S, B): the previous tokens, or its own guesses.

    Each token is the right one with the probability `ratio`: 1 is teacher forcing, 0 free
    running, and between them it is scheduled sampling (S. Bengio et al., NeurIPS 2015). No guess
    is ``PAD`` or ``BOS``.
    """
    ratio = checks.between("ratio", ratio, 0, 1)
    rng = checks.generator(rng)
    pairs = model.checked(network, pairs)
    inputs: Tokens = np.array(pairs.inputs)
    if ratio == 1:
        return inputs
    encoded = model.encode(network, params, pairs.source, pairs.source_lengths)
    states = encoded.states
    for s in range(1, len(inputs)):
        answers, states = model.step(network, params, encoded, states, inputs[s - 1])
        guessed = writable(answers).argmax(axis=-1)
        forced = rng.random(guessed.shape) < ratio
        inputs[s] = np.where(forced, inputs[s], guessed)
    return inputs


def answer(network: Network, params: Params, pairs: Pairs) -> Decoded:
    """Decode the sources greedily, to at most one token more than the longest target has."""
    longest = len(pairs.target) + 1
    return greedy(network, params, *pairs[:2], longest=longest)
