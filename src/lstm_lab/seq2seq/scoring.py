r"""What an answer is worth: exact match, errors by position, and a loss in other units.

.. math::

    \text{perplexity} = e^{L}, \qquad \text{bits a token} = L / \ln 2
"""

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks
from lstm_lab.numerics import Array
from lstm_lab.seq2seq.decoding import Decoded
from lstm_lab.seq2seq.model import Batch, Tokens, target_mask
from lstm_lab.seq2seq.stack import Lengths
from lstm_lab.tokenizer import PAD


def perplexity(nats: float) -> float:
    """Return the number of equally likely tokens among which a guess would cost as much.

    Parameters
    ----------
    nats : float
        A mean cost of a token, such as `loss` returns.

    Returns
    -------
    float
        1 or more for a cost of 0 or more; infinite where no float is as large.

    References
    ----------
    Chapter ch319, equation ``eq-perplexity``.
    """
    with np.errstate(over="ignore"):
        return float(np.exp(checks.finite_number("nats", nats)))


def bits(nats: float) -> float:
    """Return a cost in bits, which was given in nats."""
    return float(checks.finite_number("nats", nats) / np.log(2))


def exact_match(decoded: Decoded, batch: Batch) -> NDArray[np.bool_]:
    """Return which targets were decoded right to the last token.

    Parameters
    ----------
    decoded : Decoded
        What a search found.
    batch : Batch
        What it should have found.

    Returns
    -------
    ndarray of bool of shape (B,)
        True where every token is the right one, and no token too many.

    Raises
    ------
    TypeError, ValueError
        If they are not as many targets, or not tokens.
    """
    checks.instance("decoded", decoded, Decoded)
    checks.instance("batch", batch, Batch)
    B = batch.target.shape[1]
    size = max(len(decoded.tokens), len(batch.target))
    found, right = (
        _fitted(name, tokens, size, B, lengths)
        for name, tokens, lengths in (
            ("decoded.tokens", decoded.tokens, decoded.lengths),
            ("batch.target", batch.target, batch.target_lengths),
        )
    )
    same: NDArray[np.bool_] = (found == right).all(axis=0)
    return same


def errors_by_position(tokens: Tokens, batch: Batch) -> Array:
    """Return how often each place of a target was wrong.

    Parameters
    ----------
    tokens : ndarray of int of shape (N, B)
        What a model wrote, of any length.
    batch : Batch
        What it should have written.

    Returns
    -------
    ndarray of shape (S,)
        The share of wrong tokens among the targets that have this place, the end included; S is
        the length of the longest.

    Raises
    ------
    TypeError, ValueError
        If the tokens are not integers, or not as many sequences as the batch has.
    """
    mask = target_mask(batch)[: np.max(batch.target_lengths)]
    target = batch.target[: len(mask)]
    wrong = _fitted("tokens", tokens, *mask.shape) != target
    shares: Array = (wrong & mask).sum(axis=1) / mask.sum(axis=1)
    return shares


def _fitted(
    name: str, tokens: Tokens, size: int, B: int, lengths: Lengths | None = None
) -> Tokens:
    """Return the first tokens, with padding where there are too few, and behind the lengths."""
    tokens = checks.integers(name, tokens, "S", B)
    if lengths is not None:
        within = np.arange(len(tokens))[:, np.newaxis] < lengths
        tokens = np.where(within, tokens, PAD)
    missing = max(0, size - len(tokens))
    padded = np.pad(tokens, ((0, missing), (0, 0)), constant_values=PAD)
    return padded[:size]
