"""The ablation: what a run is, and how the rows become the outcome of each variant."""

from functools import partial

import numpy as np
import pytest

from lstm_lab import coupled, gradflow, lstm, sequence, tasks, training
from lstm_lab.experiments import ablation
from lstm_lab.experiments.store import grid
from lstm_lab.packing import by_gate


@pytest.fixture
def short(monkeypatch):
    """Few updates of a small network."""
    small = partial(ablation.RECIPE, T=8, H=4, steps=6, evaluate_every=2)
    monkeypatch.setattr(ablation, "RECIPE", small)


@pytest.mark.parametrize(
    ("variant", "b_i", "b_f", "b_o"),
    [
        ("LSTM", 0, 1, 0),
        ("LSTM, b_i = -1", -1, 1, 0),
        ("LSTM, b_f = 3, b_i = -3", -3, 3, 0),
        ("no forget gate", 0, 1000, 0),
        ("no forget gate, b_i = -3", -3, 1000, 0),
        ("no output gate", 0, 1, 1000),
        ("coupled gates", -1, 1, 0),
    ],
)
def test_a_variant_begins_as_its_name_says(variant, b_i, b_f, b_o):
    config = ablation.configure(variant=variant, seed=3)
    params = config.init(2, 5, rng=np.random.default_rng(0))
    cell = ablation.VARIANTS[variant].cell
    names = cell.GATES
    biases = by_gate(params.b, names)
    if cell is coupled:  # 1 - sigmoid(a) is sigmoid(-a)
        biases["i"] = -biases["f"]
    expected = {"i": b_i, "f": b_f, "o": b_o, "g": 0}
    assert biases.keys() == expected.keys()
    for gate, value in expected.items():
        np.testing.assert_array_equal(biases[gate], value)
    assert (config.T, config.H, config.seed) == (40, 16, 3)


def test_variants_of_one_seed_begin_with_the_same_weights():
    drawn = [
        ablation.configure(variant=name, seed=0).init(2, 5, rng=np.random.default_rng(0))
        for name, variant in ablation.VARIANTS.items()
        if variant.cell is lstm
    ]
    assert len(drawn) == len(ablation.VARIANTS) - 1
    for params in drawn:
        np.testing.assert_array_equal(params.W, drawn[0].W)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("variant", ["LSTM", "coupled gates"])
def test_an_experiment_is_a_training_run_and_a_probe_its_beginning(variant):
    found = ablation.experiment(variant=variant, seed=1)
    cell = ablation.VARIANTS[variant].cell
    run = training.fit(cell, ablation.configure(variant=variant, seed=1))
    first = ablation.probe(variant=variant, seed=1)["first_losses"]
    np.testing.assert_array_equal(first, run.losses[:3])
    assert found["updates"] == run.steps == 6
    assert found["held_out"] == run.held_out[-1]
    assert found["solved"] is False


@pytest.mark.usefixtures("short")
def test_saturated_is_the_share_of_the_gates_that_the_chapter_shows(monkeypatch):
    monkeypatch.setattr(ablation, "SATURATED", 0.3)
    found = ablation.experiment(variant="LSTM", seed=1)
    run = training.fit(lstm, ablation.configure(variant="LSTM", seed=1))
    rng = np.random.default_rng([1, 1])
    x = tasks.adding(8, 64, rng=rng, dtype=np.float32).x
    for when, model in (("before", run.initial), ("after", run.final)):
        trace = sequence.forward(lstm, model.params, x)
        shares = gradflow.saturated(trace, "ifo", within=0.3)
        assert found[f"saturated_{when}"] == [*shares.values()]
    assert 0 < found["saturated_before"][1] < 1


def test_outcomes_are_gathered_by_variant():
    rows = [
        case._replace(
            result={
                "updates": case.row,
                "solved": case.row % 4 == 0,
                "saturated_before": [0.0, 0.0, 0.0],
                "saturated_after": [0.0, 0.5, case.seed / 100],
            }
        )
        for case in grid(ablation)
    ]
    found = ablation.outcomes(rows)
    assert list(found) == list(ablation.VARIANTS)
    second = found["LSTM, b_i = -1"]
    S = len(ablation.SEEDS)
    np.testing.assert_array_equal(second.updates, np.arange(S, 2 * S))
    assert second.rate == training.wilson_interval(S // 4, S)
    assert second.typical == training.median_interval(np.arange(S, 2 * S))
    np.testing.assert_array_equal(second.saturated_after[:, 2], np.arange(S) / 100)
