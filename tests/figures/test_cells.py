"""The inside of a cell: means, distributions, and all of a step's numbers."""

import re

import numpy as np
import pytest

from lstm_lab import figures, gradflow, lstm

from .conftest import parsed, rows, texts


def test_gate_activations(panels, rng):
    trace = lstm.forward(lstm.init(2, 3, rng=rng), rng.normal(size=(5, 2)))
    record = gradflow.gate_activations(trace)
    axes = panels(2, 2)
    assert figures.gate_activations(axes, record) is axes
    values = (record.i, record.f, record.o, record.cell_norm)
    for ax, expected in zip(axes.flat, values, strict=True):
        (line,) = ax.lines
        np.testing.assert_array_equal(line.get_ydata(), expected)
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 6))
        assert ax.get_ylabel()
    titles = [ax.get_title() for ax in axes.flat]
    assert titles == ["Input gate", "Forget gate", "Output gate", "Cell state"]
    assert all(ax.get_xlabel() for ax in axes[-1])


def test_gate_histograms(panels, rng):
    records = [
        gradflow.gate_histogram(rng.random((4, 4, 3)), "ifo", packed=lstm.GATES)
        for _ in range(2)
    ]
    axes = panels(1, 3)
    assert figures.gate_histograms(axes, records, ("before", "after")) is axes
    for gate, ax in enumerate(axes):
        drawn = [outline.get_data().values for outline in ax.patches]
        expected = [record.shares[gate] for record in records]
        np.testing.assert_array_equal(drawn, expected)
        assert len({outline.get_linestyle() for outline in ax.patches}) == 2
    (legend,) = axes[0].figure.legends
    assert texts(legend.get_texts()) == ["before", "after"]


def test_any_gate_is_drawn(panels, rng):
    """The candidate shifted into (0, 1), and a gate of another cell."""
    names = ("g", "s")
    gates = rng.uniform(size=(5, 2, 3))
    record = gradflow.gate_histogram(gates, names, packed=names)
    axes = panels(1, 2)
    figures.gate_histograms(axes, [record], ["now"])
    assert [ax.get_title() for ax in axes] == ["Candidate", "Gate s"]


def test_each_step_has_its_numbers(steps):
    figure = figures.cell_explorer(steps, inputs=("one", "two"), start=2)
    assert figure.value == {"step": 1}
    html = parsed(figure)
    for t in range(5):
        reads, units, paths = html.select(f'div[data-frame="{t}"] table')
        x = [f"{value:.2f}" for value in steps.x[t]]
        assert rows(reads) == [["one", x[0]], ["two", x[1]]]
        for unit, (name, *cells) in enumerate(rows(units)):
            assert name == f"{unit + 1}"
            arrays = [getattr(steps, gate) for gate in "ifogch"]
            expected = [a[t, unit] for a in (*arrays, steps.kept)]
            np.testing.assert_allclose(
                np.array(cells, float), expected, atol=0.005
            )
        (_, direct, around, _), (_, kept, _, full) = rows(paths)
        expected = steps.direct[t], steps.around[t], steps.kept[t].max()
        shown = np.array([direct, around, kept, full], float)
        np.testing.assert_allclose(
            shown, [*expected, steps.full[t]], atol=0.005
        )
        summary = figure.frames[t].summary
        assert all(n in summary for n in (direct, around, kept, full))
        assert f"one {x[0]}, two {x[1]}" in summary


def test_each_step_is_marked_in_both_panels(steps):
    html = parsed(figures.cell_explorer(steps, inputs=("one", "two")))
    for panel in html.select("svg"):
        marks = [panel.select(f'[data-frame="{t}"] path') for t in range(5)]
        places = [
            float(re.search(r"M ([-\d.]+) ", mark["d"])[1]) for (mark,) in marks
        ]
        gaps = np.diff(places)
        assert np.all(gaps > 0)
        np.testing.assert_allclose(gaps, gaps[0], atol=0.02)


def test_names_are_texts_and_no_html(steps):
    html = parsed(figures.cell_explorer(steps, inputs=("a<b", "c&d")))
    assert "reads a<b " in html.select_one(".lab-said p").text
    assert html.table.th.text == "input"
    assert rows(html.table)[0][0] == "a<b"


def test_what_does_not_fit_is_named(steps):
    with pytest.raises(
        ValueError, match=r"inputs must be 2 names, got \['a'\]"
    ):
        figures.cell_explorer(steps, inputs=["a"])
    with pytest.raises(ValueError, match="must start at one of its 5"):
        figures.cell_explorer(steps, inputs=["a", "b"], start=6)
    with pytest.raises(TypeError, match="inputs must be a list of texts"):
        figures.cell_explorer(steps, inputs="ab")
