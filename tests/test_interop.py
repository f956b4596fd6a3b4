"""Weights carried to other packages: the same numbers in, the same states out."""

from functools import partial

import numpy as np
import onnxruntime
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnx import TensorProto, helper

from lstm_lab import gru, interop, lstm, rnn, sequence, tree
from lstm_lab.numerics import sigmoid

# (T, B, D, H)
SHAPES = [(1, 1, 1, 1), (6, 1, 5, 2), (4, 2, 3, 5)]

# States are of order one and the sums short: float64 rounds at 1e-16 a term, and ten steps
# of a few dozen terms each stay far below this.
FLOAT64 = 1e-12
# float32 rounds at 6e-8 a term; ONNX Runtime's own approximations of tanh and the sigmoid
# are good to a few roundings, and up to ten steps multiply both by some tens.
FLOAT32 = 1e-5

CASES = {
    "rnn": (rnn, {}),
    "lstm": (lstm, {}),
    "gru-before": (gru, {"reset": "before"}),
    "gru-after": (gru, {"reset": "after"}),
}
ALL = pytest.mark.parametrize("case", CASES)


def parameters(case, D, H, rng, dtype=np.float64):
    """Return parameters with no array left at zero."""
    cell, options = CASES[case]
    params = cell.init(D, H, rng=rng, **options)
    return tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(dtype), params)


def inputs(case, shape, rng, dtype=np.float64):
    """Return a sequence and nonzero initial states."""
    T, B, D, H = shape
    states = [rng.normal(size=(B, H)).astype(dtype) for _ in CASES[case][0].STATES]
    return rng.normal(size=(T, B, D)).astype(dtype), states


def exporter(framework, case):
    """Return ``to(params)``, with the framework's options bound."""
    after = case == "gru-after"
    flags = {"torch": {"layer": 1}, "onnx": {"linear_before_reset": int(after)}}
    return partial(getattr(interop, f"to_{framework}"), **flags[framework])


TORCH = [case for case in CASES if case != "gru-before"]
EVERY_TORCH = pytest.mark.parametrize("case", TORCH)
EVERY_LAYOUT = pytest.mark.parametrize(
    ("framework", "case"), [("torch", case) for case in TORCH] + [("onnx", case) for case in CASES]
)


def torch_states(case, weights, x, states):
    """Return all states after each step, as the documentation of torch.nn has the equations."""
    W_x, W_h, b_x, b_h = (
        weights[f"{name}_l1"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    h, *c = states
    for x_t in x:
        gi, gh = x_t @ W_x.T + b_x, h @ W_h.T + b_h
        if case == "rnn":
            h = np.tanh(gi + gh)
        elif case == "lstm":
            i, f, g, o = np.split(gi + gh, 4, axis=-1)
            c = [sigmoid(f) * c[0] + sigmoid(i) * np.tanh(g)]
            h = sigmoid(o) * np.tanh(c[0])
        else:
            (i_r, i_z, i_n), (h_r, h_z, h_n) = (np.split(a, 3, axis=-1) for a in (gi, gh))
            r, z = sigmoid(i_r + h_r), sigmoid(i_z + h_z)
            n = np.tanh(i_n + r * h_n)
            h = (1 - z) * n + z * h
        yield [h, *c]


def assert_same_states(case, params, x, states, expected):
    cell, _ = CASES[case]
    trace = sequence.forward(cell, params, x, *states)
    for name, states_of_name in zip(cell.STATES, zip(*expected, strict=True), strict=True):
        assert_allclose(
            getattr(trace, name)[1:], states_of_name, rtol=0, atol=FLOAT64, err_msg=name
        )


@EVERY_TORCH
@pytest.mark.parametrize("shape", SHAPES)
def test_exported_weights_in_the_documented_equations(case, shape):
    rng = np.random.default_rng(1)
    params = parameters(case, *shape[2:], rng)
    x, states = inputs(case, shape, rng)
    weights = exporter("torch", case)(params)
    expected = torch_states(case, weights, x, states)
    assert_same_states(case, params, x, states, expected)


def run_onnx(case, weights, x, states):
    """Run the operator in ONNX Runtime; return the sequence of h, then the last states."""
    cell, options = CASES[case]
    operator = {rnn: "RNN", lstm: "LSTM", gru: "GRU"}[cell]
    attributes = {"hidden_size": states[0].shape[-1]}
    if cell is gru:
        attributes["linear_before_reset"] = int(options["reset"] == "after")
    initial = [f"initial_{name}" for name in cell.STATES]
    fed = {"X": x, **weights} | {
        name: state[None] for name, state in zip(initial, states, strict=True)
    }
    outputs = ["Y", *(f"Y_{name}" for name in cell.STATES)]
    node = helper.make_node(operator, ["X", "W", "R", "B", "", *initial], outputs, **attributes)
    graph = helper.make_graph(
        [node],
        "one_layer",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, a.shape)
            for name, a in fed.items()
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
    )
    # Versions that every supported ONNX Runtime reads.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    Y, *last = session.run(outputs, fed)
    return Y[:, 0], [state[0] for state in last]


@ALL
@pytest.mark.parametrize("shape", SHAPES)
def test_exported_weights_in_onnx_runtime(case, shape):
    rng = np.random.default_rng(3)
    params = parameters(case, *shape[2:], rng, np.float32)
    x, states = inputs(case, shape, rng, np.float32)
    trace = sequence.forward(CASES[case][0], params, x, *states)
    Y, last = run_onnx(case, exporter("onnx", case)(params), x, states)
    assert_allclose(trace.h[1:], Y, rtol=0, atol=FLOAT32)
    for name, state in zip(CASES[case][0].STATES, last, strict=True):
        found = getattr(trace, name)[-1]
        assert_allclose(found, state, rtol=0, atol=FLOAT32, err_msg=name)


@EVERY_LAYOUT
def test_arguments_are_neither_changed_nor_shared(framework, case):
    params = parameters(case, 3, 5, np.random.default_rng(7))
    leaves = tree.leaves(params).values()
    for leaf in leaves:
        leaf.flags.writeable = False  # from here on, to write into it raises
    weights = exporter(framework, case)(params)
    for array in weights.values():
        assert not any(np.shares_memory(array, leaf) for leaf in leaves)
        assert array.flags.writeable


@EVERY_LAYOUT
def test_zero_biases_stay_positive_zeros(framework, case):
    cell, options = CASES[case]
    params = cell.init(2, 3, rng=np.random.default_rng(8), **options)
    for name, array in exporter(framework, case)(params).items():
        assert not np.signbit(array[array == 0]).any(), name


def test_layers_of_a_stack_are_told_apart():
    rng = np.random.default_rng(9)
    stack = [parameters("lstm", D, 4, rng) for D in (3, 4)]
    weights = {}
    for number, params in enumerate(stack):
        weights |= interop.to_torch(params, layer=number)
    assert [name for name in weights if name.startswith("weight_ih")] == [
        "weight_ih_l0",
        "weight_ih_l1",
    ]
    assert len(weights) == 8


# Where the reset gate acts.


def test_the_two_resets_are_different_functions():
    """They agree where the gate is open, and differ elsewhere."""
    rng = np.random.default_rng(10)
    before = parameters("gru-before", 3, 4, rng)
    after = before._replace(recurrent_bias=np.zeros(4))
    x, states = inputs("gru-before", (5, 2, 3, 4), rng)

    def apart():
        runs = (sequence.forward(gru, params, x, *states) for params in (before, after))
        first, second = (run.h[1:] for run in runs)
        return np.abs(first - second).max(axis=(1, 2))

    assert (apart() > 0.01).all()  # in every step
    _, b_r, _ = np.split(before.b, 3)
    b_r[:] = 1e3  # so r is 1 to the last bit, in both: they share this array
    assert (apart() < FLOAT64).all()  # the same terms, summed in another order


# Bad input.


@pytest.mark.parametrize(
    ("case", "framework", "flags", "library"),
    [
        ("gru-before", "torch", {}, "PyTorch after"),
        ("gru-before", "onnx", {"linear_before_reset": 1}, "ONNX after"),
        ("gru-after", "onnx", {}, "ONNX before"),
    ],
)
def test_another_reset_is_refused(case, framework, flags, library):
    params = parameters(case, 2, 3, np.random.default_rng(14))
    with pytest.raises(ValueError, match=f"GRU of {library} it: weights cannot"):
        getattr(interop, f"to_{framework}")(params, **flags)


@pytest.mark.parametrize("framework", ["torch", "onnx"])
@pytest.mark.parametrize("value", [None, {"W": np.ones((3, 5))}, (np.ones((3, 5)), np.ones(3))])
def test_exporting_something_else_is_refused(framework, value):
    with pytest.raises(TypeError, match="params must be Params of rnn, lstm or gru, got"):
        getattr(interop, f"to_{framework}")(value)


@EVERY_LAYOUT
def test_exporting_bad_parameters_is_refused(framework, case):
    to = exporter(framework, case)
    params = parameters(case, 2, 3, np.random.default_rng(15))
    with pytest.raises(ValueError, match=r"params\.W must have shape .*; got \(4, 4\)"):
        to(params._replace(W=np.ones((4, 4))))
    with pytest.raises(ValueError, match=r"params\.b must be finite, got nan"):
        to(params._replace(b=np.full_like(params.b, np.nan)))
    with pytest.raises(TypeError, match=r"params\.b must be .* got dtype int64"):
        to(params._replace(b=np.ones(params.b.shape, np.int64)))


@pytest.mark.parametrize(
    ("bias", "error", "message"),
    [
        (np.ones(4), ValueError, r"must have shape \(3,\); got \(4,\)"),
        (np.ones(3, np.float32), TypeError, "must have dtype float64"),
    ],
)
def test_exporting_a_bad_recurrent_bias_is_refused(bias, error, message):
    params = parameters("gru-after", 2, 3, np.random.default_rng(16))
    with pytest.raises(error, match=rf"params\.recurrent_bias {message}"):
        interop.to_torch(params._replace(recurrent_bias=bias))


def test_an_onnx_gru_resets_before_the_product_unless_told_otherwise():
    params = parameters("gru-before", 2, 3, np.random.default_rng(27))
    usual, before = (
        interop.to_onnx(params, **options) for options in ({}, {"linear_before_reset": 0})
    )
    for name, array in usual.items():
        assert_array_equal(array, before[name])


def test_a_layer_that_is_not_there_is_refused():
    params = lstm.init(2, 3, rng=np.random.default_rng(24))
    for layer, error, message in (
        (np.int64(-1), ValueError, "layer must be at least 0, got -1"),
        (0.0, TypeError, r"layer must be an integer, got 0\.0"),
        (True, TypeError, "layer must be an integer, got True"),
    ):
        with pytest.raises(error, match=message):
            interop.to_torch(params, layer=layer)
