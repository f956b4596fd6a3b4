"""The stored runs of the book: complete, and of the present code."""

from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pytest

from lstm_lab import experiments, seq2seq, training

MODULES = [
    import_module(f"lstm_lab.experiments.{module.name}")
    for module in iter_modules(experiments.__path__)
]
ALL = [module for module in MODULES if hasattr(module, "STORE")]


def test_every_experiment_is_found():
    assert len(ALL) >= 4


@pytest.mark.parametrize("experiment", ALL)
def test_a_store_is_complete_and_of_this_code(experiment):
    rows = experiments.load(experiment)
    pairs = [(row.configuration, row.seed) for row in rows]
    assert pairs == [
        (configuration, seed)
        for configuration in experiment.CONFIGURATIONS
        for seed in experiment.SEEDS
    ]


@pytest.mark.parametrize("experiment", ALL)
def test_half_a_run_is_not_a_result(experiment, monkeypatch):
    """Training returns the first half where it is interrupted; an experiment must not."""
    nothing = np.empty(0)
    half = training.Run("rnn", training.Config(), None, None, nothing, nothing, (), True)
    for package in (training, seq2seq):
        monkeypatch.setattr(package, "fit", lambda *_: half)
    configuration = {**experiment.CONFIGURATIONS[0], "seed": 0}
    with pytest.raises(KeyboardInterrupt):
        experiment.experiment(**configuration)
