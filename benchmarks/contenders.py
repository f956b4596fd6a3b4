"""The same training step, or the same inference, by this package and by other libraries.

Each contender is a function that takes a `Problem` and returns a function to time. A training step
returns the gradients of the inputs, of the initial states and then of the weights; inference
returns all hidden states. A library is imported when its contender is called.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lstm_lab import gru, interop, lstm, rnn, sequence
from lstm_lab.numerics import Array

# The GRU resets after the matrix product, which is the one that all libraries have.
NETWORKS: dict[str, tuple[Any, dict[str, str]]] = {
    "RNN": (rnn, {}),
    "LSTM": (lstm, {}),
    "GRU": (gru, {"reset": "after"}),
}


class Shape(NamedTuple):
    """Batch size, length of the sequences, input size and hidden size."""

    B: int
    T: int
    D: int
    H: int


class Problem(NamedTuple):
    """A network with ``x`` (T, B, D), initial states (B, H), and ``dh`` (T, B, H)."""

    network: str
    params: Any
    x: Array
    states: list[Array]
    dh: Array


def draw(network: str, shape: Shape, dtype: str) -> Problem:
    """Draw a problem in which no array is zero, so that a wrong bias shows as well."""
    cell, options = NETWORKS[network]
    B, T, D, H = shape
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> Array:
        return rng.normal(size=shape).astype(dtype)

    drawn = cell.init(D, H, rng=rng, dtype=dtype, **options)
    params = drawn._make(leaf + normal(*leaf.shape) / 10 for leaf in drawn)
    states = [normal(B, H) for _ in cell.STATES]
    return Problem(network, params, normal(T, B, D), states, normal(T, B, H))


# --- This package ---


def our_training(problem: Problem) -> Callable[[], Any]:
    """Return a training step."""
    network, params, x, states, dh = problem
    cell, _ = NETWORKS[network]

    def step():
        trace = sequence.forward(cell, params, x, *states)
        dparams, *others = sequence.backward(trace, dh)
        return [*others, *dparams]

    return step


def our_inference(problem: Problem) -> Callable[[], Any]:
    """Return a forward pass that keeps nothing for a backward pass."""
    network, params, x, states, _ = problem
    cell, _ = NETWORKS[network]
    return lambda: [sequence.infer(cell, params, x, *states)[0]]


# --- The others ---


def pytorch(problem: Problem) -> Callable[[], Any]:
    """Return a training step of ``torch.nn.RNN``, ``LSTM`` or ``GRU``."""
    import torch

    torch.set_num_threads(1)
    network, params, *_ = problem
    x, *states = (
        torch.from_numpy(array).requires_grad_() for array in (problem.x, *problem.states)
    )
    dh = torch.from_numpy(problem.dh)
    layer = getattr(torch.nn, network)(params.D, params.H, dtype=x.dtype)
    weights = interop.to_torch(params)
    layer.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()})

    def step():
        first = tuple(state[None] for state in states)
        h, _ = layer(x, first if network == "LSTM" else first[0])
        return torch.autograd.grad(h, [x, *states, *layer.parameters()], dh)

    return step


def jax_scan(problem: Problem) -> Callable[[], Any]:
    """Return a training step through ``jax.lax.scan``, compiled as a whole."""
    import jax
    from jax import numpy as jnp
    from jax.nn import sigmoid

    jax.config.update("jax_enable_x64", True)

    def rnn_step(x, states, W, b):
        return (jnp.tanh(jnp.concatenate([x, *states], -1) @ W.T + b),)

    def lstm_step(x, states, W, b):
        h, c = states
        a = jnp.concatenate([x, h], -1) @ W.T + b
        a_i, a_f, a_o, a_g = jnp.split(a, 4, -1)
        c = sigmoid(a_f) * c + sigmoid(a_i) * jnp.tanh(a_g)
        return sigmoid(a_o) * jnp.tanh(c), c

    def gru_step(x, states, W, b, recurrent_bias):
        (h,) = states
        D, H = x.shape[-1], h.shape[-1]
        a = jnp.concatenate([x, h], -1) @ W[: 2 * H].T + b[: 2 * H]
        z, r = jnp.split(sigmoid(a), 2, -1)
        recurrent = r * (h @ W[2 * H :, D:].T + recurrent_bias)
        candidate = jnp.tanh(x @ W[2 * H :, :D].T + b[2 * H :] + recurrent)
        return ((1 - z) * h + z * candidate,)

    steps = {"RNN": rnn_step, "LSTM": lstm_step, "GRU": gru_step}
    network, params, x, states, dh = problem

    def run(x, states, params):
        def advance(states, x):
            states = steps[network](x, states, *params)
            return states, states[0]

        return jax.lax.scan(advance, states, x)[1]

    def gradients(dh, *arguments):
        return jax.vjp(run, *arguments)[1](dh)

    arguments = jax.tree.map(jnp.asarray, (dh, x, tuple(states), tuple(params)))
    compiled = jax.jit(gradients).lower(*arguments).compile()
    return lambda: jax.tree.leaves(jax.block_until_ready(compiled(*arguments)))


def onnx_runtime(problem: Problem) -> Callable[[], Any]:
    """Return the inference of the ONNX operator ``RNN``, ``LSTM`` or ``GRU``."""
    import onnxruntime
    from onnx import helper, numpy_helper

    network, params, x, states, dh = problem
    options = {"linear_before_reset": 1} if network == "GRU" else {}
    first = zip(("initial_h", "initial_c"), states, strict=False)
    feeds = {"X": x} | {name: state[None] for name, state in first}
    weights = interop.to_onnx(params, **options)

    def described(arrays):
        return [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape
            )
            for name, array in arrays.items()
        ]

    names = ["X", "W", "R", "B", "", *list(feeds)[1:]]
    node = helper.make_node(network, names, ["Y"], hidden_size=params.H, **options)
    graph = helper.make_graph(
        [node],
        network,
        described(feeds),
        described({"Y": dh[:, None]}),
        [numpy_helper.from_array(w, name) for name, w in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    limits = onnxruntime.SessionOptions()
    limits.intra_op_num_threads = limits.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), limits, ["CPUExecutionProvider"]
    )
    return lambda: [session.run(["Y"], feeds)[0][:, 0]]


class Contender(NamedTuple):
    """A contender, and the function of this package that it is compared with."""

    theirs: Callable[[Problem], Callable[[], Any]]
    ours: Callable[[Problem], Callable[[], Any]]
    task: str
    package: str
    dtypes: tuple[str, ...] = ("float32", "float64")
    limited: bool = True  # whether a switch keeps it from AVX-512


CONTENDERS = {
    "PyTorch": Contender(pytorch, our_training, "training step", "torch"),
    "JAX": Contender(jax_scan, our_training, "training step", "jax"),
    "ONNX Runtime": Contender(
        onnx_runtime, our_inference, "inference", "onnxruntime", dtypes=("float32",), limited=False
    ),
}
