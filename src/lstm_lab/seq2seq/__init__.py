"""Sequence-to-sequence models: stacked layers, attention, search, and training by hand."""

from lstm_lab.seq2seq.attention import KINDS, Dot
from lstm_lab.seq2seq.decoding import (
    Decoded,
    beam,
    errors_by_position,
    every_target,
    exact_match,
    exhaustive,
    greedy,
    log_probability,
    writable,
)
from lstm_lab.seq2seq.depth import DepthMap, depth_map
from lstm_lab.seq2seq.fitting import PairsConfig, PairsEvaluation, answer, fit, mixed_inputs
from lstm_lab.seq2seq.model import (
    Encoded,
    Network,
    Pairs,
    Params,
    bits,
    encode,
    init,
    logits,
    loss,
    loss_and_grads,
    perplexity,
    step,
)
from lstm_lab.seq2seq.translating import (
    Translation,
    Translator,
    Vocabularies,
    fit_vocabularies,
    load,
)
