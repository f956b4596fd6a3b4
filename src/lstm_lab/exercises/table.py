"""The exercises: for each, its right answer and the mistakes that are often made, as texts."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

FILES = ("recurrent.toml", "gated.toml", "attention.toml")


class Mistake(NamedTuple):
    """A mistake: its name, what to tell a learner who made it, and a whole wrong answer."""

    name: str
    message: str
    answer: str


class Exercise(NamedTuple):
    """A function to be written, which has the name of the exercise.

    The docstring of its check says what is checked, ``title``, what the function takes and
    returns, ``contract``, and where the book says so, ``equations``. All ``results`` are arrays.
    The ``right`` answer is a self-contained module. In the file, a mistake is a mapping ``replace``
    from parts of it, each of which occurs once when its turn comes, to what a learner wrote
    instead. ``hints`` are added to what is said of faults that any function can have.
    """

    name: str
    title: str
    contract: str
    equations: str
    results: list[str]
    right: str
    mistakes: list[Mistake]
    hints: Mapping[str, str] = {}
    may_divide_by_zero: bool = True

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
            mistakes = [
                Mistake(m["name"], m["message"], replaced(entry["right"], m["replace"]))
                for m in entry.pop("mistakes")
            ]
            yield Exercise(name, mistakes=mistakes, **entry)


EXERCISES = {exercise.name: exercise for exercise in _exercises()}
"""All exercises by name."""
