"""Figures are drawn in the look of the book."""

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def look():
    with plt.style.context("lstm_lab.book"):
        yield
    plt.close("all")
