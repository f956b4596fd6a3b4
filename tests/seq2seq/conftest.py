"""Small models of every kind, and pairs of all lengths."""

import numpy as np
import pytest

from lstm_lab import seq2seq, tree
from lstm_lab.tokenizer import EOS, PAD

SOURCES, TARGETS = 9, 8
KINDS = {
    "lstm": {},
    "lstm-no-attention": {"attention": None},
    "gru-additive": {"cell": "gru", "attention": "additive"},
    "rnn-bilinear": {"cell": "rnn", "attention": "bilinear"},
    "stacked-residual": {"layers": 3, "residual": True},
    "bidirectional": {"layers": 2, "bidirectional": True},
    "bidirectional-gru-no-attention": {
        **{"cell": "gru", "layers": 2, "bidirectional": True},
        **{"residual": True, "attention": None},
    },
}


def network(**options):
    sizes = {"sources": SOURCES, "targets": TARGETS, "embedding": 3}
    return seq2seq.Network(**{**sizes, "hidden": 4, **options})


def pairs(rng, source_lengths=(5, 3, 1, 4), target_lengths=(3, 4, 2, 1)):
    """Return random sources, and random targets with their ends."""
    T, S, B = max(source_lengths), max(target_lengths), len(source_lengths)
    source = rng.integers(4, SOURCES, (T, B))
    target = rng.integers(4, TARGETS, (S, B))
    for b, (t, s) in enumerate(
        zip(source_lengths, target_lengths, strict=True)
    ):
        source[t:, b] = PAD
        target[s - 1, b] = EOS
        target[s:, b] = PAD
    lengths = np.array(source_lengths), np.array(target_lengths)
    return seq2seq.Batch(source, lengths[0], target, lengths[1])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def net(request):
    return network(**request.param)


@pytest.fixture
def params(net, rng):
    """Return weights of which none is zero."""
    drawn = seq2seq.init(net, rng=rng)
    return tree.map(lambda leaf: rng.normal(0, 0.7, leaf.shape), drawn)


@pytest.fixture
def batch(rng):
    return pairs(rng)
