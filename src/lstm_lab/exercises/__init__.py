"""Check what a learner has written for an exercise, and say what is wrong with it.

Each check tries a function on random arguments: single sequences and batches, float64 and
float32. It compares shapes, dtypes and values with those of a right answer, looks whether an
argument was changed, and names the mistakes that are often made.
"""

from collections.abc import Callable
from textwrap import indent
from typing import Any

from lstm_lab.exercises.checking import Right, WrongAnswerError, check
from lstm_lab.exercises.table import EXERCISES

DOCSTRING = """\
Check {title}.

Parameters
----------
function : callable
{contract}
seed : int
    Seed of the arguments that are tried.

Raises
------
WrongAnswerError
    If something is wrong; its message says what.

References
----------
{equations}
"""


def _check_of(name: str) -> Callable[..., Right]:
    """Return the check of an exercise."""
    exercise = EXERCISES[name]

    def check_function(function: Callable[..., Any], *, seed: int = 0) -> Right:
        return check(exercise, function, seed)

    check_function.__name__ = check_function.__qualname__ = f"check_{name}"
    indented = exercise._replace(contract=indent(exercise.contract, "    "))
    check_function.__doc__ = DOCSTRING.format(**indented._asdict())
    return check_function


check_rnn_step = _check_of("rnn_step")
check_bptt = _check_of("bptt")
check_clip = _check_of("clip")
check_lstm_step = _check_of("lstm_step")
check_lstm_backward = _check_of("lstm_backward")
check_gru_step = _check_of("gru_step")
check_attention = _check_of("attention")
