"""Problem of chapter 319: attention of one query, with a mask."""

from collections.abc import Callable

import numpy as np

from lstm_lab.exercises.checking import Arguments, Problem, fault
from lstm_lab.numerics import Array
from lstm_lab.seq2seq import attention


def _attend(
    query: Array, memory: Array, mask: attention.Mask
) -> tuple[Array, Array]:
    context, weights = attention.attend(
        attention.Dot(),
        query[np.newaxis, np.newaxis],
        memory[np.newaxis],
        mask[np.newaxis],
    )
    return context[0, 0], weights[0, 0]


def _softmax(e: Array) -> Array:
    weights: Array = np.exp(e - e.max())
    weights /= weights.sum()
    return weights


def _hide(e: Array, mask: Array) -> Array:
    return np.where(mask, e, -np.inf)


def _other(
    query: Array,
    memory: Array,
    mask: Array,
    *,
    scores: Callable[[Array, Array], Array] = lambda q, m: m @ q,
    hide: Callable[[Array, Array], Array] = _hide,
    softmax: Callable[[Array], Array] = _softmax,
    read: Callable[[Array, Array], Array] = np.matmul,
    later: Callable[[Array, Array], Array] = lambda weights, mask: weights,
) -> tuple[Array, Array]:
    weights = later(softmax(hide(scores(query, memory), mask)), mask)
    return read(weights, memory), weights


def _probes(rng: np.random.Generator) -> list[Arguments]:
    """Return sources with and without padding, as float32, and with a score of a thousand.

    The large score is once at the source, once at the padding, and once all scores of the source
    are below minus a thousand.
    """
    H, T = 3, 6
    probes: list[Arguments] = []
    for length in (T, 4, 1):
        query, memory = rng.normal(size=H), rng.normal(size=(T, H))
        probes.append((query, memory, np.arange(T) < length))
    query, memory, mask = probes[1]
    single = query.astype(np.float32), memory.astype(np.float32), mask
    probes += [single, (1000 * query, memory, mask)]
    scores = memory @ query
    for large in (
        np.where(np.arange(T) == 1, 1000, scores),
        np.where(mask, scores, 1000),
        np.where(mask, -1000 - np.abs(scores), scores),
    ):
        # Moved along the query, until these are the scores.
        moves = np.outer(large - scores, query) / (query @ query)
        probes.append((query, memory + moves, mask))
    query, memory, mask = probes[-3]
    single = query.astype(np.float32), memory.astype(np.float32), mask
    return [*probes, single]


ATTENTION = Problem(
    arguments=("query", "memory", "mask"),
    results=("context", "weights"),
    solution=_attend,
    probes=_probes,
    faults=(
        fault(
            "The mask is ignored",
            "Padding must get no weight: its scores become -inf before the softmax.",
            _other,
            hide=lambda e, _: e,
        ),
        fault(
            "The mask is turned round",
            "mask is True where the source is, and False at the padding.",
            _other,
            hide=lambda e, mask: np.where(~mask, e, -np.inf),
        ),
        fault(
            "The scores of the padding are zero",
            "A score of zero still has the weight exp(0): it must be -inf.",
            _other,
            hide=lambda e, mask: e * mask,
        ),
        fault(
            "The mask comes after the softmax",
            "Then the weights that are left do not sum to one: mask the scores.",
            _other,
            hide=lambda e, _: e,
            later=lambda weights, mask: weights * mask,
        ),
        fault(
            "The scores are scaled",
            "Dividing by the root of H is the scaled score of the transformer; here the score"
            " is the plain product.",
            _other,
            scores=lambda q, m: m @ q / q.dtype.type(len(q) ** 0.5),
        ),
        fault(
            "The scores are the cosine",
            "The score is the product, not divided by the norms.",
            _other,
            scores=lambda q, m: (
                m @ q / (np.linalg.norm(m, axis=1) * np.linalg.norm(q))
            ),
        ),
        fault(
            "The scores go through tanh",
            "tanh belongs to the additive score; here it is the plain product.",
            _other,
            scores=lambda q, m: np.tanh(m @ q),
        ),
        fault(
            "The scores have the wrong sign",
            "What fits better has the larger score.",
            _other,
            scores=lambda q, m: -m @ q,
        ),
        fault(
            "The mean over the units",
            "The score is a sum over the units of query and memory.",
            _other,
            scores=lambda q, m: (m * q).mean(axis=1),
        ),
        fault(
            "One weight takes all",
            "A softmax, not the largest score alone.",
            _other,
            softmax=lambda e: (np.arange(len(e)) == e.argmax()).astype(e.dtype),
        ),
        fault(
            "The exponential is missing",
            "Divide exp(e) by its sum, not e.",
            _other,
            hide=lambda e, mask: e * mask,
            softmax=lambda e: e / e.sum(),
        ),
        fault(
            "Sigmoids instead of a softmax",
            "The weights are shares of one whole: exp(e) divided by its sum.",
            _other,
            softmax=lambda e: 1 / (1 + np.exp(-e)),
        ),
        fault(
            "The weights are not divided by their sum",
            "Divide exp(e) by its sum.",
            _other,
            softmax=lambda e: np.exp(e - e.max()),
        ),
        fault(
            "The context is a sum of the memory",
            "Each entry of the memory is multiplied by its weight.",
            _other,
            read=lambda weights, m: m[weights > 0].sum(axis=0),
        ),
        fault(
            "The context is a mean of the memory",
            "Each entry of the memory is multiplied by its weight.",
            _other,
            read=lambda weights, m: m[weights > 0].mean(axis=0),
        ),
        fault(
            "The context is the best entry",
            "The context is the mean of all entries, with the weights.",
            _other,
            read=lambda weights, m: m[weights.argmax()],
        ),
    ),
    hints={
        "Not finite": "exp of a large score overflows: subtract the largest score first,"
        " which changes nothing else."
    },
)
