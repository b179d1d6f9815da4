from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kiosk_ui.gateway.command_journal import MOST_KEPT, CommandJournalFile
from kiosk_ui.gateway.fleet_models import CommandResult
from kiosk_ui.gateway.models import Label

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
DONE = CommandResult(state="done", reason="unconfirmed")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "commands"


def test_what_was_begun_is_known_after_a_restart(file: Path) -> None:
    journal = CommandJournalFile(file)
    assert journal.find("r1") is None
    journal.keep("r1")
    again = CommandJournalFile(file).find("r1")
    assert again is not None
    assert again.result is None


def test_an_end_replaces_the_beginning_and_what_was_attached_is_not_kept(file: Path) -> None:
    journal = CommandJournalFile(file)
    journal.keep("p1")
    journal.keep("p1", DONE.model_copy(update={"attachment_base64": "SECRET=="}))
    again = CommandJournalFile(file).find("p1")
    assert again is not None
    assert again.result == DONE
    assert "SECRET" not in file.read_text(encoding="utf-8")


def test_the_oldest_are_forgotten(file: Path) -> None:
    journal = CommandJournalFile(file)
    for n in range(MOST_KEPT + 5):
        journal.keep(f"c{n}")
    again = CommandJournalFile(file)
    assert again.find("c4") is None
    assert again.find("c5") is not None


@pytest.mark.parametrize(
    "content", ["", "{", "[1]", '{"commands": [{"id": 5}]}', "\x00\xff", '{"out_words": "x"}']
)
def test_a_damaged_file_is_an_empty_one_and_is_written_over(file: Path, content: str) -> None:
    file.write_text(content, encoding="utf-8")
    journal = CommandJournalFile(file)
    assert journal.find("r1") is None
    assert journal.find_out_words() is None
    journal.keep("r1")
    assert CommandJournalFile(file).find("r1") is not None


def test_the_words_of_staff_are_known_after_a_restart_until_they_are_taken_back(
    file: Path,
) -> None:
    words = Label(vi="Máy đang bảo trì.", en="Under repair.")
    CommandJournalFile(file).keep_out_words(words)
    journal = CommandJournalFile(file)
    journal.keep("r1")
    assert CommandJournalFile(file).find_out_words() == words
    journal.keep_out_words(None)
    again = CommandJournalFile(file)
    assert again.find_out_words() is None
    assert again.find("r1") is not None


def test_what_the_disk_did_not_take_is_not_known(tmp_path: Path) -> None:
    journal = CommandJournalFile(tmp_path / "gone" / "commands")
    with pytest.raises(OSError, match="gone"):
        journal.keep("r1")
    assert journal.find("r1") is None


def test_it_restarts_itself_once_an_hour_at_most_whatever_the_clock_does(file: Path) -> None:
    journal = CommandJournalFile(file)
    assert journal.may_restart_itself(NOW, again_after_s=3600)
    journal.note_restart_of_itself(NOW)
    again = CommandJournalFile(file)
    assert not again.may_restart_itself(NOW + timedelta(minutes=59), again_after_s=3600)
    assert not again.may_restart_itself(NOW - timedelta(minutes=59), again_after_s=3600)
    assert again.may_restart_itself(NOW + timedelta(hours=1), again_after_s=3600)
    assert again.may_restart_itself(NOW - timedelta(days=1), again_after_s=3600)
