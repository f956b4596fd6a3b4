r"""How good an answer is: exact match, errors by position, and the loss in other units.

.. math::

    \text{perplexity} = e^{L}, \qquad \text{bits per token} = L / \ln 2
"""

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks
from lstm_lab.numerics import Array
from lstm_lab.seq2seq.decoding import Decoded
from lstm_lab.seq2seq.model import Pairs, Tokens


def perplexity(nats: float) -> float:
    """Return the number of equally likely tokens among which a guess would cost as much.

    Of a mean cost of a token in nats, such as `loss`; infinite if no float is as large.

    References
    ----------
    Chapter ch319, equation ``eq-perplexity``.
    """
    with np.errstate(over="ignore"):
        return float(np.exp(checks.finite_number("nats", nats)))


def bits(nats: float) -> float:
    """Return a cost in bits that is given in nats."""
    return float(checks.finite_number("nats", nats) / np.log(2))


def exact_match(decoded: Decoded, pairs: Pairs) -> NDArray[np.bool_]:
    """Return which targets (B,) were decoded right to the last token, with none too many."""
    checks.instance("decoded", decoded, Decoded)
    checks.instance("pairs", pairs, Pairs)
    right = _right("decoded.tokens", decoded.tokens, pairs)
    exact: NDArray[np.bool_] = np.all(right | ~pairs.target_mask, axis=0)
    exact &= decoded.lengths == pairs.target_lengths
    return exact


def errors_by_position(tokens: Tokens, pairs: Pairs) -> Array:
    """Return how often each position of a target was wrong.

    Parameters
    ----------
    tokens : ndarray of int of shape (N, B)
        The tokens that a model wrote, of any length.
    pairs : Pairs
        With the right targets.

    Returns
    -------
    ndarray of shape (S,)
        The share of wrong tokens among the targets that have this position, including the end; S
        is the length of the longest.
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
