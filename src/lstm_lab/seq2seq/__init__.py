"""Sequence-to-sequence models: stacked layers, attention, search, and training by hand."""

from lstm_lab.seq2seq.attention import KINDS, Additive, Bilinear, Dot
from lstm_lab.seq2seq.decoding import (
    Decoded,
    beam,
    every_target,
    exhaustive,
    greedy,
    log_probability,
)
from lstm_lab.seq2seq.fitting import (
    Config,
    Run,
    answer,
    exact_match,
    fit,
    mixed_inputs,
)
from lstm_lab.seq2seq.model import (
    Batch,
    Encoded,
    Network,
    Params,
    encode,
    init,
    logits,
    loss,
    loss_and_grads,
    step,
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
    "encode",
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
    "step",
]
