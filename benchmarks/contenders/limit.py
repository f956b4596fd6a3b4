"""The least work: NumPy's matrix products and exponentials, and nothing that joins them.

Products go into buffers that are allocated once. In a forward step the inputs and the state,
side by side, meet the weights, and each gate is one exponential a number, or one tanh where
that is quicker; the LSTM needs one more for its cell state. Backward, gradients of the gates
meet the weights again, step by step, and after the loop all inputs and states at once.
"""

import numpy as np

from benchmarks.cases import Problem
from benchmarks.contenders import Contender
from benchmarks.timing import calls_for

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
    blocks = [
        (
            normal(D + H, gates * H),
            np.empty((B, gates * H), dtype),
            normal(T, B, gates * H),
            np.empty((gates * H, D + H), dtype),
        )
        for gates in BLOCKS[problem.variant]
    ]
    activate = quicker(normal(B, H))
    cell, activated = normal(B, H), np.empty((B, H), dtype)
    dinputs = np.empty((B, D + H), dtype)

    def forward():
        for t in range(T):
            for W, a, _, _ in blocks:
                np.matmul(inputs[t], W, out=a)
                activate(a, out=a)
            if problem.variant == "lstm":
                activate(cell, out=activated)

    def step():
        forward()
        for t in reversed(range(T)):
            for W, _, da, _ in blocks:
                np.matmul(da[t], W.T, out=dinputs)
        for _, _, da, dW in blocks:
            np.matmul(da.reshape(T * B, -1).T, rows, out=dW)

    return Contender(forward, step)
