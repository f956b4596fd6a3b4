"""The phase diagram: what a run is, and how the rows become a figure."""

from functools import partial

import numpy as np
import pytest

from lstm_lab import lstm, tasks, training
from lstm_lab.experiments import phase
from lstm_lab.experiments.store import grid
from lstm_lab.initialization import initializer

SMALL = {"problem": "adding", "network": "LSTM, chrono", "T": 8, "seed": 1}


@pytest.fixture
def short(monkeypatch):
    """Few updates of a small network."""
    small = partial(phase.RECIPE, H=4, steps=6, evaluate_every=2, window=2)
    monkeypatch.setattr(phase, "RECIPE", small)


@pytest.mark.parametrize("problem", phase.PROBLEMS)
@pytest.mark.parametrize("network", phase.NETWORKS)
def test_a_configuration_is_that_of_its_network_and_problem(problem, network):
    T = 30
    config = phase.configure(problem=problem, network=network, T=T, seed=3)
    task, longer, baseline, solved = phase.PROBLEMS[problem]
    batch = config.task(T, 2, rng=np.random.default_rng(0))
    assert config.task is task
    assert len(batch.x) == T + longer
    assert (config.T, config.seed) == (T, 3)
    assert config.criterion == pytest.approx(solved * baseline(T))
    plain = network.startswith("RNN")
    expected = (1e-3, 1.0) if plain else (7e-3, 0.1)
    assert (config.learning_rate, config.clip) == expected
    params = config.init(2, 5, rng=np.random.default_rng(0))
    assert isinstance(params, phase.NETWORKS[network].cell.Params)


def test_chrono_depends_on_the_length_of_the_sequences():
    config = phase.configure(problem="copy memory", network="LSTM, chrono", T=30, seed=0)
    params = config.init(2, 5, rng=np.random.default_rng(0))
    again = np.random.default_rng(0)
    expected = initializer(lstm, T_max=50)(2, 5, rng=again)
    np.testing.assert_array_equal(params.b, expected.b)


def test_baselines_are_those_of_the_tasks():
    assert phase.PROBLEMS["adding"].baseline(7) == tasks.ADDING_BASELINE
    assert phase.PROBLEMS["adding"].solved / 6 == pytest.approx(0.01)
    copying = phase.PROBLEMS["copy memory"]
    assert copying.baseline(100) == tasks.copy_memory_baseline(100)
    assert copying.solved == 0.5


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("solved", [0.5, 500.0])
def test_an_experiment_is_a_training_run_and_a_probe_its_beginning(monkeypatch, solved):
    problem = phase.PROBLEMS["adding"]._replace(solved=solved)
    monkeypatch.setitem(phase.PROBLEMS, "adding", problem)
    found = phase.experiment(**SMALL)
    run = training.fit(lstm, phase.configure(**SMALL))
    assert found["updates"] == run.steps == (2 if solved > 1 else 6)
    assert found["share"] == run.held_out.min() * 6
    assert found["solved"] is (solved > 1)
    first = phase.probe(**SMALL)["first_losses"]
    np.testing.assert_array_equal(first[: run.steps], run.losses[:3])


@pytest.mark.usefixtures("short")
def test_a_run_that_diverges_has_learned_nothing(monkeypatch):
    def diverge(*_):
        raise FloatingPointError

    monkeypatch.setattr(training, "fit", diverge)
    found = phase.experiment(**SMALL)
    assert (found["updates"], found["solved"]) == (0, False)
    assert np.isnan(found["share"])


def rows(**changed):
    """Return rows in which every share is its number, and each third run is solved."""
    return [
        case._replace(
            result={"share": changed.get(f"row{case.row}", case.row), "solved": case.row % 3 == 0}
        )
        for case in grid(phase)
    ]


def test_a_diagram_has_medians_counts_and_rates():
    adding = phase.diagram(rows(), "adding")
    assert adding.share.shape == (len(phase.NETWORKS), 5)
    np.testing.assert_array_equal(adding.share.ravel(), 4.5 + 10 * np.arange(adding.share.size))
    np.testing.assert_array_equal(adding.solved.ravel()[:4], [4, 3, 3, 4])
    assert adding.networks == tuple(phase.NETWORKS)
    assert (adding.gaps, adding.runs) == (phase.GAPS["adding"], 10)
    copying = phase.diagram(rows(), "copy memory")
    assert copying.share[0, 0] == 4.5 + 10 * adding.share.size
    rates = adding.rates(25)
    assert list(rates) == list(phase.NETWORKS)
    assert rates["RNN"] == training.wilson_interval(3, 10)
    assert rates["RNN, orthogonal"] == training.wilson_interval(4, 10)
    with pytest.raises(ValueError, match="'problem': 'sorting'"):
        phase.diagram(rows(), "sorting")


def test_runs_that_diverged_count_as_the_worst():
    nans = {f"row{n}": np.nan for n in range(6)}
    assert phase.diagram(rows(**nans), "adding").share[0, 0] == np.inf
