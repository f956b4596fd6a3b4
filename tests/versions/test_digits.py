"""The bounds of digits are those that contributors read, and a result beyond one is seen."""

import numpy as np
import pytest

from tools import digits

KIND = "forward|float64|h"


def write(file, **arrays):
    np.savez(file, about=np.array("{}"), **arrays)
    return file


@pytest.fixture
def reference(tmp_path):
    entries = np.array([1.0, -4.0, 2.0])
    return write(tmp_path / "reference.npz", **{KIND: entries})


def test_the_guide_is_that_of_the_bounds():
    text = digits.GUIDE.read_text(encoding="utf-8")
    assert text.count(digits.MARKS[0]) == text.count(digits.MARKS[1]) == 1
    assert digits.guided(text) == text, "run: python -m tools.digits document"


def test_the_report_is_that_of_the_last_measurement():
    written = digits.REPORT.read_text(encoding="utf-8")
    assert written == digits.report(digits.stored())


def test_what_was_measured_is_within_the_bounds_of_today():
    measured = digits.stored()
    made = [(one["numpy"], one["threads"]) for one in measured["comparisons"]]
    assert len({numpy for numpy, _ in made}) == 2
    assert {threads for _, threads in made} == {1, 2}
    for comparison in measured["comparisons"]:
        lines = digits.lines_of(comparison)
        assert {line.group for line in lines} == {*digits.GROUPS}
        assert [line for line in lines if not line.within] == []
        assert digits.not_helped(comparison) == []


def test_the_same_results_differ_in_nothing(reference):
    (line,) = digits.compare(reference, reference)
    assert line == ("forward", "float64", 1, 0, 0.0)
    assert line.within


def test_a_difference_is_relative_to_the_largest_entry(reference, tmp_path):
    other = np.array([1.0, -4.0, 2.0 + 2**-40])
    file = write(tmp_path / "other.npz", **{KIND: other})
    (line,) = digits.compare(file, reference)
    assert line.differing == 1
    assert line.largest == 2**-42
    assert line.eps == 2**10
    assert line.within == (digits.GROUPS["forward"].bound >= 2**10)


@pytest.mark.parametrize(
    "other",
    [
        np.array([1.0, -4.0, 2.1]),
        np.array([1.0, -4.0, np.nan]),
        np.array([1.0, -4.0]),
        np.array([1.0, -4.0, 2.0], np.float32),
    ],
    ids=["away", "not a number", "shorter", "another dtype"],
)
def test_what_is_too_far_away_is_beyond_the_bound(other, reference, tmp_path):
    file = write(tmp_path / "other.npz", **{KIND: other})
    (line,) = digits.compare(file, reference)
    assert not line.within


def test_a_drawn_number_may_not_differ_in_a_bit(tmp_path):
    name = "draws|float64|x"
    one = write(tmp_path / "one.npz", **{name: np.ones(2)})
    other = write(tmp_path / "two.npz", **{name: np.array([1, 1 + 2**-52])})
    (line,) = digits.compare(one, other)
    assert not line.within


def test_a_result_that_one_file_lacks_is_an_error(reference, tmp_path):
    file = write(tmp_path / "other.npz", other=np.ones(2))
    with pytest.raises(ValueError, match="only in one file"):
        digits.compare(file, reference)


def test_a_thread_that_did_nothing_is_named():
    helped = dict.fromkeys(digits.GROUPS, 0.1) | {"backward": 0.0}
    assert digits.not_helped({"threads": 2, "helped": helped}) == ["backward"]
    assert digits.not_helped({"threads": 1, "helped": helped}) == []


def test_a_bound_that_is_passed_fails_and_nothing_is_written(
    monkeypatch, tmp_path
):
    measured = digits.stored()
    measured["comparisons"][0]["lines"][1]["largest"] = 0.1
    monkeypatch.setattr(digits, "measure", lambda: measured)
    monkeypatch.setattr(digits, "MEASURED", tmp_path / "measured.json")
    assert digits.main([]) == 1
    assert not digits.MEASURED.exists()
