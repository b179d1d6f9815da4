from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import pytest

from devices.errors import JournalInUse
from devices.events import DeviceEvent
from devices.models import PrintReason, PrintResult, PrintState
from devices.printers.journal import PrintJournal


def result(job_id: str, state: PrintState = PrintState.PRINTED) -> PrintResult:
    return PrintResult(job_id=job_id, state=state, elapsed_ms=12)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "jobs"


def reopened(journal: PrintJournal, file: Path) -> PrintJournal:
    journal.close()
    return PrintJournal(file)


def test_results_outlive_the_program(file: Path) -> None:
    journal = PrintJournal(file)
    journal.begin("a")
    journal.end(result("a"))
    journal = reopened(journal, file)
    assert journal.find("a") == result("a")
    assert journal.find("b") is None
    journal.close()


def test_a_job_begun_and_not_ended_is_unknown_after_a_restart(file: Path) -> None:
    journal = PrintJournal(file)
    journal.begin("a")
    journal = reopened(journal, file)
    found = journal.find("a")
    assert found is not None
    assert (found.state, found.reason) == (PrintState.UNKNOWN, PrintReason.RESTARTED)
    assert journal.newest() == found
    journal.close()


@pytest.mark.parametrize("tail", [b'{"job": "b", "sta', b"\xff\xfe\n", b"[]\n", b'{"job": 1}\n'])
def test_a_torn_line_costs_that_line_only(
    file: Path, tail: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    journal = PrintJournal(file)
    journal.end(result("a"))
    journal.close()
    file.write_bytes(file.read_bytes() + tail)
    with caplog.at_level(logging.WARNING):
        journal = PrintJournal(file)
    assert DeviceEvent.PRINT_JOURNAL_DAMAGED in caplog.text
    journal.end(result("c"))
    journal = reopened(journal, file)
    assert journal.find("a") == result("a")
    assert journal.find("c") == result("c")
    journal.close()


def test_a_second_program_is_kept_out(file: Path) -> None:
    journal = PrintJournal(file)
    with pytest.raises(JournalInUse):
        PrintJournal(file)
    journal.close()
    PrintJournal(file).close()


def test_it_keeps_the_newest_thousand_jobs(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    journal = PrintJournal(file)
    for number in range(1010):
        journal.end(result(f"job-{number}"))
    assert journal.find("job-9") is None
    journal = reopened(journal, file)
    assert journal.find("job-9") is None
    assert journal.find("job-10") is not None
    assert len(file.read_bytes().splitlines()) == 1000
    newest = journal.newest()
    assert newest is not None
    assert newest.job_id == "job-1009"
    journal.close()


def test_a_full_disk_stops_a_job_before_it_begins(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = PrintJournal(file)
    monkeypatch.setattr(os, "write", full_disk)
    with pytest.raises(OSError, match="No space"):
        journal.begin("a")
    assert journal.find("a") is None
    monkeypatch.undo()
    assert file.read_bytes() == b""
    journal.close()


def test_a_disk_that_takes_half_a_line_leaves_no_half_line(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = PrintJournal(file)
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:5]))
    with pytest.raises(OSError, match="in part"):
        journal.begin("a")
    monkeypatch.undo()
    assert file.read_bytes() == b""
    journal.begin("b")
    journal = reopened(journal, file)
    assert journal.find("b") is not None
    journal.close()


def test_a_result_the_disk_does_not_take_is_logged_and_held(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    journal = PrintJournal(file)
    journal.begin("a")
    monkeypatch.setattr(os, "write", full_disk)
    with caplog.at_level(logging.ERROR):
        journal.end(result("a"))
    monkeypatch.undo()
    assert DeviceEvent.PRINT_JOURNAL_FAILED in caplog.text
    assert journal.find("a") == result("a")
    journal = reopened(journal, file)
    found = journal.find("a")
    assert found is not None
    assert found.state is PrintState.UNKNOWN
    journal.close()


def test_a_folder_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with pytest.raises(OSError):
        PrintJournal(tmp_path / "plain" / "jobs")


def full_disk(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
