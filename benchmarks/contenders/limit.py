"""The least work: NumPy's matrix products and exponentials, and nothing that joins them.

Products go into buffers that are allocated once, in the tiles of `lstm_lab.kernels`. In a
forward step the inputs and the state, side by side, meet the weights, and each gate is one
exponential a number, or one tanh where that is quicker; the LSTM needs one more for its cell
state. Backward, gradients of the gates meet the weights again, step by step, and after the loop
all inputs and states at once.
"""

import numpy as np

from benchmarks.cases import Problem
from benchmarks.contenders import Contender
from benchmarks.timing import calls_for
from lstm_lab.kernels import step_products

# Gates whose products can be one; the GRU's candidate waits for its reset gate.
BLOCKS = {"rnn": (1,), "lstm": (4,), "gru-before": (2, 1), "gru-after": (2, 1)}


def quicker(a):
    """Return np.exp or np.tanh, whichever can be called more often on `a` in the same time."""
    return max(
        (np.exp, np.tanh),
        key=lambda function: calls_for(lambda: function(a), at_least=0.005),
    )


def contender(problem: Problem) -> Contender:
    """Return the bare products and exponentials of a problem."""
    T, B, D = problem.x.shape
    H = problem.params.H
    rng, dtype = np.random.default_rng(0), problem.x.dtype

    def normal(*shape):
        return rng.normal(0, 0.1, shape).astype(dtype)

    inputs = normal(T, B, D + H)
    rows = inputs.reshape(T * B, D + H)
    dinputs = np.empty((1, B, D + H), dtype)
    blocks = []
    for gates in BLOCKS[problem.variant]:
        W, a = normal(gates, D + H, H), np.empty((1, gates, B, H), dtype)
        da = normal(T, B, gates * H)
        blocks.append(
            (
                a,
                step_products(inputs, W, a),
                step_products(da, np.hstack(W).T, dinputs),
                da.reshape(T * B, -1).T,
                np.empty((gates * H, D + H), dtype),
            )
        )
    activate = quicker(normal(B, H))
    cell, activated = normal(B, H), np.empty((B, H), dtype)

    def forward():
        for t in range(T):
            for a, (multiply, x, W, (out,)), *_ in blocks:
                multiply(x[t], W, out=out)
                activate(a, out=a)
            if problem.variant == "lstm":
                activate(cell, out=activated)

    def step():
        forward()
        for t in reversed(range(T)):
            for _, _, (multiply, da, W, (out,)), _, _ in blocks:
                multiply(da[t], W, out=out)
        for *_, da, dW in blocks:
            np.matmul(da, rows, out=dW)

    return Contender(forward, step)
