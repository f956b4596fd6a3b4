"""The laboratory of the book: recurrent cells, their gradients, and experiments on both.

Every module is an attribute of the package, such as ``lstm_lab.gradflow`` or
``lstm_lab.counting``; all but the architectures are imported where they are first used.
"""
# ruff: noqa: F401

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

from lstm_lab import gru, lstm, rnn
from lstm_lab.gru import GRUCell
from lstm_lab.lstm import LSTMCell
from lstm_lab.rnn import RNNCell

if TYPE_CHECKING:
    from lstm_lab import (
        architecture,
        checkpoints,
        counting,
        coupled,
        dates,
        exercises,
        experiments,
        gradcheck,
        gradflow,
        gradient_checkpointing,
        initialization,
        interop,
        jacobians,
        losses,
        optim,
        plots,
        seq2seq,
        tables,
        tasks,
        teaching,
        tokenizer,
        training,
        transductions,
        tree,
        widgets,
    )

try:
    __version__ = metadata.version("lstm-lab")
except metadata.PackageNotFoundError:  # imported from its source, not installed
    __version__ = "0+source"
__all__ = ["GRUCell", "LSTMCell", "RNNCell", "gru", "lstm", "rnn"]
_LATER = (
    *("architecture", "checkpoints", "counting", "coupled", "dates"),
    *("exercises", "experiments"),
    *("gradcheck", "gradflow", "gradient_checkpointing", "initialization"),
    *("interop", "jacobians", "losses", "optim", "plots"),
    *("seq2seq", "tables", "tasks", "teaching", "tokenizer"),
    *("training", "transductions", "tree", "widgets"),
)


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
