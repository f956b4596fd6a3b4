"""Figures. Each function draws one record on the axes that it is given, and returns them.

The look comes from the style sheet ``lstm_lab.book``; colours are entries of its cycle, so
that a palette is changed in one place. Line styles tell the curves apart without colour.
"""

from lstm_lab.plots.diagrams import gru_diagram, lstm_diagram
from lstm_lab.plots.flow import (
    cell_paths,
    gradient_flow,
    gradient_map,
    powers,
    spectra,
    truncation,
)
from lstm_lab.plots.gates import gate_activations, gate_histograms
from lstm_lab.plots.learning import cliff, learning_curves, phase_diagram
from lstm_lab.plots.panels import cell_panels, forget_bias_panels, gain_panels
from lstm_lab.plots.style import ARCHITECTURE_STYLES, GATE_COLORS, NAMES
from lstm_lab.plots.svg import by_night, inline, night
from lstm_lab.plots.translation import (
    attention_map,
    curves,
    depth_map,
    encoder_decoder,
)

__all__ = [
    "ARCHITECTURE_STYLES",
    "GATE_COLORS",
    "NAMES",
    "attention_map",
    "by_night",
    "cell_panels",
    "cell_paths",
    "cliff",
    "curves",
    "depth_map",
    "encoder_decoder",
    "forget_bias_panels",
    "gain_panels",
    "gate_activations",
    "gate_histograms",
    "gradient_flow",
    "gradient_map",
    "gru_diagram",
    "inline",
    "learning_curves",
    "lstm_diagram",
    "night",
    "phase_diagram",
    "powers",
    "spectra",
    "truncation",
]
