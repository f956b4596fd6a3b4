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
# What the colours of the cycle become on a dark page; greys are turned by `svg.night`.
NIGHT = {
    "#0072b2": "#56b4e9",
    "#d55e00": "#ff8c42",
    "#009e73": "#2fd0a3",
    "#cc79a7": "#e39cc4",
    "#e69f00": "#ffc247",
    "#56b4e9": "#8fd0ff",
}
