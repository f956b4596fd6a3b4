"""Decoding a target twice: with teacher forcing, and free-running."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks, seq2seq
from lstm_lab.numerics import Array
from lstm_lab.seq2seq import Translation, Translator
from lstm_lab.tokenizer import BOS, EOS, PAD, UNK, UNKNOWN, Tokenizer

Integers = NDArray[np.integer[Any]]

NAMES = {PAD: "∅", BOS: "⊢", EOS: "⏎", UNK: UNKNOWN}
"""Symbols for the tokens that are not characters."""


class Steps(NamedTuple):
    """The S steps of a decoder.

    ``given`` is the token that it read, ``written`` the most likely next one of those that a
    target may hold, and ``probability`` (S,) the probability of that one.
    """

    given: tuple[str, ...]
    written: tuple[str, ...]
    probability: Array


class TwoWays(NamedTuple):
    """A source, its target with the end, and the steps of both ways to decode it."""

    source: str
    target: tuple[str, ...]
    forced: Steps
    free: Steps

    @property
    def parted(self) -> int | None:
        """Index of the first step at which the two ways read different tokens, or None."""
        pairs = zip(self.forced.given, self.free.given, strict=True)
        differing = (s for s, (a, b) in enumerate(pairs) if a != b)
        return next(differing, None)


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
    """
    checks.instance("translator", translator, Translator)
    sources = checks.texts("sources", sources)
    targets = checks.texts("targets", targets)
    network, vocabularies, params = translator
    batch, known = vocabularies.batch(sources, targets), vocabularies.target
    rng = np.random.default_rng(0)  # at these ratios, no draw matters
    ways = []
    for ratio in (1.0, 0.0):  # with a teacher, and without
        given = seq2seq.mixed_inputs(
            network, params, batch, ratio=ratio, rng=rng
        )
        pairs = batch._replace(inputs=given)
        logits, _ = seq2seq.logits(network, params, pairs)
        ways.append((given, seq2seq.writable(logits)))
    return [
        TwoWays(
            source,
            _named(batch.target[:S, b], known),
            *(
                _steps(given[:S, b], log_p[:S, b], known)
                for given, log_p in ways
            ),
        )
        for b, (source, S) in enumerate(
            zip(sources, batch.target_lengths, strict=True)
        )
    ]


def written(translation: Translation, source: str) -> tuple[str, ...]:
    """Return the character or ``NAMES[EOS]`` of each step (S,) of a translation with attention.

    Raises a ValueError if its weights (S, T) belong to another source, or are missing.
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


def _steps(given: Integers, log_p: Array, known: Tokenizer) -> Steps:
    likeliest = log_p.argmax(axis=-1)
    probability = np.exp(log_p.max(axis=-1))
    return Steps(_named(given, known), _named(likeliest, known), probability)


def _named(tokens: Integers, known: Tokenizer) -> tuple[str, ...]:
    """Return the character or name of each token."""
    names = [*NAMES.values(), *known.characters]
    return tuple(names[token] for token in tokens)
