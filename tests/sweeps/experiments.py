"""What the tests sweep over: a module of its own, so that every worker can import it."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from lstm_lab import losses, optim, rnn, tree
from lstm_lab.sweeps import Sweep

LOG = "SWEEPS_TEST_LOG"  # a file that gets a line for each call
PAUSE = "SWEEPS_TEST_PAUSE"  # seconds that a call takes at least
HOLD = "SWEEPS_TEST_HOLD"  # how many calls go on; those after them wait for `release`
T, B, STEPS = 6, 4, 20


def release(log):
    """Let the calls go on that were held."""
    log.with_suffix(".go").touch()


def note(**fields):
    """Write down that a run has begun; let it wait if it is to be interrupted.

    Whatever a test does to a sweep that is held, it does in time, however slow the machine is.
    """
    if path := os.environ.get(LOG):
        log, parent = Path(path), os.getppid()
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{fields}\n")
        begun = log.read_text(encoding="utf-8").count("\n")
        while (
            begun > int(os.environ.get(HOLD, begun))
            and not log.with_suffix(".go").exists()
            and os.getppid() == parent  # or nobody is left to be released by
        ):
            time.sleep(0.02)
    time.sleep(float(os.environ.get(PAUSE, 0)))


def train(H, learning_rate, seed, steps):
    """Return the losses of a network that learns to sum its inputs in its last state."""
    rng = np.random.default_rng(seed)
    params = rnn.init(1, H, rng=rng)
    optimizer = optim.Adam(learning_rate)
    state = optimizer.init(params)
    found = []
    for _ in range(steps):
        x = rng.normal(size=(T, B, 1)) / T
        h_T = rnn.forward(params, x).h[-1]
        total = np.broadcast_to(x.sum(axis=0), h_T.shape)
        found.append(losses.mean_squared_error(h_T, total))
        dh_T = losses.mean_squared_error_vjp(1.0, h_T, total)
        trace = rnn.forward(params, x)
        grads = rnn.backward(params, trace, dh_T=dh_T).params
        params, state = optimizer.step(params, grads, state)
    return found, tree.leaves(params)


def learning(*, H, learning_rate, seed):
    note(H=H, learning_rate=learning_rate, seed=seed)
    found, _ = train(H, learning_rate, seed, STEPS)
    return {
        "first": found[:3],
        "final": found[-1],
        "solved": found[-1] < found[0],
        "kind": "rnn",
        "ratio": np.nan,
    }


def learning_probe(*, H, learning_rate, seed):
    return {"first": train(H, learning_rate, seed, 3)[0]}


LEARNING = Sweep(
    name="sweeps.experiments:LEARNING",
    experiment=learning,
    configurations=[
        {"H": H, "learning_rate": learning_rate}
        for H in (4, 8)
        for learning_rate in (0.01, 0.1)
    ],
    seeds=range(3),
    signature={"first": 1e-9},
    probe=learning_probe,
)


def square(*, x, seed):
    note(x=x, seed=seed)
    return {"square": float(x**2), "seed_again": seed, "tens": [x, 10 * x]}


SQUARES = Sweep(
    name="sweeps.experiments:SQUARES",
    experiment=square,
    configurations=[{"x": x} for x in (3, 1, 2)],
    seeds=(7, 5),
    signature={"square": 0.0, "tens": 0.0},
)


def fragile(*, x, seed):
    note(x=x, seed=seed)
    if x == seed and "SWEEPS_TEST_MENDED" not in os.environ:
        raise ZeroDivisionError(f"x is {x}")
    return {"x": x}


FRAGILE = Sweep(
    name="sweeps.experiments:FRAGILE",
    experiment=fragile,
    configurations=[{"x": x} for x in range(3)],
    seeds=range(3),
)


def empty(*, seed):
    """Return no result."""


EMPTY = Sweep(
    name="sweeps.experiments:EMPTY",
    experiment=empty,
    configurations=[{}],
    seeds=[0],
)


def leaving(*, x, seed):
    if x == 2 and seed == 0:
        sys.exit(0)
    return {"x": x}


LEAVING = Sweep(
    name="sweeps.experiments:LEAVING",
    experiment=leaving,
    configurations=[{"x": x} for x in range(3)],
    seeds=range(2),
)


def stubborn(*, seed):
    """Catch a Ctrl-C in the second row, as training does."""
    try:
        if seed == 1:
            signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        return {"whole": False}
    return {"whole": True}


STUBBORN = Sweep(
    name="sweeps.experiments:STUBBORN",
    experiment=stubborn,
    configurations=[{}],
    seeds=range(3),
)


def deadly(*, x, seed):
    if x == seed:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"x": x}


DEADLY = Sweep(
    name="sweeps.experiments:DEADLY",
    experiment=deadly,
    configurations=[{"x": 0}],
    seeds=range(3),
)


def threads(*, seed):  # noqa: ARG001
    pools = threadpool_info()
    return {
        "pid": os.getpid(),
        "threads": [
            pool["num_threads"] for pool in pools if pool["user_api"] == "blas"
        ],
    }


THREADS = Sweep(
    name="sweeps.experiments:THREADS",
    experiment=threads,
    configurations=[{}],
    seeds=range(2),
)
