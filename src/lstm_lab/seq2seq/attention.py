"""Attention: a weighted mean of the encoder's outputs, with weights that each query chooses.

The type of the parameters says which score it is.

Sources: D. Bahdanau, K. Cho and Y. Bengio, "Neural machine translation by jointly learning to
align and translate", ICLR (2015), for the additive score; M.-T. Luong, H. Pham and C. D. Manning,
"Effective approaches to attention-based neural machine translation", EMNLP (2015), for the dot
and the bilinear ("general") one.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab.numerics import Array, outer_sum, tanh_vjp

Mask = NDArray[np.bool_]


class Dot(NamedTuple):
    r"""The score :math:`q \cdot m`, which has no parameters."""


class Bilinear(NamedTuple):
    r"""The score :math:`q^\top W m`, with ``W`` (H, H)."""

    W: Array


class Additive(NamedTuple):
    r"""The score :math:`v^\top \tanh(W_q q + W_m m)`.

    ``W_q`` and ``W_m`` are (A, H), ``v`` is (A,).
    """

    W_q: Array
    W_m: Array
    v: Array


Score = Dot | Bilinear | Additive
KINDS: dict[str, type[Score]] = {"dot": Dot, "bilinear": Bilinear, "additive": Additive}


def init(kind: str, H: int, *, rng: np.random.Generator) -> Score:
    """Draw the parameters of a score, normal with variance 1 / H; `kind` is a key of `KINDS`."""
    axes = {"dot": (), "bilinear": (2,), "additive": (2, 2, 1)}[kind]
    return KINDS[kind](*(rng.normal(0, H**-0.5, [H] * n) for n in axes))


def scores(params: Score, queries: Array, memory: Array) -> Array:
    """Return how well each query (B, S, H) fits each entry (B, T, H) of the memory, (B, S, T).

    Chapter ch319, equation ``eq-score``.
    """
    if isinstance(params, Additive):
        return _hidden(params, queries, memory) @ params.v
    if isinstance(params, Bilinear):
        queries = queries @ params.W
    return queries @ memory.swapaxes(1, 2)


def scores_vjp(
    params: Score, queries: Array, memory: Array, dscores: Array
) -> tuple[Score, Array, Array]:
    """Pull the gradient of the scores (B, S, T) back to the arguments of `scores`."""
    if isinstance(params, Additive):
        hidden = _hidden(params, queries, memory)
        da = tanh_vjp(dscores[..., np.newaxis] * params.v, hidden)
        by_query, by_memory = da.sum(axis=2), da.sum(axis=1)
        dparams = Additive(
            outer_sum(by_query, queries),
            outer_sum(by_memory, memory),
            outer_sum(dscores[..., np.newaxis], hidden)[0],
        )
        return dparams, by_query @ params.W_q, by_memory @ params.W_m
    back = dscores @ memory
    if isinstance(params, Bilinear):
        dmemory = dscores.swapaxes(1, 2) @ (queries @ params.W)
        return Bilinear(outer_sum(queries, back)), back @ params.W.T, dmemory
    return Dot(), back, dscores.swapaxes(1, 2) @ queries


def attend(
    params: Score,
    queries: Array,
    memory: Array,
    mask: Mask,
) -> tuple[Array, Array]:
    r"""Return the context of each query, a weighted mean of the memory, and the weights.

    .. math::

        \alpha_{st} = \frac{\exp e_{st}}{\sum_{\tau \le T_b} \exp e_{s\tau}}, \qquad
        \bar m_s = \sum_t \alpha_{st}\, m_t

    Parameters
    ----------
    params : Dot, Bilinear or Additive
        The kind of score, and its weights.
    queries, memory : ndarrays of shape (B, S, H) and (B, T, H)
        The decoder's and the encoder's outputs.
    mask : ndarray of bool of shape (B, T)
        False at the padding of a source, after its T_b steps.

    Returns
    -------
    contexts : ndarray of shape (B, S, H)
        The weighted means.
    weights : ndarray of shape (B, S, T)
        Each row sums to one; exactly zero at the padding.

    References
    ----------
    Chapter ch319, equation ``eq-attention``.
    """
    e = scores(params, queries, memory)
    e = np.where(mask[:, np.newaxis], e, -np.inf)
    e -= e.max(axis=-1, keepdims=True)
    with np.errstate(under="ignore"):
        weights = np.exp(e, out=e)
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights @ memory, weights


def attend_vjp(
    params: Score,
    queries: Array,
    memory: Array,
    weights: Array,
    dcontexts: Array,
) -> tuple[Score, Array, Array]:
    r"""Pull the gradient of the contexts back through `attend`.

    .. math::

        d\alpha_{st} = d\bar m_s \cdot m_t, \qquad
        de_{st} = \alpha_{st} \Big( d\alpha_{st} - \sum_\tau \alpha_{s\tau}\, d\alpha_{s\tau} \Big)

    Parameters
    ----------
    params, queries, memory, weights
        Arguments and weights of `attend`.
    dcontexts : ndarray of shape (B, S, H)
        The gradient with respect to the contexts.

    Returns
    -------
    dparams, dqueries, dmemory
        Gradients with respect to the parameters, the queries and the memory.

    References
    ----------
    Chapter ch319, equation ``eq-attention-vjp``.
    """
    dweights = dcontexts @ memory.swapaxes(1, 2)
    common = (weights * dweights).sum(axis=-1, keepdims=True)
    dscores = weights * (dweights - common)
    dparams, dqueries, dmemory = scores_vjp(params, queries, memory, dscores)
    return dparams, dqueries, dmemory + weights.swapaxes(1, 2) @ dcontexts


def _hidden(params: Additive, queries: Array, memory: Array) -> Array:
    """Return the additive score's layer, (B, S, T, A)."""
    by_query, by_memory = queries @ params.W_q.T, memory @ params.W_m.T
    return np.tanh(by_query[:, :, np.newaxis] + by_memory[:, np.newaxis])
