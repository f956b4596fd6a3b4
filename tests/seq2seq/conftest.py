"""Small models of every cell and kind, and pairs of all lengths."""

import numpy as np
import pytest
from cells import MGU, Peephole

from lstm_lab import coupled, gru, rnn, seq2seq, tree
from lstm_lab.tokenizer import EOS, PAD

SOURCES, TARGETS = 9, 8
NETWORKS = {
    "lstm-dot": {},
    "lstm-alone": {"attention": None},
    "rnn-bilinear": {"cell": rnn, "attention": "bilinear"},
    "gru-additive": {"cell": gru, "attention": "additive", "layers": 2},
    "coupled-residual": {"cell": coupled, "layers": 3, "residual": True},
    "mgu-alone-residual": {"cell": MGU, "attention": None, "layers": 2, "residual": True},
    "peephole-additive": {"cell": Peephole, "attention": "additive"},
}


def network(**options):
    sizes = {"sources": SOURCES, "targets": TARGETS, "embedding": 2}
    return seq2seq.Network(**{**sizes, "hidden": 3, **options})


def some_pairs(rng, source_lengths=(5, 3, 1, 4), target_lengths=(3, 4, 2, 1)):
    """Return random sources, and random targets with their ends."""
    T, S, B = max(source_lengths), max(target_lengths), len(source_lengths)
    source = rng.integers(4, SOURCES, (T, B))
    target = rng.integers(4, TARGETS, (S, B))
    for b, (t, s) in enumerate(zip(source_lengths, target_lengths, strict=True)):
        source[t:, b] = PAD
        target[s - 1, b] = EOS
        target[s:, b] = PAD
    lengths = np.array(source_lengths), np.array(target_lengths)
    return seq2seq.Pairs(source, lengths[0], target, lengths[1])


@pytest.fixture(params=NETWORKS.values(), ids=NETWORKS)
def net(request):
    return network(**request.param)


@pytest.fixture
def params(net, rng):
    """Return weights of which none is zero."""
    drawn = seq2seq.init(net, rng=rng)
    return tree.map(lambda leaf: rng.normal(0, 1.2, leaf.shape), drawn)


@pytest.fixture
def pairs(rng):
    return some_pairs(rng)
