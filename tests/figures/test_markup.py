"""Cells, tables and powers of ten."""

import pytest
from bs4 import BeautifulSoup

from lstm_lab.figures import markup

from .conftest import rows


def parse(html):
    return BeautifulSoup(html, "html.parser")


def test_a_table_has_headings_of_columns_rows_and_groups():
    marked = markup.cell("u", marked=True)
    html = markup.table(
        "a & b",
        ["", "c", "d<"],
        [["1", markup.cell("x<y"), markup.cell("z")], ["2", marked]],
        groups=[("", 1), ("both", 2)],
        current=1,
        kind="kind",
    )
    table = parse(html).table
    assert table["class"] == ["lab-kind"]
    assert table.caption.text == "a & b"
    above, head = table.thead.find_all("tr")
    assert above.td.text == head.td.text == ""  # heads nothing
    assert (above.th.text, above.th["scope"]) == ("both", "colgroup")
    assert above.th["colspan"] == "2"
    assert [th.text for th in head.select('th[scope="col"]')] == ["c", "d<"]
    assert rows(table) == [["1", "x<y", "z"], ["2", "u"]]
    assert [mark.text for mark in table.find_all("mark")] == ["u"]
    first, second = table.tbody.find_all("tr")
    assert first.th["scope"] == second.th["scope"] == "row"
    assert not first.has_attr("aria-current")
    assert second["aria-current"] == "step"


@pytest.mark.parametrize(
    ("value", "scale", "start", "end"),
    [
        (0.25, (0, 1), 0, 25),
        (1.7, (0, 1), 0, 100),  # the number is whole, the bar stops
        (-0.5, (-1, 1), 25, 50),
        (0.5, (-1, 1), 50, 75),
        (-3.0, (-2, 2), 0, 50),
    ],
)
def test_a_bar_goes_from_zero_to_its_number(value, scale, start, end):
    cell = parse(markup.bar(value, *scale)).td
    assert float(cell.text) == value
    assert cell["style"] == f"--from:{start}%;--to:{end}%"


def test_a_weight_is_a_color_and_a_number():
    cell = parse(markup.weight(0.256)).td
    assert cell["style"] == "--w:0.26"
    assert cell["title"] == cell.text == "0.26"
    assert markup.weight(0.004) == "<td></td>"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("6.8e-08 of it", "6.8 × 10<sup>−8</sup> of it"),
        ("at most 1.0e+00.", "at most 1.0."),
        ("-2e+12", "−2 × 10<sup>12</sup>"),
        ("0.5, 12 of 3", "0.5, 12 of 3"),
        ("#3e-05ab v2.1e-3x", "#3e-05ab v2.1e-3x"),
    ],
)
def test_small_and_large_numbers_are_set_as_powers_of_ten(text, shown):
    assert markup.powers(text) == shown.replace(" × ", "\xa0×\xa0")
