"""The figures of gradients draw what their records hold; dials show one case at a time."""

import re
from dataclasses import replace

import numpy as np
import pytest

from lstm_lab import coupled, figures, gradflow, gru, lstm, rnn

from .conftest import BIASES, GAINS, SIZES, parsed, texts


def flow(arch):
    return gradflow.gradient_flow(arch, **SIZES)


def test_gradient_flow(ax):
    flows = [flow(arch) for arch in (rnn, lstm, gru)]
    assert figures.gradient_flow(ax, flows) is ax
    for line, band, record in zip(ax.lines, ax.collections, flows, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), record.lags)
        np.testing.assert_array_equal(line.get_ydata(), record.typical)
        corners = band.get_paths()[0].vertices
        last = corners[corners[:, 0] == 10][:, 1]
        assert {last.min(), last.max()} == {*record.norms[:, 10]}
    assert ax.get_yscale() == "log"
    legend = texts(ax.get_legend().get_texts())
    assert legend == ["vanilla RNN", "LSTM", "GRU"]


def test_any_cell_is_drawn(ax):
    known = flow(coupled)
    further = [replace(known, architecture=name) for name in ("mgu", "ugrnn")]
    figures.gradient_flow(ax, [known, *further])
    legend = texts(ax.get_legend().get_texts())
    assert legend == ["coupled gates", "mgu", "ugrnn"]


@pytest.mark.parametrize("arch", [rnn, lstm])
def test_gradient_map(ax, panels, rng, arch):
    record = gradflow.gradient_map(
        arch, arch.init(2, 3, rng=rng), rng.normal(size=(5, 2))
    )
    assert figures.gradient_map(ax, record, limits=(-3, 1)) is ax
    (image,) = ax.images
    shown = np.ma.filled(image.get_array().astype(float), np.nan)
    np.testing.assert_array_equal(shown, record.log10_norms.T)
    assert image.get_clim() == (-3, 1)
    assert image.origin == "lower"
    # Steps 1 to 5, lags 0 to 5.
    assert [*image.get_extent()] == [0.5, 5.5, -0.5, 5.5]
    _, bar = ax.figure.axes
    assert bar.get_ylabel()
    bare = panels()
    figures.gradient_map(bare, record, bar=False)
    assert bare.figure.axes == [bare]


def test_spectra_and_their_predictions(panels, gains):
    _, record = gains
    axes = panels(1, 3)
    assert figures.spectra(axes, record) is axes
    for n, ax in enumerate(axes):
        assert ax.get_title() == record.names[n]
        *others, largest, bound, radius = ax.lines
        values = record.log10_singular_values[n]
        drawn = [line.get_ydata() for line in (largest, *others)]
        np.testing.assert_array_equal(drawn, values.T)
        for line, base in ((bound, record.largest), (radius, record.radius)):
            lags = np.array(record.lags)
            np.testing.assert_allclose(
                line.get_ydata(), lags * np.log10(base[n])
            )
    (legend,) = axes[0].figure.legends
    assert len(legend.get_texts()) == 3


def test_a_cell_without_one_recurrent_matrix_has_no_predictions(panels):
    starts = {"one": lstm.init, "other": lstm.init}
    record = gradflow.spectra(lstm, starts, lags=(1, 2), D=2, H=3)
    axes = figures.spectra(panels(1, 2), record)
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
    for n in range(2):
        full, direct = ax.lines[2 * n : 2 * n + 2]
        np.testing.assert_array_equal(full.get_ydata(), paths.typical_full[n])
        np.testing.assert_array_equal(
            direct.get_ydata(), paths.typical_direct[n]
        )
        assert (full.get_linestyle(), direct.get_linestyle()) == ("-", "--")
        assert full.get_marker() == "os"[n]
        assert full.get_color() == direct.get_color()
    legend = texts(ax.get_legend().get_texts())
    assert legend == [*BIASES, "direct path"]


def test_truncation(ax):
    sizes = {"windows": (1, 3, 10), **SIZES}
    archs = (rnn, lstm, gru, coupled)
    records = [gradflow.truncation_bias(arch, **sizes) for arch in archs]
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


def points(group):
    """Return the points of a curve, or of markers alone, in the units of the page."""
    curve = group.select_one(":scope > path")
    if curve is None:
        marks = [[use["x"], use["y"]] for use in group.select("use")]
        return np.array(marks, float)
    numbers = re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", curve["d"])
    return np.array(numbers, float)


def numbers(frame):
    """Return the numbers of a summary, powers of ten as one number each."""
    text = frame.summary.replace("\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}10", "e")
    text = re.sub("</?sup>", "", text).replace("−", "-")
    return [float(n) for n in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)]


def test_a_gain_has_its_numbers_and_curves(gains):
    flows, spectra = gains
    dial = figures.gain_dial(flows, spectra, start="1.0")
    assert dial.value == {"gain of U": 1}
    drops = []
    for n, (name, record) in enumerate(flows.items()):
        values = 10 ** spectra.log10_singular_values[n, -1]
        bound = spectra.largest[n] ** 10
        expected = [record.typical[-1], 2, values[0], values[-1], bound]
        gain, lag, *others = numbers(dial.frames[n])
        assert (gain, lag) == (float(name), 10)
        np.testing.assert_allclose(others, expected, rtol=0.05)
        (_, line), fan = groups(dial, n)  # the first is the band
        assert len(fan) == 6  # four singular values, a bound and a radius
        first, *_, last = points(line)[:, 1]
        drops.append((last - first) / np.log10(record.typical[-1]))
    assert groups(dial, len(GAINS)) == [[], []]
    # All to the same scale, downwards on the page where a gradient shrinks.
    np.testing.assert_allclose(drops, drops[0], rtol=0.02)
    assert drops[0] < 0


def test_a_bias_has_its_numbers_and_curves(paths):
    dial = figures.forget_bias_dial(paths, start="2")
    assert dial.value == {"forget bias": 1}
    ends = np.array([paths.typical_full[:, -1], paths.typical_direct[:, -1]]).T
    heights = []
    for n, name in enumerate(BIASES):
        bias, lag, direct, full = numbers(dial.frames[n])
        assert (bias, lag) == (float(name), 9)
        np.testing.assert_allclose([full, direct], ends[n], rtol=0.05)
        (all_paths, one_path, *_), (both,) = groups(dial, n)
        drawn = [np.ptp(points(c)[[0, -1], 1]) for c in (all_paths, one_path)]
        norms = paths.typical_full[n], paths.typical_direct[n]
        fallen = [abs(np.log10(norm[-1] / norm[0])) for norm in norms]
        # To one scale, to the hundredth of a point to which places are rounded.
        expected = fallen[0] * drawn[1] / fallen[1]
        np.testing.assert_allclose(drawn[0], expected, atol=0.03)
        heights.append(points(both)[:, 1])
    scale = np.diff(heights[0]) / np.diff(np.log10(ends[0]))
    assert scale < 0
    expected = scale * (np.log10(ends) - np.log10(ends[0, 0]))
    np.testing.assert_allclose(heights - heights[0][0], expected, atol=0.03)


def test_shared_parts_of_a_dial_are_there_once(gains, paths):
    for dial in (
        figures.gain_dial(*gains, start="1.0"),
        figures.forget_bias_dial(paths, start="2"),
    ):
        panels = parsed(dial).select("svg")
        assert [panel["role"] for panel in panels] == ["img"] * 2
        assert all(panel["aria-label"] for panel in panels)
        assert len(parsed(dial).select('[id*="legend_"]')) == 1
        names = [tag["id"] for tag in parsed(dial).select("svg [id]")]
        assert len(set(names)) == len(names)
        assert not any("frame" in name for name in names)


def test_what_does_not_fit_is_named(gains, paths):
    flows, spectra = gains
    fewer = dict([*flows.items()][1:])
    with pytest.raises(ValueError, match=r"same names, got \('1.0', '1.5'\)"):
        figures.gain_dial(fewer, spectra, start="1.0")
    with pytest.raises(ValueError, match=r"one of 0\.5, 1\.0, 1\.5, got"):
        figures.gain_dial(flows, spectra, start="9")
    with pytest.raises(ValueError, match="start must be one of -1, 2, got '1'"):
        figures.forget_bias_dial(paths, start="1")
