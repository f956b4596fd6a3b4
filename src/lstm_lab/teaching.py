"""One target told twice: reading the true tokens, and reading what the model wrote itself."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks
from lstm_lab.numerics import Array
from lstm_lab.seq2seq import (
    Translation,
    Translator,
    logits,
    mixed_inputs,
    writable,
)
from lstm_lab.tokenizer import (
    BOS,
    EOS,
    PAD,
    SPECIAL,
    UNK,
    UNKNOWN,
    Tokenizer,
    Tokens,
)

NAMES = {PAD: "∅", BOS: "⊢", EOS: "⏎", UNK: UNKNOWN}
"""What stands for the tokens that are no characters."""


class Steps(NamedTuple):
    """What a decoder did at each of S steps.

    ``given`` is the token that it read, ``written`` the likeliest next one in its view of those
    that a target may hold, and ``probability`` (S,) what it gave that one.
    """

    given: tuple[str, ...]
    written: tuple[str, ...]
    probability: Array


class TwoWays(NamedTuple):
    """A source with its true target, the end included, and both ways to decode it."""

    source: str
    target: tuple[str, ...]
    forced: Steps
    free: Steps

    @property
    def parted(self) -> int | None:
        """Index of the first step at which the two ways read different tokens; None without."""
        pairs = zip(self.forced.given, self.free.given, strict=True)
        parts = (s for s, (one, other) in enumerate(pairs) if one != other)
        return next(parts, None)


def two_ways(
    translator: Translator, sources: Sequence[str], targets: Sequence[str]
) -> list[TwoWays]:
    """Decode some texts with teacher forcing and without, for as many steps as their targets have.

    Parameters
    ----------
    translator : Translator
        The model.
    sources, targets : sequences of B str
        The pairs.

    Returns
    -------
    list of TwoWays
        One for each pair.

    Raises
    ------
    TypeError
        If one of both is a str, or holds something else than str.
    ValueError
        If a character is not known, a source is empty, or there are not as many of both.

    References
    ----------
    Chapter ch319, section "With a teacher, and without".
    """
    checks.instance("translator", translator, Translator)
    sources = checks.texts("sources", sources)
    targets = checks.texts("targets", targets)
    network, vocabularies, params = translator
    batch = vocabularies.batch(sources, targets)
    rng = np.random.default_rng(0)  # nothing hangs on its draws
    own = cast(Tokens, mixed_inputs(network, params, batch, ratio=0.0, rng=rng))
    true = np.concatenate([own[:1], batch.target[:-1]])  # the first is the same
    ways = [
        (given, writable(logits(network, params, batch, given)[0]))
        for given in (true, own)
    ]
    return [
        TwoWays(
            source,
            _characters(batch.target[:S, b], vocabularies.target),
            *(
                Steps(
                    _characters(given[:S, b], vocabularies.target),
                    _characters(
                        log_p[:S, b].argmax(axis=-1), vocabularies.target
                    ),
                    np.exp(log_p[:S, b].max(axis=-1)),
                )
                for given, log_p in ways
            ),
        )
        for b, (source, S) in enumerate(
            zip(sources, batch.target_lengths, strict=True)
        )
    ]


def written(translation: Translation, source: str) -> tuple[str, ...]:
    """Return what a model wrote at each step of a translation, its end included if it came to it.

    Parameters
    ----------
    translation : Translation
        What the model made of the source, with weights of attention.
    source : str
        The text that it read.

    Returns
    -------
    tuple of S str
        A character or ``NAMES[EOS]`` for each row of the weights (S, T).

    Raises
    ------
    TypeError
        If one of both is of another type.
    ValueError
        If the model has no attention, or the weights belong to another source or answer.
    """
    checks.instance("translation", translation, Translation)
    source = checks.text("source", source)
    text, _, weights = translation
    if weights is None:
        raise ValueError(
            "translation must have weights: of attention, got none"
        )
    steps, read = np.shape(weights)
    if read != len(source):
        raise ValueError(
            f"source must have {read} characters, as many as there are weights,"
            f" got {source!r}"
        )
    if steps not in (len(text), len(text) + 1):
        raise ValueError(
            "translation must have weights for each character of its text and for"
            f" its end, got {steps} rows for {text!r}"
        )
    return (*text, NAMES[EOS])[:steps]


def _characters(
    tokens: NDArray[np.integer[Any]], known: Tokenizer
) -> tuple[str, ...]:
    return tuple(
        NAMES[token] if token < SPECIAL else known.characters[token - SPECIAL]
        for token in map(int, tokens)
    )
