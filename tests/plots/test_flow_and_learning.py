"""The figures of the gradient laboratory draw what their records hold."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from lstm_lab import gradflow, gru, lstm, plots, rnn, tasks, training
from lstm_lab.experiments import phase
from lstm_lab.initialization import start
from lstm_lab.plots.style import MAP_INK, MAP_PAPER


@pytest.fixture
def ax():
    return Figure().subplots()


def lines(ax):
    """Return the drawn lines, but for those that only make a legend."""
    return [line for line in ax.lines if len(line.get_xdata())]


@pytest.mark.parametrize("arch", [rnn, lstm])
def test_gradient_map(ax, arch):
    rng = np.random.default_rng(0)
    record = gradflow.gradient_map(
        arch, arch.init(2, 3, rng=rng), rng.normal(size=(5, 2))
    )
    assert plots.gradient_map(ax, record, lowest=-3, highest=1) is ax
    image = ax.images[0]
    shown = np.ma.filled(image.get_array().astype(float), np.nan)
    np.testing.assert_array_equal(shown, record.log10_norms.T)
    assert image.get_clim() == (-3, 1)
    assert image.origin == "lower"
    left, right, bottom, top = image.get_extent()
    assert (left, right) == (0.5, 5.5)  # steps 1 to 5
    assert (bottom, top) == (-0.5, 5.5)  # lags 0 to 5
    assert len(ax.figure.axes) == 2  # a colour bar with its own label
    assert ax.figure.axes[1].get_ylabel()
    bare = Figure().subplots()
    plots.gradient_map(bare, record, bar=False)
    assert bare.figure.axes == [bare]


def test_spectra_and_their_predictions():
    starts = {"a": start(rnn), "b": start(rnn, gain=2.0)}
    record = gradflow.spectra(rnn, starts, lags=(1, 2, 4), D=2, H=3)
    axes = Figure().subplots(1, 2)
    assert plots.spectra(axes, record) is axes
    for n, ax in enumerate(axes):
        assert ax.get_xlabel()
        *others, largest, bound, radius = ax.lines
        values = record.log10_singular_values[n]
        assert len(others) == 2
        for k, line in enumerate(others, start=1):
            np.testing.assert_array_equal(line.get_ydata(), values[:, k])
        np.testing.assert_array_equal(largest.get_ydata(), values[:, 0])
        lags = np.array([1, 2, 4])
        np.testing.assert_allclose(
            bound.get_ydata(), lags * np.log10(record.largest[n])
        )
        np.testing.assert_allclose(
            radius.get_ydata(), lags * np.log10(record.radius[n])
        )
        assert ax.get_title() == record.names[n]
        assert (
            len({line.get_linestyle() for line in (largest, bound, radius)})
            == 3
        )


def test_powers_end_where_nothing_is_left(ax):
    matrices = {"half": 0.5 * np.eye(3), "nilpotent": np.diag([5.0, 5.0], 1)}
    record = gradflow.powers(matrices, 6)
    assert plots.powers(ax, record) is ax
    half, nilpotent, cross = ax.lines
    np.testing.assert_array_equal(half.get_ydata(), record.log10_norms[0])
    np.testing.assert_array_equal(nilpotent.get_xdata(), [0, 1, 2])
    assert cross.get_marker() == "x"
    assert cross.get_xdata() == [2]
    assert half.get_linestyle() != nilpotent.get_linestyle()


def test_cell_paths(ax):
    starts = {"low": start(lstm, f=0.0), "high": start(lstm, f=3.0)}
    record = gradflow.cell_paths(starts, D=2, H=3, T=6, seeds=(0, 1))
    assert plots.cell_paths(ax, record) is ax
    drawn = lines(ax)
    for n in range(2):
        full, direct = drawn[2 * n : 2 * n + 2]
        np.testing.assert_array_equal(full.get_ydata(), record.typical_full[n])
        np.testing.assert_array_equal(
            direct.get_ydata(), record.typical_direct[n]
        )
        assert (full.get_linestyle(), direct.get_linestyle()) == ("-", "--")
        assert full.get_marker() == "os"[n]
        assert full.get_color() == direct.get_color()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["low", "high", "direct path"]


def test_truncation(ax):
    records = [
        gradflow.truncation_bias(
            arch, windows=(1, 3, 6), D=2, H=3, T=6, seeds=(0, 1)
        )
        for arch in (rnn, lstm, gru)
    ]
    assert plots.truncation(ax, records) is ax
    for line, record in zip(ax.lines, records, strict=True):
        np.testing.assert_array_equal(
            line.get_ydata(), record.cosines.mean(axis=0)
        )
        np.testing.assert_array_equal(line.get_xdata(), (1, 3, 6))
    band = ax.collections[0].get_paths()[0].vertices
    at_1 = band[band[:, 0] == 1][:, 1]
    assert at_1.min() == records[0].cosines[:, 0].min()
    assert at_1.max() == records[0].cosines[:, 0].max()


def test_gate_histograms():
    rng = np.random.default_rng(0)
    records = [
        gradflow.gate_histogram(rng.random((4, 4, 3)), "ifo", packed=lstm.GATES)
        for _ in range(2)
    ]
    axes = Figure().subplots(1, 3)
    assert plots.gate_histograms(axes, records, ("before", "after")) is axes
    for gate, ax in enumerate(axes):
        for record, outline in zip(records, ax.patches, strict=True):
            np.testing.assert_array_equal(
                outline.get_data().values, record.shares[gate]
            )
        assert len({outline.get_linestyle() for outline in ax.patches}) == 2
    assert [ax.get_title() for ax in axes] == [
        "Input gate",
        "Forget gate",
        "Output gate",
    ]
    (legend,) = axes[0].figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["before", "after"]


def test_cliff_and_descents(ax):
    landscape = gradflow.cliff(np.linspace(1, 2, 4), np.linspace(-1, 0, 3))
    descents = [
        gradflow.descend(1.9, -0.1, rate=0.02, steps=3, clip=clip)
        for clip in (0.01, None)
    ]
    assert plots.cliff(ax, landscape, descents) is ax
    shown = ax.collections[0].get_array().reshape(3, 4)
    np.testing.assert_allclose(shown, np.log10(landscape.loss + 1e-6))
    for descent, path, first, last in zip(
        descents, ax.lines[::3], ax.lines[1::3], ax.lines[2::3], strict=True
    ):
        np.testing.assert_array_equal(path.get_xydata(), descent.points)
        np.testing.assert_array_equal(first.get_xydata()[0], descent.points[0])
        np.testing.assert_array_equal(last.get_xydata()[0], descent.points[-1])
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["clipped at 0.01", "no clipping"]
    assert ax.lines[0].get_linewidth() > ax.lines[3].get_linewidth()


def test_a_cliff_need_not_be_explained_again(ax):
    landscape = gradflow.cliff(np.linspace(1, 2, 4), np.linspace(-1, 0, 3))
    descent = gradflow.descend(1.9, -0.1, rate=0.02, steps=3)
    plots.cliff(ax, landscape, [descent], explained=False)
    assert ax.get_legend() is None
    assert ax.figure.axes == [ax]


def test_learning_curves(ax):
    recipe = {
        "task": tasks.adding,
        "T": 3,
        "H": 2,
        "steps": 4,
        "evaluate_every": 2,
    }
    runs = {
        name: [
            training.fit(arch, training.Config(seed=s, **recipe))
            for s in (0, 1)
        ]
        for name, arch in {"plain": rnn, "gated": lstm}.items()
    }
    assert plots.learning_curves(ax, runs, baseline=tasks.ADDING_BASELINE) is ax
    first, second, mean = ax.lines[:3]
    group = runs["plain"]
    np.testing.assert_array_equal(first.get_ydata(), group[0].held_out)
    np.testing.assert_array_equal(second.get_ydata(), group[1].held_out)
    expected = np.sqrt(group[0].held_out * group[1].held_out)
    np.testing.assert_allclose(mean.get_ydata(), expected)
    np.testing.assert_array_equal(mean.get_xdata(), [0, 2, 4])
    assert mean.get_linewidth() > first.get_linewidth()
    assert ax.lines[3].get_color() != first.get_color()
    assert set(ax.lines[-1].get_ydata()) == {tasks.ADDING_BASELINE}
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["plain", "gated", "best constant guess"]


def test_phase_diagram():
    share = np.array([[0.1, 0.9], [0.4, np.inf]])
    record = phase.Diagram(
        "adding",
        ("RNN", "LSTM"),
        (10, 20),
        share,
        np.array([[5, 0], [3, 1]]),
        5,
    )
    ax = Figure().subplots()
    assert plots.phase_diagram(ax, record) is ax
    np.testing.assert_array_equal(ax.images[0].get_array(), share)
    assert [
        (*text.get_position(), text.get_text(), text.get_color())
        for text in ax.texts
    ] == [
        (0, 0, "5", MAP_PAPER),
        (1, 0, "0", MAP_INK),
        (0, 1, "3", MAP_PAPER),
        (1, 1, "1", MAP_INK),
    ]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["10", "20"]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "RNN",
        "LSTM",
    ]
    assert ax.get_title() == "adding\n(solved of 5)"
    assert len(ax.figure.axes) == 2  # a colour bar with its own label
    bare = Figure().subplots()
    plots.phase_diagram(bare, record, bar=False)
    assert bare.figure.axes == [bare]
