"""Figures as SVG: what stands in a page, and what it becomes at night."""

import re

import matplotlib.pyplot as plt
from bs4 import BeautifulSoup

from lstm_lab import plots


def draw(value):
    figure, ax = plt.subplots()
    ax.plot([0, value], label="a")
    ax.legend()
    return figure


def test_greys_are_turned_over():
    greys = [plots.night(f"#{v:02x}{v:02x}{v:02x}") for v in (0, 128, 255)]
    assert greys == sorted(greys, reverse=True)
    assert int(greys[0][1:3], 16) > 200
    assert int(greys[2][1:3], 16) < 40


def test_the_cycle_has_partners_and_other_colours_stay():
    for color in plt.rcParams["axes.prop_cycle"].by_key()["color"]:
        assert plots.night(f"#{color.lower().lstrip('#')}") != color
    assert plots.night("#440154") == "#440154"


def test_a_figure_in_a_page_follows_its_scheme():
    html = plots.inline(draw(1), label='a "line"')
    svg = BeautifulSoup(html, "html.parser").svg
    assert svg["role"] == "img"
    assert svg["aria-label"] == 'a "line"'
    colors = re.findall(r"(?:fill|stroke): (#\w{6}); \w+: (\S+) (\S+)", html)
    assert {"#2a52a8"} <= {day for day, *_ in colors}
    for day, first, second in colors:
        assert first == f"light-dark({day},"
        assert second.rstrip(';"') == f"{plots.night(day)})"


def test_places_are_as_fine_as_a_screen():
    figure = draw(1 / 3)
    drawn = BeautifulSoup(plots.inline(figure, label="a"), "html.parser").svg
    places = re.sub(r"scale\([^)]*\)", "", str(drawn))
    numbers = re.findall(r"\d+\.(\d+)", places)
    assert max(map(len, numbers)) == 2
    (line,) = figure.axes[0].lines
    ends = figure.axes[0].transData.transform(line.get_xydata())
    x, y = (72 / figure.dpi * ends).T
    height = 72 * figure.get_figheight()
    path = " ".join(
        f"{mark} {across:.2f} {down:.2f}"
        for mark, across, down in zip("ML", x, height - y, strict=True)
    )
    assert path in str(drawn)


def test_letters_keep_their_size_and_colours_their_opacity(tmp_path):
    figure = draw(1)
    figure.axes[0].fill_between([0, 1], [0, 1], alpha=0.125)
    figure.savefig(tmp_path / "a.svg", transparent=True)
    file = (tmp_path / "a.svg").read_text(encoding="utf-8")
    for factor in (r"scale\([^)]*\)", r"opacity: [\d.]+"):
        wanted = re.findall(factor, file)
        assert re.search(r"\.\d{3}", "".join(wanted))
        assert re.findall(factor, plots.inline(figure, label="a")) == wanted


def test_names_of_figures_in_one_page_differ():
    def names(html):
        return set(re.findall(r'\bid="([^"]+)"', html))

    one, other = (plots.inline(draw(n), label="a") for n in (1, 2))
    assert names(one)
    assert not names(one) & names(other)
    used = re.findall(r"(?:href=\"|url\()#([^\")]+)", one)
    assert used
    assert set(used) <= names(one)
    assert plots.inline(draw(1), label="a") == one


def test_a_file_by_night_has_no_colour_of_the_day(tmp_path):
    draw(1).savefig(tmp_path / "a.svg")
    day = (tmp_path / "a.svg").read_text(encoding="utf-8")
    dark = plots.by_night(day)
    assert "#2a52a8" in day
    assert "#2a52a8" not in dark
    assert plots.night("#2a52a8") in dark
    assert f'<svg style="fill: {plots.night("#000000")}" ' in dark
