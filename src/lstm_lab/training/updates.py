"""One update of the parameters, with clipping, checks and a progress bar."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import numpy as np

from lstm_lab import optim

Tree = TypeVar("Tree", bound=Any)


class Curve(NamedTuple):
    """Losses and gradient norms so far; an interrupted update may leave one loss too many."""

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
    """Return the new parameters and optimizer state, and append loss and norm to the curve."""

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
    """Stop a run that has diverged, with the step and the last finite loss in the message."""
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
def bar(progress: bool | None, total: int) -> Iterator[Callable[[float], None]]:
    """Show a progress bar of `total` updates, or none, and yield ``advance(loss)``.

    If `progress` is None, it is shown on a terminal and in an open notebook, but not on an
    executed page.
    """
    if not (_is_watched() if progress is None else progress):
        yield lambda _: None
        return
    # At its import it looks for a notebook, and complains of one without widgets.
    from tqdm.auto import tqdm

    with tqdm(total=total, unit="update", leave=False) as shown:

        def advance(loss: float) -> None:
            shown.set_postfix_str(f"loss {loss:.3g}", refresh=False)
            shown.update()

        yield advance


def _is_watched() -> bool:
    # A server sets the variable for the kernel of an open notebook; what executes the pages of
    # a book, or tests them, starts its kernels without.
    return sys.stderr.isatty() or "JPY_SESSION_NAME" in os.environ
