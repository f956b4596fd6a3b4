"""Products in tiles are products, and no kernel notices in how many tiles it computes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_lab import kernels
from lstm_lab.gradcheck import relative_errors

# Sums of some tens of terms of order one, in another order.
ROUNDING = 1e-13
SIZES = st.integers(1, 12)


def close(actual, expected):
    return max(relative_errors(actual, expected).values()) < ROUNDING


@pytest.fixture(scope="class")
def small_tiles():
    """Four columns of float64, and as many rows as take no more than 300 multiplications."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "TILE_BYTES", 4 * 8)
        patch.setattr(kernels, "TILE_WORK", 300)
        yield


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((64, 193, 128, 8), (64, 32)),
        ((64, 385, 256, 8), (64, 32)),
        ((64, 385, 256, 4), (32, 64)),
        ((64, 1024, 256, 8), (16, 32)),
        ((64, 512, 100, 8), (64, 25)),  # no divisor of 100 is nearer to 32
        ((32, 96, 16, 8), (32, 16)),
        # Not worth it: tiles would be too narrow or too flat.
        ((64, 193, 37, 8), (64, 37)),
        ((61, 1024, 256, 8), (61, 256)),
        ((64, 10_000, 256, 8), (64, 256)),
        ((64, 193, 8 * 37, 8), (64, 8 * 37)),  # a quarter of the width
        ((2, 20_000, 256, 8), (2, 256)),
        # A small batch stays whole, and so does a single row.
        ((3, 1024, 256, 8), (3, 32)),
        ((2, 1024, 256, 8), (2, 32)),
        ((1, 1024, 256, 8), (1, 256)),
    ],
)
def test_tiles_are_small_products_of_full_width(sizes, expected):
    assert kernels.tile_shape(*sizes) == expected


@pytest.mark.usefixtures("small_tiles")
@given(
    T=st.integers(1, 3),
    B=st.one_of(st.none(), SIZES, st.just(16)),
    K=SIZES,
    N=st.one_of(SIZES, st.just(16)),
    G=st.one_of(st.none(), st.integers(1, 4)),
)
def test_tiled_products_are_products(T, B, K, N, G):
    rng = np.random.default_rng(0)
    batch, gates = [[] if size is None else [size] for size in (B, G)]
    x = rng.normal(size=(T, *batch, K + 1))[..., 1:]  # with a gap, as all rows
    W = rng.normal(size=(*gates, K, N))
    out = np.full((T, 5, *batch, N), np.nan)
    out = out[:, slice(*gates)] if gates else out[:, 0]
    expected = np.stack([x_t @ W for x_t in x])
    multiply, tiles, *factors = kernels.step_products(x, W, out)
    for x_t, y_t in zip(tiles, factors[1], strict=True):
        multiply(x_t, factors[0], out=y_t)
    assert out.shape == expected.shape
    assert close(out, expected)
    out[...] = np.nan
    kernels.multiply_steps(x, W, out=out)
    assert close(out, expected)


@pytest.mark.parametrize(
    ("batch", "multiply"),
    [((), np.dot), ((1,), np.dot), ((2,), np.matmul), ((7,), np.matmul)],
)
def test_a_single_row_is_multiplied_by_the_quicker_product(batch, multiply):
    x, W, out = (
        np.ones((5, *batch, 7)),
        np.ones((7, 3)),
        np.ones((5, *batch, 3)),
    )
    chosen, *_ = kernels.step_products(x, W, out)
    assert chosen is multiply


@pytest.mark.usefixtures("small_tiles")
def test_tiles_are_views_of_what_is_read_and_written(rng):
    x, out = rng.normal(size=(2, 16, 6)), np.zeros((2, 16, 8))
    W = rng.normal(size=(6, 8))
    rows, columns, tiles = kernels.products(x, W, out)
    assert (rows.shape, columns.shape, tiles.shape) == (
        (2, 2, 1, 8, 6),
        (1, 2, 6, 4),
        (2, 2, 2, 8, 4),
    )
    assert np.shares_memory(rows, x)
    assert np.shares_memory(tiles, out)
    assert not np.shares_memory(columns, W)
    assert columns.flags.c_contiguous


def test_results_that_would_be_lost_are_refused(rng):
    gap = np.zeros((2, 4, 1, 10))[..., :8]  # gates are not one row of memory
    with pytest.raises(ValueError, match="copy"):
        kernels.multiply_steps(
            rng.normal(size=(2, 1, 6)), rng.normal(size=(4, 6, 8)), out=gap
        )


def test_kernels_do_the_same_in_tiles(architecture, rng, monkeypatch):
    arch, options = architecture
    T, B, D, H = 3, 16, 3, 8
    params = arch.init(D, H, rng=rng, **options)
    x, dh = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, H))

    def run():
        trace = arch.forward(params, x)
        return trace, arch.backward(params, trace, dh)

    whole, shapes = run(), set()
    tile_shape = kernels.tile_shape

    def watched(*sizes):
        shape = tile_shape(*sizes)
        shapes.add(shape)
        return shape

    monkeypatch.setattr(kernels, "tile_shape", watched)
    monkeypatch.setattr(kernels, "TILE_BYTES", 4 * 8)
    for work in (400, 600, 1100):
        monkeypatch.setattr(kernels, "TILE_WORK", work)
        assert close(run(), whole)
    assert {(8, 4), (16, 4)} <= shapes


def test_a_gradient_may_overflow_where_the_trace_is_finite(architecture, rng):
    arch, options = architecture
    params = arch.init(3, 4, rng=rng, **options)
    trace = arch.forward(params, rng.normal(size=(5, 2, 3)))
    with np.errstate(over="ignore"):
        grads = arch.backward(params, trace, np.full((5, 2, 4), 1e308))
    assert not np.isfinite(grads.params.W).all()
