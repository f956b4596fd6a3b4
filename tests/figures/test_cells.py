"""The inside of a cell: means, distributions, and all of a step's numbers."""

import re
from dataclasses import replace

import numpy as np
import pytest

from lstm_lab import figures, gradflow, gru, lstm, sequence

from .conftest import parsed, rows, texts


def run(cell, rng, *batch):
    params = cell.init(2, 3, rng=rng)
    return sequence.forward(cell, params, rng.normal(size=(5, *batch, 2)))


def test_gate_activations(panels, rng):
    record = gradflow.gate_activations(run(lstm, rng))
    axes = panels(2, 2)
    drawn = figures.gate_activations(axes, record, gates="ifo", states="c")
    assert drawn is axes
    values = [record.gates[name] for name in "ifo"] + [record.norms["c"]]
    for ax, expected in zip(axes.flat, values, strict=True):
        (line,) = ax.lines
        np.testing.assert_array_equal(line.get_ydata(), expected)
        np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 6))
        assert ax.get_ylabel()
    titles = [ax.get_title() for ax in axes.flat]
    assert titles == ["Input gate", "Forget gate", "Output gate", "Cell state"]
    assert all(ax.get_xlabel() for ax in axes[-1])


def test_all_gates_and_states_of_any_cell_are_drawn(panels, rng):
    axes = panels(2, 2)
    figures.gate_activations(axes, gradflow.gate_activations(run(gru, rng)))
    titles = [ax.get_title() for ax in axes.flat]
    named = ["Update gate", "Reset gate", "Candidate", "Hidden state"]
    assert titles == named
    assert axes[1, 0].get_ylabel() == r"mean of $\tilde h_t$"


def test_gate_histograms(panels, rng):
    traces = [run(lstm, rng, 4) for _ in range(2)]
    records = [gradflow.gate_histogram(trace, "ifo") for trace in traces]
    axes = panels(1, 3)
    assert figures.gate_histograms(axes, records, ("before", "after")) is axes
    for gate, ax in enumerate(axes):
        drawn = [outline.get_data().values for outline in ax.patches]
        expected = [record.shares[gate] for record in records]
        np.testing.assert_array_equal(drawn, expected)
        assert len({outline.get_linestyle() for outline in ax.patches}) == 2
    (legend,) = axes[0].figure.legends
    assert texts(legend.get_texts()) == ["before", "after"]


def test_an_unknown_gate_is_drawn(panels, rng):
    known = gradflow.gate_histogram(run(gru, rng), "zr")
    axes = panels(1, 2)
    figures.gate_histograms(axes, [replace(known, names=("g", "s"))], ["now"])
    assert [ax.get_title() for ax in axes] == ["Candidate", "Gate s"]


def test_each_step_has_its_numbers(steps):
    figure = figures.cell_explorer(steps, inputs=("a<b", "c&d"))
    assert figure.value == {"step": 0}
    html = parsed(figure)
    for t in range(5):
        reads, units, paths = html.select(f'div[data-frame="{t}"] table')
        x = [f"{value:.2f}" for value in steps.x[t]]
        assert rows(reads) == [["a<b", x[0]], ["c&d", x[1]]]
        for unit, (name, *cells) in enumerate(rows(units)):
            assert name == f"{unit + 1}"
            arrays = [*steps.gates.values(), *steps.states.values(), steps.kept]
            expected = [values[t, unit] for values in arrays]
            np.testing.assert_allclose(np.array(cells, float), expected, atol=0.005)
        (_, direct, around, _), (_, kept, _, full) = rows(paths)
        expected = steps.direct[t], steps.around[t], steps.kept[t].max()
        shown = np.array([direct, around, kept, full], float)
        np.testing.assert_allclose(shown, [*expected, steps.full[t]], atol=0.005)
        summary = html.select_one(f'p[data-frame="{t}"]').text
        assert all(n in summary for n in (direct, around, kept, full))
        assert f"a<b {x[0]}, c&d {x[1]}" in summary


def test_a_cell_with_one_state_is_seen_inside(rng):
    figure = figures.cell_explorer(gradflow.cell_steps(run(gru, rng)), inputs=("one", "two"))
    _, units, _ = parsed(figure).select('div[data-frame="0"] table')
    head = [cell.text for cell in units.thead.find_all(["th", "td"])]
    candidate = "h\N{COMBINING TILDE}"
    assert head == ["unit", "z", "r", candidate, "h", "kept to 5"]


def test_each_step_is_marked_in_both_panels(steps):
    html = parsed(figures.cell_explorer(steps, inputs=("one", "two")))
    for panel in html.select("svg"):
        marks = [panel.select(f'[data-frame="{t}"] path') for t in range(5)]
        places = [float(re.search(r"M ([-\d.]+) ", mark["d"])[1]) for (mark,) in marks]
        gaps = np.diff(places)
        assert np.all(gaps > 0)
        np.testing.assert_allclose(gaps, gaps[0], atol=0.02)


def test_what_does_not_fit_is_named(steps):
    with pytest.raises(ValueError, match=r"inputs must be 2 names, got \['a'\]"):
        figures.cell_explorer(steps, inputs=["a"])
    with pytest.raises(TypeError, match="inputs must be a list of texts"):
        figures.cell_explorer(steps, inputs="ab")
