"""What an entry of the bibliography says of its year, in several places, is one year."""

import re
from pathlib import Path

import pytest

BIBLIOGRAPHY = Path(__file__).resolve().parents[1] / "chapters" / "references.bib"
ENTRY = re.compile(r"^@\w+\{(?P<key>[^,]+),\n(?P<fields>.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^ +(\w+) *= *\{(.*?)\},?$", re.MULTILINE | re.DOTALL)
ENTRIES = {
    entry["key"]: dict(FIELD.findall(entry["fields"]))
    for entry in ENTRY.finditer(BIBLIOGRAPHY.read_text(encoding="utf-8"))
}


CITED = {
    key
    for page in BIBLIOGRAPHY.parent.glob("*.md")
    for keys in re.findall(r"\{cite:\w+\}`([^`]+)`", page.read_text(encoding="utf-8"))
    for key in keys.split(",")
}


def test_there_are_entries():
    assert len(ENTRIES) > 20


@pytest.mark.parametrize("key", ENTRIES)
def test_the_year_is_that_of_the_key_and_of_the_identifiers(key):
    fields = ENTRIES[key]
    year = int(fields["year"])
    assert f"{year}" in key
    # Journals of MIT Press and some conferences have the year in their identifiers.
    for in_doi in re.findall(r"(?<=\.)(?:19|20)\d\d(?=\.)", fields.get("doi", "")):
        assert abs(int(in_doi) - year) <= 1
    if found := re.fullmatch(r"(\d\d)\d\d\.\d{4,5}", fields.get("eprint", "")):
        posted = 2000 + int(found[1])
        assert posted <= year <= posted + 2


@pytest.mark.parametrize("key", ENTRIES)
def test_the_first_author_is_that_of_the_key(key):
    author = ENTRIES[key].get("author", ENTRIES[key].get("editor", ""))
    family = re.split(r",| and ", author)[0]
    letters = re.sub(r"\\.|[^a-z]", "", family.lower())
    name = re.match(r"[a-z]+", key)[0]
    assert name in letters or letters in name, (key, family)


@pytest.mark.parametrize("key", ENTRIES)
def test_an_entry_is_cited(key):
    assert key in CITED


@pytest.mark.parametrize("key", ENTRIES)
def test_a_paper_of_proceedings_has_its_pages(key):
    fields = ENTRIES[key]
    # This conference prints no volume.
    if "International Conference on Learning" not in fields.get(
        "booktitle", "International Conference on Learning"
    ):
        assert "pages" in fields


def test_a_german_title_keeps_the_capitals_of_its_nouns():
    assert "{Netzen}" in ENTRIES["hochreiter1991untersuchungen"]["title"]
