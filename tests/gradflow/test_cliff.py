"""The cliff and the ways down it, against the network itself and differences."""

import numpy as np
import pytest

from lstm_lab import gradflow, rnn, sequence

EXACT = 1e-12  # float64; relative, of gradients over 50 steps
T, H0, TARGET = 50, 0.5, 0.7


def loss_at(w, b):
    params = rnn.Params(np.array([[0.3, w]]), np.array([b]))
    trace = sequence.forward(rnn, params, np.zeros((T, 1)), np.array([H0]))
    return (trace.h[-1, 0] - TARGET) ** 2


# The landscape


def test_cliff_is_the_loss_of_a_network_of_one_unit():
    w, b = np.linspace(0.5, 4, 7), np.linspace(-1, 2, 5)
    found = gradflow.cliff(w, b)
    expected = [[loss_at(w_, b_) for w_ in w] for b_ in b]
    np.testing.assert_allclose(found.loss, expected, rtol=0, atol=EXACT)
    np.testing.assert_array_equal(found.w, w)
    np.testing.assert_array_equal(found.b, b)
    np.testing.assert_array_equal(found.loss, gradflow.cliff(w, b).loss)


# The way down

GENTLE = {"rate": 0.01, "steps": 5}
STEEP = {"rate": 0.02, "steps": 150}


def test_descent_follows_the_gradient():
    path = gradflow.descend(1.9, 0.1, **GENTLE)
    assert path.points.shape == (6, 2)
    assert path.losses.shape == path.gradient_norms.shape == (6,)
    np.testing.assert_array_equal(path.points[0], [1.9, 0.1])
    assert path.clip is None
    moves = np.diff(path.points, axis=0) / -0.01
    step = 1e-6
    for n, (w, b) in enumerate(path.points):
        assert path.losses[n] == pytest.approx(loss_at(w, b), rel=EXACT)
        slopes = [
            (loss_at(w + step, b) - loss_at(w - step, b)) / (2 * step),
            (loss_at(w, b + step) - loss_at(w, b - step)) / (2 * step),
        ]
        norm = np.linalg.norm(slopes)
        assert path.gradient_norms[n] == pytest.approx(norm, abs=1e-8)
        if n < 5:
            np.testing.assert_allclose(moves[n], slopes, rtol=0, atol=1e-8)
    assert path.gradient_norms[0] > 1e-3  # there is something to follow


def test_clipping_shortens_long_gradients_only():
    path = gradflow.descend(1.9, -0.1, clip=0.5, **STEEP)
    assert path.clip == 0.5
    long = path.gradient_norms[:-1] > 0.5
    assert long.any()
    assert not long.all()
    lengths = np.linalg.norm(np.diff(path.points, axis=0), axis=1)
    expected = 0.02 * np.where(long, 0.5, path.gradient_norms[:-1])
    # absolute: the points are rounded, at 2
    np.testing.assert_allclose(lengths, expected, rtol=0, atol=1e-15)
    for n in np.flatnonzero(long):
        (w, b), moved = path.points[n], path.points[n + 1] - path.points[n]
        free = gradflow.descend(w, b, rate=0.02, steps=1)
        wanted = free.points[1] - free.points[0]
        cosine = moved @ wanted / np.linalg.norm(moved) / np.linalg.norm(wanted)
        assert cosine == pytest.approx(1, abs=EXACT)


def test_a_wide_clip_changes_no_bit():
    free = gradflow.descend(1.9, -0.1, **STEEP)
    wide = gradflow.descend(1.9, -0.1, clip=1e9, **STEEP)
    np.testing.assert_array_equal(free.points, wide.points)
    np.testing.assert_array_equal(free.gradient_norms, wide.gradient_norms)


def test_without_clipping_the_cliff_throws_the_path_out():
    free = gradflow.descend(1.9, -0.1, **STEEP)
    steps = np.linalg.norm(np.diff(free.points, axis=0), axis=1)
    assert (steps > 1).sum() == 1
    assert free.losses[-1] > 1e-2
    assert free.gradient_norms[-1] < 1e-3  # stuck where it has landed


@pytest.mark.parametrize("clip", [1.0, 5.0])
def test_a_clip_shortens_the_one_gradient_that_throws_it_out(clip):
    free = gradflow.descend(1.9, -0.1, **STEEP)
    clipped = gradflow.descend(1.9, -0.1, clip=clip, **STEEP)
    (long,) = np.flatnonzero(clipped.gradient_norms > clip)
    assert long == free.gradient_norms.argmax()
    np.testing.assert_array_equal(clipped.points[: long + 1], free.points[: long + 1])
    assert clipped.losses[-1] < 1e-4


def test_a_clip_that_is_too_short_never_meets_the_cliff():
    # At 0.5 the gradients of the way down are shortened, too, and lead past the wall.
    clipped = gradflow.descend(1.9, -0.1, clip=0.5, **STEEP)
    assert 0.5 < clipped.gradient_norms.max() < 1


# Bad input


@pytest.mark.parametrize(
    ("w", "b", "message"),
    [
        (np.ones((2, 2)), np.ones(2), r"w must have shape \(M,\); got \(2, 2\)"),
        (np.ones(2), 1.0, r"b must have shape \(N,\); got \(\)"),
        (np.arange(3), np.ones(2), "w must be an array of float"),
        (np.ones(2), np.array([0, np.nan]), "b must be finite, got nan"),
    ],
)
def test_bad_grids_are_named(w, b, message):
    with pytest.raises((TypeError, ValueError), match=message):
        gradflow.cliff(w, b)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"w": "1"}, "w must be a real number, got '1'"),
        ({"b": np.nan}, "b must be finite, got nan"),
        ({"rate": None}, "rate must be a real number, got None"),
        ({"rate": 0.0}, "rate must be positive, got 0"),
        ({"rate": -0.1}, "rate must be positive, got -0.1"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"steps": 1.5}, "steps must be an integer, got 1.5"),
        ({"clip": 0}, "clip must be positive, got 0"),
        ({"clip": np.inf}, "clip must be finite, got inf"),
        ({"clip": "0.5"}, "clip must be a real number, got '0.5'"),
    ],
)
def test_bad_descents_are_named(change, message):
    options = {"w": 1.0, "b": 0.0, "rate": 0.1, "steps": 2} | change
    with pytest.raises((TypeError, ValueError), match=message):
        gradflow.descend(**options)
