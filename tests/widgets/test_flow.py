"""Dials: a frame for each position, and the numbers of the record in each."""

import re

import numpy as np
import pytest

from lstm_lab import gradflow, initialization, lstm, plots, rnn, widgets


@pytest.fixture(scope="module")
def gains():
    starts = {
        f"{gain}": initialization.start(
            rnn, recurrent=initialization.orthogonal, gain=gain
        )
        for gain in (0.5, 1.0, 1.5)
    }
    flows = {
        name: gradflow.gradient_flow(
            rnn, D=2, H=4, T=10, draw=draw, seeds=[0, 1]
        )
        for name, draw in starts.items()
    }
    return flows, gradflow.spectra(rnn, starts, lags=(1, 10), D=2, H=4)


@pytest.fixture(scope="module")
def paths():
    starts = {f"{b}": initialization.start(lstm, f=float(b)) for b in (-1, 2)}
    return gradflow.cell_paths(starts, D=2, H=4, T=10, seeds=[0, 1])


def numbers(frame):
    found = re.findall(r"-?\d+\.?\d*(?:e[+-]\d+)?", frame.summary)
    return [float(number) for number in found]


def test_a_gain_tells_its_numbers(gains, parsed):
    flows, spectra = gains
    dial = widgets.gain_dial(flows, spectra, start="1.0")
    assert len(dial.frames) == len(flows)
    for n, (name, flow) in enumerate(flows.items()):
        values = 10 ** spectra.log10_singular_values[n, -1]
        bound = spectra.largest[n] ** 10
        expected = [flow.typical[-1], 2, values[0], values[-1], bound]
        gain, lag, *told = numbers(dial.frames[n])
        assert (gain, lag) == (float(name), 10)
        np.testing.assert_allclose(told, expected, rtol=0.05)
    assert dial.value == {"gain of U": 1}
    picture = plots.gain_panels([*flows.values()], spectra)
    shown = parsed(dial).select("svg [data-frame]")
    assert len(shown) == picture.count("data-frame")


def test_a_bias_tells_its_numbers(paths, parsed):
    dial = widgets.forget_bias_dial(paths, start="2")
    assert len(dial.frames) == len(paths.names)
    for n, name in enumerate(paths.names):
        bias, lag, direct, full = numbers(dial.frames[n])
        assert (bias, lag) == (float(name), 9)
        np.testing.assert_allclose(
            [direct, full],
            [paths.typical_direct[n, -1], paths.typical_full[n, -1]],
            rtol=0.05,
        )
    assert dial.value == {"forget bias": 1}
    assert parsed(dial).svg["role"] == "img"


def test_what_does_not_fit_is_named(gains, paths):
    flows, spectra = gains
    fewer = dict([*flows.items()][1:])
    with pytest.raises(ValueError, match=r"same names, got \('1.0', '1.5'\)"):
        widgets.gain_dial(fewer, spectra, start="1.0")
    with pytest.raises(ValueError, match=r"one of 0\.5, 1\.0, 1\.5, got"):
        widgets.gain_dial(flows, spectra, start="9")
    with pytest.raises(ValueError, match="start must be one of -1, 2, got '1'"):
        widgets.forget_bias_dial(paths, start="1")
