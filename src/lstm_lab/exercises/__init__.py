"""Check what a reader has written for an exercise, and say what is wrong with it.

Each function tries another one on random arguments: single sequences and batches, float64 and
float32. It compares shapes, dtypes and values with those of the laboratory, looks whether an
argument was changed, and recognises the mistakes that are often made.
"""

from collections.abc import Callable
from typing import Any

from lstm_lab.exercises.attending import ATTENTION
from lstm_lab.exercises.checking import Fault, Problem, Right, WrongAnswerError
from lstm_lab.exercises.gated import GRU_STEP, LSTM_BACKWARD, LSTM_STEP
from lstm_lab.exercises.recurrent import BPTT, CLIP, RNN_STEP

Function = Callable[..., Any]

__all__ = [
    "PROBLEMS",
    "Fault",
    "Problem",
    "Right",
    "WrongAnswerError",
    "check_attention",
    "check_bptt",
    "check_clip",
    "check_gru_step",
    "check_lstm_backward",
    "check_lstm_step",
    "check_rnn_step",
]

PROBLEMS = {
    "rnn_step": RNN_STEP,
    "bptt": BPTT,
    "clip": CLIP,
    "lstm_step": LSTM_STEP,
    "lstm_backward": LSTM_BACKWARD,
    "gru_step": GRU_STEP,
    "attention": ATTENTION,
}
"""All problems by name."""


def check_rnn_step(function: Function, *, seed: int = 0) -> Right:
    """Check a step of the vanilla RNN.

    Parameters
    ----------
    function : callable
        ``function(W, b, x, h_prev)`` returns ``h`` (..., H), from ``W`` (H, D + H), ``b``
        (H,), ``x`` (..., D) and ``h_prev`` (..., H).
    seed : int
        Of the arguments that are tried.

    Returns
    -------
    Right
        That all was right.

    Raises
    ------
    WrongAnswerError
        If something is wrong; its message says what.

    References
    ----------
    Chapter ch317, equation ``eq-ch317-rnn``.
    """
    return RNN_STEP.check(function, seed)


def check_bptt(function: Function, *, seed: int = 0) -> Right:
    """Check backpropagation through time for the vanilla RNN.

    Parameters
    ----------
    function : callable
        ``function(W, b, x, h, dh)`` returns ``dW``, ``db``, ``dx`` and ``dh0``, from ``x``
        (T, D), all states ``h`` (T + 1, H), and ``dh`` (T, H), what the loss of each step
        adds.
    seed : int
        Of the arguments that are tried.

    Returns
    -------
    Right
        That all was right.

    Raises
    ------
    WrongAnswerError
        If something is wrong; its message says what.

    References
    ----------
    Chapter ch317, equations ``eq-bptt-state`` and ``eq-bptt-step``.
    """
    return BPTT.check(function, seed)


def check_clip(function: Function, *, seed: int = 0) -> Right:
    """Check clipping by the global norm.

    Parameters
    ----------
    function : callable
        ``function(dW, db, max_norm)`` returns both arrays, shortened where needed.
    seed : int
        Of the arguments that are tried.

    Returns
    -------
    Right
        That all was right.

    Raises
    ------
    WrongAnswerError
        If something is wrong; its message says what.

    References
    ----------
    Chapter ch317, equation ``eq-clipping``.
    """
    return CLIP.check(function, seed)


def check_lstm_step(function: Function, *, seed: int = 0) -> Right:
    """Check a step of the LSTM.

    Parameters
    ----------
    function : callable
        ``function(W, b, x, h_prev, c_prev)`` returns ``h`` and ``c`` (..., H), from ``W``
        (4H, D + H) and ``b`` (4H,) in the order of `lstm.GATES`.
    seed : int
        Of the arguments that are tried.

    Returns
    -------
    Right
        That all was right.

    Raises
    ------
    WrongAnswerError
        If something is wrong; its message says what.

    References
    ----------
    Chapter ch318, equations ``eq-lstm-gates`` and ``eq-lstm-state``.
    """
    return LSTM_STEP.check(function, seed)


def check_lstm_backward(function: Function, *, seed: int = 0) -> Right:
    """Check the backward pass of one LSTM step.

    Parameters
    ----------
    function : callable
        ``function(W, b, x, h_prev, c_prev, dh, dc)`` returns ``dW``, ``db``, ``dx``,
        ``dh_prev`` and ``dc_prev``, for one sequence.
    seed : int
        Of the arguments that are tried.

    Returns
    -------
    Right
        That all was right.

    Raises
    ------
    WrongAnswerError
        If something is wrong; its message says what.

    References
    ----------
    Chapter ch318, equations ``eq-lstm-backward-cell`` to ``eq-lstm-backward-out``.
    """
    return LSTM_BACKWARD.check(function, seed)


def check_gru_step(function: Function, *, seed: int = 0) -> Right:
    """Check a step of the GRU.

    Parameters
    ----------
    function : callable
        ``function(W, b, x, h_prev)`` returns ``h`` (..., H), from ``W`` (3H, D + H) and
        ``b`` (3H,) in the order of `gru.GATES`.
    seed : int
        Of the arguments that are tried.

    Returns
    -------
    Right
        That all was right.

    Raises
    ------
    WrongAnswerError
        If something is wrong; its message says what.

    References
    ----------
    Chapter ch318, equations ``eq-gru-gates`` and ``eq-gru-state``.
    """
    return GRU_STEP.check(function, seed)


def check_attention(function: Function, *, seed: int = 0) -> Right:
    """Check dot-product attention of one query, with a mask.

    Parameters
    ----------
    function : callable
        ``function(query, memory, mask)`` returns ``context`` (H,) and ``weights`` (T,),
        from ``query`` (H,), ``memory`` (T, H) and ``mask`` (T,), False at the padding.
    seed : int
        Of the arguments that are tried.

    Returns
    -------
    Right
        That all was right.

    Raises
    ------
    WrongAnswerError
        If something is wrong; its message says what.

    References
    ----------
    Chapter ch319, equation ``eq-attention``.
    """
    return ATTENTION.check(function, seed)
