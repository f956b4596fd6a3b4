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

from itertools import product
from typing import Any, NamedTuple

import numpy as np

from lstm_lab import checks, records
from lstm_lab.losses import log_softmax
from lstm_lab.numerics import Array
from lstm_lab.seq2seq import model
from lstm_lab.seq2seq.model import Network, Pairs, Params, Tokens
from lstm_lab.seq2seq.stack import States
from lstm_lab.sequence import Lengths
from lstm_lab.tokenizer import BOS, EOS, PAD

LARGEST_EXPONENT = 10


@records.short
class Decoded(NamedTuple):
    """Targets that a search found, one for each source.

    ``tokens`` (S, B) end with ``EOS``, if they ended in time, and have padding after it;
    ``lengths`` (B,) count the end. ``log_probability`` (B,) is that of the whole target, in nats.
    ``weights`` (B, S, T) are those of the attention at each step; None without attention, and
    after an exhaustive search.
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
    """Take the likeliest token at each step, never `PAD` or `BOS`: a beam of width one.

    Parameters
    ----------
    network, params : Network, Params
        The model.
    source, lengths : ndarrays of int of shape (T, B) and (B,)
        The sources and their lengths.
    longest : int
        Maximal number of tokens of a target, including its end.

    Returns
    -------
    Decoded
        One target for each source.
    """
    return beam(network, params, source, lengths, longest=longest, width=1)


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

    A target that has ended keeps its place in the beam as long as its score is among the best.
    The search is over when all have ended or are as long as a target may be. The best of those
    that ended is returned; if none did, the best beginning. `PAD` and `BOS` are never taken.

    Parameters
    ----------
    network, params, source, lengths, longest
        As for `greedy`.
    width : int
        Number of beginnings that are kept for each source.
    exponent : float
        The :math:`\beta` of the score: 0 compares probabilities, 1 means over tokens.

    Returns
    -------
    Decoded
        One target for each source.
    """
    longest = checks.positive_int("longest", longest)
    width = checks.positive_int("width", width)
    exponent = _exponent(exponent)
    encoded = model.encode(network, params, source, lengths)
    B = len(encoded.mask)
    examples, rows = np.arange(B), np.arange(B)[:, np.newaxis]
    places = np.repeat(examples, width)
    states = _choose(encoded.states, places)
    encoded = encoded._replace(
        memory=encoded.memory[places], mask=encoded.mask[places]
    )
    log_p = np.full((B, width), -np.inf)
    log_p[:, 0] = 0  # all places begin alike; one of them stands for all
    sizes, ended = np.zeros((B, width), int), np.zeros((B, width), bool)
    last, steps = np.full(B * width, BOS), list[Any]()
    while len(steps) < longest and not ended.all():
        answers, states, weights = model.step(
            network, params, encoded, states, last
        )
        more = writable(answers).reshape(B, width, -1)
        # A target that has ended goes on with padding, at no cost.
        more = np.where(ended[..., np.newaxis], -np.inf, more)
        more[..., PAD] = np.where(ended, 0, -np.inf)
        total = log_p[..., np.newaxis] + more
        longer = np.where(ended, sizes, len(steps) + 1)
        score = total / longer[..., np.newaxis] ** exponent
        best = np.argsort(-score.reshape(B, -1), axis=-1, kind="stable")
        place, token = np.divmod(best[:, :width], network.targets)
        log_p, sizes = total[rows, place, token], longer[rows, place]
        ended = ended[rows, place] | (token == EOS)
        steps.append((place, token, weights))
        states = _choose(states, (rows * width + place).ravel())
        last = token.ravel()
    ended &= log_p > -np.inf  # a place that nothing could take did not end
    none = ~ended.any(axis=-1, keepdims=True)
    score = np.where(ended | none, log_p / sizes**exponent, -np.inf)
    best = here = score.argmax(axis=-1)
    tokens, attended = [], []
    for place, token, weights in reversed(steps):  # back to the beginning
        tokens.append(token[examples, here])
        here = place[examples, here]
        if weights is not None:
            attended.append(weights[examples * width + here])
    return Decoded(
        np.array(tokens[::-1]),
        sizes[examples, best],
        log_p[examples, best].astype(params.b_out.dtype),
        np.stack(attended[::-1], axis=1) if attended else None,
    )


def _choose(states: States, rows: Lengths) -> States:
    return tuple(tuple(part[rows] for part in layer) for layer in states)


def writable(answers: Array) -> Array:
    r"""Return the log-probability of each token, :math:`-\infty` for `PAD` and `BOS`.

    No target holds these two, so that no search may write them. Their probability is not divided
    among the others, which keep the probabilities that the model was trained for.

    From logits of shape (targets,), (B, targets) or (S, B, targets); a FloatingPointError is
    raised if they overflowed.
    """
    shapes = ("O",), ("B", "O"), ("S", "B", "O")
    answers = checks.array("answers", answers, *shapes, finite_values=False)
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
    network, params, source, lengths, longest, exponent
        As for `beam`.
    symbols : ndarray of int of shape (N,)
        The tokens that a target may consist of, without its end. There are
        :math:`N^{S-1}` targets of S tokens.

    Returns
    -------
    Decoded
        One target for each source, which ends; without weights.
    """
    exponent = _exponent(exponent)
    target, sizes = every_target(symbols, longest)
    model.check_params(network, params)
    source, lengths = model.checked_tokens(
        "source", source, lengths, network.sources
    )
    found = []
    for b in range(len(lengths)):
        many = np.full(len(sizes), b)
        pairs = Pairs(source[:, many], lengths[many], target, sizes)
        log_p = log_probability(network, params, pairs)
        best = np.argmax(log_p / sizes**exponent)
        found.append((target[:, best], sizes[best], log_p[best]))
    tokens, size, log_p = map(np.array, zip(*found, strict=True))
    return Decoded(tokens.T[: size.max()], size, log_p)


def every_target(symbols: Tokens, longest: int) -> tuple[Tokens, Lengths]:
    """Return every target of up to `longest` tokens (longest, M), and their lengths (M,).

    Each consists of some of the `symbols` (N,), its end, and padding after that.
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
    return tokens, (tokens == EOS).argmax(axis=0) + 1


def log_probability(network: Network, params: Params, pairs: Pairs) -> Array:
    """Return the logarithms (B,) of the targets' probabilities, in nats.

    References
    ----------
    Chapter ch319, equation ``eq-length-normalised``.
    """
    pairs = model.checked(network, pairs)
    log_p = log_softmax(model.logits(network, params, pairs)[0])
    chosen = np.take_along_axis(log_p, pairs.target[..., np.newaxis], -1)
    within = np.where(pairs.target_mask, chosen[..., 0], 0)
    total: Array = within.sum(axis=0)
    return total


def _exponent(exponent: float) -> float:
    exponent = checks.finite_number("exponent", exponent)
    if not 0 <= exponent <= LARGEST_EXPONENT:
        raise ValueError(
            f"exponent must lie from 0 to {LARGEST_EXPONENT}, got {exponent}"
        )
    return exponent
