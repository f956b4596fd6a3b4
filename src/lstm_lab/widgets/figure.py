"""Figures that a reader moves: on a static page without a kernel, in a notebook with one."""

import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from html import escape
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, cast

import anywidget
import traitlets

from lstm_lab import checks
from lstm_lab.widgets.markup import powers, spoken

SCRIPT = Path(__file__).with_name("moving.js")
"""For a page: a classic script, to be loaded with ``defer``."""
STYLE = Path(__file__).with_name("moving.css")
"""For a page: the style of all figures."""

_PART = re.compile(r'\bdata-frame="(\d+)"')
# Not the attribute "hidden", which groups of an SVG do not know.
_UNSEEN = ' style="display:none"'
# A table may be wider than a phone; who has no finger scrolls with keys.
_SCROLLED = ' tabindex="0" role="group" aria-label="What is seen"'


class Control(NamedTuple):
    """What a reader moves: a slider, or a choice from a list.

    ``name`` stands beside it, ``positions`` are the words for what can be chosen, and ``start``
    is the number of the position where it begins. ``languages`` are those of the positions, if
    they are not that of the page.
    """

    name: str
    positions: Sequence[str]
    start: int = 0
    slides: bool = True
    languages: Sequence[str] = ()


class Frame(NamedTuple):
    """What is seen at one combination of positions: a sentence that sums it up, and HTML.

    Numbers such as 6.8e-08 in the sentence become powers of ten, unless it is `literal`.
    ``foreign`` is a text in the summary that is in another language, and that language.
    """

    summary: str
    html: str = ""
    literal: bool = False
    foreign: tuple[str, str] | None = None


class MovingFigure(anywidget.AnyWidget):
    """A figure with a frame for each combination of its controls' positions.

    A page shows its HTML, in which `SCRIPT` moves the controls. A notebook shows the same HTML
    as a widget, whose trait ``value`` holds the number of each control's position by name, and
    can be observed and set.

    Parameters
    ----------
    label : str
        What a reader who does not see the figure is told that it is.
    controls : sequence of Control
        What can be moved.
    frames : sequence of Frame
        All combinations, the last control changing fastest.
    picture : str
        HTML that all frames share, before theirs. Elements in it with ``data-frame="n"`` are
        seen with frame n only.
    ask : pair of str and callable, optional
        The label of a field for a text, and what turns the text into HTML. The field is there
        in a notebook only, since it needs a kernel.

    Raises
    ------
    TypeError
        If an argument is of another type, or the positions of a control are one str.
    ValueError
        If there are not as many frames as combinations, two controls have one name, or one has
        no position to start at.
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
        frames: Sequence[Frame],
        *,
        picture: str = "",
        ask: tuple[str, Callable[[str], str]] | None = None,
    ) -> None:
        label = checks.text("label", label)
        controls = checks.items("controls", controls, "controls")
        frames = checks.items("frames", frames, "frames")
        for n, control in enumerate(controls):
            checks.instance(f"controls[{n}]", control, Control)
        for n, frame in enumerate(frames):
            checks.instance(f"frames[{n}]", frame, Frame)
        for control in controls:
            checks.texts(f"positions of {control.name!r}", control.positions)
        sizes = [len(control.positions) for control in controls]
        names = [control.name for control in controls]
        if len(set(names)) != len(names):
            raise ValueError(f"controls must have different names, got {names}")
        for control in controls:
            if not 0 <= control.start < len(control.positions):
                raise ValueError(
                    f"{control.name!r} must start at one of its"
                    f" {len(control.positions)} positions, got {control.start}"
                )
        if len(frames) != prod(sizes):
            raise ValueError(
                f"frames must be one for each of {prod(sizes)} combinations of"
                f" positions, got {len(frames)}"
            )
        self.label, self.controls, self.frames = label, controls, frames
        super().__init__(
            markup=_figure(label, controls, frames, picture, ask and ask[0]),
            value={control.name: control.start for control in controls},
        )
        if ask:
            self.observe(self._answer(ask[1]), "question")

    def _answer(
        self, respond: Callable[[str], str]
    ) -> Callable[[dict[str, Any]], None]:
        def answer(change: dict[str, Any]) -> None:
            text = change["new"]
            self.answer = respond(text) if text else ""

        return answer

    def __repr__(self) -> str:
        return f"MovingFigure({self.label!r})"

    def _repr_mimebundle_(
        self, **kwargs: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = cast(tuple[dict[str, Any], dict[str, Any]], bundle)
        return data | {"text/html": self.markup}, metadata


def _figure(
    label: str,
    controls: Sequence[Control],
    frames: Sequence[Frame],
    picture: str,
    asked: str | None,
) -> str:
    """Return the HTML of a figure; without a script its controls do not show."""
    places = product(*(range(len(control.positions)) for control in controls))
    start = [*places].index(tuple(control.start for control in controls))
    said = "".join(
        f'<p data-frame="{n}">{_sentence(frame)}</p>'
        for n, frame in enumerate(frames)
    )
    shown = "".join(
        f'<div data-frame="{n}">{frame.html}</div>'
        for n, frame in enumerate(frames)
        if frame.html
    )
    parts = _PART.sub(
        lambda part: part[0] if int(part[1]) == start else part[0] + _UNSEEN,
        f'<div class="lab-said" aria-live="polite">{said}</div>'
        f'<div class="lab-seen"{_SCROLLED if shown else ""}>{picture}{shown}</div>',
    )
    field = (
        '<div class="lab-ask" hidden><label>'
        f'{escape(asked)} <input type="text"></label></div>'
        '<div class="lab-answer" role="status"></div>'
        if asked
        else ""
    )
    return (
        f'<div class="lab-figure" role="group" aria-label="{escape(label)}">'
        '<div class="lab-controls" hidden>'
        f"{''.join(_control(control, label) for control in controls)}</div>"
        f"{parts}{field}</div>"
    )


def _sentence(frame: Frame) -> str:
    said = escape(frame.summary)
    if frame.foreign is not None:
        text, language = escape(frame.foreign[0]), frame.foreign[1]
        marked = f"<span{spoken(language)}>{text}</span>"
        said = said.replace(text, marked, 1)
    return said if frame.literal else powers(said)


def _control(control: Control, label: str) -> str:
    name, positions = escape(control.name), control.positions
    languages = control.languages or [""] * len(positions)
    if not control.slides:
        options = "".join(
            f'<option value="{n}"{" selected" * (n == control.start)}'
            f"{spoken(language)}>{escape(position)}</option>"
            for n, (position, language) in enumerate(
                zip(positions, languages, strict=True)
            )
        )
        inner = (
            f'<label>{name} <select name="{name}" autocomplete="off">'
            f"{options}</select></label>"
        )
    else:
        ticks = f"lab-{sha256((label + control.name).encode()).hexdigest()[:8]}"
        options = "".join(
            f'<option value="{n}" label="{escape(position)}"></option>'
            for n, position in enumerate(positions)
        )
        now = escape(positions[control.start])
        # The slider itself says its value; heard from the output too, it would be said twice.
        inner = (
            f'<label>{name} <input type="range" name="{name}" min="0"'
            f' max="{len(positions) - 1}" step="1" value="{control.start}"'
            f' list="{ticks}" aria-valuetext="{now}" autocomplete="off"></label>'
            f'<output aria-live="off">{now}</output>'
            f'<datalist id="{ticks}">{options}</datalist>'
        )
    return f'<div class="lab-control">{inner}</div>'
