"""Every equation that the book displays, checked numerically under its label.

Values come from the package; derivatives are central differences, or the package's backward
pass, which other tests hold against them.
"""

import itertools
import re
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import sacrebleu

from lstm_lab import (
    counting,
    coupled,
    gradcheck,
    gradflow,
    gru,
    initialization,
    jacobians,
    losses,
    lstm,
    optim,
    rnn,
    seq2seq,
    sequence,
    tasks,
    tokenizer,
    tree,
)
from lstm_lab.numerics import sigmoid, sigmoid_vjp, tanh_vjp
from lstm_lab.packing import by_gate, join
from lstm_lab.seq2seq import attention
from tools import equations

CHAPTERS = Path(__file__).resolve().parents[1] / "chapters"
LABEL = re.compile(r"^:label: (eq-[\w-]+)$|^\$\$ \((eq-[\w-]+)\)$", re.MULTILINE)
D, H, T = 2, 3, 6
CHECKS = []  # (label, function)


def identity(*labels):
    """Declare that a function checks the equations with these labels."""

    def register(function):
        CHECKS.extend((label, function) for label in labels)
        return function

    return register


def same(left, right):
    """Hold what is computed in two ways against each other, in float64."""
    np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-14)


def close(derivative, numeric):
    """Hold a derivative against central differences with a step of 1e-6."""
    np.testing.assert_allclose(derivative, numeric, rtol=0, atol=1e-9)


def jacobian(function, at, step=1e-6):
    """Return d function / d at by central differences, one column for each entry of `at`."""
    columns = [(function(at + e) - function(at - e)) / (2 * step) for e in step * np.eye(at.size)]
    return np.stack(columns, axis=-1)


def example(cell, **options):
    """Return parameters, a trace over T steps and a generator, the same for every check."""
    rng = np.random.default_rng(0)
    params = cell.init(D, H, rng=rng, **options)
    params = params._replace(b=rng.normal(size=params.b.shape))
    states = [rng.normal(size=H) for _ in cell.STATES]
    x = rng.normal(size=(T, D))
    return params, sequence.forward(cell, params, x, *states), rng


def recurrent(params, gates):
    """Return the recurrent weights U of each gate."""
    return by_gate(params.W[:, D:], gates).values()


def lstm_terms():
    """Return E, A, R and f of every step t = 1 ... T; index 0 of E belongs to the initial state."""
    params, trace, _ = example(lstm)
    U_i, U_f, U_o, U_g = recurrent(params, lstm.GATES)
    i, f, o, g = trace.gates.values()
    c_prev, c = trace.c[:-1], trace.c[1:]
    diag = np.vectorize(np.diag, signature="(n)->(n,n)")
    E = diag(o * (1 - np.tanh(c) ** 2))
    A = diag(g * i * (1 - i)) @ U_i + diag(c_prev * f * (1 - f)) @ U_f
    A += diag(i * (1 - g**2)) @ U_g
    R = diag(np.tanh(c) * o * (1 - o)) @ U_o
    return params, trace, E, A, R, diag(f)


def lstm_step(params, x, h, c):
    """Return the state (h, c) after one step, as one vector."""
    trace = sequence.forward(lstm, params, x[None], h, c)
    return join(trace.h[1], trace.c[1])


# --- Chapters of the longer book ---


@identity("eq-ch123-product")
def product_by_a_diagonal_matrix():
    rng = np.random.default_rng(0)
    u, v, dproduct = rng.normal(size=(3, H))
    close(np.diag(u), jacobian(lambda v: u * v, v))
    same(u * dproduct, np.diag(u).T @ dproduct)


@identity("eq-ch309-definitions")
def sigmoid_and_tanh():
    a = np.linspace(-5, 5, 41)
    same(sigmoid(a), 1 / (1 + np.exp(-a)))
    same(np.tanh(a), 2 * sigmoid(2 * a) - 1)


@identity("eq-ch309-derivatives")
def slopes_of_sigmoid_and_tanh():
    a, one = np.linspace(-5, 5, 41), np.ones(41)  # a = 0 is one of them
    s, y = sigmoid(a), np.tanh(a)
    close(np.diag(s * (1 - s)), jacobian(sigmoid, a))
    close(np.diag(1 - y**2), jacobian(np.tanh, a))
    same(sigmoid_vjp(one, s), s * (1 - s))
    same(tanh_vjp(one, y), 1 - y**2)
    assert (s * (1 - s)).max() == 0.25
    assert (1 - y**2).max() == 1


@identity("eq-ch336-softmax")
def softmax_of_scores():
    e = np.random.default_rng(0).normal(size=5)
    p = np.exp(e) / np.exp(e).sum()
    same(np.exp(losses.log_softmax(e)), p)
    same(p.sum(), 1.0)


@identity("eq-ch336-loss", "eq-ch319-factorisation")
def chain_rule_of_probability():
    rng = np.random.default_rng(0)
    V = 3
    params, W_y = rnn.init(V, H, rng=rng), rng.normal(size=(V, H))
    total = 0.0
    for tokens in itertools.product(range(V), repeat=4):
        scores = sequence.forward(rnn, params, np.eye(V)[list(tokens)]).h[:-1] @ W_y.T
        p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
        loss = -np.log(p[np.arange(4), tokens]).mean()
        total += np.exp(-4 * loss)
    same(total, 1.0)  # the probabilities of all sequences


# --- Sequence to sequence ---


def small_model(**options):
    """Return a network, its weights, and a batch of two pairs of different lengths."""
    rng = np.random.default_rng(0)
    sizes = {"sources": 8, "targets": 8, "embedding": 3, "hidden": H}
    network = seq2seq.Network(**sizes, **options)
    params = tree.map(lambda leaf: rng.normal(0, 0.7, leaf.shape), seq2seq.init(network, rng=rng))
    letters = tokenizer.Tokenizer(tuple("abcd"))
    pairs = seq2seq.Vocabularies(letters, letters)
    return network, params, pairs.batch(["abca", "db"], ["bc", "dadb"])


def softmax(scores):
    return np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)


def probabilities(network, params, batch):
    """Return p(y_s | y_<s, x) of each pair's true tokens, as a list of arrays."""
    logits, _ = seq2seq.logits(network, params, batch)
    p = np.take_along_axis(softmax(logits), batch.target[..., None], -1)
    return [p[:S, b, 0] for b, S in enumerate(batch.target_lengths)]


def states_by_hand(layers, x, *initial, residual=False):
    """Return the highest outputs, and the last states of each layer, of one sequence."""
    last = []
    for level, params in enumerate(layers):
        first = initial[level] if initial else ()
        trace = sequence.forward(lstm, params, x, *first)
        x = x + trace.h[1:] if residual and level else trace.h[1:]
        last.append((trace.h[-1], trace.c[-1]))
    return x, last


@identity("eq-encoder-decoder", "eq-stack")
def encoder_and_decoder():
    for residual in (False, True):
        network, params, batch = small_model(attention=None, layers=3, residual=residual)
        for b, p in enumerate(probabilities(network, params, batch)):
            x = params.source[batch.source[: batch.source_lengths[b], b]]
            _, zeta = states_by_hand(params.encoder, x, residual=residual)
            y = batch.target[: batch.target_lengths[b], b]
            before = params.target[[tokenizer.BOS, *y[:-1]]]
            q, _ = states_by_hand(params.decoder, before, *zeta, residual=residual)
            scores = q @ params.W_out.T + params.b_out
            same(p, softmax(scores)[np.arange(len(y)), y])


@identity("eq-masked-loss", "eq-perplexity")
def loss_of_tokens_and_not_of_padding():
    network, params, batch = small_model(attention="dot")
    p = np.concatenate(probabilities(network, params, batch))
    assert p.size == batch.target_lengths.sum() < batch.target.size
    nats = seq2seq.loss(network, params, batch)
    same(nats, -np.log(p).mean())
    same(seq2seq.perplexity(nats), np.prod(p) ** (-1 / p.size))
    same(2 ** seq2seq.bits(nats), seq2seq.perplexity(nats))


def memory_and_queries():
    rng = np.random.default_rng(1)
    return rng, rng.normal(size=(1, 4, H)), rng.normal(size=(1, 5, H))


@identity("eq-score", "eq-attention")
def attention_reads_a_mean():
    rng, q, m = memory_and_queries()
    for kind in seq2seq.KINDS:
        params = attention.init(kind, H, rng=rng)
        score = {
            "dot": lambda q, m, _: q @ m,
            "bilinear": lambda q, m, p: q @ p.W @ m,
            "additive": lambda q, m, p: p.v @ np.tanh(p.W_q @ q + p.W_m @ m),
        }[kind]
        e = np.array([[score(a, b, params) for b in m[0]] for a in q[0]])
        same(attention.scores(params, q, m)[0], e)
        means, weights = attention.attend(params, q, m, np.ones((1, 5), bool))
        same(weights[0], softmax(e))
        same(means[0], softmax(e) @ m[0])


@identity("eq-attention-vjp")
def attention_sends_gradients_back():
    _, q, m = memory_and_queries()
    mask = np.ones((1, 5), bool)
    _, weights = attention.attend(seq2seq.Dot(), q, m, mask)
    dmean = np.random.default_rng(2).normal(size=q.shape)
    alpha, dalpha = weights[0], dmean[0] @ m[0].T
    de = alpha * (dalpha - (alpha * dalpha).sum(axis=-1, keepdims=True))
    e = q[0] @ m[0].T
    close(
        de.ravel(),
        jacobian(lambda e: np.sum(softmax(e.reshape(4, 5)) @ m[0] * dmean[0]), e.ravel()),
    )
    _, _, dm = attention.attend_vjp(seq2seq.Dot(), q, m, weights, dmean)
    same(dm[0], alpha.T @ dmean[0] + de.T @ q[0])


@identity("eq-attention-output")
def what_was_read_and_what_it_was_read_for():
    network, params, batch = small_model(attention="dot")
    encoded = seq2seq.encode(network, params, batch.source, batch.source_lengths)
    first = np.full(2, tokenizer.BOS)
    logits, (states,) = seq2seq.step(network, params, encoded, encoded.states, first)
    _, weights = seq2seq.logits(network, params, batch)
    q = states[0]
    means = np.einsum("bt,bth->bh", weights[:, 0], encoded.memory)
    merged = np.tanh(join(means, q) @ params.attention.W_c.T)
    same(softmax(logits), softmax(merged @ params.W_out.T + params.b_out))


@identity("eq-lag")
def lags_of_a_copy():
    n = 7
    read_forwards = np.arange(1, n + 1)
    written = n + read_forwards
    same(written - read_forwards, n)
    read_backwards = np.argsort(np.arange(1, n + 1)[::-1]) + 1
    lags = written - read_backwards
    same(lags, 2 * np.arange(1, n + 1) - 1)
    same(lags.mean(), n)
    same(lags.min(), 1)


@identity("eq-length-normalised")
def scores_of_targets():
    network, params, batch = small_model(attention="dot")
    log_p = seq2seq.log_probability(network, params, batch)
    p = probabilities(network, params, batch)
    same(log_p, [np.log(each).sum() for each in p])
    longer = batch.target_lengths.max() + 1
    symbols = np.arange(4, 8)
    target, sizes = seq2seq.every_target(symbols, longer)
    every = seq2seq.Pairs(
        np.repeat(batch.source[:, :1], len(sizes), axis=1),
        np.repeat(batch.source_lengths[:1], len(sizes)),
        target,
        sizes,
    )
    all_p = seq2seq.log_probability(network, params, every)
    for alpha in (0.0, 1.0):
        found = seq2seq.exhaustive(
            network,
            params,
            batch.source[:, :1],
            batch.source_lengths[:1],
            longest=longer,
            symbols=symbols,
            exponent=alpha,
        )
        score = found.log_probability / found.lengths**alpha
        same(score, (all_p / sizes**alpha).max())


@identity("eq-bleu")
def bleu_of_two_sentences():
    outputs = ["the cat sat on the mat today", "it was very warm"]
    references = ["the cat sat on the red mat today", "it was very warm indeed"]
    shares = []
    for n in range(1, 5):
        hits = total = 0
        for output, reference in zip(outputs, references, strict=True):
            grams, known = (
                Counter(zip(*(words[k:] for k in range(n)), strict=False))
                for words in (output.split(), reference.split())
            )
            hits += (grams & known).total()
            total += grams.total()
        shares.append(hits / total)
    c, r = (sum(len(t.split()) for t in texts) for texts in (outputs, references))
    bleu = min(1, np.exp(1 - r / c)) * np.prod(shares) ** (1 / 4)
    scored = sacrebleu.corpus_bleu(outputs, [references]).score
    np.testing.assert_allclose(100 * bleu, scored, rtol=1e-9)


# --- The vanilla RNN ---


@identity("eq-rnn", "eq-ch317-rnn")
def rnn_forward():
    params, trace, _ = example(rnn)
    x, h = trace.x, trace.h
    for t in range(1, T + 1):
        a = params.W @ np.concatenate([x[t - 1], h[t - 1]]) + params.b
        same(h[t], np.tanh(a))


@identity("eq-rnn-jacobian", "eq-ch317-jacobian")
def rnn_jacobian():
    params, trace, _ = example(rnn)
    x, h = trace.x, trace.h
    (U,) = recurrent(params, rnn.GATES)
    for t in range(1, T + 1):
        step = jacobian(
            lambda h, t=t: sequence.forward(rnn, params, x[t - 1 : t], h).h[1], h[t - 1]
        )
        close(np.diag(1 - h[t] ** 2) @ U, step)


@identity("eq-rnn-product", "eq-ch317-jacobian")
def rnn_product():
    params, trace, _ = example(rnn)
    x, h = trace.x, trace.h
    (U,) = recurrent(params, rnn.GATES)
    for t in range(T):
        product = np.eye(H)
        for s in range(T, t, -1):
            product = product @ np.diag(1 - h[s] ** 2) @ U
        close(product, jacobian(lambda h, t=t: sequence.forward(rnn, params, x[t:], h).h[-1], h[t]))


@identity("eq-bptt-state", "eq-bptt-step")
def backpropagation_through_time():
    params, trace, rng = example(rnn)
    x, h = trace.x, trace.h
    e = rng.normal(size=(T, H))  # what the loss of each step adds
    W_x, U = np.split(params.W, [D], axis=1)
    da, dx = np.empty((T + 2, H)), np.empty((T, D))
    dW, db = np.zeros_like(params.W), np.zeros_like(params.b)
    da[T + 1] = 0  # nothing comes after the last step
    for t in range(T, 0, -1):
        dh = e[t - 1] + U.T @ da[t + 1]
        da[t] = dh * (1 - h[t] ** 2)
        dx[t - 1] = W_x.T @ da[t]
        dW += np.outer(da[t], np.concatenate([x[t - 1], h[t - 1]]))
        db += da[t]
    grads = sequence.backward(trace, e)
    same(grads.x, dx)
    same(grads.params.W, dW)
    same(grads.params.b, db)
    same(grads.h0, U.T @ da[1])


@identity("eq-bptt-paths", "eq-truncated")
def every_later_loss_sends_a_gradient():
    _, trace, rng = example(rnn)
    e = rng.normal(size=(T, H))
    J = jacobians.step_jacobians(trace)

    def weight_gradient(window):
        da = np.zeros((T, H))
        for t in range(1, T + 1):
            dh, back = np.zeros(H), np.eye(H)
            for s in range(t, min(T, t + window - 1) + 1):
                back = back if s == t else J[s - 1] @ back
                dh += back.T @ e[s - 1]
            da[t - 1] = dh * (1 - trace.h[t] ** 2)
        return rnn.weight_grads(trace, da)

    full = sequence.backward(trace, e).params
    for window in range(1, T + 1):
        cut = gradflow.window_grads(trace, e, window)
        same(cut.W, weight_gradient(window).W)
        same(cut.b, weight_gradient(window).b)
    same(weight_gradient(T).W, full.W)


@identity("eq-bptt-index")
def a_jacobian_is_a_sum_over_paths():
    params, trace, _ = example(rnn)
    x, h = trace.x, trace.h
    (U,) = recurrent(params, rnn.GATES)
    t, s = 1, 4
    numeric = jacobian(lambda h: sequence.forward(rnn, params, x[t:s], h).h[-1], h[t])
    for i, j in np.ndindex(H, H):
        total = 0.0
        for between in itertools.product(range(H), repeat=s - t - 1):
            k = (j, *between, i)
            total += np.prod(
                [(1 - h[t + r, k[r]] ** 2) * U[k[r], k[r - 1]] for r in range(1, s - t + 1)]
            )
        close(total, numeric[i, j])


@identity("eq-bound")
def norms_are_bounded():
    for gain in (0.3, 1.0, 4.0):
        params, trace, _ = example(rnn)
        params.W[:, D:] *= gain
        trace = sequence.forward(rnn, params, trace.x)
        norms = jacobians.log10_norms_of_products(jacobians.step_jacobians(trace))
        largest = np.linalg.norm(params.W[:, D:], ord=2)
        slopes = (1 - trace.h[1:] ** 2).max(axis=1)[::-1]  # latest first
        middle = np.cumprod(slopes * largest)
        k = np.arange(1, T + 1)
        assert (10**norms <= middle * (1 + 1e-12)).all()
        assert (middle <= largest**k).all()


@identity("eq-radius")
def powers_grow_at_the_spectral_radius():
    matrix = np.array([[0.8, 3.0], [0.0, 0.5]])
    k = 4000
    norm = jacobians.log10_norms_of_products(np.stack([matrix] * k))[-1]
    assert abs(10 ** (norm / k) - 0.8) < 1e-3
    assert abs(jacobians.spectral_radius(matrix) - 0.8) < 1e-15


@identity("eq-lyapunov")
def rate_of_growth_is_the_largest_exponent():
    rng = np.random.default_rng(0)
    params = rnn.init(D, H, rng=rng)
    trace = sequence.forward(rnn, params, rng.normal(size=(4000, D)))
    J = jacobians.step_jacobians(trace)
    rate = jacobians.log10_norms_of_products(J)[-1] * np.log(10) / len(J)
    assert abs(rate - jacobians.lyapunov_exponents(J)[0]) < 2e-3  # O(1 / T)


@identity("eq-cliff")
def loss_of_one_unit():
    w, b, h = 1.3, -0.1, 0.5
    for _ in range(50):
        h = np.tanh(w * h + b)
    landscape = gradflow.cliff(np.array([w]), np.array([b]))
    same(landscape.loss, [[(h - 0.7) ** 2]])


@identity("eq-clipping")
def clipping():
    g = np.array([3.0, 4.0])
    for theta in (1.0, 5.0, 7.0):
        clipped, norm = optim.clip_by_global_norm(g, theta)
        same(clipped, g * min(1, theta / np.linalg.norm(g)))
        same(norm, 5.0)


@identity("eq-adding-baseline")
def error_of_the_constant_guess():
    nodes, weights = np.polynomial.legendre.leggauss(3)  # exact for a parabola
    integral = np.sum(weights * (nodes / 2) ** 2) / 2
    same(2 * integral, 1 / 6)
    same(tasks.ADDING_BASELINE, 1 / 6)
    y = tasks.adding(10, 200_000, rng=np.random.default_rng(0)).y
    assert abs(y.var() - 1 / 6) < 2e-3  # four standard errors


# --- LSTM ---


@identity("eq-lstm-gates", "eq-lstm-state")
def lstm_forward():
    params, trace, _ = example(lstm)
    x, h, c = trace.x, trace.h, trace.c
    for t in range(1, T + 1):
        a = params.W @ np.concatenate([x[t - 1], h[t - 1]]) + params.b
        a_i, a_f, a_o, a_g = np.split(a, 4)
        i, f, o, g = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o), np.tanh(a_g)
        for name, gate in zip("ifog", (i, f, o, g), strict=True):
            same(trace.gates[name][t - 1], gate)
        same(c[t], f * c[t - 1] + i * g)
        same(h[t], o * np.tanh(c[t]))


@identity("eq-lstm-backward-cell", "eq-lstm-backward-gates", "eq-lstm-backward-out")
def lstm_backward():
    params, trace, rng = example(lstm)
    dh_t, dc_t = rng.normal(size=(2, H))
    for t in range(1, T + 1):
        i, f, o, g = (trace.gates[name][t - 1] for name in "ifog")
        xh = np.concatenate([trace.x[t - 1], trace.h[t - 1]])
        c_prev, c = trace.c[t - 1], trace.c[t]
        dc_bar = dc_t + dh_t * o * (1 - np.tanh(c) ** 2)
        da_i = dc_bar * g * i * (1 - i)
        da_f = dc_bar * c_prev * f * (1 - f)
        da_o = dh_t * np.tanh(c) * o * (1 - o)
        da_g = dc_bar * i * (1 - g**2)
        da = np.concatenate([da_i, da_f, da_o, da_g])
        dx, dh_prev = np.split(params.W.T @ da, [D])

        def loss(point):
            weights, x, h, c = point
            one = sequence.forward(lstm, weights, x, h, c)
            return float(dh_t @ one.h[1] + dc_t @ one.c[1])

        point = sequence.grads_type(lstm.STATES)
        at = point(params, trace.x[t - 1 : t], trace.h[t - 1], c_prev)
        weights = lstm.Params(np.outer(da, xh), da)
        analytic = point(weights, dx[None], dh_prev, dc_bar * f)
        numeric = gradcheck.numerical_gradient(loss, at)
        assert max(gradcheck.relative_errors(analytic, numeric).values()) < 1e-7


@identity("eq-lstm-backward-out")
def weight_gradients_are_summed_over_steps():
    params, trace, rng = example(lstm)
    dh = rng.normal(size=(T, H))
    grads = sequence.backward(trace, dh)
    dW, db = np.zeros_like(params.W), np.zeros_like(params.b)
    dstates = (np.zeros(H), np.zeros(H))
    for t in reversed(range(T)):
        da, dstates = lstm.step_vjp(trace.weights, trace.caches[t], dstates[0] + dh[t], dstates[1])
        dW += np.outer(da, np.concatenate([trace.x[t], trace.h[t]]))
        db += da
    same(grads.params.W, dW)
    same(grads.params.b, db)


@identity("eq-direct-step", "eq-direct-path")
def direct_path():
    _, trace, _ = example(lstm)
    i, f, _, g = trace.gates.values()
    direct = gradflow.direct_path(trace)
    for t in range(T):

        def with_gates_fixed(c, t=t):
            for s in range(t, T):
                c = f[s] * c + i[s] * g[s]
            return c

        numeric = jacobian(with_gates_fixed, trace.c[t])
        close(np.diag(np.prod(f[t:], axis=0)), numeric)
        same(direct[T - t - 1], np.prod(f[t:], axis=0))


@identity("eq-time-constant")
def time_constant():
    for bias in (-1.0, 0.0, 1.0, 4.0):
        tau = gradflow.time_constant(bias)
        same(tau, -1 / np.log(sigmoid(np.array(bias))))
        same(sigmoid(np.array(bias)) ** tau, np.exp(-1))


@identity("eq-bias-for-lag")
def bias_for_a_time_constant():
    for tau in (1.0, 10.0, 1000.0):
        bias = -np.log(np.expm1(1 / tau))
        same(gradflow.time_constant(bias), tau)
        assert abs(bias - np.log(tau)) < 1 / tau


@identity("eq-chrono")
def chrono():
    rng = np.random.default_rng(0)
    T_max = 50
    params = initialization.initializer(lstm, T_max=T_max)(D, 1000, rng=rng)
    b_i, b_f, _, _ = np.split(params.b, 4)
    same(b_i, -b_f)
    u = np.sort(np.exp(b_f))
    uniform = np.linspace(1, T_max - 1, u.size)
    assert np.abs(u - uniform).max() < 0.06 * T_max  # Kolmogorov, 1000 draws


@identity("eq-coupled")
def coupled_gates():
    params, trace, _ = example(coupled)
    x, h, c = trace.x, trace.h, trace.c
    for t in range(1, T + 1):
        a = params.W @ np.concatenate([x[t - 1], h[t - 1]]) + params.b
        a_f, _, a_g = np.split(a, 3)
        f, g = sigmoid(a_f), np.tanh(a_g)
        same(c[t], f * c[t - 1] + (1 - f) * g)


@identity("eq-leaky")
def leaky_integrator():
    params, trace, _ = example(gru)
    params.W[:H] = 0  # the update gate is left with its bias
    trace = sequence.forward(gru, params, trace.x, trace.h[0])
    h, z, candidate = trace.h, trace.gates["z"][0], trace.gates["h"]
    for t in range(1, T + 1):
        terms = [(1 - z) ** (t - s) * candidate[s - 1] for s in range(1, t + 1)]
        same(h[t], (1 - z) ** t * h[0] + z * np.sum(terms, axis=0))


@identity("eq-show")
def what_the_hidden_state_shows():
    _, trace, E, *_ = lstm_terms()
    o = trace.gates["o"]
    for t in range(1, T + 1):
        close(E[t - 1], jacobian(lambda c, t=t: o[t - 1] * np.tanh(c), trace.c[t]))


@identity("eq-listen")
def what_the_cell_state_hears():
    params, trace, _, A, *_ = lstm_terms()
    x, h, c = trace.x, trace.h, trace.c
    for t in range(1, T + 1):

        def cell(h, t=t):
            return lstm_step(params, x[t - 1], h, c[t - 1])[H:]

        close(A[t - 1], jacobian(cell, h[t - 1]))


@identity("eq-full-step")
def one_step_along_all_paths():
    params, trace, E, A, _, F = lstm_terms()
    x, c, o = trace.x, trace.c, trace.gates["o"]
    for t in range(2, T + 1):

        def cell(c, t=t):
            return lstm_step(params, x[t - 1], o[t - 2] * np.tanh(c), c)[H:]

        close(F[t - 1] + A[t - 1] @ E[t - 2], jacobian(cell, c[t - 1]))


@identity("eq-state-jacobian")
def jacobian_of_both_states():
    params, trace, E, A, R, F = lstm_terms()
    x, h, c = trace.x, trace.h, trace.c
    for t in range(1, T + 1):
        s = t - 1
        blocks = np.block([[R[s] + E[s] @ A[s], E[s] @ F[s]], [A[s], F[s]]])

        def both(hc, s=s):
            return lstm_step(params, x[s], hc[:H], hc[H:])

        close(blocks, jacobian(both, join(h[s], c[s])))


@identity("eq-full-path")
def many_steps_along_all_paths():
    params, trace, E, A, R, F = lstm_terms()
    x, c, o = trace.x, trace.c, trace.gates["o"]
    J = [np.block([[R[s] + E[s] @ A[s], E[s] @ F[s]], [A[s], F[s]]]) for s in range(T)]
    measured = list(gradflow.cell_jacobians(trace))
    for t in range(1, T):
        path = np.vstack([E[t - 1], np.eye(H)])
        for s in range(t, T):
            path = J[s] @ path

        def cell(c, t=t):
            first = o[t - 1] * np.tanh(c), c
            return sequence.forward(lstm, params, x[t:], *first).c[-1]

        close(path[H:], jacobian(cell, c[t]))
        same(path[H:], measured[T - t - 1])


# --- GRU, counting, checking ---


@identity("eq-gru-gates", "eq-gru-state")
def gru_forward():
    params, trace, _ = example(gru)
    x, h = trace.x, trace.h
    W_z, W_r, W_h = np.split(params.W, 3)
    b_z, b_r, b_h = np.split(params.b, 3)
    for t in range(1, T + 1):
        xh = np.concatenate([x[t - 1], h[t - 1]])
        z, r = sigmoid(W_z @ xh + b_z), sigmoid(W_r @ xh + b_r)
        candidate = np.tanh(W_h @ np.concatenate([x[t - 1], r * h[t - 1]]) + b_h)
        for name, gate in zip("zrh", (z, r, candidate), strict=True):
            same(trace.gates[name][t - 1], gate)
        same(h[t], (1 - z) * h[t - 1] + z * candidate)


@identity("eq-gru-direct")
def direct_path_of_the_gru():
    _, trace, _ = example(gru)
    h, z, candidate = trace.h, trace.gates["z"], trace.gates["h"]
    for t in range(T):

        def with_gates_fixed(h, t=t):
            return (1 - z[t]) * h + z[t] * candidate[t]

        close(np.diag(1 - z[t]), jacobian(with_gates_fixed, h[t]))


@identity("eq-count")
def count():
    for cell, G in ((rnn, 1), (gru, 3), (lstm, 4)):
        params, _, _ = example(cell)
        assert counting.layer(cell, D, H) == G * (H * (D + H) + H) == tree.size(params)


@identity("eq-central-difference", "eq-ch317-difference")
def central_difference():
    s, p = 1e-3, np.array(0.3)
    numeric = gradcheck.numerical_gradient(lambda p: float(np.exp(p)), p, step=s)
    same(numeric, (np.exp(p + s) - np.exp(p - s)) / (2 * s))
    assert abs(numeric - np.exp(p)) < s**2


@identity("eq-copy-baseline")
def copying_without_a_memory():
    for gap in (3, 40):
        x, y, classes = tasks.copy_memory(gap, 50, rng=np.random.default_rng(0))
        # It knows where the blanks are, and holds each symbol for equally likely.
        logits = np.zeros((*y.shape, classes))
        blank = classes - 1
        logits[..., blank] = np.where(np.arange(len(x)) < gap + 10, 1e3, -1e3)[:, np.newaxis]
        loss = losses.cross_entropy(logits, y)
        same(loss, 10 * np.log(8) / (gap + 20))
        same(tasks.copy_memory_baseline(gap), loss)


@pytest.mark.parametrize(
    "check", [pytest.param(check, id=f"{label}-{check.__name__}") for label, check in CHECKS]
)
def test_identity(check):
    check()


def test_every_displayed_equation_has_its_check():
    shown = {
        directive or dollars
        for page in CHAPTERS.glob("*.md")
        for directive, dollars in LABEL.findall(page.read_text(encoding="utf-8"))
    }
    assert shown == {label for label, _ in CHECKS}


def test_every_equation_reads_as_when_its_check_was_written():
    """After a change, look at the check too, and then run python -m tools.equations."""
    stored = tomllib.loads(equations.STORED.read_text(encoding="utf-8"))
    shown = equations.displayed(CHAPTERS)
    assert shown.keys() == {label for label, _ in CHECKS}
    changed = {
        label: (stored.get(label), formula)
        for label, formula in shown.items()
        if stored.get(label) != formula
    }
    assert changed == {}
    assert stored.keys() == shown.keys()


def test_every_displayed_equation_has_a_label():
    for page in CHAPTERS.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        displayed = text.count("```{math}") + len(re.findall(r"^\$\$", text, re.M)) / 2
        assert displayed == len(LABEL.findall(text)), page.name


def test_docstrings_cite_labels_that_are_in_the_chapters():
    package = Path(lstm.__file__).parent
    sources = "".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    cited = set(re.findall(r"``((?:eq|fig)-[\w-]+)``", sources))
    chapters = "".join(page.read_text("utf-8") for page in CHAPTERS.glob("*.md"))
    shown = set(re.findall(r"^ *(?:name|:label): ([\w-]+)$", chapters, re.MULTILINE))
    assert cited
    assert cited <= shown
