"""What the experiments share: draws, settings, and one signature."""

import inspect
from functools import partial

import numpy as np
import pytest

from lstm_lab import gradflow, lstm, rnn
from lstm_lab.initialization import initializer
from lstm_lab.sequence import name_of

SMALL = {"D": 2, "H": 3, "T": 6}
EXPERIMENTS = {
    "gradient_flow": gradflow.gradient_flow,
    "spectra": partial(gradflow.spectra, lags=[1, 6]),
    "lyapunov": partial(gradflow.lyapunov, skip=2),
    "cell_paths": gradflow.cell_paths,
    "truncation_bias": partial(gradflow.truncation_bias, windows=[1, 6]),
}


@pytest.fixture(params=EXPERIMENTS.values(), ids=EXPERIMENTS)
def experiment(request):
    return request.param


def test_two_ways_to_draw_are_given_the_same_inputs():
    wide = initializer(rnn, gain=2.0)
    one = gradflow.draw_and_run(rnn, **SMALL, seed=7)
    other = gradflow.draw_and_run(rnn, init=wide, **SMALL, seed=7)
    assert not np.array_equal(one.params.W, other.params.W)
    np.testing.assert_array_equal(one.x, other.x)
    assert one.x.shape == (6, 2)
    another = gradflow.draw_and_run(rnn, **SMALL, seed=8)
    assert not np.array_equal(one.x, another.x)


def test_networks_are_drawn_as_ever_and_run_from_zero():
    trace = gradflow.draw_and_run(lstm, **SMALL, seed=7)
    weights_rng, inputs_rng = np.random.default_rng(7).spawn(2)
    expected = lstm.init(2, 3, rng=weights_rng)
    np.testing.assert_array_equal(trace.params.W, expected.W)
    np.testing.assert_array_equal(trace.x, inputs_rng.normal(size=(6, 2)))
    assert not trace.h[0].any()
    assert not trace.c[0].any()


def test_every_experiment_takes_any_cell(experiment, cell, init):
    if experiment is gradflow.cell_paths and cell is rnn:
        return  # it has no direct path
    record = experiment(cell, init=init, **SMALL, seeds=[4, 9])
    assert record.cell == name_of(cell)
    settings = {name: getattr(record, name) for name in SMALL}
    assert (settings, record.seeds) == (SMALL, (4, 9))
    again = experiment(cell, init=init, **SMALL, seeds=[9])
    for name, value in vars(record).items():
        if isinstance(value, np.ndarray):
            assert len(value) == 2
            np.testing.assert_array_equal(getattr(again, name)[0], value[1])


def test_experiments_have_one_signature(experiment):
    cell, *own, network = inspect.signature(experiment).parameters.values()
    assert (cell.name, network.name) == ("cell", "network")
    assert network.kind is network.VAR_KEYWORD
    assert all(option.kind is option.KEYWORD_ONLY for option in own)
    with pytest.raises(TypeError, match="unexpected keyword argument 'h'"):
        experiment(lstm, **SMALL, h=3)


def test_experiments_have_the_same_defaults(experiment):
    cell = lstm if experiment is gradflow.cell_paths else rnn
    record = experiment(cell, seeds=[0])
    T = 2000 if experiment is EXPERIMENTS["lyapunov"] else 100
    assert (record.D, record.H, record.T) == (4, 32, T)
    assert experiment(cell, **SMALL).seeds == gradflow.SEEDS


def test_bad_settings_are_named(experiment):
    for name, value, message in (
        ("D", 0, "D must be at least 1, got 0"),
        ("H", "3", "H must be an integer, got '3'"),
        ("T", 0, "T must be at least 1, got 0"),
        ("T", 2.5, "T must be an integer, got 2.5"),
        ("seeds", [], "seeds must be one or more, got none"),
        ("seeds", [0, -1], "seed must be .*, got -1"),
        ("seeds", [None], "seed must be .*, got None"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            experiment(lstm, **SMALL | {name: value})
    with pytest.raises(TypeError, match=r"cell must be a cell, .*got 'lstm'"):
        experiment("lstm", **SMALL)
