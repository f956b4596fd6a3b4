"""What the experiments share: draws, and means over them."""

import numpy as np
import pytest

from lstm_lab import coupled, gradflow, gru, lstm, rnn
from lstm_lab.gradflow import experiment
from lstm_lab.initialization import start

EXACT = 1e-12  # float64, a few operations


def test_the_package_exports_what_it_names():
    names = {name for name in vars(gradflow) if not name.startswith("_")}
    modules = {"experiment", "flow", "gates", "paths", "steps", "truncation"}
    # the functions `cliff`, `lyapunov` and `spectra` have the place of their modules
    assert names - modules == set(gradflow.__all__)


def test_two_ways_to_draw_are_given_the_same_inputs():
    one, first = experiment.draw_and_run(rnn, rnn.init, 2, 3, 5, 7)
    wide = start(
        rnn, gain=2.0, inputs=lambda r, c, rng: rng.normal(size=(r, c))
    )
    other, second = experiment.draw_and_run(rnn, wide, 2, 3, 5, 7)
    assert not np.array_equal(one.W, other.W)
    np.testing.assert_array_equal(first.x, second.x)
    assert first.x.shape == (5, 2)
    _, third = experiment.draw_and_run(rnn, rnn.init, 2, 3, 5, 8)
    assert not np.array_equal(first.x, third.x)


def test_drawn_networks_are_run_from_zero(draw_and_run):
    params, trace = experiment.draw_and_run(lstm, lstm.init, 2, 3, 5, 7)
    expected_params, expected = draw_and_run(lstm, lstm.init, 2, 3, 5, 7)
    np.testing.assert_array_equal(params.W, expected_params.W)
    for found, wanted in zip(trace, expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert not trace.h[0].any()


def test_geometric_mean():
    values = np.array([[1.0, 0.0, 1e-200], [100.0, 5.0, 1e-200]])
    expected = [10.0, 0.0, 1e-200]
    np.testing.assert_allclose(
        gradflow.geometric_mean(values), expected, rtol=EXACT
    )


def test_root_mean_square_of_logarithms():
    values = np.array([[3.0, 4.0], [1e-200, 7e-200], [0.0, 2.0]])
    with np.errstate(divide="ignore"):
        logs = np.log10(values)
    expected = np.log10([12.5**0.5, 5e-200, 2**0.5])
    found = experiment.log10_root_mean_square(logs)
    np.testing.assert_allclose(found, expected, rtol=EXACT)


def test_root_mean_square_of_logarithms_beyond_the_floats():
    logs = np.array([[-2000.0, -2000.0], [1e5, 0.0], [-np.inf, -np.inf]])
    found = experiment.log10_root_mean_square(logs)
    expected = [-2000, 1e5 - 0.5 * np.log10(2), -np.inf]
    np.testing.assert_allclose(found, expected, rtol=EXACT)


@pytest.mark.parametrize("name", ["D", "T"])
@pytest.mark.parametrize(
    ("size", "message"),
    [(0, "at least 1, got 0"), (2.5, "an integer, got 2.5")],
)
def test_bad_sizes_are_named(name, size, message):
    sizes = {"D": 2, "H": 3, "T": 4, "seed": 0, name: size}
    with pytest.raises(
        (TypeError, ValueError), match=f"{name} must be {message}"
    ):
        experiment.draw_and_run(rnn, rnn.init, **sizes)


@pytest.mark.parametrize(
    "measure",
    [
        lambda **options: gradflow.gradient_flow(rnn, **options),
        lambda **options: gradflow.truncation_bias(rnn, windows=[1], **options),
        lambda **options: gradflow.cell_paths({"": lstm.init}, **options),
    ],
    ids=["gradient_flow", "truncation_bias", "cell_paths"],
)
def test_seeds_are_some_and_are_seeds(measure):
    sizes = {"D": 2, "H": 3, "T": 4}
    with pytest.raises(ValueError, match="seeds must be one or more, got none"):
        measure(**sizes, seeds=[])
    for wrong in (-1, None, 0.5):
        with pytest.raises(ValueError, match=f"seed must be .*, got {wrong!r}"):
            measure(**sizes, seeds=[0, wrong])


@pytest.mark.parametrize("arch", [rnn, lstm, gru, coupled])
def test_the_experiments_take_any_architecture(arch):
    sizes = {"D": 2, "H": 3, "T": 6, "seeds": [0]}
    flow = gradflow.gradient_flow(arch, **sizes)
    bias = gradflow.truncation_bias(arch, windows=[1, 6], **sizes)
    assert np.isfinite(flow.log10_norms).all()
    np.testing.assert_allclose(bias.cosines[:, -1], 1, rtol=1e-12)
    x = np.random.default_rng(0).normal(size=(6, 2))
    params = arch.init(2, 3, rng=np.random.default_rng(0))
    found = gradflow.gradient_map(arch, params, x)
    assert found.architecture == flow.architecture == bias.architecture
