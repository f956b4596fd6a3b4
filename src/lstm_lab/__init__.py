"""The laboratory of the book: recurrent cells, their gradients, and experiments on both."""

from importlib.metadata import version

from lstm_lab import gru, lstm, rnn
from lstm_lab.gru import GRUCell
from lstm_lab.lstm import LSTMCell
from lstm_lab.rnn import RNNCell

__version__ = version("lstm-lab")
__all__ = ["GRUCell", "LSTMCell", "RNNCell", "gru", "lstm", "rnn"]
