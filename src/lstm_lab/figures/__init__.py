"""Plots and interactive figures.

Each plot draws one record on the axes that it is given, and returns them. The look comes from
the style sheet ``lstm_lab.book``: cells and ways to start have entries of its cycle, and line
styles tell them apart without color. Interactive figures hold all their states beforehand, so
that a page needs no kernel to show them.
"""

from lstm_lab.figures.cells import cell_explorer, gate_activations, gate_histograms
from lstm_lab.figures.diagrams import encoder_decoder, gru_diagram, lstm_diagram
from lstm_lab.figures.gradients import (
    cell_paths,
    forget_bias_dial,
    gain_dial,
    gradient_flow,
    gradient_map,
    powers,
    spectra,
    truncation,
)
from lstm_lab.figures.moving import SCRIPT, STYLE, Control, Frame, MovingFigure
from lstm_lab.figures.style import looks
from lstm_lab.figures.svg import by_night, inline
from lstm_lab.figures.training import cliff, curves, learning_curves, phase_diagram
from lstm_lab.figures.translation import attention_map, depth_map, teacher_and_free, translations
