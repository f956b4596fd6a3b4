"""Figures as SVG: in a page, and at night."""

import io
import re

import matplotlib.pyplot as plt
from bs4 import BeautifulSoup

from lstm_lab import figures
from lstm_lab.figures.svg import night


def draw(value):
    figure, ax = plt.subplots()
    ax.plot([0, value], label="a")
    ax.fill_between([0, 1], [0, value], alpha=0.125)
    ax.legend()
    return figure


def test_grays_are_inverted_and_color_maps_stay():
    grays = [night(f"#{v:02x}{v:02x}{v:02x}") for v in (0, 128, 255)]
    assert grays == sorted(grays, reverse=True)
    assert int(grays[0][1:3], 16) > 200
    assert int(grays[2][1:3], 16) < 40
    assert night("#440154") == "#440154"


def test_a_figure_in_a_page_follows_its_scheme():
    html = figures.inline(draw(1), label='a "line"')
    svg = BeautifulSoup(html, "html.parser").svg
    assert svg["role"] == "img"
    assert svg["aria-label"] == 'a "line"'
    colors = re.findall(r"(?:fill|stroke): (#\w{6}); \w+: (\S+) (\S+)", html)
    assert {"#2a52a8"} <= {day for day, *_ in colors}
    for day, first, second in colors:
        assert first == f"light-dark({day},"
        assert second.rstrip(';"') == f"{night(day)})"


def test_positions_are_as_fine_as_a_screen_and_all_else_is_kept():
    figure = draw(1 / 3)
    svg = figures.inline(figure, label="a")
    figure.savefig(buffer := io.StringIO(), format="svg", transparent=True)
    kept = r"scale\([^)]*\)|opacity: [\d.]+"
    exact = re.findall(kept, buffer.getvalue())
    assert re.search(r"\.\d{3}", "".join(exact))
    assert re.findall(kept, svg) == exact
    positions = re.findall(r"\d+\.(\d+)", re.sub(kept, "", svg))
    assert max(map(len, positions)) == 2
    (line,) = figure.axes[0].lines
    ends = figure.axes[0].transData.transform(line.get_xydata())
    (x0, x1), (y0, y1) = (72 / figure.dpi * ends).T
    top = 72 * figure.get_figheight()
    path = f"M {x0:.2f} {top - y0:.2f} L {x1:.2f} {top - y1:.2f}"
    assert path in svg


def test_ids_of_figures_in_one_page_differ():
    def ids(html):
        return set(re.findall(r'\bid="([^"]+)"', html))

    one, other = (figures.inline(draw(n), label="a") for n in (1, 2))
    assert ids(one)
    assert not ids(one) & ids(other)
    used = re.findall(r"(?:href=\"|url\()#([^\")]+)", one)
    assert used
    assert set(used) <= ids(one)
    assert figures.inline(draw(1), label="a") == one


def test_a_file_at_night_has_no_color_of_the_day(tmp_path):
    draw(1).savefig(tmp_path / "a.svg")
    day = (tmp_path / "a.svg").read_text(encoding="utf-8")
    dark = figures.by_night(day)
    assert "#2a52a8" in day
    assert "#2a52a8" not in dark
    assert night("#2a52a8") in dark
    assert f'<svg style="fill: {night("#000000")}" ' in dark
