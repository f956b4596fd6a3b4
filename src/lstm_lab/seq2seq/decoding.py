r"""From probabilities to a target: greedy, beam and exhaustive search.

A model gives every target a score, the logarithm of its probability,

.. math::

    \ln p(y \mid x) = \sum_{s=1}^{S} \ln p(y_s \mid y_{<s}, x), \qquad
    \operatorname{score}(y) = \frac{\ln p(y \mid x)}{S^{\beta}}

and a search looks for the best. Every further token costs probability, so that with
:math:`\beta = 0` a longer target needs to be better at every step; :math:`\beta = 1` compares
means over tokens. S counts the token that ends the target.

Sources: A. Graves, arXiv 1211.3711 (2012), and I. Sutskever, O. Vinyals and Q. V. Le, NeurIPS
(2014), for the beam.
"""

import math
from itertools import product
from typing import NamedTuple

import numpy as np

from lstm_lab import checks
from lstm_lab.losses import log_softmax
from lstm_lab.numerics import Array
from lstm_lab.seq2seq.model import (
    Batch,
    Encoded,
    Network,
    Params,
    Tokens,
    check_params,
    checked,
    checked_sources,
    encode,
    logits,
    step,
)
from lstm_lab.seq2seq.stack import Lengths, States
from lstm_lab.tokenizer import BOS, EOS, PAD, SPECIAL

LARGEST = math.log(np.finfo(np.float64).max)


class Decoded(NamedTuple):
    """Targets that a search found, one for each source.

    ``tokens`` (S, B) end with ``EOS``, if they ended in time, and have padding behind it;
    ``lengths`` (B,) count the end. ``log_probability`` (B,) is that of the whole target, in nats.
    ``weights`` (B, S, T) say where the attention was at each step; None without attention, or
    where the search does not keep them.
    """

    tokens: Tokens
    lengths: Lengths
    log_probability: Array
    weights: Array | None = None


def greedy(
    network: Network,
    params: Params,
    source: Tokens,
    lengths: Lengths,
    *,
    longest: int,
) -> Decoded:
    """Take the likeliest token at each step: a beam of width one.

    `PAD` and `BOS` are never taken, whatever the model gives them.

    Parameters
    ----------
    network : Network
        What the model is built of.
    params : Params
        Its weights.
    source : ndarray of int of shape (T, B)
        Tokens of the sources.
    lengths : ndarray of int of shape (B,)
        Of the sources.
    longest : int
        Tokens of a target at most, its end included.

    Returns
    -------
    Decoded
        One target for each source.
    """
    return _search(network, params, source, lengths, longest, 1, 0.0)


def beam(
    network: Network,
    params: Params,
    source: Tokens,
    lengths: Lengths,
    *,
    longest: int,
    width: int,
    exponent: float = 0.0,
) -> Decoded:
    r"""Keep the likeliest beginnings at each step, and return the target of the best score.

    .. math:: \operatorname{score}(y) = \frac{\ln p(y \mid x)}{S^{\beta}}

    A target that has ended keeps its place in the beam as long as its score is among the best.
    The search is over when all have ended or are as long as a target may be. The best of those
    that ended is returned; if none did, the best beginning. `PAD` and `BOS` are never taken.

    Parameters
    ----------
    network : Network
        What the model is built of.
    params : Params
        Its weights.
    source : ndarray of int of shape (T, B)
        Tokens of the sources.
    lengths : ndarray of int of shape (B,)
        Of the sources.
    longest : int
        Tokens of a target at most, its end included.
    width : int
        Beginnings that are kept for each source.
    exponent : float
        The :math:`\beta` of the score, not negative: 0 compares probabilities, 1 means over
        tokens.

    Returns
    -------
    Decoded
        One target for each source, without weights.
    """
    width = checks.positive_int("width", width)
    exponent = _exponent(exponent, longest)
    found = _search(network, params, source, lengths, longest, width, exponent)
    return found._replace(weights=None)


def _search(
    network: Network,
    params: Params,
    source: Tokens,
    lengths: Lengths,
    longest: int,
    width: int,
    exponent: float,
) -> Decoded:
    """Return what a beam finds; with a width of one, also where it looked."""
    longest = checks.positive_int("longest", longest)
    encoded = encode(network, params, source, lengths)
    B, O = len(encoded.mask), network.targets  # noqa: E741
    places = np.repeat(np.arange(B), width)
    states = _choose(encoded.states, places)
    encoded = Encoded(encoded.memory[places], encoded.mask[places], states)
    tokens = np.full((longest, B, width), PAD)
    log_p = np.full((B, width), -np.inf)
    log_p[:, 0] = 0  # all places begin alike; one of them stands for all
    size = np.zeros((B, width), int)
    ended = np.zeros((B, width), bool)
    last, looks = np.full(B * width, BOS), list[Array]()
    rows = np.arange(B)[:, np.newaxis]
    for s in range(longest):
        answers, states, weights = step(network, params, encoded, states, last)
        if weights is not None and width == 1:
            looks.append(weights)
        more = writable(answers).reshape(B, width, O)
        # A target that has ended goes on with padding, for nothing.
        more = np.where(ended[..., np.newaxis], -np.inf, more)
        more[..., PAD] = np.where(ended, 0, -np.inf)
        total = (log_p[..., np.newaxis] + more).reshape(B, width * O)
        steps = np.where(ended, size, s + 1)[..., np.newaxis]
        score = total / np.repeat(steps, O, axis=-1).reshape(B, -1) ** exponent
        best = np.argsort(-score, axis=-1, kind="stable")[:, :width]
        place, token = np.divmod(best, O)
        log_p = np.take_along_axis(total, best, axis=-1)
        tokens = tokens[:, rows, place]
        tokens[s] = token
        size = np.where(ended[rows, place], size[rows, place], s + 1)
        ended = ended[rows, place] | (token == EOS)
        origin = (rows * width + place).ravel()
        states = _choose(states, origin)
        last = token.ravel()
        if ended.all():
            break
    score = log_p / size**exponent
    ended &= log_p > -np.inf  # a place that nothing could take did not end
    none = ~ended.any(axis=-1, keepdims=True)
    best = np.where(ended | none, score, -np.inf).argmax(axis=-1)
    examples = np.arange(B)
    return Decoded(
        tokens[: s + 1, examples, best],
        size[examples, best],
        log_p[examples, best].astype(params.b_out.dtype),
        np.stack(looks, axis=1) if looks else None,
    )


def writable(answers: Array) -> Array:
    r"""Return the log-probability of each token, :math:`-\infty` for `PAD` and `BOS`.

    No target holds these two, so that no search may write them. What a model gives them is not
    shared out among the others: probabilities are those that it was trained for.

    Parameters
    ----------
    answers : ndarray of shape (targets,), (B, targets) or (S, B, targets)
        Logits.

    Returns
    -------
    ndarray of shape (..., targets)
        In nats.

    Raises
    ------
    FloatingPointError
        If a logit is NaN, or infinite so that there are no probabilities.
    TypeError, ValueError
        If they are not an array of floats of such a shape.
    """
    shapes = ("O",), ("B", "O"), ("S", "B", "O")
    answers = checks.array("answers", answers, *shapes, finite_values=False)
    if answers.shape[-1] < SPECIAL:
        raise ValueError(
            f"answers must be of at least {SPECIAL} tokens, got"
            f" {answers.shape[-1]}"
        )
    log_p = log_softmax(answers)
    if np.isnan(log_p).any():
        raise FloatingPointError(
            "the logits overflowed: there is no best token"
        )
    log_p[..., [PAD, BOS]] = -np.inf
    return log_p


def exhaustive(
    network: Network,
    params: Params,
    source: Tokens,
    lengths: Lengths,
    *,
    longest: int,
    symbols: Tokens,
    exponent: float = 0.0,
) -> Decoded:
    """Score every target there is, and return the best.

    Parameters
    ----------
    network : Network
        What the model is built of.
    params : Params
        Its weights.
    source : ndarray of int of shape (T, B)
        Tokens of the sources.
    lengths : ndarray of int of shape (B,)
        Of the sources.
    longest : int
        Tokens of a target at most, its end included.
    symbols : ndarray of int of shape (N,)
        The tokens that a target may consist of, without its end. There are
        :math:`N^{S-1}` targets of S tokens.
    exponent : float
        As in `beam`.

    Returns
    -------
    Decoded
        One target for each source, without weights. All of them end.
    """
    exponent = _exponent(exponent, longest)
    target, sizes = every_target(symbols, longest)
    check_params(network, params)
    source, lengths = checked_sources(network, source, lengths)
    found = []
    for b in range(len(lengths)):
        many = np.full(len(sizes), b)
        batch = Batch(source[:, many], lengths[many], target, sizes)
        log_p = log_probability(network, params, batch)
        best = np.argmax(log_p / sizes**exponent)
        found.append((target[:, best], sizes[best], log_p[best]))
    tokens, size, log_p = map(np.array, zip(*found, strict=True))
    return Decoded(tokens.T[: size.max()], size, log_p)


def every_target(symbols: Tokens, longest: int) -> tuple[Tokens, Lengths]:
    """Return every target of up to some tokens, its end included.

    Parameters
    ----------
    symbols : ndarray of int of shape (N,)
        The tokens that a target may consist of.
    longest : int
        Tokens at most, the end included.

    Returns
    -------
    tokens : ndarray of int of shape (longest, M)
        The targets, with their ends and padding behind.
    lengths : ndarray of int of shape (M,)
        Their lengths, ends included.

    Raises
    ------
    TypeError, ValueError
        If the symbols are not integers, one is there twice, or is a token that no target holds
        before its end.
    """
    longest = checks.positive_int("longest", longest)
    symbols = checks.integers("symbols", symbols, "N")
    known, counts = np.unique(symbols, return_counts=True)
    if (counts > 1).any() or np.isin([PAD, BOS, EOS], known).any():
        raise ValueError(
            "symbols must be tokens other than PAD, BOS and EOS, none twice;"
            f" got {symbols.tolist()}"
        )
    targets = [
        (*begun, EOS, *[PAD] * (longest - size - 1))
        for size in range(longest)
        for begun in product(symbols, repeat=size)
    ]
    tokens = np.array(targets).T
    return tokens, _lengths(tokens)


def log_probability(network: Network, params: Params, batch: Batch) -> Array:
    r"""Return how likely the model holds each target to be.

    .. math:: \ln p(y \mid x) = \sum_{s=1}^{S} \ln p(y_s \mid y_{<s}, x)

    Parameters
    ----------
    network : Network
        What the model is built of.
    params : Params
        Its weights.
    batch : Batch
        Sources and targets.

    Returns
    -------
    ndarray of shape (B,)
        In nats.

    References
    ----------
    Chapter ch319, equation ``eq-length-normalised``.
    """
    batch = checked(network, batch)
    answers, _ = logits(network, params, batch)
    shares = log_softmax(answers)
    chosen = np.take_along_axis(shares, batch.target[..., np.newaxis], -1)
    steps = np.arange(len(batch.target))[:, np.newaxis]
    within = steps < batch.target_lengths
    total: Array = np.where(within, chosen[..., 0], 0).sum(axis=0)
    return total


def _exponent(exponent: float, longest: int) -> float:
    exponent = checks.finite_number("exponent", exponent)
    if exponent < 0:
        raise ValueError(f"exponent must not be negative, got {exponent}")
    steps = checks.positive_int("longest", longest)
    if exponent * math.log(steps) > LARGEST:
        raise ValueError(
            f"exponent must be smaller: {steps} ** {exponent} is too large"
        )
    return exponent


def _lengths(tokens: Tokens) -> Lengths:
    """Return the lengths of targets, their ends included; all steps where there is no end."""
    ends = tokens == EOS
    first = ends.argmax(axis=0) + 1
    return np.where(ends.any(axis=0), first, len(tokens))


def _choose(states: States, rows: Lengths) -> States:
    return tuple(tuple(part[rows] for part in layer) for layer in states)
