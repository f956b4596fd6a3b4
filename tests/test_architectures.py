"""One suite for all architectures: what each must do, whatever its equations say."""

import inspect
import os
import subprocess
import sys
import tracemalloc
from itertools import combinations

import numpy as np
import pytest

from lstm_lab import gru, kernels, lstm, packing, rnn, tree
from lstm_lab.architecture import Architecture
from lstm_lab.gradcheck import backward_errors, relative_errors

# Differences with a step of 1e-6 are off by about 1e-10 of a loss of order one; a wrong term
# is off by percents.
GRADIENT_ERROR = 1e-7
# The same sums in another order: some tens of terms of order one, over five steps, differ by a
# few hundred roundings at most.
ROUNDING = {np.float64: 1e-13, np.float32: 1e-4}

MODULES = (rnn, lstm, gru)
EXPORTS = [
    *("GATES", "STATES", "Params", "Trace", "Grads"),
    *("init", "update", "update_vjp", "preactivation"),
    *("kernel", "forward", "infer"),
    *("step_vjp", "weight_grads", "pull_back", "backward"),
]
EXAMPLES = pytest.mark.parametrize(
    "k", [slice(None), slice(1), 0], ids=["batch", "batch-of-one", "no-batch"]
)
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def frozen(leaf):
    """Return a copy that nothing can write to."""
    copy = leaf.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS = {
    "fortran": np.asfortranarray,
    "strided": lambda leaf: np.repeat(leaf, 2, axis=-1)[..., ::2],
    "reversed": lambda leaf: leaf[::-1].copy()[::-1],
    "read-only": frozen,
}


def run(arch, inputs, cotangents):
    """Return the trace of a forward pass, and the gradients of the backward pass after it."""
    trace = arch.forward(*inputs)
    return trace, arch.backward(inputs.params, trace, **tree.leaves(cotangents))


def examples(inputs, cotangents, k):
    """Return the arguments for some examples of the batch."""
    states = (state[k] for state in inputs[2:])
    some = tree.map(lambda leaf: leaf[k], cotangents)
    return (
        type(inputs)(inputs.params, inputs.x[:, k], *states),
        some._replace(dh=cotangents.dh[:, k]),
    )


def bits(result):
    """Return all that two equal results have in common, under the names of their arrays."""
    return {
        name: (leaf.shape, leaf.dtype, leaf.tobytes())
        for name, leaf in tree.leaves(result).items()
    }


def assert_below(errors, limit):
    assert errors
    assert not {name: e for name, e in errors.items() if not e < limit}


def assert_close(actual, expected, limit=ROUNDING[np.float64]):
    assert_below(relative_errors(actual, expected), limit)


def total(trees):
    return tree.map(lambda *leaves: sum(leaves), *trees)


# One interface


@pytest.mark.parametrize("arch", MODULES, ids=lambda arch: arch.__name__)
def test_modules_export_the_same_names_in_the_same_order(arch):
    cell = arch.__name__.rpartition(".")[-1].upper() + "Cell"
    own = [
        name for name in vars(arch) if name in EXPORTS or name.endswith("Cell")
    ]
    assert own == [*EXPORTS, cell]


@pytest.mark.parametrize("arch", MODULES, ids=lambda arch: arch.__name__)
def test_modules_satisfy_the_protocol(arch):
    promised = [name for name in vars(Architecture) if not name.startswith("_")]
    assert set(promised) <= set(EXPORTS)
    assert all(hasattr(arch, name) for name in ["__name__", *promised])
    initial = [f"{s}0" for s in arch.STATES]
    assert arch.Trace._fields[: 1 + len(initial)] == ("x", *arch.STATES)
    assert arch.Grads._fields == ("params", "x", *initial)

    def arguments(function):
        return list(inspect.signature(function).parameters)

    steps, last = (
        [f"d{s}" for s in arch.STATES],
        [f"d{s}_T" for s in arch.STATES],
    )
    assert arguments(arch.init)[:3] == ["D", "H", "rng"]
    assert arguments(arch.forward) == ["params", "x", *initial]
    assert arguments(arch.infer) == ["params", "x", *initial]
    assert arguments(arch.step_vjp) == ["params", "trace", "t", *steps]
    assert arguments(arch.backward) == ["params", "trace", "dh", *last]


# Shapes and dtypes


@EXAMPLES
def test_shapes(arch, inputs, cotangents, k):
    inputs, cotangents = examples(inputs, cotangents, k)
    (T, *batch, _), H = inputs.x.shape, inputs.h0.shape[-1]
    trace, grads = run(arch, inputs, cotangents)
    expected = {"x": inputs.x.shape, "gates": (T, *batch, len(arch.GATES), H)}
    expected |= dict.fromkeys(arch.STATES, (T + 1, *batch, H))
    assert type(trace) is arch.Trace
    assert {name: leaf.shape for name, leaf in tree.leaves(trace).items()} == {
        name: expected[name] for name in arch.Trace._fields
    }
    assert type(grads) is arch.Grads
    assert tree.map(np.shape, grads) == tree.map(np.shape, inputs)


def test_sizes_are_read_off_the_parameters(inputs):
    sizes = inputs.params.D, inputs.params.H
    assert sizes == (inputs.x.shape[-1], inputs.h0.shape[-1])


@DTYPES
def test_dtype_stays_what_it_is(architecture, inputs, cotangents, rng, dtype):
    arch, options = architecture
    same = tree.map(lambda leaf: leaf.astype(dtype), (inputs, cotangents))
    results = run(arch, *same)
    params = arch.init(4, 6, rng=rng, dtype=dtype, **options)
    trace = arch.forward(params, inputs.x.astype(dtype))  # from zero states
    plain = params, trace, arch.backward(params, trace)
    for name, leaf in tree.leaves((results, plain)).items():
        assert leaf.dtype == dtype, name
    assert_close(results, run(arch, inputs, cotangents), ROUNDING[dtype])


def test_single_precision_is_computed_in_single_precision(
    arch, inputs, cotangents, monkeypatch
):
    same = tree.map(lambda leaf: leaf.astype(np.float32), (inputs, cotangents))
    seen = set()

    def watched(function):
        def call(*operands, **options):
            arrays = (*operands, options.get("out"))
            seen.update(a.dtype for a in arrays if isinstance(a, np.ndarray))
            return function(*operands, **options)

        return call

    # Into an array of float32, a product of float64 would go unnoticed.
    for name in ("matmul", "dot", "add", "subtract", "multiply", "tanh"):
        monkeypatch.setattr(np, name, watched(getattr(np, name)))
    run(arch, *same)
    assert seen == {np.dtype(np.float32)}


# The kernels do what the equations say


def step(arch, params, x, h_prev, c_prev=None):
    """Return the states and the gates after one step, by the equations."""
    a = arch.preactivation(params, x, h_prev)
    if arch is rnn:
        return [rnn.update(a)], []
    *states, gates = (
        lstm.update(a, c_prev)
        if arch is lstm
        else gru.update(params, a, h_prev)
    )
    return states, [gates]


@DTYPES
@EXAMPLES
def test_forward_is_update_step_by_step(arch, inputs, cotangents, k, dtype):
    inputs, _ = examples(inputs, cotangents, k)
    params, x, *states = tree.map(lambda leaf: leaf.astype(dtype), inputs)
    trace = arch.forward(params, x, *states)
    for t, x_t in enumerate(x):
        states, gates = step(arch, params, x_t, *states)
        found = [getattr(trace, name)[t + 1] for name in arch.STATES]
        found += [trace.gates[t] for _ in gates]
        assert_close(found, states + gates, ROUNDING[dtype])


@DTYPES
@EXAMPLES
def test_backward_is_step_vjp_step_by_step(arch, inputs, cotangents, k, dtype):
    inputs, cotangents = examples(inputs, cotangents, k)
    inputs, cotangents = tree.map(
        lambda leaf: leaf.astype(dtype), (inputs, cotangents)
    )
    trace, grads = run(arch, inputs, cotangents)
    dh, *dstates = tree.leaves(cotangents).values()
    da, dx = [], []
    for t in reversed(range(len(dh))):
        dstates[0] = dstates[0] + dh[t]
        da_t, dx_t, dstates = arch.step_vjp(inputs.params, trace, t, *dstates)
        dstates = list(dstates)
        da.insert(0, da_t)
        dx.insert(0, dx_t)
    dparams = arch.weight_grads(inputs.params, trace, np.stack(da))
    expected = arch.Grads(dparams, np.stack(dx), *dstates)
    assert_close(grads, expected, ROUNDING[dtype])


@pytest.mark.parametrize(
    ("steps", "parts"),
    [
        (0, [1, 1, 1, 1, 1]),
        (1, [1, 1, 1, 1, 1]),
        (2, [2, 2, 1]),
        (4, [4, 1]),
        (5, [5]),
        (6, [5]),
    ],
)
@EXAMPLES
def test_backward_in_parts_is_backward_as_a_whole(
    arch, inputs, cotangents, monkeypatch, k, steps, parts
):
    inputs, cotangents = examples(inputs, cotangents, k)
    _, whole = run(arch, inputs, cotangents)
    lengths, weight_grads = [], arch.weight_grads

    def counted(params, trace, da):
        lengths.append(len(da))
        return weight_grads(params, trace, da)

    examples_a_step = inputs.h0.size // inputs.params.H
    # One row more is not enough for another step, unless a step is one row.
    rows = steps * examples_a_step + (examples_a_step > 1)
    monkeypatch.setattr(kernels, "ROWS", rows)
    monkeypatch.setattr(arch, "weight_grads", counted)
    _, in_parts = run(arch, inputs, cotangents)
    assert lengths == parts  # the last steps first
    assert bits(in_parts[1:]) == bits(whole[1:])
    assert_close(in_parts.params, whole.params)


@pytest.mark.parametrize("T", [1, 7, 8, 9, 20])
@EXAMPLES
@DTYPES
def test_infer_is_forward_without_a_trace(
    arch, inputs, cotangents, rng, k, T, dtype
):
    inputs, _ = examples(inputs, cotangents, k)
    inputs = inputs._replace(x=rng.normal(size=(T, *inputs.x.shape[1:])))
    params, x, *states = tree.map(lambda leaf: leaf.astype(dtype), inputs)
    trace = arch.forward(params, x, *states)
    h, last = arch.infer(params, x, *states)
    assert bits(h) == bits(trace.h[1:])
    assert bits(last) == bits(
        tuple(getattr(trace, name)[-1] for name in arch.STATES)
    )
    assert bits(arch.infer(params, x)[0]) == bits(arch.forward(params, x).h[1:])


@pytest.mark.parametrize(("T", "held"), [(1, 1), (7, 7), (8, 8), (20, 8)])
def test_infer_holds_no_more_steps_than_it_must(
    arch, inputs, rng, monkeypatch, T, held
):
    lengths, kernel = [], arch.kernel

    def counted(params, steps, batch):
        lengths.append(steps)
        return kernel(params, steps, batch)

    monkeypatch.setattr(arch, "kernel", counted)
    x = rng.normal(size=(T, *inputs.x.shape[1:]))
    h, last = arch.infer(inputs.params, x)
    assert lengths == [held]
    # A view would keep the buffer alive as long as the states.
    assert all(leaf.flags.owndata for leaf in (h, *last))


def test_infer_takes_no_memory_that_grows_with_time(arch, inputs, rng):
    beyond = []
    for T in (200, 1600):
        x = rng.normal(size=(T, 8, inputs.x.shape[-1]))
        tracemalloc.start()
        h, _ = arch.infer(inputs.params, x)
        beyond.append(tracemalloc.get_traced_memory()[1] - h.nbytes)
        tracemalloc.stop()
    assert beyond[1] < 1.2 * beyond[0]  # but for a check's mask of booleans
    assert beyond[0] < 0.5 * h.nbytes


def test_saturated_gates_are_exactly_open_or_closed(rng):
    params = lstm.init(3, 4, rng=rng)
    b = np.repeat([-1000.0, 1000.0, 1000.0, 0.0], 4)
    trace = lstm.forward(params._replace(b=b), rng.normal(size=(6, 2, 3)))
    i, f, o, _ = packing.apart(trace.gates)
    assert (i == 0).all()
    assert (f == 1).all()
    assert (o == 1).all()


# Gradients


@EXAMPLES
def test_every_gradient_is_that_of_differences(
    arch, inputs, cotangents, rng, k
):
    inputs, _ = examples(inputs, cotangents, k)
    assert len(inputs.x) >= 3
    errors = backward_errors(arch, inputs.params, inputs.x, rng=rng)
    assert errors.keys() == tree.leaves(inputs).keys()
    assert_below(errors, GRADIENT_ERROR)


def test_cotangents_of_the_last_state_add_up(arch, inputs, cotangents):
    dh = cotangents.dh.copy()
    dh[-1] += cotangents.dh_T
    together = run(arch, inputs, cotangents._replace(dh=dh, dh_T=None))
    assert bits(together) == bits(run(arch, inputs, cotangents))


def test_backward_is_linear(arch, inputs, cotangents):
    nothing = cotangents._replace(dh=None, dh_T=None, dc_T=None)
    parts = [
        run(arch, inputs, nothing._replace(**{name: leaf}))[1]
        for name, leaf in tree.leaves(cotangents).items()
    ]
    assert_close(total(parts), run(arch, inputs, cotangents)[1])


def test_none_means_zeros(arch, inputs, cotangents):
    nothing = cotangents._replace(dh=None, dh_T=None, dc_T=None)
    zeros = tree.map(np.zeros_like, cotangents)
    assert bits(run(arch, inputs, nothing)) == bits(run(arch, inputs, zeros))
    params, x, *states = inputs
    from_zeros = arch.forward(params, x, *map(np.zeros_like, states))
    assert bits(arch.forward(params, x)) == bits(from_zeros)


@EXAMPLES
def test_step_vjp_takes_many_cotangents_at_once(
    arch, inputs, cotangents, rng, k
):
    inputs, _ = examples(inputs, cotangents, k)
    trace, t = arch.forward(*inputs), 2
    many = [rng.normal(size=(2, *inputs.h0.shape)) for _ in arch.STATES]
    together = arch.step_vjp(inputs.params, trace, t, *many)
    for n in range(2):
        alone = arch.step_vjp(
            inputs.params, trace, t, *(dstate[n] for dstate in many)
        )
        assert_close(tree.map(lambda leaf, n=n: leaf[n], together), alone)


# Batches, time, memory


def test_a_batch_is_its_rows(arch, inputs, cotangents):
    trace, grads = run(arch, inputs, cotangents)
    rows = range(inputs.x.shape[1])
    alone = [run(arch, *examples(inputs, cotangents, k)) for k in rows]
    for k, (trace_k, grads_k) in enumerate(alone):
        assert_close(trace_k, tree.map(lambda leaf, k=k: leaf[:, k], trace))
        assert_close(grads_k[2:], tuple(dstate[k] for dstate in grads[2:]))
        assert_close(grads_k.x, grads.x[:, k])
    assert_close(total(grads_k.params for _, grads_k in alone), grads.params)


@pytest.mark.parametrize("cut", [1, 3])
def test_two_parts_of_a_sequence_make_the_whole(arch, inputs, cotangents, cut):
    trace, grads = run(arch, inputs, cotangents)
    params, x, *states = inputs
    dh, *dlast = tree.leaves(cotangents).values()
    first = arch.forward(params, x[:cut], *states)
    handed_on = [getattr(first, name)[-1] for name in arch.STATES]
    second = arch.forward(params, x[cut:], *handed_on)
    parts = zip(first, second, strict=True)
    joined = arch.Trace(*(np.concatenate([a[:cut], b]) for a, b in parts))
    assert_close(joined, trace)
    later = arch.backward(params, second, dh[cut:], *dlast)
    sooner = arch.backward(params, first, dh[:cut], *later[2:])
    dparams = total([sooner.params, later.params])
    dx = np.concatenate([sooner.x, later.x])
    assert_close(sooner._replace(params=dparams, x=dx), grads)


@EXAMPLES
def test_arguments_are_only_read(arch, inputs, cotangents, k):
    inputs, cotangents = examples(inputs, cotangents, k)
    before = bits((inputs, cotangents))
    trace, grads = run(arch, inputs, cotangents)
    arch.infer(*inputs)
    assert bits((inputs, cotangents)) == before
    again = arch.backward(
        inputs.params, tree.map(frozen, trace), **tree.leaves(cotangents)
    )
    assert bits(again) == bits(grads)


@EXAMPLES
def test_no_array_shares_memory_with_another(arch, inputs, cotangents, k):
    inputs, cotangents = examples(inputs, cotangents, k)
    results = *run(arch, inputs, cotangents), arch.infer(*inputs)
    arrays = tree.leaves((inputs, cotangents, results))
    for (name, leaf), (other, memory) in combinations(arrays.items(), 2):
        assert not np.shares_memory(leaf, memory), (name, other)


def test_step_vjp_and_weight_grads_only_read(arch, inputs, cotangents):
    trace = arch.forward(*inputs)
    given = inputs.params, trace, cotangents
    params, trace, (_, *last) = tree.map(frozen, given)
    last = [dstate for dstate in last if dstate is not None]
    da, dx, dstates = arch.step_vjp(params, trace, 2, *last)
    das = frozen(np.stack([da] * len(trace.x)))
    dparams = arch.weight_grads(params, trace, das)
    arrays = tree.leaves(
        ((params, trace, last, das), (da, dx, dstates, dparams))
    )
    for (name, leaf), (other, memory) in combinations(arrays.items(), 2):
        assert not np.shares_memory(leaf, memory), (name, other)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@EXAMPLES
def test_layout_in_memory_does_not_matter(arch, inputs, cotangents, k, layout):
    inputs, cotangents = examples(inputs, cotangents, k)
    laid_out = tree.map(layout, (inputs, cotangents))
    assert_close(run(arch, *laid_out), run(arch, inputs, cotangents))


def test_the_same_call_gives_the_same_bits(arch, inputs, cotangents):
    first, second = (run(arch, inputs, cotangents) for _ in range(2))
    assert bits(first) == bits(second)


DIGEST = """
import hashlib
import numpy as np
from lstm_lab import gru, lstm, rnn, tree

rng, digest = np.random.default_rng(0), hashlib.sha256()
after = gru.init(5, 33, rng=rng, reset="after")
for arch, params in [
    *((arch, arch.init(5, 33, rng=rng)) for arch in (rnn, lstm, gru)),
    (gru, after),
]:
    x = rng.normal(size=(50, 7, 5))
    trace = arch.forward(params, x)
    grads = arch.backward(params, trace, np.ones_like(trace.h[1:]))
    for leaf in tree.leaves((trace, grads, arch.infer(params, x))).values():
        digest.update(leaf.tobytes())
print(digest.hexdigest())
"""


def test_another_process_gives_the_same_bits():
    one_thread = os.environ | {
        f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "MKL", "OMP")
    }
    both = [
        subprocess.Popen(
            [sys.executable, "-c", DIGEST],
            env=one_thread | {"PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    first, second = (process.communicate()[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert first == second


# Initial weights, and the two conventions of the GRU


def test_init_draws_normal_weights_with_zero_biases(architecture):
    arch, options = architecture
    first, second = (
        arch.init(40, 60, rng=np.random.default_rng(0), **options)
        for _ in range(2)
    )
    assert bits(first) == bits(second)
    # The deviation of a sample of N is known to 1 / sqrt(2 N) of itself; five of these.
    sampling_error = 5 / np.sqrt(2 * first.W.size)
    assert abs(np.std(first.W) * np.sqrt(40 + 60) - 1) < sampling_error
    biases = tree.leaves(first._replace(W=None))
    wanted = {"b": 60 if arch is lstm else 0, "recurrent_bias": 0}
    assert all(leaf.sum() == wanted[name] for name, leaf in biases.items())


def test_init_sets_the_bias_of_the_named_gate(rng):
    lstm_b = lstm.init(2, 3, rng=rng, forget_bias=2.5).b.reshape(-1, 3)
    gru_b = gru.init(2, 3, rng=rng, update_bias=-1.5).b.reshape(-1, 3)
    np.testing.assert_array_equal(lstm_b[:, 0], [0, 2.5, 0, 0])
    np.testing.assert_array_equal(gru_b[:, 0], [-1.5, 0, 0])
    assert np.ptp(lstm_b, axis=1).max() == np.ptp(gru_b, axis=1).max() == 0


def test_reset_conventions_agree_where_the_recurrent_weights_are_diagonal(rng):
    x = rng.normal(size=(5, 3, 4))
    before = gru.init(4, 6, rng=rng)
    after = before._replace(recurrent_bias=np.zeros(6))
    assert (before.reset, after.reset) == ("before", "after")

    def states(params):
        return gru.forward(params, x).h

    assert np.abs(states(before) - states(after)).max() > 0.01
    U_h = before.W[-6:, 4:]  # the candidate's, on the state; `after` shares it
    U_h[:] = np.diag(np.diag(U_h))
    assert_close(states(before), states(after))
