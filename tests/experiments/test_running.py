"""Experiments as they run: complete, each row once, the same however it came about."""

import json
import os
import shlex
import signal
import time
from importlib import import_module

import pytest
from distributed import LocalCluster
from threadpoolctl import threadpool_info, threadpool_limits

from lstm_lab.experiments import ExperimentError, Row, check, column, load, run
from lstm_lab.experiments.__main__ import main

from .conftest import POWERS, TOOLS

CASES = [(x, seed) for x in (3, 1, 2) for seed in (7, 5)]
PATIENCE = 600  # seconds, after which something hangs: no machine is as slow


def as_calls(*numbers):
    return [{"x": CASES[n][0], "seed": CASES[n][1]} for n in numbers]


def lines(file):
    return file.read_bytes().splitlines(keepends=True) if file.exists() else []


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


# Running


def test_every_configuration_runs_with_every_seed_once(powers, calls):
    rows = run(powers, jobs=1)
    assert calls() == as_calls(*range(6))
    for n, (row, (x, seed)) in enumerate(zip(rows, CASES, strict=True)):
        assert row[:3] == (n, {"x": x}, seed)
        assert (row.result["power"], row.result["list"]) == (x**2, [x, seed])
    assert repr(load(powers)) == repr(rows)
    before = powers.STORE.read_bytes()
    for renew in (False, True):  # a current store is kept
        assert repr(run(powers, jobs=1, renew=renew)) == repr(rows)
    assert calls() == []
    assert powers.STORE.read_bytes() == before


def test_processes_and_their_order_change_no_byte(powers, tmp_path, calls):
    run(powers, jobs=1)
    calls()
    other = tmp_path / "other.jsonl"
    run(powers, other, jobs=2)
    assert sorted(map(str, calls())) == sorted(map(str, as_calls(*range(6))))
    assert sorted(lines(other)) == sorted(lines(powers.STORE))
    assert repr(load(powers, other)) == repr(load(powers))


@pytest.mark.parametrize("length", [0, 1, 30, -1])
def test_a_torn_last_line_is_run_again(powers, calls, length):
    run(powers, jobs=1)
    once = lines(powers.STORE)
    calls()
    powers.STORE.write_bytes(b"".join(once[:4]) + once[4][:length])
    with pytest.raises(ExperimentError, match="3 of 6 rows are missing"):
        load(powers)
    run(powers, jobs=1)
    assert calls() == as_calls(3, 4, 5)
    assert lines(powers.STORE) == once


def test_a_killed_run_loses_no_row(powers, start, tmp_path, calls):
    once = tmp_path / "once.jsonl"
    run(powers, once, jobs=1)
    calls()
    process = start("run", powers.__name__, "--jobs", "2", HOLD="3")
    wait_for(lambda: len(lines(powers.STORE)) > 2)
    os.killpg(process.pid, signal.SIGKILL)  # with its workers
    process.wait()
    kept = lines(powers.STORE)
    done = [json.loads(line)["row"] for line in kept[1:]]
    assert 2 <= len(done) < 6
    calls()
    run(powers, jobs=1)
    assert calls() == as_calls(*(n for n in range(6) if n not in done))
    assert lines(powers.STORE)[: len(kept)] == kept
    assert sorted(lines(powers.STORE)) == sorted(lines(once))
    assert repr(load(powers)) == repr(load(powers, once))


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_stops_and_the_next_run_continues(powers, start, jobs):
    process = start("run", powers.__name__, "--jobs", jobs, HOLD="2")
    wait_for(lambda: len(lines(powers.STORE)) > 1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert process.wait(PATIENCE) == 1
    said = powers.STORE.with_name("said").read_text()
    assert "Stopped. Finished rows are stored; the next run continues." in said
    assert 1 < len(lines(powers.STORE)) < 7
    assert len(run(powers, jobs=1)) == 6


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.usefixtures("powers")
def test_a_row_that_raises_costs_no_other(package, jobs, monkeypatch):
    failing = """if "MENDED" not in os.environ and seed == 5:
            sys.exit(0) if x == 1 else 1 / 0"""
    source = POWERS.replace("log(x=x, seed=seed)", failing)
    fragile = import_module(package("fragile", source))
    with pytest.raises(ExperimentError) as caught:
        run(fragile, jobs=jobs)
    said = str(caught.value)
    assert said.startswith("3 of 6 rows failed: [1, 3, 5]. The first, {'x': 3}")
    assert said.endswith("ZeroDivisionError: division by zero\n")
    with pytest.raises(ExperimentError, match="3 of 6 rows are missing"):
        load(fragile)
    monkeypatch.setenv("MENDED", "")
    assert [row.row for row in run(fragile, jobs=1)] == [*range(6)]


@pytest.mark.usefixtures("powers")
def test_a_result_that_cannot_be_stored_is_a_failure(package):
    source = POWERS.replace('"power": power(x)', '"power": 1j')
    experiment = import_module(package("odd", source))
    message = "'complex' object has no attribute 'tolist'"
    with pytest.raises(ExperimentError, match=f"6 of 6 .*(?s:.*){message}"):
        run(experiment, jobs=1)


@pytest.mark.usefixtures("powers")
@pytest.mark.parametrize("jobs", [1, 2])
def test_linear_algebra_has_one_thread(package, jobs, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")  # for new processes
    source = (
        POWERS.replace("(x, seed)", "threads()")
        + """
    def threads():
        from threadpoolctl import threadpool_info
        return [pool["num_threads"] for pool in threadpool_info()]
    """
    )
    threads = import_module(package("threads", source))
    with threadpool_limits(2):
        rows = run(threads, jobs=jobs)
        here = [pool["num_threads"] for pool in threadpool_info()]
    assert {*column(rows, "list").flat} == {1}
    assert 2 in here


def test_a_cluster_makes_the_same_store(package, powers, tmp_path):
    other = tmp_path / "other.jsonl"
    words = ["run", powers.__name__, "--store", str(other), "--dask"]
    run(powers, jobs=1)
    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster:
        main([*words, cluster.scheduler_address])
        assert sorted(lines(other)) == sorted(lines(powers.STORE))
        package("tools", TOOLS.replace("** 2", "** 3"))
        with pytest.raises(SystemExit, match="has other code"):
            main([*words, cluster.scheduler_address, "--renew"])


# Stale and damaged stores


def test_a_run_adds_nothing_to_the_store_of_other_code(package):
    name = package(
        "replaced",
        """
        from pathlib import Path
        CONFIGURATIONS, SEEDS = [{}], (0, 1)
        STORE = Path(__file__).with_suffix(".jsonl")

        def probe(*, seed):
            STORE.write_text('{"other": "code"}\\n')  # as a run of changed code does
            return {"seed": seed}

        def experiment(*, seed):
            return {}
        """,
    )
    replaced = import_module(name)
    with pytest.raises(ExperimentError, match="has been replaced by a run of other code"):
        run(replaced, jobs=1)
    assert replaced.STORE.read_text() == '{"other": "code"}\n'


def test_a_stale_store_is_an_error_with_the_command_that_renews_it(package, powers, start):
    run(powers, jobs=1)
    remark = 'def power(x):\n        "A docstring."  # and a comment'
    package("tools", TOOLS.replace("def power(x):", remark))
    assert len(load(powers)) == 6
    package("tools", TOOLS.replace("** 2", "** 3"))
    before = powers.STORE.read_bytes()
    for function in (run, load, check):
        with pytest.raises(ExperimentError) as caught:
            function(powers)
        said, command = str(caught.value).split(". Renew it with: ")
        name = f"{powers.__name__.removesuffix('powers')}tools"
        assert said == f"{powers.STORE} is stale: {name} changed"
    assert powers.STORE.read_bytes() == before
    program, *words = shlex.split(command)
    assert (program, words[-1]) == ("python", "--renew")
    assert words[:2] == ["-m", "lstm_lab.experiments"]
    assert start(*words[2:]).wait(PATIENCE) == 0
    assert [*column(load(powers), "power")] == [27, 27, 1, 1, 8, 8]


def test_another_grid_is_stale(package, powers):
    run(powers, jobs=1)
    name = package("powers", POWERS.replace("(7, 5)", "(7, 5, 6)"))
    with pytest.raises(ExperimentError, match=f"is stale: {name} changed"):
        run(powers)


@pytest.mark.parametrize("torn", [None, b"", b'{"lstm_lab'])
def test_a_store_without_a_row_is_stale(powers, tmp_path, torn):
    other = tmp_path / "another one.jsonl"
    if torn is not None:
        other.write_bytes(torn)
    with pytest.raises(ExperimentError) as caught:
        load(powers, other)
    assert str(caught.value) == (
        f"{other} is stale: nothing is stored. Renew it with: python -m"
        f" lstm_lab.experiments run {powers.__name__} --renew --store '{other}'"
    )
    assert len(run(powers, other, jobs=1, renew=True)) == 6


def test_a_damaged_line_is_named_and_never_replaced(powers):
    run(powers, jobs=1)
    good = powers.STORE.read_text()
    for number, old, new in (
        (1, '{"', '{"": "", '),
        (3, '{"row": 1, ', '{"row": 2, '),
        (4, '{"row": 2, ', '{"row": -4, '),
        (5, '{"row": 3, ', '{"row"'),
        (6, '"list": [2, 7]}', '"list": [2, 7]}, "crc": 0'),
    ):
        written = good.splitlines(keepends=True)
        written[number - 1] = written[number - 1].replace(old, new)
        damaged = "".join(written)
        assert damaged != good
        powers.STORE.write_text(damaged)
        with pytest.raises(ExperimentError, match=f", line {number}, is not"):
            run(powers, jobs=1, renew=True)
        assert powers.STORE.read_text() == damaged


# Checking


@pytest.fixture
def changed(powers):
    """Return the experiment with a store in which row 0 is wrong, and row 1 almost right."""
    run(powers, jobs=1)
    right = '"power": 9.0'
    text = powers.STORE.read_text().replace(right, '"power": 9.1', 1)
    powers.STORE.write_text(text.replace(right, '"power": 9.001', 1))
    return powers


def test_a_changed_result_is_found(changed, calls, capsys):
    calls()
    assert check(changed, jobs=1) == ["row 0, power: 9.1 stored, 9.0 now"]
    assert check(changed, rows=[4, 1], jobs=1) == []
    assert calls() == []  # a probe is enough
    with pytest.raises(SystemExit, match=r"^row 0, power: 9\.1 stored, 9\.0"):
        main(["check", changed.__name__, "--jobs", "1"])
    assert capsys.readouterr().out == ""


def test_a_result_of_another_shape_is_found(powers):
    run(powers, jobs=1)
    text = powers.STORE.read_text()
    powers.STORE.write_text(text.replace("9.0", "[9.0, 9.0]", 1))
    said = ["row 0, power: [9.0, 9.0] stored, 9.0 now"]
    assert check(powers, jobs=1) == said


def test_nothing_is_confirmed_where_nothing_is_compared(powers):
    run(powers, jobs=1)
    for rows in ([], [1, 17]):
        with pytest.raises(ValueError, match="rows must be some of the 6"):
            check(powers, rows=rows, jobs=1)
    powers.probe = lambda **_: {}
    with pytest.raises(ValueError, match="probe must return results to comp"):
        check(powers, jobs=1)


def test_columns_are_of_rows_with_a_configuration():
    rows = [Row(n, {"a": n % 2, "b": 1}, 0, {"y": [n, 0], "z": None}) for n in range(4)]
    assert column(rows, "y", a=1).tolist() == [[1, 0], [3, 0]]
    assert len(column(rows, "y", b=1)) == len(column(rows, "y")) == 4
    with pytest.raises(ValueError, match=r"rows must .* \{'a': 2\}, got none"):
        column(rows, "y", a=2)
    with pytest.raises(ValueError, match=r"one of \['y', 'z'\], got 'x'"):
        column(rows, "x")


# The command


def test_an_experiment_from_its_start_to_its_check(powers, capsys):
    def said(action):
        main([action, powers.__name__, "--jobs", "1"])
        return capsys.readouterr().out

    assert said("run") == "All rows are stored.\n"
    assert said("check") == "All rows agree with the store.\n"


def test_experiments_of_the_book_have_short_names(tmp_path):
    store = str(tmp_path / "none.jsonl")
    with pytest.raises(SystemExit, match=r"run .*experiments.phase --"):
        main(["check", "phase", "--store", store])
    with pytest.raises(SystemExit, match="No module named 'phases'"):
        main(["check", "phases"])
