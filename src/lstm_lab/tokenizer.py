"""Characters as numbers, and back.

Four numbers stand for no character: `PAD` fills the places behind the end of a sequence, `BOS`
stands before its beginning, `EOS` ends it, and `UNK` stands for a character that is not known.
"""

from collections.abc import Iterable, Sequence, Set
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks

Tokens = NDArray[np.int_]

PAD, BOS, EOS, UNK = range(4)
SPECIAL = 4
"""How many tokens stand for no character."""
UNKNOWN = "\ufffd"
"""What `decode` writes for `UNK`: Unicode's replacement character."""


class Tokenizer(NamedTuple):
    """The characters that are known, in the order of their tokens, which begin at `SPECIAL`."""

    characters: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of tokens, those included that stand for no character."""
        return SPECIAL + len(self.characters)

    def encode(self, text: str, *, unknown: bool = False) -> Tokens:
        """Return the tokens of a text.

        Parameters
        ----------
        text : str
            Any text of known characters.
        unknown : bool
            Whether other characters become `UNK`; otherwise they are an error.

        Returns
        -------
        ndarray of int of shape (L,)
            One token for each character (Unicode code point).

        Raises
        ------
        TypeError
            If it is not a str.
        ValueError
            If a character is not known; the message names it and its place.
        """
        text = checks.text("text", text)
        unknown = checks.flag("unknown", unknown)
        tokens = {c: n for n, c in enumerate(self.characters, SPECIAL)}
        encoded = np.array([tokens.get(c, UNK) for c in text], int)
        if not unknown and (encoded == UNK).any():
            at = int((encoded == UNK).argmax())
            raise ValueError(
                f"the character {text[at]!r} (U+{ord(text[at]):04X}) at index {at} of"
                f" {text!r} is not known; unknown=True makes it UNK"
            )
        return encoded

    def decode(self, tokens: Sequence[int] | NDArray[np.integer[Any]]) -> str:
        """Return the text of a sequence of tokens, up to its end.

        Parameters
        ----------
        tokens : sequence of int
            Tokens. What follows an `EOS` is not read; `PAD` and `BOS` are left out.

        Returns
        -------
        str
            The characters, with `UNKNOWN` for `UNK`.

        Raises
        ------
        TypeError
            If they are not integers.
        ValueError
            If a number is not a token.
        """
        text = []
        for token in _integers(tokens):
            if not 0 <= token < self.size:
                raise ValueError(
                    f"tokens must lie between 0 and {self.size - 1}, got {token}"
                )
            if token == EOS:
                break
            if token == UNK:
                text.append(UNKNOWN)
            elif token >= SPECIAL:
                text.append(self.characters[token - SPECIAL])
        return "".join(text)

    def batch(
        self,
        texts: Sequence[str],
        *,
        end: bool = False,
        unknown: bool = False,
    ) -> tuple[Tokens, Tokens]:
        """Return the tokens of some texts side by side, with padding behind each.

        Parameters
        ----------
        texts : sequence of B str
            Texts of known characters.
        end : bool
            Whether each gets an `EOS`, which its length counts.
        unknown : bool
            Whether unknown characters become `UNK`.

        Returns
        -------
        tokens : ndarray of int of shape (T, B)
            The longest text has T tokens.
        lengths : ndarray of int of shape (B,)
            Tokens of each.

        Raises
        ------
        TypeError
            If `texts` is a str, or holds something else than str.
        ValueError
            If there is no text, a text has no token, or a character is not known.
        """
        texts = checks.texts("texts", texts)
        end, unknown = checks.flag("end", end), checks.flag("unknown", unknown)
        encoded = [self.encode(text, unknown=unknown) for text in texts]
        lengths = np.array([len(one) + end for one in encoded], int)
        if not lengths.size or not lengths.all():
            raise ValueError(
                "texts must be at least one, each of at least one character,"
                f" got {list(texts)!r}"
            )
        tokens = np.full((lengths.max(), len(texts)), PAD)
        for b, one in enumerate(encoded):
            tokens[: len(one), b] = one
        if end:
            tokens[lengths - 1, np.arange(len(texts))] = EOS
        return tokens, lengths


def fit(texts: Iterable[str]) -> Tokenizer:
    """Return the tokenizer that knows the characters of some texts.

    Parameters
    ----------
    texts : iterable of str
        Their order does not matter, nor how often a character is there.

    Returns
    -------
    Tokenizer
        Characters in the order of their code points.

    Raises
    ------
    TypeError
        If `texts` is a str, or holds something else than str.
    """
    if isinstance(texts, Set):
        texts = sorted(texts)
    known = checks.texts("texts", texts)
    return Tokenizer(tuple(sorted(set().union(*known))))


def _integers(tokens: Any) -> list[int]:
    # Of an empty list NumPy makes floats.
    is_list = isinstance(tokens, list | tuple) or np.ndim(tokens) == 1
    if is_list and not len(tokens):
        return []
    found: list[int] = checks.integers("tokens", tokens, "L").tolist()
    return found
