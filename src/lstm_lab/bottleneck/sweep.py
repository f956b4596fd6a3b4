"""The runs: one model on one kind of text from one seed, and the grid of them.

A change of this module makes the stored runs stale.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from string import ascii_lowercase
from typing import Any, NamedTuple

import numpy as np

from lstm_lab import dates, seq2seq, tokenizer, transductions
from lstm_lab.numerics import Array
from lstm_lab.seq2seq import Batch, Config, Network, Vocabularies
from lstm_lab.sweeps import Sweep

STORE = Path(str(files("lstm_lab") / "data" / "bottleneck.jsonl"))
SEEDS = range(10)
EARLY = 3
"""Updates whose losses another machine reproduces."""
PROBED = 10
"""Characters of the copied texts whose errors are reported by position."""

Texts = tuple[tuple[str, ...], tuple[str, ...]]


class Problem(NamedTuple):
    """A task: where its texts come from, and how many updates a run has unless it says otherwise.

    ``draw(rng, B, length)`` returns sources and targets: those of training where the length is
    None, otherwise held-out ones whose sources have so many characters. The number of
    ``evaluations`` is that within ``updates``; a longer run keeps the interval between them.
    """

    vocabularies: Vocabularies
    draw: Callable[[np.random.Generator, int, int | None], Texts]
    held_out: Callable[[np.random.Generator, int], Texts]
    lengths: tuple[int, ...]
    updates: int
    evaluations: int


def _copied(rng: np.random.Generator, B: int, length: int | None) -> Texts:
    return transductions.copy(B, length=length or (1, 20), rng=rng)


@cache
def _days() -> dates.Split:
    rng = np.random.default_rng(0)
    return dates.split(rng, validation=1000, test=10_000)


@cache
def _test_dates() -> dates.Pairs:
    return dates.pairs(_days().test, rng=np.random.default_rng(1))


def _dated(rng: np.random.Generator, B: int, length: int | None) -> Texts:
    if length is None:
        return dates.sample(_days().train, B, rng=rng)[:2]
    source, target = _test_dates()[:2]
    fitting = [n for n, text in enumerate(source) if len(text) == length]
    chosen = fitting[:B]
    return (
        tuple(source[n] for n in chosen),
        tuple(target[n] for n in chosen),
    )


@cache
def problems() -> Mapping[str, Problem]:
    """Return the problems by name: copied letters, and dates.

    Returns
    -------
    mapping of str to Problem
        Made once in a process.
    """
    letters = tokenizer.fit([ascii_lowercase])
    known = dates.pairs(_days().train[:20_000], rng=np.random.default_rng(2))
    return {
        "copy": Problem(
            Vocabularies(letters, letters),
            _copied,
            lambda rng, B: _copied(rng, B, None),
            tuple(range(2, 27, 2)),
            1500,
            5,
        ),
        "dates": Problem(
            seq2seq.fit_vocabularies(*known[:2]),
            _dated,
            lambda rng, B: dates.sample(_days().validation, B, rng=rng)[:2],
            tuple(range(10, 29, 3)),
            700,
            14,
        ),
    }


RECIPE = partial(Config, batch_size=64, learning_rate=2e-3, dtype="float32")
HELD_OUT = 400
"""Pairs on which a run is evaluated, and pairs at most for each length."""


def configure(
    *,
    problem: str,
    attention: str | None,
    hidden: int,
    teacher_forcing: float,
    updates: int | None,
    seed: int,
) -> Config:
    """Return what decides one run, except for its texts.

    Parameters
    ----------
    problem : str
        A key of `problems`.
    attention : str or None
        A key of ``seq2seq.KINDS``, or None.
    hidden : int
        Size of the states, and of the tokens' vectors at half of it.
    teacher_forcing : float
        As in ``seq2seq.Config``.
    updates : int or None
        Updates of the weights; None for the problem's number.
    seed : int
        Of weights and batches. A run with more updates begins as one with fewer.

    Returns
    -------
    Config
        Evaluated at the problem's interval.
    """
    known = problems()[problem]
    network = Network(
        sources=known.vocabularies.source.size,
        targets=known.vocabularies.target.size,
        embedding=hidden // 2,
        hidden=hidden,
        attention=attention,
    )
    return RECIPE(
        network=network,
        steps=known.updates if updates is None else updates,
        evaluate_every=known.updates // known.evaluations,
        teacher_forcing=teacher_forcing,
        seed=seed,
    )


def batch(problem: str, texts: Texts, order: str) -> Batch:
    """Return pairs of texts as tokens, the sources in the given order.

    Parameters
    ----------
    problem : str
        A key of `problems`.
    texts : pair of tuples of str
        Sources and targets.
    order : str
        ``"forwards"`` or ``"backwards"``.

    Returns
    -------
    Batch
        Their tokens.
    """
    sources, targets = texts
    if order == "backwards":
        sources = tuple(text[::-1] for text in sources)
    return problems()[problem].vocabularies.batch(sources, targets)


def padded(pairs: Batch, steps: int | None) -> Batch:
    """Return a batch whose padding counts as something to be predicted.

    Parameters
    ----------
    pairs : Batch
        The batch.
    steps : int or None
        Steps to which targets are padded, if the longest is not as long; None leaves the mask.

    Returns
    -------
    Batch
        All of its targets equally long, or the same batch.
    """
    if steps is None:
        return pairs
    longest, B = pairs.target.shape
    missing = max(0, steps - longest)
    target = np.pad(pairs.target, ((0, missing), (0, 0)))
    return pairs._replace(target=target, target_lengths=np.full(B, len(target)))


def experiment(
    *,
    problem: str,
    attention: str | None,
    hidden: int,
    order: str,
    teacher_forcing: float,
    padding: int | None,
    updates: int | None,
    seed: int,
) -> dict[str, Any]:
    """Train one model, and test it on texts of all lengths.

    Parameters
    ----------
    problem, attention, hidden, teacher_forcing, updates, seed
        As in `configure`.
    order : str
        As in `batch`.
    padding : int or None
        As in `padded`, for the batches of training.

    Returns
    -------
    dict
        ``first_losses``, of the first updates; ``losses`` and ``exact`` on held-out pairs, at
        each evaluation; ``reported``, the mean of the last fifty losses as training saw them;
        ``by_length``, the share of exact answers at each of the problem's lengths; ``forced``
        and ``free``, errors by position in texts of the length `PROBED`, when the decoder reads
        the true tokens and when it reads its own.
    """
    known = problems()[problem]
    config = configure(
        problem=problem,
        attention=attention,
        hidden=hidden,
        teacher_forcing=teacher_forcing,
        updates=updates,
        seed=seed,
    )
    fixed = np.random.default_rng(3)
    held_out = batch(problem, known.held_out(fixed, HELD_OUT), order)

    def draw(B: int, rng: np.random.Generator) -> Batch:
        return padded(batch(problem, known.draw(rng, B, None), order), padding)

    run = seq2seq.fit(config, draw, held_out)

    def asked(length: int) -> Batch:
        return batch(problem, known.draw(fixed, HELD_OUT, length), order)

    network, params = config.network, run.params
    forced, free = _errors(network, params, asked(PROBED))
    shares = []
    for length in known.lengths:
        pairs = asked(length)
        found = seq2seq.answer(network, params, pairs)
        shares.append(float(np.mean(seq2seq.exact_match(found, pairs))))
    return {
        "first_losses": run.losses[:EARLY],
        "losses": run.held_out,
        "exact": run.exact,
        "reported": float(run.losses[-50:].mean()),
        "by_length": shares,
        "forced": forced,
        "free": free,
    }


def _errors(network: Network, params: Any, pairs: Batch) -> tuple[Array, Array]:
    logits, _ = seq2seq.logits(network, params, pairs)
    found = seq2seq.answer(network, params, pairs)
    return (
        seq2seq.errors_by_position(logits.argmax(axis=-1), pairs),
        seq2seq.errors_by_position(found.tokens, pairs),
    )


def probe(
    *,
    problem: str,
    attention: str | None,
    hidden: int,
    order: str,
    teacher_forcing: float,
    padding: int | None,
    updates: int | None,
    seed: int,
) -> dict[str, Any]:
    """Do the first updates only.

    Parameters
    ----------
    problem, attention, hidden, order, teacher_forcing, padding, updates, seed
        As in `experiment`.

    Returns
    -------
    dict
        The ``first_losses`` of `experiment`.
    """
    known = problems()[problem]
    config = configure(
        problem=problem,
        attention=attention,
        hidden=hidden,
        teacher_forcing=teacher_forcing,
        updates=updates,
        seed=seed,
    )
    short = replace(config, steps=EARLY, evaluate_every=EARLY)

    def draw(B: int, rng: np.random.Generator) -> Batch:
        return padded(batch(problem, known.draw(rng, B, None), order), padding)

    one = batch(problem, known.held_out(np.random.default_rng(3), 1), order)
    return {"first_losses": seq2seq.fit(short, draw, one).losses}


USUAL: Mapping[str, Any] = {
    "problem": "copy",
    "attention": None,
    "hidden": 64,
    "order": "forwards",
    "teacher_forcing": 1.0,
    "padding": None,
    "updates": None,
}
"""What a configuration is, where the grid does not say otherwise."""
WIDTHS = (32, 64, 128)
RATIOS = (0.5, 0.0)
PADDINGS = (1, 84)
"""1 is the padding that a batch has anyway, up to its longest target."""
LONGER: Mapping[int, int] = {32: 6000, 64: 4500}
"""Updates of the longer runs, by width: four times and three times the problem's number."""
GRID: tuple[Mapping[str, Any], ...] = (
    *({"hidden": width} for width in WIDTHS),
    *({"hidden": width, "attention": "dot"} for width in WIDTHS),
    *({"hidden": width, "order": "backwards"} for width in WIDTHS),
    *({"teacher_forcing": ratio} for ratio in RATIOS),
    *({"padding": steps} for steps in PADDINGS),
    *({"hidden": width, "updates": n} for width, n in LONGER.items()),
    {"teacher_forcing": 0.5, "updates": LONGER[64]},
    {"attention": "dot", "order": "backwards"},
    *(
        {"problem": "dates", "hidden": 128, "attention": kind}
        for kind in (None, *seq2seq.KINDS)
    ),
)

SWEEP = Sweep(
    name="lstm_lab.bottleneck.sweep:SWEEP",
    experiment=experiment,
    configurations=[{**USUAL, **changed} for changed in GRID],
    seeds=SEEDS,
    # Rounding of float32, over some hundred steps.
    signature={"first_losses": 1e-3},
    probe=probe,
)
