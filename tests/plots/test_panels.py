"""All cases on the same axes: which curves belong to which, and what is there once."""

import re

import numpy as np
import pytest
from bs4 import BeautifulSoup

from lstm_lab import gradflow, initialization, lstm, plots, rnn

GAINS = ("0.5", "1.0", "2.0")


@pytest.fixture(scope="module")
def gains():
    starts = {
        gain: initialization.start(
            rnn, recurrent=initialization.orthogonal, gain=float(gain)
        )
        for gain in GAINS
    }
    sizes = {"D": 2, "H": 4}
    flows = [
        gradflow.gradient_flow(rnn, T=20, draw=draw, seeds=[0, 1], **sizes)
        for draw in starts.values()
    ]
    return flows, gradflow.spectra(rnn, starts, lags=(1, 10, 20), **sizes)


@pytest.fixture(scope="module")
def paths():
    starts = {f"{b}": initialization.start(lstm, f=float(b)) for b in (0, 3)}
    return gradflow.cell_paths(starts, D=2, H=4, T=20, seeds=[0])


@pytest.fixture(scope="module")
def steps():
    rng = np.random.default_rng(0)
    params = lstm.init(2, 3, rng=rng)
    return gradflow.cell_steps(params, rng.normal(size=(5, 2)))


def groups(html, n):
    """Return what belongs to a frame, panel by panel."""
    svgs = BeautifulSoup(html, "html.parser").find_all("svg")
    return [svg.select(f'[data-frame="{n}"]') for svg in svgs]


def heights(group):
    """Return the vertical coordinates of a curve, downwards."""
    numbers = re.findall(r"[ML] [-\d.]+ ([-\d.]+)", group.path["d"])
    return np.array(numbers, float)


def test_each_gain_has_its_curves(gains):
    flows, spectra = gains
    html = plots.gain_panels(flows, spectra)
    drawn = [groups(html, n) for n in range(len(GAINS))]
    # A line and a band; three further singular values, the largest, a bound and a radius.
    assert [[*map(len, panels)] for panels in drawn] == [[2, 6]] * len(GAINS)
    assert groups(html, len(GAINS)) == [[], []]
    ends = [heights(norms[0])[-1] for norms, _ in drawn]
    assert ends == sorted(ends, reverse=True)  # the larger the gain, the higher


def test_curves_are_drawn_to_the_scale_of_the_axes(gains):
    flows, spectra = gains
    html = plots.gain_panels(flows, spectra)
    drops = []
    for n, flow in enumerate(flows):
        first, *_, last = heights(groups(html, n)[0][0])
        drops.append((last - first) / np.log10(flow.typical[-1]))
    np.testing.assert_allclose(drops, drops[0], rtol=1e-3)


def test_each_bias_has_two_curves_over_all_in_grey(paths):
    html = plots.forget_bias_panels(paths)
    for n in (0, 1):
        (full, direct, _), _ = groups(html, n)  # the last is the legend's
        drawn = [
            heights(curve)[-1] - heights(curve)[0] for curve in (full, direct)
        ]
        norms = paths.typical_full[n], paths.typical_direct[n]
        fallen = [np.log10(norm[-1] / norm[0]) for norm in norms]
        np.testing.assert_allclose(
            drawn[0] / fallen[0], drawn[1] / fallen[1], rtol=5e-3
        )


def places(group):
    """Return where the markers of a group stand, from the left and from the top."""
    return np.array(
        [[use["x"], use["y"]] for use in group.select("use")], float
    )


def test_each_bias_is_marked_where_its_curves_end(paths):
    html = plots.forget_bias_panels(paths)
    norms = np.log10([paths.typical_full[:, -1], paths.typical_direct[:, -1]])
    first, second = (places(groups(html, n)[1][0]) for n in (0, 1))
    assert np.all(first[:, 0] < second[:, 0])
    heights = np.array([first[:, 1], second[:, 1]]).T
    scale = (heights[0, 1] - heights[0, 0]) / (norms[0, 1] - norms[0, 0])
    assert scale < 0  # downwards on the page is towards zero
    np.testing.assert_allclose(
        heights - heights[0, 0], scale * (norms - norms[0, 0]), atol=0.01
    )


def across(group):
    """Return where an upright line stands, from the left."""
    (x,) = {*re.findall(r"[ML] ([-\d.]+) ", group.path["d"])}
    return float(x)


def test_each_step_of_a_cell_is_marked_in_both_panels(steps):
    html = plots.cell_panels(steps)
    frames = [groups(html, n) for n in range(len(steps.x))]
    marks = np.array([[across(mark) for (mark,) in found] for found in frames])
    gaps = np.diff(marks, axis=0)
    assert np.all(gaps > 0)
    np.testing.assert_allclose(gaps - gaps[0], 0, atol=0.02)


@pytest.mark.parametrize(
    ("panels", "legends"), [("gains", 1), ("paths", 1), ("steps", 2)]
)
def test_what_all_share_is_there_once(panels, legends, gains, paths, steps):
    html = {
        "gains": lambda: plots.gain_panels(*gains),
        "paths": lambda: plots.forget_bias_panels(paths),
        "steps": lambda: plots.cell_panels(steps),
    }[panels]()
    soup = BeautifulSoup(html, "html.parser")
    assert [svg["role"] for svg in soup.find_all("svg")] == ["img"] * 2
    assert all(svg["aria-label"] for svg in soup.find_all("svg"))
    assert len(soup.select('[id*="legend_"]')) == legends
    names = [tag["id"] for tag in soup.select("[id]")]
    assert len(set(names)) == len(names)
    assert not any("frame" in name for name in names)
