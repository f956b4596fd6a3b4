"""Sweeps: what they accept, what they say to the rest, and their order."""

import functools

import numpy as np
import pytest

from lstm_lab.sweeps import Case, Sweep

from .experiments import square


def sweep(**changes):
    fields = {
        "name": "sweeps.experiments:SQUARES",
        "experiment": square,
        "configurations": [{"x": 1}],
        "seeds": [0],
    }
    return Sweep(**fields | changes)


def test_the_table_goes_through_the_configurations_and_faster_through_the_seeds():
    made = sweep(configurations=[{"x": 3}, {"x": 1}], seeds=(7, 5))
    assert made.cases == (
        Case(0, {"x": 3}, 7),
        Case(1, {"x": 3}, 5),
        Case(2, {"x": 1}, 7),
        Case(3, {"x": 1}, 5),
    )


def test_values_become_pythons_own():
    given = {
        "a": np.float32(0.1),
        "b": np.arange(3),
        "c": (1, [np.bool_(True), None]),
        "d": "text",
    }
    [made] = sweep(configurations=[given], seeds=[np.int64(3)]).configurations
    assert made == {
        "a": float(np.float32(0.1)),
        "b": [0, 1, 2],
        "c": [1, [True, None]],
        "d": "text",
    }
    types = (made["a"], made["b"][0], made["c"][1][0])
    assert [type(value) for value in types] == [float, int, bool]


def test_a_later_change_of_an_argument_is_none_of_the_sweep():
    given = {"x": [1, 2]}
    made = sweep(configurations=[given])
    given["x"].append(3)
    assert made.configurations == ({"x": [1, 2]},)


def test_one_and_true_are_two_configurations():
    made = sweep(configurations=[{"x": 1}, {"x": True}, {"x": 1.0}])
    assert len(made.cases) == 3


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"name": "SQUARES"}, ValueError, "name must be 'module:NAME'"),
        ({"name": "module:a.b"}, ValueError, "name must be 'module:NAME'"),
        ({"name": "a:b:NAME"}, ValueError, "name must be 'module:NAME'"),
        ({"name": ":NAME"}, ValueError, "name must be 'module:NAME'"),
        (
            {"experiment": lambda **_: {}},
            TypeError,
            "experiment must be a fun",
        ),
        ({"experiment": print}, TypeError, "experiment must be a function"),
        (
            {"probe": functools.partial(square)},
            TypeError,
            "probe must be a function at the top level",
        ),
        ({"configurations": []}, ValueError, "one or more, got 0 and 1"),
        ({"seeds": []}, ValueError, "one or more, got 1 and 0"),
        ({"seeds": [0, -1]}, ValueError, r"seeds\[1\] must be .*got -1"),
        ({"seeds": [0.5]}, ValueError, r"seeds\[0\] must be .*got 0\.5"),
        ({"seeds": [3, 3]}, ValueError, r"seeds\[1\] .*got 3 again"),
        (
            {"configurations": [{"x": 1}, {"x": 1}]},
            ValueError,
            r"configurations\[1\] must be a new one, got \{'x': 1\} again",
        ),
        (
            {"configurations": [{"seed": 1}]},
            ValueError,
            r"configurations\[0\] must leave the seed to seeds",
        ),
        ({"configurations": [3]}, TypeError, "must be a dict, got 3"),
        (
            {"configurations": [{"a b": 1}]},
            TypeError,
            "must have identifiers as keys, got 'a b'",
        ),
        ({"configurations": [{1: 1}]}, TypeError, "identifiers as keys, got 1"),
        (
            {"configurations": [{"x": [0, 1j]}]},
            TypeError,
            r"configurations\[0\]\['x'\]\[1\] must be a number.*got complex",
        ),
        (
            {"configurations": [{"x": {"y": 1}}]},
            TypeError,
            r"\['x'\] must be a number.*got dict",
        ),
        (
            {"signature": {"square": -1}},
            ValueError,
            r"signature\['square'\] must be 0 or more, got -1",
        ),
        (
            {"signature": {"square": "1"}},
            TypeError,
            r"signature\['square'\] must be a real number",
        ),
    ],
)
def test_what_cannot_be_swept_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        sweep(**changes)


def test_seeds_become_numbers_of_python():
    made = sweep(seeds=np.arange(2))
    assert made.seeds == (0, 1)
    assert {type(seed) for seed in made.seeds} == {int}


def test_a_probe_and_results_to_the_last_bit_can_be_asked_for():
    made = sweep(probe=square, signature={"square": 0, "cube": 0.5})
    assert made.probe is square
    assert made.signature == {"square": 0, "cube": 0.5}


def test_an_experiment_of_the_script_itself_is_refused(monkeypatch):
    monkeypatch.setattr(square, "__module__", "__main__")
    with pytest.raises(TypeError, match="that workers can import"):
        sweep()
