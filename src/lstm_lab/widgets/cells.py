"""Inside of a cell: its gates, its states and its gradient, step by step."""

from collections.abc import Sequence

import numpy as np

from lstm_lab import checks, plots
from lstm_lab.gradflow import CellSteps
from lstm_lab.widgets.figure import Control, Frame, MovingFigure
from lstm_lab.widgets.markup import bar, table


def cell_explorer(
    record: CellSteps, *, inputs: Sequence[str], start: int = 1
) -> MovingFigure:
    """Let a reader step through a sequence, and see what an LSTM does with it.

    Parameters
    ----------
    record : CellSteps
        What `gradflow.cell_steps` returned.
    inputs : sequence of D str
        What the entries of an input are.
    start : int
        The step that is seen first, from 1.

    Returns
    -------
    MovingFigure
        To be the value of a cell.

    Raises
    ------
    TypeError
        If `inputs` is a str, or holds something else than str.
    ValueError
        If there are not as many names as inputs, or there is no step `start`.
    """
    checks.instance("record", record, CellSteps)
    inputs = checks.texts("inputs", inputs)
    start = checks.positive_int("start", start)
    T, D = record.x.shape
    if len(inputs) != D:
        raise ValueError(f"inputs must be {D} names, got {list(inputs)}")
    steps = [f"{t} of {T}" for t in range(1, T + 1)]
    return MovingFigure(
        "The gates, the states and the gradient of an LSTM, step by step",
        [Control("step", steps, start - 1)],
        [_step(record, inputs, t) for t in range(1, T + 1)],
        picture=plots.cell_panels(record),
    )


def _step(record: CellSteps, inputs: Sequence[str], t: int) -> Frame:
    n, T = t - 1, len(record.x)
    direct, around, full = record.direct[n], record.around[n], record.full[n]
    kept, largest = record.kept[n], np.abs(record.c).max()
    low, high = min(record.x.min(), 0.0), max(record.x.max(), 0.0)
    read = ", ".join(
        f"{name} {value:.2f}"
        for name, value in zip(inputs, record.x[n], strict=True)
    )
    x = table(
        f"What step {t} reads",
        ["input", "x"],
        [
            [name, bar(value, lowest=low, highest=high)]
            for name, value in zip(inputs, record.x[n], strict=True)
        ],
    )
    units = table(
        "What its units do",
        ["unit", "i", "f", "o", "g", "c", "h", f"f to {T}"],
        [
            [
                f"{unit + 1}",
                *(
                    bar(gate[n, unit])
                    for gate in (record.i, record.f, record.o)
                ),
                bar(record.g[n, unit], lowest=-1),
                bar(record.c[n, unit], lowest=-largest, highest=largest),
                bar(record.h[n, unit], lowest=-1),
                bar(kept[unit]),
            ]
            for unit in range(len(kept))
        ],
    )
    paths = table(
        "How much of its gradient passes, at best",
        ["", "direct path", "round through h", "all paths"],
        [
            [
                f"step {t - 1} to {t}",
                bar(direct),
                bar(around),
                "<td></td>",
            ],
            [f"step {t} to {T}", bar(kept.max()), "<td></td>", bar(full)],
        ],
    )
    summary = (
        f"Step {t} reads {read}. Its forget gates are between"
        f" {record.f[n].min():.2f} and {direct:.2f}. From the step before, the"
        f" direct path keeps {direct:.2f} and the way round through h"
        f" {around:.2f} at best; to the end, the product of forget gates keeps"
        f" {kept.max():.2f} and all paths {full:.2f}."
    )
    return Frame(summary, x + units + paths)
