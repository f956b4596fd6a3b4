"""Training: what is learnt, and that the same configuration gives the same run."""

import dataclasses

import numpy as np
import pytest

from lstm_lab import optim, seq2seq, tree
from lstm_lab.seq2seq import fitting
from lstm_lab.tokenizer import BOS, EOS, PAD

from .conftest import TARGETS, network, pairs

NET = network(embedding=8, hidden=16)
BRIEF = seq2seq.Config(network=NET, steps=5, batch_size=6, evaluate_every=2)


def copies(B, rng):
    """Draw sources of one or two tokens, and the same as targets."""
    lengths = rng.integers(1, 3, B)
    source = rng.integers(4, TARGETS, (2, B))
    source[1, lengths == 1] = PAD
    target = np.full((3, B), PAD)
    target[:2] = source
    target[lengths, np.arange(B)] = EOS
    return seq2seq.Batch(source, lengths, target, lengths + 1)


@pytest.fixture
def held_out(rng):
    return copies(50, rng)


def bits(run):
    leaves = tree.leaves((run.params, run.losses, run.grad_norms, run.decoded))
    return {name: leaf.tobytes() for name, leaf in leaves.items()}


def test_short_sequences_are_learnt(held_out):
    config = dataclasses.replace(
        BRIEF, steps=300, batch_size=32, learning_rate=1e-2, evaluate_every=100
    )
    run = seq2seq.fit(config, copies, held_out)
    assert run.exact[0] < 0.1
    assert run.exact[-1] == 1
    assert run.held_out[-1] < 0.1 < run.held_out[0]
    assert run.evaluated.tolist() == [0, 100, 200, 300]
    assert len(run.losses) == len(run.grad_norms) == 300


def test_the_same_configuration_is_the_same_run(held_out):
    run = seq2seq.fit(BRIEF, copies, held_out)
    assert bits(seq2seq.fit(BRIEF, copies, held_out)) == bits(run)
    other = dataclasses.replace(BRIEF, seed=1)
    assert bits(seq2seq.fit(other, copies, held_out)) != bits(run)
    assert run.config == BRIEF
    assert run.evaluated.tolist() == [0, 2, 4, 5]
    for leaf in tree.leaves(run.params).values():
        assert leaf.dtype == np.float32


def test_what_is_decoded_is_what_is_counted(held_out):
    run = seq2seq.fit(BRIEF, copies, held_out)
    found = fitting.answer(NET, run.params, held_out)
    np.testing.assert_array_equal(found.tokens, run.decoded[-1])
    exact = seq2seq.exact_match(found, held_out)
    assert run.exact[-1] == exact.mean()
    assert run.held_out[-1] == seq2seq.loss(NET, run.params, held_out)


def test_an_interrupted_run_is_the_beginning_of_the_whole_one(held_out):
    whole = seq2seq.fit(BRIEF, copies, held_out)
    calls = iter(range(100))

    def draw(B, rng):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return copies(B, rng)

    run = seq2seq.fit(BRIEF, draw, held_out)
    assert run.interrupted is True
    assert whole.interrupted is False
    np.testing.assert_array_equal(run.losses, whole.losses[:3])
    assert run.evaluated.tolist() == [0, 2]


def test_a_run_interrupted_before_anything_is_an_empty_record(
    held_out, monkeypatch
):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "loss", interrupted)
    run = seq2seq.fit(BRIEF, copies, held_out)
    assert run.interrupted is True
    assert run.evaluated.shape == (0,)
    assert run.evaluated.dtype == int
    assert run.decoded == ()


def test_a_long_gradient_is_shortened(held_out):
    """The way that plain gradient descent goes is the gradient times the rate."""
    config = dataclasses.replace(
        BRIEF,
        steps=1,
        optimizer=optim.SGD,
        learning_rate=1.0,
        clip=1e-3,
        dtype="float64",
    )
    run = seq2seq.fit(config, copies, held_out)
    init_rng, _, _ = np.random.default_rng(0).spawn(3)
    start = seq2seq.init(NET, rng=init_rng)
    way = tree.map(np.subtract, run.params, start)
    assert run.grad_norms[0] > 1e-3
    np.testing.assert_allclose(optim.global_norm(way), 1e-3, rtol=1e-9)


def test_an_answer_that_does_not_end_is_a_token_longer_than_the_targets(rng):
    params = seq2seq.init(NET, rng=rng)
    params.b_out[EOS] = -100.0
    batch = pairs(rng)
    found = fitting.answer(NET, params, batch)
    assert len(found.tokens) == len(batch.target) + 1
    assert (found.tokens != EOS).all()


def test_divergence_is_an_error(held_out):
    config = dataclasses.replace(BRIEF, learning_rate=1e38, clip=None)
    with pytest.raises(FloatingPointError, match="training diverged in step"):
        seq2seq.fit(config, copies, held_out)


def test_a_held_out_loss_that_is_no_number_ends_the_run(held_out, monkeypatch):
    losses = iter([1.0, np.nan])
    monkeypatch.setattr(fitting, "loss", lambda *_: next(losses))
    with pytest.raises(
        FloatingPointError,
        match=r"in step 2, .* held-out loss is nan; the last finite loss was",
    ):
        seq2seq.fit(BRIEF, copies, held_out)


@pytest.mark.parametrize("ratio", [0.0, 0.5, 1.0])
def test_the_decoder_reads_what_the_configuration_says(ratio, held_out):
    """The first loss is that of the first weights, batch and draws, each of its generator."""
    config = dataclasses.replace(BRIEF, teacher_forcing=ratio, dtype="float64")
    run = seq2seq.fit(config, copies, held_out)
    init_rng, rng, forcing_rng = np.random.default_rng(0).spawn(3)
    params = seq2seq.init(NET, rng=init_rng)
    batch = copies(config.batch_size, rng)
    inputs = seq2seq.mixed_inputs(
        NET, params, batch, ratio=ratio, rng=forcing_rng
    )
    first, _ = seq2seq.loss_and_grads(NET, params, batch, inputs)
    assert run.losses[0] == first


def test_a_bar_is_shown_where_it_is_asked_for(held_out, capsys):
    seq2seq.fit(BRIEF, copies, held_out, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "0/5" in err
    seq2seq.fit(BRIEF, copies, held_out, progress=False)
    assert capsys.readouterr().err == ""


def test_teacher_forcing_reads_the_targets(rng):
    params = seq2seq.init(NET, rng=rng)
    batch = pairs(rng)
    forced = seq2seq.mixed_inputs(NET, params, batch, ratio=1.0, rng=rng)
    assert forced is None


def test_free_running_reads_its_own_guesses(rng):
    params = seq2seq.init(NET, rng=rng)
    batch = pairs(rng)
    inputs = seq2seq.mixed_inputs(NET, params, batch, ratio=0.0, rng=rng)
    assert (inputs[0] == BOS).all()
    answers, _ = seq2seq.logits(NET, params, batch, inputs)
    answers[..., [PAD, BOS]] = -np.inf  # neither is ever a guess
    np.testing.assert_array_equal(inputs[1:], answers[:-1].argmax(-1))
    assert (inputs[1:] != batch.target[:-1]).any()


def test_free_running_forces_nothing_even_by_the_smallest_draw(rng):
    class Smallest(np.random.Generator):
        random = staticmethod(np.zeros)

    params = seq2seq.init(NET, rng=rng)
    batch = pairs(rng)
    free = seq2seq.mixed_inputs(NET, params, batch, ratio=0.0, rng=rng)
    drawn = seq2seq.mixed_inputs(
        NET, params, batch, ratio=0.0, rng=Smallest(np.random.PCG64())
    )
    np.testing.assert_array_equal(drawn, free)


def test_scheduled_sampling_reads_some_of_each(rng):
    params = seq2seq.init(NET, rng=rng)
    lengths = [2] * 400
    batch = pairs(rng, lengths, [3] * 400)
    guesses = seq2seq.mixed_inputs(NET, params, batch, ratio=0.0, rng=rng)
    mixed = seq2seq.mixed_inputs(NET, params, batch, ratio=0.7, rng=rng)
    differs = guesses[1] != batch.target[0]
    forced = mixed[1, differs] == batch.target[0, differs]
    # Three standard deviations of a share of about 350 draws are 0.07.
    assert abs(forced.mean() - 0.7) < 0.07


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"teacher_forcing": 1.5}, "teacher_forcing must lie between 0 and 1"),
        ({"teacher_forcing": np.nan}, "teacher_forcing must be"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"clip": -1.0}, "clip must be positive or None, got -1.0"),
        ({"clip": 0}, "clip must be positive or None, got 0"),
        ({"clip": np.inf}, "clip must be finite"),
        ({"seed": None}, "seed must be an integer, 0 or more, got None"),
        ({"seed": -1}, "seed must be an integer, 0 or more, got -1"),
        ({"seed": 1.0}, "seed must be an integer, 0 or more, got 1.0"),
        ({"seed": True}, "seed must be an integer, 0 or more, got True"),
    ],
)
def test_configurations_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(BRIEF, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "lstm"}, "network must be .*Network, got builtins.str"),
        ({"clip": "1"}, "clip must be a real number"),
        ({"batch_size": 2.0}, "batch_size must be an integer"),
        ({"optimizer": float}, "optimizer must make an optimizer, got 0.002"),
        ({"optimizer": "adam"}, "optimizer must be .* callable, got 'adam'"),
        ({"learning_rate": [1]}, "learning_rate must be a real number"),
        ({"dtype": "int8"}, "dtype must be float32 or float64"),
    ],
)
def test_configurations_of_other_types(options, message):
    with pytest.raises(TypeError, match=message):
        dataclasses.replace(BRIEF, **options)


def test_numpy_scalars_are_the_numbers_that_they_are(held_out):
    scalars = {
        **{"batch_size": np.int8(6), "seed": np.uint64(0)},
        **{"learning_rate": np.float64(2e-3), "clip": np.float64(1)},
        "teacher_forcing": np.float64(1),
    }
    config = dataclasses.replace(BRIEF, **scalars)
    assert config == BRIEF
    for name in scalars:
        assert type(getattr(config, name)) in (int, float)
    run, plain = (seq2seq.fit(one, copies, held_out) for one in (config, BRIEF))
    assert {leaf.dtype for leaf in tree.leaves(run.params).values()} == {
        np.dtype(np.float32)
    }
    np.testing.assert_array_equal(run.losses, plain.losses)


@pytest.mark.parametrize("seed", range(20))
def test_no_guess_is_a_token_that_no_target_holds(seed):
    rng = np.random.default_rng(seed)
    params = seq2seq.init(NET, rng=rng)
    params.b_out[[PAD, BOS]] += 2
    batch = pairs(rng)
    inputs = seq2seq.mixed_inputs(NET, params, batch, ratio=0.0, rng=rng)
    assert not np.isin(inputs[1:], [PAD, BOS]).any()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"ratio": 2}, ValueError, "ratio must lie between 0 and 1"),
        ({"ratio": np.nan}, ValueError, "ratio must be finite"),
        ({"rng": 0}, TypeError, "rng must be a numpy.random.Generator"),
    ],
)
def test_inputs_that_cannot_be_mixed(rng, options, error, message):
    params = seq2seq.init(NET, rng=rng)
    batch = pairs(rng)
    with pytest.raises(error, match=message):
        seq2seq.mixed_inputs(
            NET, params, batch, **{"ratio": 0.5, "rng": rng, **options}
        )


def test_states_that_overflow_are_divergence(held_out, monkeypatch):
    def overflowing(*_):
        raise FloatingPointError

    monkeypatch.setattr(fitting, "loss_and_grads", overflowing)
    with pytest.raises(FloatingPointError, match="training diverged in step 0"):
        seq2seq.fit(BRIEF, copies, held_out)


def test_what_cannot_be_trained(held_out):
    for arguments, message in (
        (("lstm", copies, held_out), "config must be .*Config"),
        ((BRIEF, held_out, held_out), "draw must be callable"),
        ((BRIEF, copies, copies), "held_out must be .*Batch"),
        ((BRIEF, lambda *_: 3, held_out), "batch must be .*Batch"),
    ):
        with pytest.raises(TypeError, match=message):
            seq2seq.fit(*arguments)
