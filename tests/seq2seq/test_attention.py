"""Scores and their gradients, one by one."""

import numpy as np
import pytest

from lstm_lab import tree
from lstm_lab.gradcheck import numerical_gradient, relative_errors
from lstm_lab.seq2seq import attention

B, S, T, H = 2, 3, 4, 5
GRADIENT_ERROR = 1e-7
ROUNDING = 1e-12
EVERY = pytest.mark.parametrize("kind", attention.KINDS)


@pytest.fixture
def arrays(rng):
    """Return queries, memory and a mask."""
    mask = np.arange(T) < np.array([[T], [2]])
    return rng.normal(size=(B, S, H)), rng.normal(size=(B, T, H)), mask


@EVERY
def test_scores_are_what_their_names_say(kind, arrays, rng):
    queries, memory, _ = arrays
    params = attention.init(kind, H, rng=rng)
    assert type(params) is attention.KINDS[kind]
    found = attention.scores(params, queries, memory)
    for b in range(B):
        for s, q in enumerate(queries[b]):
            for t, m in enumerate(memory[b]):
                expected = {
                    "dot": lambda q=q, m=m: q @ m,
                    "bilinear": lambda q=q, m=m: q @ params.W @ m,
                    "additive": lambda q=q, m=m: (
                        params.v @ np.tanh(params.W_q @ q + params.W_m @ m)
                    ),
                }[kind]()
                assert found[b, s, t] == pytest.approx(expected, rel=ROUNDING)


def test_weights_have_variance_one_over_the_size(rng):
    for params in (
        attention.init("bilinear", 100, rng=rng),
        attention.init("additive", 100, rng=rng),
    ):
        # Of 10 000 draws, the mean is off by a hundredth of their size, the size by as much.
        W = params[0]
        assert abs(W.mean()) < 4 * 0.1 / 100
        assert W.std() == pytest.approx(0.1, rel=0.04)


@EVERY
def test_the_count_is_that_of_what_is_drawn(kind, rng):
    drawn = tree.leaves(attention.init(kind, H, rng=rng))
    assert attention.count(kind, H) == sum(leaf.size for leaf in drawn.values())


def test_weights_that_underflow_are_silent(arrays):
    queries, memory, mask = arrays
    with np.errstate(all="raise"):
        _, weights = attention.attend(
            attention.Dot(), 1e4 * queries, memory, mask
        )
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=ROUNDING)
    assert (weights == 0).any()


@EVERY
def test_gradients_of_scores_and_contexts(kind, arrays, rng):
    queries, memory, mask = arrays
    params = attention.init(kind, H, rng=rng)
    at = params, queries, memory
    dscores = rng.normal(size=(B, S, T))
    numeric = numerical_gradient(
        lambda p: (dscores * attention.scores(*p)).sum(), at
    )
    found = attention.scores_vjp(*at, dscores)
    assert max(relative_errors(found, numeric).values()) < GRADIENT_ERROR

    dcontexts = rng.normal(size=(B, S, H))
    numeric = numerical_gradient(
        lambda p: (dcontexts * attention.attend(*p, mask)[0]).sum(), at
    )
    _, weights = attention.attend(*at, mask)
    found = attention.attend_vjp(*at, weights, dcontexts)
    assert max(relative_errors(found, numeric).values()) < GRADIENT_ERROR
    assert (found[2][1, 2:] == 0).all()  # nothing comes back to the padding


@EVERY
def test_a_context_is_a_weighted_mean(kind, arrays, rng):
    queries, memory, mask = arrays
    params = attention.init(kind, H, rng=rng)
    contexts, weights = attention.attend(params, queries, memory, mask)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=ROUNDING)
    assert (weights[1, :, 2:] == 0).all()
    assert (weights[1, :, :2] > 0).all()
    for b, s in np.ndindex(B, S):
        mean = sum(w * m for w, m in zip(weights[b, s], memory[b], strict=True))
        np.testing.assert_allclose(contexts[b, s], mean, rtol=ROUNDING)


def test_scores_of_any_size_overflow_nowhere(arrays):
    queries, memory, mask = arrays
    _, weights = attention.attend(attention.Dot(), 1e4 * queries, memory, mask)
    assert np.isfinite(weights).all()
    np.testing.assert_allclose(weights.max(-1), 1, rtol=ROUNDING)


@pytest.mark.parametrize("kind", ["max", None, ["dot"]])
def test_scores_that_there_are_not(kind):
    for make in (
        lambda: attention.init(kind, 3, rng=np.random.default_rng(0)),
        lambda: attention.count(kind, 3),
    ):
        with pytest.raises(ValueError, match="kind must be one of 'dot'"):
            make()


def test_a_source_must_have_a_step(rng):
    queries, memory = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 5, 4))
    mask = np.ones((2, 5), bool)
    mask[1] = False
    with pytest.raises(ValueError, match="mask must be True at one step"):
        attention.attend(attention.Dot(), queries, memory, mask)
