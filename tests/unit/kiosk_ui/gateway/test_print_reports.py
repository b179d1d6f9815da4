from __future__ import annotations

from pathlib import Path

import pytest

from kiosk_ui.errors import ServerAway, ServerRefused
from kiosk_ui.gateway import print_reports
from kiosk_ui.gateway.fake import FakeGateway
from kiosk_ui.gateway.models import PrintStateRequest
from kiosk_ui.gateway.print_reports import PrintReportJournal


def printed(job: int) -> PrintStateRequest:
    return PrintStateRequest(job_id=f"job-{job}", state="printed", elapsed_ms=300)


def test_a_report_the_server_took_is_forgotten(tmp_path: Path) -> None:
    gateway = FakeGateway()
    journal = PrintReportJournal(tmp_path / "reports", gateway)
    journal.report("visit-1", printed(1))
    assert gateway.print_states == [printed(1)]
    assert (tmp_path / "reports").read_text() == ""


def test_reports_wait_for_the_server_across_a_restart(tmp_path: Path) -> None:
    gateway = FakeGateway()
    gateway.down = True
    journal = PrintReportJournal(tmp_path / "reports", gateway)
    for job in (1, 2):
        journal.report("visit-1", printed(job))
    gateway.down = False
    restarted = PrintReportJournal(tmp_path / "reports", gateway)
    restarted.retry()
    assert gateway.print_states == [printed(1), printed(2)]
    restarted.retry()
    assert len(gateway.print_states) == 2


def test_a_refused_report_does_not_block_the_others(tmp_path: Path) -> None:
    gateway = FakeGateway()
    gateway.down = True
    journal = PrintReportJournal(tmp_path / "reports", gateway)
    for job in (1, 2):
        journal.report("visit-1", printed(job))
    gateway.down = False
    gateway.refusals["report_print_state"] = "visit_not_found"
    journal.retry()
    assert gateway.print_states == [printed(2)]
    assert (tmp_path / "reports").read_text() == ""


def test_a_repeated_report_has_the_same_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = FakeGateway()
    keys: list[str] = []

    def lost(_visit_id: str, _request: PrintStateRequest, *, key: str) -> None:
        keys.append(key)
        raise ServerAway

    monkeypatch.setattr(gateway, "report_print_state", lost)
    journal = PrintReportJournal(tmp_path / "reports", gateway)
    journal.report("visit-1", printed(1))
    journal.retry()
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_folder_that_cannot_be_written_loses_only_the_memory(tmp_path: Path) -> None:
    gateway = FakeGateway()
    gateway.down = True
    journal = PrintReportJournal(tmp_path / "missing" / "reports", gateway)
    journal.report("visit-1", printed(1))
    gateway.down = False
    journal.retry()
    assert gateway.print_states == [printed(1)]


def test_a_damaged_file_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    gateway = FakeGateway()
    gateway.down = True
    PrintReportJournal(tmp_path / "reports", gateway).report("visit-1", printed(1))
    good = (tmp_path / "reports").read_text()
    (tmp_path / "reports").write_text(f'nonsense\n{{"visit_id": 1}}\n{good}{{"visit')
    gateway.down = False
    PrintReportJournal(tmp_path / "reports", gateway).retry()
    assert gateway.print_states == [printed(1)]


def test_no_more_than_a_bounded_number_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(print_reports, "MOST_KEPT", 5)
    gateway = FakeGateway()
    gateway.down = True
    journal = PrintReportJournal(tmp_path / "reports", gateway)
    for job in range(7):
        journal.report("visit-1", printed(job))
    lines = (tmp_path / "reports").read_text().splitlines()
    assert len(lines) == 5
    assert "job-6" in lines[-1]


def test_other_refusals_raise_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = FakeGateway()

    def refused(*_args: object, **_named: object) -> None:
        raise ServerRefused("move_not_allowed")

    monkeypatch.setattr(gateway, "report_print_state", refused)
    PrintReportJournal(tmp_path / "reports", gateway).report("visit-1", printed(1))
    assert (tmp_path / "reports").read_text() == ""


def test_receipts_are_reported_the_same_way_across_a_restart(tmp_path: Path) -> None:
    gateway = FakeGateway()
    gateway.down = True
    journal = PrintReportJournal(tmp_path / "reports", gateway)
    journal.report("visit-1", printed(1))
    journal.report_receipt("payment-1", printed(2))
    gateway.down = False
    PrintReportJournal(tmp_path / "reports", gateway).retry()
    assert gateway.print_states == [printed(1)]
    [(payment_id, request)] = gateway.money.receipts_reported
    assert (payment_id, request.state) == ("payment-1", "printed")
    assert (tmp_path / "reports").read_text() == ""


def test_a_file_of_an_older_version_is_read(tmp_path: Path) -> None:
    line = '{"visit_id": "visit-1", "request": {"job_id": "job-1", "state": "printed"}}\n'
    (tmp_path / "reports").write_text(line)
    gateway = FakeGateway()
    PrintReportJournal(tmp_path / "reports", gateway).retry()
    assert [request.job_id for request in gateway.print_states] == ["job-1"]
