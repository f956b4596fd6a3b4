"""Landscapes, learning curves and results of many runs."""

import numpy as np
import pytest

from lstm_lab import figures, gradflow, lstm, rnn, tasks, training
from lstm_lab.experiments import phase
from lstm_lab.experiments.bottleneck import Curves
from lstm_lab.figures.style import MAP_INK, MAP_PAPER

from .conftest import texts


@pytest.mark.parametrize("explained", [True, False])
def test_cliff_and_descents(ax, explained):
    landscape = gradflow.cliff(np.linspace(1, 2, 4), np.linspace(-1, 0, 3))
    descents = [gradflow.descend(1.9, -0.1, rate=0.02, steps=3, clip=clip) for clip in (0.01, None)]
    assert figures.cliff(ax, landscape, descents, explained=explained) is ax
    shown = ax.collections[0].get_array().reshape(3, 4)
    np.testing.assert_allclose(shown, np.log10(landscape.loss + 1e-6))
    for descent, path, first, last in zip(
        descents, ax.lines[::3], ax.lines[1::3], ax.lines[2::3], strict=True
    ):
        np.testing.assert_array_equal(path.get_xydata(), descent.points)
        np.testing.assert_array_equal(first.get_xydata()[0], descent.points[0])
        np.testing.assert_array_equal(last.get_xydata()[0], descent.points[-1])
    assert ax.lines[0].get_linewidth() > ax.lines[3].get_linewidth()
    if explained:
        legend = texts(ax.get_legend().get_texts())
        assert legend == ["clipped at 0.01", "no clipping"]
    else:
        assert ax.get_legend() is None
    assert len(ax.figure.axes) == 1 + explained


def test_learning_curves(ax):
    sizes = {"T": 3, "H": 2, "steps": 4, "evaluate_every": 2}
    configs = [training.TaskConfig(task=tasks.adding, seed=seed, **sizes) for seed in (0, 1)]
    runs = {
        name: [training.fit(cell, config) for config in configs]
        for name, cell in {"plain": rnn, "gated": lstm}.items()
    }
    baseline = tasks.ADDING_BASELINE
    assert figures.learning_curves(ax, runs, baseline=baseline) is ax
    *thin, mean = ax.lines[:3]
    for line, run in zip(thin, runs["plain"], strict=True):
        np.testing.assert_array_equal(line.get_ydata(), run.held_out)
        assert mean.get_linewidth() > line.get_linewidth()
    one, other = (run.held_out for run in runs["plain"])
    np.testing.assert_allclose(mean.get_ydata(), np.sqrt(one * other))
    np.testing.assert_array_equal(mean.get_xdata(), [0, 2, 4])
    assert ax.lines[3].get_color() != mean.get_color()
    assert {*ax.lines[-1].get_ydata()} == {baseline}
    legend = texts(ax.get_legend().get_texts())
    assert legend == ["plain", "gated", "best constant guess"]


@pytest.mark.parametrize("bar", [True, False])
def test_phase_diagram(ax, bar):
    share = np.array([[0.1, 0.9], [0.4, np.inf]])
    solved = np.array([[5, 0], [3, 1]])
    networks, gaps = ("RNN", "LSTM"), (10, 20)
    record = phase.Diagram("adding", networks, gaps, share, solved, 5)
    assert figures.phase_diagram(ax, record, bar=bar) is ax
    np.testing.assert_array_equal(ax.images[0].get_array(), share)
    assert [(*text.get_position(), text.get_text(), text.get_color()) for text in ax.texts] == [
        (0, 0, "5", MAP_PAPER),
        (1, 0, "0", MAP_INK),
        (0, 1, "3", MAP_PAPER),
        (1, 1, "1", MAP_INK),
    ]
    assert texts(ax.get_xticklabels()) == ["10", "20"]
    assert texts(ax.get_yticklabels()) == ["RNN", "LSTM"]
    assert ax.get_title() == "adding\n(solved of 5)"
    assert len(ax.figure.axes) == 1 + bar


def test_curves_are_medians_in_their_bands(ax):
    values = np.array([[1.0, 5.0], [2.0, 3.0], [4.0, 4.0]])
    updates = np.array([2, 6])
    groups = {"a": Curves(updates, values), "b": Curves(updates, values + 1)}
    assert figures.curves(ax, groups, xlabel="u", ylabel="v") is ax
    for n, line in enumerate(ax.lines):
        np.testing.assert_array_equal(line.get_xdata(), updates)
        np.testing.assert_array_equal(line.get_ydata(), [2 + n, 4 + n])
        path = ax.collections[n].get_paths()[0].vertices
        assert {(x, y - n) for x, y in path} == {(2, 1), (2, 4), (6, 3), (6, 5)}
    assert texts(ax.get_legend().get_texts()) == ["a", "b"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("u", "v")
