"""Characters as numbers, and back.

Four tokens stand for no character: `PAD` fills the places after the end of a sequence, `BOS`
precedes its beginning, `EOS` ends it, and `UNK` stands for an unknown character.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lstm_lab import checks

Tokens = NDArray[np.int_]

PAD, BOS, EOS, UNK = range(4)
SPECIAL = 4
"""The number of tokens that stand for no character."""
UNKNOWN = "\ufffd"
"""The character that `decode` writes for `UNK`: Unicode's replacement character."""


class Tokenizer(NamedTuple):
    """The known characters, in the order of their tokens, which begin at `SPECIAL`."""

    characters: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of tokens, including those that stand for no character."""
        return SPECIAL + len(self.characters)

    def encode(self, text: str, *, unknown: bool = False) -> Tokens:
        """Return the tokens (L,) of a text, one for each character (Unicode code point).

        Unknown characters become `UNK` if `unknown`; otherwise a ValueError names the first.
        """
        text = checks.text("text", text)
        unknown = checks.flag("unknown", unknown)
        tokens = {c: n for n, c in enumerate(self.characters, SPECIAL)}
        encoded = np.array([tokens.get(c, UNK) for c in text], int)
        if not unknown and UNK in encoded:
            n = int((encoded == UNK).argmax())
            raise ValueError(
                f"the character {text[n]!r} (U+{ord(text[n]):04X}) at index {n} of"
                f" {text!r} is not known; unknown=True makes it UNK"
            )
        return encoded

    def decode(self, tokens: Sequence[int] | NDArray[np.integer[Any]]) -> str:
        """Return the text of a sequence of tokens.

        It ends at the first `EOS`. `PAD` and `BOS` are left out, and `UNK` becomes `UNKNOWN`.
        """
        text, characters = "", ["", "", "", UNKNOWN, *self.characters]
        for n, value in enumerate(checks.items("tokens", tokens, "tokens")):
            token = checks.integer(f"tokens[{n}]", value)
            if not 0 <= token < self.size:
                raise ValueError(f"tokens must lie between 0 and {self.size - 1}, got {token}")
            if token == EOS:
                break
            text += characters[token]
        return text

    def batch(
        self, texts: Sequence[str], *, end: bool = False, unknown: bool = False
    ) -> tuple[Tokens, Tokens]:
        """Return the tokens of some texts side by side, with padding after each.

        Parameters
        ----------
        texts : sequence of B str
            At least one text, each of at least one token.
        end : bool
            Whether each gets an `EOS`, which its length counts.
        unknown : bool
            Whether unknown characters become `UNK`, as in `encode`.

        Returns
        -------
        tokens : ndarray of int of shape (T, B)
            The longest text has T tokens.
        lengths : ndarray of int of shape (B,)
            The number of tokens of each.
        """
        texts = checks.texts("texts", texts)
        ends = [EOS] * checks.flag("end", end)
        encoded = [[*self.encode(t, unknown=unknown), *ends] for t in texts]
        if not encoded or [] in encoded:
            raise ValueError(
                f"texts must be at least one, each of at least one character, got {list(texts)!r}"
            )
        tokens = np.array([*zip_longest(*encoded, fillvalue=PAD)])
        return tokens, np.array([len(one) for one in encoded])


def fit(texts: Sequence[str]) -> Tokenizer:
    """Return the tokenizer of all characters of some texts, in the order of their code points."""
    characters = {c for text in checks.texts("texts", texts) for c in text}
    return Tokenizer(tuple(sorted(characters)))
