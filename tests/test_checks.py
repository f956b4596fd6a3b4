"""Bad input is refused by messages that name the argument, its value and what was expected."""

import re
from fractions import Fraction

import numpy as np
import pytest

from lstm_lab import GRUCell, LSTMCell, RNNCell, checks, gru, lstm, rnn

FLOAT = "be an array of float32 or float64"
SHAPE = r"have shape \(.*\)"
CELLS = {RNNCell: ["h_prev"], LSTMCell: ["h_prev", "c_prev"], GRUCell: ["h_prev"]}


def entry(value):
    """Return a change of the last number of an array."""

    def change(array):
        spoiled = np.array(array)
        spoiled.flat[-1] = value
        return spoiled

    return change


class Tensor:
    """An array of another package that refuses to become one."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("call detach() first")


# What can be wrong with any array: the change, the error, the expectation, and what it is instead.
BAD = {
    "integer": (lambda a: a.astype(np.int32), TypeError, FLOAT, "dtype int32"),
    "boolean": (lambda a: a > 0, TypeError, FLOAT, "dtype bool"),
    "complex": (lambda a: a + 0j, TypeError, FLOAT, "dtype complex128"),
    "object": (lambda a: a.astype(object), TypeError, FLOAT, "dtype object"),
    "half": (lambda a: a.astype(np.float16), TypeError, FLOAT, "dtype float16"),
    "text": (lambda _: "text", TypeError, FLOAT, "dtype <U4"),
    "dict": (lambda a: {"x": a}, TypeError, FLOAT, "dtype object"),
    "none": (lambda _: None, TypeError, FLOAT, "dtype object"),
    "tensor": (lambda _: Tensor(), TypeError, "be an array", "Tensor: .*detach"),
    "masked": (
        lambda a: np.ma.array(a, mask=False),
        TypeError,
        "be an array without a mask",
        "a masked array",
    ),
    "ragged": (lambda _: [[1.0], [2.0, 3.0]], ValueError, "be one array", "nested lists"),
    "scalar": (lambda _: 1.0, ValueError, SHAPE, r"\(\)"),
    "high rank": (lambda a: a[None, None], ValueError, SHAPE, r"\(1, 1, .*\)"),
    "empty": (lambda a: a[:0], ValueError, SHAPE, r"\(0.*\)"),
    "nan": (entry(np.nan), ValueError, "be finite", r"nan at index \(.*\)"),
    "-inf": (entry(-np.inf), ValueError, "be finite", r"-inf at index \(.*\)"),
}
EVERY_BAD = pytest.mark.parametrize(("change", "error", "expected", "got"), BAD.values(), ids=BAD)


def refused(error, name, expected, got):
    """Expect an error whose message names the argument, what was expected and what it is."""
    return pytest.raises(error, match=rf"^{re.escape(name)} must {expected}.*[,;] got {got}")


# Arrays


@EVERY_BAD
def test_a_bad_array_is_named(change, error, expected, got):
    with refused(error, "dh", expected, got):
        checks.array("dh", change(np.ones((3, 6))), (3, "H"))


@EVERY_BAD
@pytest.mark.parametrize("Cell", CELLS)
def test_cells_name_a_bad_array(Cell, change, error, expected, got):
    given = {name: np.ones((3, 6)) for name in ("x", *CELLS[Cell])}
    for name, array in given.items():
        with refused(error, name, expected, got):
            Cell(6, 6).forward(**given | {name: change(array)})


@pytest.mark.parametrize("Cell", CELLS)
def test_cells_name_a_size_or_a_dtype_that_does_not_match(Cell):
    cell, names = Cell(4, 6), CELLS[Cell]
    given = {"x": np.zeros(4), **{name: np.zeros(6) for name in names}}
    with refused(ValueError, "x", r"have shape \(4,\) or \(B, 4\)", r"\(5,\)"):
        cell.forward(**given | {"x": np.zeros(5)})
    with refused(ValueError, "h_prev", r"have shape \(3, 6\)", r"\(6,\)"):
        cell.forward(**given | {"x": np.zeros((3, 4))})
    for name in names:
        with refused(ValueError, name, r"have shape \(6,\)", r"\(7,\)"):
            cell.forward(**given | {name: np.zeros(7)})
    for name, array in given.items():
        with refused(TypeError, name, "have dtype float64 like", "float32"):
            cell.forward(**given | {name: array.astype(np.float32)})


def test_arrays_come_back_as_they_are():
    x = np.ones((2, 3), np.float32)
    assert checks.array("x", x, ("T", 3)) is x
    assert checks.array("x", [[1.0, 2.0]], (2,), ("T", 2)).dtype == np.float64
    assert checks.array("x", np.float64(1), ()).shape == ()
    assert type(checks.array("x", x.view(np.matrix), (2, 3))) is np.ndarray


def test_a_message_says_all():
    x = np.array([[1.0, 2.0], [3.0, np.inf]])
    for shapes, message in (
        ([("T", 3)], "x must have shape (T, 3); got (2, 2)"),
        ([(2,), ("T", 3)], "x must have shape (2,) or (T, 3); got (2, 2)"),
        ([(2, 2)], "x must be finite, got inf at index (1, 1); its shape is (2, 2)"),
    ):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            checks.array("x", x, *shapes)
    empty = "x must have shape (T, 2), every size at least 1; got (0, 2)"
    with pytest.raises(ValueError, match=f"^{re.escape(empty)}$"):
        checks.array("x", x[:0], ("T", 2))


def test_nothing_is_zeros_of_the_shape_and_dtype():
    zeros = checks.like("h0", None, (2, 3), np.dtype(np.float32))
    assert zeros.dtype == np.float32
    np.testing.assert_array_equal(zeros, np.zeros((2, 3)))


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.uint64])
def test_integers_of_any_type_are_indices(dtype):
    found = checks.integers("tokens", np.ones((2, 3), dtype), "T", 3)
    assert found.dtype == np.intp
    assert checks.integers("tokens", [[1, 2]], 1, 2).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([4.0, 5.0], TypeError, r"of integers of shape \(2,\), got dtype float"),
        (["4", "5"], TypeError, "of integers .*, got dtype <U1"),
        ([True, False], TypeError, "of integers .*, got dtype bool"),
        (None, TypeError, "of integers .*, got NoneType"),
        ({4: 5}, TypeError, "of integers .*, got dict"),
        ([4], ValueError, r"of integers .*, got shape \(1,\)"),
        (np.ma.array([4, 5]), TypeError, "without a mask, got a masked array"),
        ([[4], [5, 6]], ValueError, "one array, got nested lists"),
    ],
)
def test_what_is_not_an_array_of_integers_is_named(value, error, message):
    with pytest.raises(error, match=f"^tokens must be .*{message}"):
        checks.integers("tokens", value, 2)


# Numbers

NO_INTEGERS = [2.0, "2", None, True, np.float64(2), Fraction(2), [2]]
SWAPPED = np.dtype(float).newbyteorder()  # the other machines' float64
NO_NUMBERS = ["1", None, True, 1j, [1.0], np.ones(1)]


@pytest.mark.parametrize("value", [0, -1, np.int64(0)])
def test_a_size_is_at_least_one(value):
    with refused(ValueError, "H", "be at least 1", f"{value}$"):
        checks.positive_int("H", value)


@pytest.mark.parametrize("value", NO_INTEGERS, ids=repr)
def test_a_size_is_an_integer(value):
    with refused(TypeError, "H", "be an integer", re.escape(repr(value))):
        checks.positive_int("H", value)


@pytest.mark.parametrize("value", [2**63, 10**30])
def test_a_size_is_that_of_an_array(value):
    with pytest.raises(ValueError, match=f"B must be a size, got {value}"):
        checks.positive_int("B", value)


@pytest.mark.parametrize("value", [1, np.int8(1), np.uint16(1)])
def test_integers_of_numpy_are_integers(value):
    assert type(checks.positive_int("size", value)) is int


@pytest.mark.parametrize("value", [1, np.float32(1), np.int64(1), Fraction(1)])
def test_numbers_of_any_type_are_plain_floats(value):
    number = checks.positive_number("rate", value)
    assert (type(number), number) == (float, 1)


@pytest.mark.parametrize("value", [np.nan, -np.inf, np.float32("inf"), 10**400])
def test_a_number_that_is_not_finite_is_named(value):
    with refused(ValueError, "rate", "be finite", f"{value}$"):
        checks.positive_number("rate", value)


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_what_is_not_a_number_is_named(value):
    with refused(TypeError, "rate", "be a real number", re.escape(repr(value))):
        checks.positive_number("rate", value)


@pytest.mark.parametrize("value", [0, -0.5])
def test_a_number_that_is_not_positive_is_named(value):
    with refused(ValueError, "rate", "be positive", f"{value}$"):
        checks.positive_number("rate", value)


@pytest.mark.parametrize("seed", [None, -1, 0.5, "0", True], ids=str)
def test_what_is_not_a_seed_is_named(seed):
    expected, got = "be an integer, 0 or more", re.escape(repr(seed))
    with refused(ValueError, "seed", expected, got):
        checks.seed(seed)
    for Cell in CELLS:
        with refused(ValueError, "seed", expected, got):
            Cell(4, 6, seed=seed)
    assert checks.seed(np.int64(3)) == 3


# Texts, lists and other types


@pytest.mark.parametrize("value", [b"a", None, 3, ["a"]])
def test_a_text_is_a_str(value):
    with refused(TypeError, "text", "be a str", re.escape(repr(value))):
        checks.text("text", value)


@pytest.mark.parametrize(
    ("value", "got"),
    [
        ("ab", "the str 'ab'; put it into a list"),
        (b"ab", "bytes"),
        ({"a": 1}, "dict"),
        ({"a"}, "set"),
        (3, "int"),
        (np.array("ab"), "ndarray"),
        (np.array([["ab"]]), "ndarray"),
        (np.ma.array(["ab"]), "MaskedArray"),
    ],
)
def test_a_list_of_texts_has_an_order(value, got):
    with refused(TypeError, "texts", "be a list of texts", got):
        checks.texts("texts", value)


def test_any_sequence_of_texts_is_a_list():
    for value in (["a", "b"], ("a", "b"), np.array(["a", "b"]), iter("ab")):
        found = checks.texts("texts", value)
        assert found == ("a", "b")
        assert {type(text) for text in found} == {str}
    with refused(TypeError, "texts[1]", "be a str", "3"):
        checks.texts("texts", ["a", 3])


@pytest.mark.parametrize("value", [0, "no", None])
def test_a_flag_is_a_bool(value):
    with refused(TypeError, "end", "be a bool", re.escape(repr(value))):
        checks.flag("end", value)
    assert checks.flag("end", np.True_) is True


@pytest.mark.parametrize("seed", [0, None, np.random, "0"], ids=str)
def test_a_seed_is_not_a_generator(seed):
    for cell in (rnn, lstm, gru):
        with refused(
            TypeError,
            "rng",
            r"be a numpy.random.Generator, such as default_rng\(seed\)",
            re.escape(repr(seed)),
        ):
            cell.init(4, 6, rng=seed)


@pytest.mark.parametrize("dtype", [int, "float16", complex, object, SWAPPED, None, "no dtype", 3])
def test_parameters_are_float32_or_float64(rng, dtype):
    for cell in (rnn, lstm, gru):
        with refused(TypeError, "dtype", "be float32 or float64", re.escape(repr(dtype))):
            cell.init(4, 6, rng=rng, dtype=dtype)


def test_another_type_is_named_with_its_module():
    expected = r"^model must be lstm_lab\..*\.RNNCell, got builtins\.NoneType$"
    with pytest.raises(TypeError, match=expected):
        checks.instance("model", None, RNNCell)
