"""Things to move: ipywidgets that work on a static page, without a kernel.

What a reader can choose there is made beforehand, and links between widgets pass on the choice.
"""

import os
from collections.abc import Sequence
from html import escape

import ipywidgets
import numpy as np

from lstm_lab.numerics import Array
from lstm_lab.seq2seq import Translation, Translator

_CELL = "min-width:1.1em;text-align:center;padding:.1em;font-weight:400"


class Chooser(ipywidgets.VBox):  # type: ignore[misc] # ipywidgets has no types
    """A choice among prepared pages, one of which is shown."""

    def __repr__(self) -> str:
        options = self.children[0].options
        return f"Chooser({', '.join(map(repr, options))})"


def translations(
    translator: Translator,
    sources: Sequence[str],
    *,
    live: bool | None = None,
) -> Chooser:
    """Let a reader choose a text, and see a model's answer and where it looked.

    Parameters
    ----------
    translator : Translator
        The model, with attention.
    sources : sequence of str
        Texts to choose from, all different.
    live : bool, optional
        Whether there is a field for other texts as well, which needs a running kernel; where it
        is None, whether the notebook is open in a server.

    Returns
    -------
    Chooser
        To be the value of a cell.

    Raises
    ------
    ValueError
        If there is no source, one is empty or twice there, or the model has no attention.
    """
    if len(set(sources)) != len(sources):
        raise ValueError(f"sources must be different, got {list(sources)}")
    answers = translator.translate(sources)
    stack = ipywidgets.Stack(
        [
            ipywidgets.HTML(attention_table(answer, source))
            for source, answer in zip(sources, answers, strict=True)
        ],
        selected_index=0,
    )
    choice = ipywidgets.Dropdown(options=list(sources), description="source")
    ipywidgets.jslink((choice, "index"), (stack, "selected_index"))
    shown = [choice, stack]
    if "JPY_SESSION_NAME" in os.environ if live is None else live:
        shown += _field(translator)
    return Chooser(shown)


def _field(translator: Translator) -> list[ipywidgets.Widget]:
    """Return a field for a text, and what shows the answer."""
    field = ipywidgets.Text(
        description="your own", continuous_update=False, placeholder="a date"
    )
    shown = ipywidgets.HTML()

    def answer(change: dict[str, str]) -> None:
        text, shown.value = change["new"], ""
        if text:
            (found,) = translator.translate([text])
            shown.value = attention_table(found, text)

    field.observe(answer, "value")
    return [field, shown]


def attention_table(translation: Translation, source: str) -> str:
    """Return where a model looked at each step as an HTML table: a row for each step.

    Parameters
    ----------
    translation : Translation
        What the model made of the source.
    source : str
        The text, in any script.

    Returns
    -------
    str
        HTML. The weights are the opacities of the cells, and their titles.

    Raises
    ------
    ValueError
        If the model has no attention.
    """
    if translation.weights is None:
        raise ValueError(
            "translation must have weights: of attention, got none"
        )
    written = [*translation.text, "⏎"][: len(translation.weights)]
    head = "".join(map(_heading, ("", *source)))
    body = "".join(
        f"<tr>{_heading(character)}{''.join(map(_cell, row))}</tr>"
        for character, row in zip(written, translation.weights, strict=True)
    )
    p = np.exp(float(translation.log_probability))
    return (
        '<div style="overflow-x:auto">'
        f"<p><strong>{escape(translation.text)}</strong> with probability {p:.4f}</p>"
        '<table style="border-collapse:collapse;line-height:1.2;color:inherit">'
        '<caption style="color:inherit">Where the model looked:'
        f" {escape(source)} from left to right, its answer downwards</caption>"
        f"<tr>{head}</tr>{body}</table></div>"
    )


def _heading(character: str) -> str:
    shown = "·" if character == " " else escape(character)
    return f'<th style="{_CELL}">{shown}</th>'


def _cell(weight: Array) -> str:
    # Two digits: an eye tells no more.
    opacity = f"{float(weight):.2f}"
    return (
        f'<td title="{opacity}"'
        f' style="background:rgba(0,114,178,{opacity});border:1px solid #8884"></td>'
    )
