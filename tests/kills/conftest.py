"""How often a process is killed: some times in each test run, with --all-kills thirty."""

import pytest

KILLED = pytest.StashKey[list]()


def pytest_addoption(parser):
    parser.addoption("--all-kills", action="store_true", help="kill thirty times")


def pytest_configure(config):
    config.stash[KILLED] = []


@pytest.fixture
def kills(request):
    """Return how many kills are to be survived, of a number in each test run and of all."""

    def number(few, many):
        chosen = many if request.config.getoption("--all-kills") else few
        request.node.user_properties.append(("kills", chosen))
        return chosen

    return number


def pytest_terminal_summary(terminalreporter):
    survived, suffered = 0, 0
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            kills = dict(report.user_properties).get("kills", 0)
            if report.when == "call":
                suffered += kills
                survived += kills * (outcome == "passed")
    if suffered:
        terminalreporter.write_line(f"kills survived: {survived} of {suffered}")
