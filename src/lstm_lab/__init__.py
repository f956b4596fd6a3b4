"""The laboratory of the book: recurrent cells, their gradients, and experiments on both.

Every module is an attribute of the package, such as ``lstm_lab.gradflow`` or
``lstm_lab.counting``; all but the architectures are imported where they are first used.
"""

from importlib import import_module, metadata
from typing import Any

from lstm_lab.cells import (
    GRUCell,
    LSTMCell,
    RNNCell,
    coupled,
    gru,
    lstm,
    rnn,
)

try:
    __version__ = metadata.version("lstm-lab")
except metadata.PackageNotFoundError:  # imported from its source, not installed
    __version__ = "0+source"
__all__ = ["GRUCell", "LSTMCell", "RNNCell", "coupled", "gru", "lstm", "rnn"]


def __getattr__(name: str) -> Any:
    try:
        return import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
