"""Dates as people write them in many languages, and the same in ISO 8601.

Names and orders are those of the Unicode Common Locale Data Repository (CLDR), by way of Babel. A
locale writes a date in CLDR's own styles, in the formats that CLDR derives from a skeleton, and in
a few patterns that are the same everywhere, with its own names of months and days.

Some of these patterns are rare in their locale, such as a Japanese month before its day. None is
ambiguous: the year has all its digits, and either the month has its name, or year, month and day
follow in this order. So 03/04/05 is not among them, nor 03/04/2005. The no-break spaces of CLDR
are plain ones here, as keyboards write them.

Source: Unicode CLDR, https://cldr.unicode.org.
"""

import datetime
import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from babel import Locale
from babel.dates import format_date

from lstm_lab import checks

LOCALES = (
    *("en_US", "en_GB", "de", "fr", "es", "it", "pt_BR", "nl"),
    *("sv", "pl", "ru", "tr", "ja", "zh", "ko"),
)
"""Locales to train on."""

STYLES = ("medium", "long", "full")
"""CLDR's styles; *short* is numeric, most often with two digits for the year."""
SKELETONS = ("yMMMd", "yMMMEd", "yMMMMd", "yMMMMEEEEd")
"""The parts of a date; CLDR says in which order and with what between."""
PATTERNS = ("EEE, d MMM y", "d MMMM y", "MMMM d, y", "y MMM d", "y/M/d")
"""Formats that are the same in all locales, except for names."""

FIRST = datetime.date(1950, 1, 1)
LAST = datetime.date(2049, 12, 31)

# Two formats that write it alike are one; the name of its month has more than one form.
_EXAMPLE = datetime.date(1997, 9, 13)
_QUOTED, _FIELD = re.compile("'[^']*'"), re.compile("y+|M+|d+")


class Split(NamedTuple):
    """Days for training, validation and testing; no day is in two parts."""

    train: tuple[datetime.date, ...]
    validation: tuple[datetime.date, ...]
    test: tuple[datetime.date, ...]


class Pairs(NamedTuple):
    """Written dates, the same in ISO 8601, and the locale and format of each."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    locale: tuple[str, ...]
    format: tuple[str, ...]


def formats(locale: str) -> tuple[str, ...]:
    """Return those of `STYLES`, `SKELETONS` and `PATTERNS` that are not ambiguous in a locale.

    If several are the same in this locale, it is the first. For one that Babel does not know, its
    errors are raised.
    """
    return tuple(_patterns(checks.text("locale", locale)))


def write(day: datetime.date, locale: str, format: str) -> str:
    """Return a day as it is written in a locale, such as ``"15 de março de 1997"``.

    Parameters
    ----------
    day : datetime.date
        A day from `FIRST` to `LAST`.
    locale : str
        A locale of Babel, such as ``"pt_BR"``.
    format : str
        One of ``formats(locale)``.
    """
    if type(day) is not datetime.date:  # of which a datetime is an instance
        raise TypeError(f"day must be a datetime.date, without a time, got {day!r}")
    if not FIRST <= day <= LAST:
        raise ValueError(f"day must lie from {FIRST} to {LAST}, got {day}")
    patterns = _patterns(checks.text("locale", locale))
    if checks.text("format", format) not in patterns:
        raise ValueError(f"format must be one of {[*patterns]} in {locale}, got {format!r}")
    return _write(day, patterns[format], locale)


def split(rng: np.random.Generator, *, validation: int, test: int) -> Split:
    """Return all days from `FIRST` to `LAST` in three parts, in a random order.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the draw.
    validation, test : int
        How many days to keep from training.
    """
    validation = checks.positive_int("validation", validation)
    kept = validation + checks.positive_int("test", test)
    count = (LAST - FIRST).days + 1
    if kept >= count:
        raise ValueError(f"validation and test must leave some of the {count} days, got {kept}")
    order = checks.generator(rng).permutation(count).tolist()
    days = tuple(FIRST + datetime.timedelta(n) for n in order)
    return Split(days[kept:], days[:validation], days[validation:kept])


def pairs(
    days: Sequence[datetime.date], *, rng: np.random.Generator, locales: Sequence[str] = LOCALES
) -> Pairs:
    """Write each day in a random locale and format.

    Parameters
    ----------
    days : sequence of datetime.date
        The days.
    rng : numpy.random.Generator
        Source of the draws.
    locales : sequence of str
        The locales to draw from, all equally likely, as are the formats of each.
    """
    days = checks.items("days", days, "datetime.date")
    rng = checks.generator(rng)
    locales = checks.texts("locales", locales)
    if not locales:
        raise ValueError("locales must be at least one, got none")
    chosen = rng.choice(np.array(locales, object), len(days))
    shares = rng.random(len(days))
    names = tuple(
        known[int(share * len(known))]
        for known, share in zip(map(formats, chosen), shares, strict=True)
    )
    return Pairs(
        tuple(map(write, days, chosen, names)),
        tuple(map(datetime.date.isoformat, days)),
        tuple(chosen),
        names,
    )


def sample(
    days: Sequence[datetime.date],
    B: int,
    *,
    rng: np.random.Generator,
    locales: Sequence[str] = LOCALES,
) -> Pairs:
    """Draw `B` of the days, with replacement, and write each as `pairs` does."""
    days = checks.items("days", days, "datetime.date")
    B = checks.positive_int("B", B)
    if not days:
        raise ValueError("days must be at least one, got none")
    drawn = checks.generator(rng).integers(len(days), size=B)
    return pairs([days[n] for n in drawn], rng=rng, locales=locales)


@cache
def _patterns(locale: str) -> dict[str, str]:
    """Return the CLDR pattern of each format that is not ambiguous in a locale."""
    known = Locale.parse(locale)
    skeletons = known.datetime_skeletons
    patterns = {name: known.date_formats[name].pattern for name in STYLES}
    patterns |= {n: skeletons[n].pattern for n in SKELETONS if n in skeletons}
    patterns |= {pattern: pattern for pattern in PATTERNS}
    different: dict[str, str] = {}  # by the text of the example
    for name, pattern in patterns.items():
        if _is_unambiguous(pattern):
            different.setdefault(_write(_EXAMPLE, pattern, known), name)
    return {name: patterns[name] for name in different.values()}


def _is_unambiguous(pattern: str) -> bool:
    fields = _FIELD.findall(_QUOTED.sub("", pattern).replace("L", "M"))
    order = "".join(field[0] for field in fields)
    is_clear = order == "yMd" or any("MMM" in field for field in fields)
    return sorted(order) == ["M", "d", "y"] and "yy" not in fields and is_clear


def _write(day: datetime.date, pattern: str, locale: str | Locale) -> str:
    text = format_date(day, pattern, locale=locale)
    return text.replace("\u202f", " ").replace("\xa0", " ")
