"""Weights carried to and from other packages: the same numbers in, the same states out."""

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
    return tree.map(
        lambda leaf: rng.normal(size=leaf.shape).astype(dtype), params
    )


def inputs(case, shape, rng, dtype=np.float64):
    """Return a sequence and nonzero initial states."""
    T, B, D, H = shape
    states = [
        rng.normal(size=(B, H)).astype(dtype) for _ in CASES[case][0].STATES
    ]
    return rng.normal(size=(T, B, D)).astype(dtype), states


def converter(framework, case):
    """Return ``to(params)`` and ``back(weights)``, with the framework's options bound."""
    cell, options = CASES[case]
    after = options.get("reset") == "after"
    to = getattr(interop, f"to_{framework}")
    back = getattr(interop, f"from_{framework}")
    flags = {
        "torch": {"layer": 1},
        "keras": {"reset_after": after},
        "onnx": {"linear_before_reset": int(after)},
    }[framework]
    return partial(to, **flags), partial(back, cell, **flags)


LAYOUTS = [
    (framework, case)
    for framework in ("torch", "keras", "onnx")
    for case in CASES
    if (framework, case) != ("torch", "gru-before")
]
EVERY_LAYOUT = pytest.mark.parametrize(("framework", "case"), LAYOUTS)


def foreign_weights(framework, case, D, H, rng, dtype=np.float64):
    """Return weights as the framework would hold them: random, second biases too."""
    to, _ = converter(framework, case)
    layout = to(parameters(case, D, H, rng))
    return {
        name: rng.normal(size=array.shape).astype(dtype)
        for name, array in layout.items()
    }


# The documented equations of each framework, in its own layout.


def torch_states(case, weights, x, states):
    """Return all states after each step, as the documentation of torch.nn has the equations."""
    W_x, W_h, b_x, b_h = (
        weights[f"{name}_l1"]
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
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
            (i_r, i_z, i_n), (h_r, h_z, h_n) = (
                np.split(a, 3, axis=-1) for a in (gi, gh)
            )
            r, z = sigmoid(i_r + h_r), sigmoid(i_z + h_z)
            n = np.tanh(i_n + r * h_n)
            h = (1 - z) * n + z * h
        yield [h, *c]


def keras_states(case, weights, x, states):
    """Return all states after each step, as the layers of keras.layers compute them."""
    kernel, recurrent_kernel, bias = (
        weights[name] for name in ("kernel", "recurrent_kernel", "bias")
    )
    h, *c = states
    for x_t in x:
        if case == "rnn":
            h = np.tanh(x_t @ kernel + bias + h @ recurrent_kernel)
        elif case == "lstm":
            a_i, a_f, a_c, a_o = np.split(
                x_t @ kernel + h @ recurrent_kernel + bias, 4, axis=-1
            )
            c = [sigmoid(a_f) * c[0] + sigmoid(a_i) * np.tanh(a_c)]
            h = sigmoid(a_o) * np.tanh(c[0])
        elif case == "gru-after":
            input_bias, recurrent_bias = bias
            x_z, x_r, x_h = np.split(x_t @ kernel + input_bias, 3, axis=-1)
            inner_z, inner_r, inner_h = np.split(
                h @ recurrent_kernel + recurrent_bias, 3, axis=-1
            )
            z, r = sigmoid(x_z + inner_z), sigmoid(x_r + inner_r)
            h = z * h + (1 - z) * np.tanh(x_h + r * inner_h)
        else:
            x_z, x_r, x_h = np.split(x_t @ kernel + bias, 3, axis=-1)
            kernel_z, kernel_r, kernel_h = np.split(
                recurrent_kernel, 3, axis=-1
            )
            z, r = sigmoid(x_z + h @ kernel_z), sigmoid(x_r + h @ kernel_r)
            h = z * h + (1 - z) * np.tanh(x_h + (r * h) @ kernel_h)
        yield [h, *c]


EQUATIONS = {"torch": torch_states, "keras": keras_states}
DOCUMENTED = pytest.mark.parametrize(
    ("framework", "case"), [pair for pair in LAYOUTS if pair[0] in EQUATIONS]
)


def assert_same_states(case, params, x, states, expected):
    cell, _ = CASES[case]
    trace = sequence.forward(cell, params, x, *states)
    for name, states_of_name in zip(
        cell.STATES, zip(*expected, strict=True), strict=True
    ):
        assert_allclose(
            getattr(trace, name)[1:],
            states_of_name,
            rtol=0,
            atol=FLOAT64,
            err_msg=name,
        )


@DOCUMENTED
@pytest.mark.parametrize("shape", SHAPES)
def test_exported_weights_in_the_documented_equations(framework, case, shape):
    rng = np.random.default_rng(1)
    params = parameters(case, *shape[2:], rng)
    x, states = inputs(case, shape, rng)
    weights = converter(framework, case)[0](params)
    assert_same_states(
        case, params, x, states, EQUATIONS[framework](case, weights, x, states)
    )


@DOCUMENTED
@pytest.mark.parametrize("shape", SHAPES)
def test_imported_weights_in_the_documented_equations(framework, case, shape):
    rng = np.random.default_rng(2)
    weights = foreign_weights(framework, case, *shape[2:], rng)
    x, states = inputs(case, shape, rng)
    params = converter(framework, case)[1](weights)
    assert_same_states(
        case, params, x, states, EQUATIONS[framework](case, weights, x, states)
    )


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
    node = helper.make_node(
        operator, ["X", "W", "R", "B", "", *initial], outputs, **attributes
    )
    graph = helper.make_graph(
        [node],
        "one_layer",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, a.shape)
            for name, a in fed.items()
        ],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in outputs
        ],
    )
    # Versions that every supported ONNX Runtime reads.
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8
    )
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    Y, *last = session.run(outputs, fed)
    return Y[:, 0], [state[0] for state in last]


def assert_same_as_onnx(case, params, weights, x, states):
    cell, _ = CASES[case]
    trace = sequence.forward(cell, params, x, *states)
    Y, last = run_onnx(case, weights, x, states)
    assert_allclose(trace.h[1:], Y, rtol=0, atol=FLOAT32)
    for name, state in zip(cell.STATES, last, strict=True):
        assert_allclose(
            getattr(trace, name)[-1], state, rtol=0, atol=FLOAT32, err_msg=name
        )


@ALL
@pytest.mark.parametrize("shape", SHAPES)
def test_exported_weights_in_onnx_runtime(case, shape):
    rng = np.random.default_rng(3)
    params = parameters(case, *shape[2:], rng, np.float32)
    x, states = inputs(case, shape, rng, np.float32)
    assert_same_as_onnx(
        case, params, converter("onnx", case)[0](params), x, states
    )


@ALL
@pytest.mark.parametrize("shape", SHAPES)
def test_imported_weights_in_onnx_runtime(case, shape):
    rng = np.random.default_rng(4)
    weights = foreign_weights("onnx", case, *shape[2:], rng, np.float32)
    x, states = inputs(case, shape, rng, np.float32)
    assert_same_as_onnx(
        case, converter("onnx", case)[1](weights), weights, x, states
    )


@EVERY_LAYOUT
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_there_and_back_is_exact(framework, case, dtype):
    params = parameters(case, 3, 5, np.random.default_rng(5), dtype)
    to, back = converter(framework, case)
    returned = back(to(params))
    assert type(returned) is type(params)
    assert tree.leaves(returned).keys() == tree.leaves(params).keys()
    for name, leaf in tree.leaves(params).items():
        assert_array_equal(
            tree.leaves(returned)[name], leaf, err_msg=name, strict=True
        )


@EVERY_LAYOUT
def test_arguments_are_neither_changed_nor_shared(framework, case):
    to, back = converter(framework, case)
    params = parameters(case, 3, 5, np.random.default_rng(7))
    leaves = tree.leaves(params).values()
    for leaf in leaves:
        leaf.flags.writeable = False  # from here on, to write into it raises
    weights = to(params)
    for array in weights.values():
        assert not any(np.shares_memory(array, leaf) for leaf in leaves)
        array.flags.writeable = False
    for leaf in tree.leaves(back(weights)).values():
        assert not any(
            np.shares_memory(leaf, array) for array in weights.values()
        )
        assert leaf.flags.writeable


@EVERY_LAYOUT
def test_zero_biases_stay_positive_zeros(framework, case):
    cell, options = CASES[case]
    params = cell.init(2, 3, rng=np.random.default_rng(8), **options)
    for name, array in converter(framework, case)[0](params).items():
        assert not np.signbit(array[array == 0]).any(), name


def test_layers_of_a_stack_are_told_apart():
    rng = np.random.default_rng(9)
    stack = [parameters("lstm", D, 4, rng) for D in (3, 4)]
    weights = {}
    for number, params in enumerate(stack):
        weights |= interop.to_torch(params, layer=number)
    assert len(weights) == 8
    returned = [interop.from_torch(lstm, weights, layer=n) for n in range(2)]
    returned.append(interop.from_torch(lstm, weights))  # the first
    for params, same in zip([*stack, stack[0]], returned, strict=True):
        assert_array_equal(same.W, params.W)
        assert_array_equal(same.b, params.b)


# Where the reset gate acts.


def test_the_two_resets_are_different_functions():
    """They agree where the gate is open, and differ elsewhere."""
    rng = np.random.default_rng(10)
    before = parameters("gru-before", 3, 4, rng)
    after = before._replace(recurrent_bias=np.zeros(4))
    x, states = inputs("gru-before", (5, 2, 3, 4), rng)

    def apart():
        runs = (
            sequence.forward(gru, params, x, *states)
            for params in (before, after)
        )
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
        ("gru-before", "keras", {}, "Keras after"),
        ("gru-after", "keras", {"reset_after": False}, "Keras before"),
        ("gru-before", "onnx", {"linear_before_reset": 1}, "ONNX after"),
        ("gru-after", "onnx", {}, "ONNX before"),
    ],
)
def test_another_reset_is_refused(case, framework, flags, library):
    params = parameters(case, 2, 3, np.random.default_rng(14))
    with pytest.raises(
        ValueError, match=f"GRU of {library} it: weights cannot"
    ):
        getattr(interop, f"to_{framework}")(params, **flags)


@pytest.mark.parametrize("framework", ["torch", "keras", "onnx"])
@pytest.mark.parametrize(
    "value", [None, {"W": np.ones((3, 5))}, (np.ones((3, 5)), np.ones(3))]
)
def test_exporting_something_else_is_refused(framework, value):
    with pytest.raises(
        TypeError, match="params must be Params of rnn, lstm or gru, got"
    ):
        getattr(interop, f"to_{framework}")(value)


@EVERY_LAYOUT
def test_exporting_bad_parameters_is_refused(framework, case):
    to, _ = converter(framework, case)
    params = parameters(case, 2, 3, np.random.default_rng(15))
    with pytest.raises(
        ValueError, match=r"params\.W must have shape .*; got \(4, 4\)"
    ):
        to(params._replace(W=np.ones((4, 4))))
    with pytest.raises(ValueError, match=r"params\.b must be finite, got nan"):
        to(params._replace(b=np.full_like(params.b, np.nan)))
    with pytest.raises(
        TypeError, match=r"params\.b must be .* got dtype int64"
    ):
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


IN_EVERY_LAYOUT = [
    (framework, case, name)
    for framework, case in LAYOUTS
    for name in foreign_weights(
        framework, case, 2, 3, np.random.default_rng(17)
    )
]
EVERY_ARRAY = pytest.mark.parametrize(
    ("framework", "case", "name"), IN_EVERY_LAYOUT
)


@pytest.mark.parametrize(
    ("framework", "case", "name"),
    [entry for entry in IN_EVERY_LAYOUT if entry[-1] not in ("bias", "B")],
)
def test_a_missing_array_is_named(framework, case, name):
    weights = foreign_weights(framework, case, 2, 3, np.random.default_rng(18))
    rest = {key: array for key, array in weights.items() if key != name}
    others = ", ".join(map(repr, rest))
    with pytest.raises(
        ValueError, match=f"weights must have the name '{name}'; got {others}"
    ):
        converter(framework, case)[1](rest)


@EVERY_ARRAY
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda _: np.ones(5),
            ValueError,
            r"must have shape \(.*; got \(5,\)",
        ),
        (lambda _: [[1.0, 2.0], [3.0]], ValueError, "must be one array"),
        (lambda a: a.astype(int), TypeError, "must be .*got dtype int64"),
        (lambda a: a.astype(object), TypeError, "must be .*got dtype object"),
        (lambda a: a * np.inf, ValueError, "must be finite, got"),
    ],
    ids=["shape", "ragged", "int", "object", "inf"],
)
def test_a_bad_array_is_named(framework, case, name, change, error, message):
    weights = foreign_weights(framework, case, 2, 3, np.random.default_rng(19))
    with pytest.raises(error, match=rf"weights\['{name}'\] {message}"):
        converter(framework, case)[1](weights | {name: change(weights[name])})


@EVERY_ARRAY
def test_arrays_that_do_not_belong_together_are_refused(framework, case, name):
    weights = foreign_weights(framework, case, 2, 3, np.random.default_rng(21))
    larger = weights[name].repeat(2, axis=-1).repeat(2, axis=0)
    single = weights[name].astype(np.float32)
    for array, error, expected in (
        (larger, ValueError, "shape"),
        (single, TypeError, "dtype"),
    ):
        with pytest.raises(
            error, match=rf"weights\['\w+'\] must have {expected}"
        ):
            converter(framework, case)[1](weights | {name: array})


def test_the_bias_of_the_other_keras_gru_is_refused():
    rng = np.random.default_rng(22)
    one, two = (
        foreign_weights("keras", f"gru-{place}", 2, 3, rng)
        for place in ("before", "after")
    )
    with pytest.raises(
        ValueError,
        match=r"weights\['bias'\] must have shape \(2, 9\); got \(9,\)",
    ):
        interop.from_keras(gru, one)
    with pytest.raises(
        ValueError,
        match=r"weights\['bias'\] must have shape \(9,\); got \(2, 9\)",
    ):
        interop.from_keras(gru, two, reset_after=False)


def test_an_onnx_gru_resets_before_the_product_unless_told_otherwise():
    params = parameters("gru-before", 2, 3, np.random.default_rng(27))
    assert interop.from_onnx(gru, interop.to_onnx(params)).reset == "before"


def test_two_directions_are_refused():
    weights = foreign_weights("onnx", "lstm", 2, 3, np.random.default_rng(23))
    both = {name: array.repeat(2, axis=0) for name, array in weights.items()}
    with pytest.raises(
        ValueError, match=r"must have shape \(1, GH, H\); got \(2, 12, 3\)"
    ):
        interop.from_onnx(lstm, both)


@pytest.mark.parametrize(
    ("back", "to", "name"),
    [
        (interop.from_onnx, interop.to_onnx, "P"),
        (interop.from_torch, interop.to_torch, "weight_hr_l0"),
    ],
)
def test_peepholes_and_projections_are_named(back, to, name):
    weights = to(parameters("lstm", 5, 4, np.random.default_rng(0)))
    with pytest.raises(ValueError, match=rf"'{name}'.* are not supported"):
        back(lstm, weights | {name: np.ones((1, 12))})


@pytest.mark.parametrize("framework", ["torch", "keras", "onnx"])
def test_another_architecture_and_no_mapping_are_refused(framework):
    back = getattr(interop, f"from_{framework}")
    for cell in ("lstm", tree, lstm.Params, [], None):
        with pytest.raises(
            ValueError,
            match="cell must be one of the modules rnn, lstm, gru, got",
        ):
            back(cell, {})
    with pytest.raises(
        TypeError,
        match=r"weights must be a mapping of names to arrays, got .*list",
    ):
        back(lstm, [np.ones((3, 3))])
    with pytest.raises(
        ValueError, match=r"weights must have the name '.*'; got none"
    ):
        back(lstm, {})


def test_a_layer_that_is_not_there_is_refused():
    weights = interop.to_torch(lstm.init(2, 3, rng=np.random.default_rng(24)))
    for layer, error, message in (
        (2, ValueError, "the name 'weight_ih_l2'; got 'weight_ih_l0', "),
        (np.int64(-1), ValueError, "layer must be at least 0, got -1"),
        (0.0, TypeError, r"layer must be an integer, got 0\.0"),
        (True, TypeError, "layer must be an integer, got True"),
    ):
        with pytest.raises(error, match=message):
            interop.from_torch(lstm, weights, layer=layer)


BIASES = {
    "torch": ("bias_ih_l0", "bias_hh_l0"),
    "keras": ("bias",),
    "onnx": ("B",),
}


@pytest.mark.parametrize(("framework", "case"), LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_layer_without_biases_has_biases_of_zero(framework, case, dtype):
    """As of ``bias=False``, of ``use_bias=False``, and where ``B`` is left out."""
    rng = np.random.default_rng(4)
    back = converter(framework, case)[1]
    with_zeros = {
        name: (array * (name not in BIASES[framework])).astype(dtype)
        for name, array in foreign_weights(framework, case, 4, 3, rng).items()
    }
    without = {
        name: array
        for name, array in with_zeros.items()
        if name not in BIASES[framework]
    }
    expected, found = (
        tree.leaves(back(weights)) for weights in (with_zeros, without)
    )
    assert found.keys() == expected.keys()
    for name, leaf in found.items():
        assert leaf.dtype == dtype
        assert_array_equal(leaf, expected[name])


def test_one_bias_of_two_is_not_enough():
    weights = interop.to_torch(lstm.init(2, 3, rng=np.random.default_rng(0)))
    for name in BIASES["torch"]:
        some = {key: weights[key] for key in weights if key != name}
        with pytest.raises(ValueError, match=f"must have the name '{name}'"):
            interop.from_torch(lstm, some)


def test_what_cannot_be_an_array_is_named():
    """A parameter of PyTorch that wants its gradient says so itself, but not its name."""

    class Tensor:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("Can't call numpy() on Tensor, use detach()")

    weights = interop.to_torch(rnn.init(2, 3, rng=np.random.default_rng(0)))
    with pytest.raises(
        TypeError, match=r"weights\['bias_hh_l0'\] must be an array.*detach"
    ):
        interop.from_torch(rnn, weights | {"bias_hh_l0": Tensor()})
