"""The phase diagram: what a run is, and how the table becomes a figure."""

from functools import partial

import numpy as np
import pytest

from lstm_lab import lstm, phase, sweeps, tasks, training
from lstm_lab.initialization import chrono
from lstm_lab.phase import sweep
from lstm_lab.sweeps import Row

SMALL = {"problem": "adding", "network": "LSTM, chrono", "T": 8, "seed": 1}


@pytest.fixture
def short(monkeypatch):
    """Few updates of a small network."""
    small = partial(phase.RECIPE, H=4, steps=6, evaluate_every=2)
    monkeypatch.setattr(sweep, "RECIPE", small)


@pytest.mark.parametrize("problem", phase.PROBLEMS)
@pytest.mark.parametrize("network", phase.NETWORKS)
def test_a_configuration_is_that_of_its_network_and_problem(problem, network):
    T = 30
    config = phase.configure(problem=problem, network=network, T=T, seed=3)
    task, steps, baseline, solved = phase.PROBLEMS[problem]
    batch = config.task(T, 2, rng=np.random.default_rng(0))
    assert config.task is task
    assert len(batch.x) == steps(T)
    assert (config.T, config.seed) == (T, 3)
    assert config.criterion == pytest.approx(solved * baseline(T))
    plain = network.startswith("RNN")
    expected = (1e-3, 1.0) if plain else (7e-3, 0.1)
    assert (config.learning_rate, config.clip) == expected
    params = config.start(2, 5, rng=np.random.default_rng(0))
    assert isinstance(params, phase.NETWORKS[network].arch.Params)


def test_chrono_knows_the_length_of_the_sequences():
    config = phase.configure(
        problem="copy memory", network="LSTM, chrono", T=30, seed=0
    )
    rng = np.random.default_rng(0)
    params = config.start(2, 5, rng=rng)
    again = np.random.default_rng(0)
    expected = chrono(lstm.init(2, 5, rng=again), 50, rng=again)
    np.testing.assert_array_equal(params.b, expected.b)


def test_baselines_are_those_of_the_tasks():
    assert phase.PROBLEMS["adding"].baseline(7) == tasks.ADDING_BASELINE
    assert phase.PROBLEMS["adding"].solved / 6 == pytest.approx(0.01)
    copying = phase.PROBLEMS["copy memory"]
    assert copying.baseline(100) == tasks.copy_memory_baseline(100)
    assert copying.solved == 0.5


@pytest.mark.usefixtures("short")
def test_an_experiment_is_a_training_run():
    found = phase.experiment(**SMALL)
    run = training.fit(lstm, phase.configure(**SMALL))
    np.testing.assert_array_equal(found["first_losses"], run.losses[:3])
    assert found["updates"] == run.steps == 6
    assert found["share"] == run.held_out.min() * 6
    assert found["solved"] is False


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("solved", [0.5, 500.0])
def test_solved_is_below_its_share_of_the_baseline(monkeypatch, solved):
    monkeypatch.setattr(sweep, "RECIPE", partial(sweep.RECIPE, window=2))
    problem = phase.PROBLEMS["adding"]._replace(solved=solved)
    monkeypatch.setitem(phase.PROBLEMS, "adding", problem)
    found = phase.experiment(**SMALL)
    assert found["solved"] is (solved == 500)
    assert found["updates"] == (2 if found["solved"] else 6)


@pytest.mark.usefixtures("short")
def test_a_probe_is_the_beginning_of_the_experiment():
    found = phase.experiment(**SMALL)["first_losses"]
    np.testing.assert_array_equal(phase.probe(**SMALL)["first_losses"], found)


@pytest.mark.usefixtures("short")
def test_a_run_that_diverges_has_learnt_nothing(monkeypatch):
    def diverge(arch, config):
        if config.steps > sweep.EARLY:
            raise FloatingPointError
        return training.fit(arch, config)

    monkeypatch.setattr(sweep, "fit", diverge)
    found = phase.experiment(**SMALL)
    assert (found["updates"], found["solved"]) == (0, False)
    assert np.isnan(found["share"])


def rows(**changed):
    """Return a table in which every share is its row's number, and each third run is solved."""
    return [
        Row(
            *case,
            {
                "share": changed.get(f"row{case.row}", case.row),
                "solved": case.row % 3 == 0,
            },
        )
        for case in phase.SWEEP.cases
    ]


def test_a_diagram_has_medians_and_counts():
    adding = phase.diagram(rows(), "adding")
    assert adding.share.shape == (len(phase.NETWORKS), 5)
    np.testing.assert_array_equal(
        adding.share.ravel(), 4.5 + 10 * np.arange(adding.share.size)
    )
    np.testing.assert_array_equal(adding.solved.ravel()[:4], [4, 3, 3, 4])
    assert adding.networks == tuple(phase.NETWORKS)
    assert (adding.gaps, adding.runs) == (phase.GAPS["adding"], 10)
    copying = phase.diagram(rows(), "copy memory")
    assert copying.share[0, 0] == 4.5 + 10 * adding.share.size


def test_what_diverged_counts_as_the_worst():
    nans = {f"row{n}": np.nan for n in range(6)}
    assert phase.diagram(rows(**nans), "adding").share[0, 0] == np.inf


def test_rates_are_of_one_gap():
    adding = phase.diagram(rows(), "adding")
    rates = adding.rates(25)
    assert list(rates) == list(phase.NETWORKS)
    assert rates["RNN"] == training.wilson_interval(3, 10)
    assert rates["RNN, orthogonal"] == training.wilson_interval(4, 10)
    assert adding.rates(10)["RNN"] == training.wilson_interval(4, 10)


def test_unknown_problems_are_named():
    with pytest.raises(ValueError, match="problem must be one of adding, copy"):
        phase.diagram(rows(), "sorting")


def test_the_store_is_complete_and_of_this_code():
    table = sweeps.load(phase.SWEEP, phase.STORE)
    assert [row[:3] for row in table] == [case[:] for case in phase.SWEEP.cases]
