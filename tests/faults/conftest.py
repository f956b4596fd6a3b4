"""Which faults are injected: a day's share, or with --all-faults every one."""

import datetime

import pytest

from tools import faults


def pytest_addoption(parser):
    parser.addoption("--all-faults", action="store_true", help="inject every fault")


def pytest_generate_tests(metafunc):
    if "fault" in metafunc.fixturenames:
        everything = metafunc.config.getoption("--all-faults")
        # In the world's time, so that all workers have the same day.
        today = datetime.datetime.now(datetime.UTC).date()
        chosen = faults.FAULTS if everything else faults.share(today)
        metafunc.parametrize("fault", chosen, ids=lambda fault: fault.what)


def pytest_terminal_summary(terminalreporter):
    found = {
        outcome: sum(
            "test_a_fault_is_found" in report.nodeid
            for report in terminalreporter.getreports(outcome)
            if report.when == "call"
        )
        for outcome in ("passed", "failed")
    }
    injected = sum(found.values())
    if injected:
        terminalreporter.write_line(
            f"faults caught: {found['passed']} of {injected} injected, {len(faults.FAULTS)} known"
        )


@pytest.fixture
def copy(tmp_path):
    """The repository, to be made worse."""
    faults.with_build(tmp_path / "copy")
    return tmp_path / "copy"
