"""What the tests of the widgets share: a translator, and how to read a figure's HTML."""

import numpy as np
import pytest
from bs4 import BeautifulSoup

from lstm_lab import seq2seq, tokenizer


@pytest.fixture(scope="package")
def translator():
    letters = tokenizer.Tokenizer(tuple("ab<月"))
    network = seq2seq.Network(
        sources=letters.size, targets=letters.size, embedding=3, hidden=4
    )
    params = seq2seq.init(network, rng=np.random.default_rng(0))
    return seq2seq.Translator(
        network, seq2seq.Vocabularies(letters, letters), params
    )


@pytest.fixture(scope="package")
def parsed():
    """Return a function that parses what a page shows of a figure."""

    def parse(figure):
        data, _ = figure._repr_mimebundle_()
        return BeautifulSoup(data["text/html"], "html.parser").div

    return parse


@pytest.fixture(scope="package")
def rows():
    """Return a function that reads the rows of a table: headings and cells, as text."""

    def read(table):
        return [
            [cell.text for cell in row.find_all(["th", "td"])]
            for row in table.tbody.find_all("tr")
        ]

    return read
