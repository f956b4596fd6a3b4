"""The laboratory of the book: recurrent cells, their gradients, and experiments on both.

Every module is an attribute of the package, such as ``lstm_lab.gradflow`` or
``lstm_lab.counting``; all but the cells are imported where they are first used.
"""

from importlib import import_module, metadata
from pkgutil import iter_modules
from typing import Any

from lstm_lab.cells import GRUCell, LSTMCell, RNNCell, coupled, gru, lstm, rnn

try:
    __version__ = metadata.version("lstm-lab")
except metadata.PackageNotFoundError:  # imported from its source, not installed
    __version__ = "0+source"
__all__ = ["GRUCell", "LSTMCell", "RNNCell", "coupled", "gru", "lstm", "rnn"]

_MODULES = {module.name for module in iter_modules(__path__)}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
