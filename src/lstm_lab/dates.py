"""Dates as people write them in many languages, and the same in ISO 8601.

Names and orders are those of the Unicode Common Locale Data Repository (CLDR), by way of Babel. A
locale writes a date in CLDR's own styles, in the formats that CLDR derives from a skeleton, and in
a few patterns that are the same everywhere, with its own names of months and days.

The patterns make forms as well that are rare where they are written, such as a Japanese month
before its day. No form is ambiguous, by construction: the year has all its digits, and the month
has its name, or year, month and day follow in this order. So 03/04/05 is not among them, nor
03/04/2005. The spaces without a break that CLDR puts into some forms are plain ones here, as
keyboards write them.

Source: Unicode CLDR, https://cldr.unicode.org.
"""

import datetime
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from babel import Locale, UnknownLocaleError
from babel.dates import format_date

from lstm_lab import checks

LOCALES = (
    *("en_US", "en_GB", "de", "fr", "es", "it", "pt_BR", "nl"),
    *("sv", "pl", "ru", "tr", "ja", "zh", "ko"),
)
"""Locales to train on."""
HELD_OUT_LOCALE = "da"
"""Danish, which no model is trained on: some of its names are German or Swedish ones. Its ø is in
none of the other locales."""

STYLES = ("medium", "long", "full")
"""CLDR's styles; *short* is numeric, most often with two digits for the year."""
SKELETONS = ("yMMMd", "yMMMEd", "yMMMMd", "yMMMMEEEEd")
"""What a form must contain; CLDR says in which order and with what between."""
PATTERNS = ("EEE, d MMM y", "d MMMM y", "MMMM d, y", "y MMM d", "y/M/d")
"""Forms that are the same in all locales, but for names."""
FORMATS = (*STYLES, *SKELETONS, *PATTERNS)

FIRST = datetime.date(1950, 1, 1)
LAST = datetime.date(2049, 12, 31)

# Two forms that write it alike are one; the name of its month has more than one form.
_EXAMPLE = datetime.date(1997, 9, 13)
_FIELD = re.compile(r"'[^']*'|y+|[ML]+|d+")


class Split(NamedTuple):
    """Days for training, for looking at while training, and for the end; none is in two."""

    train: tuple[datetime.date, ...]
    validation: tuple[datetime.date, ...]
    test: tuple[datetime.date, ...]


class Pairs(NamedTuple):
    """Dates as they are written, and what they mean; with each its locale and format."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    locale: tuple[str, ...]
    format: tuple[str, ...]


def write(day: datetime.date, locale: str, format: str) -> str:
    """Return a day as it is written in a locale.

    Parameters
    ----------
    day : datetime.date
        A day from `FIRST` to `LAST`.
    locale : str
        Any that Babel knows, such as ``"pt_BR"``.
    format : str
        One of ``formats(locale)``.

    Returns
    -------
    str
        Such as ``"15 de março de 1997"``.

    Raises
    ------
    TypeError
        If the day is not a date, or is one with a time.
    ValueError
        If it lies outside of the range, the locale is not known, or has no such format that
        is not ambiguous.
    """
    _check_date("day", day)
    if not FIRST <= day <= LAST:
        raise ValueError(f"day must lie from {FIRST} to {LAST}, got {day}")
    patterns = _patterns(locale)
    if checks.text("format", format) not in patterns:
        raise ValueError(
            f"format must be one of {', '.join(map(repr, patterns))} in {locale},"
            f" got {format!r}"
        )
    return _plain(format_date(day, patterns[format], locale=locale))


def _check_date(name: str, day: Any) -> None:
    # A datetime is a date by its type, and cannot be compared with one.
    if not isinstance(day, datetime.date) or isinstance(day, datetime.datetime):
        raise TypeError(
            f"{name} must be a datetime.date, without a time, got {day!r}"
        )


def _dates(days: Sequence[datetime.date]) -> tuple[datetime.date, ...]:
    found = checks.items("days", days, "datetime.date")
    for n, day in enumerate(found):
        _check_date(f"days[{n}]", day)
    return found


def formats(locale: str) -> tuple[str, ...]:
    """Return the formats in which a locale writes dates, those that are not ambiguous.

    Parameters
    ----------
    locale : str
        Any that Babel knows.

    Returns
    -------
    tuple of str
        Of `FORMATS`; of several that are the same in this locale, the first.

    Raises
    ------
    TypeError
        If the locale is not a str.
    ValueError
        If it is not known.
    """
    return tuple(_patterns(locale))


def _patterns(locale: str) -> dict[str, str]:
    """Return the CLDR pattern of each format."""
    return _cached_patterns(checks.text("locale", locale))


@cache
def _cached_patterns(locale: str) -> dict[str, str]:
    try:
        known = Locale.parse(locale)
    except (ValueError, UnknownLocaleError) as error:
        raise ValueError(
            f"locale must be one that Babel knows, got {locale!r}"
        ) from error
    found: dict[str, str] = {}
    written = set()
    for name in FORMATS:
        if name in STYLES:
            pattern = known.date_formats[name].pattern
        elif name in SKELETONS:
            skeletons = known.datetime_skeletons
            pattern = skeletons[name].pattern if name in skeletons else ""
        else:
            pattern = name
        text = _plain(format_date(_EXAMPLE, pattern, locale=known))
        if _unambiguous(pattern) and text not in written:
            found[name] = pattern
            written.add(text)
    return found


def _unambiguous(pattern: str) -> bool:
    fields = [f for f in _FIELD.findall(pattern) if not f.startswith("'")]
    order = "".join(field[0] for field in fields).replace("L", "M")
    named = any(field[0] in "ML" and len(field) > 2 for field in fields)
    return (
        sorted(order) == ["M", "d", "y"]
        and "yy" not in fields
        and (named or order == "yMd")
    )


def _plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\xa0", " ")


def split(rng: np.random.Generator, *, validation: int, test: int) -> Split:
    """Return all days from `FIRST` to `LAST` in three parts.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the draw comes from.
    validation, test : int
        How many days to keep from training.

    Returns
    -------
    Split
        The days of each part in the order of the draw.

    Raises
    ------
    ValueError
        If no day is left to train on.
    """
    validation = checks.positive_int("validation", validation)
    test = checks.positive_int("test", test)
    count = (LAST - FIRST).days + 1
    if validation + test >= count:
        raise ValueError(
            f"validation and test must leave some of the {count} days,"
            f" got {validation} and {test}"
        )
    order = checks.generator(rng).permutation(count)
    days = tuple(FIRST + datetime.timedelta(days=int(n)) for n in order)
    return Split(
        days[validation + test :],
        days[:validation],
        days[validation : validation + test],
    )


def pairs(
    days: Sequence[datetime.date],
    *,
    rng: np.random.Generator,
    locales: Sequence[str] = LOCALES,
) -> Pairs:
    """Write each day in a locale and a format that are drawn for it.

    Parameters
    ----------
    days : sequence of datetime.date
        The days.
    rng : numpy.random.Generator
        Where the draws come from.
    locales : sequence of str
        The locales to draw from, each as likely; and of its formats each as likely.

    Returns
    -------
    Pairs
        One for each day.

    Raises
    ------
    TypeError
        If a day is not a date, or a locale not a str; the message names it.
    ValueError
        If there is no locale, or one is not known.
    """
    days = _dates(days)
    names = () if isinstance(locales, str) else locales
    names = checks.texts("locales", names)
    if not names:
        raise ValueError(
            f"locales must be a sequence of at least one, got {locales!r}"
        )
    chosen = checks.generator(rng).choice(np.array(names, object), len(days))
    found = []
    for day, locale, share in zip(
        days, chosen, rng.random(len(days)), strict=True
    ):
        known = formats(locale)
        name = known[int(share * len(known))]
        found.append((write(day, locale, name), day.isoformat(), locale, name))
    return Pairs(*zip(*found, strict=True)) if found else Pairs((), (), (), ())


def sample(
    days: Sequence[datetime.date],
    B: int,
    *,
    rng: np.random.Generator,
    locales: Sequence[str] = LOCALES,
) -> Pairs:
    """Draw days, and write each as `pairs` does.

    Parameters
    ----------
    days : sequence of datetime.date
        The days to draw from; one may be drawn twice.
    B : int
        How many.
    rng : numpy.random.Generator
        Where the draws come from.
    locales : sequence of str
        The locales to draw from.

    Returns
    -------
    Pairs
        `B` of them.

    Raises
    ------
    TypeError
        If a day is not a date, or a locale not a str; the message names it.
    ValueError
        If there is no day or no locale, or a locale is not known.
    """
    days = _dates(days)
    if not days:
        raise ValueError("days must be at least one, got none")
    drawn = checks.generator(rng).integers(
        len(days), size=checks.positive_int("B", B)
    )
    return pairs([days[n] for n in drawn], rng=rng, locales=locales)
