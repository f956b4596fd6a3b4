"""The map of depth: every norm against central differences."""

import numpy as np
import pytest

from lstm_lab import gru, lstm, rnn, sequence
from lstm_lab.seq2seq import DepthMap, depth_map

H, T = 3, 4


@pytest.mark.parametrize("residual", [False, True])
def test_norms_are_those_of_central_differences(cell, residual):
    record = depth_map(cell, layers=3, H=H, T=T, residual=residual, seeds=[7])
    weights_rng, inputs_rng = np.random.default_rng(7).spawn(2)
    layers = [cell.init(H, H, rng=weights_rng) for _ in range(3)]
    x = inputs_rng.normal(size=(T, H))
    for level in range(3):

        def last(u, level=level):
            """Return the last output, as a function of what this layer reads."""
            for above in range(level, 3):
                h = sequence.forward(cell, layers[above], u).h[1:]
                u = u + h if residual and above else h
            return u[-1]

        for t in range(T):
            columns = []
            for k in range(H):
                change = np.zeros((T, H))
                change[t, k] = 1e-6
                difference = last(x + change) - last(x - change)
                columns.append(difference / 2e-6)
            expected = np.linalg.norm(columns) / np.sqrt(H)
            # Differences of 1e-6 have about nine digits of what is of order one.
            np.testing.assert_allclose(record.norms[0, level, t], expected, rtol=1e-6, atol=1e-9)
        h = sequence.forward(cell, layers[level], x).h[1:]
        x = x + h if residual and level else h


def test_one_layer_has_no_residual_connection():
    with_it, without = (
        depth_map(lstm, layers=1, H=H, T=T, residual=choice, seeds=[0, 1])
        for choice in (True, False)
    )
    assert with_it.norms.tobytes() == without.norms.tobytes()
    assert (with_it.residual, without.residual) == (True, False)


def test_seeds_and_initialization_decide():
    sizes = {"layers": 2, "H": H, "T": T, "seeds": [3, 4]}
    first, again = (depth_map(gru, **sizes) for _ in range(2))
    assert first.norms.tobytes() == again.norms.tobytes()
    assert (first.cell, first.seeds, first.H) == ("gru", (3, 4), H)
    assert not np.array_equal(first.norms[0], first.norms[1])
    assert len(repr(first)) < 150

    def zero(D, H, *, rng):
        params = rnn.init(D, H, rng=rng)
        return params._replace(W=0 * params.W)

    assert not depth_map(rnn, init=zero, **sizes).norms[:, :, :-1].any()


def test_the_geometric_mean_is_typical():
    norms = np.array([[[1.0, 4.0, 0.0]], [[100.0, 9.0, 1.0]]])
    settings = {"cell": "rnn", "D": 2, "H": 2, "T": 3, "seeds": (0, 1)}
    record = DepthMap(norms=norms, residual=False, **settings)
    np.testing.assert_allclose(record.typical, [[10, 6, 0]], rtol=1e-14)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        *(({size: 0}, ValueError, f"^{size} must be at least 1") for size in ("layers", "H", "T")),
        ({"seeds": []}, ValueError, "seeds must be one or more"),
        ({"seeds": [0, -1]}, ValueError, "seed must be an integer"),
        ({"residual": 1}, TypeError, "residual must be a bool, got 1"),
        ({"cell": "lstm"}, TypeError, "cell must be a cell"),
    ],
)
def test_maps_that_cannot_be_drawn(options, error, message):
    with pytest.raises(error, match=message):
        depth_map(**{"cell": lstm, "H": 2, "T": 2, **options})
