"""Dials: what a gain and a forget bias do to a gradient."""

from collections.abc import Mapping

from lstm_lab import plots
from lstm_lab.gradflow import CellPaths, GradientFlow, Spectra
from lstm_lab.widgets.figure import Control, Frame, MovingFigure


def gain_dial(
    flows: Mapping[str, GradientFlow], spectra: Spectra, *, start: str
) -> MovingFigure:
    """Let a reader turn the gain of the recurrent weights, and see the gradient follow.

    Parameters
    ----------
    flows : mapping of str to GradientFlow
        By gain, what `gradflow.gradient_flow` returned.
    spectra : Spectra
        What `gradflow.spectra` returned for the same gains under the same names.
    start : str
        The gain that is seen first.

    Returns
    -------
    MovingFigure
        To be the value of a cell.

    Raises
    ------
    ValueError
        If the names of the two differ, or `start` is none of them.
    """
    if tuple(flows) != spectra.names:
        raise ValueError(
            f"flows and spectra must have the same names, got {tuple(flows)}"
            f" and {spectra.names}"
        )
    longest = spectra.lags[-1]
    frames = []
    for n, (name, flow) in enumerate(flows.items()):
        best, *_, worst = 10 ** spectra.log10_singular_values[n, -1]
        summary = (
            f"Gain {name}. Over {longest} steps {flow.typical[longest]:.1e} of a"
            f" gradient arrives, in the mean of {len(flow.seeds)} networks. In the"
            f" single network of the fan the best direction keeps {best:.1e}, the"
            f" worst {worst:.1e}; the bound allows"
            f" {spectra.largest[n] ** longest:.1e}."
        )
        frames.append(Frame(summary))
    return MovingFigure(
        "Gradient against lag, by the gain of the recurrent weights",
        [_dial("gain of U", spectra.names, start)],
        frames,
        picture=plots.gain_panels([*flows.values()], spectra),
    )


def forget_bias_dial(record: CellPaths, *, start: str) -> MovingFigure:
    """Let a reader turn the forget bias, and see the direct path and all paths follow.

    Parameters
    ----------
    record : CellPaths
        What `gradflow.cell_paths` returned for several biases under their names.
    start : str
        The bias that is seen first.

    Returns
    -------
    MovingFigure
        To be the value of a cell.

    Raises
    ------
    ValueError
        If `start` is none of the names.
    """
    rows = zip(
        record.names,
        record.typical_direct[:, -1],
        record.typical_full[:, -1],
        strict=True,
    )
    frames = [
        Frame(
            f"Forget bias {name}. Over {record.lags[-1]} steps the direct path"
            f" keeps {direct:.1e}, all paths together {full:.1e}.",
        )
        for name, direct, full in rows
    ]
    return MovingFigure(
        "Direct path and all paths against lag, by the forget bias",
        [_dial("forget bias", record.names, start)],
        frames,
        picture=plots.forget_bias_panels(record),
    )


def _dial(name: str, positions: tuple[str, ...], start: str) -> Control:
    if start not in positions:
        raise ValueError(
            f"start must be one of {', '.join(positions)}, got {start!r}"
        )
    return Control(name, positions, positions.index(start))
