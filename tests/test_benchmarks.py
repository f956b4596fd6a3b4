"""The benchmarks' harness: it times fairly, compares results before, and judges as it says."""

import gc
import json
import os
import time
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from numpy.testing import assert_allclose

from benchmarks import gates, memory, run, speed, techniques, training
from benchmarks.cases import BATCHED, SHAPES, SINGLE, VARIANTS, Shape, draw
from benchmarks.contenders import ENTRIES, LIMIT, OURS, Entry, load
from benchmarks.environment import fresh, processor
from benchmarks.timing import Samples, calls_for, compare, interleave, sample
from lstm_lab import tree

TINY = Shape(B=2, T=3, D=4, H=5)
# Of the norm of an array: float32 rounds at 6e-8, sums have up to some hundred terms.
TOLERANCE = {"float32": 1e-5, "float64": 1e-13}
BRIEF = 1e-4  # seconds

ALL_VARIANTS = pytest.mark.parametrize("variant", VARIANTS)
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])


# --- Cases and contenders ---


@ALL_VARIANTS
@DTYPES
def test_a_problem_has_no_zero_array_and_one_dtype(variant, dtype):
    problem = draw(variant, TINY, dtype)
    arrays = [*tree.leaves(problem.params).values(), *problem.states]
    for array in (*arrays, problem.x, problem.dh):
        assert array.dtype == dtype
        assert array.all()


@pytest.mark.parametrize(
    ("name", "variant", "dtype"),
    [
        ("ONNX Runtime", "rnn", "float32"),
        ("ONNX Runtime", "lstm", "float32"),
        ("ONNX Runtime", "gru-before", "float32"),
        ("ONNX Runtime", "gru-after", "float32"),
        ("HIPS autograd", "lstm", "float64"),
        ("one example at a time", "lstm", "float32"),
        ("one example at a time", "lstm", "float64"),
    ],
)
def test_contenders_compute_the_same(name, variant, dtype):
    problem = draw(variant, TINY, dtype)
    ours, theirs = load("ours", problem), load(ENTRIES[name].module, problem)
    assert theirs.outputs
    speed.check_results(name, ours, theirs, problem)


@pytest.mark.parametrize("field", ["W", "b", "x", "h0", "c0"])
def test_a_wrong_gradient_is_found(field):
    problem = draw("lstm", TINY, "float64")
    ours = load("ours", problem)

    def wrong(grads):
        parts = {**grads._asdict(), **grads.params._asdict()}
        parts[field] = parts[field] * (1 + 1e-6)
        params = problem.params._replace(W=parts["W"], b=parts["b"])
        return grads._replace(
            params=params, **{k: parts[k] for k in ("x", "h0", "c0")}
        )

    planted = ours._replace(grads=wrong)
    with pytest.raises(speed.WrongResultError, match=rf"{field} has the rel"):
        speed.check_results("planted", ours, planted, problem)


def test_wrong_states_are_found():
    problem = draw("rnn", TINY, "float64")
    ours = load("ours", problem)
    planted = ours._replace(outputs=lambda result: result[0][::-1])
    with pytest.raises(speed.WrongResultError, match="planted, rnn: h has"):
        speed.check_results("planted", ours, planted, problem)


@pytest.mark.parametrize(
    ("actual", "fault"),
    [
        (np.ones(3, np.float32), "the dtype float32, expected float64"),
        (np.ones((3, 1)), r"the shape \(3, 1\), expected \(3,\)"),
        (np.full(3, np.nan), "the relative error nan"),
    ],
    ids=["dtype", "shape", "NaN"],
)
def test_wrong_arrays_are_found(actual, fault):
    with pytest.raises(speed.WrongResultError, match=fault):
        speed.check_close("a", actual, np.ones(3))


@ALL_VARIANTS
def test_the_limit_runs_and_claims_no_result(variant):
    limit = load(ENTRIES[LIMIT].module, draw(variant, TINY, "float32"))
    limit.forward()
    limit.step()
    assert limit.outputs is None
    assert limit.grads is None


def test_entries_say_where_they_take_part():
    entry = Entry("m", variants=("lstm",), shapes=(TINY,), dtypes=("float32",))
    assert entry.enters("lstm", TINY, "float32")
    assert not entry.enters("rnn", TINY, "float32")
    assert not entry.enters("lstm", SINGLE, "float32")
    assert not entry.enters("lstm", TINY, "float64")


# --- Timing ---


def test_every_round_times_every_function_in_a_new_order(rng):
    called = []
    functions = {
        name: lambda name=name: called.append(name) for name in ("a", "b", "c")
    }
    samples = interleave(functions, 20, rng=rng, at_least=0.0)
    assert {len(series.seconds) for series in samples.values()} == {20}
    rounds = np.reshape(called[3:], (20, 3))  # the first three calls warm up
    assert (np.sort(rounds) == ["a", "b", "c"]).all()
    assert len(np.unique(rounds, axis=0)) > 3


@pytest.fixture
def asleep(monkeypatch):
    """Return a function that lets time pass, by a clock of its own, while nothing is computed."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def sleep(seconds):
        now[0] += seconds

    return sleep


def test_seconds_are_those_of_one_call(rng, asleep):
    samples = interleave(
        {"sleep": lambda: asleep(0.002)}, 3, rng=rng, at_least=0.02
    )["sleep"]
    assert_allclose(samples.seconds, 0.002)
    assert_allclose(samples.wall, 3 * 10 * 0.002)  # a sample is several calls
    assert samples.processor < samples.wall / 2  # who sleeps does not work


def test_short_functions_are_called_often(asleep):
    assert calls_for(lambda: asleep(0.001), at_least=0.02) in (20, 21)
    assert calls_for(lambda: asleep(0.01), at_least=0.001) == 1


@pytest.mark.parametrize("enabled", [True, False])
def test_no_garbage_is_collected_meanwhile(enabled):
    (gc.enable if enabled else gc.disable)()
    seen = []
    try:
        sample(lambda: seen.append(gc.isenabled()), 2)
        assert seen == [False, False]
        assert gc.isenabled() is enabled
        with pytest.raises(ZeroDivisionError):
            sample(lambda: 1 / 0, 1)
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


def test_ratios_are_of_medians_and_quartiles_of_rounds():
    ours = np.array([1.0, 2.0, 9.0, 2.0, 4.0])
    theirs = np.array([2.0, 6.0, 9.0, 8.0, 4.0])
    found = compare(ours, theirs)
    # Rounds have the ratios 2, 3, 1, 4, 1.
    assert found == (2.0, 6.0, 3.0, 1.0, 3.0)


def test_too_many_busy_cores_are_found():
    one = Samples(np.ones(2), wall=2.0, processor=2.0)
    two = Samples(np.ones(2), wall=2.0, processor=4.0)
    speed.check_threads("a", [one, one], 1)
    speed.check_threads("a", [one, two], 2)
    with pytest.raises(speed.ThreadsError, match=r"a keeps 1\.50 cores busy"):
        speed.check_threads("a", [one, two], 1)


def test_a_process_has_the_threads_that_it_was_given():
    before = dict(os.environ)
    assert fresh(os.getenv, "OPENBLAS_NUM_THREADS", threads=2) == "2"
    assert os.environ == before


def test_each_library_chooses_its_instructions_itself(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert fresh(os.getenv, "OPENBLAS_CORETYPE") is None
    assert os.environ["OPENBLAS_CORETYPE"] == "Haswell"


def test_the_processor_has_a_name():
    assert processor()


def test_records_of_speed():
    plan = speed.Plan(
        rounds=3,
        shapes=(SINGLE,),
        dtypes=("float64",),
        variants=("lstm", "rnn"),
        contenders=(LIMIT, "HIPS autograd", "one example at a time"),
        at_least=BRIEF,
        threads=os.cpu_count(),
    )
    records = speed.measure(plan)
    found = [(r["variant"], r["contender"], r["pass"]) for r in records]
    assert found == [
        ("lstm", LIMIT, "forward"),
        ("lstm", LIMIT, "training step"),
        ("lstm", "HIPS autograd", "forward"),
        ("lstm", "HIPS autograd", "training step"),
        ("rnn", LIMIT, "forward"),
        ("rnn", LIMIT, "training step"),
    ]
    assert [r["rounds"] for r in records] == [3, 3, 1, 1, 3, 3]
    for record in records:
        assert record["shape"] == list(SINGLE)
        assert record["ratio"] == record["theirs"] / record["ours"] > 0


@pytest.mark.parametrize("watching", [True, False])
def test_progress_is_shown_where_a_terminal_is_watching(
    watching, monkeypatch, capsys
):
    monkeypatch.setattr("sys.stderr.isatty", lambda: watching)
    speed.report("1/9")
    assert ("1/9" in capsys.readouterr().err) is watching


# --- Techniques ---


@DTYPES
@pytest.mark.parametrize("name", techniques.TECHNIQUES)
def test_techniques_compute_the_same(name, dtype):
    technique, plain = techniques.TECHNIQUES[name](TINY, dtype)
    actual, expected = technique(), plain()
    assert actual.dtype == expected.dtype == dtype
    error = np.linalg.norm(actual - expected) / np.linalg.norm(expected)
    assert error < TOLERANCE[dtype]


@ALL_VARIANTS
def test_the_plain_loop_computes_the_same(variant):
    kernel, plain = techniques.loops(draw(variant, TINY, "float64"))
    trace = kernel()
    h = [states[0] for states, _ in plain()]
    assert_allclose(trace.h[1:], h, rtol=1e-12, atol=1e-15)


def test_records_of_techniques():
    records = techniques.measure(1, [SINGLE, BATCHED[0]], BRIEF, ["float32"])
    assert len(records) == 2 * len(VARIANTS) + len(techniques.TECHNIQUES)
    assert all(record["ratio"] > 0 for record in records)


# --- Memory ---


def test_traced_memory_is_that_of_arrays():
    kept, peak = memory.traced(lambda: np.tile(np.ones(100_000), 2))
    assert_allclose([kept, peak], [1_600_000, 2_400_000], rtol=0.01)


def test_resident_memory_grows_with_arrays():
    size = 50_000_000
    before = memory.resident("VmRSS")
    array = np.ones(size, np.uint8)
    assert memory.resident("VmRSS") - before > 0.9 * size
    assert memory.resident("VmHWM") >= memory.resident("VmRSS")
    assert array.all()


def test_resident_memory_has_two_fields():
    with pytest.raises(ValueError, match="got 'VmX'"):
        memory.resident("VmX")


@ALL_VARIANTS
def test_what_is_held_is_the_trace(variant):
    shape = Shape(B=8, T=100, D=4, H=32)
    arch, params, x, states, _ = draw(variant, shape, "float64")[1:]
    trace = arch.forward(params, x, *states)
    views = sum(leaf.nbytes for leaf in trace)
    held = memory.held_by_us(variant, shape, "float64")
    assert 0.7 * views < held < 1.3 * views


@ALL_VARIANTS
def test_inference_takes_no_more_for_longer_sequences(variant):
    short, long = (
        memory.extra_of_inference(variant, Shape(4, T, 3, 32), "float64")
        for T in (500, 2000)
    )
    assert 0 <= long < 1.2 * short


@ALL_VARIANTS
def test_checkpoints_take_twice_as_much_for_four_times_the_length(variant):
    short, long = (
        memory.extra_of_checkpointing(variant, Shape(2, T, 3, 32))
        for T in (400, 1600)
    )
    assert long < 2.5 * short


def test_checkpointing_is_compared_before_it_is_timed(monkeypatch):
    assert memory.time_of_checkpointing("lstm", TINY) > 0
    exact = memory.checkpointed

    def wrong(problem):
        grads = exact(problem)
        return grads._replace(x=np.nextafter(grads.x, 1))

    monkeypatch.setattr(memory, "checkpointed", wrong)
    with pytest.raises(ValueError, match="dx of lstm must be the same"):
        memory.time_of_checkpointing("lstm", TINY)


# --- Training ---


def test_the_criterion_is_that_of_a_run():
    config = replace(training.CONFIG, criterion=0.5, window=2)
    assert not training.met(config, [0.1])
    assert not training.met(config, [0.0, 0.6, 0.5])
    assert training.met(config, [9.0, 0.4, 0.5])


def test_losses_that_differ_are_found():
    ours = np.linspace(1, 2, 2 * training.COMPARED)
    late = ours.copy()
    late[training.COMPARED :] *= 2
    training.check_losses(late, ours)
    early = ours.copy()
    early[3] *= 1 + 2 * training.TOLERANCE
    with pytest.raises(training.WrongLossError, match="in step 3"):
        training.check_losses(early, ours)


# --- Gates ---


def verdict(records, **bounds):
    gate = gates.Gate("a", "speed", {"dtype": ("f", "g"), "n": 1}, **bounds)
    (found,) = gates.judge({"speed": records}, [gate])
    return found


@pytest.mark.parametrize(
    ("bounds", "value", "passed"),
    [
        ({"at_least": 2.0}, 2.0, True),
        ({"at_least": 2.1}, 2.0, False),
        ({"at_most": 8.0}, 8.0, True),
        ({"at_most": 7.9}, 8.0, False),
        ({"at_least": 3.9, "mean": True}, 4.0, True),
        ({"at_least": 4.1, "mean": True}, 4.0, False),
    ],
)
def test_a_gate_judges_the_worst_record_or_the_mean(bounds, value, passed):
    records = [
        {"dtype": "f", "n": 1, "ratio": 2.0},
        {"dtype": "g", "n": 1, "ratio": 8.0},
        {"dtype": "h", "n": 1, "ratio": 1e-3},
        {"dtype": "f", "n": 2, "ratio": 1e3},
    ]
    found = verdict(records, **bounds)
    assert_allclose(found.value, value, rtol=1e-12)
    assert found.passed is passed


def test_what_was_not_measured_does_not_pass():
    found = verdict([{"dtype": "f", "n": 2, "ratio": 9.0}], at_least=1.0)
    assert found.value is None
    assert not found.passed


# --- Results ---


@pytest.fixture(scope="module")
def stored():
    path = files("lstm_lab") / "data" / "benchmarks.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_stored_results_have_all_that_the_gates_judge(stored):
    missing = [v.gate.name for v in gates.judge(stored) if v.value is None]
    assert missing == []


def test_the_stored_results_have_every_part_and_their_origin(stored):
    assert tuple(stored)[1:] == run.PARTS
    assert stored["environment"]["rounds"] > 1
    assert stored["environment"]["versions"].keys() > {"numpy", "torch"}


def test_results_are_written_a_record_a_line(tmp_path):
    record = {"environment": {"a": 1}, "speed": [{"b": 2.5}, {"b": "·"}]}
    path = tmp_path / "results.json"
    run.write(path, record)
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == record
    assert '\n  {"b": 2.5},\n  {"b": "·"}\n' in text


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Let every part and the environment be found at once; return the book's file."""
    records = [{"technique": "a", "ratio": 1.23456}]
    monkeypatch.setattr(run, "_measure", lambda *_: records)
    monkeypatch.setattr(run, "fresh", lambda *_: {"date": "today"})
    monkeypatch.setattr(run, "RESULTS", tmp_path / "book.json")
    monkeypatch.setattr(run.gates, "judge", lambda _: [])
    return run.RESULTS


def test_a_full_run_writes_the_book_s_file(measured, capsys):
    assert run.main(["--rounds", "5"]) == 0
    record = json.loads(measured.read_text(encoding="utf-8"))
    assert tuple(record) == ("environment", *run.PARTS)
    assert record["environment"]["rounds"] == 5
    assert record["speed"] == [{"technique": "a", "ratio": 1.235}]
    assert "1.235" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--quick"],
        ["--only", "speed"],
        ["--shapes", "0", "2"],
        ["--contenders", "PyTorch"],
    ],
)
def test_a_partial_run_writes_only_where_it_is_told(
    measured, arguments, tmp_path
):
    run.main(arguments)
    assert not measured.exists()
    run.main([*arguments, "--output", str(tmp_path / "here.json")])
    assert (tmp_path / "here.json").exists()
    assert not measured.exists()


@pytest.mark.parametrize(
    ("value", "arguments", "code"),
    [
        (2.0, [], 0),
        (0.5, [], 1),
        (None, [], 1),
        (0.5, ["--quick"], 1),
        (None, ["--quick"], 0),
    ],
)
@pytest.mark.usefixtures("measured")
def test_the_exit_code_tells_of_missed_bounds(
    value, arguments, code, monkeypatch, capsys
):
    gate = gates.Gate("a bound", "speed", {}, at_least=1.0)
    verdicts = [gates.Verdict(gate, value)]
    monkeypatch.setattr(run.gates, "judge", lambda _: verdicts)
    assert run.main(arguments) == code
    words = {2.0: "PASS", 0.5: "FAIL", None: "not measured"}
    assert words[value] in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["--rounds", "0"], ["--shapes", str(len(SHAPES))], ["--x"]]
)
def test_wrong_arguments_are_refused(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        run.main(arguments)
    assert arguments[0] in capsys.readouterr().err


def test_our_name_is_no_contender_s():
    assert OURS not in ENTRIES
