"""The LSTM with coupled gates: an LSTM whose input gate is one minus its forget gate."""

import inspect

import numpy as np
import pytest

from lstm_lab import coupled, lstm, tree
from lstm_lab.architecture import Architecture
from lstm_lab.gradcheck import backward_errors
from lstm_lab.packing import apart, split_rows

# All different, so that no axis can be taken for another.
T, B, D, H = 5, 3, 4, 6
GRADIENT_ERROR = 1e-7  # central differences in float64 of losses of order one
ROUNDING = 1e-13  # relative, of sums of some tens of float64 terms


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def params(rng):
    zeros = coupled.init(D, H, rng=rng)
    return tree.map(lambda leaf: rng.normal(size=leaf.shape), zeros)


@pytest.fixture
def x(rng):
    return rng.normal(size=(T, B, D))


def test_it_is_an_architecture():
    promised = [name for name in vars(Architecture) if not name.startswith("_")]
    assert [name for name in promised if not hasattr(coupled, name)] == []
    assert coupled.GATES == ("f", "o", "g")
    assert coupled.STATES == lstm.STATES
    assert coupled.Grads._fields == lstm.Grads._fields
    for name in (
        *("init", "forward", "infer"),
        *("step_vjp", "weight_grads", "backward"),
    ):
        own, model = (
            inspect.signature(getattr(arch, name)) for arch in (coupled, lstm)
        )
        assert list(own.parameters) == list(model.parameters)


def test_the_forget_gate_starts_as_open_as_that_of_the_lstm(rng):
    f, o, g = split_rows(coupled.init(D, H, rng=rng).b, coupled.GATES)
    _, lstm_f, _, _ = split_rows(lstm.init(D, H, rng=rng).b, lstm.GATES)
    np.testing.assert_array_equal(f, lstm_f)
    assert not np.any([o, g])


def test_the_state_follows_its_equations(params, x):
    trace = coupled.forward(params, x)
    W, b = (split_rows(packed, coupled.GATES) for packed in params)
    h, c = np.zeros((2, B, H))
    for t in range(T):
        xh = np.concatenate([x[t], h], axis=-1)
        a_f, a_o, a_g = (
            xh @ block.T + bias for block, bias in zip(W, b, strict=True)
        )
        f, o = 1 / (1 + np.exp(-a_f)), 1 / (1 + np.exp(-a_o))
        c = f * c + (1 - f) * np.tanh(a_g)
        h = o * np.tanh(c)
        np.testing.assert_allclose(trace.h[t + 1], h, rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(trace.c[t + 1], c, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("shape", [(T, B, D), (T, 1, D), (T, D), (20, B, D)])
def test_infer_is_forward_without_a_trace(params, rng, shape):
    x = rng.normal(size=shape)
    states = rng.normal(size=(2, *shape[1:-1], H))
    for given in ((), states[:1], states):
        trace = coupled.forward(params, x, *given)
        h, last = coupled.infer(params, x, *given)
        np.testing.assert_array_equal(h, trace.h[1:])
        np.testing.assert_array_equal(last, [trace.h[-1], trace.c[-1]])


def test_the_gates_add_up_to_one(params, x):
    i, f, _, _ = apart(coupled.forward(params, x).gates)
    np.testing.assert_allclose(i + f, 1, rtol=ROUNDING)


@pytest.mark.parametrize("shape", [(T, B, D), (T, 1, D), (T, D)])
def test_every_gradient_is_that_of_differences(params, rng, shape):
    errors = backward_errors(coupled, params, rng.normal(size=shape), rng=rng)
    assert list(errors) == ["params.W", "params.b", "x", "h0", "c0"]
    assert max(errors.values()) < GRADIENT_ERROR


def test_steps_pulled_back_one_by_one_are_the_backward_pass(params, x, rng):
    trace = coupled.forward(params, x)
    dh_T, dc_T = rng.normal(size=(2, B, H))
    da, dx = np.empty((T, B, 3 * H)), np.empty_like(x)
    dstates = dh_T, dc_T
    for t in reversed(range(T)):
        da[t], dx[t], dstates = coupled.step_vjp(params, trace, t, *dstates)
    dparams = coupled.weight_grads(params, trace, da)
    grads = coupled.backward(params, trace, dh_T=dh_T, dc_T=dc_T)
    assert type(grads.params) is coupled.Params
    for one, other in zip(
        tree.leaves((dparams, dx, *dstates)).values(),
        tree.leaves(grads).values(),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=0, atol=100 * ROUNDING)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_first_weights(dtype):
    params = coupled.init(
        40, 60, rng=np.random.default_rng(0), forget_bias=2.5, dtype=dtype
    )
    assert (params.D, params.H) == (40, 60)
    assert params.W.dtype == params.b.dtype == dtype
    # The deviation of a sample of N is known to 1 / sqrt(2 N) of itself; five of these.
    sampling_error = 5 / np.sqrt(2 * params.W.size)
    assert abs(np.std(params.W) * np.sqrt(40 + 60) - 1) < sampling_error
    np.testing.assert_array_equal(params.b, np.repeat([2.5, 0, 0], 60))
    trace = coupled.forward(params, np.ones((3, 40), dtype))
    grads = coupled.backward(params, trace, dh_T=trace.h[-1])
    assert {leaf.dtype for leaf in tree.leaves(grads).values()} == {
        np.dtype(dtype)
    }


def test_arguments_are_only_read(params, x):
    given = [*params, x]
    before = [leaf.copy() for leaf in given]
    for leaf in given:
        leaf.flags.writeable = False
    trace = coupled.forward(params, x)
    coupled.infer(params, x)
    coupled.backward(params, trace, dh=trace.h[1:])
    for leaf, old in zip(given, before, strict=True):
        np.testing.assert_array_equal(leaf, old)


def test_parameters_of_the_lstm_are_refused(rng, x):
    params = lstm.init(D, H, rng=rng)
    with pytest.raises(
        TypeError, match=r"params must be .*coupled\.Params, got .*lstm\.Params"
    ):
        coupled.forward(params, x)


def test_a_bias_is_finite(rng):
    with pytest.raises(ValueError, match="forget_bias must be finite, got inf"):
        coupled.init(D, H, rng=rng, forget_bias=np.inf)
