"""From text to text: a trained model with its characters, which a file can hold."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lstm_lab import checks, saving, tokenizer
from lstm_lab.numerics import Array
from lstm_lab.saving import LoadError
from lstm_lab.seq2seq.decoding import greedy
from lstm_lab.seq2seq.model import Batch, Network, Params, count, init
from lstm_lab.tokenizer import Tokenizer


class Vocabularies(NamedTuple):
    """The characters of sources and of targets."""

    source: Tokenizer
    target: Tokenizer

    def batch(self, sources: Sequence[str], targets: Sequence[str]) -> Batch:
        """Return pairs of texts as a model is trained on them; each target gets its end.

        Parameters
        ----------
        sources, targets : sequences of B str
            The pairs.

        Returns
        -------
        Batch
            Their tokens and lengths.

        Raises
        ------
        TypeError
            If one of both is a str, or holds something else than str.
        ValueError
            If a character is not known, a source is empty, or there are not as many of both.
        """
        sources = checks.texts("sources", sources)
        targets = checks.texts("targets", targets)
        if len(sources) != len(targets):
            raise ValueError(
                "sources and targets must be as many, got"
                f" {len(sources)} and {len(targets)}"
            )
        return Batch(
            *self.source.batch(sources), *self.target.batch(targets, end=True)
        )


def fit_vocabularies(
    sources: Sequence[str], targets: Sequence[str]
) -> Vocabularies:
    """Return the vocabularies that know all characters of some pairs of texts."""
    return Vocabularies(
        tokenizer.fit(checks.texts("sources", sources)),
        tokenizer.fit(checks.texts("targets", targets)),
    )


class Translation(NamedTuple):
    """What a model made of a text.

    ``text`` is its answer, ``log_probability`` what it holds of it, in nats. ``weights`` (S, T)
    say where it looked at each of its steps, the end included; None without attention.
    """

    text: str
    log_probability: float
    weights: Array | None


class Translator(NamedTuple):
    """A model, and the characters that it knows."""

    network: Network
    vocabularies: Vocabularies
    params: Params

    def translate(
        self, texts: Sequence[str], *, longest: int = 100
    ) -> list[Translation]:
        """Answer some texts, greedily.

        Parameters
        ----------
        texts : sequence of str
            The sources. Characters that are not known are read as ``UNK``.
        longest : int
            Characters of an answer at most.

        Returns
        -------
        list of Translation
            One for each text.

        Raises
        ------
        TypeError
            If `texts` is a str, or holds something else than str.
        ValueError
            If there is no text, or one is empty.
        """
        texts = checks.texts("texts", texts)
        source, lengths = self.vocabularies.source.batch(texts, unknown=True)
        found = greedy(
            self.network, self.params, source, lengths, longest=longest
        )
        return [
            Translation(
                self.vocabularies.target.decode(found.tokens[:, b]),
                float(found.log_probability[b]),
                None
                if found.weights is None
                else found.weights[b, : found.lengths[b], : lengths[b]],
            )
            for b in range(len(texts))
        ]

    def save(self, file: saving.File) -> None:
        """Write the model and its characters to a file, in the place of what is there.

        Parameters
        ----------
        file : path-like
            Where to; the folder must exist.

        Raises
        ------
        OSError
            If the file cannot be written; the previous one stays.
        """
        saving.save(
            file,
            self.params,
            network=asdict(self.network),
            source="".join(self.vocabularies.source.characters),
            target="".join(self.vocabularies.target.characters),
            dtype=self.params.b_out.dtype.name,
        )


def load(file: saving.File) -> Translator:
    """Return the model of a file, with the same bits that were saved.

    Parameters
    ----------
    file : path-like
        What `Translator.save` wrote.

    Returns
    -------
    Translator
        The model and its characters.

    Raises
    ------
    LoadError
        If the file is damaged, or holds something else.
    OSError
        If the file cannot be read.
    """
    about = saving.metadata(file)
    try:
        network = _network(about["network"])
        vocabularies = Vocabularies(
            *(_tokenizer(name, about[name]) for name in ("source", "target"))
        )
        dtype = checks.float_dtype("dtype", about["dtype"])
        # Before any memory is taken for them.
        needed, has = count(network) * dtype.itemsize, Path(file).stat().st_size
        if needed > has:
            raise ValueError(
                f"its weights would take {needed} bytes, it has {has}"
            )
        like = init(network, rng=np.random.default_rng(0), dtype=dtype)
    except (LookupError, TypeError, ValueError) as error:
        raise LoadError(f"{file} is of no model: {error}") from error
    sizes = tuple(known.size for known in vocabularies)
    if sizes != (network.sources, network.targets):
        raise LoadError(
            f"{file} is of no model: its vocabularies have {sizes} tokens, its"
            f" network {(network.sources, network.targets)}"
        )
    return Translator(network, vocabularies, saving.load(file, like))


def _network(values: dict[str, Any]) -> Network:
    names = {field.name for field in fields(Network)}
    if set(values) != names:
        raise ValueError(f"a network has {sorted(names)}, got {sorted(values)}")
    return Network(**values)


def _tokenizer(name: str, characters: Any) -> Tokenizer:
    if not isinstance(characters, str):
        raise TypeError(
            f"{name} must be the characters, got {type(characters).__name__}"
        )
    if len(set(characters)) != len(characters):
        raise ValueError(f"{name} has a character twice")
    return Tokenizer(tuple(characters))
