"""Each known fault turns the check red that is there for it, and the check is green without it."""

import datetime
import re

import pytest

from tools import faults

KINDS = {*("code", "chapters", "page", "configuration"), *("data", "dependencies", "supply")}


def test_a_fault_is_found(fault, copy):
    faults.inject(fault, copy)
    red, said = faults.judge(fault, copy)
    assert red, said[-2000:]
    assert re.search(fault.said, said), said[-2000:]


def test_without_a_fault_the_same_checks_are_green(copy):
    """Those that are quick, together: what is red for no fault would find each."""
    quick = sorted(
        {
            target
            for fault in faults.FAULTS
            if fault.check.startswith(faults.PYTEST) and " -k " not in fault.check
            for target in faults.who(fault).split()
        }
    )
    check = f"{faults.PYTEST} {' '.join(quick)}"
    fault = faults.FAULTS[0]._replace(check=check)
    red, said = faults.judge(fault, copy)
    assert not red, said[-3000:]


def test_there_are_faults_of_every_kind():
    assert len(faults.FAULTS) >= 40
    assert {fault.kind for fault in faults.FAULTS} == KINDS
    assert len({fault.what for fault in faults.FAULTS}) == len(faults.FAULTS)


def test_each_fault_has_its_place_and_its_tests():
    for fault in faults.FAULTS:
        file = faults.ROOT / fault.file
        if fault.old and not fault.file.startswith(faults.BUILT):
            assert file.is_file(), fault
            assert file.read_text(encoding="utf-8").count(fault.old) == 1, fault
        tests = [w for w in fault.check.split() if w.startswith("tests/")]
        assert all((faults.ROOT / path).exists() for path in tests), fault


def test_after_some_days_each_has_had_its_turn():
    first = datetime.date(2026, 1, 1)
    days = -(-len(faults.FAULTS) // faults.SHARE)
    met = [fault for n in range(days) for fault in faults.share(first + datetime.timedelta(n))]
    assert sorted(met) == sorted(faults.FAULTS)


def test_the_list_is_that_of_the_faults():
    listed = faults.LIST.read_text(encoding="utf-8")
    assert listed == faults.listing(), "run: python -m tools.faults"


def test_a_fault_that_cannot_be_injected_is_an_error(tmp_path):
    (tmp_path / "a").write_text("text", encoding="utf-8")
    fault = faults.FAULTS[0]._replace(file="a", old="nothing")
    with pytest.raises(ValueError, match="is not in a any more"):
        faults.inject(fault, tmp_path)
