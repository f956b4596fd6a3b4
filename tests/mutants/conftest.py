"""Where no process can be forked, there are no mutants; their number is said at the end."""

import os

collect_ignore = [] if hasattr(os, "fork") else ["test_mutants.py"]


def pytest_terminal_summary(terminalreporter):
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            said = dict(report.user_properties).get("mutants")
            if said and report.when == "call":
                terminalreporter.write_line(said)
