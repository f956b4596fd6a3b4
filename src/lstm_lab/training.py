"""Training a recurrent network on a task: a configuration in, a record out.

The network reads a sequence and answers once, from its last hidden state. An experiment
returns a frozen record with the configuration and the seed that made it; it prints nothing
and draws nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lstm_lab import checks, losses, optim, tree
from lstm_lab.architecture import Architecture
from lstm_lab.numerics import Array, axis_sum, outer_sum
from lstm_lab.tasks import Batch


class Task(Protocol):
    """What ``tasks.adding`` is, as a type: a function that draws a batch."""

    def __call__(
        self,
        T: int,
        B: int,
        *,
        rng: np.random.Generator,
        dtype: DTypeLike = ...,
    ) -> Batch:
        """Return ``x`` (T, B, D) and ``y`` (B, O)."""


class Model(NamedTuple):
    r"""A recurrent layer and a linear readout of its last hidden state.

    .. math:: \hat y = W_{out}\,h_T + b_{out}

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


def predict(arch: Architecture, model: Model, x: Array) -> Array:
    r"""Return the answers of a model.

    .. math:: \hat y = W_{out}\,h_T + b_{out}

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    model : Model
        The parameters.
    x : ndarray of shape (T, B, D)
        Inputs.

    Returns
    -------
    ndarray of shape (B, O)
        One answer for each sequence.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.
    """
    return _read_out(model, arch.forward(model.cell, x).h[-1])


def loss_and_grads(
    arch: Architecture, model: Model, batch: Batch
) -> tuple[float, Model]:
    r"""Return the mean squared error of a batch and its gradient.

    .. math::

        dW_{out} = \sum_b d\hat y_b \otimes h_{T,b}, \qquad
        db_{out} = \sum_b d\hat y_b, \qquad dh_T = d\hat y\,W_{out},

    and from the last hidden state on it is ``arch.backward``.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    model : Model
        The parameters.
    batch : tasks.Batch
        ``x`` (T, B, D) and ``y`` (B, O).

    Returns
    -------
    loss : float
        The mean squared error.
    grads : Model
        Its gradient with respect to every parameter; NaN where the answers overflowed.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, dtype or shape, or is not finite.
    """
    trace = arch.forward(model.cell, batch.x)
    h_T = trace.h[-1]
    prediction = _read_out(model, h_T)
    loss = losses.mean_squared_error(prediction, batch.y)
    dprediction = losses.mean_squared_error_vjp(1.0, prediction, batch.y)
    dh_T = dprediction @ model.W_out
    if not np.isfinite(dh_T).all():
        return loss, tree.map(lambda leaf: np.full_like(leaf, np.nan), model)
    dcell = arch.backward(model.cell, trace, dh_T=dh_T).params
    dW_out = outer_sum(dprediction, h_T)
    return loss, Model(dcell, dW_out, axis_sum(dprediction))


def _read_out(model: Model, h_T: Array) -> Array:
    W_out = checks.array(
        "model.W_out", model.W_out, ("O", h_T.shape[-1]), dtype=h_T.dtype
    )
    b_out = checks.array(
        "model.b_out", model.b_out, (len(W_out),), dtype=h_T.dtype
    )
    answers: Array = h_T @ W_out.T + b_out
    return answers


@dataclass(frozen=True, kw_only=True)
class Config:
    """All that decides a training run.

    Parameters
    ----------
    task : callable
        Draws a batch, such as ``tasks.adding``.
    T : int
        Length of the sequences, in steps of time.
    H : int
        Hidden size.
    batch_size : int
        Sequences in a batch; each batch is new.
    steps : int
        Updates of the parameters, at most.
    optimizer : callable
        ``optimizer(learning_rate)`` returns an optimizer: a class of ``optim``, or a
        ``functools.partial`` of one.
    learning_rate : float
        Its step size.
    clip : float or None
        Norm to which longer gradients are shortened; None leaves them as they are.
    start : callable or None
        ``start(D, H, *, rng) -> Params`` draws the first parameters of the layer, such as
        what ``initialization.start`` returns; ``arch.init`` where it is None.
    criterion : float or None
        Training stops as soon as the mean of the last `window` losses is below this.
    window : int
        How many losses that mean is taken over.
    evaluate_every : int
        Updates between two evaluations on the held-out batch.
    held_out_size : int
        Sequences in the held-out batch, which stays the same.
    dtype : dtype
        float64 or float32.
    seed : int
        Of the one generator; the first parameters, the batches and the held-out batch come
        from three children of it, so that a change of one leaves the others.

    Raises
    ------
    TypeError, ValueError
        If a value cannot be what it should be; the message names it.
    """

    task: Task
    T: int
    H: int = 32
    batch_size: int = 32
    steps: int = 1000
    optimizer: Callable[[float], optim.Optimizer] = optim.Adam
    learning_rate: float = 1e-3
    clip: float | None = 1.0
    start: Callable[..., Any] | None = None
    criterion: float | None = None
    window: int = 20
    evaluate_every: int = 100
    held_out_size: int = 1000
    dtype: DTypeLike = "float64"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("T", "H", "batch_size", "steps"):
            checks.positive_int(name, getattr(self, name))
        for name in ("window", "evaluate_every", "held_out_size"):
            checks.positive_int(name, getattr(self, name))
        if self.criterion is not None:
            checks.finite_number("criterion", self.criterion)
        if (
            self.clip is not None
            and checks.finite_number("clip", self.clip) <= 0
        ):
            raise ValueError(f"clip must be positive or None, got {self.clip}")
        self.optimizer(self.learning_rate)  # says itself what is wrong
        checks.float_dtype("dtype", self.dtype)
        _check_seed(self.seed)


@dataclass(frozen=True)
class Run:
    """A training run: what came out, and all that it came from.

    ``losses`` and ``grad_norms`` (steps,) are those of each batch, at the parameters before the
    update; norms are taken before clipping. ``held_out`` (E,) are the losses of the held-out
    batch after as many updates as ``evaluated`` (E,) says, the first before any, the last at the
    end. ``initial`` and ``final`` are the models before and after.
    """

    architecture: str
    config: Config
    initial: Model
    final: Model
    losses: Array
    grad_norms: Array
    held_out: Array
    evaluated: NDArray[np.integer[Any]]

    @property
    def seed(self) -> int:
        """The seed of the configuration."""
        return self.config.seed

    @property
    def steps(self) -> int:
        """How many updates were done."""
        return len(self.losses)

    @property
    def reached(self) -> bool:
        """Whether the criterion was met; False where there is none."""
        return _reached(self.config, self.losses)


def fit(arch: Architecture, config: Config) -> Run:
    """Train a model on fresh batches, and return the record of it.

    The same architecture and configuration give the same run.

    Parameters
    ----------
    arch : module
        ``rnn``, ``lstm``, ``gru`` or another architecture.
    config : Config
        All else.

    Returns
    -------
    Run
        Losses, gradient norms, held-out losses, the first and the last model.

    Raises
    ------
    FloatingPointError
        If a loss, a gradient or a parameter becomes NaN or infinite; the message names the step
        and the last finite loss.
    """
    children = np.random.default_rng(config.seed).spawn(3)
    init_rng, batch_rng, held_out_rng = children
    held_out_batch = _draw(config, config.held_out_size, held_out_rng)
    model = initial = init(
        config.start or arch.init,
        held_out_batch.x.shape[-1],
        config.H,
        held_out_batch.y.shape[-1],
        rng=init_rng,
        dtype=config.dtype,
    )
    optimizer = config.optimizer(config.learning_rate)
    state = optimizer.init(model)
    batch_losses: list[float] = []
    grad_norms: list[float] = []
    held_out: dict[int, float] = {}

    def evaluate() -> None:
        prediction = predict(arch, model, held_out_batch.x)
        loss = losses.mean_squared_error(prediction, held_out_batch.y)
        step = len(batch_losses)
        _check_finite("held-out loss", loss, step, batch_losses)
        held_out[step] = loss

    # What overflows is found at once, and said in other words than NumPy's.
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(config.steps):
            if step % config.evaluate_every == 0:
                evaluate()
            batch = _draw(config, config.batch_size, batch_rng)
            loss, grads = loss_and_grads(arch, model, batch)
            _check_finite("loss", loss, step, batch_losses)
            batch_losses.append(loss)
            if config.clip is None:
                norm = optim.global_norm(grads)
            else:
                grads, norm = optim.clip_by_global_norm(grads, config.clip)
            _check_finite("gradient's norm", norm, step, batch_losses)
            grad_norms.append(norm)
            model, state = optimizer.step(model, grads, state)
            size = optim.global_norm(model)
            _check_finite("new parameters' norm", size, step, batch_losses)
            if _reached(config, batch_losses):
                break
        evaluate()
    return Run(
        arch.__name__.rpartition(".")[-1],
        config,
        initial,
        model,
        np.array(batch_losses),
        np.array(grad_norms),
        np.array(list(held_out.values())),
        np.array(list(held_out)),
    )


def _check_seed(seed: Any) -> None:
    # None would be another run each time.
    if not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed must be an integer, 0 or more, got {seed!r}")


def _draw(config: Config, B: int, rng: np.random.Generator) -> Batch:
    return config.task(config.T, B, rng=rng, dtype=config.dtype)


def _reached(config: Config, batch_losses: Any) -> bool:
    return (
        config.criterion is not None
        and len(batch_losses) >= config.window
        and bool(np.mean(batch_losses[-config.window :]) < config.criterion)
    )


def _check_finite(
    name: str, value: float, step: int, batch_losses: list[float]
) -> None:
    if not np.isfinite(value):
        last = (
            f"the last finite loss was {batch_losses[-1]:.6g},"
            f" in step {len(batch_losses) - 1}"
            if batch_losses
            else "no loss was finite"
        )
        raise FloatingPointError(
            f"training diverged in step {step}, counted from 0:"
            f" the {name} is {value}; {last}"
        )


class Rate(NamedTuple):
    """A share of successes, and the ends of its 95 % interval."""

    share: float
    low: float
    high: float


def success_rate(runs: Sequence[Run]) -> Rate:
    r"""Return the share of runs that reached their criterion, with Wilson's interval.

    .. math::

        \frac{\hat p + \frac{z^2}{2n} \pm z \sqrt{\frac{\hat p (1 - \hat p)}{n} +
        \frac{z^2}{4 n^2}}}{1 + \frac{z^2}{n}}, \qquad z = 1.96

    Parameters
    ----------
    runs : sequence of Run
        At least one, of different seeds.

    Returns
    -------
    Rate
        Share, lower and upper end, between 0 and 1.

    Raises
    ------
    ValueError
        If there is no run.

    References
    ----------
    E. B. Wilson, Journal of the American Statistical Association 22 (1927).
    """
    n = len(runs)
    if n == 0:
        raise ValueError("runs must be at least one, got none")
    share = sum(run.reached for run in runs) / n
    z = 1.959963984540054
    middle = share + z * z / (2 * n)
    spread = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    shrink = 1 + z * z / n
    low, high = (middle - spread) / shrink, (middle + spread) / shrink
    return Rate(share, max(0.0, float(low)), min(1.0, float(high)))
