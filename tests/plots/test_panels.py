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


def groups(html, n):
    svg = BeautifulSoup(html, "html.parser").svg
    return svg.select(f'[data-frame="{n}"]')


def heights(group):
    """Return the vertical coordinates of a curve, downwards."""
    numbers = re.findall(r"[ML] [-\d.]+ ([-\d.]+)", group.path["d"])
    return np.array(numbers, float)


def test_each_gain_has_its_curves(gains):
    flows, spectra = gains
    html = plots.gain_panels(flows, spectra)
    drawn = [groups(html, n) for n in range(len(GAINS))]
    # A line and a band; three further singular values, the largest, a bound and a radius.
    assert [len(curves) for curves in drawn] == [2 + 3 + 3] * len(GAINS)
    assert not groups(html, len(GAINS))
    ends = [heights(curves[0])[-1] for curves in drawn]
    assert ends == sorted(ends, reverse=True)  # the larger the gain, the higher


def test_curves_are_drawn_to_the_scale_of_the_axes(gains):
    flows, spectra = gains
    html = plots.gain_panels(flows, spectra)
    drops = []
    for n, flow in enumerate(flows):
        first, *_, last = heights(groups(html, n)[0])
        drops.append((last - first) / np.log10(flow.typical[-1]))
    np.testing.assert_allclose(drops, drops[0], rtol=1e-3)


def test_each_bias_has_two_curves_over_all_in_grey(paths):
    html = plots.forget_bias_panel(paths)
    for n in (0, 1):
        full, direct, _ = groups(html, n)  # the last is the legend's
        drawn = [
            heights(curve)[-1] - heights(curve)[0] for curve in (full, direct)
        ]
        norms = paths.typical_full[n], paths.typical_direct[n]
        fallen = [np.log10(norm[-1] / norm[0]) for norm in norms]
        np.testing.assert_allclose(
            drawn[0] / fallen[0], drawn[1] / fallen[1], rtol=1e-3
        )


@pytest.mark.parametrize("panel", ["gains", "paths"])
def test_what_all_share_is_there_once(panel, gains, paths):
    html = (
        plots.gain_panels(*gains)
        if panel == "gains"
        else plots.forget_bias_panel(paths)
    )
    svg = BeautifulSoup(html, "html.parser").svg
    assert svg["role"] == "img"
    assert svg["aria-label"]
    assert len(svg.select('[id*="legend_"]')) == 1
    names = [tag["id"] for tag in svg.select("[id]")]
    assert len(set(names)) == len(names)
    assert not any("frame" in name for name in names)
