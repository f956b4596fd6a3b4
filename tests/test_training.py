"""Training: exact gradients, runs that learn, repeat, stop, and say why they failed."""

import dataclasses
import pickle
import sys
import time
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest

from lstm_lab import (
    coupled,
    gru,
    initialization,
    losses,
    lstm,
    optim,
    rnn,
    tasks,
    training,
    tree,
)
from lstm_lab.gradcheck import numerical_gradient, relative_errors
from lstm_lab.packing import split_rows
from lstm_lab.training import fitting, runs

# All different, so that no axis can be taken for another.
T, B, D, H, O = 5, 3, 4, 6, 2  # noqa: E741
GRADIENT_ERROR = 1e-7  # central differences in float64 of a loss of order one

STARTS = {
    "rnn": (rnn, rnn.init),
    "lstm": (lstm, lstm.init),
    "gru-reset-before": (gru, gru.init),
    "gru-reset-after": (gru, partial(gru.init, reset="after")),
    "coupled": (coupled, coupled.init),
}
ALL = pytest.mark.parametrize(
    ("arch", "start"), STARTS.values(), ids=list(STARTS)
)
# One with two states, one with biases of its own.
SOME = pytest.mark.parametrize(
    ("arch", "start"),
    [STARTS[name] for name in ("lstm", "gru-reset-after")],
    ids=["lstm", "gru"],
)
SMALL = training.Config(
    task=tasks.adding,
    T=4,
    H=5,
    batch_size=8,
    steps=7,
    evaluate_every=3,
    held_out_size=16,
)
change = dataclasses.replace


@pytest.fixture
def rng():
    return np.random.default_rng(0)


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


# The model


@pytest.fixture
def batch(rng):
    return tasks.Batch(rng.normal(size=(T, B, D)), rng.normal(size=(B, O)))


def some_model(start, rng):
    """Return a model in which no number is zero."""
    zeros = training.init(start, D, H, O, rng=rng)
    return tree.map(lambda leaf: rng.normal(size=leaf.shape), zeros)


@SOME
def test_the_answer_is_read_from_the_last_hidden_state(arch, start, batch, rng):
    model = some_model(start, rng)
    h_T = arch.forward(model.cell, batch.x).h[T]
    answers = training.predict(arch, model, batch.x)
    expected = [model.W_out @ h + model.b_out for h in h_T]
    np.testing.assert_allclose(answers, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@SOME
def test_first_models(arch, start, dtype, rng):
    model = training.init(start, D, 400, O, rng=rng, dtype=dtype)
    assert type(model.cell) is arch.Params
    assert (model.cell.D, model.cell.H) == (D, 400)
    assert model.W_out.shape == (O, 400)
    # The deviation of a sample of N is known to 1 / sqrt(2 N) of itself; five of these.
    assert abs(model.W_out.std() * 20 - 1) < 5 / np.sqrt(2 * O * 400)
    # Their mean to 1 / sqrt(N) of it.
    assert abs(model.W_out.mean() * 20) < 5 / np.sqrt(O * 400)
    np.testing.assert_array_equal(model.b_out, np.zeros(O))
    assert {leaf.dtype for leaf in tree.leaves(model).values()} == {
        np.dtype(dtype)
    }


@pytest.mark.parametrize(
    ("name", "shape"), [("W_out", (O, H + 1)), ("b_out", (O + 1,))]
)
def test_readouts_of_another_size_are_refused(name, shape, batch, rng):
    model = some_model(rnn.init, rng)._replace(**{name: np.ones(shape)})
    with pytest.raises(ValueError, match=f"model.{name} must have shape"):
        training.predict(rnn, model, batch.x)


@pytest.mark.parametrize("name", ["W_out", "b_out"])
def test_readouts_of_another_dtype_are_refused(name, batch, rng):
    model = some_model(rnn.init, rng)
    single = getattr(model, name).astype(np.float32)
    with pytest.raises(
        TypeError, match=f"model.{name} must have dtype float64 .*float32"
    ):
        training.predict(rnn, model._replace(**{name: single}), batch.x)


@SOME
def test_answers_that_overflow_have_no_gradient(arch, start, batch, rng):
    model = some_model(start, rng)
    model = model._replace(W_out=np.full((O, H), 1e308))
    with np.errstate(over="ignore", invalid="ignore"):
        loss, grads = training.loss_and_grads(arch, model, batch)
    assert not np.isfinite(loss)
    assert tree.map(np.shape, grads) == tree.map(np.shape, model)
    assert all(np.isnan(leaf).all() for leaf in tree.leaves(grads).values())


def test_targets_of_another_shape_are_refused(batch, rng):
    with pytest.raises(ValueError, match=r"got \(3, 2\) and \(3,\)"):
        training.loss_and_grads(
            rnn, some_model(rnn.init, rng), batch._replace(y=batch.y[:, 0])
        )


# Batches of every kind: numbers or classes, asked for at the end or at each step


def some_batch(rng, *, numbers, every_step, masked):
    """Return inputs of T steps, of which the sequences have 2, T and 1 where they are masked."""
    shape = (T, B) if every_step else (B,)
    y = rng.normal(size=(*shape, O)) if numbers else rng.integers(0, O, shape)
    mask = np.arange(T)[:, np.newaxis] < [2, T, 1] if masked else None
    x = rng.normal(size=(T, B, D))
    return tasks.Batch(x, y, mask, None if numbers else O)


KINDS = pytest.mark.parametrize(
    "kind",
    [
        pytest.param(
            {"numbers": numbers, "every_step": every_step, "masked": masked},
            id="-".join(
                ["numbers" if numbers else "classes"]
                + ["every-step"] * every_step
                + ["masked"] * masked
            ),
        )
        for numbers in (True, False)
        for every_step in (True, False)
        for masked in (True, False)
    ],
)
MASKED = pytest.mark.parametrize(
    ("numbers", "every_step"),
    [(True, True), (True, False), (False, True), (False, False)],
)


def one_by_one(arch, model, batch):
    """Return the answers of each sequence, run alone and without padding, and the targets."""
    T, B = batch.x.shape[:2]
    lengths = [T] * B if batch.mask is None else batch.mask.sum(axis=0)
    for b, length in enumerate(lengths):
        h = arch.forward(model.cell, batch.x[:length, b]).h[1:]
        answers = h @ model.W_out.T + model.b_out
        if batch.every_step:
            yield from zip(answers, batch.y[:length, b], strict=True)
        else:
            yield answers[-1], batch.y[b]


@SOME
@KINDS
def test_the_loss_is_the_mean_over_all_answers(arch, start, kind, rng):
    model, batch = some_model(start, rng), some_batch(rng, **kind)
    answers = list(one_by_one(arch, model, batch))
    costs = [
        np.mean((answer - target) ** 2)
        if kind["numbers"]
        else np.log(np.exp(answer).sum()) - answer[target]
        for answer, target in answers
    ]
    steps = {True: 8, False: T * B}[kind["masked"]]
    assert len(answers) == (steps if kind["every_step"] else B)
    loss = training.loss(arch, model, batch)
    assert loss == pytest.approx(np.mean(costs), rel=1e-12)
    assert loss == training.loss_and_grads(arch, model, batch)[0]


@SOME
@KINDS
def test_every_gradient_of_every_kind(arch, start, kind, rng):
    model, batch = some_model(start, rng), some_batch(rng, **kind)
    _, grads = training.loss_and_grads(arch, model, batch)
    errors = relative_errors(
        grads,
        numerical_gradient(
            lambda point: training.loss(arch, point, batch), model
        ),
    )
    assert errors.keys() >= {"cell.W", "cell.b", "W_out", "b_out"}
    assert {name: e for name, e in errors.items() if e >= GRADIENT_ERROR} == {}
    assert all(leaf.any() for leaf in tree.leaves(grads).values())


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@SOME
@MASKED
def test_padding_has_no_influence(arch, start, numbers, every_step, dtype, rng):
    """Not a bit changes, whatever stands there, be it no number at all."""
    model = some_model(start, rng)
    batch = some_batch(rng, numbers=numbers, every_step=every_step, masked=True)
    if dtype == np.float32:
        model = tree.map(np.float32, model)
        batch = batch._replace(x=batch.x.astype(dtype))
        if numbers:
            batch = batch._replace(y=batch.y.astype(dtype))

    def results(filling, target):
        x, y = batch.x.copy(), batch.y.copy()
        x[~batch.mask] = filling
        if every_step:
            y[~batch.mask] = target
        padded = batch._replace(x=x, y=y)
        loss, grads = training.loss_and_grads(arch, model, padded)
        arrays = [*tree.leaves(grads).values()]
        arrays.append(training.predict(arch, model, x, batch.mask))
        return (
            loss,
            training.loss(arch, model, padded),
            [array.tobytes() for array in arrays],
        )

    nothing = -1 if batch.classes else np.nan
    first = results(0, 0)
    assert np.isfinite(first[0])
    for filling, target in [(1, 1), (-1e30, nothing), (np.nan, nothing)]:
        assert results(filling, target) == first


@SOME
def test_answers_at_every_step(arch, start, batch, rng):
    model = some_model(start, rng)
    every = training.predict(arch, model, batch.x, every_step=True)
    assert every.shape == (T, B, O)
    for length in range(1, T + 1):
        mask = np.broadcast_to(np.arange(T)[:, None] < length, (T, B))
        last = training.predict(arch, model, batch.x, mask)
        np.testing.assert_allclose(every[length - 1], last, rtol=1e-12)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones((T, B + 1), bool), r"mask must be bool of shape \(5, 3\)"),
        (np.ones((T, B), int), "mask must be bool .*, got int64"),
        (np.arange(T)[:, None] < [0, 1, 2], "true from the first step"),
        (np.arange(T)[:, None] != [2, 4, 4], "false behind it"),
    ],
)
def test_masks_are_of_steps_up_to_an_end(mask, message, batch, rng):
    with pytest.raises(ValueError, match=message):
        training.loss(rnn, some_model(rnn.init, rng), batch._replace(mask=mask))


def test_inputs_of_one_sequence_want_a_batch(rng):
    model, x = some_model(rnn.init, rng), rng.normal(size=(T, D))
    with pytest.raises(ValueError, match=r"x must have shape \(T, B, D\)"):
        training.predict(rnn, model, x)


def test_targets_of_other_steps_are_refused(rng):
    batch = some_batch(rng, numbers=True, every_step=True, masked=True)
    with pytest.raises(
        ValueError, match=r"begin with the shape \(5, 3\).*got \(4, 3, 2\)"
    ):
        training.loss(
            rnn, some_model(rnn.init, rng), batch._replace(y=batch.y[1:])
        )


# Runs


@ALL
def test_every_architecture_trains(arch, start):
    run = training.fit(arch, change(SMALL, start=start, steps=60))
    assert run.architecture == arch.__name__.rpartition(".")[-1]
    assert run.losses[-10:].mean() < run.losses[:10].mean()
    moved = tree.map(lambda a, b: np.any(a != b), run.initial, run.final)
    assert all(tree.leaves(moved).values())


def test_a_tanh_network_learns_a_short_lag():
    config = change(
        SMALL,
        H=16,
        batch_size=32,
        steps=800,
        learning_rate=1e-2,
        criterion=0.02,
    )
    run = training.fit(rnn, config)
    assert run.reached
    assert run.held_out[-1] < 0.03 < tasks.ADDING_BASELINE / 4


def test_what_a_record_holds():
    run = training.fit(lstm, SMALL)
    assert run.config is SMALL
    assert (run.architecture, run.seed, run.steps) == ("lstm", 0, 7)
    assert run.losses.shape == run.grad_norms.shape == (7,)
    np.testing.assert_array_equal(run.evaluated, [0, 3, 6, 7])
    assert run.held_out.shape == (4,)
    assert not run.reached
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.losses = None


def test_an_evaluation_at_the_end_is_made_once():
    run = training.fit(rnn, change(SMALL, steps=6))
    np.testing.assert_array_equal(run.evaluated, [0, 3, 6])


def test_a_run_is_its_steps_one_after_the_other():
    """The same numbers by hand, from the three generators that a run draws from."""
    config = change(SMALL, clip=0.1, learning_rate=0.01)
    run = training.fit(gru, config)
    init_rng, batch_rng, held_out_rng = np.random.default_rng(0).spawn(3)
    model = training.init(gru.init, 2, 5, 1, rng=init_rng)
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


@SOME
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_same_seed_gives_the_same_run(arch, start, dtype):
    config = change(SMALL, start=start, dtype=dtype)
    first, second = (training.fit(arch, config) for _ in range(2))
    assert bits(first) == bits(second)
    assert {leaf.dtype for leaf in tree.leaves(first.final).values()} == {
        np.dtype(dtype)
    }


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
        task=_targets_of_float64,
    )
    runs = [training.fit(lstm, config) for config in (plain, of_numpy)]
    assert bits(runs[0]) == bits(runs[1])
    for run in runs:
        kinds = {leaf.dtype for leaf in tree.leaves(run.final).values()}
        assert kinds == {np.dtype(np.float32)}


def test_an_optimizer_of_ones_own_is_given_a_plain_number():
    given = []

    def optimizer(learning_rate):
        given.append(learning_rate)
        return optim.SGD(learning_rate)

    config = change(SMALL, optimizer=optimizer, learning_rate=np.float64(0.1))
    assert {type(value) for value in [*given, config.learning_rate]} == {float}


def test_another_seed_gives_another_run():
    first, second = (
        training.fit(rnn, change(SMALL, seed=seed)) for seed in (1, np.int64(2))
    )
    assert not np.any(first.losses == second.losses)
    assert (first.seed, second.seed) == (1, 2)


def test_what_is_drawn_for_one_purpose_leaves_the_others():
    """More held-out sequences and another start: the batches stay, and so the readout."""
    run = training.fit(rnn, SMALL)
    more = training.fit(rnn, change(SMALL, held_out_size=17))
    np.testing.assert_array_equal(more.losses, run.losses)
    assert more.held_out[0] != run.held_out[0]
    shorter = training.fit(rnn, change(SMALL, steps=3, batch_size=9))
    assert shorter.held_out[0] == run.held_out[0]
    tree.map(np.testing.assert_array_equal, shorter.initial, run.initial)


def test_without_clipping_the_whole_gradient_is_used():
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
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_gate_that_its_bias_holds_open_does_not_learn(gate, dtype):
    """So an LSTM without a forget gate, or output gate, needs no code of its own."""
    start = initialization.start(lstm, **{"f": 1.0, gate: 1000.0})
    config = change(SMALL, start=start, steps=20, dtype=dtype)
    run = training.fit(lstm, config)
    batch = tasks.adding(4, 8, rng=np.random.default_rng(0), dtype=dtype)
    index = lstm.GATES.index(gate)
    trace = lstm.forward(run.final.cell, batch.x)
    open_gate = trace.gates[..., index, :]
    np.testing.assert_array_equal(open_gate, 1)
    _, grads = training.loss_and_grads(lstm, run.final, batch)
    for field in ("W", "b"):
        first, last, gradient = (
            split_rows(getattr(model.cell, field), lstm.GATES)
            for model in (run.initial, run.final, grads)
        )
        moved = [np.any(a != b) for a, b in zip(first, last, strict=True)]
        assert moved == [name != gate for name in lstm.GATES]
        np.testing.assert_array_equal(gradient[index], 0)


def test_a_task_of_classes_is_learnt():
    config = change(
        SMALL,
        task=tasks.copy_memory,
        T=1,
        H=12,
        batch_size=32,
        steps=30,
        learning_rate=0.03,
        held_out_size=200,
    )
    run = training.fit(lstm, config)
    goal = tasks.copy_memory_baseline(1) * 1.05
    assert run.held_out[-1] < goal < run.held_out[0]


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


def test_fewer_losses_than_the_window_are_no_success():
    run = training.fit(rnn, change(SMALL, criterion=100.0, window=8))
    assert (run.steps, run.reached) == (7, False)
    run = training.fit(rnn, change(SMALL, criterion=100.0, window=7))
    assert (run.steps, run.reached) == (7, True)


def adding_that_fails_in(step, value):
    """Return the adding problem with one target spoilt in that step."""
    calls = iter(range(-1, 100))  # the held-out batch is drawn first

    def task(T, B, *, rng, dtype=np.float64):
        batch = tasks.adding(T, B, rng=rng, dtype=dtype)
        if next(calls) == step:
            batch.y[0] = value
        return batch

    return task


def test_a_loss_that_is_not_finite_stops_with_the_last_that_was():
    calm = training.fit(rnn, SMALL)
    config = change(SMALL, task=adding_that_fails_in(4, np.nan))
    with pytest.raises(
        FloatingPointError,
        match=r"diverged in step 4, counted from 0: the loss is nan;"
        rf" the last finite loss was {calm.losses[3]:.6g}, in step 3",
    ):
        training.fit(rnn, config)


def test_a_first_loss_that_is_not_finite():
    config = change(SMALL, task=adding_that_fails_in(0, 1e200))
    with pytest.raises(
        FloatingPointError, match=r"in step 0.*loss is inf; no loss was finite"
    ):
        training.fit(rnn, config)


def test_a_gradient_that_is_not_finite(monkeypatch):
    def broken(arch, model, batch):  # noqa: ARG001
        return 0.25, model._replace(b_out=np.full(1, np.inf))

    monkeypatch.setattr(fitting, "loss_and_grads", broken)
    for clip in (None, 1.0):
        with pytest.raises(
            FloatingPointError,
            match=r"the gradient's norm is inf; .* was 0\.25, in step 0",
        ):
            training.fit(rnn, change(SMALL, clip=clip))


def test_a_parameter_that_is_not_finite():
    class Overflowing(optim.SGD):
        def step(self, params, grads, state):  # noqa: ARG002
            return params._replace(b_out=np.full(1, np.inf)), state

    with pytest.raises(
        FloatingPointError, match=r"new parameters' norm is inf; .*in step 0"
    ):
        training.fit(rnn, change(SMALL, optimizer=Overflowing))


@pytest.mark.parametrize("learning_rate", [1e30, 1e308])
def test_steps_that_are_too_long_diverge(learning_rate):
    config = change(
        SMALL,
        optimizer=optim.SGD,
        learning_rate=learning_rate,
        clip=None,
        steps=50,
    )
    with pytest.raises(FloatingPointError, match="training diverged in step"):
        training.fit(rnn, config)


def test_a_last_step_that_is_too_long_is_found_too():
    config = change(SMALL, optimizer=optim.SGD, learning_rate=1e250, steps=1)
    with pytest.raises(
        FloatingPointError, match=r"in step 1.*held-out loss is inf.*in step 0"
    ):
        training.fit(rnn, config)


# Interruption


def adding_that_is_interrupted_in(draw):
    """Return the adding problem, interrupted once; the held-out batch is draw 0."""
    calls = iter(range(100))

    def task(T, B, *, rng, dtype=np.float64):
        if next(calls) == draw:
            raise KeyboardInterrupt
        return tasks.adding(T, B, rng=rng, dtype=dtype)

    return task


@pytest.mark.parametrize("done", [0, 1, 3, 6])
def test_an_interrupted_run_is_the_beginning_of_the_whole_one(done):
    task = adding_that_is_interrupted_in(done + 1)
    run, whole = (
        training.fit(gru, change(SMALL, task=task)),
        training.fit(gru, SMALL),
    )
    assert (run.interrupted, whole.interrupted) == (True, False)
    assert run.steps == done
    np.testing.assert_array_equal(run.losses, whole.losses[:done])
    np.testing.assert_array_equal(run.grad_norms, whole.grad_norms[:done])
    count = done // 3 + 1
    np.testing.assert_array_equal(run.held_out, whole.held_out[:count])
    np.testing.assert_array_equal(run.evaluated, whole.evaluated[:count])
    beginning = training.fit(gru, change(SMALL, steps=max(done, 1)))
    final = beginning.final if done else beginning.initial
    tree.map(np.testing.assert_array_equal, run.final, final)


def test_an_interrupted_update_has_not_been():
    class Interrupted(optim.SGD):
        def step(self, params, grads, state):  # noqa: ARG002
            raise KeyboardInterrupt

    run = training.fit(rnn, change(SMALL, optimizer=Interrupted))
    assert (run.steps, run.interrupted, run.reached) == (0, True, False)
    assert np.issubdtype(run.evaluated.dtype, np.integer)
    tree.map(np.testing.assert_array_equal, run.final, run.initial)


def test_an_interruption_before_the_first_parameters_is_passed_on():
    with pytest.raises(KeyboardInterrupt):
        training.fit(rnn, change(SMALL, task=adding_that_is_interrupted_in(0)))


def test_configurations_and_runs_can_be_sent_to_other_processes():
    start = initialization.start(lstm, silent="g", T_max=10, o=1.0)
    run = training.fit(lstm, change(SMALL, start=start))
    again = pickle.loads(pickle.dumps(run))
    assert again.config == run.config
    assert bits(again) == bits(run)


# Progress


@pytest.mark.parametrize("progress", [None, False])
def test_nobody_watches_an_executed_page(progress, capfd, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    training.fit(rnn, SMALL, progress=progress)
    assert capfd.readouterr() == ("", "")


def test_a_bar_where_it_is_asked_for(capsys):
    run = training.fit(rnn, SMALL, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "0/7" in err
    assert "\n" not in err  # at its end it is wiped off
    assert bits(run) == bits(training.fit(rnn, SMALL))


@pytest.mark.parametrize("where", ["terminal", "notebook"])
def test_a_bar_where_somebody_watches(where, capsys, monkeypatch):
    if where == "terminal":
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    else:
        monkeypatch.setenv("JPY_SESSION_NAME", "chapter.ipynb")
    training.fit(rnn, SMALL)
    assert "0/7" in capsys.readouterr().err
    training.fit(rnn, SMALL, progress=False)
    assert capsys.readouterr().err == ""


def slow(T, B, *, rng, dtype=np.float64):
    time.sleep(0.12)  # a bar is drawn ten times a second at most
    return tasks.adding(T, B, rng=rng, dtype=dtype)


def test_a_bar_shows_the_loss(capsys):
    config = change(SMALL, task=slow, steps=2)
    run = training.fit(rnn, config, progress=True)
    err = capsys.readouterr().err
    for step, loss in enumerate(run.losses, 1):
        assert f"{step}/2" in err
        assert f"loss {loss:.3g}" in err


# Configurations


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        *(
            ({name: 0}, ValueError, f"{name} must be at least 1, got 0")
            for name in ("T", "H", "batch_size", "steps", "window")
        ),
        (
            {"evaluate_every": 0},
            ValueError,
            "evaluate_every must be at least 1",
        ),
        ({"held_out_size": 2.0}, TypeError, "held_out_size must be an integer"),
        ({"learning_rate": 0}, ValueError, "learning_rate must be positive"),
        ({"clip": 0}, ValueError, "clip must be positive, got 0"),
        ({"clip": "1"}, TypeError, "clip must be a real number"),
        (
            {"criterion": np.nan},
            ValueError,
            "criterion must be finite, got nan",
        ),
        ({"dtype": int}, TypeError, "dtype must be float32 or float64"),
        (
            {"seed": -1},
            ValueError,
            "seed must be an integer, 0 or more, got -1",
        ),
        ({"seed": None}, ValueError, "seed must be an integer.*got None"),
        ({"seed": True}, ValueError, "seed must be an integer.*got True"),
        ({"task": "adding"}, TypeError, "task must be .*, got 'adding'"),
        ({"start": 0.1}, TypeError, "start must be .* such as lstm.init, got"),
        (
            {"optimizer": optim.SGD(0.1)},
            TypeError,
            r"optimizer must be .* such as optim\.Adam, got SGD\(learning_rate",
        ),
    ],
)
def test_configurations_say_what_is_wrong(changes, error, message):
    with pytest.raises(error, match=message):
        change(SMALL, **changes)


def test_hyperparameters_of_an_optimizer_are_bound_beforehand():
    adam = partial(optim.Adam, beta2=0.99)
    run = training.fit(rnn, change(SMALL, optimizer=adam))
    assert np.any(run.losses != training.fit(rnn, SMALL).losses)


def test_a_task_says_itself_what_it_cannot_draw():
    with pytest.raises(ValueError, match="T must be at least 2 steps"):
        training.fit(rnn, change(SMALL, T=1))


class Outcome(NamedTuple):
    reached: bool


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(0, 5, 0.0, 0.4345), (5, 5, 0.5655, 1.0), (3, 10, 0.1078, 0.6032)],
)
def test_success_rate_has_the_interval_of_wilson(successes, n, low, high):
    runs = [Outcome(k < successes) for k in range(n)]
    rate = training.success_rate(runs)
    assert rate.share == successes / n
    assert rate == pytest.approx((successes / n, low, high), abs=5e-5)


@pytest.mark.parametrize("n", [11, 50, 1000])
def test_no_interval_goes_beyond_one(n):
    """Rounding alone would take these there."""
    assert training.wilson_interval(n, n).high == 1
    assert training.wilson_interval(0, n).low >= 0


@pytest.mark.parametrize(
    ("n", "low", "high"), [(6, 1, 6), (9, 2, 8), (10, 2, 9), (20, 6, 15)]
)
def test_the_interval_of_a_median_is_that_of_the_sign_test(n, low, high):
    """The ranks are those of the usual tables."""
    values = np.random.default_rng(0).permutation(np.arange(1, n + 1))
    assert training.median_interval(values) == ((n + 1) / 2, low, high)


def test_the_interval_of_a_median_covers_it():
    rng = np.random.default_rng(0)
    draws = rng.exponential(size=(4000, 10))
    found = [training.median_interval(draw) for draw in draws]
    covered = np.mean([low < np.log(2) < high for _, low, high in found])
    assert 0.95 < covered < 0.99


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, 2, 3, 4, 5], r"values must be six or more, .* \(5,\)"),
        (np.ones((3, 4)), r"six or more, in one row, got shape \(3, 4\)"),
        ([1, 2, 3, 4, 5, np.nan], "values must be numbers, got NaN"),
    ],
)
def test_values_without_such_an_interval_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        training.median_interval(values)


def test_a_criterion_is_met_below_it():
    config = change(SMALL, criterion=0.5, window=2)
    assert not runs.meets_criterion(config, [0.5, 0.5])
    assert runs.meets_criterion(config, [0.5, 0.25])


def test_no_runs_have_no_rate():
    with pytest.raises(ValueError, match="runs must be at least one, got none"):
        training.success_rate([])


@pytest.mark.parametrize(
    ("successes", "n", "message"),
    [
        (-1, 5, "successes must be from 0 to 5, got -1"),
        (6, 5, "successes must be from 0 to 5, got 6"),
        (0, 0, "n must be at least 1, got 0"),
    ],
)
def test_successes_are_among_so_many(successes, n, message):
    with pytest.raises(ValueError, match=message):
        training.wilson_interval(successes, n)


@pytest.mark.parametrize("successes", [2.5, "2", None, True])
def test_successes_are_counted(successes):
    with pytest.raises(
        TypeError, match=f"successes must be an integer, got {successes!r}"
    ):
        training.wilson_interval(successes, 5)


def test_what_is_no_model_or_configuration_is_named(rng):
    run = training.fit(rnn, SMALL)
    batch = tasks.adding(4, 3, rng=rng)
    expected = r"model must be lstm_lab\.training\.model\.Model, got .*\.Run"
    for use in (
        lambda: training.predict(rnn, run, batch.x),
        lambda: training.loss(rnn, run, batch),
        lambda: training.loss_and_grads(rnn, run, batch),
    ):
        with pytest.raises(TypeError, match=expected):
            use()
    with pytest.raises(TypeError, match=r"config must be .*\.Config, got"):
        training.fit(rnn, run)
