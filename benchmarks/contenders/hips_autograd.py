"""The batched textbook LSTM, a loop over steps, differentiated by HIPS autograd."""

import autograd
import autograd.numpy as np

from benchmarks.cases import Problem
from benchmarks.contenders import Contender


def sigmoid(a):
    """Return the logistic function."""
    return 1 / (1 + np.exp(-a))


def run(W, b, x, h, c):
    """Return all hidden states (T, B, H)."""
    H = h.shape[-1]
    outputs = []
    for t in range(len(x)):
        a = np.concatenate([x[t], h], -1) @ W.T + b
        i, f, o = (sigmoid(a[:, k * H : (k + 1) * H]) for k in range(3))
        g = np.tanh(a[:, 3 * H :])
        c = f * c + i * g
        h = o * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs)


def contender(problem: Problem) -> Contender:
    """Return the network and its gradient."""
    arch = problem.arch
    arguments = (*problem.params, problem.x, *problem.states)
    pull_back = autograd.make_vjp(run, tuple(range(len(arguments))))

    def step():
        return pull_back(*arguments)[0](problem.dh)

    def grads(result):
        dW, db, *others = result
        return arch.Grads(type(problem.params)(dW, db), *others)

    return Contender(
        lambda: run(*arguments), step, lambda result: result, grads
    )
