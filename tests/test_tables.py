"""Tables of results."""

from lstm_lab.tables import Table, foreign


def test_cells_are_shown_as_the_text_that_they_are():
    lines = Table(
        ["$b_f$", 10], [["1e-10", 2], ["1,184", None]]
    )._repr_markdown_()
    rows = [
        [cell.strip() for cell in row.split("|")[1:-1]]
        for row in lines.split("\n")
    ]
    assert rows[0] == ["$b_f$", "10"]
    assert rows[2:] == [["1e-10", "2"], ["1,184", "None"]]


def test_rows_may_come_from_a_generator_once():
    table = Table(["a"], ([n] for n in range(2)))
    assert table._repr_markdown_().count("\n") == 3


def test_a_text_in_another_language_says_in_which():
    assert foreign("5 março <", "pt_BR") == (
        '<span lang="pt-BR">5 março &lt;</span>'
    )
