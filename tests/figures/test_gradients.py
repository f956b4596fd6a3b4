"""The figures of gradients draw what their records hold; dials show one case at a time."""

import re
from dataclasses import replace

import numpy as np
import pytest

from lstm_lab import coupled, figures, gradflow, gru, lstm, rnn, sequence

from .conftest import BIASES, GAINS, SIZES, parsed, texts


def test_gradient_flow_of_any_cell(ax):
    cells = (rnn, lstm, coupled)
    flows = [gradflow.gradient_flow(cell, **SIZES) for cell in cells]
    flows.append(replace(flows[0], cell="mgu"))
    assert figures.gradient_flow(ax, flows) is ax
    for line, band, record in zip(ax.lines, ax.collections, flows, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), record.lags)
        np.testing.assert_array_equal(line.get_ydata(), record.typical)
        corners = band.get_paths()[0].vertices
        last = corners[corners[:, 0] == 10][:, 1]
        assert {last.min(), last.max()} == {*record.norms[:, 10]}
    assert ax.get_yscale() == "log"
    legend = texts(ax.get_legend().get_texts())
    assert legend == ["vanilla RNN", "LSTM", "coupled gates", "mgu"]


@pytest.mark.parametrize("bar", [True, False])
def test_gradient_map(ax, rng, bar):
    params, x = lstm.init(2, 3, rng=rng), rng.normal(size=(5, 2))
    record = gradflow.gradient_map(sequence.forward(lstm, params, x))
    assert figures.gradient_map(ax, record, limits=(-3, 1), bar=bar) is ax
    (image,) = ax.images
    shown = np.ma.filled(image.get_array().astype(float), np.nan)
    np.testing.assert_array_equal(shown, record.log10_norms.T)
    assert image.get_clim() == (-3, 1)
    assert image.origin == "lower"
    # Steps 1 to 5, lags 0 to 5.
    assert [*image.get_extent()] == [0.5, 5.5, -0.5, 5.5]
    assert len(ax.figure.axes) == 1 + bar


def test_spectra_and_their_predictions(panels, gains):
    _, records = gains
    axes = panels(1, 3)
    assert figures.spectra(axes, records) is axes
    for ax, (name, record) in zip(axes, records.items(), strict=True):
        assert ax.get_title() == name
        *others, largest, bound, radius = (line.get_ydata() for line in ax.lines)
        lags = np.array(record.lags)
        values = record.log10_singular_values[0]  # of the first seed
        np.testing.assert_array_equal([largest, *others], values.T)
        np.testing.assert_allclose(bound, lags * np.log10(record.largest[0]))
        np.testing.assert_allclose(radius, lags * np.log10(record.radius[0]))
    (legend,) = axes[0].figure.legends
    assert len(legend.get_texts()) == 3


def test_a_cell_without_one_recurrent_matrix_has_no_predictions(panels):
    record = gradflow.spectra(lstm, lags=(1, 2), **SIZES)
    both = {"one": record, "other": record}
    axes = figures.spectra(panels(1, 2), both)
    (legend,) = axes[0].figure.legends
    assert texts(legend.get_texts()) == [r"$\sigma_1$ measured"]


def test_powers_end_where_nothing_is_left(ax):
    matrices = {"half": 0.5 * np.eye(3), "nilpotent": np.diag([5.0, 5.0], 1)}
    record = gradflow.powers(matrices, 6)
    assert figures.powers(ax, record) is ax
    half, nilpotent, cross = ax.lines
    np.testing.assert_array_equal(half.get_ydata(), record.log10_norms[0])
    np.testing.assert_array_equal(nilpotent.get_xdata(), [0, 1, 2])
    assert (cross.get_marker(), [*cross.get_xdata()]) == ("x", [2])


def test_cell_paths(ax, paths):
    assert figures.cell_paths(ax, paths) is ax
    full, direct = ax.lines[:4:2], ax.lines[1:4:2]
    for lines, name in ((full, "typical_full"), (direct, "typical_direct")):
        drawn = [line.get_ydata() for line in lines]
        values = [getattr(record, name) for record in paths.values()]
        np.testing.assert_array_equal(drawn, values)
    assert {line.get_linestyle() for line in full} == {"-"}
    assert {line.get_linestyle() for line in direct} == {"--"}
    for one, other in zip(full, direct, strict=True):
        assert one.get_color() == other.get_color()
    legend = texts(ax.get_legend().get_texts())
    assert legend == [*BIASES, "direct path"]


def test_truncation(ax):
    sizes = {"windows": (1, 3, 10), **SIZES}
    cells = (rnn, lstm, gru, coupled)
    records = [gradflow.truncation_bias(cell, **sizes) for cell in cells]
    assert figures.truncation(ax, records) is ax
    for line, record in zip(ax.lines, records, strict=True):
        mean = record.cosines.mean(axis=0)
        np.testing.assert_array_equal(line.get_ydata(), mean)
        np.testing.assert_array_equal(line.get_xdata(), (1, 3, 10))


# --- Dials ---


def groups(figure, n):
    """Return what belongs to a frame, panel by panel."""
    panels = parsed(figure).select("svg")
    return [panel.select(f'[data-frame="{n}"]') for panel in panels]


def heights(group):
    """Return the heights of a curve, or of markers alone, downwards on the page."""
    curve = group.select_one(":scope > path")
    if curve is None:
        return np.array([mark["y"] for mark in group.select("use")], float)
    return np.array(re.findall(r"[ML] \S+ (\S+)", curve["d"]), float)


def numbers(frame):
    """Return the numbers of a summary, powers of ten as one number each."""
    text = frame.summary.replace("\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10", "e")
    text = re.sub("</?sup>", "", text).replace("−", "-")
    return [float(n) for n in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)]


def test_a_gain_has_its_numbers_and_curves(gains):
    flows, spectra = gains
    dial = figures.gain_dial(flows, spectra, start="1.0")
    assert dial.value == {"gain of U": 1}
    scales = []
    for n, (name, record) in enumerate(flows.items()):
        fan = spectra[name]
        best, *_, worst = 10 ** fan.log10_singular_values[0, -1]
        values = [record.typical[-1], 2, best, worst, fan.largest[0] ** 10]
        expected = [float(name), 10, *values]
        np.testing.assert_allclose(numbers(dial.frames[n]), expected, rtol=0.05)
        (_, line), fan = groups(dial, n)  # the first is the band
        assert len(fan) == 6  # four singular values, a bound and a radius
        first, *_, last = heights(line)
        scales.append((last - first) / np.log10(record.typical[-1]))
    assert groups(dial, len(GAINS)) == [[], []]
    np.testing.assert_allclose(scales, scales[0], rtol=0.02)
    assert scales[0] < 0  # downwards on the page a gradient shrinks


def test_a_bias_has_its_numbers_and_curves(paths):
    dial = figures.forget_bias_dial(paths, start="2")
    assert dial.value == {"forget bias": 1}
    logs = np.log10(
        [
            [record.typical_full for record in paths.values()],
            [record.typical_direct for record in paths.values()],
        ]
    )
    places = []
    for n, name in enumerate(BIASES):
        full, direct = 10 ** logs[:, n, -1]
        expected = [float(name), 9, direct, full]
        np.testing.assert_allclose(numbers(dial.frames[n]), expected, rtol=0.05)
        (full, direct, *_), (ends,) = groups(dial, n)
        fallen = [np.ptp(heights(curve)[[0, -1]]) for curve in (full, direct)]
        # To one scale, to the hundredth of a point to which places are rounded.
        expected = np.abs(logs[:, n, -1] - logs[:, n, 0])
        expected *= fallen[1] / expected[1]
        np.testing.assert_allclose(fallen, expected, atol=0.03)
        places.append(heights(ends))
    ends = logs[:, :, -1].T - logs[0, 0, -1]
    scale = (places[0][1] - places[0][0]) / ends[0, 1]
    np.testing.assert_allclose(places - places[0][0], scale * ends, atol=0.03)
    assert scale < 0


def test_shared_parts_of_a_dial_are_there_once(gains, paths):
    for dial in (
        figures.gain_dial(*gains, start="1.0"),
        figures.forget_bias_dial(paths, start="2"),
    ):
        html = parsed(dial)
        assert [svg["role"] for svg in html.select("svg")] == ["img"] * 2
        assert all(svg["aria-label"] for svg in html.select("svg"))
        assert len(html.select('[id*="legend_"]')) == 1
        names = [tag["id"] for tag in html.select("svg [id]")]
        assert len(set(names)) == len(names)
        assert not any("frame" in name for name in names)


def test_what_does_not_fit_is_named(gains, paths):
    flows, spectra = gains
    fewer = dict([*flows.items()][1:])
    with pytest.raises(ValueError, match=r"same names, got \['1.0', '1.5'\]"):
        figures.gain_dial(fewer, spectra, start="1.0")
    with pytest.raises(ValueError, match="start must be one of -1, 2, got '1'"):
        figures.forget_bias_dial(paths, start="1")
