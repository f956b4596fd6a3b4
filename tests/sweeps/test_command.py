"""The command line: exit codes, messages, and sweeps that are stopped and killed."""

import os
import re
import runpy
import signal
import sys
from dataclasses import replace

import pytest

from lstm_lab.sweeps import Status, run, running
from lstm_lab.sweeps.__main__ import EPILOG, main
from lstm_lab.sweeps.store import Row, appending, create, header, read

from .conftest import PATIENCE, lines, wait_for
from .experiments import HOLD, LEARNING, LOG, SQUARES

TARGET = "sweeps.experiments:SQUARES"


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store.jsonl"


@pytest.fixture
def said(capsys, store):
    """Return a function that does what a command says, and returns code, output and errors."""

    def command(action, target=TARGET, *options):
        words = [action, target, "--store", str(store), *map(str, options)]
        return main(words), *capsys.readouterr()

    return command


# Actions


def test_a_sweep_from_its_start_to_its_check(said, store):
    code, out, err = said("status")
    assert (code, out) == (1, "")
    assert err.startswith(f"FAILED: there is no store {store}; make it with: ")

    done = f"{store} is complete: 6 rows.\n"
    assert said("run", TARGET, "--jobs", 1) == (0, done, "")
    assert said("status") == (0, f"{store}: 6 of 6 rows\n", "")
    confirmed = (0, f"{store} is confirmed: 6 of 6 rows.\n", "")
    assert said("check", TARGET, "--jobs", 1) == confirmed


def test_quiet_is_silent(said):
    assert said("run", TARGET, "--jobs", 1, "--quiet") == (0, "", "")


def test_rows_to_check_can_be_chosen(said, calls):
    said("run", TARGET, "--jobs", 1)
    calls()
    said("check", TARGET, "--jobs", 1, "--rows", 4, 1)
    assert calls() == [{"x": 3, "seed": 5}, {"x": 2, "seed": 7}]
    said("check", TARGET, "--jobs", 1, "--every", 3)
    assert calls() == [{"x": 3, "seed": 7}, {"x": 1, "seed": 5}]
    with pytest.raises(SystemExit, match="2"):
        said("check", TARGET, "--rows", 1, "--every", 3)


def test_nothing_is_confirmed_where_nothing_is_compared(said, store):
    create(store, header(SQUARES))
    nothing = f"FAILED: there is nothing to check: {store} has no rows\n"
    assert said("check", TARGET, "--jobs", 1) == (1, "", nothing)
    run(SQUARES, store, jobs=1)
    for number in (0, -1):
        every = f"FAILED: --every must be 1 or more, got {number}\n"
        assert said("check", TARGET, "--every", number) == (1, "", every)


def test_how_much_was_compared_is_said(said, store):
    run(SQUARES, store, jobs=1)
    for options, rows in (("--every", 4), 2), (("--rows", 1, 1), 1):
        assert said("check", TARGET, "--jobs", 1, *options) == (
            0,
            f"{store} is confirmed: {rows} of 6 rows.\n",
            "",
        )


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_experiment_that_exits_costs_its_own_row(said, store, jobs):
    """Neither its code nor its silence become those of the sweep."""
    code, out, err = said(
        "run", "sweeps.experiments:LEAVING", "--jobs", jobs, "--quiet"
    )
    assert (code, out) == (1, "")
    assert err.startswith("FAILED: 1 rows failed")
    assert "row 4, {'x': 2}, seed 0: SystemExit: 0\n" in err
    assert len(read(store).rows) == 5


def test_a_module_that_exits_is_no_success(said, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "a_script.py").write_text("raise SystemExit(0)\n")
    code, out, err = said("status", "a_script:SWEEP")
    assert (code, out) == (1, "")
    assert "'a_script' cannot be imported: SystemExit: 0" in err


def test_what_differs_is_printed(said, store):
    rows = run(SQUARES, store, jobs=1)
    create(store, header(SQUARES))
    with appending(store) as append:
        append(rows[1]._replace(result=rows[1].result | {"square": 8.0}))
    assert said("check", TARGET, "--jobs", 1) == (
        1,
        "row 1, square: 8.0 stored, 9.0 now\n",
        "",
    )


def test_a_stale_or_incomplete_store_is_no_success(said, store):
    made_by = header(SQUARES)
    create(store, made_by)
    assert said("status") == (1, f"{store}: 0 of 6 rows\n", "")
    create(store, replace(made_by, code=made_by.code | {"lstm_lab.rnn": "0"}))
    with appending(store) as append:
        for case in SQUARES.cases:
            append(Row(*case, {}))
    stale = f"{store}: 6 of 6 rows\nstale: lstm_lab.rnn changed\n"
    assert said("status") == (1, stale, "")
    code, out, err = said("run")
    assert (code, out) == (1, "")
    command = re.search(
        r"Run it again with: python -m lstm_lab.sweeps (.*)", err
    )
    assert main([*command[1].split(), "--jobs", "1"]) == 0
    assert read(store).header == made_by


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "absent.module:SWEEP",
            "'absent.module' cannot be imported: ModuleNotFoundError: No module",
        ),
        (":SWEEP", "'' cannot be imported: ValueError: Empty module name"),
        ("sweeps.experiments", "sweeps.experiments is no sweep; MODULE:SWEEP"),
        ("sweeps.experiments:T", "sweeps.experiments:T is no sweep"),
        ("sweeps.experiments:FRAGILE", "3 rows failed"),
    ],
)
def test_failures_are_told_in_plain_words(said, target, message):
    code, out, err = said("run", target, "--jobs", 1)
    assert (code, out) == (1, "")
    assert err.startswith(f"FAILED: {message}")


def test_a_store_that_cannot_be_written_is_a_failure(capsys, tmp_path):
    store = tmp_path / "file" / "store.jsonl"
    store.parent.write_text("", encoding="utf-8")
    assert main(["run", TARGET, "--store", str(store)]) == 1
    assert capsys.readouterr().err.startswith("FAILED: ")


def test_a_command_that_is_none_is_2(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["run"])
    assert "MODULE:SWEEP, --store" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "required: action" in capsys.readouterr().err


USAGE = "usage: python -m lstm_lab.sweeps"
SWEEP = (
    "MODULE:SWEEP where the sweep is imported from, such as lstm_lab.memory:SWEEP",
    "--store FILE the file of its rows",
)
JOBS = "--jobs N processes on this machine; one on each core, if not given"
ACTIONS = {
    "run": "Run what the store has no row of yet.",
    "check": "Run rows again, and compare them with the store.",
    "status": "Say how many rows are there, and if the code is the same.",
}
HELP = {
    (): (
        f"{USAGE} [-h] {{run,check,status}} ...",
        "Run a sweep of experiments into a store, and look after the store.",
        *(f"{action} {purpose}" for action, purpose in ACTIONS.items()),
    ),
    ("run",): (
        f"{USAGE} run [-h] --store FILE [--jobs N] [--dask ADDRESS]"
        " [--renew] [--quiet] MODULE:SWEEP",
        ACTIONS["run"],
        *SWEEP,
        JOBS,
        "--dask ADDRESS run on the workers of this Dask scheduler, such as"
        " tcp://host:8786",
        "--renew begin afresh, if the store is of other code or another grid",
        "--quiet show no progress, say nothing",
    ),
    ("check",): (
        f"{USAGE} check [-h] --store FILE [--jobs N]"
        " [--rows ROW [ROW ...] | --every N] MODULE:SWEEP",
        ACTIONS["check"],
        *SWEEP,
        JOBS,
        "--rows ROW [ROW ...] these rows, counted from 0; all, if not given",
        "--every N row 0, N, 2 N and so on",
    ),
    ("status",): (
        f"{USAGE} status [-h] --store FILE MODULE:SWEEP",
        ACTIONS["status"],
        *SWEEP,
    ),
}


@pytest.mark.parametrize("action", HELP)
def test_help_says_what_each_word_is_for(action, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # a narrow terminal breaks words
    with pytest.raises(SystemExit, match="0"):
        main([*action, "--help"])
    said = f" {' '.join(capsys.readouterr().out.split())} "
    assert [line for line in HELP[action] if f" {line} " not in said] == []


def test_the_exit_codes_stand_as_they_were_written(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert capsys.readouterr().out.endswith(f"\n\n{EPILOG}\n")


@pytest.mark.parametrize(
    ("action", "words", "expected"),
    [
        (
            "run",
            (),
            {"jobs": -1, "dask": None, "renew": False, "progress": True},
        ),
        (
            "run",
            ("--jobs", 3, "--dask", "tcp://a:1", "--renew", "--quiet"),
            {"jobs": 3, "dask": "tcp://a:1", "renew": True, "progress": False},
        ),
        ("check", (), {"jobs": -1, "rows": None}),
        ("check", ("--jobs", 3, "--rows", 2), {"jobs": 3, "rows": [2]}),
    ],
)
def test_what_is_asked_for_is_handed_on(
    action, words, expected, said, store, monkeypatch
):
    asked = []

    def note(*arguments, **options):
        asked.append((arguments, options))
        return ()

    monkeypatch.setattr(
        "lstm_lab.sweeps.__main__.status", lambda *_: Status(6, 6, ())
    )
    monkeypatch.setattr(f"lstm_lab.sweeps.__main__.{action}", note)
    assert said(action, TARGET, *words)[0] == 0
    assert asked == [((SQUARES, str(store)), expected)]


def test_help_says_what_there_is(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["lstm_lab.sweeps", "--help"])
    monkeypatch.delitem(sys.modules, "lstm_lab.sweeps.__main__")
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("lstm_lab.sweeps", run_name="__main__")
    out = capsys.readouterr().out
    for word in ("python -m lstm_lab.sweeps", "run", "check", "status", "130"):
        assert word in out


def test_stopped_is_130(said, store, monkeypatch):
    def stop(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("lstm_lab.sweeps.__main__.run", stop)
    message = (
        f"Stopped. {store} keeps every row so far; the same command goes on.\n"
    )
    assert said("run") == (130, "", message)


# Whole processes


def learning(store, *options):
    target = "sweeps.experiments:LEARNING"
    return ("-m", "lstm_lab.sweeps", "run", target, "--store", store, *options)


def as_calls(cases):
    return sorted(
        [{**case.configuration, "seed": case.seed} for case in cases], key=str
    )


def held(log, calls):
    """Return what lets a sweep begin that many calls, of which two at once may hold one."""
    return {LOG: str(log), HOLD: str(calls)}


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_a_sweep_and_the_same_command_goes_on(
    start, store, tmp_path, jobs
):
    command = learning(store, "--jobs", jobs)
    process = start(*command, **held(tmp_path / "log", 5))
    wait_for(lambda: lines(store) > 2)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    assert process.wait(PATIENCE) == 130
    out, err = process.said()
    assert out == ""
    assert "keeps every row so far; the same command goes on." in err
    assert "Traceback" not in err
    assert 1 < len(read(store).rows) < len(LEARNING.cases)
    once = tmp_path / "once.jsonl"
    run(LEARNING, once, jobs=1)
    run(LEARNING, store, jobs=1)
    assert store.read_bytes() == once.read_bytes()


def test_workers_leave_ctrl_c_to_the_process_that_ends_them():
    before = signal.getsignal(signal.SIGINT)
    try:
        running._ignore_interrupts()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("jobs", "moments"), [(1, [0, 1, 5]), (2, [4])])
def test_a_sweep_killed_again_and_again_loses_and_repeats_no_row(
    start, store, tmp_path, jobs, moments
):
    once = tmp_path / "once.jsonl"
    run(LEARNING, once, jobs=1)
    for rows in moments:
        before = read(store).rows if store.exists() else ()
        log = tmp_path / f"log-{rows}"
        process = start(
            *learning(store, "--jobs", jobs), **held(log, rows + jobs)
        )
        wait_for(lambda rows=rows: lines(store) > rows)
        process.kill()
        assert process.wait(PATIENCE) == -signal.SIGKILL
        kept = {row.row for row in read(store).rows}
        assert {row.row for row in before} <= kept
        with store.open("ab") as file:  # as if it had been killed in mid-line
            file.write(once.read_bytes().splitlines()[-1][: -rows - 1])
    missing = read(store).missing
    assert missing
    log = tmp_path / "last"
    process = start(*learning(store, "--jobs", jobs), SWEEPS_TEST_LOG=str(log))
    assert process.wait(PATIENCE) == 0
    assert process.said() == (f"{store} is complete: 12 rows.\n", "")
    ran = sorted(log.read_text(encoding="utf-8").splitlines())
    assert ran == list(map(str, as_calls(missing)))
    assert store.read_bytes() == once.read_bytes()
