"""Figures that a reader moves: on a static page without a kernel, in a notebook with one."""

import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from html import escape
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, cast

import anywidget
import traitlets

from lstm_lab import checks
from lstm_lab.figures.markup import spoken

SCRIPT = Path(__file__).with_name("moving.js")
"""For a page: a classic script, to be loaded with ``defer``."""
STYLE = Path(__file__).with_name("moving.css")
"""For a page: the style of all figures."""

_PART = re.compile(r'\bdata-frame="(\d+)"')
# Not the attribute "hidden", which has no effect on groups of an SVG.
_UNSEEN = ' style="display:none"'
# A table may be wider than a phone; readers without a touch screen scroll with keys.
_SCROLLED = ' tabindex="0" role="group" aria-label="What is seen"'


class Control(NamedTuple):
    """A control of a figure: a slider, or a choice from a list.

    ``positions`` are labels, ``start`` is the index of the first one shown. ``languages`` are
    those of the positions, if they differ from the page's.
    """

    name: str
    positions: Sequence[str]
    start: int = 0
    slides: bool = True
    languages: Sequence[str] = ()


class Frame(NamedTuple):
    """The content for one combination of positions, as HTML: a sentence, and what it sums up."""

    summary: str
    html: str = ""


class MovingFigure(anywidget.AnyWidget):
    """A figure with a frame for each combination of its controls' positions.

    A page shows its HTML, in which `SCRIPT` moves the controls. A notebook shows the same HTML
    as a widget, whose trait ``value`` holds the position of each control by name, and can be
    observed and set.

    Parameters
    ----------
    label : str
        The description for screen readers.
    controls : sequence of Control
        The controls, with different names.
    frame : callable
        Returns the `Frame` of a combination from the index of each control's position.
    picture : str
        HTML that all frames share, before theirs. Elements in it with ``data-frame="n"`` are
        seen with frame n only. Frames are counted from 0, the last control changing fastest.
    ask : pair of str and callable, optional
        The label of a field for a text, and a function from the text to HTML. Only a notebook
        has the field, since it needs a kernel.
    """

    _esm = f"{SCRIPT.read_text('utf-8')}\nexport default {{ render }};\n"
    _css = STYLE.read_text("utf-8")
    markup = traitlets.Unicode().tag(sync=True)
    value = traitlets.Dict(value_trait=traitlets.Int()).tag(sync=True)
    question = traitlets.Unicode().tag(sync=True)
    answer = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        label: str,
        controls: Sequence[Control],
        frame: Callable[..., Frame],
        *,
        picture: str = "",
        ask: tuple[str, Callable[[str], str]] | None = None,
    ) -> None:
        value = {control.name: control.start for control in controls}
        if len(value) != len(controls):
            names = [control.name for control in controls]
            raise ValueError(f"controls must have different names, got {names}")
        for name, positions, start, *_ in controls:
            checks.texts(f"positions of {name!r}", positions)
            if not 0 <= start < len(positions):
                raise ValueError(f"{name!r} must start at 0 to {len(positions) - 1}, got {start}")
        places = [*product(*(range(len(control.positions)) for control in controls))]
        self.label, self.controls = label, controls
        self.frames = [frame(*place) for place in places]
        question, self._respond = ask or ("", str)
        first = places.index(tuple(value.values()))
        super().__init__(markup=self._html(picture, first, question), value=value)

    @traitlets.observe("question")
    def _reply(self, change: dict[str, Any]) -> None:
        self.answer = self._respond(change["new"]) if change["new"] else ""

    def _html(self, picture: str, start: int, question: str) -> str:
        """Return the HTML, in which frame `start` is seen; without a script no controls are."""
        controls = "".join(_control(each, self.label) for each in self.controls)
        said, tables = "", ""
        for n, frame in enumerate(self.frames):
            said += f'<p data-frame="{n}">{frame.summary}</p>'
            if frame.html:
                tables += f'<div data-frame="{n}">{frame.html}</div>'
        frames = _PART.sub(
            lambda part: part[0] + _UNSEEN * (int(part[1]) != start),
            f'<div class="lab-said" aria-live="polite">{said}</div>'
            f'<div class="lab-seen"{_SCROLLED if tables else ""}>'
            f"{picture}{tables}</div>",
        )
        field = question and (
            f'<div class="lab-ask" hidden><label>{escape(question)}'
            ' <input type="text"></label></div>'
            '<div class="lab-answer" role="status"></div>'
        )
        return (
            '<div class="lab-figure" role="group"'
            f' aria-label="{escape(self.label)}">'
            f'<div class="lab-controls" hidden>{controls}</div>'
            f"{frames}{field}</div>"
        )

    def __repr__(self) -> str:
        return f"MovingFigure({self.label!r})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        data, metadata = cast(Any, super()._repr_mimebundle_(**kwargs))
        return data | {"text/html": self.markup}, metadata


def _control(control: Control, label: str) -> str:
    """Return a control: native and labelled, the slider with ticks and its position."""
    name, now = escape(control.name), escape(control.positions[control.start])
    languages = control.languages or [""] * len(control.positions)
    labels = zip(control.positions, languages, strict=True)
    options = "".join(
        f'<option value="{n}"{" selected" * (n == control.start)}'
        f"{spoken(language)}>{escape(position)}</option>"
        for n, (position, language) in enumerate(labels)
    )
    named = f'name="{name}" autocomplete="off"'
    inner = f"<label>{name} <select {named}>{options}</select></label>"
    if control.slides:
        ticks = f"lab-{sha256((label + control.name).encode()).hexdigest()[:8]}"
        # The slider itself says its value; heard from the output too, it would be said twice.
        inner = (
            f'<label>{name} <input type="range" {named} min="0" step="1"'
            f' max="{len(control.positions) - 1}" value="{control.start}"'
            f' list="{ticks}" aria-valuetext="{now}"></label>'
            f'<output aria-live="off">{now}</output>'
            f'<datalist id="{ticks}">{options}</datalist>'
        )
    return f'<div class="lab-control">{inner}</div>'
