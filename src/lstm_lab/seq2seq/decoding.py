r"""From probabilities to a target: greedy, beam and exhaustive search, and what they get right.

A model gives every target a score, the logarithm of its probability,

.. math::

    \ln p(y \mid x) = \sum_{s=1}^{S} \ln p(y_s \mid y_{<s}, x), \qquad
    \operatorname{score}(y) = \frac{\ln p(y \mid x)}{S^{\beta}}

and a search looks for the best. S counts the token that ends the target. With
:math:`\beta = 0` probabilities are compared, with :math:`\beta = 1` means over tokens.

Sources: A. Graves, arXiv 1211.3711 (2012), and I. Sutskever, O. Vinyals and Q. V. Le, NeurIPS
(2014), for the beam.
"""

from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks, records, tree
from lstm_lab.losses import log_softmax
from lstm_lab.numerics import Array
from lstm_lab.seq2seq import model
from lstm_lab.seq2seq.model import Encoded, Network, Pairs, Params, Tokens
from lstm_lab.sequence import Lengths
from lstm_lab.tokenizer import BOS, EOS, PAD


@records.short
class Decoded(NamedTuple):
    """Targets that a search found, one for each source.

    ``tokens`` (S, B) end with ``EOS``, if they ended in time, and have padding after it;
    ``lengths`` (B,) count the end. ``log_probability`` (B,) is that of the whole target, in nats.
    """

    tokens: Tokens
    lengths: Lengths
    log_probability: Array


def greedy(
    network: Network, params: Params, source: Tokens, lengths: Lengths, *, longest: int
) -> Decoded:
    """Take the likeliest token at each step: a `beam` of width one."""
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
    network, params : Network, Params
        The model.
    source, lengths : ndarrays of int of shape (T, B) and (B,)
        The sources and their lengths.
    longest : int
        Maximal number of tokens of a target, including its end.
    width : int
        Number of beginnings that are kept for each source.
    exponent : float
        The :math:`\beta` of the score, from 0 to 10.

    Returns
    -------
    Decoded
        One target for each source.
    """
    longest = checks.positive_int("longest", longest)
    width = checks.positive_int("width", width)
    exponent = checks.between("exponent", exponent, 0, 10)
    encoded = model.encode(network, params, source, lengths)
    B = len(encoded.mask)
    rows = np.arange(B)[:, np.newaxis]
    memory, mask, states = _choose(encoded[:3], np.repeat(range(B), width))
    encoded = Encoded(memory, mask, states, encoded.trace)
    log_p = np.full((B, width), -np.inf)
    log_p[:, 0] = 0  # all places begin alike; one of them stands for all
    sizes, ended = np.zeros((B, width), int), np.zeros((B, width), bool)
    tokens = np.full((1, B, width), BOS)
    while len(tokens) <= longest and not ended.all():
        answers, states = model.step(network, params, encoded, states, tokens[-1].ravel())
        more = writable(answers).reshape(B, width, -1)
        # A target that has ended goes on with padding, at no cost.
        more = np.where(ended[..., np.newaxis], -np.inf, more)
        more[..., PAD] = np.where(ended, 0, -np.inf)
        total = log_p[..., np.newaxis] + more
        longer = np.where(ended, sizes, len(tokens))
        score = total / longer[..., np.newaxis] ** exponent
        best = np.argsort(-score.reshape(B, -1), axis=-1, kind="stable")
        place, token = np.divmod(best[:, :width], network.targets)
        log_p, sizes = total[rows, place, token], longer[rows, place]
        ended = ended[rows, place] | (token == EOS)
        tokens = np.concatenate([tokens[:, rows, place], [token]])
        states = _choose(states, (rows * width + place).ravel())
    ended &= log_p > -np.inf  # a place that nothing could take did not end
    none = ~ended.any(axis=-1, keepdims=True)
    score = np.where(ended | none, log_p / sizes**exponent, -np.inf)
    chosen = np.arange(B), score.argmax(axis=-1)
    log_probability = log_p[chosen].astype(params.b_out.dtype)
    return Decoded(tokens[1:, *chosen], sizes[chosen], log_probability)


def _choose(arrays: Any, rows: Lengths) -> Any:
    """Return some rows of each array of a tree."""
    return tree.map(lambda array: array[rows], arrays)


def writable(answers: Array) -> Array:
    r"""Return the log-probabilities (..., targets) of logits, :math:`-\infty` for `PAD` and `BOS`.

    No target holds these two, so that no search may write them. Their probability is not divided
    among the others, which keep the probabilities that the model was trained for. A
    FloatingPointError is raised if the logits overflowed.
    """
    log_p = log_softmax(answers)
    if np.isnan(log_p).any():
        raise FloatingPointError("the logits overflowed: there is no best token")
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
        See `beam`.
    symbols : ndarray of int of shape (N,)
        The tokens that a target may consist of, without its end. There are
        :math:`N^{S-1}` targets of S tokens.

    Returns
    -------
    Decoded
        One target for each source, which ends.
    """
    exponent = checks.between("exponent", exponent, 0, 10)
    target, sizes = every_target(symbols, longest)
    B, M = len(lengths), len(sizes)
    sources = np.repeat(source, M, axis=1), np.repeat(lengths, M)
    pairs = Pairs(*sources, np.tile(target, B), np.tile(sizes, B))
    log_p = log_probability(network, params, pairs).reshape(B, M)
    best = np.argmax(log_p / sizes**exponent, axis=1)
    tokens = target[: sizes[best].max(), best]
    return Decoded(tokens, sizes[best], log_p[np.arange(B), best])


def every_target(symbols: Tokens, longest: int) -> tuple[Tokens, Lengths]:
    """Return every target of up to `longest` tokens (longest, M), and their lengths (M,).

    Each consists of some of the `symbols` (N,), its end, and padding after that.
    """
    longest = checks.positive_int("longest", longest)
    symbols = checks.integers("symbols", symbols, "N")
    if len({PAD, BOS, EOS, *symbols.tolist()}) < 3 + len(symbols):
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

    Chapter ch319, equation ``eq-length-normalised``.
    """
    pairs = model.checked(network, pairs)
    log_p = log_softmax(model.logits(network, params, pairs)[0])
    chosen = np.take_along_axis(log_p, pairs.target[..., np.newaxis], -1)
    within = np.where(pairs.target_mask, chosen[..., 0], 0)
    total: Array = within.sum(axis=0)
    return total


def exact_match(decoded: Decoded, pairs: Pairs) -> NDArray[np.bool_]:
    """Return which targets (B,) were decoded right to the last token, with none too many."""
    checks.instance("decoded", decoded, Decoded)
    checks.instance("pairs", pairs, Pairs)
    right = _right("decoded.tokens", decoded.tokens, pairs)
    exact: NDArray[np.bool_] = np.all(right | ~pairs.target_mask, axis=0)
    exact &= decoded.lengths == pairs.target_lengths
    return exact


def errors_by_position(tokens: Tokens, pairs: Pairs) -> Array:
    """Return the share of wrong tokens at each position (S,), the ends included.

    The tokens (N, B) are those that a model wrote, of any length N; a share is that of the
    targets that have this position.
    """
    checks.instance("pairs", pairs, Pairs)
    mask = pairs.target_mask[: np.max(pairs.target_lengths)]
    wrong = ~_right("tokens", tokens, pairs)[: len(mask)]
    shares: Array = (wrong & mask).sum(axis=1) / mask.sum(axis=1)
    return shares


def _right(name: str, tokens: Tokens, pairs: Pairs) -> NDArray[np.bool_]:
    """Return which tokens of the targets (S, B) are there; none that are missing."""
    right: NDArray[np.bool_] = np.zeros(np.shape(pairs.target), bool)
    tokens = checks.integers(name, tokens, "S", len(right[0]))
    size = min(len(tokens), len(right))
    right[:size] = tokens[:size] == pairs.target[:size]
    return right
