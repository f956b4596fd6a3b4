"""Decoding a target twice: with teacher forcing, and free-running."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lstm_lab import checks, seq2seq
from lstm_lab.numerics import Array
from lstm_lab.seq2seq import Translator
from lstm_lab.tokenizer import BOS, EOS, PAD, UNK, UNKNOWN

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
        return next((s for s, (a, b) in enumerate(pairs) if a != b), None)


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
    network, vocabularies, params = translator
    batch = vocabularies.batch(sources, targets)
    rng = np.random.default_rng(0)  # at a ratio of 0, no draw matters
    own: Any = seq2seq.mixed_inputs(network, params, batch, ratio=0.0, rng=rng)
    true = np.concatenate([own[:1], batch.target[:-1]])  # both begin with BOS
    # As objects: an array of texts loses null characters.
    names = np.array([*NAMES.values(), *vocabularies.target.characters], object)
    ends = [*enumerate(batch.target_lengths)]
    ways = []
    for given in (true, own):
        pairs = batch._replace(inputs=given)
        logits, _ = seq2seq.logits(network, params, pairs)
        log_p = seq2seq.writable(logits)
        read, best = names[given], names[log_p.argmax(axis=-1)]
        p = np.exp(log_p.max(axis=-1))
        steps = [(read[:S, b], best[:S, b], p[:S, b]) for b, S in ends]
        ways.append([Steps(tuple(r), tuple(w), p) for r, w, p in steps])
    right = [tuple(names[batch.target[:S, b]]) for b, S in ends]
    return [*map(TwoWays, sources, right, *ways)]
