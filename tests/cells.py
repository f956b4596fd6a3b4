"""Two cells that only the tests know: other gates and states, and further parameters."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from lstm_lab import lstm, packing
from lstm_lab.numerics import outer_sum, sigmoid, sigmoid_vjp, tanh_vjp
from lstm_lab.packing import Packed, Sizes, join, split_bias

# A minimal gated unit: one gate, which forgets and resets.


class MGUParams(Packed):
    gates = ("f", "h")


class MGUCache(NamedTuple):
    f: np.ndarray
    candidate: np.ndarray
    h_prev: np.ndarray
    read: np.ndarray


def mgu_step(w, row):
    h_prev = packing.state(row, w.params.H)
    f = sigmoid(row @ w.blocks[0])
    read = packing.with_state(row, f * h_prev)
    candidate = np.tanh(read @ w.blocks[1])
    h = (1 - f) * h_prev + f * candidate
    return (h,), MGUCache(f, candidate, h_prev, read)


def mgu_step_vjp(w, cache, dh):
    f, candidate, h_prev, _ = cache
    U_f, U_h = np.split(w.U, 2)
    da_h = tanh_vjp(dh * f, candidate)
    dreset = da_h @ U_h
    da_f = sigmoid_vjp(dh * (candidate - h_prev) + dreset * h_prev, f)
    return join(da_f, da_h), (dh * (1 - f) + dreset * f + da_f @ U_f,)


def mgu_weight_grads(trace, da):
    da_f, da_h = np.split(da, 2, axis=-1)
    read = np.stack([cache.read for cache in trace.caches])
    grads = outer_sum(da_f, trace.rows[:-1]), outer_sum(da_h, read)
    return MGUParams(*split_bias(np.vstack(grads)))


MGU = SimpleNamespace(
    __name__="tests.mgu",
    GATES=("f", "h"),
    STATES=("h",),
    DIRECT="h",
    LAG_BIASES={"f": -1},
    Params=MGUParams,
    init=lambda D, H, *, rng, dtype=np.float64: packing.draw(MGUParams, D, H, rng, dtype),
    step=mgu_step,
    step_vjp=mgu_step_vjp,
    direct_factor=lambda cache: 1 - cache.f,
    direct_total=lambda _cache, dh: dh,
    weight_grads=mgu_weight_grads,
)


# An LSTM whose gates look at the cell state, through one weight for each unit.


class _PeepholeArrays(NamedTuple):
    W: np.ndarray
    b: np.ndarray
    p_i: np.ndarray
    p_f: np.ndarray
    p_o: np.ndarray


class PeepholeParams(Sizes, _PeepholeArrays):
    gates = ("i", "f", "o", "g")


class PeepholeCache(NamedTuple):
    i: np.ndarray
    f: np.ndarray
    o: np.ndarray
    g: np.ndarray
    c_prev: np.ndarray
    c: np.ndarray
    p_o: np.ndarray


def peephole_init(D, H, *, rng, dtype=np.float64):
    W, b = packing.draw(lstm.Params, D, H, rng, dtype)
    return PeepholeParams(W, b, *np.zeros((3, H), dtype))


def peephole_step(w, row, c_prev):
    _, _, p_i, p_f, p_o = w.params
    a_i, a_f, a_o, a_g = row @ w.blocks
    i, f = sigmoid(a_i + p_i * c_prev), sigmoid(a_f + p_f * c_prev)
    g = np.tanh(a_g)
    c = f * c_prev + i * g
    o = sigmoid(a_o + p_o * c)
    return (o * np.tanh(c), c), PeepholeCache(i, f, o, g, c_prev, c, p_o)


def peephole_step_vjp(w, cache, dh, dc):
    i, f, o, g, c_prev, c, _ = cache
    dc = peephole_total(cache, dh, dc)
    da_i, da_f = sigmoid_vjp(dc * g, i), sigmoid_vjp(dc * c_prev, f)
    da_o, da_g = sigmoid_vjp(dh * np.tanh(c), o), tanh_vjp(dc * i, g)
    da = join(da_i, da_f, da_o, da_g)
    return da, (da @ w.U, dc * f + da_i * w.params.p_i + da_f * w.params.p_f)


def peephole_total(cache, dh, dc):
    tanh_c = np.tanh(cache.c)
    da_o = sigmoid_vjp(dh * tanh_c, cache.o)
    return dc + tanh_vjp(dh * cache.o, tanh_c) + da_o * cache.p_o


def peephole_weight_grads(trace, da):
    W, b = split_bias(outer_sum(da, trace.rows[:-1]))
    da_i, da_f, da_o, _ = np.split(da, 4, axis=-1)
    before, after = trace.c[:-1], trace.c[1:]
    steps = tuple(range(da.ndim - 1))
    pairs = (da_i, before), (da_f, before), (da_o, after)
    return PeepholeParams(W, b, *((d * c).sum(axis=steps) for d, c in pairs))


Peephole = SimpleNamespace(
    __name__="tests.peephole",
    GATES=("i", "f", "o", "g"),
    STATES=("h", "c"),
    DIRECT="c",
    LAG_BIASES={"f": 1, "i": -1},
    Params=PeepholeParams,
    init=peephole_init,
    step=peephole_step,
    step_vjp=peephole_step_vjp,
    direct_factor=lambda cache: cache.f,
    direct_total=peephole_total,
    weight_grads=peephole_weight_grads,
)
