"""Time to learn the adding problem, here and in PyTorch: the same start, batches and settings."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lstm_lab import interop, lstm, tasks, training
from lstm_lab.numerics import Array

CONFIG = training.Config(
    task=tasks.adding,
    T=100,
    H=64,
    batch_size=64,
    steps=5000,
    learning_rate=5e-3,
    clip=1.0,
    criterion=0.01,
    window=20,
    # Held-out losses would be time that PyTorch does not spend.
    evaluate_every=5000,
    held_out_size=1,
    dtype="float32",
)
SEEDS = (0, 1, 2)

COMPARED = 10  # first losses that must agree
# float32 rounds at 6e-8; a hundred steps of time and ten of Adam multiply that by thousands.
TOLERANCE = 1e-3


class WrongLossError(Exception):
    """PyTorch's losses are not this package's."""


def measure(
    config: training.Config = CONFIG, seeds: tuple[int, ...] = SEEDS
) -> list[dict[str, Any]]:
    """Train from several seeds in both libraries.

    Parameters
    ----------
    config : training.Config
        All but the seed.
    seeds : tuple of int
        One pair of runs for each.

    Returns
    -------
    list of dict
        Records of ``seed``, and for both of ``steps``, ``seconds`` and whether the criterion was
        ``reached``; ``ratio`` is PyTorch's seconds a step over ours.

    Raises
    ------
    WrongLossError
        If the first losses differ by more than rounding.
    """
    # PyTorch loads a part of itself at the first update.
    fit_in_torch(training.fit(lstm, replace(config, steps=2)))
    records = []
    for seed in seeds:
        configured = replace(config, seed=seed)
        start = time.perf_counter()
        run = training.fit(lstm, configured)
        seconds = time.perf_counter() - start
        start = time.perf_counter()
        losses = fit_in_torch(run)
        torch_seconds = time.perf_counter() - start
        check_losses(np.array(losses), run.losses)
        records.append(
            {
                "seed": seed,
                "steps": run.steps,
                "seconds": seconds,
                "reached": run.reached,
                "torch_steps": len(losses),
                "torch_seconds": torch_seconds,
                "torch_reached": met(configured, losses),
                "ratio": (torch_seconds / len(losses)) / (seconds / run.steps),
            }
        )
    return records


def fit_in_torch(run: training.Run) -> list[float]:
    """Return the losses of PyTorch's LSTM, trained as a run was.

    Parameters
    ----------
    run : training.Run
        Gives the first parameters, the settings and, through its seed, the batches.

    Returns
    -------
    list of float
        The loss of each batch.
    """
    import torch

    config, initial = run.config, run.initial

    def tensors(arrays: Mapping[str, Array]) -> dict[str, torch.Tensor]:
        return {
            name: torch.from_numpy(array.copy())
            for name, array in arrays.items()
        }

    dtype = getattr(torch, str(config.dtype))
    layer = torch.nn.LSTM(initial.cell.D, config.H, dtype=dtype)
    layer.load_state_dict(tensors(interop.to_torch(initial.cell)))
    readout = torch.nn.Linear(config.H, len(initial.b_out), dtype=dtype)
    readout.load_state_dict(
        tensors({"weight": initial.W_out, "bias": initial.b_out})
    )
    # The layer has two biases where ours has one: the second stays zero.
    layer.bias_hh_l0.requires_grad_(False)
    parameters = [
        parameter
        for parameter in (*layer.parameters(), *readout.parameters())
        if parameter.requires_grad
    ]
    ours = config.optimizer(config.learning_rate)
    optimizer = torch.optim.Adam(
        parameters,
        lr=ours.learning_rate,
        betas=(ours.beta1, ours.beta2),
        eps=ours.epsilon,
    )
    _, rng, _ = np.random.default_rng(config.seed).spawn(3)
    losses: list[float] = []
    while len(losses) < config.steps and not met(config, losses):
        batch = config.task(
            config.T, config.batch_size, rng=rng, dtype=config.dtype
        )
        prediction = readout(layer(torch.from_numpy(batch.x))[0][-1])
        loss = torch.nn.functional.mse_loss(
            prediction, torch.from_numpy(batch.y)
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, config.clip)
        optimizer.step()
        losses.append(loss.item())
    return losses


def met(config: training.Config, losses: list[float]) -> bool:
    """Tell whether the last losses meet the criterion.

    Parameters
    ----------
    config : training.Config
        Its ``criterion`` and ``window`` count.
    losses : list of float
        So far.

    Returns
    -------
    bool
        True if the mean of the last ``window`` is below ``criterion``.
    """
    last = losses[-config.window :]
    return len(last) == config.window and bool(np.mean(last) < config.criterion)


def check_losses(actual: Array, expected: Array) -> None:
    """Compare the first losses of two runs.

    Parameters
    ----------
    actual, expected : ndarrays of shape (steps,)
        PyTorch's and ours.

    Raises
    ------
    WrongLossError
        If one differs by more than `TOLERANCE`.
    """
    pairs = zip(actual[:COMPARED], expected[:COMPARED], strict=True)
    for step, (theirs, ours) in enumerate(pairs):
        if abs(theirs - ours) > TOLERANCE * ours:
            raise WrongLossError(
                f"PyTorch's loss in step {step} is {theirs:.6g}, expected {ours:.6g}"
            )
