"""Colours used together are told apart by every eye, by day and by night, and without colour."""

import inspect
import io
import re
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from coloraide.everything import ColorAll as Color
from matplotlib.colors import to_hex
from matplotlib.image import AxesImage
from matplotlib.text import Text

from lstm_lab import gradflow, lstm, plots, rnn, seq2seq, tasks, training
from lstm_lab.experiments import phase
from lstm_lab.experiments.bottleneck import Curves
from lstm_lab.initialization import start
from lstm_lab.plots import style

PAGES = {"day": "#ffffff", "night": "#121212"}  # of sphinx-book-theme
# Machado, Oliveira and Fernandes (2009), of full severity.
SIGHTS = (None, "protan", "deutan", "tritan")
APART = 10  # in CAM02-UCS, where a just noticeable difference is about 1
LIGHTER = 10  # in CIE lightness, from 0 to 100
LINE, TEXT = 3.0, 4.5  # contrasts that WCAG 2.2 asks for
UNIFORM = {"viridis", "cividis"}


def at(time, name):
    """Return a colour as `#rrggbb` by day or by night."""
    day = to_hex(name)
    return day if time == "day" else plots.night(day)


def difference(one, other):
    """Return how far two colours are from each other in the eye that sees least of it."""

    def seen(color, sight):
        color = Color(color)
        return color.filter(sight, method="machado") if sight else color

    return min(
        seen(one, sight).delta_e(seen(other, sight), method="cam02")
        for sight in SIGHTS
    )


def contrast(one, other):
    return Color(one).contrast(other, method="wcag21")


def lightness(color):
    return Color(color).convert("lab")["lightness"]


def test_the_measures_know_what_they_measure():
    red, green = "#d7191c", "#1a7f00"  # of one lightness to a deuteranope
    apart = Color(red).delta_e(green, method="cam02")
    assert difference(red, green) < APART < apart
    assert contrast("white", "black") == pytest.approx(21)
    assert lightness("white") == pytest.approx(100)


def test_the_cycle_is_told_apart_by_colour_and_by_line():
    looks = [style.series(n) for n in range(len(style.NIGHT))]
    assert [to_hex(look["color"]) for look in looks] == list(style.NIGHT)
    assert looks[0] == style.series(len(looks))
    assert looks[-1] != style.series(len(looks))
    assert len({str(look["linestyle"]) for look in looks}) == len(looks)


@pytest.mark.parametrize("time", PAGES)
@pytest.mark.parametrize(
    "colors",
    [
        list(style.NIGHT),
        [look["color"] for look in plots.ARCHITECTURE_STYLES.values()],
        [plots.GATE_COLORS[gate] for gate in "ifogc"],
        [plots.GATE_COLORS[gate] for gate in "zrgc"],
    ],
    ids=["cycle", "architectures", "LSTM", "GRU"],
)
def test_colours_are_told_apart_by_every_eye(colors, time):
    for one, other in combinations([at(time, color) for color in colors], 2):
        assert difference(one, other) >= APART, (one, other)


@pytest.mark.parametrize("time", PAGES)
def test_architectures_are_told_apart_in_greyscale(time):
    for one, other in combinations(plots.ARCHITECTURE_STYLES.values(), 2):
        shades = [lightness(at(time, look["color"])) for look in (one, other)]
        same_line = one["linestyle"] == other["linestyle"]
        assert not same_line or abs(np.diff(shades)) >= LIGHTER


@pytest.mark.parametrize("time", PAGES)
@pytest.mark.parametrize("color", style.NIGHT)
def test_lines_have_contrast_with_the_page(color, time):
    assert contrast(at(time, color), PAGES[time]) >= LINE


@pytest.mark.parametrize("share", np.linspace(0, 1, 101))
def test_what_is_written_on_a_map_has_contrast_with_it(share):
    ax = plt.figure().subplots()
    one = (np.array([[x]]) for x in (share, 3))
    record = phase.Diagram("adding", ("RNN",), (10,), *one, 5)
    plots.phase_diagram(ax, record)
    (text,) = ax.texts
    field = to_hex(ax.images[0].cmap(share))
    assert contrast(to_hex(text.get_color()), field) >= TEXT
    assert plots.night(text.get_color()) == text.get_color()


# --- Every figure keeps to the palette ---

RNG = np.random.default_rng(0)
SIZES = {"D": 2, "H": 3, "T": 4, "seeds": (0, 1)}


def flow(arch):
    return gradflow.gradient_flow(arch, **SIZES)


def trace():
    return lstm.forward(lstm.init(2, 3, rng=RNG), RNG.normal(size=(5, 2)))


def histogram():
    return gradflow.gate_histogram(trace().gates, "ifo", packed=lstm.GATES)


def run(seed):
    recipe = {"T": 3, "H": 2, "steps": 2, "evaluate_every": 1}
    config = training.Config(task=tasks.adding, seed=seed, **recipe)
    return training.fit(rnn, config)


def gradient_map(ax):
    x = RNG.normal(size=(5, 2))
    record = gradflow.gradient_map(rnn, rnn.init(2, 3, rng=RNG), x)
    plots.gradient_map(ax, record)


def spectra(axes):
    starts = {str(n): start(rnn, gain=n) for n in range(1, 5)}
    record = gradflow.spectra(rnn, starts, lags=(1, 2), D=2, H=3)
    plots.spectra(axes, record)


def powers(ax):
    matrices = {str(n): np.diag([n, 1.0], 1) for n in range(3)}
    plots.powers(ax, gradflow.powers(matrices, 3))


def cell_paths(ax):
    starts = {str(f): start(lstm, f=f) for f in range(5)}
    plots.cell_paths(ax, gradflow.cell_paths(starts, **SIZES))


def truncation(ax):
    record = gradflow.truncation_bias(rnn, windows=(1, 4), **SIZES)
    plots.truncation(ax, [record])


def cliff(ax):
    landscape = gradflow.cliff(np.linspace(1, 2, 4), np.linspace(-1, 0, 3))
    descents = [
        gradflow.descend(1.9, -0.1, rate=0.02, steps=3, clip=clip)
        for clip in (0.01, None)
    ]
    plots.cliff(ax, landscape, descents)


def learning_curves(ax):
    runs = {name: [run(0), run(1)] for name in "ab"}
    plots.learning_curves(ax, runs, baseline=tasks.ADDING_BASELINE)


def phase_diagram(ax):
    share = np.array([[0.1, 0.9]])
    solved = np.array([[5, 0]])
    plots.phase_diagram(
        ax, phase.Diagram("adding", ("RNN",), (10, 20), share, solved, 5)
    )


def attention_map(ax):
    weights = RNG.dirichlet(np.ones(3), 2)
    plots.attention_map(ax, seq2seq.Translation("x", -0.1, weights), "a b")


def curves(ax):
    groups = {str(n): Curves(np.arange(3), RNG.random((4, 3))) for n in "abcd"}
    plots.curves(ax, groups, xlabel="x", ylabel="y")


def gate_histograms(axes):
    records = [histogram(), histogram()]
    plots.gate_histograms(axes, records, ("before", "after"))


FIGURES = {
    "attention_map": (attention_map, ()),
    "cell_paths": (cell_paths, ()),
    "cliff": (cliff, ()),
    "curves": (curves, ()),
    "depth_map": (
        lambda ax: plots.depth_map(
            ax, seq2seq.DepthMap(RNG.random((1, 2, 3)), False, (0,))
        ),
        (),
    ),
    "encoder_decoder": (plots.encoder_decoder, ()),
    "gate_activations": (
        lambda axes: plots.gate_activations(
            axes, gradflow.gate_activations(trace())
        ),
        (2, 2),
    ),
    "gate_histograms": (gate_histograms, (1, 3)),
    "gradient_flow": (
        lambda ax: plots.gradient_flow(ax, [flow(rnn), flow(lstm)]),
        (),
    ),
    "gradient_map": (gradient_map, ()),
    "gru_diagram": (plots.gru_diagram, ()),
    "learning_curves": (learning_curves, ()),
    "lstm_diagram": (plots.lstm_diagram, ()),
    "phase_diagram": (phase_diagram, ()),
    "powers": (powers, ()),
    "spectra": (spectra, (2, 2)),
    "truncation": (truncation, ()),
}


@pytest.fixture(params=FIGURES)
def figure(request):
    draw, shape = FIGURES[request.param]
    figure, axes = plt.subplots(*shape)
    draw(axes)
    return figure


def is_grey(color):
    return len({color[n : n + 2] for n in (1, 3, 5)}) == 1


def test_every_figure_is_drawn_here():
    functions = inspect.getmembers(plots, inspect.isfunction)
    figures = {
        name
        for name, function in functions
        if next(iter(inspect.signature(function).parameters)) in ("ax", "axes")
    }
    assert figures == set(FIGURES)


def test_a_figure_has_the_colours_of_the_palette(figure):
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True)
    used = set(re.findall(r"#[0-9a-f]{6}\b", buffer.getvalue()))
    others = {color for color in used if not is_grey(color)}
    assert others <= {*style.NIGHT, style.MAP_INK, style.MAP_PAPER}
    for image in figure.findobj(AxesImage):
        assert image.cmap.name in UNIFORM


@pytest.mark.parametrize("time", PAGES)
def test_text_has_contrast_with_the_page(figure, time):
    on_a_map = (style.MAP_INK, style.MAP_PAPER)
    for text in figure.findobj(Text):
        color = to_hex(text.get_color())
        if text.get_text() and color not in on_a_map:
            assert contrast(at(time, color), PAGES[time]) >= TEXT, text


def test_named_lines_differ_without_colour(figure):
    for ax in figure.axes:
        named = [line for line in ax.lines if line.get_label()[0] != "_"]
        looks = {
            (line.get_linestyle(), line.get_marker(), line.get_linewidth())
            for line in named
        }
        assert len(looks) == len(named)
