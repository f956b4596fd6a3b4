"""Runs: they learn, repeat, stop, and say why they failed."""

import dataclasses
import os
import pickle
import re
import sys
from functools import partial

import numpy as np
import pytest

from lstm_lab import gru, losses, lstm, optim, rnn, tasks, training, tree

SMALL = training.TaskConfig(
    task=tasks.adding, T=4, H=5, batch_size=8, steps=7, evaluate_every=3, held_out_size=16
)
change = dataclasses.replace


def bits(run):
    """Return all numbers of a run."""
    arrays = tree.leaves((run.initial, run.final, run.losses, run.grad_norms))
    return run.evaluations, {
        name: (leaf.shape, leaf.dtype, leaf.tobytes()) for name, leaf in arrays.items()
    }


def test_every_cell_trains(cell_and_options):
    cell, options = cell_and_options
    init = partial(cell.init, **options)
    run = training.fit(cell, change(SMALL, init=init, steps=60))
    assert run.cell == cell.__name__.rpartition(".")[-1]
    assert run.losses[-10:].mean() < run.losses[:10].mean()
    moved = tree.map(lambda a, b: np.any(a != b), run.initial, run.final)
    assert all(tree.leaves(moved).values())


@pytest.mark.parametrize(
    ("task", "T", "goal"),
    [
        (tasks.adding, 4, tasks.ADDING_BASELINE / 4),
        (tasks.copy_memory, 1, tasks.copy_memory_baseline(1) * 1.05),
    ],
)
def test_tasks_are_learned(task, T, goal):
    config = change(SMALL, task=task, T=T, H=12, batch_size=32, learning_rate=0.03)
    run = training.fit(lstm, change(config, steps=150, held_out_size=200))
    assert run.held_out[-1] < goal < run.held_out[0]


def test_what_a_record_holds():
    run = training.fit(lstm, SMALL)
    assert run.config is SMALL
    assert (run.cell, run.steps, run.reached) == ("lstm", 7, False)
    assert run.losses.shape == run.grad_norms.shape == (7,)
    assert run.evaluated.tolist() == [0, 3, 6, 7]
    assert run.held_out.tolist() == [found.loss for found in run.evaluations]
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.losses = None
    assert re.fullmatch(
        "Run of lstm, seed 0: 7 of at most 7 updates, held-out loss .* to .*", repr(run)
    )
    assert len(repr(run)) < 120


def test_an_evaluation_at_the_end_is_made_once():
    assert training.fit(rnn, change(SMALL, steps=6)).evaluated.tolist() == [0, 3, 6]


def test_a_run_is_its_steps_one_after_the_other():
    """The same numbers by hand, from the three generators that a run draws from."""
    config = change(SMALL, clip=0.1, learning_rate=0.01)
    run = training.fit(gru, config)
    init_rng, batch_rng, held_out_rng = np.random.default_rng(0).spawn(3)
    model = training.init(gru, 2, 5, 1, rng=init_rng)
    held_out = tasks.adding(4, 16, rng=held_out_rng)
    adam = optim.Adam(0.01)
    state = adam.init(model)
    batch_losses, norms, evaluations = [], [], []
    for step in range(8):
        if step in run.evaluated:
            answers = training.predict(gru, model, held_out.x)
            evaluations.append(losses.mean_squared_error(answers, held_out.y))
        if step == 7:
            break
        batch = tasks.adding(4, 8, rng=batch_rng)
        loss, grads = training.loss_and_grads(gru, model, batch)
        grads, norm = optim.clip_by_global_norm(grads, 0.1)
        model, state = adam.step(model, grads, state)
        batch_losses.append(loss)
        norms.append(norm)
    np.testing.assert_array_equal(run.losses, batch_losses)
    np.testing.assert_array_equal(run.grad_norms, norms)
    np.testing.assert_array_equal(run.held_out, evaluations)
    tree.map(np.testing.assert_array_equal, run.final, model)
    assert max(norms) > 0.1  # before clipping


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_same_seed_gives_the_same_run(cell, dtype):
    config = change(SMALL, dtype=dtype)
    first, second = (training.fit(cell, config) for _ in range(2))
    assert bits(first) == bits(second)
    dtypes = {leaf.dtype for leaf in tree.leaves(first.final).values()}
    assert dtypes == {np.dtype(dtype)}


def _targets_of_float64(T, B, *, rng, dtype):
    """Draw a batch whose targets do not follow the dtype of the inputs."""
    batch = tasks.adding(T, B, rng=rng, dtype=dtype)
    return batch._replace(y=batch.y.astype(np.float64))


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_numbers_of_numpy_leave_single_precision(kind):
    plain = change(SMALL, dtype="float32", optimizer=kind, learning_rate=0.125)
    of_numpy = change(
        plain,
        learning_rate=np.logspace(-3, 0, 2, base=2.0)[0],
        clip=np.float64(plain.clip),
        T=np.int64(plain.T),
        steps=np.int64(plain.steps),
        dtype=np.float32,
        seed=np.uint8(0),
    )
    assert of_numpy == plain
    runs = [
        training.fit(lstm, config) for config in (plain, change(of_numpy, task=_targets_of_float64))
    ]
    assert bits(runs[0]) == bits(runs[1])
    for run in runs:
        kinds = {leaf.dtype for leaf in tree.leaves(run.final).values()}
        assert kinds == {np.dtype(np.float32)}


def test_draws_for_one_purpose_leave_the_others():
    run = training.fit(rnn, SMALL)
    more = training.fit(rnn, change(SMALL, held_out_size=17))
    np.testing.assert_array_equal(more.losses, run.losses)
    assert more.held_out[0] != run.held_out[0]
    shorter = training.fit(rnn, change(SMALL, steps=3, batch_size=9))
    assert shorter.held_out[0] == run.held_out[0]
    tree.map(np.testing.assert_array_equal, shorter.initial, run.initial)
    other = training.fit(rnn, change(SMALL, seed=1))
    assert not np.any(other.losses == run.losses)


def test_only_a_gradient_longer_than_the_clip_is_shortened():
    plain = change(SMALL, optimizer=optim.SGD, learning_rate=0.1, steps=1)
    free = training.fit(rnn, change(plain, clip=None))
    held = training.fit(rnn, change(plain, clip=1e-3))
    (norm,) = free.grad_norms
    assert norm == held.grad_norms[0] > 1e-3

    def moved(run):
        return optim.global_norm(tree.map(np.subtract, run.final, run.initial))

    # Differences of numbers of order one, to their rounding.
    assert moved(free) == pytest.approx(0.1 * norm, rel=1e-12)
    assert moved(held) == pytest.approx(1e-4, rel=1e-10)


@pytest.mark.parametrize("gate", ["f", "o"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_gate_that_its_bias_holds_open_does_not_learn(gate, dtype):
    """So an LSTM without a forget gate, or output gate, needs no code of its own."""
    index = lstm.GATES.index(gate)

    def init(D, H, *, rng):
        params = lstm.init(D, H, rng=rng)
        np.split(params.b, 4)[index][:] = 1000
        return params

    run = training.fit(lstm, change(SMALL, init=init, steps=20, dtype=dtype))
    for field in ("W", "b"):
        first, last = (
            np.split(getattr(model.params, field), 4) for model in (run.initial, run.final)
        )
        moved = [np.any(a != b) for a, b in zip(first, last, strict=True)]
        assert moved == [name != gate for name in lstm.GATES]


# Stopping


def test_training_stops_where_the_criterion_is_met():
    config = change(SMALL, steps=200, learning_rate=1e-2)
    whole = training.fit(rnn, config)
    means = np.convolve(whole.losses, np.ones(5) / 5, mode="valid")
    criterion = float(np.sort(means)[len(means) // 2])
    first = int(np.argmax(means < criterion)) + 5
    run = training.fit(rnn, change(config, criterion=criterion, window=5))
    assert run.reached
    assert run.steps == run.evaluated[-1] == first < 200
    np.testing.assert_array_equal(run.losses, whole.losses[:first])


def test_fewer_losses_than_the_window_do_not_meet_a_criterion():
    run = training.fit(rnn, change(SMALL, criterion=100.0, window=8))
    assert (run.steps, run.reached) == (7, False)
    run = training.fit(rnn, change(SMALL, criterion=100.0, window=7))
    assert (run.steps, run.reached) == (7, True)


def interrupted_in(step):
    """Return the adding problem, interrupted when it draws the batch of that step."""
    calls = iter(range(-1, 100))  # the held-out batch is drawn first

    def task(T, B, *, rng, dtype):
        if next(calls) == step:
            raise KeyboardInterrupt
        return tasks.adding(T, B, rng=rng, dtype=dtype)

    return task


@pytest.mark.parametrize("step", [0, 1, 5])
def test_an_interrupted_run_is_the_beginning_of_the_whole_one(step):
    whole = training.fit(rnn, SMALL)
    run = training.fit(rnn, change(SMALL, task=interrupted_in(step)))
    assert (run.interrupted, whole.interrupted) == (True, False)
    np.testing.assert_array_equal(run.losses, whole.losses[:step])
    np.testing.assert_array_equal(run.grad_norms, whole.grad_norms[:step])
    assert run.evaluations == whole.evaluations[: step // 3 + 1]
    assert "interrupted" in repr(run)
    assert whole.complete() is whole
    with pytest.raises(KeyboardInterrupt):
        run.complete()


# Divergence


def adding_that_fails_in(step, value):
    """Return the adding problem with one target spoiled in that step."""
    calls = iter(range(-1, 100))  # the held-out batch is drawn first

    def task(T, B, *, rng, dtype):
        batch = tasks.adding(T, B, rng=rng, dtype=dtype)
        if next(calls) == step:
            batch.y[0] = value
        return batch

    return task


class Overflowing(optim.SGD):
    def step(self, params, grads, state):  # noqa: ARG002
        return params._replace(b_out=np.full(1, np.inf)), state


DIVERGING = {
    "loss": (
        {"task": adding_that_fails_in(4, np.nan)},
        r"in step 4, .*: the loss is nan.*; the last finite losses are \[0.* 0.* 0.*\]$",
    ),
    "first loss": (
        {"task": adding_that_fails_in(0, 1e200)},
        r"in step 0, .*: the loss is inf; the last finite losses are \[\]$",
    ),
    "parameters": (
        {"optimizer": Overflowing},
        r"in step 0, .*: the new parameters' norm is inf; .* \[0.*\]$",
    ),
    "learning rate": ({"optimizer": optim.SGD, "learning_rate": 1e308, "clip": None}, "in step"),
    "last step": (
        {"optimizer": optim.SGD, "learning_rate": 1e250, "steps": 1},
        r"in step 1, .*: the held-out loss is inf; .* \[0.*\]$",
    ),
    "logits": (
        {"task": tasks.copy_memory, "optimizer": optim.SGD, "learning_rate": 1e308, "clip": None},
        "the loss is (nan|inf)",
    ),
}


@pytest.mark.parametrize(("changes", "message"), DIVERGING.values(), ids=DIVERGING)
def test_a_run_that_diverges_says_where(changes, message):
    with pytest.raises(FloatingPointError, match=f"training diverged .*{message}"):
        training.fit(
            rnn,
            change(
                SMALL,
                steps=changes.get("steps", 50),
                **{name: value for name, value in changes.items() if name != "steps"},
            ),
        )


@pytest.mark.parametrize("clip", [None, 1.0])
def test_the_loop_trains_any_tree_of_arrays(clip):
    """Here the parameters are the distance to a minimum, until the gradient overflows."""

    def loss_and_grads(x, limit):
        return float(x[0] @ x[0]), (2 * x[0] if x[0][0] > limit else x[0] * np.inf,)

    def train(limit):
        return training.train(
            "none",
            training.Config(optimizer=optim.SGD, learning_rate=0.25, clip=clip, steps=9),
            (np.array([3.0]),),
            lambda: limit,
            loss_and_grads,
            lambda step, x: training.Evaluation(step, float(x[0][0])),
        )

    assert 0 < train(0).held_out[-1] < 3 / 2
    with pytest.raises(FloatingPointError, match=r"gradient's norm is inf; the last"):
        train(2)


def test_an_error_of_the_task_is_its_own():
    with pytest.raises(ValueError, match="T must be at least 2 steps"):
        training.fit(rnn, change(SMALL, T=1))


# Configurations


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        *(
            ({name: 0}, ValueError, f"{name} must be at least 1, got 0")
            for name in ["T", "H", "batch_size", "steps", "window", "evaluate_every"]
        ),
        ({"held_out_size": 2.0}, TypeError, "held_out_size must be an integer"),
        ({"learning_rate": 0}, ValueError, "learning_rate must be positive"),
        ({"learning_rate": [1]}, TypeError, "learning_rate must be a real number"),
        ({"clip": 0}, ValueError, "clip must be positive, got 0"),
        ({"clip": "1"}, TypeError, "clip must be a real number"),
        ({"clip": np.inf}, ValueError, "clip must be finite"),
        ({"criterion": np.nan}, ValueError, "criterion must be finite, got nan"),
        ({"dtype": int}, TypeError, "dtype must be float32 or float64"),
        ({"seed": -1}, ValueError, "seed must be an integer, 0 or more, got -1"),
        ({"seed": None}, ValueError, "seed must be an integer.*got None"),
        ({"seed": True}, ValueError, "seed must be an integer.*got True"),
        ({"task": "adding"}, TypeError, "task must be .*, got 'adding'"),
        ({"init": 0.1}, TypeError, "init must be .* such as lstm.init, got"),
        ({"optimizer": optim.SGD(0.1)}, TypeError, "optimizer must be .*, got SGD"),
        ({"optimizer": float}, TypeError, "optimizer must make an optimizer"),
    ],
)
def test_configurations_say_what_is_wrong(changes, error, message):
    with pytest.raises(error, match=message):
        change(SMALL, **changes)


def test_hyperparameters_of_an_optimizer_are_bound_beforehand():
    adam = partial(optim.Adam, beta2=0.99)
    run = training.fit(rnn, change(SMALL, optimizer=adam))
    assert np.any(run.losses != training.fit(rnn, SMALL).losses)


def test_other_types_are_named():
    for arguments, message in (
        ((rnn, "adding"), r"config must be .*\.TaskConfig, got"),
        ((rnn, training.Config()), r"config must be .*\.TaskConfig, got"),
        (("rnn", SMALL), "cell must be a cell"),
    ):
        with pytest.raises(TypeError, match=message):
            training.fit(*arguments)


def test_runs_can_be_sent_to_other_processes():
    run = training.fit(lstm, SMALL)
    again = pickle.loads(pickle.dumps(run))
    assert again.config == run.config
    assert bits(again) == bits(run)


# Progress


@pytest.fixture
def unwatched(monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


@pytest.mark.usefixtures("unwatched")
def test_an_executed_page_shows_no_bar(capsys):
    training.fit(rnn, SMALL)
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("unwatched")
def test_a_bar_on_a_terminal_and_in_an_open_notebook(capsys, monkeypatch):
    unseen = training.fit(rnn, SMALL)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run = training.fit(rnn, SMALL)
    out, err = capsys.readouterr()
    assert out == ""
    assert "0/7" in err
    assert re.search("[?/]update", err)
    assert "\n" not in err  # at its end it is wiped off
    assert bits(run) == bits(unseen)
    monkeypatch.undo()
    monkeypatch.setitem(os.environ, "JPY_SESSION_NAME", "ch318.ipynb")
    training.fit(rnn, SMALL)
    assert "0/7" in capsys.readouterr().err
