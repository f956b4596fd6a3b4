"""The network that is trained: a recurrent layer and a linear readout of its hidden state.

It answers at each step, or once, at the last step of a sequence. Padding is replaced by zeros
before the network sees it, and no hidden state behind a sequence's end is read: what stands
there has no influence.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lstm_lab import checks, losses, tree
from lstm_lab.architecture import Architecture
from lstm_lab.numerics import Array, axis_sum, outer_sum
from lstm_lab.tasks import Batch

Mask = NDArray[np.bool_]


class Model(NamedTuple):
    r"""A recurrent layer and a linear readout of its hidden state.

    .. math:: \hat y_t = W_{out}\,h_t + b_{out}

    ``cell`` are the parameters of the layer, ``W_out`` (O, H) and ``b_out`` (O,) those of the
    readout.
    """

    cell: Any
    W_out: Array
    b_out: Array


def init(
    draw: Callable[..., Any],
    D: int,
    H: int,
    O: int,  # noqa: E741
    *,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float64,
) -> Model:
    """Draw a model: the layer by `draw`, then the readout.

    The readout's weights are normal with variance 1 / H, its biases are zero.

    Parameters
    ----------
    draw : callable
        ``draw(D, H, *, rng) -> Params``: an architecture's ``init``, or what
        ``initialization.start`` returns.
    D, H, O : int
        Input, hidden and output size, at least 1.
    rng : numpy.random.Generator
        Where the draws come from.
    dtype : dtype
        float64 or float32; the draws are made in float64.

    Returns
    -------
    Model
        The first parameters.

    Raises
    ------
    TypeError, ValueError
        If a size is no positive integer, `rng` no generator, or `dtype` another one.
    """
    O = checks.positive_int("O", O)  # noqa: E741
    dtype = checks.float_dtype("dtype", dtype)
    cell = draw(D, H, rng=checks.generator(rng))
    W_out = rng.normal(0, 1 / np.sqrt(H), (O, H))
    model = Model(cell, W_out, np.zeros(O))
    cast: Model = tree.map(lambda leaf: leaf.astype(dtype), model)
    return cast


def predict(
    arch: Architecture,
    model: Model,
    x: Array,
    mask: Mask | None = None,
    *,
    every_step: bool = False,
) -> Array:
    r"""Return the answers of a model: numbers, or the logits of classes.

    .. math:: \hat y_t = W_{out}\,h_t + b_{out}

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    model : Model
        The parameters.
    x : ndarray of shape (T, B, D)
        Inputs.
    mask : ndarray of bool of shape (T, B), optional
        True at the steps of a sequence, false at the padding behind it.
    every_step : bool
        Whether to answer at each step, not at the last of each sequence only.

    Returns
    -------
    ndarray of shape (B, O) or (T, B, O)
        One answer for each sequence, or for each step; those behind the end of a sequence mean
        nothing.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.
    """
    checks.instance("model", model, Model)
    h, _ = arch.infer(model.cell, _inputs(x, mask))
    return _read_out(model, h if every_step else h[_ends(x, mask)])


def loss(arch: Architecture, model: Model, batch: Batch) -> float:
    """Return the loss of a batch: the mean over all answers.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    model : Model
        The parameters.
    batch : tasks.Batch
        Inputs and targets.

    Returns
    -------
    float
        The mean squared error; where the targets are classes the cross-entropy, in nats.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.
    """
    checks.instance("model", model, Model)
    index, target = _answered(batch)
    h, _ = arch.infer(model.cell, _inputs(batch.x, batch.mask))
    measure, _ = _LOSSES[batch.classes is not None]
    return measure(_read_out(model, h[index]), target)


def loss_and_grads(
    arch: Architecture, model: Model, batch: Batch
) -> tuple[float, Model]:
    r"""Return the loss of a batch and its gradient.

    .. math::

        dW_{out} = \sum d\hat y_{t,b} \otimes h_{t,b}, \qquad
        db_{out} = \sum d\hat y_{t,b}, \qquad dh_{t,b} = d\hat y_{t,b}\,W_{out},

    with sums over all answers, and from the hidden states on it is ``arch.backward``.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    model : Model
        The parameters.
    batch : tasks.Batch
        Inputs and targets.

    Returns
    -------
    loss : float
        The mean squared error; where the targets are classes the cross-entropy, in nats.
    grads : Model
        Its gradient with respect to every parameter; NaN where the answers overflowed.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.
    """
    checks.instance("model", model, Model)
    index, target = _answered(batch)
    trace = arch.forward(model.cell, _inputs(batch.x, batch.mask))
    h = trace.h[1:]
    prediction = _read_out(model, h[index])
    measure, measure_vjp = _LOSSES[batch.classes is not None]
    value = measure(prediction, target)
    dprediction = measure_vjp(1.0, prediction, target)
    dh = np.zeros(h.shape, h.dtype)
    dh[index] = dprediction @ model.W_out
    if not np.isfinite(dh).all():
        return value, tree.map(lambda leaf: np.full_like(leaf, np.nan), model)
    dcell = arch.backward(model.cell, trace, dh).params
    dW_out = outer_sum(dprediction, h[index])
    return value, Model(dcell, dW_out, axis_sum(dprediction))


# By whether the targets are classes.
_LOSSES: tuple[tuple[Callable[..., float], Callable[..., Array]], ...] = (
    (losses.mean_squared_error, losses.mean_squared_error_vjp),
    (losses.cross_entropy, losses.cross_entropy_vjp),
)


def _read_out(model: Model, h: Array) -> Array:
    W_out = checks.array(
        "model.W_out", model.W_out, ("O", h.shape[-1]), dtype=h.dtype
    )
    b_out = checks.array(
        "model.b_out", model.b_out, (len(W_out),), dtype=h.dtype
    )
    answers: Array = h @ W_out.T + b_out
    return answers


def _inputs(x: Array, mask: Mask | None) -> Array:
    """Return the inputs with zeros as padding."""
    x = checks.array("x", x, ("T", "B", "D"), finite_values=False)
    if mask is None:
        return x
    mask = np.asarray(mask)
    if mask.shape != x.shape[:2] or mask.dtype != np.bool_:
        raise ValueError(
            f"mask must be bool of shape {x.shape[:2]}, like the inputs,"
            f" got {mask.dtype} of shape {mask.shape}"
        )
    if not mask[0].all() or (mask[1:] > mask[:-1]).any():
        raise ValueError(
            "mask must be true from the first step of each sequence to its"
            " last, and false behind it"
        )
    return np.where(mask[..., np.newaxis], x, 0)


def _ends(x: Array, mask: Mask | None) -> tuple[Any, NDArray[Any]]:
    """Return where the last step of each sequence is, as an index of steps and examples."""
    T, B = np.shape(x)[:2]
    lengths = T if mask is None else np.sum(mask, axis=0)
    return lengths - 1, np.arange(B)


def _answered(batch: Batch) -> tuple[Any, NDArray[Any]]:
    """Return which steps and examples are answered, as an index, and the targets there."""
    if not batch.every_step:
        return _ends(batch.x, batch.mask), batch.y
    if batch.y.shape[:2] != batch.x.shape[:2]:
        raise ValueError(
            f"y must begin with the shape {batch.x.shape[:2]} of the inputs,"
            f" got {batch.y.shape}"
        )
    index = ... if batch.mask is None else batch.mask
    return index, batch.y[index]
