"""Problems of chapter 318: a step of the LSTM, its backward pass, and a step of the GRU."""

from collections.abc import Callable, Sequence

import numpy as np

from lstm_lab import gru, lstm
from lstm_lab.exercises.checking import (
    Arguments,
    Fault,
    Problem,
    fault,
    identity,
)
from lstm_lab.exercises.recurrent import step_probes
from lstm_lab.numerics import Array, sigmoid
from lstm_lab.packing import join, split

Transform = Callable[[Array], Array]
Gates = Sequence[str]


# --- A step of the LSTM ---


def _lstm_step(
    W: Array, b: Array, x: Array, h_prev: Array, c_prev: Array
) -> tuple[Array, Array]:
    params = lstm.Params(W, b)
    h, c, _ = lstm.update(lstm.preactivation(params, x, h_prev), c_prev)
    return h, c


def _cell(
    i: Array, f: Array, o: Array, g: Array, c_prev: Array
) -> tuple[Array, Array]:
    c = f * c_prev + i * g
    return o * np.tanh(c), c


def _other_lstm_step(
    W: Array,
    b: Array,
    x: Array,
    h_prev: Array,
    c_prev: Array,
    *,
    order: Gates = lstm.GATES,
    joined: Callable[[Array, Array], Array] = join,
    bias: float = 1.0,
    gate: Transform = sigmoid,
    candidate: Transform = np.tanh,
    cell: Callable[..., tuple[Array, Array]] = _cell,
) -> tuple[Array, Array]:
    a = joined(x, h_prev) @ W.T + b * W.dtype.type(bias)
    of = dict(zip(order, split(a, order), strict=True))
    i, f, o = (gate(of[name]) for name in "ifo")
    return cell(i, f, o, candidate(of["g"]), c_prev)


def _lstm_probes(rng: np.random.Generator) -> list[Arguments]:
    return _with_cell_state(
        _stacked(step_probes(rng), len(lstm.GATES), rng), rng
    )


def _stacked(
    probes: list[Arguments], blocks: int, rng: np.random.Generator
) -> list[Arguments]:
    """Return probes whose W and b have a block for each gate, all different."""
    found = []
    for W, b, *states in probes:
        blocks_of_W = rng.normal(size=(blocks * len(W), W.shape[1]))
        packed = blocks_of_W, rng.normal(size=blocks * len(b))
        found.append((*(a.astype(W.dtype) for a in packed), *states))
    return found


def _with_cell_state(
    probes: list[Arguments], rng: np.random.Generator
) -> list[Arguments]:
    return [
        (*probe, rng.normal(size=probe[-1].shape).astype(probe[-1].dtype))
        for probe in probes
    ]


def _order(name: str, order: Gates) -> Fault:
    return fault(
        f"The gates in the order of {name}",
        f"That is {', '.join(order)}; this book's order is {', '.join(lstm.GATES)}"
        " (lstm.GATES).",
        _other_lstm_step,
        order=order,
    )


def _cell_fault(
    name: str, explanation: str, cell: Callable[..., tuple[Array, Array]]
) -> Fault:
    return fault(name, explanation, _other_lstm_step, cell=cell)


LSTM_STEP = Problem(
    arguments=("W", "b", "x", "h_prev", "c_prev"),
    results=("h", "c"),
    solution=_lstm_step,
    probes=_lstm_probes,
    faults=(
        _order("PyTorch and Keras", ("i", "f", "g", "o")),
        _order("ONNX", ("i", "o", "f", "g")),
        _order("the alphabet", ("f", "g", "i", "o")),
        fault(
            "Input and forget gate are exchanged",
            "The forget gate meets c_prev, the input gate meets g.",
            _other_lstm_step,
            order=("f", "i", "o", "g"),
        ),
        Fault(
            "h and c are exchanged",
            "Return h first, then c.",
            lambda *args: _lstm_step(*args)[::-1],
        ),
        fault(
            "The state before the input",
            "W is made for [x; h_prev]: its first D columns meet x.",
            _other_lstm_step,
            joined=lambda x, h: join(h, x),
        ),
        fault(
            "The path through h is missing",
            "h_prev has no effect on the gates and the candidate.",
            _other_lstm_step,
            joined=lambda x, h: join(x, 0 * h),
        ),
        fault(
            "The gates read c instead of h",
            "What goes into the product beside x is h_prev; c_prev meets the forget gate alone.",
            lambda W, b, x, h, c: _lstm_step(W, b, x, c, c),
        ),
        fault("The bias is missing", "Add b.", _other_lstm_step, bias=0.0),
        fault(
            "The bias has the wrong sign",
            "b is added, not subtracted.",
            _other_lstm_step,
            bias=-1.0,
        ),
        fault(
            "The candidate is a sigmoid",
            "g = tanh(a_g): it must be able to lower a cell state.",
            _other_lstm_step,
            candidate=sigmoid,
        ),
        fault(
            "The candidate has no tanh",
            "g = tanh(a_g).",
            _other_lstm_step,
            candidate=identity,
        ),
        fault(
            "The gates are tanh",
            "Gates are sigmoids, between zero and one; only the candidate is a tanh.",
            _other_lstm_step,
            gate=np.tanh,
        ),
        _cell_fault(
            "The forget gate is missing",
            "c = f * c_prev + i * g. (The LSTM of 1997 had no forget gate.)",
            lambda i, f, o, g, c: _cell(i, np.ones_like(f), o, g, c),
        ),
        _cell_fault(
            "The old cell state is missing",
            "c = f * c_prev + i * g: without the first term nothing is remembered.",
            lambda i, f, o, g, c: _cell(i, f, o, g, 0 * c),
        ),
        _cell_fault(
            "The input gate is missing",
            "c = f * c_prev + i * g.",
            lambda i, f, o, g, c: _cell(np.ones_like(i), f, o, g, c),
        ),
        _cell_fault(
            "The input gate is 1 - f",
            "That is the cell with coupled gates; here i has weights of its own.",
            lambda _, f, o, g, c: _cell(1 - f, f, o, g, c),
        ),
        _cell_fault(
            "The candidate is subtracted",
            "c = f * c_prev + i * g, with a plus.",
            lambda i, f, o, g, c: _cell(i, f, o, -g, c),
        ),
        _cell_fault(
            "The output gate is missing",
            "h = o * tanh(c).",
            lambda i, f, o, g, c: _cell(i, f, np.ones_like(o), g, c),
        ),
        _cell_fault(
            "The tanh of the cell state is missing",
            "h = o * tanh(c), not o * c.",
            lambda i, f, o, g, c: (o * (f * c + i * g), f * c + i * g),
        ),
        _cell_fault(
            "h is made from the old cell state",
            "h = o * tanh(c), with the new c.",
            lambda i, f, o, g, c: (o * np.tanh(c), f * c + i * g),
        ),
        _cell_fault(
            "tanh is taken of the product",
            "h = o * tanh(c), not tanh(o * c).",
            lambda i, f, o, g, c: (
                np.tanh(o * (f * c + i * g)),
                f * c + i * g,
            ),
        ),
        _cell_fault(
            "The cell state is squashed",
            "tanh is taken of c on its way to h only; c itself is a plain sum.",
            lambda i, f, o, g, c: (
                o * np.tanh(f * c + i * g),
                np.tanh(f * c + i * g),
            ),
        ),
    ),
)


# --- Its backward pass ---


def _lstm_backward(
    W: Array,
    b: Array,
    x: Array,
    h_prev: Array,
    c_prev: Array,
    dh: Array,
    dc: Array,
) -> tuple[Array, ...]:
    params = lstm.Params(W, b)
    _, c, gates = lstm.update(lstm.preactivation(params, x, h_prev), c_prev)
    da, dc_prev = lstm.update_vjp(dh, dc, gates, c_prev, c)
    return _through_product(W, x, h_prev, da, dc_prev)


def _through_product(
    W: Array, x: Array, h_prev: Array, da: Array, dc_prev: Array
) -> tuple[Array, ...]:
    dx, dh_prev = np.split(da @ W, [len(x)])
    return np.outer(da, join(x, h_prev)), da, dx, dh_prev, dc_prev


def _other_lstm_backward(
    W: Array,
    b: Array,
    x: Array,
    h_prev: Array,
    c_prev: Array,
    dh: Array,
    dc: Array,
    *,
    through_h: Callable[[Array, Array], Array] = lambda o, c: (
        o * (1 - np.tanh(c) ** 2)
    ),
    from_later: float = 1.0,
    slope: Transform = lambda s: s * (1 - s),
    candidate: Transform = lambda g: 1 - g**2,
    met: Callable[..., tuple[Array, ...]] = lambda i, g, c_prev, c: (
        *(g, c_prev, np.tanh(c)),
        i,
    ),
    keeps: Callable[..., Array] = lambda total, f, dc, i: total * f,
    order: Gates = lstm.GATES,
) -> tuple[Array, ...]:
    params = lstm.Params(W, b)
    _, c, (i, f, o, g) = lstm.update(
        lstm.preactivation(params, x, h_prev), c_prev
    )
    total = from_later * dc + dh * through_h(o, c)
    by_i, by_f, by_o, by_g = met(i, g, c_prev, c)
    of = {
        "i": total * by_i * slope(i),
        "f": total * by_f * slope(f),
        "o": dh * by_o * slope(o),
        "g": total * by_g * candidate(g),
    }
    da = join(*(of[name] for name in order))
    return _through_product(W, x, h_prev, da, keeps(total, f, dc, i))


def _backward_probes(rng: np.random.Generator) -> list[Arguments]:
    """Return single steps with everything random, one with no loss on c, one as float32."""
    probes = []
    for with_dc in (1.0, 1.0, 0.0):
        (step, *_) = _lstm_probes(rng)
        dh, dc = rng.normal(size=(2, *step[-1].shape))
        probes.append((*step, dh, with_dc * dc))
    return [*probes, tuple(a.astype(np.float32) for a in probes[0])]


def _backward_fault(name: str, explanation: str, **options: object) -> Fault:
    return fault(name, explanation, _other_lstm_backward, **options)


def _result(n: int, change: Callable[..., Array]) -> Callable[..., object]:
    """Return the right function, but for one result."""

    def changed(*args: Array) -> tuple[Array, ...]:
        right = [*_lstm_backward(*args)]
        right[n] = change(right[n], *args)
        return tuple(right)

    return changed


LSTM_BACKWARD = Problem(
    arguments=("W", "b", "x", "h_prev", "c_prev", "dh", "dc"),
    results=("dW", "db", "dx", "dh_prev", "dc_prev"),
    solution=_lstm_backward,
    probes=_backward_probes,
    faults=(
        _backward_fault(
            "The path through h is missing",
            "c also acts on the loss through h = o * tanh(c) of the same step: add"
            " dh * o * (1 - tanh(c)**2) to dc first.",
            through_h=lambda o, _: 0 * o,
        ),
        _backward_fault(
            "What comes from later steps is dropped",
            "dc is added to what reaches c through h, not replaced by it.",
            from_later=0.0,
        ),
        _backward_fault(
            "The output gate is missing on the way to c",
            "h = o * tanh(c): the slope of h in c is o * (1 - tanh(c)**2).",
            through_h=lambda _, c: 1 - np.tanh(c) ** 2,
        ),
        _backward_fault(
            "The slope of tanh(c) is missing",
            "h = o * tanh(c): the slope of h in c is o * (1 - tanh(c)**2).",
            through_h=lambda o, _: o,
        ),
        _backward_fault(
            "The slope is taken of c, not of tanh(c)",
            "The slope of tanh at c is 1 - tanh(c)**2, not 1 - c**2.",
            through_h=lambda o, c: o * (1 - c**2),
        ),
        _backward_fault(
            "The slopes of the gates are missing",
            "da_i = di * i * (1 - i), and so for f and o.",
            slope=np.ones_like,
        ),
        _backward_fault(
            "The slope of a gate is s, not s (1 - s)",
            "The slope of the sigmoid is s * (1 - s).",
            slope=identity,
        ),
        _backward_fault(
            "The slope of tanh for the gates",
            "Gates are sigmoids: s * (1 - s), not 1 - s**2.",
            slope=lambda s: 1 - s**2,
        ),
        _backward_fault(
            "The slope of the candidate is missing",
            "da_g = dg * (1 - g**2).",
            candidate=np.ones_like,
        ),
        _backward_fault(
            "The slope of a sigmoid for the candidate",
            "The candidate is a tanh: 1 - g**2.",
            candidate=lambda g: g * (1 - g),
        ),
        _backward_fault(
            "The forget gate meets the new cell state",
            "f was multiplied by c_prev.",
            met=lambda i, g, _, c: (g, c, np.tanh(c), i),
        ),
        _backward_fault(
            "The output gate meets c, not tanh(c)",
            "h = o * tanh(c), so that do = dh * tanh(c).",
            met=lambda i, g, c_prev, c: (g, c_prev, c, i),
        ),
        _backward_fault(
            "i and g are exchanged",
            "i was multiplied by g: di has the factor g, and dg the factor i.",
            met=lambda i, g, c_prev, c: (i, c_prev, np.tanh(c), g),
        ),
        _backward_fault(
            "dc_prev without the path through h",
            "dc_prev = f * (all that reaches c), and that includes what comes through h.",
            keeps=lambda total, f, dc, i: dc * f,
        ),
        _backward_fault(
            "dc_prev without the forget gate",
            "c_prev was multiplied by f.",
            keeps=lambda total, f, dc, i: total,
        ),
        _backward_fault(
            "dc_prev with the input gate",
            "c_prev was multiplied by f, not by i.",
            keeps=lambda total, f, dc, i: total * i,
        ),
        _backward_fault(
            "The gates in the order of PyTorch and Keras",
            "This book's order is i, f, o, g (lstm.GATES).",
            order=("i", "f", "g", "o"),
        ),
        Fault(
            "dh_prev is dh",
            "h_prev acts through the gates and the candidate: it is a part of da @ W.",
            _result(3, lambda _, *args: args[5]),
        ),
        Fault(
            "dh_prev is zero",
            "h_prev acts through the gates and the candidate: it is a part of da @ W.",
            _result(3, lambda right, *_: 0 * right),
        ),
        Fault(
            "The order of [x; h_prev] is turned round",
            "The first D columns of dW belong to x.",
            _result(
                0,
                lambda right, W, b, x, *_: np.roll(right, -len(x), axis=1),
            ),
        ),
    ),
    hints={
        "Wrong values": "A numerical gradient (gradcheck.numerical_gradient) tells which"
        " entries."
    },
)


# --- A step of the GRU ---


def _gru_step(W: Array, b: Array, x: Array, h_prev: Array) -> Array:
    params = gru.Params(W, b)
    h, _ = gru.update(params, gru.preactivation(params, x, h_prev), h_prev)
    return h


def _mixed(z: Array, h_prev: Array, candidate: Array) -> Array:
    return (1 - z) * h_prev + z * candidate


def _kept(z: Array, h_prev: Array, candidate: Array) -> Array:
    return _mixed(1 - z, h_prev, candidate)


def _other_gru_step(
    W: Array,
    b: Array,
    x: Array,
    h_prev: Array,
    *,
    order: Gates = gru.GATES,
    turned: bool = False,
    bias: float = 1.0,
    gate: Transform = sigmoid,
    squash: Transform = np.tanh,
    reset: Callable[[Array, Array], Array] = np.multiply,
    after: bool = False,
    mix: Callable[[Array, Array, Array], Array] = _mixed,
) -> Array:
    H, D = h_prev.shape[-1], x.shape[-1]
    if turned:
        W = np.concatenate([W[:, H:], W[:, :H]], axis=1)
    of = {
        name: (W[n * H : (n + 1) * H], bias * b[n * H : (n + 1) * H])
        for n, name in enumerate(order)
    }
    z, r = (
        gate(join(x, h_prev) @ of[name][0].T + of[name][1]) for name in "zr"
    )
    W_h, b_h = of["h"]
    U_h = W_h[:, D:].T
    recurrent = r * (h_prev @ U_h) if after else reset(r, h_prev) @ U_h
    return mix(z, h_prev, squash(x @ W_h[:, :D].T + recurrent + b_h))


def _gru_probes(rng: np.random.Generator) -> list[Arguments]:
    return _stacked(step_probes(rng), len(gru.GATES), rng)


def _gru_fault(name: str, explanation: str, **options: object) -> Fault:
    return fault(name, explanation, _other_gru_step, **options)


GRU_STEP = Problem(
    arguments=("W", "b", "x", "h_prev"),
    results=("h",),
    solution=_gru_step,
    probes=_gru_probes,
    faults=(
        _gru_fault(
            "z keeps instead of admitting",
            "Here z admits the new state: (1 - z) * h_prev + z * candidate. Cho et al. (2014)"
            " and PyTorch have it the other way round.",
            mix=_kept,
        ),
        _gru_fault(
            "The reset gate acts after the product",
            "Here r multiplies h_prev before U_h does. PyTorch and Keras have it after the"
            " product, which is another function.",
            after=True,
        ),
        _gru_fault(
            "The unit of PyTorch and Keras",
            "Both conventions are theirs: z keeps the old state, and r acts after the product."
            " Here z admits the new state, and r multiplies h_prev before U_h does.",
            after=True,
            mix=_kept,
        ),
        _gru_fault(
            "The reset gate is missing",
            "The candidate reads r * h_prev.",
            reset=lambda _, h: h,
        ),
        _gru_fault(
            "The reset gate is turned round",
            "The candidate reads r * h_prev, not (1 - r) * h_prev.",
            reset=lambda r, h: (1 - r) * h,
        ),
        _gru_fault(
            "The candidate does not read the state",
            "The candidate is tanh(W_h [x; r * h_prev] + b_h).",
            reset=lambda _, h: 0 * h,
        ),
        _gru_fault(
            "Update and reset gate are exchanged",
            "The order is z, r, h (gru.GATES), as in the rows of W.",
            order=("r", "z", "h"),
        ),
        _gru_fault(
            "The candidate's rows come first",
            "The order is z, r, h (gru.GATES), as in the rows of W.",
            order=("h", "z", "r"),
        ),
        _gru_fault(
            "The state before the input",
            "W is made for [x; h_prev]: its first D columns meet x.",
            turned=True,
        ),
        _gru_fault("The biases are missing", "Add b.", bias=0.0),
        _gru_fault(
            "The biases have the wrong sign",
            "b is added, not subtracted.",
            bias=-1.0,
        ),
        _gru_fault(
            "The gates are tanh",
            "Gates are sigmoids, between zero and one.",
            gate=np.tanh,
        ),
        _gru_fault(
            "The candidate is a sigmoid",
            "The candidate is a tanh.",
            squash=sigmoid,
        ),
        _gru_fault(
            "The candidate has no tanh",
            "The candidate is a tanh.",
            squash=identity,
        ),
        _gru_fault(
            "The old state is not mixed in",
            "h = (1 - z) * h_prev + z * candidate.",
            mix=lambda z, h, new: z * new,
        ),
        _gru_fault(
            "The old state is kept whole",
            "h = (1 - z) * h_prev + z * candidate: what is admitted replaces as much.",
            mix=lambda z, h, new: h + z * new,
        ),
        _gru_fault(
            "Only the candidate",
            "The update gate mixes: (1 - z) * h_prev + z * candidate.",
            mix=lambda z, h, new: new,
        ),
        _gru_fault(
            "The new state is squashed again",
            "The mixture of two numbers between -1 and 1 is returned as it is.",
            mix=lambda z, h, new: np.tanh(_mixed(z, h, new)),
        ),
    ),
)
