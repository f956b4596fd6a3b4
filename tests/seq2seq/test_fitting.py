"""Training: what is learned, and that the same configuration gives the same run."""

import dataclasses

import numpy as np
import pytest

from lstm_lab import optim, seq2seq, tree
from lstm_lab.tokenizer import BOS, EOS, PAD

from .conftest import TARGETS, network, some_pairs

NET = network(embedding=8, hidden=16)
BRIEF = seq2seq.PairsConfig(network=NET, steps=5, batch_size=6, evaluate_every=2)
change = dataclasses.replace


def copies(B, rng):
    """Draw sources of one or two tokens, and the same as targets."""
    lengths = rng.integers(1, 3, B)
    source = rng.integers(4, TARGETS, (2, B))
    source[1, lengths == 1] = PAD
    target = np.full((3, B), PAD)
    target[:2] = source
    target[lengths, np.arange(B)] = EOS
    return seq2seq.Pairs(source, lengths, target, lengths + 1)


@pytest.fixture
def held_out(rng):
    return copies(50, rng)


def bits(run):
    leaves = tree.leaves((run.final, run.losses, run.grad_norms))
    decoded = [found.tokens.tolist() for found in run.evaluations]
    return decoded, {name: leaf.tobytes() for name, leaf in leaves.items()}


def test_short_sequences_are_learned(held_out):
    config = change(BRIEF, steps=300, batch_size=32, learning_rate=1e-2, evaluate_every=100)
    run = seq2seq.fit(config, copies, held_out)
    assert run.evaluations[0].exact < 0.1
    assert run.evaluations[-1].exact == 1
    assert run.held_out[-1] < 0.1 < run.held_out[0]
    assert run.evaluated.tolist() == [0, 100, 200, 300]
    assert len(run.losses) == len(run.grad_norms) == 300


def test_every_cell_and_kind_trains(net, held_out):
    run = seq2seq.fit(change(BRIEF, network=net, steps=20), copies, held_out)
    assert run.cell == net.cell.__name__.rpartition(".")[-1]
    assert run.held_out[-1] < run.held_out[0]


def test_the_same_configuration_is_the_same_run(held_out):
    run = seq2seq.fit(BRIEF, copies, held_out)
    assert bits(seq2seq.fit(BRIEF, copies, held_out)) == bits(run)
    other = seq2seq.fit(change(BRIEF, seed=1), copies, held_out)
    assert bits(other) != bits(run)
    assert run.config == BRIEF
    assert run.evaluated.tolist() == [0, 2, 4, 5]
    for leaf in tree.leaves(run.final).values():
        assert leaf.dtype == np.float32
    assert len(repr(run)) < 120
    assert len(repr(run.evaluations)) < 900


def test_evaluations_are_of_the_held_out_pairs(held_out):
    run = seq2seq.fit(BRIEF, copies, held_out)
    last = run.evaluations[-1]
    found = seq2seq.answer(NET, run.final, held_out)
    np.testing.assert_array_equal(found.tokens, last.tokens)
    assert last.exact == seq2seq.exact_match(found, held_out).mean()
    assert last.loss == seq2seq.loss(NET, run.final, held_out)


def test_an_interrupted_run_is_the_beginning_of_the_whole_one(held_out):
    whole = seq2seq.fit(BRIEF, copies, held_out)
    calls = iter(range(100))

    def draw(B, rng):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return copies(B, rng)

    run = seq2seq.fit(BRIEF, draw, held_out)
    assert (run.interrupted, whole.interrupted) == (True, False)
    np.testing.assert_array_equal(run.losses, whole.losses[:3])
    assert run.evaluated.tolist() == [0, 2]


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_the_decoder_reads_what_the_configuration_says(ratio, held_out):
    """The first loss is that of the first weights, pairs and draws, each of its generator."""
    config = change(BRIEF, teacher_forcing=ratio, dtype="float64", steps=1, clip=None)
    run = seq2seq.fit(change(config, optimizer=optim.SGD, learning_rate=1.0), copies, held_out)
    init_rng, rng, forcing_rng = np.random.default_rng(0).spawn(3)
    params = seq2seq.init(NET, rng=init_rng)
    tree.map(np.testing.assert_array_equal, run.initial, params)
    pairs = copies(config.batch_size, rng)
    inputs = seq2seq.mixed_inputs(NET, params, pairs, ratio=ratio, rng=forcing_rng)
    pairs = pairs._replace(inputs=inputs)
    first, grads = seq2seq.loss_and_grads(NET, params, pairs)
    assert run.losses[0] == first
    assert run.grad_norms[0] == optim.global_norm(grads)
    way = tree.map(np.subtract, run.initial, run.final)
    tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-12), way, grads)


def test_an_answer_that_does_not_end_is_a_token_longer_than_the_targets(rng):
    params = seq2seq.init(NET, rng=rng)
    params.b_out[EOS] = -100.0
    pairs = some_pairs(rng)
    found = seq2seq.answer(NET, params, pairs)
    assert len(found.tokens) == len(pairs.target) + 1
    assert (found.tokens != EOS).all()


@pytest.mark.parametrize("clip", [1.0, None])
def test_divergence_is_an_error(held_out, clip):
    config = change(BRIEF, learning_rate=1e37, optimizer=optim.SGD, clip=clip, steps=50)
    with pytest.raises(FloatingPointError, match="training diverged in step"):
        seq2seq.fit(config, copies, held_out)


# What the decoder reads


def test_teacher_forcing_reads_the_targets(rng):
    params = seq2seq.init(NET, rng=rng)
    pairs = some_pairs(rng)
    inputs = seq2seq.mixed_inputs(NET, params, pairs, ratio=1.0, rng=rng)
    assert (inputs[0] == BOS).all()
    np.testing.assert_array_equal(inputs[1:], pairs.target[:-1])


@pytest.mark.parametrize("seed", range(10))
def test_free_running_reads_its_own_guesses(seed):
    """They are never a token that no target holds, even if it is the likeliest."""
    rng = np.random.default_rng(seed)
    params = seq2seq.init(NET, rng=rng)
    params.b_out[[PAD, BOS]] += 2
    pairs = some_pairs(rng)
    inputs = seq2seq.mixed_inputs(NET, params, pairs, ratio=0.0, rng=rng)
    assert (inputs[0] == BOS).all()
    own = pairs._replace(inputs=inputs)
    answers, _ = seq2seq.logits(NET, params, own)
    answers[..., [PAD, BOS]] = -np.inf
    np.testing.assert_array_equal(inputs[1:], answers[:-1].argmax(-1))
    assert (inputs[1:] != pairs.target[:-1]).any()


def test_scheduled_sampling_reads_some_of_each(rng):
    params = seq2seq.init(NET, rng=rng)
    pairs = some_pairs(rng, [2] * 400, [3] * 400)
    guesses, mixed = (
        seq2seq.mixed_inputs(NET, params, pairs, ratio=ratio, rng=rng) for ratio in (0.0, 0.7)
    )
    differs = guesses[1] != pairs.target[0]
    forced = mixed[1, differs] == pairs.target[0, differs]
    # Three standard deviations of a share of about 350 draws are 0.07.
    assert abs(forced.mean() - 0.7) < 0.07


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"ratio": 2}, ValueError, "ratio must lie from 0 to 1"),
        ({"ratio": np.nan}, ValueError, "ratio must be finite"),
        ({"rng": 0}, TypeError, "rng must be a numpy.random.Generator"),
    ],
)
def test_inputs_that_cannot_be_mixed(rng, options, error, message):
    params = seq2seq.init(NET, rng=rng)
    options = {"ratio": 0.5, "rng": rng, **options}
    with pytest.raises(error, match=message):
        seq2seq.mixed_inputs(NET, params, some_pairs(rng), **options)


# Configurations; what all have in common is tested in tests/training


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"teacher_forcing": 1.5}, ValueError, "teacher_forcing must lie"),
        ({"teacher_forcing": np.nan}, ValueError, "teacher_forcing must be"),
        ({"network": "lstm"}, TypeError, "network must be .*Network, got"),
        ({"seed": None}, ValueError, "seed must be an integer, 0 or more"),
        ({"clip": -1.0}, ValueError, "clip must be positive, got -1.0"),
    ],
)
def test_configurations_that_cannot_be(options, error, message):
    with pytest.raises(error, match=message):
        change(BRIEF, **options)


def test_numpy_scalars_are_the_numbers_that_they_are(held_out):
    config = change(BRIEF, learning_rate=np.float64(2e-3), teacher_forcing=np.float64(1))
    assert config == BRIEF
    run, plain = (seq2seq.fit(one, copies, held_out) for one in (config, BRIEF))
    assert bits(run) == bits(plain)


def test_what_cannot_be_trained(held_out):
    for arguments, message in (
        (("lstm", copies, held_out), "config must be .*PairsConfig"),
        ((BRIEF, held_out, held_out), "draw must be a function"),
        ((BRIEF, copies, copies), "held_out must be .*Pairs"),
        ((BRIEF, lambda *_: 3, held_out), "pairs must be .*Pairs"),
    ):
        with pytest.raises(TypeError, match=message):
            seq2seq.fit(*arguments)
