"""The cells under ``jax.lax.scan``, compiled as a whole; gradients by ``jax.vjp``."""

import jax
import jax.numpy as jnp
from jax.nn import sigmoid

from benchmarks.cases import Problem
from benchmarks.contenders import Contender

jax.config.update("jax_enable_x64", True)


def rnn(params, x, states):
    """Return the new states of a vanilla RNN."""
    (h,) = states
    return (jnp.tanh(jnp.concatenate([x, h], -1) @ params.W.T + params.b),)


def lstm(params, x, states):
    """Return the new states of an LSTM."""
    h, c = states
    a = jnp.concatenate([x, h], -1) @ params.W.T + params.b
    a_i, a_f, a_o, a_g = jnp.split(a, 4, -1)
    c = sigmoid(a_f) * c + sigmoid(a_i) * jnp.tanh(a_g)
    return sigmoid(a_o) * jnp.tanh(c), c


def gru(params, x, states):
    """Return the new state of a GRU of either kind."""
    (h,) = states
    D, H = x.shape[-1], h.shape[-1]
    gates = jnp.concatenate([x, h], -1) @ params.W[: 2 * H].T
    z, r = jnp.split(sigmoid(gates + params.b[: 2 * H]), 2, -1)
    W_x, U = params.W[2 * H :, :D], params.W[2 * H :, D:]
    if params.recurrent_bias is None:
        recurrent = (r * h) @ U.T
    else:
        recurrent = r * (h @ U.T + params.recurrent_bias)
    candidate = jnp.tanh(x @ W_x.T + params.b[2 * H :] + recurrent)
    return ((1 - z) * h + z * candidate,)


CELLS = {"rnn": rnn, "lstm": lstm, "gru": gru}


def contender(problem: Problem) -> Contender:
    """Return the compiled network."""
    arch = problem.arch
    cell = CELLS[problem.variant.partition("-")[0]]
    params, x, states, dh = jax.tree.map(
        jnp.asarray, (problem.params, problem.x, problem.states, problem.dh)
    )

    def run(params, x, states):
        def advance(states, x):
            states = cell(params, x, states)
            return states, states[0]

        return jax.lax.scan(advance, states, x)[1]

    def pull_back(params, x, states, dh):
        return jax.vjp(run, params, x, states)[1](dh)

    compiled, compiled_step = jax.jit(run), jax.jit(pull_back)

    def forward():
        return jax.block_until_ready(compiled(params, x, states))

    def step():
        return jax.block_until_ready(compiled_step(params, x, states, dh))

    def grads(result):
        dparams, dx, dstates = jax.device_get(result)
        return arch.Grads(dparams, dx, *dstates)

    return Contender(forward, step, jax.device_get, grads)
