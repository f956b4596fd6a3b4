r"""Encoder and decoder: one network reads the source, another writes the target.

.. math::

    m, \zeta &= \operatorname{encoder}(x_1, \dots, x_T), \qquad
    q_1, \dots, q_S = \operatorname{decoder}(\zeta;\, y_0, \dots, y_{S-1}) \\
    \tilde h_s &= \tanh(W_c\,[\bar m_s; q_s]), \qquad
    p(y_s \mid y_{<s}, x) = \operatorname{softmax}(W_{out}\,\tilde h_s + b_{out})

The decoder starts from :math:`\zeta`, the last states of the encoder, layer by layer. Without
attention :math:`\tilde h_s = q_s`, and all that it knows of the source comes from :math:`\zeta`;
with attention it reads the mean :math:`\bar m_s` of the encoder's outputs as well.

Sources: I. Sutskever, O. Vinyals and Q. V. Le, NeurIPS (2014); M.-T. Luong, H. Pham and
C. D. Manning, EMNLP (2015), section 3, without input feeding.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lstm_lab import checks, counting, gru, losses, lstm, rnn, tree
from lstm_lab.architecture import Architecture
from lstm_lab.numerics import Array, axis_sum, outer_sum, tanh_vjp
from lstm_lab.packing import join
from lstm_lab.seq2seq import attention, stack
from lstm_lab.seq2seq.stack import Bidirectional, Lengths, States
from lstm_lab.tokenizer import BOS, PAD, SPECIAL

Tokens = NDArray[np.integer[Any]]
CELLS: dict[str, Architecture] = {"rnn": rnn, "lstm": lstm, "gru": gru}


@dataclass(frozen=True, kw_only=True)
class Network:
    """What a model is built of, but for its weights.

    Parameters
    ----------
    sources, targets : int
        Sizes of the two vocabularies, with the tokens that stand for no character.
    cell : str
        A key of `CELLS`.
    embedding : int
        Size of a token's vector.
    hidden : int
        Size H of a layer's output; even, if the encoder is bidirectional.
    layers : int
        Number of layers of the encoder, and of the decoder.
    attention : str or None
        A key of ``attention.KINDS``; None for the last states only.
    bidirectional : bool
        Whether each layer of the encoder reads in both directions, with H / 2 units each.
    residual : bool
        Whether each layer but the lowest adds its input to its output.

    Raises
    ------
    TypeError, ValueError
        If a value cannot be what it should be; the message names it.
    """

    sources: int
    targets: int
    cell: str = "lstm"
    embedding: int = 64
    hidden: int = 128
    layers: int = 1
    attention: str | None = "dot"
    bidirectional: bool = False
    residual: bool = False

    def __post_init__(self) -> None:
        for name in ("sources", "targets", "embedding", "hidden", "layers"):
            size = checks.positive_int(name, getattr(self, name))
            object.__setattr__(self, name, size)
        if self.targets < SPECIAL:
            raise ValueError(
                f"targets must be at least {SPECIAL}, the tokens that stand for"
                f" no character; got {self.targets}"
            )
        for name in ("bidirectional", "residual"):
            choice = checks.flag(name, getattr(self, name))
            object.__setattr__(self, name, choice)
        choices: tuple[tuple[str, Any, list[str | None]], ...] = (
            ("cell", self.cell, [*CELLS]),
            ("attention", self.attention, [None, *attention.KINDS]),
        )
        for name, value, known in choices:
            if not isinstance(value, str | None) or value not in known:
                raise ValueError(
                    f"{name} must be one of {', '.join(map(repr, known))},"
                    f" got {value!r}"
                )
        if self.bidirectional and self.hidden % 2:
            raise ValueError(
                "hidden must be even for a bidirectional encoder, got"
                f" {self.hidden}"
            )

    @property
    def arch(self) -> Architecture:
        """The module of the cells."""
        return CELLS[self.cell]


class Reading(NamedTuple):
    """The weights of the attention: of its score, and ``W_c`` (H, 2H), which takes in the mean."""

    score: attention.Score
    W_c: Array


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
    attention: Reading | None
    W_out: Array
    b_out: Array


class Batch(NamedTuple):
    """Pairs of sequences, each with its padding behind it.

    ``source`` (T, B) and ``target`` (S, B) are tokens, the target's end included; the lengths
    are (B,).
    """

    source: Tokens
    source_lengths: Lengths
    target: Tokens
    target_lengths: Lengths


class Encoded(NamedTuple):
    """What a decoder knows of the sources.

    ``memory`` (B, T, H) are the encoder's outputs, ``mask`` (B, T) is False at their padding,
    ``states`` are the last ones of each layer.
    """

    memory: Array
    mask: attention.Mask
    states: States


def init(
    network: Network,
    *,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float64,
) -> Params:
    """Draw the weights of a model.

    Tokens' vectors are standard normal, other weights normal with variance one over the number
    of their inputs; biases are zero but for the forget gate's, which is one.

    Parameters
    ----------
    network : Network
        What the model is built of.
    rng : numpy.random.Generator
        Where the draws come from.
    dtype : dtype
        float64 or float32; the draws are made in float64.

    Returns
    -------
    Params
        The weights.
    """
    checks.instance("network", network, Network)
    dtype = checks.float_dtype("dtype", dtype)
    checks.generator(rng)
    arch, E, H = network.arch, network.embedding, network.hidden
    widths = [E] + [H] * (network.layers - 1)

    def both(D: int) -> Bidirectional:
        first, second = (arch.init(D, H // 2, rng=rng) for _ in range(2))
        return Bidirectional(first, second)

    def one(D: int) -> Any:
        return arch.init(D, H, rng=rng)

    def reading() -> Reading | None:
        if network.attention is None:
            return None
        score = attention.init(network.attention, H, rng=rng)
        return Reading(score, rng.normal(0, (2 * H) ** -0.5, (H, 2 * H)))

    params = Params(
        rng.normal(size=(network.sources, E)),
        rng.normal(size=(network.targets, E)),
        tuple(map(both if network.bidirectional else one, widths)),
        tuple(map(one, widths)),
        reading(),
        rng.normal(0, H**-0.5, (network.targets, H)),
        np.zeros(network.targets),
    )
    cast: Params = tree.map(lambda leaf: leaf.astype(dtype), params)
    return cast


def count(network: Network) -> int:
    """Return how many weights a model has, without taking memory for any.

    Parameters
    ----------
    network : Network
        What the model is built of.

    Returns
    -------
    int
        As many as `init` would draw, biases included.
    """
    checks.instance("network", network, Network)
    arch, E, H = network.arch, network.embedding, network.hidden
    directions = 2 if network.bidirectional else 1

    def layers(directions: int) -> int:
        lowest, other = (
            directions * counting.layer(arch, D, H // directions)
            for D in (E, H)
        )
        return lowest + (network.layers - 1) * other

    kind = network.attention
    return (
        (network.sources + network.targets) * E
        + layers(directions)
        + layers(1)
        + (0 if kind is None else attention.count(kind, H) + 2 * H**2)
        + network.targets * (H + 1)
    )


def encode(
    network: Network, params: Params, source: Tokens, lengths: Lengths
) -> Encoded:
    """Read the sources.

    Parameters
    ----------
    network : Network
        What the model is built of.
    params : Params
        Its weights.
    source : ndarray of int of shape (T, B)
        Tokens.
    lengths : ndarray of int of shape (B,)
        Of the sources, at least 1.

    Returns
    -------
    Encoded
        What the decoder needs.
    """
    check_params(network, params)
    source, lengths = checked_sources(network, source, lengths)
    return _encode(network, params, source, lengths)[0]


def _encode(
    network: Network, params: Params, source: Tokens, lengths: Lengths
) -> tuple[Encoded, stack.Trace]:
    outputs, states, trace = stack.forward(
        network.arch,
        params.encoder,
        params.source[source],
        lengths=lengths,
        residual=network.residual,
    )
    mask = np.arange(len(source)) < lengths[:, np.newaxis]
    return Encoded(outputs.swapaxes(0, 1), mask, states), trace


def step(
    network: Network,
    params: Params,
    encoded: Encoded,
    states: States,
    tokens: Tokens,
) -> tuple[Array, States, Array | None]:
    """Let the decoder take one step.

    Parameters
    ----------
    network : Network
        What the model is built of.
    params : Params
        Its weights.
    encoded : Encoded
        What the encoder wrote.
    states : tuple of tuples of ndarrays of shape (B, H)
        Of each layer; ``encoded.states`` at first.
    tokens : ndarray of int of shape (B,)
        The tokens before; ``BOS`` at first.

    Returns
    -------
    logits : ndarray of shape (B, targets)
        For the next tokens.
    states : tuple of tuples of ndarrays of shape (B, H)
        After this step.
    weights : ndarray of shape (B, T), or None
        Where each example looked, with attention.

    Raises
    ------
    TypeError, ValueError
        If the tokens are not B tokens of the targets, or the weights are not of the network.

    References
    ----------
    Chapter ch319, equation ``eq-attention-output``.
    """
    check_params(network, params)
    checks.instance("encoded", encoded, Encoded)
    tokens = checks.integers("tokens", tokens, len(encoded.mask))
    tokens = _known("tokens", tokens, network.targets)
    queries, states, _ = stack.forward(
        network.arch,
        params.decoder,
        params.target[tokens][np.newaxis],
        states,
        residual=network.residual,
    )
    (merged,), weights, _ = _merge(params, queries, encoded)
    logits = merged @ params.W_out.T + params.b_out
    return logits, states, None if weights is None else weights[:, 0]


def logits(
    network: Network,
    params: Params,
    batch: Batch,
    inputs: Tokens | None = None,
) -> tuple[Array, Array | None]:
    """Return what the model says of each token of the targets.

    Parameters
    ----------
    network : Network
        What the model is built of.
    params : Params
        Its weights.
    batch : Batch
        Sources and targets.
    inputs : ndarray of int of shape (S, B), optional
        What the decoder reads; where it is None, the targets before (teacher forcing).

    Returns
    -------
    logits : ndarray of shape (S, B, targets)
        Behind the end of a target they mean nothing.
    weights : ndarray of shape (B, S, T), or None
        Where each step looked, with attention.

    References
    ----------
    Chapter ch319, equation ``eq-encoder-decoder``.
    """
    check_params(network, params)
    batch, inputs = _checked(network, batch, inputs)
    encoded, _ = _encode(network, params, batch.source, batch.source_lengths)
    queries, _ = _decode(network, params, encoded, inputs)
    merged, weights, _ = _merge(params, queries, encoded)
    return merged @ params.W_out.T + params.b_out, weights


def loss(
    network: Network,
    params: Params,
    batch: Batch,
    inputs: Tokens | None = None,
) -> float:
    r"""Return the mean cost of a token of the targets, in nats.

    .. math::

        L = -\frac{1}{\sum_b S_b} \sum_b \sum_{s=1}^{S_b} \ln p(y_{s,b} \mid y_{<s,b}, x_b)

    Padding is in neither of the sums.

    Parameters
    ----------
    network : Network
        What the model is built of.
    params : Params
        Its weights.
    batch : Batch
        Sources and targets.
    inputs : ndarray of int of shape (S, B), optional
        What the decoder reads; where it is None, the targets before (teacher forcing).

    Returns
    -------
    float
        The loss.

    References
    ----------
    Chapter ch319, equation ``eq-masked-loss``.
    """
    checks.instance("network", network, Network)
    batch, inputs = _checked(network, batch, inputs)
    answers, _ = logits(network, params, batch, inputs)
    mask = target_mask(batch)
    return losses.cross_entropy(answers[mask], batch.target[mask])


def loss_and_grads(
    network: Network,
    params: Params,
    batch: Batch,
    inputs: Tokens | None = None,
) -> tuple[float, Params]:
    """Return the loss of a batch and its gradient.

    Parameters
    ----------
    network : Network
        What the model is built of.
    params : Params
        Its weights.
    batch : Batch
        Sources and targets.
    inputs : ndarray of int of shape (S, B), optional
        What the decoder reads; where it is None, the targets before (teacher forcing). No
        gradient passes through the choice of an input.

    Returns
    -------
    loss : float
        The mean cost of a token, in nats.
    grads : Params
        Its gradient with respect to every weight; NaN where the logits overflowed.
    """
    check_params(network, params)
    batch, inputs = _checked(network, batch, inputs)
    arch, residual = network.arch, network.residual
    encoded, encoder_trace = _encode(
        network, params, batch.source, batch.source_lengths
    )
    queries, decoder_trace = _decode(network, params, encoded, inputs)
    merged, weights, pairs = _merge(params, queries, encoded)

    mask = target_mask(batch)
    read, target = merged[mask], batch.target[mask]
    answers = read @ params.W_out.T + params.b_out
    value = losses.cross_entropy(answers, target)
    danswers = losses.cross_entropy_vjp(1.0, answers, target)

    dmerged = np.zeros_like(merged)
    dmerged[mask] = danswers @ params.W_out
    if not np.isfinite(dmerged).all():
        return value, tree.map(lambda leaf: np.full_like(leaf, np.nan), params)
    dattention, dqueries, dmemory = _merge_vjp(
        params, queries, encoded, merged, weights, pairs, dmerged
    )
    ddecoder, (ddecoded, *_), dstates = stack.backward(
        arch, params.decoder, decoder_trace, dqueries, residual=residual
    )
    dencoder, (dencoded, *_), _ = stack.backward(
        arch, params.encoder, encoder_trace, dmemory, dstates, residual=residual
    )
    return value, Params(
        _embedding_grad(params.source, batch.source, dencoded),
        _embedding_grad(params.target, inputs, ddecoded),
        dencoder,
        ddecoder,
        dattention,
        outer_sum(danswers, read),
        axis_sum(danswers),
    )


def target_mask(batch: Batch) -> attention.Mask:
    """Return where the targets are, (S, B): False at their padding."""
    checks.instance("batch", batch, Batch)
    mask: attention.Mask = (
        np.arange(len(batch.target))[:, np.newaxis] < batch.target_lengths
    )
    return mask


def checked(network: Network, batch: Batch) -> Batch:
    """Return a batch as integers that are tokens.

    Parameters
    ----------
    network : Network
        What the model is built of.
    batch : Batch
        What stands in its padding does not matter; a number that is not a token, such as -100,
        becomes `PAD` there.

    Returns
    -------
    Batch
        The same pairs.

    Raises
    ------
    TypeError, ValueError
        If it is not a batch, or holds something else than tokens of the two vocabularies.
    """
    checks.instance("network", network, Network)
    checks.instance("batch", batch, Batch)
    source, source_lengths, target, target_lengths = batch
    source, source_lengths = checked_sources(network, source, source_lengths)
    target, target_lengths = _checked_tokens(
        "target", target, target_lengths, network.targets
    )
    if source.shape[1] != target.shape[1]:
        raise ValueError(
            "source and target must be as many sequences, got"
            f" {source.shape[1]} and {target.shape[1]}"
        )
    return Batch(source, source_lengths, target, target_lengths)


def checked_sources(
    network: Network, source: Tokens, lengths: Lengths
) -> tuple[Tokens, Lengths]:
    """Return the sources and their lengths as `checked` does."""
    return _checked_tokens("source", source, lengths, network.sources)


def _checked(
    network: Network, batch: Batch, inputs: Tokens | None
) -> tuple[Batch, Tokens]:
    """Return a batch as `checked` does, and what the decoder reads."""
    batch = checked(network, batch)
    if inputs is None:
        # The targets one step later, behind the token that begins them.
        first = np.full_like(batch.target[:1], BOS)
        return batch, np.concatenate([first, batch.target[:-1]])
    inputs = checks.integers("inputs", inputs, *batch.target.shape)
    mask = target_mask(batch)
    return batch, _known("inputs", inputs, network.targets, mask)


def _decode(
    network: Network,
    params: Params,
    encoded: Encoded,
    inputs: Tokens,
) -> tuple[Array, stack.Trace]:
    """Return the decoder's states at all steps, (S, B, H), and its trace."""
    queries, _, trace = stack.forward(
        network.arch,
        params.decoder,
        params.target[inputs],
        encoded.states,
        residual=network.residual,
    )
    return queries, trace


def _merge(
    params: Params, queries: Array, encoded: Encoded
) -> tuple[Array, Array | None, Array | None]:
    r"""Return :math:`\tilde h_s`, the weights of the attention, and :math:`[\bar m_s; q_s]`."""
    if params.attention is None:
        return queries, None, None
    score, W_c = params.attention
    contexts, weights = attention.attend(
        score, queries.swapaxes(0, 1), encoded.memory, encoded.mask
    )
    pairs = join(contexts.swapaxes(0, 1), queries)
    return np.tanh(pairs @ W_c.T), weights, pairs


def _merge_vjp(
    params: Params,
    queries: Array,
    encoded: Encoded,
    merged: Array,
    weights: Array | None,
    pairs: Array | None,
    dmerged: Array,
) -> tuple[Reading | None, Array, Array]:
    """Return the gradients of the attention's weights, of the queries and of the memory."""
    memory = encoded.memory
    if weights is None or pairs is None or params.attention is None:
        return None, dmerged, np.zeros_like(memory.swapaxes(0, 1))
    score, W_c = params.attention
    da = tanh_vjp(dmerged, merged)
    dcontexts, dqueries = np.split(da @ W_c, 2, axis=-1)
    dscore, dlooked, dmemory = attention.attend_vjp(
        score,
        queries.swapaxes(0, 1),
        memory,
        weights,
        dcontexts.swapaxes(0, 1),
    )
    return (
        Reading(dscore, outer_sum(da, pairs)),
        dqueries + dlooked.swapaxes(0, 1),
        dmemory.swapaxes(0, 1),
    )


def _embedding_grad(table: Array, tokens: Tokens, dvectors: Array) -> Array:
    """Return the sum of what came back to each token."""
    flat = dvectors.reshape(-1, table.shape[1])
    chosen = np.zeros((tokens.size, len(table)), table.dtype)
    chosen[np.arange(tokens.size), tokens.ravel()] = 1
    return outer_sum(chosen, flat)


def check_params(network: Network, params: Params) -> None:
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
        found = np.shape(getattr(params, name))
        if found != shape:
            raise ValueError(
                f"params.{name} must have shape {shape} for this network, got"
                f" {found}"
            )
    for name in ("encoder", "decoder"):
        layers = len(getattr(params, name))
        if layers != network.layers:
            raise ValueError(
                f"params.{name} must have {network.layers} layers for this"
                f" network, got {layers}"
            )
    if (params.attention is None) != (network.attention is None):
        raise ValueError(
            "params.attention must be None without attention, and only then"
        )


def _checked_tokens(
    name: str, tokens: Any, lengths: Any, vocabulary: int
) -> tuple[Tokens, Lengths]:
    """Return tokens and their lengths as integers of one type, or say what is wrong."""
    if (
        not isinstance(tokens, np.ndarray)
        or isinstance(tokens, np.ma.MaskedArray)
        or tokens.ndim != 2
        or not tokens.size
        or not np.issubdtype(tokens.dtype, np.integer)
    ):
        raise ValueError(
            f"{name} must be an array of integers of shape (steps, B), got"
            f" {_kind(tokens)} of shape {_shape(tokens)}"
        )
    steps, B = tokens.shape
    if (
        not isinstance(lengths, np.ndarray)
        or isinstance(lengths, np.ma.MaskedArray)
        or lengths.shape != (B,)
        or not np.issubdtype(lengths.dtype, np.integer)
        or lengths.min() < 1
        or lengths.max() > steps
    ):
        raise ValueError(
            f"{name}_lengths must be {B} integers from 1 to {steps}, got"
            f" {lengths!r}"
        )
    lengths = lengths.astype(np.intp, copy=False)
    within = np.arange(steps)[:, np.newaxis] < lengths
    return _known(name, tokens, vocabulary, within), lengths


def _known(
    name: str,
    tokens: Tokens,
    vocabulary: int,
    within: attention.Mask | bool = True,
) -> Tokens:
    """Return tokens that can be used as indices; what is not one, and in the padding, is `PAD`."""
    known = (tokens >= 0) & (tokens < vocabulary)
    wrong = tokens[~known & within]
    if wrong.size:
        raise ValueError(
            f"{name} must be tokens from 0 to {vocabulary - 1}, got {wrong[0]}"
        )
    return np.where(known, tokens, PAD).astype(np.intp, copy=False)


def _kind(value: Any) -> str:
    masked = isinstance(value, np.ma.MaskedArray)
    kind = str(getattr(value, "dtype", type(value).__name__))
    return f"a masked array of {kind}" if masked else kind


def _shape(value: Any) -> tuple[int, ...] | str:
    try:
        return tuple(np.shape(value))
    except ValueError:
        return "unequal lengths"
