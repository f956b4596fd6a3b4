"""How many parameters a recurrent model has, by formula, in three conventions.

A gate has H (D + H) weights, in any architecture. How many bias vectors it has is a matter of
convention:

========= ============================= =====================================
book      one                           the formulas of chapter ch318
pytorch   two (input and hidden)        ``torch.nn.RNN``, ``LSTM``, ``GRU``
keras     one, in the GRU two           ``keras.layers``, ``reset_after=True``
========= ============================= =====================================
"""

from typing import Literal, NamedTuple

from lstm_lab import checks
from lstm_lab.architecture import Architecture

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


def bias_vectors(arch: Architecture, convention: Convention = "book") -> int:
    """Return how many bias vectors a gate has.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    convention : {"book", "pytorch", "keras"}
        Whose layer it is.

    Returns
    -------
    int
        One or two.

    Raises
    ------
    ValueError
        If the convention is another one, or `arch` is not an architecture.
    """
    gates = getattr(arch, "GATES", None)
    if gates is None:
        raise ValueError(
            "arch must be a module such as rnn, lstm, gru or coupled, with its"
            f" GATES, got {arch!r}"
        )
    match convention:
        case "book":
            return 1
        case "pytorch":
            return 2
        case "keras":
            # A reset gate acts behind the product there, which has biases of its own.
            return 2 if "r" in gates else 1
    raise ValueError(
        f"convention must be one of {', '.join(CONVENTIONS)}, got {convention!r}"
    )


def layer(
    arch: Architecture, D: int, H: int, *, convention: Convention = "book"
) -> int:
    r"""Return the number of parameters of one recurrent layer.

    .. math:: G\,[H\,(D + H) + n_b H]

    for G gates (1, 3, 4 in ``rnn``, ``gru``, ``lstm``; as many as ``arch.GATES`` names) and
    :math:`n_b` bias vectors a gate.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    D, H : int
        Input and hidden size, at least 1.
    convention : {"book", "pytorch", "keras"}
        Whose layer it is.

    Returns
    -------
    int
        The number.

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer, or the convention another one.

    References
    ----------
    Chapter ch318, equation ``eq-count``.
    """
    D, H = checks.positive_int("D", D), checks.positive_int("H", H)
    biases = bias_vectors(arch, convention)
    return len(arch.GATES) * (H * (D + H) + biases * H)


def model(
    arch: Architecture,
    D: int,
    H: int,
    *,
    layers: int = 1,
    embedding: int | None = None,
    output: int | None = None,
    convention: Convention = "book",
) -> Count:
    """Return the numbers of parameters of a stack, with what stands below and above it.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    D, H : int
        Input size of the first layer and hidden size of all layers.
    layers : int
        How many layers; each but the first reads the states of the one below, of size H.
    embedding : int, optional
        Size of the vocabulary that an embedding maps to vectors of size D.
    output : int, optional
        Size of what a linear layer with biases makes of the last layer's states.
    convention : {"book", "pytorch", "keras"}
        Whose recurrent layers they are.

    Returns
    -------
    Count
        The numbers, and their total.

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer, or the convention another one.
    """
    depth = checks.positive_int("layers", layers)
    sizes = [D] + [H] * (depth - 1)
    return Count(
        embedding=0
        if embedding is None
        else checks.positive_int("embedding", embedding) * D,
        layers=tuple(
            layer(arch, size, H, convention=convention) for size in sizes
        ),
        output=0
        if output is None
        else (H + 1) * checks.positive_int("output", output),
    )
