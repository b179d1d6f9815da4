"""The journal of numbers given alone: never twice, through restarts, damage and wrong clocks."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk_ui.errors import NoOfflineNumber, ServerAway
from kiosk_ui.gateway.fake import FakeGateway
from kiosk_ui.gateway.offline_numbers import OfflineNumberJournal

ZONE = "Asia/Ho_Chi_Minh"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gateway(clock: Clock) -> FakeGateway:
    return FakeGateway(now=clock)


def begin(path: Path | None, gateway: FakeGateway, clock: Clock) -> OfflineNumberJournal:
    journal = OfflineNumberJournal(path, gateway, now=clock)
    journal.fetch_grant(ZONE)
    return journal


def take(journal: OfflineNumberJournal) -> str:
    return journal.take(priority=False, language="vi")[1].number


def test_it_counts_on_after_a_restart(tmp_path: Path, gateway: FakeGateway, clock: Clock) -> None:
    path = tmp_path / "numbers"
    journal = begin(path, gateway, clock)
    assert [take(journal), take(journal)] == ["ZA001", "ZA002"]
    journal.close()
    again = OfflineNumberJournal(path, gateway, now=clock)  # the server is away: no new grant
    assert take(again) == "ZA003"
    assert again.waiting() == 3


def test_a_new_day_begins_at_one(tmp_path: Path, gateway: FakeGateway, clock: Clock) -> None:
    journal = begin(tmp_path / "numbers", gateway, clock)
    take(journal)
    clock.now = datetime(2026, 11, 23, 16, 59, tzinfo=UTC)  # 23:59 in Việt Nam
    assert take(journal) == "ZA002"
    clock.now = datetime(2026, 11, 23, 17, 1, tzinfo=UTC)
    assert take(journal) == "ZA001"


def test_a_torn_last_line_was_never_shown(
    tmp_path: Path, gateway: FakeGateway, clock: Clock
) -> None:
    path = tmp_path / "numbers"
    journal = begin(path, gateway, clock)
    take(journal)
    journal.close()
    with path.open("ab") as file:
        file.write(b'{"taken": {"key": "half')
    assert take(OfflineNumberJournal(path, gateway, now=clock)) == "ZA002"


@pytest.mark.parametrize("line", [0, 2])
def test_a_damaged_journal_gets_another_letter(
    tmp_path: Path, gateway: FakeGateway, clock: Clock, line: int
) -> None:
    path = tmp_path / "numbers"
    journal = begin(path, gateway, clock)
    for _ in range(3):
        take(journal)
    journal.close()
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line] = b"\x00\x00\x00\n"
    path.write_bytes(b"".join(lines))
    again = OfflineNumberJournal(path, gateway, now=clock)
    assert not again.may_give()
    again.fetch_grant(ZONE)
    assert take(again) == "ZC001"
    assert path.with_name("numbers.damaged").exists()


def test_a_lost_journal_gets_another_letter(
    tmp_path: Path, gateway: FakeGateway, clock: Clock
) -> None:
    path = tmp_path / "numbers"
    journal = begin(path, gateway, clock)
    take(journal)
    journal.close()
    path.unlink()
    assert take(begin(path, gateway, clock)) == "ZC001"


@pytest.mark.parametrize("away", [timedelta(days=-300), timedelta(minutes=-5), timedelta(days=8)])
def test_a_clock_that_cannot_be_right_gives_none(
    gateway: FakeGateway, clock: Clock, away: timedelta
) -> None:
    journal = begin(None, gateway, clock)
    take(journal)
    clock.now += away
    assert not journal.may_give()
    with pytest.raises(NoOfflineNumber):
        take(journal)


def test_a_full_disk_gives_no_number(
    tmp_path: Path, gateway: FakeGateway, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "numbers"
    journal = begin(path, gateway, clock)
    take(journal)
    size = path.stat().st_size

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NoOfflineNumber):
        take(journal)
    monkeypatch.undo()
    assert path.stat().st_size == size
    assert take(journal) == "ZA002"


def test_nothing_of_a_person_is_in_it(tmp_path: Path, gateway: FakeGateway, clock: Clock) -> None:
    path = tmp_path / "numbers"
    journal = begin(path, gateway, clock)
    key, _ = journal.take(priority=True, language="en")
    journal.note_print(key, "printed")
    taken = [json.loads(line) for line in path.read_bytes().splitlines()]
    (entry,) = [line["taken"] for line in taken if "taken" in line]
    assert set(entry) == {"key", "number", "taken_at", "priority", "language", "print_state"}


def test_what_is_safe_is_not_sent_again(tmp_path: Path, gateway: FakeGateway, clock: Clock) -> None:
    path = tmp_path / "numbers"
    journal = begin(path, gateway, clock)
    take(journal)
    gateway.down = True
    with pytest.raises(ServerAway):
        journal.hand_in()
    assert journal.waiting() == 1
    gateway.down = False
    journal.hand_in()
    assert journal.waiting() == 0
    calls = len(gateway.calls)
    journal.hand_in()
    assert len(gateway.calls) == calls
    journal.close()
    assert OfflineNumberJournal(path, gateway, now=clock).waiting() == 0


def test_old_numbers_leave_the_file_once_they_are_safe(
    tmp_path: Path, gateway: FakeGateway, clock: Clock
) -> None:
    path = tmp_path / "numbers"
    journal = begin(path, gateway, clock)
    for _ in range(20):
        take(journal)
    journal.hand_in()
    journal.close()
    clock.now += timedelta(days=4)
    OfflineNumberJournal(path, gateway, now=clock).close()
    assert len(path.read_bytes().splitlines()) == 3


@settings(max_examples=60, deadline=None)
@given(
    acts=st.lists(
        st.sampled_from(["take", "restart", "hand_in", "lose", "day", "hour"]), max_size=40
    )
)
def test_whatever_happens_no_number_comes_twice(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "numbers"
    clock = Clock()
    gateway = FakeGateway(now=clock)
    journal = begin(path, gateway, clock)
    given_numbers: set[tuple[str, str]] = set()
    for act in acts:
        if act == "take":
            if not journal.may_give():
                continue
            ticket = journal.take(priority=False, language="vi")[1]
            stamp = (ticket.issued_at.date().isoformat(), ticket.number)
            assert stamp not in given_numbers
            given_numbers.add(stamp)
        elif act == "restart":
            journal.close()
            journal = OfflineNumberJournal(path, gateway, now=clock)
        elif act == "day":
            clock.now += timedelta(days=1)
        elif act == "hour":
            clock.now += timedelta(hours=1)
        else:
            gateway.lose_replies = 1 if act == "lose" else 0
            try:
                journal.hand_in()
            except ServerAway:
                continue
    gateway.lose_replies = 0
    while journal.waiting():
        journal.hand_in()
    assert len(gateway.handed_in) == len(given_numbers)
    journal.close()
