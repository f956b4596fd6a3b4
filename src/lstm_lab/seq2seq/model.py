r"""Encoder and decoder: one network reads the source, another writes the target.

.. math::

    m, \zeta &= \operatorname{encoder}(x_1, \dots, x_T), \qquad
    q_1, \dots, q_S = \operatorname{decoder}(\zeta;\, y_0, \dots, y_{S-1}) \\
    \tilde h_s &= \tanh(W_c\,[\bar m_s; q_s]), \qquad
    p(y_s \mid y_{<s}, x) = \operatorname{softmax}(W_{out}\,\tilde h_s + b_{out})

The decoder starts from :math:`\zeta`, the last states of the encoder, layer by layer. With
attention it also reads :math:`\bar m_s`, a mean of the encoder's outputs; without,
:math:`\tilde h_s = q_s`.

Sources: I. Sutskever, O. Vinyals and Q. V. Le, NeurIPS (2014); M.-T. Luong, H. Pham and
C. D. Manning, EMNLP (2015), section 3, without input feeding.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lstm_lab import checks, losses, records, tree
from lstm_lab.cells import lstm
from lstm_lab.numerics import Array, axis_sum, outer_sum, tanh_vjp
from lstm_lab.packing import join
from lstm_lab.seq2seq import attention, stack
from lstm_lab.seq2seq.stack import States, checked_lengths
from lstm_lab.sequence import Cell, Lengths
from lstm_lab.tokenizer import BOS, PAD, SPECIAL

Tokens = NDArray[np.integer[Any]]


@records.short
@dataclass(frozen=True, kw_only=True)
class Network:
    """The architecture of a model; a value that is not possible is refused by name.

    Parameters
    ----------
    sources, targets : int
        Sizes of the two vocabularies, including the tokens that stand for no character.
    cell : module
        ``rnn``, ``lstm``, ``gru``, ``coupled``, or a cell of your own.
    embedding, hidden, layers : int
        Size E of a token's vector, size H of a layer, and number of layers of the encoder and of
        the decoder.
    attention : str or None
        A key of `KINDS`; None for the last states only.
    residual : bool
        Whether each layer but the lowest adds its input to its output.
    """

    sources: int
    targets: int
    cell: Cell = lstm
    embedding: int = 64
    hidden: int = 128
    layers: int = 1
    attention: str | None = "dot"
    residual: bool = False

    def __post_init__(self) -> None:
        checks.cell("cell", self.cell)
        sizes = ("sources", "targets", "embedding", "hidden", "layers")
        checks.fields(self, checks.positive_int, *sizes)
        checks.fields(self, checks.flag, "residual")
        if self.targets < SPECIAL:
            raise ValueError(
                f"targets must be at least {SPECIAL}, the tokens that stand for"
                f" no character; got {self.targets}"
            )
        kinds = [None, *attention.KINDS]
        if self.attention not in kinds:
            raise ValueError(f"attention must be one of {kinds}, got {self.attention!r}")


@records.short
class Attention(NamedTuple):
    """The weights of an attention: of its score, and ``W_c`` (H, 2H), which reads the mean."""

    score: attention.Score
    W_c: Array


@records.short
class Params(NamedTuple):
    """The weights of a model.

    ``source`` (sources, E) and ``target`` (targets, E) are the tokens' vectors; ``encoder`` and
    ``decoder`` the layers. ``attention`` is None without attention. ``W_out`` is (targets, H),
    ``b_out`` (targets,).
    """

    source: Array
    target: Array
    encoder: tuple[Any, ...]
    decoder: tuple[Any, ...]
    attention: Attention | None
    W_out: Array
    b_out: Array


@records.short
class Pairs(NamedTuple):
    """Pairs of sequences, each with its padding after it.

    ``source`` (T, B) and ``target`` (S, B) are tokens, including the target's end; the lengths
    are (B,). The values of the padding do not matter. ``inputs`` (S, B) are the tokens that the
    decoder reads; None stands for the previous ones of the targets (teacher forcing).
    """

    source: Tokens
    source_lengths: Lengths
    target: Tokens
    target_lengths: Lengths
    inputs: Tokens | None = None

    @property
    def target_mask(self) -> attention.Mask:
        """True at the tokens of the targets (S, B), False at their padding."""
        return _within(self.target, self.target_lengths)


@records.short
class Encoded(NamedTuple):
    """The sources as the decoder reads them.

    ``memory`` (B, T, H) are the encoder's outputs, ``mask`` (B, T) is False at their padding,
    ``states`` are the last ones of each layer; the ``trace`` is for the backward pass.
    """

    memory: Array
    mask: attention.Mask
    states: States
    trace: stack.Trace


class _Forward(NamedTuple):
    r"""A forward pass, with :math:`q_s`, :math:`\tilde h_s`, ... of shape (B, S, ...)."""

    encoded: Encoded
    decoder: stack.Trace
    queries: Array
    outputs: Array
    joined: Array | None
    weights: Array | None


def init(network: Network, *, rng: np.random.Generator, dtype: DTypeLike = np.float64) -> Params:
    """Draw the weights of a model, in float64, and cast them to a dtype.

    Tokens' vectors are standard normal, layers are drawn by ``network.cell.init``, other weights
    are normal with variance one over the number of their inputs; ``b_out`` is zero.
    """
    checks.instance("network", network, Network)
    dtype = checks.float_dtype("dtype", dtype)
    checks.generator(rng)
    E, H = network.embedding, network.hidden
    source = rng.normal(size=(network.sources, E))
    target = rng.normal(size=(network.targets, E))
    sizes = [E] + [H] * (network.layers - 1)
    encoder, decoder = (tuple(network.cell.init(D, H, rng=rng) for D in sizes) for _ in range(2))
    attending = None
    if network.attention is not None:
        score = attention.init(network.attention, H, rng=rng)
        W_c = rng.normal(0, (2 * H) ** -0.5, (H, 2 * H))
        attending = Attention(score, W_c)
    W_out = rng.normal(0, H**-0.5, (network.targets, H))
    b_out = np.zeros(network.targets)
    params = Params(source, target, encoder, decoder, attending, W_out, b_out)
    cast: Params = tree.map(lambda leaf: leaf.astype(dtype), params)
    return cast


def encode(network: Network, params: Params, source: Tokens, lengths: Lengths) -> Encoded:
    """Read sources (T, B) of some lengths (B,)."""
    _check_params(network, params)
    source, lengths = _padded("source", source, lengths, network.sources)
    vectors, residual = params.source[source], network.residual
    trace = stack.forward(network.cell, params.encoder, vectors, lengths=lengths, residual=residual)
    mask = _within(source, lengths).T
    return Encoded(trace.outputs.swapaxes(0, 1), mask, trace.last, trace)


def step(
    network: Network, params: Params, encoded: Encoded, states: States, tokens: Tokens
) -> tuple[Array, States]:
    """Return logits (B, targets) and states after one step of the decoder.

    It begins from ``encoded.states`` and tokens ``BOS`` (B,), and goes on from the states of the
    step before and its tokens.

    Chapter ch319, equation ``eq-attention-output``.
    """
    tokens = checks.integers("tokens", tokens, len(encoded.mask))
    each = np.ones(len(tokens), int)
    y, _ = _padded("tokens", tokens[np.newaxis], each, network.targets)
    forward = _decode(network, params, encoded, states, y)
    return _read_out(params, forward.outputs[:, 0]), forward.decoder.last


def _forward(network: Network, params: Params, pairs: Pairs) -> _Forward:
    encoded = encode(network, params, pairs.source, pairs.source_lengths)
    return _decode(network, params, encoded, encoded.states, pairs.inputs)


def _decode(network: Network, params: Params, encoded: Encoded, states: States, y: Any) -> _Forward:
    """Run the decoder over tokens (S, B), from states that it is in."""
    vectors, residual = params.target[y], network.residual
    trace = stack.forward(network.cell, params.decoder, vectors, states, residual=residual)
    queries = trace.outputs.swapaxes(0, 1)
    return _Forward(encoded, trace, queries, *_attend(params, queries, encoded))


def _attend(
    params: Params, queries: Array, encoded: Encoded
) -> tuple[Array, Array | None, Array | None]:
    r"""Return :math:`\tilde h_s`, :math:`[\bar m_s; q_s]`, and the weights of the attention."""
    if params.attention is None:
        return queries, None, None
    score, W_c = params.attention
    contexts, weights = attention.attend(score, queries, encoded.memory, encoded.mask)
    joined = join(contexts, queries)
    return np.tanh(joined @ W_c.T), joined, weights


def _attend_vjp(
    params: Params, forward: _Forward, doutputs: Array
) -> tuple[Attention | None, Array, Array]:
    """Return the gradients of the attention's weights, of the queries and of the memory."""
    encoded, _, queries, outputs, joined, weights = forward
    memory = encoded.memory
    if params.attention is None or joined is None or weights is None:
        return None, doutputs, np.zeros_like(memory)
    score, W_c = params.attention
    da = tanh_vjp(doutputs, outputs)
    dcontexts, dqueries = np.split(da @ W_c, 2, axis=-1)
    dscore, dattending, dmemory = attention.attend_vjp(score, queries, memory, weights, dcontexts)
    dattention = Attention(dscore, outer_sum(da, joined))
    return dattention, dqueries + dattending, dmemory


def _read_out(params: Params, outputs: Array) -> Array:
    answers: Array = outputs @ params.W_out.T + params.b_out
    return answers


def logits(network: Network, params: Params, pairs: Pairs) -> tuple[Array, Array | None]:
    """Return the logits of the targets' tokens, and the attention's weights.

    The logits are (S, B, targets), meaningless after the end of a target; the weights (B, S, T)
    are None without attention.

    Chapter ch319, equation ``eq-encoder-decoder``.
    """
    forward = _forward(network, params, checked(network, pairs))
    return _read_out(params, forward.outputs).swapaxes(0, 1), forward.weights


def loss(network: Network, params: Params, pairs: Pairs) -> float:
    r"""Return the mean cost of a token of the targets, in nats.

    .. math::

        L = -\frac{1}{\sum_b S_b} \sum_b \sum_{s=1}^{S_b} \ln p(y_{s,b} \mid y_{<s,b}, x_b)

    Padding is in neither of the sums.

    Chapter ch319, equation ``eq-masked-loss``.
    """
    pairs = checked(network, pairs)
    forward, mask = _forward(network, params, pairs), pairs.target_mask.T
    answers = _read_out(params, forward.outputs[mask])
    return losses.cross_entropy(answers, pairs.target.T[mask])


def perplexity(nats: float) -> float:
    """Return the number of equally likely tokens among which a guess would cost as much.

    The cost is a mean over tokens, such as `loss`. Chapter ch319, equation ``eq-perplexity``.
    """
    with np.errstate(over="ignore"):
        return float(np.exp(checks.finite_number("nats", nats)))


def bits(nats: float) -> float:
    """Return a cost in bits that is given in nats."""
    return float(checks.finite_number("nats", nats) / np.log(2))


def loss_and_grads(network: Network, params: Params, pairs: Pairs) -> tuple[float, Params]:
    """Return the `loss` of some pairs, and its gradient with respect to every weight.

    No gradient passes through the choice of ``pairs.inputs``. A FloatingPointError is raised if
    states or logits overflow.
    """
    pairs = checked(network, pairs)
    forward, mask = _forward(network, params, pairs), pairs.target_mask.T
    read, target = forward.outputs[mask], pairs.target.T[mask]
    answers = _read_out(params, read)
    value = losses.cross_entropy(answers, target)
    danswers = losses.cross_entropy_grad(answers, target)

    doutputs = np.zeros_like(forward.outputs)
    doutputs[mask] = danswers @ params.W_out
    if not np.isfinite(doutputs).all():
        raise FloatingPointError(f"the loss is {value}, without a gradient")
    dattention, dqueries, dmemory = _attend_vjp(params, forward, doutputs)
    decoder = stack.backward(forward.decoder, dqueries.swapaxes(0, 1))
    encoder = stack.backward(forward.encoded.trace, dmemory.swapaxes(0, 1), decoder.states)
    return value, Params(
        _embedding_grad(params.source, pairs.source, encoder.inputs[0]),
        _embedding_grad(params.target, pairs.inputs, decoder.inputs[0]),
        encoder.params,
        decoder.params,
        dattention,
        outer_sum(danswers, read),
        axis_sum(danswers),
    )


def _embedding_grad(table: Array, tokens: Any, dvectors: Array) -> Array:
    """Return the sum of the gradients of each token's vector."""
    one_hot = np.zeros((tokens.size, len(table)), table.dtype)
    one_hot[np.arange(tokens.size), tokens.ravel()] = 1
    return outer_sum(one_hot, dvectors.reshape(tokens.size, -1))


def _check_params(network: Network, params: Params) -> None:
    """Refuse weights that are not those of the network."""
    checks.instance("network", network, Network)
    checks.instance("params", params, Params)
    E, H = network.embedding, network.hidden
    for name, shape in (
        ("source", (network.sources, E)),
        ("target", (network.targets, E)),
        ("W_out", (network.targets, H)),
        ("b_out", (network.targets,)),
    ):
        checks.array(f"params.{name}", getattr(params, name), shape)


def checked(network: Network, pairs: Pairs) -> Pairs:
    """Return pairs as arrays of indices, with `PAD` for other numbers in the padding.

    If there are no ``inputs``, they become the previous tokens of the targets.
    """
    checks.instance("network", network, Network)
    checks.instance("pairs", pairs, Pairs)
    source = _padded("source", *pairs[:2], network.sources)
    target, lengths = _padded("target", *pairs[2:4], network.targets)
    B, many = len(source[1]), len(lengths)
    if many != B:
        raise ValueError(f"source and target must be as many sequences, got {B} and {many}")
    if pairs.inputs is None:
        inputs = np.concatenate([np.full((1, B), BOS), target[:-1]])
    else:
        inputs = checks.integers("inputs", pairs.inputs, *target.shape)
        inputs, _ = _padded("inputs", inputs, lengths, network.targets)
    return Pairs(*source, target, lengths, inputs)


def _padded(name: str, tokens: Any, lengths: Any, vocabulary: int) -> tuple[Tokens, Lengths]:
    """Return tokens (T, B) of a vocabulary and lengths (B,); `PAD` for others in the padding."""
    tokens = checks.integers(name, tokens, "steps", "B")
    steps, B = tokens.shape
    lengths = checked_lengths(f"{name}_lengths", lengths, B, steps)
    known = (tokens >= 0) & (tokens < vocabulary)
    wrong = tokens[~known & _within(tokens, lengths)]
    if wrong.size:
        raise ValueError(f"{name} must be tokens from 0 to {vocabulary - 1}, got {wrong[0]}")
    return np.where(known, tokens, PAD), lengths


def _within(tokens: Tokens, lengths: Lengths) -> attention.Mask:
    """Return a mask (steps, B), True at the steps of each sequence."""
    mask: attention.Mask = np.arange(len(tokens))[:, np.newaxis] < lengths
    return mask
