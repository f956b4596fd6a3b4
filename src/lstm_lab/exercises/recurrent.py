"""Problems of chapter 317: a step of a vanilla RNN, backpropagation through time, clipping."""

from collections.abc import Callable

import numpy as np

from lstm_lab import optim, rnn
from lstm_lab.exercises.checking import (
    Arguments,
    Fault,
    Problem,
    fault,
    identity,
)
from lstm_lab.numerics import Array
from lstm_lab.packing import join

Transform = Callable[[Array], Array]


# --- A step ---


def _step(W: Array, b: Array, x: Array, h_prev: Array) -> Array:
    params = rnn.Params(W, b)
    return rnn.update(rnn.preactivation(params, x, h_prev))


def _other_step(
    W: Array,
    b: Array,
    x: Array,
    h_prev: Array,
    *,
    joined: Callable[[Array, Array], Array] = join,
    bias: float = 1.0,
    squash: Transform = np.tanh,
    carried: float = 0.0,
) -> Array:
    a = joined(x, h_prev) @ W.T + b * W.dtype.type(bias)
    return squash(a) + W.dtype.type(carried) * h_prev


def _logistic(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def step_probes(rng: np.random.Generator) -> list[Arguments]:
    """Return one sequence, a batch, and both again as float32; no size equals another."""
    D, H = 3, 5
    probes = []
    for batch in ((), (4,), (1,)):
        arrays = (
            rng.normal(size=(H, D + H)),
            rng.normal(size=H),
            rng.normal(size=(*batch, D)),
            rng.normal(size=(*batch, H)),
        )
        probes.append(arrays)
    return probes + [
        tuple(array.astype(np.float32) for array in probe)
        for probe in probes[:2]
    ]


RNN_STEP = Problem(
    arguments=("W", "b", "x", "h_prev"),
    results=("h",),
    solution=_step,
    probes=step_probes,
    faults=(
        fault(
            "The state before the input",
            "W is made for [x; h_prev]: its first D columns meet x.",
            _other_step,
            joined=lambda x, h: join(h, x),
        ),
        fault(
            "The bias is missing", "Add b before tanh.", _other_step, bias=0.0
        ),
        fault(
            "The bias has the wrong sign",
            "b is added, not subtracted.",
            _other_step,
            bias=-1.0,
        ),
        fault("The bias is added twice", "Add b once.", _other_step, bias=2.0),
        Fault(
            "The bias is outside of tanh",
            "b is a part of the pre-activation: tanh(W [x; h_prev] + b).",
            lambda W, b, x, h_prev: np.tanh(join(x, h_prev) @ W.T) + b,
        ),
        fault(
            "tanh is missing",
            "What is returned is the pre-activation; the new state is its tanh.",
            _other_step,
            squash=identity,
        ),
        fault(
            "A sigmoid instead of tanh",
            "The state of a vanilla RNN is between -1 and 1.",
            _other_step,
            squash=_logistic,
        ),
        fault(
            "ReLU instead of tanh",
            "That is another network: here the new state is a tanh.",
            _other_step,
            squash=lambda a: np.maximum(a, 0),
        ),
        fault(
            "tanh is taken twice",
            "Once is enough.",
            _other_step,
            squash=lambda a: np.tanh(np.tanh(a)),
        ),
        fault(
            "The path through h is missing",
            "h_prev has no effect: without it, nothing is remembered.",
            _other_step,
            joined=lambda x, h: join(x, 0 * h),
        ),
        fault(
            "The input has no effect",
            "x must meet the first D columns of W.",
            _other_step,
            joined=lambda x, h: join(0 * x, h),
        ),
        fault(
            "The old state is added",
            "A vanilla RNN replaces its state; adding to it is a residual connection.",
            _other_step,
            carried=1.0,
        ),
        Fault(
            "tanh before the product",
            "tanh is taken of W [x; h_prev] + b as a whole, not of what goes in.",
            lambda W, b, x, h_prev: np.tanh(join(x, h_prev)) @ W.T + b,
        ),
        Fault(
            "The state is squashed again",
            "h_prev is a state already; it enters the product as it is.",
            lambda W, b, x, h_prev: _step(W, b, x, np.tanh(h_prev)),
        ),
    ),
)


# --- Backpropagation through time ---


def _bptt(
    W: Array, b: Array, x: Array, h: Array, dh: Array
) -> tuple[Array, Array, Array, Array]:
    grads = rnn.backward(rnn.Params(W, b), rnn.Trace(x, h), dh)
    return grads.params.W, grads.params.b, grads.x, grads.h0


def _other_bptt(
    W: Array,
    b: Array,
    x: Array,
    h: Array,
    dh: Array,
    *,
    slope: Callable[[Array, Array], Array] = lambda _, after: 1 - after**2,
    carried: float = 1.0,
    receives: float = 1.0,
    recurrent: Callable[[Array], Array] = identity,
    inputs: Callable[[Array, Array, Array], Array] = lambda x, before, _: join(
        x, before
    ),
    first: int = 0,
    mean: bool = False,
    forwards: bool = False,
    last_alone: bool = False,
    through: str = "da",
) -> tuple[Array, Array, Array, Array]:
    D = x.shape[1]
    dW, db, dx = np.zeros_like(W), np.zeros_like(b), np.zeros_like(x)
    later = np.zeros_like(h[0])
    steps = range(first, len(x))
    for t in steps if forwards else reversed(steps):
        dh_t = receives * dh[t] + carried * later
        da = dh_t * slope(h[t], h[t + 1])
        if not last_alone or t == len(x) - 1:
            dW += np.outer(da, inputs(x[t], h[t], h[t + 1]))
            db += da
        dx[t] = da @ W[:, :D]
        later = (da if through == "da" else dh_t) @ recurrent(W[:, D:])
    if mean:
        dW, db = dW / len(x), db / len(x)
    return dW, db, dx, later


def _forgetful_bptt(
    W: Array, b: Array, x: Array, h: Array, dh: Array
) -> tuple[Array, Array, Array, Array]:
    dW, db, dx, _ = _bptt(W, b, x, h, dh)
    return dW, db, dx, np.zeros_like(h[0])


def bptt_probes(rng: np.random.Generator) -> list[Arguments]:
    """Return sequences of four steps and of one, and the first as float32."""
    D, H = 2, 3
    probes = []
    for T in (4, 1, 6):
        params = rnn.Params(rng.normal(size=(H, D + H)), rng.normal(size=H))
        trace = rnn.forward(params, rng.normal(size=(T, D)), rng.normal(size=H))
        probes.append((*params, *trace, rng.normal(size=(T, H))))
    return [*probes, tuple(a.astype(np.float32) for a in probes[0])]


BPTT = Problem(
    arguments=("W", "b", "x", "h", "dh"),
    results=("dW", "db", "dx", "dh0"),
    solution=_bptt,
    probes=bptt_probes,
    faults=(
        fault(
            "The path through later steps is missing",
            "A state also acts on all later ones: what the next step returns for its h_prev"
            " is added to dh[t].",
            _other_bptt,
            carried=0.0,
        ),
        fault(
            "The loss of each step but the last is ignored",
            "dh[t] is to be added at every step, not only where the loop begins.",
            lambda W, b, x, h, dh: _other_bptt(
                W, b, x, h, np.concatenate([0 * dh[:-1], dh[-1:]])
            ),
        ),
        fault(
            "The slope of tanh is missing",
            "da = dh * (1 - h**2).",
            _other_bptt,
            slope=lambda _, after: np.ones_like(after),
        ),
        fault(
            "The slope is taken at the wrong step",
            "h has T + 1 rows: step t reads h[t] and writes h[t + 1], and the slope is"
            " 1 - h[t + 1]**2.",
            _other_bptt,
            slope=lambda before, _: 1 - before**2,
        ),
        fault(
            "The slope of a sigmoid",
            "h (1 - h) belongs to the sigmoid; tanh has 1 - h**2.",
            _other_bptt,
            slope=lambda _, after: after * (1 - after),
        ),
        fault(
            "tanh is taken of the state",
            "h is a tanh already: the slope is 1 - h**2, not 1 - tanh(h)**2.",
            _other_bptt,
            slope=lambda _, after: 1 - np.tanh(after) ** 2,
        ),
        fault(
            "The square is missing",
            "The slope of tanh is 1 - h**2, not 1 - h.",
            _other_bptt,
            slope=lambda _, after: 1 - after,
        ),
        fault(
            "U is not transposed",
            "Back through h_prev, da meets the transpose of U: as a row, da @ U.",
            _other_bptt,
            recurrent=lambda U: U.T,
        ),
        fault(
            "The weights meet the wrong state",
            "W was multiplied by [x[t]; h[t]], the state before the step.",
            _other_bptt,
            inputs=lambda x, _, after: join(x, after),
        ),
        fault(
            "The order of [x; h_prev] is turned round",
            "The first D columns of dW belong to x.",
            lambda W, b, x, h, dh: (
                np.roll(_bptt(W, b, x, h, dh)[0], W.shape[0], axis=1),
                *_bptt(W, b, x, h, dh)[1:],
            ),
        ),
        fault(
            "The mean over the steps",
            "The weights are the same at every step, and their gradients add up.",
            _other_bptt,
            mean=True,
        ),
        fault(
            "The steps are taken forwards",
            "What comes back from step t + 1 must be there when step t is reached: the loop"
            " runs from the last step to the first.",
            _other_bptt,
            forwards=True,
        ),
        fault(
            "The first step is left out",
            "range(T - 1, 0, -1) ends before step 0.",
            _other_bptt,
            first=1,
        ),
        fault(
            "Only the last step's weights",
            "dW and db are sums over all steps: += instead of =, and zeros before the loop.",
            _other_bptt,
            last_alone=True,
        ),
        fault(
            "The way back skips tanh",
            "What goes to the step before is da @ U, and not dh @ U.",
            _other_bptt,
            through="dh",
        ),
        Fault(
            "dh0 is zero",
            "The initial state has a gradient as well: what the first step returns for h_prev.",
            _forgetful_bptt,
        ),
    ),
    hints={
        "Wrong values": "A numerical gradient (gradcheck.numerical_gradient) finds the step"
        " at which they part."
    },
)


# --- Clipping ---


def _clip(dW: Array, db: Array, max_norm: float) -> tuple[Array, Array]:
    dW, db = optim.clip_by_global_norm((dW, db), max_norm).grads
    return dW, db


def _scale(
    dW: Array,
    db: Array,
    max_norm: float,
    *,
    norm: Callable[[Array, Array], float],
    factor: Callable[[float, float], float] = lambda limit, n: min(
        1.0, limit / n
    ),
) -> tuple[Array, Array]:
    by = dW.dtype.type(factor(max_norm, norm(dW, db)))
    return dW * by, db * by


def _norm(*arrays: Array) -> float:
    """Return the norm of all numbers together."""
    return float(np.sqrt(sum(np.square(a).sum() for a in arrays)))


def clip_probes(rng: np.random.Generator) -> list[Arguments]:
    """Return gradients above the limit, below it, at zero, of unlike sizes, and as float32."""
    dW, db = rng.normal(size=(3, 4)), rng.normal(size=3)
    probes = [
        (dW, db, 0.5),
        (dW, 10 * db, 2.0),
        (0.01 * dW, db, 1.5),
        (0.01 * dW, 0.01 * db, 5.0),
        (0 * dW, 0 * db, 1.0),
    ]
    single = (dW.astype(np.float32), db.astype(np.float32), 0.5)
    return [*probes, single]


CLIP = Problem(
    arguments=("dW", "db", "max_norm"),
    results=("dW", "db"),
    solution=_clip,
    probes=clip_probes,
    faults=(
        Fault(
            "Each array is clipped by itself",
            "One norm over all arrays, and one factor for all: otherwise the direction changes.",
            lambda dW, db, limit: tuple(
                g * g.dtype.type(min(1.0, limit / max(_norm(g), 1e-300)))
                for g in (dW, db)
            ),
        ),
        Fault(
            "Each number is clipped by itself",
            "Clipping by value changes the direction; here the whole gradient is shortened.",
            lambda dW, db, limit: (
                np.clip(dW, -limit, limit),
                np.clip(db, -limit, limit),
            ),
        ),
        Fault(
            "Nothing is clipped",
            "A gradient with a norm above max_norm must come back with the norm max_norm.",
            lambda dW, db, _: (dW, db),
        ),
        fault(
            "Small gradients are made longer",
            "Below max_norm a gradient stays as it is: the factor is at most one.",
            _scale,
            norm=lambda *g: max(_norm(*g), 1e-300),
            factor=lambda limit, n: limit / n,
        ),
        fault(
            "The square root is missing",
            "The norm is the root of the sum of squares.",
            _scale,
            norm=lambda *g: max(_norm(*g) ** 2, 1e-300),
        ),
        fault(
            "The sum of magnitudes",
            "The norm is the root of the sum of squares, not the sum of absolute values.",
            _scale,
            norm=lambda *g: max(sum(float(np.abs(a).sum()) for a in g), 1e-300),
        ),
        fault(
            "The largest number instead of the norm",
            "The norm is the root of the sum of the squares of all numbers.",
            _scale,
            norm=lambda *g: max(*(float(np.abs(a).max()) for a in g), 1e-300),
        ),
        fault(
            "The norms of the arrays are added",
            "Squares are added, over all arrays, and then the root is taken.",
            _scale,
            norm=lambda *g: max(sum(map(_norm, g)), 1e-300),
        ),
        fault(
            "The larger of the two norms",
            "One norm over all numbers: the root of the sum of all squares.",
            _scale,
            norm=lambda *g: max(*map(_norm, g), 1e-300),
        ),
        fault(
            "The norm of dW alone",
            "db is a part of the gradient too.",
            _scale,
            norm=lambda dW, _: max(_norm(dW), 1e-300),
        ),
        fault(
            "The root of the mean",
            "The norm has the sum of the squares under the root, not their mean.",
            _scale,
            norm=lambda *g: max(
                _norm(*g) / float(np.sqrt(sum(a.size for a in g))), 1e-300
            ),
        ),
        fault(
            "Clipped to one",
            "The factor is max_norm divided by the norm.",
            _scale,
            norm=_norm,
            factor=lambda limit, n: 1 / n if n > limit else 1.0,
        ),
        fault(
            "The factor is upside down",
            "The factor is max_norm divided by the norm, and at most one.",
            _scale,
            norm=_norm,
            factor=lambda limit, n: n / limit if n > limit else 1.0,
        ),
        Fault(
            "The biases are not scaled",
            "All arrays are multiplied by the same factor.",
            lambda dW, db, limit: (_clip(dW, db, limit)[0], db),
        ),
        Fault(
            "The weights are not scaled",
            "All arrays are multiplied by the same factor.",
            lambda dW, db, limit: (dW, _clip(dW, db, limit)[1]),
        ),
    ),
    hints=dict.fromkeys(
        ("It divides by zero", "Not finite"),
        "A gradient of zero has the norm zero: do not divide by it.",
    ),
    divides=False,
)
