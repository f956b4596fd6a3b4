"""One suite for all cells: what each must do, whatever its equations say."""

import os
import subprocess
import sys
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import CELLS, B, T, random_case, run
from lstm_lab import coupled, gru, lstm, rnn, sequence, tree

# Differences with a step of 1e-6 are off by about 1e-10 of a loss of order one; a wrong term
# is off by percents.
GRADIENT_ERROR = 1e-7
# The same sums in another order: some tens of terms of order one, over five steps, differ by a
# few hundred roundings at most.
ROUNDING = {np.float64: 1e-13, np.float32: 1e-4}


def assert_close(actual, expected, limit=ROUNDING[np.float64]):
    """Compare arrays in norm, each under its name."""
    theirs = tree.leaves(expected)
    for name, ours in tree.leaves(actual).items():
        scale = np.linalg.norm(theirs[name]) or 1
        assert ours.shape == theirs[name].shape, name
        assert np.linalg.norm(ours - theirs[name]) <= limit * scale, name


def states(trace):
    """Return all that a trace shows, as a tuple of arrays."""
    return (*trace.states.values(), *trace.gates.values())


def at(case, k):
    """Return one example of a batch as a case of its own."""
    return SimpleNamespace(
        cell=case.cell,
        params=case.params,
        x=case.x[:, k],
        initial=[state[k] for state in case.initial],
        dh=case.dh[:, k],
        dlast=[d[k] for d in case.dlast],
    )


# What comes out


def test_shapes_and_names(case):
    (T, *batch, _), H = case.x.shape, case.params.H
    trace, grads = run(case)
    assert list(trace.states) == list(case.cell.STATES)
    assert list(trace.gates) == list(case.cell.GATES)
    for state in trace.states.values():
        assert state.shape == (T + 1, *batch, H)
    for gate in trace.gates.values():
        assert gate.shape == (T, *batch, H)
    np.testing.assert_array_equal(trace.x, case.x)
    np.testing.assert_array_equal(trace.h, trace.states["h"])
    names = ["params", "x", *(f"{name}0" for name in case.cell.STATES)]
    assert list(grads._fields) == names
    assert type(grads.params) is type(case.params)
    point = (case.params, case.x, *case.initial)
    assert tree.map(np.shape, tuple(grads)) == tree.map(np.shape, point)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_dtype_stays_what_it_is(cell_and_options, rng, dtype):
    case = random_case(*cell_and_options, rng, dtype=dtype)
    trace, grads = run(case)
    plain = sequence.backward(sequence.forward(case.cell, case.params, case.x))
    for leaf in [*states(trace), *tree.leaves((grads, plain)).values()]:
        assert leaf.dtype == dtype
    exact = random_case(*cell_and_options, np.random.default_rng(0))
    if dtype == np.float32:
        assert_close(tuple(grads), tuple(run(exact)[1]), ROUNDING[dtype])


def test_a_trace_and_parameters_are_shown_in_a_line(batch):
    trace, _ = run(batch)
    assert "x (5, 3, 4)" in repr(trace)
    assert len(repr(trace)) < 100
    with pytest.raises(AttributeError, match="its states are h"):
        _ = trace.velocity


def test_parameters_are_shown_by_their_sizes(rng):
    assert repr(lstm.init(2, 3, rng=rng)) == (
        "lstm.Params(D=2, H=3, gates=('i', 'f', 'o', 'g'), float64)"
    )


# Gradients


def test_every_gradient_is_that_of_differences(case):
    assert len(case.x) >= 3
    _, grads = run(case)
    arrays = (case.params, case.x, *case.initial)

    def loss():
        trace = sequence.forward(case.cell, *arrays)
        last = (state[-1] for state in trace.states.values())
        return np.vdot(case.dh, trace.h[1:]) + sum(map(np.vdot, case.dlast, last))

    for (name, leaf), grad in zip(
        tree.leaves(arrays).items(), tree.leaves(grads).values(), strict=True
    ):
        numeric = np.empty_like(leaf)
        for index in np.ndindex(leaf.shape):
            middle = leaf[index]
            leaf[index] = middle + 1e-6
            above = loss()
            leaf[index] = middle - 1e-6
            below = loss()
            leaf[index] = middle
            numeric[index] = (above - below) / 2e-6
        error = np.linalg.norm(grad - numeric) / np.linalg.norm(numeric)
        assert error < GRADIENT_ERROR, name


def test_backward_is_linear_and_none_means_zeros(batch):
    trace, grads = run(batch)
    parts = [sequence.backward(trace, batch.dh)]
    for n, d in enumerate(batch.dlast):
        others = [None] * n
        parts.append(sequence.backward(trace, None, *others, d))
    assert_close(tree.map(lambda *leaves: sum(leaves), *parts), grads)


def test_many_cotangents_are_pulled_back_at_once(case, rng):
    trace, _ = run(case)
    many = [rng.normal(size=(2, *d.shape)) for d in case.dlast]
    step = (trace.weights, trace.caches[2])
    together = case.cell.step_vjp(*step, *many)
    for n in range(2):
        alone = case.cell.step_vjp(*step, *(d[n] for d in many))
        assert_close(tree.map(lambda leaf, n=n: leaf[n], together), alone)


def test_a_direct_path_is_the_state_s_own_derivative(cell, batch):
    """With all gates held, a state with a direct path is multiplied by its factor."""
    if not hasattr(cell, "DIRECT"):
        assert cell is rnn
        return
    trace, _ = run(batch)
    n = cell.STATES.index(cell.DIRECT)
    for t, cache in enumerate(trace.caches):
        factor = cell.direct_factor(cache)
        assert ((factor >= 0) & (factor <= 1)).all()
        before = trace.states[cell.DIRECT][t]
        kept = np.abs(factor * before) <= np.abs(before) + 1e-12
        assert kept.all()
    dstates = [np.zeros_like(d) for d in batch.dlast]
    dstates[n] = batch.dlast[n]
    total = cell.direct_total(trace.caches[-1], *dstates)
    np.testing.assert_array_equal(total, batch.dlast[n])


# Batches, time, memory


def test_a_batch_is_its_examples(batch):
    trace, grads = run(batch)
    alone = [run(at(batch, k)) for k in range(B)]
    for k, (trace_k, grads_k) in enumerate(alone):
        assert_close(states(trace_k), tuple(s[:, k] for s in states(trace)))
        assert_close(tuple(grads_k[2:]), tuple(d[k] for d in grads[2:]))
        assert_close(grads_k.x, grads.x[:, k])
    total = tree.map(lambda *leaves: sum(leaves), *(g.params for _, g in alone))
    assert_close(total, grads.params)


@pytest.mark.parametrize("cut", [1, 3])
def test_two_parts_of_a_sequence_make_the_whole(batch, cut):
    trace, grads = run(batch)
    first = sequence.forward(batch.cell, batch.params, batch.x[:cut], *batch.initial)
    handed_on = [state[-1] for state in first.states.values()]
    second = sequence.forward(batch.cell, batch.params, batch.x[cut:], *handed_on)
    assert_close(second.h, trace.h[cut:])
    later = sequence.backward(second, batch.dh[cut:], *batch.dlast)
    sooner = sequence.backward(first, batch.dh[:cut], *later[2:])
    assert_close(tuple(sooner[2:]), tuple(grads[2:]))
    assert_close(tree.map(np.add, sooner.params, later.params), grads.params)
    assert_close(np.concatenate([sooner.x, later.x]), grads.x)


def test_padding_is_not_read(batch):
    """Sequences of different lengths in one batch have the gradients that each has alone."""
    lengths = np.array([2, T, 3])
    for k, length in enumerate(lengths):
        batch.dh[length:, k] = 0
    trace = sequence.forward(batch.cell, batch.params, batch.x, *batch.initial)
    grads = sequence.backward(trace, batch.dh, *batch.dlast, lengths=lengths)
    alone = []
    for k, length in enumerate(lengths):
        one = at(batch, k)
        one.x, one.dh = one.x[:length], one.dh[:length]
        alone.append(run(one)[1])
        assert_close(grads.x[:length, k], alone[k].x)
        assert not grads.x[length:, k].any()
        assert_close(tuple(g[k] for g in grads[2:]), tuple(alone[k][2:]))
    total = tree.map(lambda *leaves: sum(leaves), *(g.params for g in alone))
    assert_close(grads.params, total)


@pytest.mark.parametrize("lengths", [[0, 1, 2], [1, 2, T + 1], [1.0, 2, 3], [1, 2]])
def test_lengths_are_checked(batch, lengths):
    trace, _ = run(batch)
    with pytest.raises((TypeError, ValueError), match=r"^lengths must"):
        sequence.backward(trace, batch.dh, lengths=np.array(lengths))


@pytest.mark.parametrize("steps", [1, 20])
def test_infer_is_forward_without_a_trace(case, rng, steps):
    x = rng.normal(size=(steps, *case.x.shape[1:]))
    trace = sequence.forward(case.cell, case.params, x, *case.initial)
    h, last = sequence.infer(case.cell, case.params, x, *case.initial)
    np.testing.assert_array_equal(h, trace.h[1:])
    for state, name in zip(last, case.cell.STATES, strict=True):
        np.testing.assert_array_equal(state, trace.states[name][-1])


def test_infer_takes_no_memory_that_grows_with_time(cell, batch, rng):
    beyond = []
    for steps in (200, 1600):
        x = rng.normal(size=(steps, 8, batch.params.D))
        tracemalloc.start()
        h, _ = sequence.infer(cell, batch.params, x)
        beyond.append(tracemalloc.get_traced_memory()[1] - h.nbytes)
        tracemalloc.stop()
    assert beyond[1] < 1.2 * beyond[0] + x.size  # but for a check's mask of booleans


def test_an_lstm_holds_at_most_eight_numbers_for_each_unit_and_step(rng):
    steps, examples, D, H = 200, 32, 16, 32
    params = lstm.init(D, H, rng=rng)
    x = rng.normal(size=(steps, examples, D))
    tracemalloc.start()
    trace = sequence.forward(lstm, params, x)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 8 * steps * examples * H * trace.x.itemsize


def test_arguments_are_only_read_and_share_no_memory_with_results(case):
    given = (case.params, case.x, *case.initial, case.dh, *case.dlast)
    before = tree.map(np.copy, given)
    for leaf in tree.leaves(given).values():
        leaf.flags.writeable = False
    trace, grads = run(case)
    h, last = sequence.infer(case.cell, case.params, case.x, *case.initial)
    for was, leaf in zip(tree.leaves(before).values(), tree.leaves(given).values(), strict=True):
        np.testing.assert_array_equal(was, leaf)
        for result in tree.leaves((tuple(grads), h, last)).values():
            assert not np.shares_memory(leaf, result)
        assert not np.shares_memory(leaf, trace.h)


@pytest.mark.parametrize(
    "layout",
    [
        np.asfortranarray,
        lambda leaf: np.repeat(leaf, 2, axis=-1)[..., ::2],
        lambda leaf: leaf[::-1].copy()[::-1],
    ],
    ids=["fortran", "strided", "reversed"],
)
def test_layout_in_memory_does_not_matter(batch, layout):
    trace, grads = run(batch)
    laid_out = SimpleNamespace(
        **{
            name: value if name == "cell" else tree.map(layout, value)
            for name, value in vars(batch).items()
        }
    )
    again, grads_again = run(laid_out)
    assert_close(states(again), states(trace))
    assert_close(tuple(grads_again), tuple(grads))


DIGEST = """
import hashlib
import numpy as np
from lstm_lab import coupled, gru, lstm, rnn, sequence, tree

rng, digest = np.random.default_rng(0), hashlib.sha256()
cases = [(cell, cell.init(5, 33, rng=rng)) for cell in (rnn, lstm, gru, coupled)]
for cell, params in [*cases, (gru, gru.init(5, 33, rng=rng, reset="after"))]:
    trace = sequence.forward(cell, params, rng.normal(size=(50, 7, 5)))
    grads = sequence.backward(trace, np.ones_like(trace.h[1:]))
    for leaf in (trace.h, *trace.gates.values(), *tree.leaves(grads).values()):
        digest.update(np.ascontiguousarray(leaf).tobytes())
print(digest.hexdigest())
"""


def test_another_process_gives_the_same_bits():
    one_thread = os.environ | {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "MKL", "OMP")}
    both = [
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=one_thread | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert both[0] == both[1]


# Numbers of every size


def test_saturated_gates_are_exactly_open_or_closed(rng):
    params = lstm.init(3, 4, rng=rng)
    b = np.repeat([-1000.0, 1000.0, 1000.0, 0.0], 4)
    gates = sequence.forward(lstm, params._replace(b=b), rng.normal(size=(6, 2, 3))).gates
    assert (gates["i"] == 0).all()
    assert (gates["f"] == 1).all()
    assert (gates["o"] == 1).all()


@given(
    name=st.sampled_from(sorted(CELLS)),
    sizes=st.tuples(*[st.integers(1, 7)] * 4),
    scales=st.tuples(*[st.sampled_from([0.0, 1e-30, 1e-8, 1e8, 1e30])] * 3),
    seed=st.integers(0, 2**32),
)
def test_extreme_numbers_leave_finite_ones(name, sizes, scales, seed):
    steps, examples, D, H = sizes
    of_x, of_W, of_d = scales
    case = random_case(*CELLS[name], np.random.default_rng(seed), steps, (examples,), D, H)
    case.params = tree.map(lambda leaf: leaf * of_W, case.params)
    case.x, case.dh = case.x * of_x, case.dh * of_d
    trace, grads = run(case)
    for leaf in (*states(trace), *tree.leaves(tuple(grads)).values()):
        assert np.isfinite(leaf).all()


def test_a_gradient_may_overflow_where_the_trace_is_finite(batch):
    trace, _ = run(batch)
    with np.errstate(over="ignore", invalid="ignore"):
        grads = sequence.backward(trace, np.full_like(batch.dh, 1e308))
    assert not np.isfinite(grads.params.W).all()


def test_a_trace_that_is_not_finite_is_named(batch):
    trace = sequence.forward(batch.cell, batch.params, batch.x)
    for leaf in trace.caches[2]:
        leaf[...] = np.nan
    with pytest.raises(ValueError, match=r"trace\.\w+ must be finite, got nan"):
        sequence.backward(trace, batch.dh)


# What is refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cell": "lstm"}, "cell must be a cell, such as the module"),
        ({"cell": gru}, r"params must be lstm_lab\.cells\.gru\.Params, got"),
        ({"params": {"W": 1}}, r"params must be .*Params, got builtins\.dict"),
        ({"x": np.ones((5, 3, 4), int)}, "x must be an array of float32 or float64"),
        ({"x": np.ones((5, 3, 2))}, r"x must have shape \(T, B, 4\)"),
        ({"x": np.ones((0, 3, 4))}, r"x must have shape .*every size at least 1"),
        ({"x": np.full((5, 3, 4), np.nan)}, "x must be finite, got nan"),
        ({"x": np.ma.ones((5, 3, 4))}, "x must be an array without a mask"),
        ({"x": np.ones((5, 3, 4), np.float32)}, "x must have dtype float64"),
        ({"initial": [np.ones((3, 5))]}, r"h0 must have shape \(3, 6\)"),
        ({"initial": [None, np.ones((2, 6))]}, r"c0 must have shape \(3, 6\)"),
        ({"initial": [None] * 3}, "lstm has the states h, c; got 3 arrays"),
    ],
)
@pytest.mark.parametrize("function", [sequence.forward, sequence.infer])
def test_arguments_are_checked(rng, function, change, message):
    given = vars(random_case(lstm, {}, rng)) | change
    with pytest.raises((TypeError, ValueError), match=message):
        function(given["cell"], given["params"], given["x"], *given["initial"])


def test_lists_of_floats_are_arrays(rng):
    case = random_case(rnn, {}, rng)
    given = sequence.forward(rnn, case.params, case.x.tolist())
    np.testing.assert_array_equal(given.h, sequence.forward(rnn, case.params, case.x).h)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("W", np.ones((24, 6)), r"params\.W must have shape \(24, D \+ 6\)"),
        ("W", np.ones((23, 10)), r"params\.W must have shape \(24, D \+ H\)"),
        ("W", np.full((24, 10), np.inf), r"params\.W must be finite"),
        ("b", np.ones(23), r"params\.b must have shape \(4H,\)"),
        ("b", np.ones(24, np.float32), r"params\.W must have dtype float32"),
        ("b", [0.0] * 24, r"params\.b must be numpy\.ndarray"),
    ],
)
def test_parameters_are_checked(rng, name, value, message):
    params = lstm.init(4, 6, rng=rng)._replace(**{name: value})
    with pytest.raises((TypeError, ValueError), match=message):
        sequence.forward(lstm, params, np.ones((2, 4)))


def test_further_vectors_are_checked(rng):
    params = gru.init(4, 6, rng=rng)._replace(recurrent_bias=np.ones(5))
    with pytest.raises(ValueError, match=r"params\.recurrent_bias must have shape"):
        sequence.forward(gru, params, np.ones((2, 4)))


def test_backward_checks_what_it_starts_from(batch):
    trace, _ = run(batch)
    with pytest.raises(ValueError, match=r"^dh must have shape \(5, 3, 6\)"):
        sequence.backward(trace, batch.dh[1:])
    with pytest.raises(ValueError, match=r"^dh_T must have shape \(3, 6\)"):
        sequence.backward(trace, None, np.ones((3, 7)))
    with pytest.raises(TypeError, match=r"^trace must be .*sequence\.Trace"):
        sequence.backward(batch.params, batch.dh)


# First weights


def test_init_draws_normal_weights_with_zero_biases(cell_and_options):
    cell, options = cell_and_options
    params = cell.init(40, 60, rng=np.random.default_rng(0), **options)
    again = cell.init(40, 60, rng=np.random.default_rng(0), **options)
    np.testing.assert_array_equal(params.W, again.W)
    assert (params.D, params.H) == (40, 60)
    assert params.W.shape == (60 * len(cell.GATES), 100)
    # The deviation of a sample of N is known to 1 / sqrt(2 N) of itself; five of these.
    sampling_error = 5 / np.sqrt(2 * params.W.size)
    assert abs(np.std(params.W) * np.sqrt(40 + 60) - 1) < sampling_error
    assert params.b.sum() == (60 if params.b.any() else 0)


@pytest.mark.parametrize(
    ("cell", "biases"), [(rnn, [0]), (gru, [0, 0, 0]), (lstm, [0, 1, 0, 0]), (coupled, [1, 0, 0])]
)
def test_a_forget_gate_starts_with_a_bias_of_one(cell, biases, rng):
    b = cell.init(2, 3, rng=rng).b
    np.testing.assert_array_equal(b, np.repeat(biases, 3))


def test_reset_conventions_agree_where_the_recurrent_weights_are_diagonal(rng):
    x = rng.normal(size=(5, 3, 4))
    before = gru.init(4, 6, rng=rng)
    after = before._replace(recurrent_bias=np.zeros(6))
    assert (before.reset, after.reset) == ("before", "after")

    def h(params):
        return sequence.forward(gru, params, x).h

    assert np.abs(h(before) - h(after)).max() > 0.01
    U_h = before.W[-6:, 4:]  # the candidate's, on the state; `after` shares it
    U_h[:] = np.diag(np.diag(U_h))
    assert_close(h(before), h(after))
    with pytest.raises(ValueError, match='reset must be "before" or "after"'):
        gru.init(4, 6, rng=rng, reset="between")
