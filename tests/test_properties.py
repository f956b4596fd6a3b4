"""What holds for networks and sequences of every size, and for numbers of every magnitude.

`test_architectures` has the same laws for one size, and more of them; here hypothesis looks for a
size, a draw or a magnitude for which one does not hold.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import ARCHITECTURES
from lstm_lab import tree

SIZES = st.integers(1, 7)
DTYPES = st.sampled_from([np.float32, np.float64])
# Sums in another order, whose rounding each of a few steps may triple; in units of the largest.
CLOSE = {np.dtype(np.float32): 1e-3, np.dtype(np.float64): 1e-11}
MAGNITUDES = st.sampled_from([0.0, 1e-30, 1e-20, 1e-8, 1.0, 1e8, 1e20, 1e30])
LAYOUTS = {
    "Fortran's order": np.asfortranarray,
    "backwards": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "every other": lambda a: np.repeat(a, 2, axis=0)[::2],
    "transposed twice": lambda a: a.T.copy().T,
}


@st.composite
def networks(draw, dtypes=DTYPES):
    """An architecture and the arguments of `forward` and `backward`, of any size."""
    arch, options = draw(st.sampled_from([*ARCHITECTURES.values()]))
    T, B, D, H = (draw(SIZES) for _ in range(4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    params = arch.init(D, H, rng=rng, **options)

    def normal(*shape):
        return rng.normal(size=shape).astype(dtype)

    dtype = draw(dtypes)
    params = tree.map(lambda leaf: normal(*leaf.shape), params)
    states = [normal(B, H) for _ in arch.STATES]
    last = [normal(B, H) for _ in arch.STATES]
    inputs = arch.Grads(params, normal(T, B, D), *states)
    return arch, inputs, (normal(T, B, H), *last)


def run(arch, inputs, cotangents):
    trace = arch.forward(*inputs)
    return trace, arch.backward(inputs.params, trace, *cotangents)


def assert_close(one, other):
    ones, others = tree.leaves(one), tree.leaves(other)
    assert ones.keys() == others.keys()
    for name, a in ones.items():
        b = others[name]
        assert a.dtype == b.dtype
        largest = max(float(np.abs(b).max()), 1e-3)
        np.testing.assert_allclose(
            a, b, rtol=0, atol=CLOSE[a.dtype] * largest, err_msg=name
        )


def total(parts):
    return tree.map(lambda *leaves: np.sum(leaves, axis=0), *parts)


def frozen(array):
    view = array.view()
    view.flags.writeable = False
    return view


@given(networks())
def test_a_batch_is_its_rows(network):
    arch, inputs, cotangents = network
    trace, grads = run(arch, inputs, cotangents)
    found = []
    for k in range(inputs.x.shape[1]):
        params, x, *states = inputs
        dh, *last = cotangents
        row = arch.Grads(params, x[:, k], *(state[k] for state in states))
        alone, grads_k = run(arch, row, (dh[:, k], *(d[k] for d in last)))
        assert_close(alone, tree.map(lambda leaf, k=k: leaf[:, k], trace))
        assert_close(grads_k.x, grads.x[:, k])
        assert_close(grads_k[2:], tuple(dstate[k] for dstate in grads[2:]))
        found.append(grads_k.params)
    assert_close(total(found), grads.params)


@given(networks(), st.data())
def test_a_sequence_is_its_parts(network, data):
    arch, inputs, (dh, *last) = network
    params, x, *states = inputs
    trace, grads = run(arch, inputs, (dh, *last))
    cut = data.draw(st.integers(1, max(1, len(x) - 1)))
    if cut == len(x):
        return
    first = arch.forward(params, x[:cut], *states)
    second = arch.forward(
        params, x[cut:], *(getattr(first, name)[-1] for name in arch.STATES)
    )
    assert_close(np.concatenate([first.h[:-1], second.h]), trace.h)
    later = arch.backward(params, second, dh[cut:], *last)
    sooner = arch.backward(params, first, dh[:cut], *later[2:])
    whole = total([sooner.params, later.params])
    assert_close(whole, grads.params)
    assert_close(np.concatenate([sooner.x, later.x]), grads.x)
    assert_close(sooner[2:], grads[2:])


@given(networks(), st.randoms(use_true_random=False))
def test_units_have_no_order(network, random):
    """Units in another order compute the same in that order, and so do their gradients."""
    arch, inputs, cotangents = network
    H = inputs[2].shape[-1]
    order = [*range(H)]
    random.shuffle(order)
    D = inputs.x.shape[-1]

    def reordered(params):
        blocks = params.b.shape[0] // H
        rows = [H * block + unit for block in range(blocks) for unit in order]
        columns = [*range(D), *(D + unit for unit in order)]
        moved = params._replace(W=params.W[rows][:, columns], b=params.b[rows])
        others = {
            name: leaf[order]
            for name, leaf in params._asdict().items()
            if name not in ("W", "b") and leaf is not None
        }
        return moved._replace(**others)

    def units(array):
        return array[..., order]

    params, x, *states = inputs
    moved = arch.Grads(reordered(params), x, *map(units, states))
    trace, grads = run(arch, inputs, cotangents)
    trace_m, grads_m = run(arch, moved, tuple(map(units, cotangents)))
    assert_close(trace_m.h, units(trace.h))
    assert_close(grads_m.params, reordered(grads.params))
    assert_close(grads_m.x, grads.x)
    assert_close(grads_m[2:], tuple(map(units, grads[2:])))


@given(networks(), st.sampled_from([*LAYOUTS.values()]))
def test_layout_does_not_matter_and_nothing_is_written_to(network, layout):
    arch, inputs, cotangents = network
    laid_out = tree.map(lambda leaf: frozen(layout(leaf)), (inputs, cotangents))
    before = [leaf.tobytes() for leaf in tree.leaves(laid_out).values()]
    assert_close(run(arch, *laid_out), run(arch, inputs, cotangents))
    arch.infer(*laid_out[0])
    after = [leaf.tobytes() for leaf in tree.leaves(laid_out).values()]
    assert after == before


@given(networks(), st.floats(-3, 3), st.floats(-3, 3))
def test_backward_is_linear_in_what_it_starts_from(network, a, b):
    arch, inputs, one = network
    rng = np.random.default_rng(1)
    other = tuple(rng.normal(size=d.shape).astype(d.dtype) for d in one)
    dtype = one[0].dtype.type
    mixed = tuple(
        dtype(a) * d + dtype(b) * e for d, e in zip(one, other, strict=True)
    )
    trace = arch.forward(*inputs)
    first, second, both = (
        arch.backward(inputs.params, trace, *d) for d in (one, other, mixed)
    )
    expected = tree.map(lambda d, e: dtype(a) * d + dtype(b) * e, first, second)
    largest = max(
        float(np.abs(leaf).max())
        for part in (first, second)
        for leaf in tree.leaves(part).values()
    )
    for name, leaf in tree.leaves(both).items():
        np.testing.assert_allclose(
            leaf,
            tree.leaves(expected)[name],
            rtol=0,
            atol=20 * CLOSE[leaf.dtype] * largest,
            err_msg=name,
        )


def scaled(network, of_x, of_W, of_d):
    arch, inputs, cotangents = network
    dtype = inputs.x.dtype.type
    params = tree.map(lambda leaf: leaf * dtype(of_W), inputs.params)
    inputs = inputs._replace(params=params, x=inputs.x * dtype(of_x))
    return arch, inputs, tuple(d * dtype(of_d) for d in cotangents)


@settings(max_examples=300)
@given(networks(), MAGNITUDES, MAGNITUDES, MAGNITUDES)
def test_extreme_numbers_leave_finite_ones(network, of_x, of_W, of_d):
    """In float32 a gradient can be larger than any number; then NumPy warns, which raises here."""
    arch, inputs, cotangents = scaled(network, of_x, of_W, of_d)
    try:
        # A result that is not finite is found below. OpenBLAS, too, may call a number invalid:
        # one that stood where it writes a product to, and was infinite.
        with np.errstate(invalid="ignore"):
            trace, grads = run(arch, inputs, cotangents)
    except RuntimeWarning as warning:
        assert inputs.x.dtype == np.float32, warning  # noqa: PT017
        assert "overflow" in str(warning)  # noqa: PT017
        assert max(of_x, of_W) * max(of_d, of_x, of_W) > 1e25
        return
    for name, leaf in tree.leaves((trace, grads)).items():
        assert np.all(np.isfinite(leaf)), name


@pytest.mark.parametrize("axis", [0, 1, 2])
@given(network=networks())
def test_dimensions_of_length_zero_are_refused(axis, network):
    arch, inputs, _ = network
    empty = np.delete(inputs.x, np.s_[:], axis=axis)
    with pytest.raises(ValueError, match=r"^x must "):
        arch.forward(inputs.params, empty)
    with pytest.raises(ValueError, match=r"^x must "):
        arch.infer(inputs.params, empty)
