"""``torch.nn.RNN``, ``LSTM`` and ``GRU``, the last of which resets after the matrix product."""

import numpy as np
import torch

from benchmarks.cases import Problem
from benchmarks.contenders import Contender
from lstm_lab import gru, interop

LAYERS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def layer(problem: Problem) -> torch.nn.RNNBase:
    """Return the layer with the problem's weights."""
    params = problem.params
    D, H = params.D, params.H
    if problem.variant == "gru-before":
        params = params._replace(recurrent_bias=np.zeros_like(params.b[:H]))
    kind = LAYERS[problem.variant.partition("-")[0]]
    built = kind(D, H, dtype=getattr(torch, params.b.dtype.name))
    arrays = interop.to_torch(params)
    built.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})
    return built


def contender(problem: Problem) -> Contender:
    """Return PyTorch's layer; of a GRU that resets before, the one that resets after."""
    arch = problem.arch
    network = layer(problem)
    leaves = [
        torch.from_numpy(array).requires_grad_()
        for array in (problem.x, *problem.states)
    ]
    dh = torch.from_numpy(problem.dh)

    def run():
        x, *states = leaves
        first = tuple(state[None] for state in states)
        return network(x, first if len(first) > 1 else first[0])[0]

    def forward():
        with torch.inference_mode():
            return run()

    def step():
        return torch.autograd.grad(run(), [*network.parameters(), *leaves], dh)

    def grads(result):
        weights, others = result[: -len(leaves)], result[-len(leaves) :]
        names = (name for name, _ in network.named_parameters())
        named = dict(zip(names, (w.numpy() for w in weights), strict=True))
        # Both biases have the same gradient, except where the second is the candidate's own.
        second = named["bias_hh_l0"] = named["bias_hh_l0"].copy()
        second[: 2 * problem.params.H if arch is gru else None] = 0
        params = interop.from_torch(arch, named)
        return arch.Grads(params, *(other.numpy() for other in others))

    if problem.variant == "gru-before":
        return Contender(forward, step)
    return Contender(forward, step, lambda result: result.numpy(), grads)
