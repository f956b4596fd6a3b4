"""How far gradients reach: what a run is, and what is measured of it."""

from functools import partial

import numpy as np
import pytest

from lstm_lab import gradflow, rnn, sequence, tasks, training, tree
from lstm_lab.experiments import reach
from lstm_lab.experiments.store import grid

SMALL = {"T": 20, "seed": 1}


@pytest.fixture
def short(monkeypatch):
    """Few updates of a small network."""
    small = partial(reach.configure, H=4, steps=6, evaluate_every=2)
    monkeypatch.setattr(reach, "configure", small)


@pytest.mark.usefixtures("short")
def test_an_experiment_is_a_training_run_and_a_probe_its_beginning():
    found = reach.experiment(**SMALL)
    run = training.fit(rnn, reach.configure(**SMALL))
    first = reach.probe(**SMALL)["first_losses"]
    np.testing.assert_array_equal(first, run.losses[:3])
    assert found["share"] == run.held_out.min() * 6


@pytest.mark.usefixtures("short")
def test_the_norms_are_those_of_backpropagated_losses():
    found = reach.experiment(**SMALL)
    run = training.fit(rnn, reach.configure(**SMALL))
    rng = np.random.default_rng(SMALL["seed"])
    x = tasks.adding(20, reach.SEQUENCES, rng=rng).x
    for when, model in (("before", run.initial), ("after", run.final)):
        params = tree.map(np.float64, model.params)
        v = (model.W_out[0] / np.linalg.norm(model.W_out)).astype(float)
        maps, along = [], []
        for one in x.swapaxes(0, 1):
            whole = sequence.forward(rnn, params, one)
            maps.append(gradflow.gradient_map(whole).log10_norms[-1])
            ends = [
                sequence.forward(rnn, params, one[-lag:], whole.h[20 - lag])
                for lag in reach.LAGS[20]
            ]
            grads = [sequence.backward(trace, None, v).h0 for trace in ends]
            along.append(np.linalg.norm(grads, axis=-1))
        mean = np.mean(maps, axis=0)[list(reach.LAGS[20])]
        np.testing.assert_allclose(found[when], mean, atol=1e-9)
        mean = np.log10(along).mean(axis=0)
        np.testing.assert_allclose(found[f"readout_{when}"], mean, atol=1e-6)


def test_every_lag_lies_in_its_sequences():
    for T, lags in reach.LAGS.items():
        assert 0 < min(lags) < max(lags) == T - 1


def test_runs_of_one_length_are_gathered_by_seed_and_lag():
    fields = ("before", "after", "readout_before", "readout_after")
    rows = []
    for case in grid(reach):
        lags = np.array(reach.LAGS[case.configuration["T"]])
        result = {name: n + case.row + lags for n, name in enumerate(fields)}
        rows.append(case._replace(result={"share": case.row, **result}))
    found = reach.reach(rows, 100)
    seeds = len(reach.SEEDS)
    np.testing.assert_array_equal(found.share, np.arange(seeds, 2 * seeds))
    lags = np.array(found.lags)
    assert (found.T, found.lags) == (100, reach.LAGS[100])
    for n, name in enumerate(fields):
        expected = n + found.share[:, np.newaxis] + lags
        np.testing.assert_array_equal(getattr(found, name), expected)


def test_unknown_lengths_are_named():
    with pytest.raises(ValueError, match="'T': 50"):
        reach.reach([], 50)
