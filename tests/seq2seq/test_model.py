"""The gradient of a whole model, and padding that has no influence."""

import numpy as np
import pytest
from cells import MGU

from lstm_lab import gru, optim, rnn, seq2seq, tree
from lstm_lab.gradcheck import numerical_gradient, relative_errors
from lstm_lab.tokenizer import BOS

from .conftest import SOURCES, TARGETS, network, some_pairs

# Of a loss of order one, differences with this step are off by about 1e-10.
STEP = 1e-5
GRADIENT_ERROR = 1e-7
ROUNDING = 1e-12


def test_the_gradient_is_that_of_the_loss(net, params, pairs):
    value, grads = seq2seq.loss_and_grads(net, params, pairs)
    assert value == pytest.approx(seq2seq.loss(net, params, pairs), rel=ROUNDING)
    numeric = numerical_gradient(lambda p: seq2seq.loss(net, p, pairs), params, step=STEP)
    errors = relative_errors(grads, numeric)
    assert set(errors) == set(tree.leaves(params))
    assert {n: e for n, e in errors.items() if not e < GRADIENT_ERROR} == {}
    assert all(np.any(leaf) for leaf in tree.leaves(grads).values())


def test_the_slope_with_inputs_of_its_own(net, params, pairs, rng):
    """Along one direction; the other test checks each weight by itself."""
    inputs = rng.integers(0, TARGETS, pairs.target.shape)
    own = pairs._replace(inputs=inputs)
    value, grads = seq2seq.loss_and_grads(net, params, own)
    direction = tree.map(lambda leaf: rng.normal(size=leaf.shape), params)
    length = optim.global_norm(direction)

    def loss(distance):
        point = tree.map(lambda leaf, d: leaf + distance / length * d, params, direction)
        return seq2seq.loss(net, point, own)

    assert value == pytest.approx(loss(0.0), rel=ROUNDING)
    assert value != seq2seq.loss(net, params, pairs)
    slopes = tree.map(lambda g, d: np.sum(g * d) / length, grads, direction)
    found = (loss(STEP) - loss(-STEP)) / (2 * STEP)
    slope = sum(float(leaf) for leaf in tree.leaves(slopes).values())
    assert found == pytest.approx(slope, abs=GRADIENT_ERROR)


def test_the_decoder_reads_the_previous_tokens_of_the_targets(net, params, pairs):
    first = np.full_like(pairs.target[:1], BOS)
    inputs = np.concatenate([first, pairs.target[:-1]])
    given = pairs._replace(inputs=inputs)
    np.testing.assert_array_equal(
        seq2seq.logits(net, params, given)[0], seq2seq.logits(net, params, pairs)[0]
    )


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
        # The deviation of a sample of N is known to 1 / sqrt(2 N) of itself; five of these.
        assert abs(scaled.std() - 1) < 5 / np.sqrt(2 * leaf.size), name
    np.testing.assert_array_equal(params.b_out, np.zeros(200))


@pytest.mark.parametrize(
    ("junk", "dtype"), [(5, int), (-100, np.int64), (10**4, np.int16), (2**64 - 1, np.uint64)]
)
def test_the_padding_does_not_matter(net, params, pairs, junk, dtype):
    """Not a bit changes, whatever stands there, of whatever type of integer."""

    def spoiled(tokens, lengths):
        after = np.arange(len(tokens))[:, np.newaxis] >= lengths
        assert after.any()
        return np.where(after, dtype(junk), tokens.astype(dtype))

    other = seq2seq.Pairs(
        spoiled(pairs.source, pairs.source_lengths),
        pairs.source_lengths.astype(np.uint8),
        spoiled(pairs.target, pairs.target_lengths),
        pairs.target_lengths.tolist(),
    )
    found = seq2seq.answer(net, params, pairs)
    for result in (
        lambda one: tree.leaves(seq2seq.loss_and_grads(net, params, one)),
        lambda one: seq2seq.loss(net, params, one),
        lambda one: seq2seq.log_probability(net, params, one),
        lambda one: seq2seq.answer(net, params, one).tokens,
        lambda one: seq2seq.exact_match(found, one),
        lambda one: seq2seq.errors_by_position(found.tokens, one),
    ):
        np.testing.assert_equal(result(other), result(pairs))
    inputs, same = (
        seq2seq.mixed_inputs(net, params, one, ratio=0.5, rng=np.random.default_rng(0))
        for one in (pairs, other)
    )
    np.testing.assert_array_equal(inputs[pairs.target_mask], same[pairs.target_mask])
    after = np.where(pairs.target_mask, inputs, -100)
    assert seq2seq.loss(net, params, pairs._replace(inputs=after)) == seq2seq.loss(
        net, params, pairs._replace(inputs=inputs)
    )


def test_more_padding_has_no_influence(net, params, pairs):
    value, grads = seq2seq.loss_and_grads(net, params, pairs)
    wider = pairs._replace(
        source=np.pad(pairs.source, ((0, 2), (0, 0))), target=np.pad(pairs.target, ((0, 3), (0, 0)))
    )
    more, same = seq2seq.loss_and_grads(net, params, wider)
    assert more == pytest.approx(value, rel=ROUNDING)
    assert max(relative_errors(same, grads).values()) < ROUNDING


def test_a_batch_is_its_examples(net, params, pairs):
    total = 0.0
    for b in range(4):
        t, s = pairs.source_lengths[b], pairs.target_lengths[b]
        one = seq2seq.Pairs(pairs.source[:t, [b]], [t], pairs.target[:s, [b]], [s])
        total += seq2seq.loss(net, params, one) * s
    whole = seq2seq.loss(net, params, pairs)
    mean = total / pairs.target_lengths.sum()
    assert mean == pytest.approx(whole, rel=ROUNDING)


def test_steps_are_all_steps_at_once(net, params, pairs):
    answers, _ = seq2seq.logits(net, params, pairs)
    encoded = seq2seq.encode(net, params, pairs.source, pairs.source_lengths)
    states, last = encoded.states, np.full(4, BOS)
    for s, right in enumerate(pairs.target):
        found, states = seq2seq.step(net, params, encoded, states, last)
        np.testing.assert_allclose(found, answers[s], rtol=0, atol=ROUNDING)
        last = right


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_model_keeps_its_dtype(net, pairs, rng, dtype):
    params = seq2seq.init(net, rng=rng, dtype=dtype)
    _, grads = seq2seq.loss_and_grads(net, params, pairs)
    for leaf in tree.leaves((params, grads)).values():
        assert leaf.dtype == dtype
    assert seq2seq.logits(net, params, pairs)[0].dtype == dtype


def test_logits_that_overflow_have_no_gradient(pairs, rng):
    params = seq2seq.init(network(), rng=rng)
    huge = params._replace(b_out=np.full_like(params.b_out, 1.7e308))
    huge = huge._replace(W_out=1e308 * np.sign(params.W_out))
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(FloatingPointError, match="the loss is"),
    ):
        seq2seq.loss_and_grads(network(), huge, pairs)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"attention": "max"}, ValueError, "attention must be one of .*'max'"),
        ({"attention": ["dot"]}, ValueError, "attention must be one of"),
        ({"layers": 0}, ValueError, "layers must be at least 1, got 0"),
        ({"targets": 3}, ValueError, "targets must be at least 4.*got 3"),
        ({"cell": "lstm"}, TypeError, "cell must be a cell, .*got 'lstm'"),
        ({"residual": "no"}, TypeError, "residual must be a bool, got 'no'"),
    ],
)
def test_networks_that_cannot_be(options, error, message):
    with pytest.raises(error, match=message):
        network(**options)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"source": np.zeros((5, 4))}, TypeError, "source must be .* integers"),
        ({"source": np.zeros(5, int)}, ValueError, r"source must be .*\(5,\)"),
        ({"source": np.zeros((5, 0), int)}, ValueError, r"source must .*\(5, 0\)"),
        ({"source": [[1], [2, 3]]}, ValueError, "source must be .* unequal"),
        ({"source": {}}, TypeError, "source must be .* got dict"),
        (
            {"source": np.ma.array(np.zeros((5, 4), int), mask=True)},
            TypeError,
            "source must be .* got a masked array",
        ),
        ({"source": np.full((5, 4), SOURCES)}, ValueError, "from 0 to 8, got 9"),
        ({"target": np.full((4, 4), -1)}, ValueError, "target must .* got -1"),
        ({"source_lengths": [5, 3, 0, 4]}, ValueError, "from 1 to 5, got"),
        ({"source_lengths": [6, 3, 1, 4]}, ValueError, "from 1 to 5, got"),
        ({"source_lengths": [5.0, 3, 1, 4]}, TypeError, "source_lengths must be"),
        ({"target_lengths": [3, 4]}, ValueError, "target_lengths must be"),
        ({"target_lengths": None}, TypeError, "target_lengths must be"),
        (
            {"target_lengths": np.ma.array([3, 4, 2, 1], mask=[1, 0, 0, 0])},
            TypeError,
            "target_lengths must be .* got a masked array",
        ),
        (
            {"source": np.zeros((5, 3), int), "source_lengths": [5, 5, 5]},
            ValueError,
            "source and target must be as many sequences, got 3 and 4",
        ),
        ({"inputs": np.full((4, 4), -1)}, ValueError, "inputs must be tokens"),
        ({"inputs": np.zeros((3, 4), int)}, ValueError, r"inputs .*\(4, 4\)"),
        ({"inputs": np.zeros((4, 4))}, TypeError, "inputs must be an array of"),
    ],
)
def test_pairs_that_cannot_be(pairs, rng, change, error, message):
    params = seq2seq.init(network(), rng=rng)
    with pytest.raises(error, match=message):
        seq2seq.loss_and_grads(network(), params, pairs._replace(**change))


@pytest.mark.parametrize(
    ("tokens", "error", "message"),
    [
        (np.full(4, -1), ValueError, "tokens must be tokens from 0 to 7"),
        (np.full(3, 5), ValueError, r"tokens must be .* \(4,\)"),
        (np.full(4, 5.0), TypeError, "tokens must be an array of integers"),
    ],
)
def test_steps_that_cannot_be_taken(pairs, rng, tokens, error, message):
    params = seq2seq.init(network(), rng=rng)
    encoded = seq2seq.encode(network(), params, pairs.source, pairs.source_lengths)
    with pytest.raises(error, match=message):
        seq2seq.step(network(), params, encoded, encoded.states, tokens)


def test_weights_of_another_network(pairs, rng):
    params = seq2seq.init(network(), rng=rng)
    for other, message in (
        (network(targets=9), r"params.target must have shape \(9, 2\)"),
        (network(hidden=6), r"params.W_out must have shape \(8, 6\)"),
    ):
        with pytest.raises(ValueError, match=message):
            seq2seq.loss(other, params, pairs)
    spoiled = params._replace(source=np.full((SOURCES, 2), np.nan))
    with pytest.raises(ValueError, match=r"params.source must be finite, got nan"):
        seq2seq.loss(network(), spoiled, pairs)
    for arguments, message in (
        (("lstm", params, pairs), r"network must be .*Network"),
        ((network(cell=gru), params, pairs), r"params must be .*gru.Params"),
        ((network(), params, tuple(pairs)), r"pairs must be .*Pairs"),
        ((network(), None, pairs), r"params must be .*Params"),
    ):
        with pytest.raises(TypeError, match=message):
            seq2seq.loss(*arguments)


def test_values_are_plain_and_shown_in_a_line(rng):
    net = network(hidden=np.int16(3), layers=np.uint8(2), residual=np.True_)
    assert net == network(hidden=3, layers=2, residual=True)
    assert type(net.hidden) is type(net.layers) is int
    assert net.residual is True
    assert "cell=lstm," in repr(net)
    assert "cell=rnn," in repr(network(cell=rnn))
    assert network(cell=MGU).cell is MGU
    pairs, params = some_pairs(rng), seq2seq.init(net, rng=rng)
    encoded = seq2seq.encode(net, params, pairs.source, pairs.source_lengths)
    found = seq2seq.answer(net, params, pairs)
    for record in (pairs, params, encoded, found):
        assert len(repr(record)) < 900
        assert "\n" not in repr(record)


# The loss in other units


def test_a_uniform_guess_costs_as_much_as_there_are_tokens():
    for V in (1, 2, 26):
        assert seq2seq.perplexity(np.log(V)) == pytest.approx(V, rel=1e-14)
        assert seq2seq.bits(np.log(V)) == pytest.approx(np.log2(V), rel=1e-14)


def test_a_cost_beyond_all_floats_is_infinite():
    assert seq2seq.perplexity(1e4) == np.inf


@pytest.mark.parametrize("unit", [seq2seq.perplexity, seq2seq.bits])
def test_a_cost_must_be_a_number(unit):
    with pytest.raises(ValueError, match="nats"):
        unit(np.nan)
