"""The vector between encoder and decoder: models by width, attention, order and training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from string import ascii_lowercase
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab import dates, seq2seq, tokenizer, transductions
from lstm_lab.experiments.store import DATA, Row, column
from lstm_lab.experiments.trained import EARLY
from lstm_lab.numerics import Array
from lstm_lab.seq2seq import Network, Pairs, PairsConfig, Vocabularies

Texts = tuple[Sequence[str], Sequence[str]]
Draw = Callable[[int, np.random.Generator], Pairs]
PROBED = 10
"""Characters of the copied texts whose errors are reported by position."""
HELD_OUT = 400
"""Pairs on which a run is evaluated, and pairs at most for each length."""
USUAL: Mapping[str, Any] = {
    "problem": "copy",
    "attention": None,
    "hidden": 64,
    "order": "forwards",
    "teacher_forcing": 1.0,
    "padding": None,
    "updates": None,
}
"""A configuration, unless the grid says otherwise."""
WIDTHS = (32, 64, 128)
PADDINGS = (1, 84)
"""1 is the padding that a batch has anyway, up to its longest target."""
LONGER: Mapping[int, int] = {32: 6000, 64: 4500}
"""Updates of the longer runs, by width: four times and three times the problem's number."""
_CHANGES: tuple[Mapping[str, Any], ...] = (
    *({"hidden": width} for width in WIDTHS),
    *({"hidden": width, "attention": "dot"} for width in WIDTHS),
    *({"hidden": width, "order": "backwards"} for width in WIDTHS),
    *({"teacher_forcing": ratio} for ratio in (0.5, 0.0)),
    *({"padding": steps} for steps in PADDINGS),
    *({"hidden": width, "updates": n} for width, n in LONGER.items()),
    {"teacher_forcing": 0.5, "updates": LONGER[64]},
    {"attention": "dot", "order": "backwards"},
    *({"problem": "dates", "hidden": 128, "attention": kind} for kind in (None, *seq2seq.KINDS)),
)
CONFIGURATIONS = [{**USUAL, **changed} for changed in _CHANGES]
SEEDS = range(10)
STORE = DATA / "bottleneck.jsonl"


class Problem(NamedTuple):
    """A task: where its texts come from, and how long a run is unless it says otherwise.

    ``draw(rng, B, length)`` returns texts of training if the length is None, otherwise held-out
    ones. A longer run keeps the interval between the ``evaluations``.
    """

    vocabularies: Vocabularies
    draw: Callable[[np.random.Generator, int, int | None], Texts]
    held_out: Callable[[np.random.Generator, int], Texts]
    lengths: Sequence[int]
    updates: int
    evaluations: int


@cache
def problems() -> Mapping[str, Problem]:
    """Return the problems by name: copied letters, and dates."""
    letters = tokenizer.fit([ascii_lowercase])
    days = dates.split(np.random.default_rng(0), validation=1000, test=10_000)
    asked = dates.pairs(days.test, rng=np.random.default_rng(1))
    known = dates.pairs(days.train[:20_000], rng=np.random.default_rng(2))

    def copied(rng: np.random.Generator, B: int, length: int | None = None) -> Texts:
        return transductions.copy(B, length=length or (1, 20), rng=rng)

    def dated(rng: np.random.Generator, B: int, length: int | None) -> Texts:
        if length is None:
            return dates.sample(days.train, B, rng=rng)[:2]
        pairs = zip(asked.source, asked.target, strict=True)
        chosen = [pair for pair in pairs if len(pair[0]) == length]
        sources, targets = zip(*chosen[:B], strict=True)
        return sources, targets

    return {
        "copy": Problem(
            Vocabularies(letters, letters),
            copied,
            copied,
            range(2, 27, 2),
            updates=1500,
            evaluations=5,
        ),
        "dates": Problem(
            seq2seq.fit_vocabularies(*known[:2]),
            dated,
            lambda rng, B: dates.sample(days.validation, B, rng=rng)[:2],
            range(10, 29, 3),
            updates=700,
            evaluations=14,
        ),
    }


def configure(
    *, problem: str, attention: str | None, hidden: int, updates: int | None, **options: Any
) -> PairsConfig:
    """Return the configuration of one run, except for its texts.

    Parameters
    ----------
    problem, attention : str, str or None
        A key of `problems`, and one of ``seq2seq.KINDS``.
    hidden : int
        Size of the states; the tokens' vectors have half of it.
    updates : int or None
        None for the problem's number. A longer run begins as a shorter one.
    **options
        ``teacher_forcing`` and ``seed``.
    """
    known = problems()[problem]
    network = Network(
        sources=known.vocabularies.source.size,
        targets=known.vocabularies.target.size,
        embedding=hidden // 2,
        hidden=hidden,
        attention=attention,
    )
    return PairsConfig(
        network=network,
        steps=updates or known.updates,
        evaluate_every=known.updates // known.evaluations,
        **options,
    )


def probe(**configuration: Any) -> dict[str, Any]:
    """Return the ``first_losses`` of a run."""
    config, draw, tokens, problem = _prepare(**configuration)
    short = replace(config, steps=EARLY, evaluate_every=EARLY)
    one = tokens(problem.held_out(np.random.default_rng(3), 1))
    return {"first_losses": seq2seq.fit(short, draw, one).losses}


def experiment(**configuration: Any) -> dict[str, Any]:
    """Train one model, and test it on texts of all lengths.

    Parameters
    ----------
    **configuration
        As in `USUAL`, and a ``seed``.

    Returns
    -------
    dict
        ``losses`` and ``exact`` on held-out pairs, at each evaluation; ``reported``, the mean of
        the last fifty losses in training; ``by_length``, the share of exact answers at each of the
        problem's lengths; ``forced`` and ``free``, errors by position in texts of the length
        `PROBED`, when the decoder reads the true tokens and when it reads its own.
    """
    config, draw, tokens, problem = _prepare(**configuration)
    rng = np.random.default_rng(3)
    held_out = tokens(problem.held_out(rng, HELD_OUT))
    run = seq2seq.fit(config, draw, held_out).complete()
    answer = partial(seq2seq.answer, config.network, run.final)
    lengths = (PROBED, *problem.lengths)
    probed, *asked = (tokens(problem.draw(rng, HELD_OUT, length)) for length in lengths)
    logits, _ = seq2seq.logits(config.network, run.final, probed)
    exact = [seq2seq.exact_match(answer(pairs), pairs) for pairs in asked]
    return {
        "losses": run.held_out,
        "exact": [found.exact for found in run.evaluations],
        "reported": run.losses[-50:].mean(),
        "by_length": [right.mean() for right in exact],
        "forced": seq2seq.errors_by_position(logits.argmax(axis=-1), probed),
        "free": seq2seq.errors_by_position(answer(probed).tokens, probed),
    }


def _prepare(
    *, problem: str, order: str, padding: int | None, **options: Any
) -> tuple[PairsConfig, Draw, Callable[[Texts], Pairs], Problem]:
    """Return what a run needs: what draws its batches, and makes tokens of other texts."""
    known, tokens = problems()[problem], partial(batch, problem, order)

    def draw(B: int, rng: np.random.Generator) -> Pairs:
        return padded(tokens(known.draw(rng, B, None)), padding)

    return configure(problem=problem, **options), draw, tokens, known


def batch(problem: str, order: str, texts: Texts) -> Pairs:
    """Return pairs of texts as tokens, with the sources in the given order."""
    sources, targets = texts
    if order == "backwards":
        sources = [text[::-1] for text in sources]
    return problems()[problem].vocabularies.batch(sources, targets)


def padded(pairs: Pairs, steps: int | None) -> Pairs:
    """Return a batch with targets of at least so many steps that all count; None leaves it."""
    if steps is None:
        return pairs
    longest, B = pairs.target.shape
    missing = max(0, steps - longest)
    target = np.pad(pairs.target, ((0, missing), (0, 0)))
    return pairs._replace(target=target, target_lengths=np.full(B, len(target)))


class Curves(NamedTuple):
    """A curve for each run: ``values`` (runs, points) at ``points`` (points,)."""

    points: NDArray[Any]
    values: Array

    @property
    def median(self) -> Array:
        """The median of the runs (points,)."""
        median: Array = np.median(self.values, axis=0)
        return median

    @property
    def confidence(self) -> float:
        r"""Probability :math:`1 - 2^{1-n}` that the band of n runs holds the median of all runs."""
        return 1 - 2.0 ** (1 - len(self.values))


def curves(
    rows: Sequence[Row],
    field: str,
    points: Sequence[float] | NDArray[Any] | None = None,
    **changed: Any,
) -> Curves:
    """Return a result of one configuration, a curve for each seed.

    Parameters
    ----------
    rows, field
        As for ``experiments.column``, which raises the errors, too.
    points : sequence of float, optional
        The values' places on the axis; 1, 2, ... if it is None.
    **changed
        Where the configuration differs from `USUAL`.
    """
    values = column(rows, field, **{**USUAL, **changed})
    values = values.reshape(len(values), -1)
    if points is None:
        points = np.arange(1, values.shape[1] + 1)
    if len(points) != values.shape[1]:
        raise ValueError(f"points must be of length {values.shape[1]}, got {len(points)}")
    return Curves(np.asarray(points), values)
