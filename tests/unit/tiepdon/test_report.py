from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from openpyxl import load_workbook
from sqlalchemy import select

from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital
from tests.unit.backend.jobs.test_roll_up import make_resources
from tiepdon.cli import main


@pytest.fixture
def desk(database: Database) -> Desk:
    hospital = Hospital(database).set_up()
    hospital.add_room("101")
    hospital.add_service("NOI", "101")
    return Desk(make_resources(hospital), hospital)


def run(database_url: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["report", *arguments, "--db", database_url])


def test_a_month_as_a_spreadsheet(desk: Desk, database_url: str, tmp_path: Path) -> None:
    for _ in range(4):
        desk.take("NOI")
    file, lines = tmp_path / "thang.xlsx", tmp_path / "thang.csv"
    result = run(
        database_url, "month", "--date", "2026-11-02", "--xlsx", str(file), "--csv", str(lines)
    )
    assert result.exit_code == 0, result.output
    facts = json.loads(result.output)
    assert (facts["first"], facts["last"]) == ("2026-11-01", "2026-11-30")
    assert facts["figures"]["visits"] == 4
    assert "Chi tiết phòng và giờ" in load_workbook(file).sheetnames
    assert lines.read_bytes().startswith(b"\xef\xbb\xbf")
    with desk.resources.database.read() as connection:
        actors = connection.scalars(
            select(AuditEvent.actor).where(AuditEvent.event == "report_exported")
        ).all()
    assert actors == ["command", "command"]


def test_nothing_counted_is_a_verdict(desk: Desk, database_url: str) -> None:
    result = run(database_url, "day", "--date", "2026-11-20")
    assert result.exit_code == 1
    assert json.loads(result.output)["counted_at"] is None


def test_what_is_no_day_is_refused(database_url: str) -> None:
    assert run(database_url, "day", "--date", "hôm qua").exit_code == 2
    assert run(database_url, "century").exit_code == 2
