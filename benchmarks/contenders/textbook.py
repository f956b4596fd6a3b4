"""The LSTM as textbooks code it: one example at a time, vectors, gradients added step by step."""

import numpy as np

from benchmarks.cases import Problem
from benchmarks.contenders import Contender
from lstm_lab import lstm


def contender(problem: Problem) -> Contender:
    """Return a loop over examples, and steps within it."""
    params, x, dh = problem.params, problem.x, problem.dh
    T, B, D = x.shape

    def forward_one(n):
        h, c = (state[n] for state in problem.states)
        steps = []
        for t in range(T):
            c_prev, h_prev = c, h
            a = lstm.preactivation(params, x[t, n], h_prev)
            h, c, gates = lstm.update(a, c_prev)
            steps.append(
                (np.concatenate([x[t, n], h_prev]), gates, c_prev, c, h)
            )
        return steps

    def forward():
        return [forward_one(n) for n in range(B)]

    def outputs(result):
        return np.array(
            [[step[-1] for step in steps] for steps in result]
        ).swapaxes(0, 1)

    def step():
        dW, db = np.zeros_like(params.W), np.zeros_like(params.b)
        dx = np.empty_like(x)
        dstates = [np.zeros_like(state) for state in problem.states]
        for n in range(B):
            dh_next, dc = (dstate[n] for dstate in dstates)
            steps = forward_one(n)
            for t in reversed(range(T)):
                xh, gates, c_prev, c, _ = steps[t]
                da, dc = lstm.update_vjp(
                    dh[t, n] + dh_next, dc, gates, c_prev, c
                )
                dW += np.outer(da, xh)
                db += da
                dx[t, n], dh_next = np.split(da @ params.W, [D])
            dstates[0][n], dstates[1][n] = dh_next, dc
        return lstm.Grads(lstm.Params(dW, db), dx, *dstates)

    return Contender(forward, step, outputs, lambda grads: grads)
