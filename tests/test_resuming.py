"""Runs that are interrupted, watched, written to a file and continued from it."""

import dataclasses
import os
import pickle
import re
import sys
import time
from functools import partial

import numpy as np
import pytest

from lstm_lab import (
    checkpoints,
    coupled,
    gru,
    initialization,
    lstm,
    optim,
    rnn,
    tasks,
    training,
    tree,
)
from lstm_lab.checkpoints import CheckpointError
from lstm_lab.training import fitting, updates

STEPS = 7
SMALL = training.Config(
    task=tasks.adding,
    T=4,
    H=5,
    batch_size=8,
    steps=STEPS,
    evaluate_every=3,
    held_out_size=16,
)
OPTIMIZERS = {
    "sgd": optim.SGD,
    "momentum": optim.Momentum,
    "rmsprop": optim.RMSprop,
    "adam": optim.Adam,
}
change = dataclasses.replace


def bits(run):
    """Return all numbers of a run."""
    arrays = tree.leaves((run.initial, run.final)) | {
        name: getattr(run, name)
        for name in ("losses", "grad_norms", "held_out", "evaluated")
    }
    return {
        name: (leaf.shape, leaf.dtype, leaf.tobytes())
        for name, leaf in arrays.items()
    }


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run.npz"


def interrupt(monkeypatch, module, name, call, *, late):
    """Let a function of a module be interrupted once, before or after its work."""
    inner, calls = getattr(module, name), iter(range(10**6))

    def interrupted(*arguments, **options):
        now = next(calls) == call
        if now and not late:
            raise KeyboardInterrupt
        result = inner(*arguments, **options)
        if now:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(module, name, interrupted)


PLACES = pytest.mark.parametrize(
    ("module", "name", "call", "done"),
    [
        (fitting, "loss", 0, 0),
        (fitting, "loss", 1, 3),
        (fitting, "loss", 3, 7),
        (fitting, "_draw", 1, 0),  # the held-out batch is drawn first
        (fitting, "_draw", 4, 3),
        (fitting, "loss_and_grads", 0, 0),
        (fitting, "loss_and_grads", 4, 4),
        (fitting, "update", 2, 2),
        (fitting, "update", 6, 6),
        (updates, "check_finite", 0, 0),  # loss, norm, parameters
        (updates, "check_finite", 1, 0),
        (updates, "check_finite", 2, 0),
        (updates, "check_finite", 4, 1),
        (fitting, "meets_criterion", 0, 0),
        (fitting, "meets_criterion", 3, 3),
        (fitting, "_stored", 0, 2),
        (fitting, "_stored", 1, 4),
    ],
)
LATE = pytest.mark.parametrize("late", [False, True])


# Interruption


@PLACES
@LATE
def test_an_interrupted_run_is_the_beginning_of_the_whole_one(
    module, name, call, done, late, file, monkeypatch
):
    whole = training.fit(gru, SMALL)
    interrupt(monkeypatch, module, name, call, late=late)
    run = training.fit(gru, SMALL, checkpoint=file, checkpoint_every=2)
    assert run.interrupted
    assert run.steps == done
    np.testing.assert_array_equal(run.losses, whole.losses[:done])
    np.testing.assert_array_equal(run.grad_norms, whole.grad_norms[:done])
    count = len(run.held_out)
    np.testing.assert_array_equal(run.held_out, whole.held_out[:count])
    np.testing.assert_array_equal(run.evaluated, whole.evaluated[:count])
    assert count == len(run.evaluated) >= (done + 2) // 3
    beginning = training.fit(gru, change(SMALL, steps=max(done, 1)))
    final = beginning.final if done else beginning.initial
    tree.map(np.testing.assert_array_equal, run.final, final)


@PLACES
@LATE
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_continued_run_has_the_bits_of_one_without_a_break(
    module, name, call, done, late, optimizer, file, monkeypatch
):
    config = change(SMALL, optimizer=optimizer)
    whole = training.fit(lstm, config)
    interrupt(monkeypatch, module, name, call, late=late)
    assert training.fit(
        lstm, config, checkpoint=file, checkpoint_every=2
    ).interrupted
    monkeypatch.undo()
    assert checkpoints.metadata(file)["step"] == done
    run = training.fit(lstm, config, checkpoint=file)
    assert not run.interrupted
    assert bits(run) == bits(whole)


def test_a_run_without_an_interruption_is_not_marked():
    assert training.fit(rnn, SMALL).interrupted is False


def test_an_interruption_before_the_first_parameters_is_passed_on(monkeypatch):
    interrupt(monkeypatch, fitting, "init", 0, late=False)
    with pytest.raises(KeyboardInterrupt):
        training.fit(rnn, SMALL)


def test_an_interruption_before_the_first_evaluation_leaves_no_curve(
    monkeypatch,
):
    interrupt(monkeypatch, fitting, "loss", 0, late=False)
    run = training.fit(rnn, SMALL)
    for curve in (run.losses, run.grad_norms, run.held_out, run.evaluated):
        assert curve.shape == (0,)
    assert np.issubdtype(run.evaluated.dtype, np.integer)
    assert not run.reached


# Continuing


@pytest.mark.parametrize(
    ("arch", "start"),
    [
        (rnn, None),
        (lstm, initialization.start(lstm, T_max=10)),
        (gru, partial(gru.init, reset="after")),
        (coupled, None),
    ],
)
@pytest.mark.parametrize("task", [tasks.adding, tasks.counting])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_architecture_continues(arch, start, task, dtype, file):
    config = change(SMALL, task=task, start=start, dtype=dtype)
    whole = training.fit(arch, config)
    training.fit(arch, change(config, steps=4), checkpoint=file)
    assert bits(training.fit(arch, config, checkpoint=file)) == bits(whole)


@pytest.mark.parametrize("first", [1, 2, 3, 6])
def test_steps_may_grow(first, file):
    """The evaluation at an end is not part of the longer run, unless it makes it too."""
    training.fit(rnn, change(SMALL, steps=first), checkpoint=file)
    longer = training.fit(rnn, SMALL, checkpoint=file)
    assert bits(longer) == bits(training.fit(rnn, SMALL))


def test_a_run_that_is_complete_is_only_read(file, monkeypatch):
    run = training.fit(rnn, SMALL, checkpoint=file)

    def fail(*_):
        pytest.fail("an update was made")

    monkeypatch.setattr(fitting, "update", fail)
    assert bits(training.fit(rnn, SMALL, checkpoint=file)) == bits(run)


def test_a_run_that_was_only_read_may_grow(file):
    for steps in (4, 4):
        training.fit(rnn, change(SMALL, steps=steps), checkpoint=file)
    longer = training.fit(rnn, SMALL, checkpoint=file)
    assert bits(longer) == bits(training.fit(rnn, SMALL))


def test_a_run_that_met_its_criterion_has_met_it(file):
    config = change(SMALL, criterion=100.0, window=4)
    run = training.fit(rnn, config, checkpoint=file)
    again = training.fit(rnn, change(config, steps=9), checkpoint=file)
    assert (run.steps, run.reached, again.reached) == (4, True, True)
    assert bits(again) == bits(run)


def test_the_file_changes_nothing(file):
    run = training.fit(lstm, SMALL, checkpoint=file, checkpoint_every=1)
    assert bits(run) == bits(training.fit(lstm, SMALL))


@pytest.mark.parametrize(
    ("options", "total", "expected"),
    [
        ({"checkpoint_every": 1}, 7, [1, 2, 3, 4, 5, 6, 7, 7]),
        ({"checkpoint_every": 3}, 7, [3, 6, 7]),
        ({}, 201, [100, 200, 201]),
    ],
)
def test_checkpoints_are_written_as_often_as_asked(
    options, total, expected, file, monkeypatch
):
    steps, save = [], checkpoints.save

    def noted(path, values, **about):
        assert path is file
        steps.append(about["step"])
        save(path, values, **about)

    monkeypatch.setattr(checkpoints, "save", noted)
    config = change(SMALL, steps=total)
    training.fit(rnn, config, checkpoint=file, **options)
    assert steps == expected


def test_a_run_that_diverges_leaves_the_last_checkpoint(file):
    config = change(SMALL, optimizer=optim.SGD, learning_rate=1e160, clip=None)
    with pytest.raises(FloatingPointError, match="diverged in step"):
        training.fit(rnn, config, checkpoint=file, checkpoint_every=1)
    about = checkpoints.metadata(file)
    assert about["step"] >= 1
    with pytest.raises(FloatingPointError, match="diverged in step"):
        training.fit(rnn, config, checkpoint=file)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"H": 6}, "its H is 5, expected 6"),
        ({"seed": 1}, "its seed is 0, expected 1"),
        (
            {"learning_rate": 2e-3},
            r"its learning_rate is 0\.001, expected 0\.0",
        ),
        ({"task": tasks.latch}, r"its task is 'lstm_lab\.tasks\.adding', exp"),
        ({"dtype": np.float32}, "its dtype is 'float64', expected 'float32'"),
        ({"optimizer": optim.SGD}, "its optimizer is .*Adam', expected .*SGD"),
        (
            {"optimizer": partial(optim.Adam, beta1=0.5)},
            "its optimizer is .* 'keywords': {'beta1': 0.5}",
        ),
        ({"start": initialization.start(rnn)}, "its start is None, expected {"),
        ({"clip": None}, r"its clip is 1\.0, expected None"),
        ({"steps": 6}, "has 7 steps behind it: steps must not be fewer, got 6"),
    ],
)
def test_another_configuration_is_refused_by_name(changes, message, file):
    training.fit(rnn, SMALL, checkpoint=file)
    before = file.read_bytes()
    with pytest.raises(CheckpointError, match=message) as caught:
        training.fit(rnn, change(SMALL, **changes), checkpoint=file)
    assert str(file) in str(caught.value)
    assert file.read_bytes() == before


def test_another_architecture_is_refused(file):
    training.fit(rnn, SMALL, checkpoint=file)
    with pytest.raises(
        CheckpointError, match=r"its architecture is .*rnn', expected"
    ):
        training.fit(lstm, SMALL, checkpoint=file)


def test_a_file_of_something_else_is_refused(file):
    checkpoints.save(file, np.zeros(3))
    with pytest.raises(CheckpointError, match="its architecture is None"):
        training.fit(rnn, SMALL, checkpoint=file)


def test_a_damaged_file_is_neither_continued_nor_replaced(file):
    training.fit(rnn, SMALL, checkpoint=file)
    damaged = file.read_bytes()[:-1]
    file.write_bytes(damaged)
    with pytest.raises(CheckpointError, match="is damaged"):
        training.fit(rnn, SMALL, checkpoint=file)
    assert file.read_bytes() == damaged


def rewritten(file, **changes):
    """Change the metadata of a file that `fit` wrote, the architecture's arrays staying."""
    about = checkpoints.metadata(file) | changes
    checkpoints.save(file, np.zeros(3), **about)


@pytest.mark.parametrize(
    "changes",
    [
        {"step": -1},
        {"step": "7"},
        {"step": None},
        {"step": 3},
        {"rng": None},
        {"rng": {"bit_generator": "MT19937"}},
    ],
)
def test_a_forged_file_is_refused(changes, file):
    training.fit(rnn, SMALL, checkpoint=file)
    rewritten(file, **changes)
    with pytest.raises(CheckpointError, match=str(file)):
        training.fit(rnn, SMALL, checkpoint=file)


def test_a_state_of_another_generator_is_refused(file, monkeypatch):
    save = checkpoints.save

    def forged(path, values, **about):
        save(path, values, **about | {"rng": {"bit_generator": "MT19937"}})

    monkeypatch.setattr(checkpoints, "save", forged)
    training.fit(rnn, SMALL, checkpoint=file)
    with pytest.raises(CheckpointError, match="the state of its generator"):
        training.fit(rnn, SMALL, checkpoint=file)


@pytest.mark.parametrize("every", [0, 1.5])
def test_checkpoints_are_whole_updates_apart(every, file):
    with pytest.raises((TypeError, ValueError), match="checkpoint_every must"):
        training.fit(rnn, SMALL, checkpoint=file, checkpoint_every=every)


# Descriptions


def local_task(T, B, *, rng, dtype=np.float64):
    return tasks.adding(T, B, rng=rng, dtype=dtype)


def named_task(_name, T, B, *, rng, dtype=np.float64):
    return local_task(T, B, rng=rng, dtype=dtype)


@dataclasses.dataclass(frozen=True)
class Delayed:
    """A task with a parameter."""

    lag: int
    names: tuple[str, ...] = ("a",)

    def __call__(self, T, B, *, rng, dtype=np.float64):
        return tasks.adding(T + self.lag, B, rng=rng, dtype=dtype)


def test_a_description_names_what_decides_the_run():
    described = training.describe(
        change(
            SMALL,
            task=Delayed(2),
            optimizer=partial(optim.Adam, beta2=0.99, beta1=0.5),
            start=initialization.start(
                lstm, recurrent=initialization.orthogonal, o=2.0, f=1
            ),
            dtype=np.float32,
            seed=np.int64(3),
            learning_rate=np.float64(0.01),
        )
    )
    assert described == {
        "task": {
            "type": f"{__name__}.Delayed",
            "lag": 2,
            "names": ["a"],
        },
        "T": 4,
        "H": 5,
        "batch_size": 8,
        "steps": 7,
        "optimizer": {
            "partial": "lstm_lab.optim.Adam",
            "arguments": [],
            "keywords": {"beta1": 0.5, "beta2": 0.99},
        },
        "learning_rate": 0.01,
        "clip": 1.0,
        "start": {
            "type": "lstm_lab.initialization.Start",
            "init": "lstm_lab.lstm.init",
            "inputs": None,
            "recurrent": "lstm_lab.initialization.orthogonal",
            "gain": 1.0,
            "silent": [],
            "T_max": None,
            "biases": [["f", 1], ["o", 2.0]],
        },
        "criterion": None,
        "window": 20,
        "evaluate_every": 3,
        "held_out_size": 16,
        "dtype": "float32",
        "seed": 3,
    }
    assert type(described["seed"]) is int
    assert type(described["learning_rate"]) is float


@pytest.mark.parametrize("dtype", ["float32", np.dtype("float32"), "f4"])
def test_one_dtype_has_one_name(dtype):
    assert training.describe(change(SMALL, dtype=dtype))["dtype"] == "float32"


def test_equal_ways_to_start_are_described_alike():
    first, second = (
        training.describe(
            change(SMALL, start=initialization.start(lstm, **biases))
        )
        for biases in ({"f": 1.0, "o": 2.0}, {"o": 2.0, "f": 1.0})
    )
    assert first == second


def nested():
    def task(T, B, *, rng, dtype=np.float64):
        return tasks.adding(T, B, rng=rng, dtype=dtype)

    return task


def nested_class():
    @dataclasses.dataclass(frozen=True)
    class Inner(Delayed):
        pass

    return Inner


class Bound:
    def task(self, T, B, *, rng, dtype=np.float64):
        return tasks.adding(T, B, rng=rng, dtype=dtype)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        (
            {"task": lambda T, B, **options: tasks.adding(T, B, **options)},
            "task",
        ),
        ({"task": nested()}, "task"),
        ({"task": Bound().task}, "task"),
        ({"start": partial(rnn.init, dtype=np.dtype("f8"))}, r"start\.dtype"),
        ({"task": Delayed(2, names=("a", object()))}, r"task\.names\[1\]"),
        ({"task": partial(nested())}, "task"),
        ({"task": partial(named_task, object())}, r"task\[0\]"),
        ({"task": nested_class()(2)}, "task"),
    ],
)
def test_what_has_no_name_trains_but_makes_no_checkpoint(changes, name, file):
    config = change(SMALL, **changes)
    assert training.fit(rnn, config).steps == STEPS
    with pytest.raises(
        TypeError, match=f"^{name} must be .*got <|^{name} must"
    ):
        training.fit(rnn, config, checkpoint=file)
    assert not file.exists()


def test_arguments_that_are_bound_are_described():
    first, second = (
        training.describe(change(SMALL, task=partial(named_task, name)))
        for name in "ab"
    )
    assert first["task"] == {
        "partial": f"{__name__}.named_task",
        "arguments": ["a"],
        "keywords": {},
    }
    assert second["task"]["arguments"] == ["b"]


def test_a_task_of_this_module_has_a_name():
    described = training.describe(change(SMALL, task=local_task))
    assert described["task"] == f"{__name__}.local_task"


class Owner:
    @staticmethod
    def task(T, B, *, rng, dtype=np.float64):
        return local_task(T, B, rng=rng, dtype=dtype)


def test_a_function_of_a_class_is_described_with_its_class():
    described = training.describe(change(SMALL, task=Owner.task))
    assert described["task"] == f"{__name__}.Owner.task"


def test_configurations_and_runs_can_be_sent_to_other_processes():
    start = initialization.start(lstm, silent="g", T_max=10, o=1.0)
    run = training.fit(lstm, change(SMALL, start=start))
    again = pickle.loads(pickle.dumps(run))
    assert again.config == run.config
    assert bits(again) == bits(run)


# Progress


@pytest.fixture
def unwatched(monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


def slow(T, B, *, rng, dtype=np.float64):
    time.sleep(0.12)  # a bar is drawn ten times a second at most
    return tasks.adding(T, B, rng=rng, dtype=dtype)


@pytest.mark.usefixtures("unwatched")
@pytest.mark.parametrize("progress", [None, False])
def test_nobody_watches_an_executed_page(progress, capsys):
    training.fit(rnn, SMALL, progress=progress)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("unwatched")
def test_a_bar_where_it_is_asked_for(capsys):
    run = training.fit(rnn, SMALL, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "0/7" in err
    assert re.search("[?/]update", err)
    assert "\n" not in err  # at its end it is wiped off
    assert bits(run) == bits(training.fit(rnn, SMALL))


@pytest.mark.usefixtures("unwatched")
def test_a_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    training.fit(rnn, SMALL)
    assert "0/7" in capsys.readouterr().err
    training.fit(rnn, SMALL, progress=False)
    assert capsys.readouterr().err == ""


def test_a_bar_in_an_open_notebook(capsys, monkeypatch):
    monkeypatch.setitem(os.environ, "JPY_SESSION_NAME", "ch318.ipynb")
    training.fit(rnn, SMALL)
    assert "0/7" in capsys.readouterr().err


def test_a_bar_shows_the_loss(capsys):
    config = change(SMALL, task=slow, steps=2)
    run = training.fit(rnn, config, progress=True)
    err = capsys.readouterr().err
    for step, loss in enumerate(run.losses, 1):
        assert f"{step}/2" in err
        assert f"loss {loss:.3g}" in err


def test_a_bar_begins_where_the_run_is_continued(file, capsys):
    training.fit(rnn, change(SMALL, steps=4), checkpoint=file)
    training.fit(rnn, SMALL, checkpoint=file, progress=True)
    err = capsys.readouterr().err
    assert "4/7" in err
    assert "0/7" not in err
