"""Mutants are only where a process that has computed can be forked: on Linux."""

import sys

collect_ignore = [] if sys.platform == "linux" else ["test_mutants.py"]


def pytest_terminal_summary(terminalreporter):
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            said = dict(report.user_properties).get("mutants")
            if said and report.when == "call":
                terminalreporter.write_line(said)
