"""One update of the parameters, watched: what any training loop does in each round."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import numpy as np

from lstm_lab import optim

Tree = TypeVar("Tree", bound=Any)


class Curve(NamedTuple):
    """Losses and gradient norms of the updates so far; lists that `update` appends to.

    Of an update that is interrupted there may be a loss more.
    """

    losses: list[float]
    grad_norms: list[float]


def update(
    model: Tree,
    state: Any,
    loss: float,
    grads: Tree,
    *,
    optimizer: optim.Optimizer,
    clip: float | None,
    step: int,
    curve: Curve,
) -> tuple[Tree, Any]:
    """Return the parameters and the optimizer's state after one update, and note loss and norm.

    Parameters
    ----------
    model : tree of ndarrays
        The parameters.
    state : tree
        The optimizer's state.
    loss : float
        The loss of a batch.
    grads : tree of ndarrays
        Its gradient, of the structure of `model`.
    optimizer : optim.Optimizer
        What makes a step of it.
    clip : float or None
        Norm to which a longer gradient is shortened; None leaves it as it is.
    step : int
        The update, counted from 0, for messages.
    curve : Curve
        Where loss and norm are noted.

    Returns
    -------
    model : tree of ndarrays
        The new parameters.
    state : tree
        The optimizer's new state.

    Raises
    ------
    FloatingPointError
        If the loss, the gradient or a new parameter is NaN or infinite; the message names the
        step and the last finite loss.
    """

    def check(name: str, value: float) -> None:
        check_finite(name, value, step, curve.losses)

    check("loss", loss)
    curve.losses.append(loss)
    if clip is None:
        norm = optim.global_norm(grads)
    else:
        grads, norm = optim.clip_by_global_norm(grads, clip)
    check("gradient's norm", norm)
    curve.grad_norms.append(norm)
    model, state = optimizer.step(model, grads, state)
    check("new parameters' norm", optim.global_norm(model))
    return model, state


def check_finite(
    name: str, value: float, step: int, losses: list[float]
) -> None:
    """Stop a training run that has diverged.

    Parameters
    ----------
    name : str
        What `value` is, for the message.
    value : float
        What must be finite.
    step : int
        The update, counted from 0.
    losses : list of float
        Those of the updates so far.

    Raises
    ------
    FloatingPointError
        If the value is NaN or infinite; the message names the step and the last finite loss.
    """
    if not np.isfinite(value):
        last = (
            f"the last finite loss was {losses[-1]:.6g},"
            f" in step {len(losses) - 1}"
            if losses
            else "no loss was finite"
        )
        raise FloatingPointError(
            f"training diverged in step {step}, counted from 0:"
            f" the {name} is {value}; {last}"
        )


@contextmanager
def bar(
    progress: bool | None, total: int, done: int
) -> Iterator[Callable[[float], None]]:
    """Show a progress bar, or none, and give the function that takes the loss of each update.

    Parameters
    ----------
    progress : bool or None
        Whether to show it; where it is None, whether someone is watching: on a terminal, or in
        a notebook that is open. A page that is executed shows none.
    total, done : int
        Updates in all, and those done before.

    Yields
    ------
    callable
        ``advance(loss)``.
    """
    if not (_is_watched() if progress is None else progress):
        yield lambda _: None
        return
    # At its import it looks for a notebook, and complains of one without widgets.
    from tqdm.auto import tqdm

    with tqdm(total=total, initial=done, unit="update", leave=False) as shown:

        def advance(loss: float) -> None:
            shown.set_postfix_str(f"loss {loss:.3g}", refresh=False)
            shown.update()

        yield advance


def _is_watched() -> bool:
    # A server sets the variable for the kernel of an open notebook; what executes the pages of
    # a book, or tests them, starts its kernels without.
    return sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ
