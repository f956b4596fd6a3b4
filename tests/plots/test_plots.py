"""Figures draw what their records hold, on the axes that they are given."""

from dataclasses import replace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from lstm_lab import coupled, gradflow, gru, lstm, plots, rnn

ARCHITECTURES = [rnn, lstm, gru]


@pytest.fixture
def ax():
    return Figure().subplots()


def test_gradient_flow(ax):
    flows = [
        gradflow.gradient_flow(arch, D=2, H=3, T=5, seeds=(0, 1))
        for arch in ARCHITECTURES
    ]
    assert plots.gradient_flow(ax, flows) is ax
    for line, flow in zip(ax.lines, flows, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), flow.lags)
        np.testing.assert_array_equal(line.get_ydata(), flow.typical)
    assert ax.get_yscale() == "log"
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["vanilla RNN", "LSTM", "GRU"]
    styles = {(line.get_color(), line.get_linestyle()) for line in ax.lines}
    assert len({color for color, _ in styles}) == 3
    assert len({style for _, style in styles}) == 3  # told apart without colour


def test_any_architecture_is_drawn(ax):
    flow = gradflow.gradient_flow(coupled, D=2, H=3, T=5, seeds=(0, 1))
    further = [replace(flow, architecture=name) for name in ("mgu", "ugrnn")]
    plots.gradient_flow(ax, [flow, *further, replace(flow, architecture="mgu")])
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["coupled gates", "mgu", "ugrnn", "mgu"]
    looks = [(line.get_color(), line.get_linestyle()) for line in ax.lines]
    assert len(set(looks)) == 3
    assert looks[1] == looks[3]
    bias = gradflow.truncation_bias(
        coupled, windows=[1, 5], D=2, H=3, T=5, seeds=(0, 1)
    )
    assert plots.truncation(Figure().subplots(), [bias]).get_legend()


def test_any_gate_is_drawn(rng):
    """The candidate shifted into (0, 1), and a gate of another cell."""
    gates = rng.uniform(size=(5, 2, 3))
    names = ("g", "s")
    record = gradflow.gate_histogram(gates, names, packed=names)
    axes = Figure().subplots(1, 2)
    plots.gate_histograms(axes, [record], ["now"])
    assert [ax.get_title() for ax in axes] == ["Candidate", "Gate s"]


def test_bands_reach_from_the_lowest_to_the_highest_seed(ax):
    flow = gradflow.gradient_flow(rnn, D=2, H=3, T=5, seeds=range(4))
    plots.gradient_flow(ax, [flow])
    corners = ax.collections[0].get_paths()[0].vertices
    at_end = corners[corners[:, 0] == 5][:, 1]
    assert at_end.min() == flow.norms[:, 5].min()
    assert at_end.max() == flow.norms[:, 5].max()


def test_gate_activations():
    rng = np.random.default_rng(0)
    trace = lstm.forward(lstm.init(2, 3, rng=rng), rng.normal(size=(5, 2)))
    record = gradflow.gate_activations(trace)
    axes = Figure().subplots(2, 2)
    assert plots.gate_activations(axes, record) is axes
    values = (record.i, record.f, record.o, record.cell_norm)
    for ax, expected in zip(axes.flat, values, strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), expected)
        np.testing.assert_array_equal(ax.lines[0].get_xdata(), np.arange(1, 6))
        assert ax.get_title()
        assert ax.get_ylabel()
    assert all(ax.get_xlabel() for ax in axes[-1])


@pytest.mark.parametrize(
    ("diagram", "labels"),
    [
        (
            plots.lstm_diagram,
            {"$c_{t-1}$", "$c_t$", "$h_{t-1}$", "$h_t$", "$x_t$"}
            | {"$f_t$", "$i_t$", "$g_t$", "$o_t$"},
        ),
        (
            plots.gru_diagram,
            {"$h_{t-1}$", "$h_t$", "$x_t$", "$r_t$", "$z_t$", "$1 - z_t$"}
            | {r"$\tilde h_t$"},
        ),
    ],
)
def test_diagrams_name_every_quantity(ax, diagram, labels):
    assert diagram(ax) is ax
    assert labels <= {text.get_text() for text in ax.texts}
    assert not ax.axison
    assert ax.get_aspect() == 1


@pytest.mark.parametrize("diagram", [plots.lstm_diagram, plots.gru_diagram])
def test_diagrams_use_one_operation_sign_per_product_and_sum(ax, diagram):
    diagram(ax)
    signs = [text.get_text() for text in ax.texts]
    assert (signs.count("+"), signs.count("×")) == (1, 3)


def test_no_figure_is_opened_and_no_setting_changed(ax):
    settings = dict(mpl.rcParams)
    plots.lstm_diagram(ax)
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == settings


def test_style_sheet_is_found():
    cycle = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    used = [style["color"] for style in plots.ARCHITECTURE_STYLES.values()]
    used += plots.GATE_COLORS.values()
    assert len(set(cycle)) == len(cycle)
    assert {int(name.removeprefix("C")) for name in used} <= set(
        range(len(cycle))
    )
