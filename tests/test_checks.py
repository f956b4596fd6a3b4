"""Bad input is refused where it comes in: which argument, what came, what was expected."""

import re
from fractions import Fraction

import numpy as np
import pytest

from lstm_lab import GRUCell, LSTMCell, RNNCell, checks, gru, lstm, rnn, tree

FLOAT = "be an array of float32 or float64"
SHAPE = r"have shape \(.*\)"
MODULES = (rnn, lstm, gru)
CELLS = (RNNCell, LSTMCell, GRUCell)


def entry(value):
    """Return a change of the last number of an array."""

    def change(array):
        spoiled = np.array(array)
        spoiled.flat[-1] = value
        return spoiled

    return change


def grown(axis):
    """Return a change that makes an axis longer by one."""
    return lambda array: np.concatenate([array, array.take([0], axis)], axis)


# What can be wrong with any array: the change, the error, what was expected and what came.
BAD = {
    "integer": (lambda a: a.astype(np.int32), TypeError, FLOAT, "dtype int32"),
    "boolean": (lambda a: a > 0, TypeError, FLOAT, "dtype bool"),
    "complex": (lambda a: a + 0j, TypeError, FLOAT, "dtype complex128"),
    "object": (lambda a: a.astype(object), TypeError, FLOAT, "dtype object"),
    "half": (lambda a: a.astype(np.float16), TypeError, FLOAT, "dtype float16"),
    "text": (lambda _: "text", TypeError, FLOAT, "dtype <U4"),
    "ragged": (
        lambda _: [[1.0], [2.0, 3.0]],
        ValueError,
        "be one array",
        "nested lists",
    ),
    "scalar": (lambda _: 1.0, ValueError, SHAPE, r"\(\)"),
    "high rank": (lambda a: a[None, None], ValueError, SHAPE, r"\(1, 1, .*\)"),
    "empty": (lambda a: a[:0], ValueError, SHAPE, r"\(0.*\)"),
    "nan": (entry(np.nan), ValueError, "be finite", r"nan at index \(.*\)"),
    "inf": (entry(np.inf), ValueError, "be finite", r"inf at index \(.*\)"),
    "-inf": (entry(-np.inf), ValueError, "be finite", r"-inf at index \(.*\)"),
}
EVERY_BAD = pytest.mark.parametrize(
    ("change", "error", "expected", "came"), BAD.values(), ids=BAD
)


def refused(error, name, expected, came):
    """Expect an error whose message names the argument, what was expected and what came."""
    return pytest.raises(
        error, match=rf"^{re.escape(name)} must {expected}.*[,;] got {came}"
    )


def spoiled(inputs, name, change):
    """Return arguments of `forward` with one array changed."""
    target = tree.leaves(inputs)[name]
    return tree.map(
        lambda leaf: change(leaf) if leaf is target else leaf, inputs
    )


# Arrays, one by one


@EVERY_BAD
def test_forward_names_a_bad_array(arch, inputs, change, error, expected, came):
    for name in tree.leaves(inputs):
        with refused(error, name, expected, came):
            arch.forward(*spoiled(inputs, name, change))


@EVERY_BAD
def test_backward_names_a_bad_array(
    arch, inputs, cotangents, change, error, expected, came
):
    trace = arch.forward(*inputs)
    given = tree.leaves(cotangents)
    for name, leaf in given.items():
        with refused(error, name, expected, came):
            arch.backward(inputs.params, trace, **given | {name: change(leaf)})
    for name in tree.leaves(inputs.params, "params"):
        with refused(error, name, expected, came):
            arch.backward(spoiled(inputs, name, change).params, trace)
    for name, leaf in tree.leaves(trace).items():
        with refused(error, f"trace.{name}", expected, came):
            arch.backward(inputs.params, trace._replace(**{name: change(leaf)}))


@EVERY_BAD
@pytest.mark.parametrize("Cell", CELLS)
def test_cells_name_a_bad_array(Cell, change, error, expected, came):
    names = ["x", "h_prev", "c_prev"] if Cell is LSTMCell else ["x", "h_prev"]
    given = {name: np.ones((3, 4 if name == "x" else 6)) for name in names}
    for name, array in given.items():
        with refused(error, name, expected, came):
            Cell(4, 6).forward(**given | {name: change(array)})


# Arrays that do not belong together


def wanted_shapes(arch):
    """Yield an array, its axis made longer, and what is said about which array."""
    G = 6 * len(arch.GATES)
    yield (
        "params.W",
        0,
        f"params.W must have shape ({G}, D + H); got ({G + 1}, 10)",
    )
    yield "params.W", 1, "x must have shape (T, B, 5) or (T, 5); got (5, 3, 4)"
    yield "x", 1, "h0 must have shape (4, 6); got (3, 6)"
    yield "x", 2, "x must have shape (T, B, 4) or (T, 4); got (5, 3, 5)"
    for state in arch.STATES:
        yield f"{state}0", 0, f"{state}0 must have shape (3, 6); got (4, 6)"
        yield f"{state}0", 1, f"{state}0 must have shape (3, 6); got (3, 7)"


def test_forward_names_a_size_that_does_not_match(arch, inputs):
    for name, axis, message in wanted_shapes(arch):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            arch.forward(*spoiled(inputs, name, grown(axis)))


def test_biases_must_divide_among_the_gates(arch, inputs):
    G = len(arch.GATES)
    expected, came = (r"have shape \(7, D \+ H\)", r"\(6, 10\)")
    if G > 1:
        expected, came = rf"have shape \({G}H,\)", rf"\({6 * G + 1},\)"
    with refused(
        ValueError, "params.b" if G > 1 else "params.W", expected, came
    ):
        arch.forward(*spoiled(inputs, "params.b", grown(0)))


def test_biases_are_a_vector(arch, inputs):
    expected = {1: r"\(H,\)", 3: r"\(3H,\)", 4: r"\(4H,\)"}[len(arch.GATES)]
    params = inputs.params._replace(b=np.zeros((2, 3)))
    with refused(ValueError, "params.b", f"have shape {expected}", r"\(2, 3\)"):
        arch.forward(params, inputs.x)


def test_weights_need_a_column_for_an_input(arch, inputs):
    expected = (
        rf"have shape \({6 * len(arch.GATES)}, D \+ 6\) with D at least 1"
    )
    for columns in (6, 5):
        params = inputs.params._replace(W=inputs.params.W[:, :columns])
        with refused(ValueError, "params.W", expected, rf"\(\d+, {columns}\)"):
            arch.forward(params, inputs.x)


def test_recurrent_biases_are_as_many_as_the_states(rng):
    params = gru.init(4, 6, rng=rng, reset="after")
    params = params._replace(recurrent_bias=np.zeros(7))
    with refused(
        ValueError, "params.recurrent_bias", r"have shape \(6,\)", r"\(7,\)"
    ):
        gru.forward(params, np.zeros((5, 4)))


def test_backward_names_a_size_that_does_not_match(arch, inputs, cotangents):
    trace = arch.forward(*inputs)
    given = tree.leaves(cotangents)
    for name, leaf in given.items():
        for axis in range(leaf.ndim):
            with refused(
                ValueError, name, re.escape(f"have shape {leaf.shape}"), r"\("
            ):
                arch.backward(
                    inputs.params, trace, **given | {name: grown(axis)(leaf)}
                )


@pytest.mark.parametrize("Cell", CELLS)
def test_cells_name_a_size_that_does_not_match(Cell):
    cell, states = Cell(4, 6), (2 if Cell is LSTMCell else 1) * [np.zeros(6)]
    with refused(ValueError, "x", r"have shape \(4,\) or \(B, 4\)", r"\(5,\)"):
        cell.forward(np.zeros(5), *states)
    with refused(ValueError, "h_prev", r"have shape \(3, 6\)", r"\(6,\)"):
        cell.forward(np.zeros((3, 4)), *states)
    for n in range(len(states)):
        wrong = [
            np.zeros(7) if k == n else state for k, state in enumerate(states)
        ]
        with refused(
            ValueError, ("h_prev", "c_prev")[n], r"have shape \(6,\)", r"\(7,\)"
        ):
            cell.forward(np.zeros(4), *wrong)


def test_a_dtype_unlike_that_of_the_parameters_is_named(
    arch, inputs, cotangents
):
    expected = "have dtype float64 like the parameters"
    for name in tree.leaves(inputs).keys() - {"params.b"}:
        with refused(TypeError, name, expected, "float32"):
            arch.forward(*spoiled(inputs, name, np.float32))
    with refused(TypeError, "params.W", "have dtype float32 like", "float64"):
        arch.forward(*spoiled(inputs, "params.b", np.float32))
    trace, given = arch.forward(*inputs), tree.leaves(cotangents)
    for name, leaf in given.items():
        with refused(TypeError, name, expected, "float32"):
            arch.backward(
                inputs.params, trace, **given | {name: np.float32(leaf)}
            )
    with refused(TypeError, "trace.x", expected, "float32"):
        arch.backward(inputs.params, tree.map(np.float32, trace))


def test_inference_names_a_dtype_unlike_that_of_the_parameters(arch, inputs):
    expected = "have dtype float64 like the parameters"
    for name in ("x", *(f"{state}0" for state in arch.STATES)):
        with refused(TypeError, name, expected, "float32"):
            arch.infer(*spoiled(inputs, name, np.float32))


def test_inference_names_a_size_that_does_not_match(arch, inputs):
    for name, axis in [("x", 2), *((f"{s}0", 1) for s in arch.STATES)]:
        with refused(ValueError, name, r"have shape \(.*\)", r"\("):
            arch.infer(*spoiled(inputs, name, grown(axis)))


@pytest.mark.parametrize("Cell", CELLS)
def test_cells_name_a_dtype_unlike_that_of_their_weights(Cell):
    states = (2 if Cell is LSTMCell else 1) * [np.zeros(6)]
    with refused(TypeError, "x", "have dtype float64 like", "float32"):
        Cell(4, 6).forward(np.zeros(4, np.float32), *states)
    for n, name in enumerate(("h_prev", "c_prev")[: len(states)]):
        mixed = [*states[:n], np.zeros(6, np.float32), *states[n + 1 :]]
        with refused(TypeError, name, "have dtype float64 like", "float32"):
            Cell(4, 6).forward(np.zeros(4), *mixed)


# Things of another kind


@pytest.mark.parametrize("k", range(3), ids=["none", "next", "last"])
def test_parameters_and_traces_of_another_kind_are_named(arch, inputs, rng, k):
    other = [None, *(module for module in MODULES if module is not arch)][k]
    trace = arch.forward(*inputs)
    params = other and other.init(4, 6, rng=rng)
    foreign = other and other.forward(params, inputs.x)
    origin = re.escape(other.__name__) if other else "builtins.NoneType"
    for argument, call in [
        ("Params", lambda: arch.forward(params, inputs.x)),
        ("Params", lambda: arch.backward(params, trace)),
        ("Trace", lambda: arch.backward(inputs.params, foreign)),
    ]:
        expected = f"be {re.escape(arch.__name__)}.{argument}"
        with refused(TypeError, argument.lower(), expected, origin):
            call()


def test_a_trace_of_another_size_is_named(architecture, inputs, rng):
    arch, options = architecture
    wider = arch.init(5, 6, rng=rng, **options)
    with refused(
        ValueError,
        "trace.x",
        r"have shape \(T, B, 5\) or \(T, 5\)",
        r"\(5, 3, 4\)",
    ):
        arch.backward(wider, arch.forward(*inputs))
    larger = arch.init(4, 7, rng=rng, **options)
    with refused(
        ValueError, "trace.h", r"have shape \(6, 3, 7\)", r"\(6, 3, 6\)"
    ):
        arch.backward(larger, arch.forward(*inputs))


def test_a_trace_cut_short_in_one_array_is_named(arch, inputs):
    trace = arch.forward(*inputs)
    for name, leaf in tree.leaves(trace).items():
        cut = (
            "h" if name == "x" else name
        )  # the states are compared with the inputs
        with refused(
            ValueError, f"trace.{cut}", r"have shape \(\d, 3", r"\(\d, 3"
        ):
            arch.backward(inputs.params, trace._replace(**{name: leaf[1:]}))


# Sizes, biases, generators, dtypes

NO_INTEGERS = [2.0, "2", None, True, np.float64(2), Fraction(2), [2]]
SWAPPED = np.dtype(float).newbyteorder()  # the other machines' float64
NO_NUMBERS = ["1", None, True, 1j, [1.0], np.ones(1)]


@pytest.mark.parametrize("size", [0, -1, np.int64(0), *NO_INTEGERS], ids=repr)
def test_sizes_are_positive_integers(architecture, rng, size):
    arch, options = architecture
    Cell = CELLS[MODULES.index(arch)]
    integer = isinstance(size, int | np.integer) and size is not True
    error, expected = (
        (ValueError, "be at least 1")
        if integer
        else (TypeError, "be an integer")
    )
    came = re.escape(str(size) if integer else repr(size)) + "$"
    for name, sizes in [("D", (size, 3)), ("H", (3, size))]:
        with refused(error, name, expected, came):
            arch.init(*sizes, rng=rng, **options)
        cell_name = {"D": "input_dim", "H": "hidden_dim"}[name]
        with refused(error, cell_name, expected, came):
            Cell(*sizes)


def test_one_is_the_smallest_size():
    assert checks.positive_int("size", 1) == 1


def test_integers_of_numpy_are_integers(architecture, rng):
    arch, options = architecture
    params = arch.init(np.int8(4), np.uint16(6), rng=rng, **options)
    assert (params.D, params.H) == (4, 6)


@pytest.mark.parametrize(
    ("arch", "name"), [(lstm, "forget_bias"), (gru, "update_bias")]
)
def test_the_bias_of_a_gate_is_a_finite_number(arch, name, rng):
    for value in (np.nan, np.inf, -np.inf, np.float32("inf")):
        with refused(ValueError, name, "be finite", f"{value}$"):
            arch.init(4, 6, rng=rng, **{name: value})
    for value in NO_NUMBERS:
        with refused(
            TypeError, name, "be a real number", re.escape(repr(value)) + "$"
        ):
            arch.init(4, 6, rng=rng, **{name: value})
    for value in (1, np.float32(1), np.int64(1), Fraction(1)):
        assert arch.init(4, 6, rng=rng, **{name: value}).b.sum() == 6


@pytest.mark.parametrize("word", ["both", "", None, True])
def test_the_reset_gate_acts_before_or_after(word, rng):
    with refused(
        ValueError, "reset", 'be "before" or "after"', re.escape(repr(word))
    ):
        gru.init(4, 6, rng=rng, reset=word)


@pytest.mark.parametrize("Cell", CELLS)
@pytest.mark.parametrize("seed", [None, -1, 0.5, "0", True], ids=str)
def test_cells_name_what_is_no_seed(Cell, seed):
    with pytest.raises(ValueError, match=f"seed must be .*, got {seed!r}"):
        Cell(4, 6, seed=seed)


def test_a_number_beyond_all_floats_is_named():
    with pytest.raises(ValueError, match="rate must be finite, got 1000"):
        checks.finite_number("rate", 10**400)


@pytest.mark.parametrize("seed", [0, None, np.random, "0"], ids=str)
def test_a_seed_is_no_generator(architecture, seed):
    arch, options = architecture
    came = re.escape(f"{seed!r}; make one with default_rng(seed)")
    with refused(TypeError, "rng", "be a numpy.random.Generator", came):
        arch.init(4, 6, rng=seed, **options)


@pytest.mark.parametrize(
    "dtype", [int, "float16", complex, object, SWAPPED, None, "no dtype", 3]
)
def test_parameters_are_float32_or_float64(architecture, rng, dtype):
    arch, options = architecture
    with refused(
        TypeError, "dtype", "be float32 or float64", re.escape(repr(dtype))
    ):
        arch.init(4, 6, rng=rng, dtype=dtype, **options)


# The checks themselves


def test_arrays_come_back_as_they_are():
    x = np.ones((2, 3), np.float32)
    assert checks.array("x", x, ("T", 3)) is x
    assert checks.array("x", [[1.0, 2.0]], (2,), ("T", 2)).dtype == np.float64
    assert checks.array("x", np.float64(1), ()).shape == ()


def test_a_message_says_all():
    x = np.array([[1.0, 2.0], [3.0, np.inf]])
    whole = {
        (("T", 3),): "x must have shape (T, 3); got (2, 2)",
        ((2,), ("T", 3)): "x must have shape (2,) or (T, 3); got (2, 2)",
        (
            (2, 2),
        ): "x must be finite, got inf at index (1, 1); its shape is (2, 2)",
    }
    for shapes, message in whole.items():
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            checks.array("x", x, *shapes)
    empty = "x must have shape (T, 2), every size at least 1; got (0, 2)"
    with pytest.raises(ValueError, match=f"^{re.escape(empty)}$"):
        checks.array("x", x[:0], ("T", 2))


def test_nothing_is_zeros_of_the_shape_and_dtype():
    zeros = checks.like("h0", None, (2, 3), np.dtype(np.float32))
    assert zeros.dtype == np.float32
    np.testing.assert_array_equal(zeros, np.zeros((2, 3)))


def test_parameters_must_be_arrays(arch, inputs):
    params, x = inputs[:2]
    for name in ("W", "b"):
        listed = params._replace(**{name: getattr(params, name).tolist()})
        with pytest.raises(
            TypeError,
            match=rf"params\.{name} must be numpy\.ndarray, got .*list",
        ):
            arch.forward(listed, x)


@pytest.mark.parametrize("value", [2**63, 10**30])
def test_a_size_is_that_of_an_array(value):
    with pytest.raises(ValueError, match=f"B must be a size, got {value}"):
        checks.positive_int("B", value)


def test_a_mask_is_not_dropped_in_silence(rng):
    x = np.ma.array(rng.normal(size=(2, 3)), mask=False)
    x[1, 2] = np.ma.masked
    params = lstm.init(3, 4, rng=rng)
    with pytest.raises(TypeError, match="x must be an array without a mask"):
        lstm.forward(params, x)
