"""The gradient of a whole model, and padding that has no influence."""

import dataclasses

import numpy as np
import pytest

from lstm_lab import lstm, optim, saving, seq2seq, tree
from lstm_lab.gradcheck import numerical_gradient, relative_errors
from lstm_lab.tokenizer import BOS

from .conftest import SOURCES, TARGETS, network, pairs

# Of a loss of order one, differences with this step are off by about 1e-10.
STEP = 1e-5
GRADIENT_ERROR = 1e-7
ROUNDING = 1e-12


def bits(result):
    return {n: np.asarray(a).tobytes() for n, a in tree.leaves(result).items()}


def test_the_gradient_is_that_of_the_loss(net, params, batch):
    value, grads = seq2seq.loss_and_grads(net, params, batch)
    assert value == pytest.approx(
        seq2seq.loss(net, params, batch), rel=ROUNDING
    )
    numeric = numerical_gradient(
        lambda p: seq2seq.loss(net, p, batch), params, step=STEP
    )
    errors = relative_errors(grads, numeric)
    assert set(errors) == set(tree.leaves(params))
    assert {n: e for n, e in errors.items() if not e < GRADIENT_ERROR} == {}
    assert all(np.any(leaf) for leaf in tree.leaves(grads).values())


def test_the_gradient_with_inputs_of_its_own(net, params, batch, rng):
    inputs = rng.integers(0, TARGETS, batch.target.shape)
    value, grads = seq2seq.loss_and_grads(net, params, batch, inputs)
    assert value != seq2seq.loss(net, params, batch)
    numeric = numerical_gradient(
        lambda p: seq2seq.loss(net, p, batch, inputs), params, step=STEP
    )
    assert max(relative_errors(grads, numeric).values()) < GRADIENT_ERROR


def test_the_slope_with_inputs_of_its_own(net, params, batch, rng):
    """Along one direction; the other tests know each weight by itself."""
    inputs = rng.integers(0, TARGETS, batch.target.shape)
    value, grads = seq2seq.loss_and_grads(net, params, batch, inputs)
    direction = tree.map(lambda leaf: rng.normal(size=leaf.shape), params)
    length = optim.global_norm(direction)

    def loss(distance):
        point = tree.map(
            lambda leaf, d: leaf + distance / length * d, params, direction
        )
        return seq2seq.loss(net, point, batch, inputs)

    assert value == pytest.approx(loss(0.0), rel=ROUNDING)
    assert value != seq2seq.loss(net, params, batch)
    slopes = tree.map(lambda g, d: np.sum(g * d) / length, grads, direction)
    found = (loss(STEP) - loss(-STEP)) / (2 * STEP)
    slope = sum(float(leaf) for leaf in tree.leaves(slopes).values())
    assert found == pytest.approx(slope, abs=GRADIENT_ERROR)


def test_inputs_of_its_own_take_the_place_of_the_targets(
    net, params, batch, rng
):
    target = rng.integers(0, TARGETS, batch.target.shape)
    first = np.full_like(target[:1], BOS)
    inputs = np.concatenate([first, target[:-1]])
    answers, _ = seq2seq.logits(net, params, batch, inputs)
    other = batch._replace(target=target)
    np.testing.assert_array_equal(
        answers, seq2seq.logits(net, params, other)[0]
    )
    assert (answers != seq2seq.logits(net, params, batch)[0]).any()


def test_first_weights(rng):
    net = network(sources=300, targets=200, embedding=50, hidden=40)
    params = seq2seq.init(net, rng=rng)
    drawn = {
        "source": (params.source, (300, 50), 1),
        "target": (params.target, (200, 50), 1),
        "W_c": (params.attention.W_c, (40, 80), 80),
        "W_out": (params.W_out, (200, 40), 40),
    }
    for name, (leaf, shape, inputs) in drawn.items():
        assert leaf.shape == shape, name
        scaled = leaf * np.sqrt(inputs)
        # Of a sample of N the mean is known to 1 / sqrt(N), and the deviation to 1 / sqrt(2 N)
        # of the deviation; five of these.
        assert abs(scaled.mean()) < 5 / np.sqrt(leaf.size), name
        assert abs(scaled.std() - 1) < 5 / np.sqrt(2 * leaf.size), name
    np.testing.assert_array_equal(params.b_out, np.zeros(200))


def test_what_stands_in_the_padding_has_no_influence(net, params, batch, rng):
    whole = seq2seq.loss_and_grads(net, params, batch)
    t, s = (
        np.arange(len(a))[:, np.newaxis] for a in (batch.source, batch.target)
    )
    for _ in range(3):
        source = rng.integers(0, SOURCES, batch.source.shape)
        target = rng.integers(0, TARGETS, batch.target.shape)
        other = batch._replace(
            source=np.where(t < batch.source_lengths, batch.source, source),
            target=np.where(s < batch.target_lengths, batch.target, target),
        )
        assert (other.source != batch.source).any()
        assert (other.target != batch.target).any()
        assert bits(seq2seq.loss_and_grads(net, params, other)) == bits(whole)


def test_more_padding_has_no_influence(net, params, batch):
    value, grads = seq2seq.loss_and_grads(net, params, batch)
    wider = batch._replace(
        source=np.pad(batch.source, ((0, 2), (0, 0))),
        target=np.pad(batch.target, ((0, 3), (0, 0))),
    )
    more, same = seq2seq.loss_and_grads(net, params, wider)
    assert more == pytest.approx(value, rel=ROUNDING)
    assert max(relative_errors(same, grads).values()) < ROUNDING


def test_a_batch_is_its_examples(net, params, batch):
    total, count = 0.0, 0
    for b in range(batch.source.shape[1]):
        t, s = batch.source_lengths[b], batch.target_lengths[b]
        one = seq2seq.Batch(
            batch.source[:t, [b]],
            batch.source_lengths[[b]],
            batch.target[:s, [b]],
            batch.target_lengths[[b]],
        )
        total += seq2seq.loss(net, params, one) * s
        count += s
    whole = seq2seq.loss(net, params, batch)
    assert total / count == pytest.approx(whole, rel=ROUNDING)


def test_steps_are_what_all_steps_at_once_are(net, params, batch):
    answers, weights = seq2seq.logits(net, params, batch)
    encoded = seq2seq.encode(net, params, batch.source, batch.source_lengths)
    states, last = encoded.states, np.full(batch.source.shape[1], BOS)
    for s, right in enumerate(batch.target):
        found, states, looked = seq2seq.step(net, params, encoded, states, last)
        np.testing.assert_allclose(found, answers[s], rtol=0, atol=ROUNDING)
        if net.attention:
            np.testing.assert_allclose(
                looked, weights[:, s], rtol=0, atol=ROUNDING
            )
        last = right


def test_attention_sums_to_one_and_leaves_the_padding_out(rng):
    net = network(attention="dot")
    batch = pairs(rng)
    _, weights = seq2seq.logits(net, seq2seq.init(net, rng=rng), batch)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=ROUNDING)
    padding = np.arange(weights.shape[-1]) >= batch.source_lengths[:, None]
    assert padding.any()
    assert (weights.swapaxes(1, 2)[padding] == 0).all()
    assert (weights.swapaxes(1, 2)[~padding] > 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_model_keeps_its_dtype_and_survives_a_file(
    net, batch, rng, tmp_path, dtype
):
    params = seq2seq.init(net, rng=rng, dtype=dtype)
    _, grads = seq2seq.loss_and_grads(net, params, batch)
    for leaf in tree.leaves((params, grads)).values():
        assert leaf.dtype == dtype
    file = tmp_path / "model.npz"
    saving.save(file, params)
    like = seq2seq.init(net, rng=np.random.default_rng(1), dtype=dtype)
    loaded = saving.load(file, like)
    before, _ = seq2seq.logits(net, params, batch)
    after, _ = seq2seq.logits(net, loaded, batch)
    assert after.tobytes() == before.tobytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cell": "transformer"}, r"cell must be one of .*'lstm'.*transformer"),
        ({"attention": "max"}, r"attention must be one of None, 'dot'.*'max'"),
        ({"hidden": 5, "bidirectional": True}, "hidden must be even.*5"),
        ({"layers": 0}, "layers must be at least 1, got 0"),
        ({"targets": 3}, "targets must be at least 4.*got 3"),
        ({"cell": ["lstm"]}, "cell must be one of"),
        ({"cell": None}, "cell must be one of"),
        ({"attention": np.array(["dot", "dot"])}, "attention must be one of"),
    ],
)
def test_networks_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        network(**options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": np.zeros((5, 4))}, "source must be .* integers.*float64"),
        ({"source": [[1, 2]]}, r"source must be .* got list of shape \(1, 2\)"),
        ({"source": np.zeros(5, int)}, r"source must be .* of shape \(5,\)"),
        (
            {"source": np.zeros((5, 0), int)},
            r"source must be .* of shape \(5, 0\)",
        ),
        ({"source": np.full((5, 4), SOURCES)}, f"0 to {SOURCES - 1}, got"),
        ({"target": np.full((4, 4), -1)}, "target must be tokens.* got -1"),
        (
            {"source_lengths": np.array([5, 3, 0, 4])},
            "source_lengths must be 4",
        ),
        ({"source_lengths": np.array([6, 3, 1, 4])}, "from 1 to 5"),
        ({"source_lengths": np.array([5.0, 3, 1, 4])}, "must be 4 integers"),
        ({"target_lengths": np.array([3, 4])}, "target_lengths must be 4"),
        ({"target_lengths": [3, 4, 2, 1]}, "target_lengths must be 4"),
        ({"target_lengths": None}, "target_lengths must be 4"),
        (
            {"target_lengths": np.ma.array([3, 4, 2, 1], mask=[1, 0, 0, 0])},
            "target_lengths must be 4",
        ),
        (
            {"source": np.ma.array(np.zeros((5, 4), int), mask=True)},
            "source must be .* got a masked array of int64",
        ),
        ({"source": [[1], [2, 3]]}, "source must be .* unequal lengths"),
        ({"source": {}}, "source must be .* got dict"),
        (
            {
                "source": np.zeros((5, 3), int),
                "source_lengths": np.array([5, 5, 5]),
            },
            "source and target must be as many sequences, got 3 and 4",
        ),
    ],
)
def test_batches_that_cannot_be(batch, rng, change, message):
    net = network()
    params = seq2seq.init(net, rng=rng)
    with pytest.raises(ValueError, match=message):
        seq2seq.loss_and_grads(net, params, batch._replace(**change))


@pytest.mark.parametrize("name", ["bidirectional", "residual"])
def test_what_is_yes_or_no_is_a_bool(name):
    with pytest.raises(TypeError, match=f"{name} must be a bool, got 'no'"):
        network(**{name: "no"})


@pytest.mark.parametrize("layers", [1, 3])
def test_the_count_is_that_of_what_is_drawn(net, rng, layers):
    net = dataclasses.replace(net, layers=layers)
    drawn = tree.leaves(seq2seq.init(net, rng=rng))
    assert seq2seq.count(net) == sum(leaf.size for leaf in drawn.values())


def test_without_padding_the_gradient_is_that_of_the_loss(net, params, rng):
    batch = pairs(rng, (3, 3), (2, 2))
    _, grads = seq2seq.loss_and_grads(net, params, batch)
    numeric = numerical_gradient(
        lambda p: seq2seq.loss(net, p, batch), params, step=STEP
    )
    assert max(relative_errors(grads, numeric).values()) < GRADIENT_ERROR


def test_logits_that_overflow_have_no_gradient(batch, rng):
    net = network()
    params = seq2seq.init(net, rng=rng)
    huge = params._replace(b_out=np.full_like(params.b_out, np.inf))
    with np.errstate(over="ignore", invalid="ignore"):
        value, grads = seq2seq.loss_and_grads(net, huge, batch)
    assert not np.isfinite(value)
    assert tree.map(np.shape, grads) == tree.map(np.shape, huge)
    assert all(np.isnan(leaf).all() for leaf in tree.leaves(grads).values())


def test_states_that_overflow_are_an_error(batch, rng, monkeypatch):
    forward = lstm.forward

    def overflowing(*arguments):
        trace = forward(*arguments)
        trace.h[1, 0] = np.nan
        return trace

    net = network()
    params = seq2seq.init(net, rng=rng)
    monkeypatch.setattr(lstm, "forward", overflowing)
    with pytest.raises(FloatingPointError, match="layer 0, counted from 0"):
        seq2seq.loss(net, params, batch)


@pytest.mark.parametrize(
    ("junk", "dtype"),
    [(-100, np.int64), (10**4, np.int16), (2**64 - 1, np.uint64)],
)
def test_what_stands_in_the_padding_does_not_matter(
    net, params, batch, junk, dtype
):
    def spoiled(tokens, lengths):
        behind = np.arange(len(tokens))[:, np.newaxis] >= lengths
        assert behind.any()
        return np.where(behind, dtype(junk), tokens.astype(dtype))

    other = seq2seq.Batch(
        spoiled(batch.source, batch.source_lengths),
        batch.source_lengths.astype(np.uint8),
        spoiled(batch.target, batch.target_lengths),
        batch.target_lengths.astype(np.uint64),
    )
    before, after = (
        seq2seq.loss_and_grads(net, params, one) for one in (batch, other)
    )
    np.testing.assert_equal(tree.leaves(after[1]), tree.leaves(before[1]))
    losses = {before[0], after[0], seq2seq.loss(net, params, other)}
    assert len(losses) == 1
    np.testing.assert_array_equal(
        seq2seq.log_probability(net, params, other),
        seq2seq.log_probability(net, params, batch),
    )
    found, same = (seq2seq.answer(net, params, one) for one in (batch, other))
    np.testing.assert_array_equal(found.tokens, same.tokens)
    for score in (
        lambda one: seq2seq.exact_match(found, one),
        lambda one: seq2seq.errors_by_position(found.tokens, one),
    ):
        np.testing.assert_array_equal(score(batch), score(other))
    inputs, same = (
        seq2seq.mixed_inputs(
            net, params, one, ratio=0.5, rng=np.random.default_rng(0)
        )
        for one in (batch, other)
    )
    within = np.arange(len(inputs))[:, np.newaxis] < batch.target_lengths
    np.testing.assert_array_equal(inputs[within], same[within])
    behind = np.where(within, inputs, -100)
    assert seq2seq.loss(net, params, batch, behind) == seq2seq.loss(
        net, params, batch, inputs
    )


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (np.full((4, 4), -1), ValueError, "inputs must be tokens from 0 to 7"),
        (np.full((4, 4), 8), ValueError, "inputs must be tokens from 0 to 7"),
        (np.zeros((3, 4), int), ValueError, r"inputs must be .* \(4, 4\)"),
        (np.zeros((4, 4)), TypeError, "inputs must be an array of integers"),
    ],
)
def test_inputs_that_cannot_be_read(batch, rng, inputs, error, message):
    net = network()
    params = seq2seq.init(net, rng=rng)
    with pytest.raises(error, match=message):
        seq2seq.loss(net, params, batch, inputs)


@pytest.mark.parametrize(
    ("tokens", "error", "message"),
    [
        (
            np.full(4, -1),
            ValueError,
            "tokens must be tokens from 0 to 7, got -1",
        ),
        (np.full(3, 5), ValueError, r"tokens must be .* \(4,\)"),
        (np.full(4, 5.0), TypeError, "tokens must be an array of integers"),
    ],
)
def test_steps_that_cannot_be_taken(batch, rng, tokens, error, message):
    net = network()
    params = seq2seq.init(net, rng=rng)
    encoded = seq2seq.encode(net, params, batch.source, batch.source_lengths)
    with pytest.raises(error, match=message):
        seq2seq.step(net, params, encoded, encoded.states, tokens)


def test_weights_of_another_network(batch, rng):
    net = network()
    params = seq2seq.init(net, rng=rng)
    for other, message in (
        (network(targets=9), r"params.target must have shape \(9, 3\)"),
        (network(layers=2), "params.encoder must have 2 layers"),
        (network(attention=None), "params.attention must be None"),
        (network(hidden=6), r"params.W_out must have shape \(8, 6\)"),
    ):
        with pytest.raises(ValueError, match=message):
            seq2seq.loss(other, params, batch)
    with pytest.raises(TypeError, match=r"network must be .*Network"):
        seq2seq.loss("lstm", params, batch)
    with pytest.raises(TypeError, match=r"batch must be .*Batch"):
        seq2seq.loss(net, params, tuple(batch))
    with pytest.raises(TypeError, match=r"params must be .*Params"):
        seq2seq.loss(net, None, batch)


def test_sizes_are_plain_numbers():
    net = network(hidden=np.int16(4), layers=np.uint8(2), residual=np.True_)
    assert net == network(hidden=4, layers=2, residual=True)
    assert type(net.hidden) is type(net.layers) is int
    assert net.residual is True
