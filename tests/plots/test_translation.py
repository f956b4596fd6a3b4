"""The figures of the sequence-to-sequence models draw what their records hold."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from lstm_lab import plots, seq2seq
from lstm_lab.experiments.bottleneck import Curves


@pytest.fixture
def ax():
    return Figure().subplots()


def translation(source="a b", text="x-", end=True):
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.ones(len(source)), len(text) + end)
    return seq2seq.Translation(text, -0.1, weights)


def texts(labels):
    return [label.get_text() for label in labels]


def test_an_attention_map_has_a_row_for_each_step(ax):
    record = translation()
    assert plots.attention_map(ax, record, "a b") is ax
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), record.weights)
    assert image.get_clim() == (0, 1)
    assert texts(ax.get_xticklabels()) == ["a", "·", "b"]
    assert texts(ax.get_yticklabels()) == ["x", "-", "⏎"]
    assert ax.figure.axes[1].get_ylabel() == "weight"
    assert ax.get_xlabel().startswith("source")
    assert ax.get_ylabel().startswith("target")


def test_an_answer_that_was_cut_off_has_no_end(ax):
    plots.attention_map(ax, translation(end=False), "a b")
    assert texts(ax.get_yticklabels()) == ["x", "-"]


def test_an_attention_map_draws_without_a_warning(ax):
    plots.attention_map(ax, translation("é ł ж"), "é ł ж")
    ax.figure.draw_without_rendering()


def test_what_cannot_be_drawn_is_named(ax):
    blind = translation()._replace(weights=None)
    with pytest.raises(ValueError, match="translation must have weights"):
        plots.attention_map(ax, blind, "a b")
    with pytest.raises(ValueError, match="source must have 3 characters"):
        plots.attention_map(ax, translation(), "a bc")
    with pytest.raises(ValueError, match="weights for each character"):
        plots.attention_map(ax, translation()._replace(text="x"), "a b")
    with pytest.raises(ValueError, match="of the font, got '月'"):
        plots.attention_map(ax, translation("3月1"), "3月1")


@pytest.mark.parametrize("residual", [False, True])
def test_a_depth_map_has_the_first_layer_at_the_bottom(ax, residual):
    norms = np.array([[[1e-9, 1e-2, 1.0], [1e-3, 0.0, 10.0]]])
    record = seq2seq.DepthMap(norms, residual, (0,))
    assert plots.depth_map(ax, record) is ax
    (image,) = ax.images
    np.testing.assert_allclose(
        image.get_array(), [[-6, -2, 0], [-3, -6, 0]], atol=1e-12
    )
    assert image.origin == "lower"
    assert image.get_extent() == [0.5, 3.5, 0.5, 2.5]
    assert ax.get_title().startswith("with residual") is residual
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step $t$", "layer")
    assert "power of ten" in ax.figure.axes[1].get_ylabel()
    assert all(tick == round(tick) for tick in ax.get_yticks())
    bare = Figure().subplots()
    plots.depth_map(bare, record, bar=False)
    assert bare.figure.axes == [bare]


def test_the_colours_of_a_depth_map_end_where_they_are_to(ax):
    record = seq2seq.DepthMap(np.array([[[1e-3, 1e3]]]), False, (0,))
    plots.depth_map(ax, record, limits=(-1, 2))
    np.testing.assert_array_equal(ax.images[0].get_array(), [[-1, 2]])
    assert ax.images[0].get_clim() == (-1, 2)


def test_curves_are_medians_in_their_bands(ax):
    values = np.array([[1.0, 5.0], [2.0, 3.0], [4.0, 4.0]])
    at = np.array([2, 6])
    groups = {"a": Curves(at, values), "b": Curves(at, values + 1)}
    assert plots.curves(ax, groups, xlabel="u", ylabel="v") is ax
    for n, line in enumerate(ax.lines):
        np.testing.assert_array_equal(line.get_xdata(), at)
        np.testing.assert_array_equal(line.get_ydata(), [2 + n, 4 + n])
        path = ax.collections[n].get_paths()[0].vertices
        assert {(x, y - n) for x, y in path} == {(2, 1), (2, 4), (6, 3), (6, 5)}
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()
    assert texts(ax.get_legend().get_texts()) == ["a", "b"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("u", "v")


def test_the_diagram_shows_what_is_read_and_written(ax):
    assert plots.encoder_decoder(ax) is ax
    shown = texts(ax.texts)
    assert shown.count("LSTM") == len(ax.patches) == 12
    for symbol in ("$x_1$", "⊢", "⏎", r"$\zeta$", "encoder", "decoder"):
        assert shown.count(symbol) == 1
    assert shown.count("$y_1$") == shown.count("$y_2$") == 2
    ax.figure.draw_without_rendering()


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ((0, -6), ValueError),
        ((0,), ValueError),
        ((np.nan, 0), ValueError),
        (("a", "b"), TypeError),
        (None, TypeError),
    ],
)
def test_limits_are_two_numbers(ax, limits, error):
    record = seq2seq.DepthMap(np.ones((1, 2, 3)), False, (0,))
    with pytest.raises(error, match="limits"):
        plots.depth_map(ax, record, limits=limits)


def test_records_of_other_types_are_named(ax):
    with pytest.raises(TypeError, match=r"record must be .*DepthMap"):
        plots.depth_map(ax, np.ones((2, 3)))
    for groups, name in (([1], "groups"), ({"a": [1]}, r"groups\['a'\]")):
        with pytest.raises(TypeError, match=f"{name} must be"):
            plots.curves(ax, groups, xlabel="u", ylabel="v")
