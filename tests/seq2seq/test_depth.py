"""The map of depth: every norm against central differences, and what it rests on."""

import numpy as np
import pytest

from lstm_lab import gru, lstm, rnn, seq2seq
from lstm_lab.seq2seq import depth_map

H, T = 3, 4


@pytest.mark.parametrize("arch", [rnn, lstm, gru])
@pytest.mark.parametrize("residual", [False, True])
def test_norms_are_those_of_central_differences(arch, residual):
    record = depth_map(arch, layers=3, H=H, T=T, residual=residual, seeds=[7])
    weights_rng, input_rng = np.random.default_rng(7).spawn(2)
    cells = [arch.init(H, H, rng=weights_rng) for _ in range(3)]
    x = input_rng.normal(size=(T, H))
    for level in range(3):

        def last(u, level=level):
            """Return the last output, as a function of what this layer reads."""
            for above in range(level, 3):
                h = arch.forward(cells[above], u).h[1:]
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
            np.testing.assert_allclose(
                record.norms[0, level, t], expected, rtol=1e-6, atol=1e-9
            )
        h = arch.forward(cells[level], x).h[1:]
        x = x + h if residual and level else h


def test_one_layer_has_no_residual_connection():
    with_it, without = (
        depth_map(lstm, layers=1, H=H, T=T, residual=choice, seeds=[0, 1])
        for choice in (True, False)
    )
    assert with_it.norms.tobytes() == without.norms.tobytes()
    assert (with_it.residual, without.residual) == (True, False)


def test_a_map_has_eight_plain_layers_unless_told_otherwise():
    usual = depth_map(rnn, seeds=[0])
    chosen = depth_map(rnn, layers=8, H=32, T=40, residual=False, seeds=[0])
    assert usual.norms.tobytes() == chosen.norms.tobytes()
    assert usual.residual is False


def test_seeds_decide():
    first, again = (
        depth_map(gru, layers=2, H=H, T=T, seeds=[3, 4]) for _ in range(2)
    )
    assert first.norms.tobytes() == again.norms.tobytes()
    assert first.seeds == (3, 4)
    assert not np.array_equal(first.norms[0], first.norms[1])


def test_what_is_typical_is_the_geometric_mean():
    norms = np.array([[[1.0, 4.0, 0.0]], [[100.0, 9.0, 1.0]]])
    record = seq2seq.DepthMap(norms, False, (0, 1))
    np.testing.assert_allclose(record.typical, [[10, 6, 0]], rtol=1e-14)


@pytest.mark.parametrize("size", ["layers", "H", "T"])
def test_sizes_are_named(size):
    with pytest.raises(ValueError, match=f"^{size} must be at least 1"):
        depth_map(lstm, **{size: 0})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"seeds": []}, ValueError, "seeds must be at least one"),
        ({"seeds": 3}, TypeError, "seeds must be a list of integers, got int"),
        ({"seeds": [0, -1]}, ValueError, r"seeds\[1\] must be an integer"),
        ({"residual": 1}, TypeError, "residual must be a bool, got 1"),
        ({"arch": "lstm"}, TypeError, "arch must be an architecture"),
    ],
)
def test_maps_that_cannot_be_drawn(options, error, message):
    with pytest.raises(error, match=message):
        depth_map(**{"arch": lstm, "H": 2, "T": 2, **options})
