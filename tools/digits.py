"""How many digits of a result are the same with another NumPy or more threads: lab.py digits.

A fixed set of results is computed in processes with one and with two threads of linear algebra,
and with the oldest and the newest NumPy, in the environments of `tools.versions`. Each result is
compared with that of the newest NumPy on one thread. How far it may be away is in `GROUPS`;
CONTRIBUTING.md says the same, and how far it was is in tests/versions/README.md.
`python -m tools.digits document` writes both anew without computing.
"""

import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate
from threadpoolctl import threadpool_info

from benchmarks.cases import VARIANTS, Shape, draw
from benchmarks.environment import processor, variables
from lstm_lab import (
    gradflow,
    gru,
    lstm,
    rnn,
    seq2seq,
    tasks,
    training,
    transductions,
    tree,
)
from lstm_lab.seq2seq import attention
from tools import versions

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "CONTRIBUTING.md"
MEASURED = ROOT / "tests" / "versions" / "digits.json"
REPORT = ROOT / "tests" / "versions" / "README.md"
MARKS = (
    "<!-- digits: written by python -m tools.digits -->\n",
    "<!-- /digits -->",
)
DTYPES = ("float32", "float64")
# The steps of the first are computed in tiles, which are not divided among threads. Those of the
# second are: it has no such tiles. The third is a single sequence: a matrix times a vector.
SHAPES = (
    Shape(32, 20, 64, 256),
    Shape(64, 10, 100, 251),
    Shape(1, 20, 64, 512),
)
FLOW_H, FLOW_T = 256, 20
TRAINED = training.Config(
    task=tasks.adding, T=10, H=256, batch_size=32, steps=8, held_out_size=100
)
ATTENDED = Shape(4, 64, 0, 256)  # S is T
TEXTS, LETTERS, ANSWER = 61, 10, 12  # a prime, for it has no tiles
WIDTH = 256
HELPED = 1e-3  # seconds of a second thread: less is what clocks are off

Arrays = dict[str, NDArray[Any]]


class Group(NamedTuple):
    """Results whose digits have the same reason to differ.

    Rounding differs where a sum is taken in another order. A sum of n terms is then away by about
    the square root of n units in the last place of its largest entry, for errors have both signs
    (Higham and Mary 2019); steps that follow each other pass an error on and add their own.

    Attributes
    ----------
    what : str
        In words.
    steps : int
        Steps, each taking what the one before has computed.
    terms : int
        Terms of the longest sum in a step.
    dtypes : tuple of str
        In which they are computed.
    """

    what: str
    steps: int
    terms: int
    dtypes: tuple[str, ...] = DTYPES

    @property
    def bound(self) -> int:
        """How far a result may be away, in eps of its dtype; zero, if no bit may differ."""
        return math.ceil(self.steps * math.sqrt(self.terms))


_T = max(shape.T for shape in SHAPES)
_FORWARD = max(shape.D + shape.H + 1 for shape in SHAPES)
_BACKWARD = max(shape.T * shape.B for shape in SHAPES)
GROUPS = {
    "draws": Group("drawn numbers: weights and inputs", 0, 1),
    "forward": Group("hidden states and traces", _T, _FORWARD),
    "infer": Group("hidden states without a trace", _T, _FORWARD),
    # There and back; the gradient of a weight is a sum over all steps and sequences.
    "backward": Group("gradients", 2 * _T, _BACKWARD),
    "gradient flow": Group(
        "logarithms of a gradient's norms at each lag",
        2 * FLOW_T,
        FLOW_H,
        dtypes=("float64",),
    ),
    # Each update takes what all before it have made of the weights.
    "training": Group(
        "losses, gradient norms and weights of a training run",
        2 * TRAINED.T * TRAINED.steps,
        TRAINED.T * TRAINED.batch_size,
    ),
    # Score, softmax, mean, and the same back.
    "attention": Group(
        "attention's means and weights, and their gradients",
        6,
        ATTENDED.B * ATTENDED.T * ATTENDED.T,
    ),
    # Two layers that read, two that write.
    "translation": Group(
        "weights and log-probabilities of decoded texts",
        2 * (LETTERS + ANSWER),
        2 * WIDTH + 1,
    ),
    "texts": Group("decoded texts, letter by letter", 0, 1),
}


class Line(NamedTuple):
    """What a comparison found in a group, in one dtype.

    Attributes
    ----------
    group, dtype : str
        Which one.
    count, differing : int
        Arrays, and those of them in which a bit differs.
    largest : float
        The largest difference, relative to the largest entry of its array.
    """

    group: str
    dtype: str
    count: int
    differing: int
    largest: float

    @property
    def eps(self) -> float:
        """The same in eps of the dtype; as it is, where there is none."""
        kind = np.dtype(self.dtype).kind
        return (
            self.largest / np.finfo(self.dtype).eps
            if kind == "f"
            else self.largest
        )

    @property
    def within(self) -> bool:
        """Whether the group's bound holds."""
        return self.eps <= GROUPS[self.group].bound


# --- Results ---


def results(dtype: str) -> Iterator[tuple[str, Arrays]]:
    """Yield all results of a dtype by name, with the name of their group."""
    for number, shape in enumerate(SHAPES):
        for variant in VARIANTS:
            yield from layers(variant, shape, dtype, f"{variant} {number}")
    yield from attended(dtype)
    yield from translated(dtype)
    yield from trained(dtype)
    if dtype in GROUPS["gradient flow"].dtypes:
        for arch in (rnn, lstm, gru):
            flow = gradflow.gradient_flow(arch, H=FLOW_H, T=FLOW_T, seeds=[0])
            yield "gradient flow", {flow.cell: flow.log10_norms}


def layers(
    variant: str, shape: Shape, dtype: str, name: str
) -> Iterator[tuple[str, Arrays]]:
    """Yield what a layer computes, there and back."""
    problem = draw(variant, shape, dtype)
    arch, params = problem.arch, problem.params
    drawn = (params, problem.x, problem.states, problem.dh)
    yield "draws", tree.leaves(drawn, name)
    trace = arch.forward(params, problem.x, *problem.states)
    yield "forward", tree.leaves(trace, name)
    yield (
        "infer",
        tree.leaves(arch.infer(params, problem.x, *problem.states), name),
    )
    yield (
        "backward",
        tree.leaves(arch.backward(params, trace, problem.dh), name),
    )


def attended(dtype: str) -> Iterator[tuple[str, Arrays]]:
    """Yield what attention reads, and its gradients, with each score."""
    B, T, _, H = ATTENDED
    for kind in attention.KINDS:
        rng = np.random.default_rng(0)
        queries, memory, dcontexts = rng.normal(size=(3, B, T, H)).astype(dtype)
        queries *= H**-0.5  # as large as scores are that have not been learned
        weights = attention.init(kind, H, rng=rng)
        params = tree.map(lambda leaf: leaf.astype(dtype), weights)
        mask = np.arange(T) < rng.integers(1, T + 1, size=(B, 1))
        read = attention.attend(params, queries, memory, mask)
        yield "attention", tree.leaves(read, kind)
        back = attention.attend_vjp(params, queries, memory, read[1], dcontexts)
        yield "attention", tree.leaves(back, f"{kind} gradient")


def translated(dtype: str) -> Iterator[tuple[str, Arrays]]:
    """Yield what a translator of random weights makes of some texts."""
    rng = np.random.default_rng(0)
    sources, targets = transductions.copy(TEXTS, length=LETTERS, rng=rng)
    known = seq2seq.fit_vocabularies(sources, targets)
    network = seq2seq.Network(
        sources=known.source.size,
        targets=known.target.size,
        hidden=WIDTH,
        layers=2,
        bidirectional=True,
    )
    params = seq2seq.init(network, rng=rng, dtype=dtype)
    source, lengths = known.source.batch(sources)
    found = seq2seq.greedy(network, params, source, lengths, longest=ANSWER)
    numbers = (found.log_probability, found.weights)
    yield "translation", tree.leaves(numbers, "greedy")
    yield "texts", {"greedy": found.tokens}


def trained(dtype: str) -> Iterator[tuple[str, Arrays]]:
    """Yield the record of a short training run."""
    run = training.fit(lstm, replace(TRAINED, dtype=dtype), progress=False)
    record = (run.losses, run.grad_norms, run.held_out, run.final)
    yield "training", tree.leaves(record, "adding")


def compute(file: Path) -> None:
    """Compute all results in this process, and write them to a file.

    With them goes what they were computed by, and for how many seconds threads besides the main
    one have worked for each group.
    """
    found: Arrays = {}
    helped = dict.fromkeys(GROUPS, 0.0)
    for dtype in DTYPES:
        before = time.process_time() - time.thread_time()
        for group, arrays in results(dtype):
            now = time.process_time() - time.thread_time()
            helped[group] += now - before
            before = now
            for name, array in arrays.items():
                found[f"{group}|{dtype}|{name}"] = np.asarray(array)
    blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    about = {
        "numpy": np.__version__,
        "blas": sorted(
            f"{pool['internal_api']} {pool['version']} ({pool['architecture']})"
            for pool in blas
        ),
        "threads": max(pool["num_threads"] for pool in blas),
        "helped": helped,
    }
    np.savez(file, about=np.array(json.dumps(about)), **found)


def about(file: Path) -> dict[str, Any]:
    """Return what the results of a file were computed by."""
    with np.load(file) as stored:
        read: dict[str, Any] = json.loads(stored["about"].item())
    return read


# --- Comparisons ---


def compare(file: Path, reference: Path) -> list[Line]:
    """Return what differs between two files, a line for each group and dtype.

    Parameters
    ----------
    file, reference : Path
        What `compute` wrote.

    Returns
    -------
    list of Line
        Differences are relative to the entries of the reference.

    Raises
    ------
    ValueError
        If they do not hold results of the same names and shapes.
    """
    with np.load(file) as ours, np.load(reference) as theirs:
        if set(ours) != set(theirs):
            raise ValueError(
                f"only in one file: {sorted(set(ours) ^ set(theirs))}"
            )
        kinds: dict[tuple[str, str], list[tuple[bool, float]]] = {}
        for name in sorted(set(theirs) - {"about"}):
            group, dtype, _ = name.split("|")
            kinds.setdefault((group, dtype), []).append(
                difference(ours[name], theirs[name])
            )
    return [
        Line(
            *kind,
            len(found),
            sum(differs for differs, _ in found),
            # NaN, if there is one: `max` may pass it over.
            float(np.max([largest for _, largest in found])),
        )
        for kind, found in sorted(
            kinds.items(), key=lambda one: [*GROUPS].index(one[0][0])
        )
    ]


def difference(
    array: NDArray[Any], reference: NDArray[Any]
) -> tuple[bool, float]:
    """Return whether a bit differs, and the largest difference over the largest entry."""
    if array.shape != reference.shape or array.dtype != reference.dtype:
        return True, math.inf
    if array.tobytes() == reference.tobytes():
        return False, 0.0
    # In float64: the difference of two float32 is exact there.
    exact = reference.astype(np.float64)
    apart = np.abs(array.astype(np.float64) - exact).max()
    return True, float(apart / np.abs(exact).max())


def measure() -> dict[str, Any]:
    """Compute everything in all environments, and return what the comparisons found."""
    python = versions.PYTHONS[-1]
    cases = [
        (age, threads) for age in ("newest", "oldest") for threads in (1, 2)
    ]
    comparisons: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{age}{n}.npz" for age, n in cases]
        for file, (age, threads) in zip(files, cases, strict=True):
            start(versions.environment(python, age), file, threads)
        for file in files[1:]:
            lines = [line._asdict() for line in compare(file, files[0])]
            comparisons.append(about(file) | {"lines": lines})
        reference = about(files[0])
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "python": python,
        "reference": reference,
        "comparisons": comparisons,
    }


def start(environment: Path, file: Path, threads: int) -> None:
    """Let the Python of an environment compute, with a number of threads, which must work."""
    command = ("-m", "tools.digits", "compute", str(file))
    done = versions.run(environment, *command, **variables(threads))
    if done.returncode != 0:
        raise SystemExit(done.stdout + done.stderr)
    by = about(file)
    if by["threads"] != threads:
        raise SystemExit(f"{by['threads']} threads in the place of {threads}")
    if idle := not_helped(by):
        raise SystemExit(f"one thread did all the work of: {', '.join(idle)}")


def not_helped(by: dict[str, Any]) -> list[str]:
    """Return the groups in which a second thread should have worked, and did not."""
    if by["threads"] == 1:
        return []
    return [
        name
        for name, group in GROUPS.items()
        if group.bound and by["helped"][name] < HELPED
    ]


# --- What is said of it ---


def guide() -> str:
    """Return what CONTRIBUTING.md says of digits."""
    rows = [
        f"| {group.what} | {group.steps or ''} | {group.terms if group.steps else ''}"
        f" | {allowed(group, 'float32')} | {allowed(group, 'float64')} |"
        for group in GROUPS.values()
    ]
    return "\n".join(
        [
            "On the same machine, with the same versions and on one thread of linear algebra,"
            " which is what `lab.py` sets, results are the same to the bit. With another"
            " version of NumPy, or on two threads, sums are taken in another order, and"
            " results differ in their last digits: with n terms in the longest sum and k steps"
            " that follow each other, by up to k √n eps of the dtype, relative to the largest"
            " entry of an array, and that is what `python3 lab.py digits` allows, from the"
            " oldest to the newest NumPy.",
            "",
            "| results | steps | terms | float32 | float64 |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "[What was measured](tests/versions/README.md) is far less.",
            "",
        ]
    )


def allowed(group: Group, dtype: str) -> str:
    """Return the bound of a group in words, relative to the largest entry."""
    if dtype not in group.dtypes:
        return ""
    if not group.bound:
        return "not a bit"
    return f"{group.bound * np.finfo(dtype).eps:.1e}"


def guided(text: str) -> str:
    """Return the text of CONTRIBUTING.md with what it says of digits written anew."""
    begin, end = MARKS
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}{guide()}{end}{after}"


def report(measured: dict[str, Any]) -> str:
    """Return the tables of a measurement."""
    reference, comparisons = measured["reference"], measured["comparisons"]
    headers = [
        "results",
        "dtype",
        "arrays",
        *(title(comparison) for comparison in comparisons),
        "bound",
    ]
    rows = [
        [
            lines[0].group,
            lines[0].dtype,
            lines[0].count,
            *(f"{line.differing}, {line.eps:.2g} eps" for line in lines),
            f"{GROUPS[lines[0].group].bound} eps",
        ]
        for lines in zip(*map(lines_of, comparisons), strict=True)
    ]
    total = sum(line.count for line in lines_of(comparisons[0]))
    summary = [
        f"- {title(comparison)}: {sum(line.differing for line in lines_of(comparison))} of"
        f" {total} arrays differ; linear algebra by {', '.join(comparison['blas'])}"
        for comparison in comparisons
    ]
    return "\n".join(
        [
            "# Digits: with another NumPy, on more threads",
            "",
            "Written by `python3 lab.py digits`, which computes the results in each environment"
            " and compares them with those of"
            f" {title(reference)} ({', '.join(reference['blas'])}). Measured on"
            f" {measured['date']} with Python {measured['python']} on {measured['processor']}.",
            "",
            "Each cell has the number of arrays in which a bit differs, and the largest"
            " difference, relative to the largest entry of its array, in eps of the dtype."
            " The bounds are in `tools/digits.py`, with their reason.",
            "",
            tabulate(rows, headers, tablefmt="github", disable_numparse=True),
            "",
            *summary,
            "",
        ]
    )


def title(by: dict[str, Any]) -> str:
    """Return what results were computed by, in short."""
    threads = "one thread" if by["threads"] == 1 else f"{by['threads']} threads"
    return f"NumPy {by['numpy']}, {threads}"


def lines_of(comparison: dict[str, Any]) -> list[Line]:
    """Return the lines of a stored comparison."""
    return [Line(**line) for line in comparison["lines"]]


def document() -> None:
    """Write both documents anew: of the bounds, and of what was measured last."""
    text = GUIDE.read_text(encoding="utf-8")
    GUIDE.write_text(guided(text), encoding="utf-8")
    REPORT.write_text(report(stored()), encoding="utf-8")


def stored() -> dict[str, Any]:
    """Return what was measured last."""
    read: dict[str, Any] = json.loads(MEASURED.read_text(encoding="utf-8"))
    return read


def main(arguments: list[str]) -> int:
    """Compute into a file, document, or, without a word, measure and judge."""
    match arguments:
        case ["compute", file]:
            compute(Path(file))
            return 0
        case ["document"]:
            document()
            return 0
    measured = measure()
    sys.stdout.write(f"{report(measured)}\n")
    lines = [line for one in measured["comparisons"] for line in lines_of(one)]
    within = sum(line.within for line in lines)
    sys.stdout.write(f"bounds of digits kept: {within} of {len(lines)}\n")
    if within < len(lines):
        return 1
    MEASURED.write_text(f"{json.dumps(measured, indent=1)}\n", encoding="utf-8")
    document()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
