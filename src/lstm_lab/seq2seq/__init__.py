"""Sequence-to-sequence models: stacked layers, attention, search, and training by hand."""

from lstm_lab.seq2seq.attention import KINDS, Additive, Bilinear, Dot
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
from lstm_lab.seq2seq.fitting import Config, Run, answer, fit, mixed_inputs
from lstm_lab.seq2seq.model import (
    Batch,
    Encoded,
    Network,
    Params,
    count,
    encode,
    init,
    logits,
    loss,
    loss_and_grads,
    step,
    target_mask,
)
from lstm_lab.seq2seq.scoring import (
    bits,
    errors_by_position,
    exact_match,
    perplexity,
)
from lstm_lab.seq2seq.stack import Bidirectional
from lstm_lab.seq2seq.translating import (
    Translation,
    Translator,
    Vocabularies,
    fit_vocabularies,
    load,
)

__all__ = [
    "KINDS",
    "Additive",
    "Batch",
    "Bidirectional",
    "Bilinear",
    "Config",
    "Decoded",
    "DepthMap",
    "Dot",
    "Encoded",
    "Network",
    "Params",
    "Run",
    "Translation",
    "Translator",
    "Vocabularies",
    "answer",
    "beam",
    "bits",
    "count",
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
    "target_mask",
    "writable",
]
