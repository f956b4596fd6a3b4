"""Diagrams name every quantity and operation."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from lstm_lab import figures

from .conftest import texts


@pytest.mark.parametrize(
    ("diagram", "labels"),
    [
        (
            figures.lstm_diagram,
            {"$c_{t-1}$", "$c_t$", "$h_{t-1}$", "$h_t$", "$x_t$"}
            | {"$f_t$", "$i_t$", "$g_t$", "$o_t$"},
        ),
        (
            figures.gru_diagram,
            {"$h_{t-1}$", "$h_t$", "$x_t$", "$r_t$", "$z_t$", "$1 - z_t$"} | {r"$\tilde h_t$"},
        ),
    ],
)
def test_cells(ax, diagram, labels):
    settings = dict(mpl.rcParams)
    assert diagram(ax) is ax
    assert labels <= {*texts(ax.texts)}
    signs = texts(ax.texts)
    assert (signs.count("+"), signs.count("×")) == (1, 3)
    assert not ax.axison
    assert ax.get_aspect() == 1
    # No figure is opened, and no setting changed.
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == settings


def test_an_encoder_reads_and_a_decoder_writes(ax):
    assert figures.encoder_decoder(ax) is ax
    shown = texts(ax.texts)
    assert shown.count("LSTM") == len(ax.patches) == 12
    for symbol in ("$x_1$", "⊢", "⏎", r"$\zeta$", "encoder", "decoder"):
        assert shown.count(symbol) == 1
    assert shown.count("$y_1$") == shown.count("$y_2$") == 2
    ax.figure.draw_without_rendering()
