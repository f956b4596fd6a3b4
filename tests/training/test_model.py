"""The network: exact gradients for every cell."""

import numpy as np
import pytest

from lstm_lab import lstm, rnn, sequence, tasks, training, tree
from lstm_lab.gradcheck import numerical_gradient, relative_errors

# All different, so that no axis can be taken for another.
T, B, D, H, O = 5, 3, 2, 4, 6  # noqa: E741
GRADIENT_ERROR = 1e-7  # central differences in float64 of a loss of order one
KINDS = {
    f"{target}-{when}": (target, when)
    for target in ("numbers", "classes")
    for when in ("every-step", "last-step")
}


def some_batch(rng, target, when):
    shape = (T, B) if when == "every-step" else (B,)
    is_numbers = target == "numbers"
    y = rng.normal(size=(*shape, O)) if is_numbers else rng.integers(O, size=shape)
    x = rng.normal(size=(T, B, D))
    return tasks.Batch(x, y, None if is_numbers else O)


def some_model(cell, options, rng):
    """Return a model in which no number is zero."""
    drawn = training.init(
        cell, D, H, O, rng=rng, init=lambda D, H, rng: cell.init(D, H, rng=rng, **options)
    )
    return tree.map(lambda leaf: rng.normal(size=leaf.shape), drawn)


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def kind(request):
    return request.param


def assert_exact(cell, model, batch):
    _, grads = training.loss_and_grads(cell, model, batch)
    numeric = numerical_gradient(lambda p: training.loss(cell, p, batch), model)
    errors = relative_errors(grads, numeric)
    assert errors.keys() >= {"params.W", "params.b", "W_out", "b_out"}
    assert {name: e for name, e in errors.items() if e >= GRADIENT_ERROR} == {}
    assert all(leaf.any() for leaf in tree.leaves(grads).values())


@pytest.mark.parametrize("kind", ["numbers-last-step", "classes-every-step"])
def test_every_gradient_of_every_cell(cell_and_options, kind, rng):
    batch = some_batch(rng, *KINDS[kind])
    assert_exact(cell_and_options[0], some_model(*cell_and_options, rng), batch)


def test_every_gradient_of_every_kind_of_batch(kind, rng):
    assert_exact(lstm, some_model(lstm, {}, rng), some_batch(rng, *kind))


def test_the_loss_is_the_mean_over_all_answers(kind, rng):
    """Each sequence is run alone."""
    model, batch = some_model(lstm, {}, rng), some_batch(rng, *kind)
    costs = []
    for b in range(B):
        h = sequence.forward(lstm, model.params, batch.x[:, b]).h[1:]
        answers = h @ model.W_out.T + model.b_out
        targets = batch.y[:, b] if batch.every_step else [batch.y[b]]
        for answer, target in zip(answers[-len(targets) :], targets, strict=True):
            costs.append(
                np.mean((answer - target) ** 2)
                if batch.classes is None
                else np.log(np.exp(answer).sum()) - answer[target]
            )
    loss = training.loss(lstm, model, batch)
    assert loss == pytest.approx(np.mean(costs), rel=1e-12)
    assert loss == training.loss_and_grads(lstm, model, batch)[0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_everything_has_the_dtype_of_the_model(kind, cell, dtype, rng):
    model = tree.map(dtype, some_model(cell, {}, rng))
    batch = some_batch(rng, *kind)
    batch = batch._replace(x=batch.x.astype(dtype))
    _, grads = training.loss_and_grads(cell, model, batch)
    answers = training.predict(cell, model, batch.x)
    for array in (*tree.leaves(grads).values(), answers):
        assert array.dtype == dtype


def test_answers_at_every_step_are_those_of_shorter_sequences(rng):
    model, x = some_model(rnn, {}, rng), rng.normal(size=(T, B, D))
    every = training.predict(rnn, model, x, every_step=True)
    assert every.shape == (T, B, O)
    for length in range(1, T + 1):
        last = training.predict(rnn, model, x[:length])
        np.testing.assert_allclose(every[length - 1], last, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_first_models(cell, dtype, rng):
    model = training.init(cell, D, 400, O, rng=rng, dtype=dtype)
    assert type(model.params) is cell.Params
    assert (model.params.D, model.params.H) == (D, 400)
    assert model.W_out.shape == (O, 400)
    # The deviation of a sample of N is known to 1 / sqrt(2 N) of itself; five of these.
    assert abs(model.W_out.std() * 20 - 1) < 5 / np.sqrt(2 * O * 400)
    np.testing.assert_array_equal(model.b_out, np.zeros(O))
    dtypes = {leaf.dtype for leaf in tree.leaves(model).values()}
    assert dtypes == {np.dtype(dtype)}
    assert len(repr(model)) < 300


def test_answers_that_overflow_have_no_gradient(rng):
    model = some_model(rnn, {}, rng)._replace(W_out=np.full((O, H), 1e308))
    batch = some_batch(rng, *KINDS["numbers-last-step"])
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(FloatingPointError, match="the loss is"),
    ):
        training.loss_and_grads(rnn, model, batch)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"W_out": np.ones((O, H + 1))}, ValueError, "model.W_out must have shape"),
        ({"b_out": np.ones(O + 1)}, ValueError, "model.b_out must have shape"),
        (
            {"W_out": np.ones((O, H), np.float32)},
            TypeError,
            "model.W_out must have dtype float64 .*float32",
        ),
    ],
)
def test_readouts_of_other_models_are_refused(change, error, message, rng):
    model = some_model(rnn, {}, rng)._replace(**change)
    with pytest.raises(error, match=message):
        training.predict(rnn, model, rng.normal(size=(T, B, D)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.ones(T)}, r"x must have shape \(T, B, 2\)"),
        ({"x": np.ones((T, D))}, r"one shape, got \(5, 6\) and \(5, 3, 6\)"),
        ({"y": np.ones((T - 1, B, O))}, r"got \(5, 3, 6\) and \(4, 3, 6\)"),
        ({"y": np.ones(B)}, "one shape"),
    ],
)
def test_batches_that_cannot_be(change, message, rng):
    batch = some_batch(rng, *KINDS["numbers-every-step"])
    with pytest.raises(ValueError, match=message):
        training.loss(rnn, some_model(rnn, {}, rng), batch._replace(**change))


def test_other_types_are_named(rng):
    model, batch = (some_model(rnn, {}, rng), some_batch(rng, *KINDS["classes-last-step"]))
    for use, name in (
        (lambda: training.predict(rnn, batch, batch.x), r"model must be .*\.Model"),
        (lambda: training.loss(rnn, batch, batch), r"model must be .*\.Model"),
        (lambda: training.loss_and_grads(rnn, model, model), r"batch must be .*\.Batch"),
        (lambda: training.init("rnn", D, H, O, rng=rng), "cell must be a cell"),
        (lambda: training.loss("rnn", model, batch), "cell must be a cell"),
    ):
        with pytest.raises(TypeError, match=name):
            use()
