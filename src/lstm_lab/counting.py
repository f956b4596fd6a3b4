"""How many parameters a recurrent model has, by formula, in three conventions.

A gate has H (D + H) weights, in any cell. How many bias vectors it has is a matter of
convention:

========= ============================= =====================================
book      one                           the formulas of chapter ch318
pytorch   two (input and hidden)        ``torch.nn.RNN``, ``LSTM``, ``GRU``
keras     one, in the GRU two           ``keras.layers``, ``reset_after=True``
========= ============================= =====================================
"""

from typing import Literal, NamedTuple

from lstm_lab import checks
from lstm_lab.sequence import Cell

Convention = Literal["book", "pytorch", "keras"]
CONVENTIONS: tuple[Convention, ...] = ("book", "pytorch", "keras")


class Count(NamedTuple):
    """Numbers of parameters: of the embedding, of each recurrent layer, of the output layer."""

    embedding: int
    layers: tuple[int, ...]
    output: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.embedding + sum(self.layers) + self.output


def layer(
    cell: Cell, D: int, H: int, *, convention: Convention = "book"
) -> int:
    r"""Return the number of parameters of one recurrent layer.

    .. math:: G\,[H\,(D + H) + n_b H] + n_v H

    for G gates (1, 3, 4 in ``rnn``, ``gru``, ``lstm``; as many as ``cell.GATES`` names),
    :math:`n_b` bias vectors for each gate, and :math:`n_v` further vectors in the cell's
    parameters, such as those of peepholes.

    Parameters
    ----------
    cell : module
        ``rnn``, ``lstm``, ``gru``, ``coupled``, or a cell of your own.
    D, H : int
        Input and hidden size, at least 1.
    convention : {"book", "pytorch", "keras"}
        How biases are counted.

    Returns
    -------
    int
        The number. In the book's convention, it is that of the arrays of ``cell.init(D, H)``.

    Raises
    ------
    TypeError, ValueError
        If `cell` is not a cell, a size is not a positive integer, or there is no such convention.

    References
    ----------
    Chapter ch318, equation ``eq-count``.
    """
    checks.cell("cell", cell)
    D, H = checks.positive_int("D", D), checks.positive_int("H", H)
    _, _, *vectors = cell.Params._fields
    always = [v for v in vectors if v not in cell.Params._field_defaults]
    biases = {"book": 1, "pytorch": 2, "keras": 1}
    if "recurrent_bias" in vectors:
        biases["keras"] = 2  # its reset gate acts after the product
    if convention not in biases:
        raise ValueError(
            f"convention must be one of {', '.join(biases)}, got {convention!r}"
        )
    per_gate = H * (D + H) + biases[convention] * H
    return len(cell.GATES) * per_gate + len(always) * H


def model(
    cell: Cell,
    D: int,
    H: int,
    *,
    layers: int = 1,
    embedding: int | None = None,
    output: int | None = None,
    convention: Convention = "book",
) -> Count:
    """Return the numbers of parameters of a stack, with the layers below and above it.

    Parameters
    ----------
    cell, D, H, convention
        As in `layer`; D is the input size of the first layer.
    layers : int
        How many layers; each but the first reads the states of the one below, of size H.
    embedding : int, optional
        Size of the vocabulary that an embedding maps to vectors of size D.
    output : int, optional
        Size of the output of a linear layer with biases, which reads the last layer's states.

    Returns
    -------
    Count
        The numbers, and their total.

    Raises
    ------
    TypeError, ValueError
        As in `layer`.
    """
    depth = checks.positive_int("layers", layers)
    sizes = [D] + [H] * (depth - 1)
    counts = (layer(cell, size, H, convention=convention) for size in sizes)
    below = above = 0
    if embedding is not None:
        below = checks.positive_int("embedding", embedding) * D
    if output is not None:
        above = checks.positive_int("output", output) * (H + 1)
    return Count(below, tuple(counts), above)
