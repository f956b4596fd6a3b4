"""Names and colours, as entries of the style sheet's cycle: a palette has one place."""

from typing import Any

NAMES = {"rnn": "vanilla RNN", "lstm": "LSTM", "gru": "GRU"}
ARCHITECTURE_STYLES: dict[str, dict[str, Any]] = {
    "rnn": {"color": "C1", "linestyle": "--"},
    "lstm": {"color": "C0", "linestyle": "-"},
    "gru": {"color": "C2", "linestyle": "-."},
}
GATE_COLORS = {
    "i": "C0",
    "f": "C1",
    "o": "C2",
    "c": "C3",
    "g": "C4",
    "z": "C1",
    "r": "C0",
}
GATE_NAMES = {
    "i": "Input gate",
    "f": "Forget gate",
    "o": "Output gate",
    "c": "Cell state",
    "z": "Update gate",
    "r": "Reset gate",
}
