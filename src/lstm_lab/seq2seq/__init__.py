"""Sequence-to-sequence models: stacked layers, attention, search, and training by hand."""

from lstm_lab.seq2seq.attention import KINDS, Dot
from lstm_lab.seq2seq.decoding import (
    Decoded,
    beam,
    every_target,
    exhaustive,
    greedy,
    log_probability,
    writable,
)
from lstm_lab.seq2seq.depth import DepthMap, depth_map
from lstm_lab.seq2seq.fitting import (
    PairsConfig,
    PairsEvaluation,
    answer,
    fit,
    mixed_inputs,
)
from lstm_lab.seq2seq.model import (
    Encoded,
    Network,
    Pairs,
    Params,
    encode,
    init,
    logits,
    loss,
    loss_and_grads,
    step,
)
from lstm_lab.seq2seq.scoring import (
    bits,
    errors_by_position,
    exact_match,
    perplexity,
)
from lstm_lab.seq2seq.translating import (
    Translation,
    Translator,
    Vocabularies,
    fit_vocabularies,
    load,
)

__all__ = [
    "KINDS",
    "Decoded",
    "DepthMap",
    "Dot",
    "Encoded",
    "Network",
    "Pairs",
    "PairsConfig",
    "PairsEvaluation",
    "Params",
    "Translation",
    "Translator",
    "Vocabularies",
    "answer",
    "beam",
    "bits",
    "depth_map",
    "encode",
    "errors_by_position",
    "every_target",
    "exact_match",
    "exhaustive",
    "fit",
    "fit_vocabularies",
    "greedy",
    "init",
    "load",
    "log_probability",
    "logits",
    "loss",
    "loss_and_grads",
    "mixed_inputs",
    "perplexity",
    "step",
    "writable",
]
