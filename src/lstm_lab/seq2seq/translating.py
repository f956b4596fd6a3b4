"""From text to text: a trained model with its characters, which can be saved to a file."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lstm_lab import cells, checks, records, saving, sequence, tokenizer
from lstm_lab.numerics import Array
from lstm_lab.saving import LoadError
from lstm_lab.seq2seq.decoding import greedy
from lstm_lab.seq2seq.model import Network, Pairs, Params, init, logits
from lstm_lab.sequence import Cell
from lstm_lab.tokenizer import Tokenizer


class Vocabularies(NamedTuple):
    """The characters of sources and of targets."""

    source: Tokenizer
    target: Tokenizer

    def batch(self, sources: Sequence[str], targets: Sequence[str]) -> Pairs:
        """Return sequences of B texts as pairs of tokens; each target gets its end.

        A ValueError is raised for an unknown character, an empty source, or unequal numbers.
        """
        sources = checks.texts("sources", sources)
        targets = checks.texts("targets", targets)
        if len(sources) != len(targets):
            raise ValueError(
                f"sources and targets must be as many, got {len(sources)} and {len(targets)}"
            )
        return Pairs(*self.source.batch(sources), *self.target.batch(targets, end=True))


def fit_vocabularies(sources: Sequence[str], targets: Sequence[str]) -> Vocabularies:
    """Return the vocabularies with all characters of some pairs of texts."""
    return Vocabularies(
        tokenizer.fit(checks.texts("sources", sources)),
        tokenizer.fit(checks.texts("targets", targets)),
    )


@records.short
class Translation(NamedTuple):
    """A model's answer to a text.

    ``log_probability`` is that of the answer, in nats. ``weights`` (S, T) are those of the
    attention at each step of the answer, including its end; None without attention.
    """

    text: str
    log_probability: float
    weights: Array | None


class Translator(NamedTuple):
    """A model, and the characters that it knows."""

    network: Network
    vocabularies: Vocabularies
    params: Params

    def translate(self, texts: Sequence[str], *, longest: int = 100) -> list[Translation]:
        """Answer texts greedily, each in at most `longest` characters.

        Unknown characters are read as ``UNK``.
        """
        network, known, params = self
        source, lengths = known.source.batch(texts, unknown=True)
        found = greedy(network, params, source, lengths, longest=longest)
        pairs = Pairs(source, lengths, found.tokens, found.lengths)
        _, weights = logits(network, params, pairs)
        return [
            Translation(
                known.target.decode(found.tokens[:, b]),
                float(found.log_probability[b]),
                None if weights is None else weights[b, :S, :T],
            )
            for b, (S, T) in enumerate(zip(found.lengths, lengths, strict=True))
        ]

    def save(self, file: saving.File) -> None:
        """Save the model and its characters in a file, which `load` reads."""
        network = vars(self.network).copy()
        network["cell"] = sequence.name_of(self.network.cell)
        del network["sources"], network["targets"]  # the vocabularies' sizes
        saving.save(
            file,
            self.params,
            network=network,
            source="".join(self.vocabularies.source.characters),
            target="".join(self.vocabularies.target.characters),
            dtype=self.params.b_out.dtype.name,
        )


def load(file: saving.File, *, cell: Cell | None = None) -> Translator:
    """Load a model that `Translator.save` saved, with the same bits.

    Its cell must be passed if it is one of your own. A LoadError is raised if the file is damaged,
    or contains something else.
    """
    about = saving.metadata(file)
    try:
        source, target = (Tokenizer(tuple(about[name])) for name in ("source", "target"))
        options = about["network"]
        found = cell or getattr(cells, options["cell"], None)
        if found is None or sequence.name_of(found) != options["cell"]:
            raise ValueError(f"its cell must be passed, {options['cell']!r}")
        network = Network(**{**options, "cell": found}, sources=source.size, targets=target.size)
        rng = np.random.default_rng(0)  # only shapes and dtypes are read
        like = init(network, rng=rng, dtype=about["dtype"])
    except (LookupError, TypeError, ValueError) as error:
        raise LoadError(f"{file} is not of a model: {error}") from error
    return Translator(network, Vocabularies(source, target), saving.load(file, like))
