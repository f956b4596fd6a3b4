"""Dates mean one day each, in every locale and format."""

import datetime
import re

import numpy as np
import pytest
from babel import UnknownLocaleError
from babel.dates import format_date

from lstm_lab import dates

DAY = datetime.date(1997, 3, 15)
A_LEAP_YEAR = [datetime.date(1996, 1, 1) + datetime.timedelta(days=n) for n in range(366)]
EVERY = [(locale, name) for locale in (*dates.LOCALES, "da") for name in dates.formats(locale)]


@pytest.mark.parametrize(
    ("locale", "name", "text"),
    [
        ("pt_BR", "long", "15 de março de 1997"),
        ("ja", "long", "1997年3月15日"),
        ("en_GB", "yMMMEd", "Sat, 15 Mar 1997"),
        ("en_US", "full", "Saturday, March 15, 1997"),
        ("de", "full", "Samstag, 15. März 1997"),
        ("ru", "long", "15 марта 1997 \N{CYRILLIC SMALL LETTER GHE}."),
        ("zh", "y/M/d", "1997/3/15"),
    ],
)
def test_a_day_is_written_as_it_is_there(locale, name, text):
    assert dates.write(DAY, locale, name) == text


def test_there_are_many_ways_to_write_a_day():
    assert len(dates.LOCALES) >= 10
    autumn = datetime.date(2003, 9, 7)  # its month is not as short as May
    for locale in dates.LOCALES:
        written = [dates.write(autumn, locale, name) for name in dates.formats(locale)]
        assert len(set(written)) == len(written) >= 6


def test_what_is_written_means_one_day():
    meaning = {}
    for locale, name in EVERY:
        for day in A_LEAP_YEAR:
            text = dates.write(day, locale, name)
            assert "1996" in text
            assert meaning.setdefault(text, day) == day


@pytest.mark.parametrize(("locale", "name"), EVERY)
def test_a_year_is_its_digits(locale, name):
    first, last = (
        dates.write(datetime.date(year, 5, 1), locale, name)
        for year in (dates.FIRST.year, dates.LAST.year)
    )
    # A weekday differs, and with it perhaps no other word.
    assert str(dates.FIRST.year) in first
    assert str(dates.LAST.year) in last
    assert not re.search("[\u202f\xa0]", first)


def test_the_first_and_the_last_day_can_be_written():
    assert dates.write(dates.FIRST, "de", "long") == "1. Januar 1950"
    assert dates.write(dates.LAST, "de", "long") == "31. Dezember 2049"


def test_an_order_that_could_be_another_is_left_out():
    numeric = re.compile(r"[\d\W]+")
    for locale, name in EVERY:
        text = dates.write(DAY, locale, name)
        if numeric.fullmatch(text):
            assert re.match(r"1997\D+0?3\D+15", text), (locale, name)


@pytest.mark.parametrize(("locale", "text"), [("bg", "15.03.1997"), ("sk", "15. 3. 1997")])
def test_a_month_in_digits_is_no_name(locale, text):
    """Their medium dates are numeric, with the day first, of one digit or of two."""
    assert format_date(DAY, "medium", locale=locale).startswith(text)
    assert "medium" not in dates.formats(locale)


def test_days_are_in_one_part_only(rng):
    parts = dates.split(rng, validation=300, test=200)
    count = (dates.LAST - dates.FIRST).days + 1
    assert list(map(len, parts)) == [count - 500, 300, 200]
    days = {day for part in parts for day in part}
    assert len(days) == count
    assert (min(days), max(days)) == (dates.FIRST, dates.LAST)
    again = dates.split(np.random.default_rng(0), validation=300, test=200)
    assert again == parts
    other = dates.split(np.random.default_rng(1), validation=300, test=200)
    assert other != parts


def test_pairs_are_what_they_say(rng):
    days = A_LEAP_YEAR[::5]
    found = dates.pairs(days, rng=rng)
    assert found.target == tuple(map(datetime.date.isoformat, days))
    for text, day, locale, name in zip(found.source, days, found.locale, found.format, strict=True):
        assert text == dates.write(day, locale, name)
    assert dates.pairs([], rng=rng) == dates.Pairs((), (), (), ())
    danish = dates.pairs(days, rng=rng, locales=["da"])
    assert set(danish.locale) == {"da"}
    danish = dates.sample(days, 9, rng=rng, locales=["da"])
    assert set(danish.locale) == {"da"}
    assert {type(locale) for locale in danish.locale} == {str}


def test_locales_and_formats_are_drawn_alike(rng):
    found = dates.sample(A_LEAP_YEAR, 6000, rng=rng)
    _, counts = np.unique(found.locale, return_counts=True)
    assert len(counts) == len(dates.LOCALES)
    # Four standard deviations of 6000 draws of one in 15 are 78.
    assert np.abs(counts - 400).max() < 80
    assert set(found.format) == {name for locale in dates.LOCALES for name in dates.formats(locale)}
    same = dates.sample(A_LEAP_YEAR, 9, rng=np.random.default_rng(3))
    assert same == dates.sample(A_LEAP_YEAR, 9, rng=np.random.default_rng(3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((datetime.date(5, 3, 4), "de", "long"), "day must lie from 1950.*0005"),
        ((DAY, "de", "short"), "format must be one of 'medium|long'.*'short'"),
    ],
)
def test_what_cannot_be_written(arguments, message):
    with pytest.raises(ValueError, match=message):
        dates.write(*arguments)


def test_an_unknown_locale_is_named():
    with pytest.raises(UnknownLocaleError, match="xx_XX"):
        dates.formats("xx_XX")
    with pytest.raises(ValueError, match="pt-br"):
        dates.formats("pt-BR")


def test_what_cannot_be_drawn(rng):
    with pytest.raises(TypeError, match="day must be"):
        dates.write("1997-03-15", "de", "long")
    with pytest.raises(TypeError, match="got the str 'da'; put it into a list"):
        dates.pairs([DAY], rng=rng, locales="da")
    with pytest.raises(ValueError, match="locales must be at least one"):
        dates.pairs([DAY], rng=rng, locales=[])
    with pytest.raises(TypeError, match=r"locales\[0\] must be a str, got 3"):
        dates.pairs([DAY], rng=rng, locales=[3])
    with pytest.raises(ValueError, match="days must be at least one"):
        dates.sample([], 2, rng=rng)
    with pytest.raises(TypeError, match="rng"):
        dates.sample([DAY], 2, rng=3)


def test_some_days_must_be_left(rng):
    with pytest.raises(ValueError, match="must leave some of the 36525 days"):
        dates.split(rng, validation=36000, test=525)


MOMENT = datetime.datetime(1997, 3, 15, 12)


@pytest.mark.parametrize("day", [MOMENT, "1997-03-15", None, 3, [DAY]])
def test_a_day_has_no_time(day, rng):
    message = "must be a datetime.date, without a time, got"
    for draw in (
        lambda: dates.write(day, "de", "long"),
        lambda: dates.pairs([DAY, day], rng=rng),
        lambda: dates.sample([day], 1, rng=rng),
    ):
        with pytest.raises(TypeError, match=f"^day {message}"):
            draw()


@pytest.mark.parametrize("days", ["1997", DAY, MOMENT, None, {DAY: 1}, {DAY}])
def test_days_are_a_list(days, rng):
    for draw in (lambda: dates.pairs(days, rng=rng), lambda: dates.sample(days, 1, rng=rng)):
        with pytest.raises(TypeError, match=r"^days must be a list of"):
            draw()


@pytest.mark.parametrize("name", ["locale", "format"])
@pytest.mark.parametrize("value", [None, 3, ["de"], b"de"])
def test_locales_and_formats_are_texts(name, value):
    arguments = {"day": DAY, "locale": "de", "format": "long", name: value}
    with pytest.raises(TypeError, match=f"^{name} must be a str, got"):
        dates.write(**arguments)


def test_arrays_of_days_and_locales_are_lists(rng):
    found = dates.sample(np.array(A_LEAP_YEAR, object), 3, rng=rng, locales=np.array(["da", "de"]))
    assert len(found.source) == 3
    assert {type(locale) for locale in found.locale} == {str}
