"""The ablation: what a run is, and how the rows become the outcome of each variant."""

from functools import partial

import numpy as np
import pytest

from lstm_lab import coupled, gradflow, lstm, tasks, training
from lstm_lab.experiments import ablation
from lstm_lab.experiments.store import grid


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
    if isinstance(params, coupled.Params):
        params = coupled.expand(params)
    biases = np.split(params.b, len(lstm.GATES))
    expected = (b_i, b_f, b_o, 0)
    for bias, value in zip(biases, expected, strict=True):
        np.testing.assert_array_equal(bias, value)
    assert (config.T, config.H, config.seed) == (40, 16, 3)


def test_variants_of_one_seed_begin_with_the_same_weights():
    drawn = [
        ablation.configure(variant=name, seed=0).init(
            2, 5, rng=np.random.default_rng(0)
        )
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
    np.testing.assert_array_equal(found["first_losses"], run.losses[:3])
    np.testing.assert_array_equal(found["first_losses"], first)
    assert found["updates"] == run.steps == 6
    assert found["held_out"] == run.held_out[-1]
    assert found["solved"] is False


@pytest.mark.usefixtures("short")
def test_saturated_is_the_share_in_the_histogram_of_the_gates(monkeypatch):
    monkeypatch.setattr(ablation, "SATURATED", 0.3)
    variant = "LSTM"
    found = ablation.experiment(variant=variant, seed=1)
    run = training.fit(lstm, ablation.configure(variant=variant, seed=1))
    rng = np.random.default_rng([1, 1])
    x = tasks.adding(8, 64, rng=rng, dtype=np.float32).x
    for when, model in (("before", run.initial), ("after", run.final)):
        gates = lstm.forward(model.cell, x).gates
        histogram = gradflow.gate_histogram(gates, "ifo", packed=lstm.GATES)
        np.testing.assert_allclose(
            found[f"saturated_{when}"],
            list(histogram.saturated(within=0.3).values()),
            rtol=0,
            atol=1e-12,
        )
    assert 0 < found["saturated_before"][1] < 1


def test_outcomes_are_gathered_by_variant():
    rows = [
        case._replace(
            result={
                "updates": case.row,
                "solved": case.row % 4 == 0,
                "held_out": 0.5,
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
    np.testing.assert_array_equal(
        second.saturated_after[:, 2], np.arange(S) / 100
    )
