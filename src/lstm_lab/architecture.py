"""What an architecture is: a module that exports these names.

``rnn``, ``lstm``, ``gru`` and ``coupled`` are architectures. Code that takes one as its argument
`arch` works for all of them, and for any further module of this shape.
"""

from collections.abc import Callable
from typing import Any, Protocol


class Architecture(Protocol):
    """The names that all architectures have in common, as a type.

    Signatures are those of ``lstm``, with one array for each of ``STATES``.
    """

    __name__: str

    @property
    def GATES(self) -> tuple[str, ...]:
        """Names of the gates, in packing order."""

    @property
    def STATES(self) -> tuple[str, ...]:
        """Names of the states: the hidden state ``h``, in the LSTM also the cell state ``c``."""

    @property
    def Grads(self) -> Callable[..., Any]:
        """The type of the gradients; its fields are the arguments of `forward`."""

    @property
    def init(self) -> Callable[..., Any]:
        """``init(D, H, *, rng) -> Params``, with the sizes ``D``, ``H`` and the names ``gates``.

        The blocks of ``Params.W`` (G * H, D + H) and ``Params.b`` (G * H,) stand in the order of
        ``gates``, which are `GATES`.
        """

    @property
    def forward(self) -> Callable[..., Any]:
        """``forward(params, x, *initial_states) -> Trace``."""

    @property
    def infer(self) -> Callable[..., Any]:
        """``infer(params, x, *initial_states) -> h, last states``, without a trace."""

    @property
    def step_vjp(self) -> Callable[..., Any]:
        """``step_vjp(params, trace, t, *dstates) -> da, dx, dstates before the step``."""

    @property
    def weight_grads(self) -> Callable[..., Any]:
        """``weight_grads(params, trace, da) -> Params``."""

    @property
    def backward(self) -> Callable[..., Any]:
        """``backward(params, trace, dh, *dstates_T) -> Grads``."""
