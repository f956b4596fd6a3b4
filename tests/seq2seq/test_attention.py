"""Scores and their gradients, one by one."""

import numpy as np
import pytest

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
    score = {
        "dot": lambda q, m: q @ m,
        "bilinear": lambda q, m: q @ params.W @ m,
        "additive": lambda q, m: params.v @ np.tanh(params.W_q @ q + params.W_m @ m),
    }[kind]
    for b, s, t in np.ndindex(B, S, T):
        expected = score(queries[b, s], memory[b, t])
        assert found[b, s, t] == pytest.approx(expected, rel=ROUNDING)


def test_weights_have_variance_one_over_the_size(rng):
    for kind in ("bilinear", "additive"):
        W, *_ = attention.init(kind, 100, rng=rng)
        # Of 10 000 draws, the deviation is off by less than four hundredths of itself.
        assert W.std() == pytest.approx(0.1, rel=0.04)


@EVERY
def test_gradients_of_scores_and_contexts(kind, arrays, rng):
    queries, memory, mask = arrays
    point = attention.init(kind, H, rng=rng), queries, memory
    dscores = rng.normal(size=(B, S, T))
    numeric = numerical_gradient(lambda p: (dscores * attention.scores(*p)).sum(), point)
    found = attention.scores_vjp(*point, dscores)
    assert max(relative_errors(found, numeric).values()) < GRADIENT_ERROR

    dcontexts = rng.normal(size=(B, S, H))
    numeric = numerical_gradient(lambda p: (dcontexts * attention.attend(*p, mask)[0]).sum(), point)
    _, weights = attention.attend(*point, mask)
    found = attention.attend_vjp(*point, weights, dcontexts)
    assert max(relative_errors(found, numeric).values()) < GRADIENT_ERROR
    assert (found[2][1, 2:] == 0).all()  # nothing comes back to the padding


@EVERY
def test_a_context_is_a_weighted_mean_without_the_padding(kind, arrays, rng):
    queries, memory, mask = arrays
    params = attention.init(kind, H, rng=rng)
    contexts, weights = attention.attend(params, queries, memory, mask)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=ROUNDING)
    np.testing.assert_array_equal(weights.min(axis=1) > 0, mask)
    for b, s in np.ndindex(B, S):
        mean = sum(w * m for w, m in zip(weights[b, s], memory[b], strict=True))
        np.testing.assert_allclose(contexts[b, s], mean, rtol=ROUNDING)


def test_scores_of_any_size_neither_overflow_nor_warn(arrays):
    queries, memory, mask = arrays
    with np.errstate(all="raise"):
        _, weights = attention.attend(attention.Dot(), 1e4 * queries, memory, mask)
    np.testing.assert_allclose(weights.max(-1), 1, rtol=ROUNDING)
    assert (weights == 0).any()
