"""How many parameters a recurrent layer has, by formula, in three conventions.

A gate has H (D + H) weights, in any cell. The number of its bias vectors is a convention:

========= ============================= =====================================
book      one                           the formulas of chapter ch318
pytorch   two (input and hidden)        ``torch.nn.RNN``, ``LSTM``, ``GRU``
keras     one, in the GRU two           ``keras.layers``, ``reset_after=True``
========= ============================= =====================================
"""

from lstm_lab import checks
from lstm_lab.sequence import Cell

CONVENTIONS = ("book", "pytorch", "keras")


def layer(cell: Cell, D: int, H: int, *, convention: str = "book") -> int:
    r"""Return the number of parameters of one recurrent layer.

    .. math:: G\,[H\,(D + H) + n_b H] + n_v H

    for G gates (1, 3, 4 in ``rnn``, ``gru``, ``lstm``), :math:`n_b` bias vectors for each gate,
    and :math:`n_v` further vectors in the cell's parameters, such as those of peepholes.

    Parameters
    ----------
    cell : module
        ``rnn``, ``lstm``, ``gru``, ``coupled``, or a cell of your own.
    D, H : int
        Input and hidden size, at least 1.
    convention : {"book", "pytorch", "keras"}
        How biases are counted; in the book's, as in the arrays of ``cell.init(D, H)``.

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
    if convention not in CONVENTIONS:
        raise ValueError(f"convention must be one of {', '.join(CONVENTIONS)}, got {convention!r}")
    _, _, *vectors = cell.Params._fields
    always = [v for v in vectors if v not in cell.Params._field_defaults]
    # The reset gate of a GRU in Keras acts after the product, and has a bias there.
    has_two = convention == "keras" and "recurrent_bias" in vectors
    biases = 2 if has_two or convention == "pytorch" else 1
    per_gate = H * (D + H) + biases * H
    return len(cell.GATES) * per_gate + len(always) * H
