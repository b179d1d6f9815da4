"""Stand-ins for remote parties from the command line."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from backend.domain.checkin_table.standard import standard_on
from backend.domain.checkin_table.xml import write_checkin
from tests.factories.checkin import ARRIVED, ZONE, make_row
from tiepdon.cli import main
from tiepdon.commands.emulate import EMULATORS, find_complaints

STANDARD = standard_on(ARRIVED.date())


@contextmanager
def running(party: str) -> Iterator[str]:
    """The line it prints when it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tiepdon", "emulate", party], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline()
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@pytest.mark.parametrize("party", ["his-fhir", "his-json", "bhxh", "bank", "sepay", "casso"])
def test_it_says_where_it_is_and_answers(party: str) -> None:
    with running(party) as line:
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert address is not None, line
        try:
            urllib.request.urlopen(address[0], timeout=20).close()
        except urllib.error.HTTPError as error:
            error.close()  # an answer all the same


@pytest.mark.parametrize("party", sorted(EMULATORS))
def test_it_refuses_production(party: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIEPDON_ENV", "production")
    result = CliRunner().invoke(main, ["emulate", party])
    assert result.exit_code == 1
    assert "production" in result.stderr


def test_the_emulated_gateway_judges_check_in_tables_by_our_rules() -> None:
    good = write_checkin([make_row()], STANDARD, zone=ZONE)
    assert find_complaints(good) == []
    bad = write_checkin([make_row(patient_category="1.8")], STANDARD, zone=ZONE)
    assert find_complaints(bad) == ["TRANG_THAI_KCB[1]/MA_DOITUONG_KCB: CI-12"]
    assert find_complaints(b"<html>") == ["not a check-in table"]
