"""Checkpointed gradients are the gradients, in less memory."""

import tracemalloc

import numpy as np
import pytest

from lstm_lab import gradient_checkpointing, lstm, tree
from lstm_lab.gradcheck import relative_errors

# The same sums over at most 30 steps in another order.
ROUNDING = 1e-13


def bits(result):
    return {
        name: (leaf.shape, leaf.dtype, leaf.tobytes())
        for name, leaf in tree.leaves(result).items()
    }


@pytest.mark.parametrize("segment", [None, 1, 4, 29, 30, 100])
@pytest.mark.parametrize("batch", [(), (1,), (3,)], ids=str)
def test_gradients_are_those_of_backward(arch, inputs, rng, batch, segment):
    T, (D, H) = 30, (inputs.params.D, inputs.params.H)
    x, dh = rng.normal(size=(T, *batch, D)), rng.normal(size=(T, *batch, H))
    states, last = rng.normal(size=(2, len(arch.STATES), *batch, H))
    params = inputs.params
    whole = arch.backward(params, arch.forward(params, x, *states), dh, *last)
    checkpoints = gradient_checkpointing.forward(
        arch, params, x, *states, segment=segment
    )
    parts = gradient_checkpointing.backward(
        arch, params, checkpoints, dh, *last
    )
    assert type(parts) is arch.Grads
    assert bits(parts[1:]) == bits(whole[1:])
    errors = relative_errors(parts.params, whole.params)
    assert errors
    assert max(errors.values()) < ROUNDING


def test_dtype_stays_what_it_is(arch, inputs, cotangents):
    single = tree.map(
        lambda leaf: leaf.astype(np.float32), (inputs, cotangents)
    )
    (params, *given), cotangents = single
    checkpoints = gradient_checkpointing.forward(arch, params, *given)
    for last in ((), tree.leaves(cotangents).values()):
        grads = gradient_checkpointing.backward(
            arch, params, checkpoints, *last
        )
        for name, leaf in tree.leaves((checkpoints[:2], grads)).items():
            assert leaf.dtype == np.float32, name


@pytest.mark.parametrize(
    ("T", "segment"), [(1, 1), (2, 2), (4, 2), (5, 3), (9, 3), (10, 4)]
)
def test_a_segment_is_the_root_of_time_rounded_up(
    arch, inputs, rng, T, segment
):
    x = rng.normal(size=(T, inputs.params.D))
    checkpoints = gradient_checkpointing.forward(arch, inputs.params, x)
    assert checkpoints.x is x
    assert checkpoints.segment == segment
    assert len(checkpoints.states) == -(-T // segment) + 1


def test_what_is_not_given_is_zero(arch, inputs):
    params, x = inputs[:2]
    trace = arch.forward(params, x)
    dh = np.ones_like(trace.h[1:])
    for given in ((), (dh,)):
        checkpoints = gradient_checkpointing.forward(arch, params, x)
        parts = gradient_checkpointing.backward(
            arch, params, checkpoints, *given
        )
        whole = arch.backward(params, trace, *given)
        assert bits(parts[1:]) == bits(whole[1:])


def test_checkpoints_end_with_the_last_states(arch, inputs):
    params, x, *states = inputs
    checkpoints = gradient_checkpointing.forward(
        arch, params, x, *states, segment=2
    )
    assert (
        len(checkpoints.states) == 4
    )  # before steps 0, 2 and 4, and at the end
    assert bits(checkpoints.states[-1]) == bits(
        arch.infer(params, x, *states)[1]
    )


def test_arguments_are_only_read(arch, inputs, cotangents):
    before = bits((inputs, cotangents))
    checkpoints = gradient_checkpointing.forward(arch, *inputs)
    gradient_checkpointing.backward(
        arch, inputs.params, checkpoints, *tree.leaves(cotangents).values()
    )
    assert bits((inputs, cotangents)) == before


def held(T, rng):
    """Return the peak of memory in bytes, beyond what comes in and goes out."""
    params = lstm.init(2, 16, rng=rng)
    x = rng.normal(size=(T, 4, 2))
    tracemalloc.start()
    checkpoints = gradient_checkpointing.forward(lstm, params, x)
    grads = gradient_checkpointing.backward(
        lstm, params, checkpoints, None, np.ones((4, 16))
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - grads.x.nbytes


def test_memory_grows_as_the_root_of_time(rng):
    # Sixteen times the steps take about four times the memory; all the gates would take 16.
    assert 2 < held(6400, rng) / held(400, rng) < 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c._replace(x=c.x[0, 0]), "x must have shape"),
        (
            lambda c: c._replace(segment=1),
            "checkpoints.states must be 6, for 5 steps in segments of 1; got 3",
        ),
        (lambda c: tuple(c), "checkpoints must be .*Checkpoints, got .*tuple"),
    ],
)
def test_other_checkpoints_are_refused(inputs, arch, change, message):
    checkpoints = change(gradient_checkpointing.forward(arch, *inputs))
    with pytest.raises((TypeError, ValueError), match=message):
        gradient_checkpointing.backward(arch, inputs.params, checkpoints)


def test_bad_arguments_are_named(arch, inputs):
    with pytest.raises(ValueError, match="segment must be at least 1, got 0"):
        gradient_checkpointing.forward(arch, *inputs, segment=0)
    with pytest.raises(ValueError, match=r"x must have shape .*\(0, 3, 4\)"):
        gradient_checkpointing.forward(arch, inputs.params, inputs.x[:0])
    checkpoints = gradient_checkpointing.forward(arch, *inputs)
    with pytest.raises(ValueError, match=r"dh must have shape \(5, 3, 6\)"):
        gradient_checkpointing.backward(
            arch, inputs.params, checkpoints, np.ones((5, 3, 7))
        )
