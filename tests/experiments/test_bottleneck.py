"""The runs of the chapter on sequences: what a run is, and how the rows become curves."""

from functools import partial

import numpy as np
import pytest

from lstm_lab import dates, seq2seq
from lstm_lab.experiments import bottleneck
from lstm_lab.experiments.bottleneck import USUAL
from lstm_lab.experiments.store import grid
from lstm_lab.tokenizer import PAD

DATES = {**USUAL, "problem": "dates", "attention": "dot"}
SMALL = {"hidden": 8, "seed": 1}


@pytest.fixture
def short(monkeypatch):
    """Few updates on few pairs."""
    small = {
        name: problem._replace(updates=4, evaluations=2, lengths=problem.lengths[:2])
        for name, problem in bottleneck.problems().items()
    }
    monkeypatch.setattr(bottleneck, "problems", lambda: small)
    monkeypatch.setattr(bottleneck, "PairsConfig", partial(bottleneck.PairsConfig, batch_size=3))
    monkeypatch.setattr(bottleneck, "HELD_OUT", 5)


def test_sources_are_read_in_both_orders():
    texts = ("abc", "de"), ("abc", "de")
    letters = bottleneck.problems()["copy"].vocabularies
    forwards = bottleneck.batch("copy", "forwards", texts)
    backwards = bottleneck.batch("copy", "backwards", texts)
    for b, text in enumerate(texts[0]):
        assert letters.source.decode(forwards.source[:, b]) == text
        assert letters.source.decode(backwards.source[:, b]) == text[::-1]
        assert letters.target.decode(backwards.target[:, b]) == text
    np.testing.assert_array_equal(backwards.source_lengths, [3, 2])


def test_padding_counts_where_it_should():
    texts = ("abc", "de"), ("abc", "de")
    pairs = bottleneck.batch("copy", "forwards", texts)
    assert bottleneck.padded(pairs, None) is pairs
    least = bottleneck.padded(pairs, 1)
    np.testing.assert_array_equal(least.target, pairs.target)
    np.testing.assert_array_equal(least.target_lengths, [4, 4])
    more = bottleneck.padded(pairs, 6)
    np.testing.assert_array_equal(more.target[:4], pairs.target)
    assert np.all(more.target[4:] == PAD)
    np.testing.assert_array_equal(more.target_lengths, [6, 6])


def test_texts_have_the_length_that_is_asked_for():
    rng = np.random.default_rng(0)
    for problem in bottleneck.problems().values():
        for length in problem.lengths:
            source, target = problem.draw(rng, 7, length)
            assert {len(text) for text in source} == {length}
            assert len(source) == len(target) == 7


def test_no_day_is_asked_that_was_trained_on():
    rng = np.random.default_rng(0)
    problem = bottleneck.problems()["dates"]
    trained = set(problem.draw(rng, 3000, None)[1])
    assert not trained & set(problem.held_out(rng, 500)[1])
    for length in problem.lengths:
        assert not trained & set(problem.draw(rng, 500, length)[1])


def test_every_character_of_a_date_is_known():
    source = bottleneck.problems()["dates"].vocabularies.source
    for locale in dates.LOCALES:
        for format in dates.formats(locale):
            for month in range(1, 13):
                day = dates.FIRST.replace(month=month)
                text = dates.write(day, locale, format)
                assert set(text) <= set(source.characters)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    "changed",
    [
        USUAL,
        {**USUAL, "order": "backwards", "padding": 30},
        {**USUAL, "teacher_forcing": 0.0},
        {**USUAL, "updates": 4},
        DATES,
    ],
)
def test_an_experiment_has_all_of_its_fields(changed):
    configuration = {**changed, **SMALL}
    found = bottleneck.experiment(**configuration)
    assert len(found["losses"]) == len(found["exact"]) == 3
    assert len(found["by_length"]) == 2
    assert len(found["forced"]) == len(found["free"]) == 11
    assert found["forced"][0] == found["free"][0]
    assert np.isfinite(found["reported"])


@pytest.mark.usefixtures("short")
def test_a_probe_is_the_beginning_of_a_run(monkeypatch):
    runs = []

    def fit(*arguments):
        runs.append(fitted(*arguments))
        return runs[-1]

    fitted = seq2seq.fit
    monkeypatch.setattr(seq2seq, "fit", fit)
    for changed in (USUAL, {**USUAL, "teacher_forcing": 0.0}, DATES):
        bottleneck.experiment(**{**changed, **SMALL})
        first = bottleneck.probe(**{**changed, **SMALL})["first_losses"]
        np.testing.assert_array_equal(first, runs[-2].losses[:3])
        assert len(runs[-2].losses) == 4


@pytest.mark.usefixtures("short")
def test_a_longer_run_begins_as_the_shorter_one():
    usual, longer = (
        bottleneck.experiment(**{**USUAL, **SMALL, "updates": updates}) for updates in (None, 8)
    )
    assert len(longer["losses"]) == 5
    for field in ("losses", "exact"):
        np.testing.assert_array_equal(longer[field][:3], usual[field])
    assert longer["losses"][-1] != usual["losses"][-1]


@pytest.mark.usefixtures("short")
def test_seed_order_and_padding_make_a_difference():
    losses = [
        tuple(bottleneck.probe(**{**USUAL, **SMALL, **changed})["first_losses"])
        for changed in ({}, {"seed": 2}, {"order": "backwards"}, {"padding": 1}, {"padding": 84})
    ]
    assert len(set(losses)) == len(losses)


def rows():
    """Return rows in which every result is known from the row's number."""
    return [
        case._replace(result={"losses": [case.row, -case.row], "reported": case.row})
        for case in grid(bottleneck)
    ]


def test_curves_are_the_runs_of_a_configuration():
    first = bottleneck.curves(rows(), "losses", hidden=32)
    np.testing.assert_array_equal(first.points, [1, 2])
    np.testing.assert_array_equal(first.values, [[n, -n] for n in range(10)])
    np.testing.assert_array_equal(first.median, [4.5, -4.5])
    usual = bottleneck.curves(rows(), "reported", [30])
    np.testing.assert_array_equal(usual.values[:, 0], range(10, 20))
    np.testing.assert_array_equal(usual.points, [30])


def test_ten_runs_hold_the_median_as_often_as_their_band_says():
    found = bottleneck.curves(rows(), "losses")
    draws = np.random.default_rng(0).normal(size=(200_000, 10))
    held = np.mean((draws.min(axis=1) < 0) & (draws.max(axis=1) > 0))
    # The standard error of this share is 0.0001.
    assert found.confidence == 511 / 512 == pytest.approx(held, abs=0.0005)


def test_curves_that_are_not_stored_are_refused():
    with pytest.raises(ValueError, match=r"rows must have a run with .*: 5"):
        bottleneck.curves(rows(), "losses", hidden=5)
    with pytest.raises(ValueError, match=r"rows must have a run with .*'width'"):
        bottleneck.curves(rows(), "losses", width=64)
    with pytest.raises(ValueError, match=r"'losses', 'reported'\], got 'exa"):
        bottleneck.curves(rows(), "exact")
    with pytest.raises(ValueError, match="points must be of length 2, got 3"):
        bottleneck.curves(rows(), "losses", [1, 2, 3])
