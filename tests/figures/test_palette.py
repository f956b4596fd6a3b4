"""The colors of the palette are told apart by every eye, by day and by night, and without color."""

from itertools import combinations

import numpy as np
import pytest
from coloraide.everything import ColorAll as Color
from matplotlib.colors import to_hex

from lstm_lab import figures
from lstm_lab.experiments import phase
from lstm_lab.figures import style
from lstm_lab.figures.svg import night

from .palette import LINE, PAGES, TEXT, contrast, difference, shown

APART = 10  # in CAM02-UCS, where a just noticeable difference is about 1


def test_the_measures_know_what_they_measure():
    red, green = "#d7191c", "#1a7f00"  # of one lightness to a deuteranope
    apart = Color(red).delta_e(green, method="cam02")
    assert difference(red, green) < APART < apart
    assert contrast("white", "black") == pytest.approx(21)


@pytest.mark.parametrize("time", PAGES)
@pytest.mark.parametrize(
    "colors",
    [
        [*style.NIGHT],
        [style.symbol(letter)[1] for letter in "ifogc"],
        [style.symbol(letter)[1] for letter in "zrgc"],
    ],
    ids=["cycle", "LSTM", "GRU"],
)
def test_every_eye_tells_colors_apart_from_each_other_and_the_page(colors, time):
    seen = [shown(color, time) for color in colors]
    for one, other in combinations(seen, 2):
        assert difference(one, other) >= APART, (one, other)
    for color in seen:
        assert contrast(color, PAGES[time]) >= LINE


def test_names_have_looks_of_the_cycle():
    cells = figures.looks(style.CELLS)
    names = [f"start {n}" for n in range(len(style.NIGHT))]
    starts = figures.looks(names)
    assert [to_hex(look["color"]) for look in starts] == [*style.NIGHT]
    assert [look["label"] for look in starts] == names
    assert len({str(look["linestyle"]) for look in starts}) == len(starts)
    for cell, start in zip(cells, starts, strict=False):
        assert cell["color"] == start["color"]
        assert cell["linestyle"] == start["linestyle"]


def test_a_new_cell_has_a_look_that_is_left():
    looks = figures.looks(["mgu", "rnn", "lstm", "mgu", "other"])
    mgu, rnn, lstm, again, other = looks
    assert mgu == again
    assert [rnn, lstm] == figures.looks(["rnn", "lstm"])
    assert (mgu["label"], rnn["label"]) == ("mgu", "vanilla RNN")
    assert len({look["color"] for look in (mgu, rnn, lstm, other)}) == 4
    many = figures.looks(map(str, range(100)))
    assert many[0]["color"] == many[len(style.NIGHT)]["color"]


def test_text_on_a_map_has_contrast_with_it(panels):
    shares = np.linspace(0, 1, 101)
    solved = np.zeros((1, 101), int)
    ax = panels()
    gaps = tuple(range(101))
    record = phase.Diagram("adding", ("RNN",), gaps, shares[None], solved, 5)
    figures.phase_diagram(ax, record)
    for share, text in zip(shares, ax.texts, strict=True):
        field = to_hex(ax.images[0].cmap(share))
        assert contrast(to_hex(text.get_color()), field) >= TEXT
        assert night(text.get_color()) == text.get_color()
