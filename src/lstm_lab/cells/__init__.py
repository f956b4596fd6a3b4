"""The cells of the book: one short module each, with its equations and their derivative.

`lstm_lab.sequence.Cell` says what such a module defines; `lstm_lab.sequence` runs it.
"""

from lstm_lab.cells import coupled, gru, lstm, rnn
from lstm_lab.cells.textbook import GRUCell, LSTMCell, RNNCell

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "coupled", "gru", "lstm", "rnn"]
