"""Things to move. What a reader can choose is made beforehand, so that no kernel is needed."""

from lstm_lab.widgets.cells import cell_explorer
from lstm_lab.widgets.figure import SCRIPT, STYLE, Control, Frame, MovingFigure
from lstm_lab.widgets.flow import forget_bias_dial, gain_dial
from lstm_lab.widgets.translation import (
    attention_table,
    teacher_and_free,
    translations,
)

__all__ = [
    "SCRIPT",
    "STYLE",
    "Control",
    "Frame",
    "MovingFigure",
    "attention_table",
    "cell_explorer",
    "forget_bias_dial",
    "gain_dial",
    "teacher_and_free",
    "translations",
]
