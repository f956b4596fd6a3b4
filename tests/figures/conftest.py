"""Figures are drawn in the look of the book; and small records of every kind, to draw."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup
from matplotlib.figure import Figure

from lstm_lab import gradflow, initialization, lstm, rnn, seq2seq, sequence, tokenizer

from .palette import judge

SIZES = {"D": 2, "H": 4, "T": 10, "seeds": (0, 1)}
GAINS = ("0.5", "1.0", "1.5")
BIASES = ("-1", "2")


@pytest.fixture(autouse=True)
def look():
    with plt.style.context("lstm_lab.book"):
        yield
    plt.close("all")


@pytest.fixture
def panels():
    """Return a function that makes axes; in the end their figures are judged by their colors."""
    drawn = []

    def make(*shape):
        drawn.append(Figure())
        return drawn[-1].subplots(*shape)

    yield make
    for figure in drawn:
        judge(figure)


@pytest.fixture
def ax(panels):
    return panels()


def texts(artists):
    return [artist.get_text() for artist in artists]


def parsed(figure):
    """Return what a page shows of a moving figure."""
    data, _ = figure._repr_mimebundle_()
    return BeautifulSoup(data["text/html"], "html.parser").div


def rows(table):
    """Return the rows of a table: headings and cells, as text."""
    return [
        [cell.text for cell in row.find_all(["th", "td"])] for row in table.tbody.find_all("tr")
    ]


@pytest.fixture(scope="package")
def gains():
    """Return gradient flows and spectra by gain."""
    starts = {
        gain: initialization.initializer(rnn, recurrent=initialization.orthogonal, gain=float(gain))
        for gain in GAINS
    }
    flows = {gain: gradflow.gradient_flow(rnn, init=init, **SIZES) for gain, init in starts.items()}
    spectra = {
        gain: gradflow.spectra(rnn, init=init, lags=(1, 5, 10), **SIZES)
        for gain, init in starts.items()
    }
    return flows, spectra


@pytest.fixture(scope="package")
def paths():
    """Return what reaches along the cell state, by forget bias."""
    return {
        bias: gradflow.cell_paths(
            lstm, init=initialization.initializer(lstm, f=float(bias)), **SIZES
        )
        for bias in BIASES
    }


@pytest.fixture(scope="package")
def steps():
    rng = np.random.default_rng(0)
    params = lstm.init(2, 3, rng=rng)
    trace = sequence.forward(lstm, params, rng.normal(size=(5, 2)))
    return gradflow.cell_steps(trace)


def model(seed):
    """Return an untrained translator; every third likes padding and beginnings best."""
    letters = tokenizer.Tokenizer(tuple("ab<月"))
    network = seq2seq.Network(sources=letters.size, targets=letters.size, embedding=3, hidden=4)
    params = seq2seq.init(network, rng=np.random.default_rng(seed))
    if seed % 3 == 2:
        params.b_out[[tokenizer.PAD, tokenizer.BOS]] = 3
    known = seq2seq.Vocabularies(letters, letters)
    return seq2seq.Translator(network, known, params)


@pytest.fixture(scope="package")
def translator():
    return model(0)
