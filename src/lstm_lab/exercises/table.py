"""The exercises: for each, its right answer and the mistakes that are often made, as texts."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

FILES = ("recurrent.toml", "gated.toml", "attention.toml")


@dataclass(frozen=True)
class Mistake:
    """A mistake: its name, what to tell a learner who made it, and a whole wrong answer."""

    name: str
    message: str
    answer: str


@dataclass(frozen=True)
class Exercise:
    """A function to be written.

    Attributes
    ----------
    name : str
        Of the function in the right answer.
    title, contract, equations : str
        For the docstring of its check: what is checked, what the function takes and returns,
        and where the book says so.
    results : tuple of str
        What the function returns, in this order; all are arrays.
    right : str
        The right answer, a self-contained module.
    mistakes : tuple of Mistake
        In the file, each is a mapping ``replace`` from parts of the right answer, each of which
        occurs once when its turn comes, to what a learner wrote instead.
    hints : mapping of str to str
        Sentences to add to what is said of faults that any function can have.
    may_divide_by_zero : bool
        Whether that is allowed as long as the results are right.
    """

    name: str
    title: str
    contract: str
    equations: str
    results: tuple[str, ...]
    right: str
    mistakes: tuple[Mistake, ...]
    hints: Mapping[str, str]
    may_divide_by_zero: bool

    def function(self, answer: str | None = None) -> Callable[..., Any]:
        """Return the function that an answer defines; by default, the right one."""
        return _compiled(self.name, self.right if answer is None else answer)


@cache
def _compiled(name: str, answer: str) -> Callable[..., Any]:
    namespace: dict[str, Any] = {}
    exec(answer, namespace)  # noqa: S102 - it is the text of this package
    function: Callable[..., Any] = namespace[name]
    return function


def replaced(answer: str, replacements: Mapping[str, str]) -> str:
    """Return an answer after replacements, each of a part that occurs once."""
    for part, replacement in replacements.items():
        if answer.count(part) != 1:
            raise ValueError(
                f"{part!r} must occur once in the answer, and occurs"
                f" {answer.count(part)} times:\n{answer}"
            )
        answer = answer.replace(part, replacement)
    return answer


def _exercises() -> Iterator[Exercise]:
    for file in FILES:
        text = files(__package__).joinpath(file).read_text(encoding="utf-8")
        for name, entry in tomllib.loads(text).items():
            mistakes = tuple(
                Mistake(
                    mistake["name"],
                    mistake["message"],
                    replaced(entry["right"], mistake["replace"]),
                )
                for mistake in entry["mistakes"]
            )
            yield Exercise(
                name=name,
                title=entry["title"],
                contract=entry["contract"].strip(),
                equations=entry["equations"],
                results=tuple(entry["results"]),
                right=entry["right"],
                mistakes=mistakes,
                hints=entry.get("hints", {}),
                may_divide_by_zero=entry.get("may_divide_by_zero", True),
            )


EXERCISES = {exercise.name: exercise for exercise in _exercises()}
"""All exercises by name."""
