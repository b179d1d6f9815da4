from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from backend.errors import StorageUnavailable
from backend.storage.database import Database
from backend.web.live_hub import MAX_UNSENT_BYTES, LiveHub

OPEN: list[socket.socket] = []


def pair() -> tuple[socket.socket, socket.socket]:
    """The page's end, closed after the test, and the server's."""
    mine, theirs = socket.socketpair()
    OPEN.append(mine)
    return mine, theirs


class Page:
    """The reading end of a stream."""

    def __init__(self, hub: LiveHub, *topics: str, **options: object) -> None:
        since = hub.prepare()
        mine, theirs = pair()
        self.socket = mine
        self.socket.settimeout(10)
        self.admitted = hub.add(theirs, topics=topics, since=since, **options)  # type: ignore[arg-type]
        self.text = ""

    def hears(self, word: str, within_s: float = 10.0) -> bool:
        deadline = time.monotonic() + within_s
        self.socket.settimeout(0.05)
        while time.monotonic() < deadline:
            try:
                heard = self.socket.recv(65536)
            except TimeoutError:
                heard = b""
            self.text += heard.decode()
            if word in self.text:
                return True
        return False

    def is_over(self, within_s: float = 10.0) -> bool:
        self.socket.settimeout(within_s)
        try:
            return self.socket.recv(65536) == b""
        except TimeoutError:
            return False


@pytest.fixture
def hub(database: Database) -> Iterator[LiveHub]:
    hub = LiveHub(database, period_s=0.02)
    yield hub
    hub.close()
    while OPEN:
        OPEN.pop().close()


def publish(database: Database, subject: str, **detail: object) -> None:
    database.transact(lambda unit: unit.publish("step_called", subject=subject, detail=detail))


def test_a_page_hears_of_its_topics_only(database: Database, hub: LiveHub) -> None:
    mine, other = Page(hub, "room-1"), Page(hub, "room-2")
    everything = Page(hub, "*")
    publish(database, "step:1", rooms=["room-1"], number="A001")
    publish(database, "step:2", rooms=["room-2"], number="A002")
    assert mine.hears("A001")
    assert other.hears("A002")
    assert everything.hears("A002")
    assert "A001" in everything.text
    assert "A002" not in mine.text
    assert "A001" not in other.text
    assert 'event: change\ndata: {"rooms":["room-1"]' in mine.text


def test_nothing_is_lost_between_hello_and_being_admitted(database: Database, hub: LiveHub) -> None:
    since = hub.prepare()
    publish(database, "step:1", rooms=["room-1"], number="A001")
    time.sleep(0.2)
    mine, theirs = pair()
    hub.add(theirs, topics=["room-1"], since=since)
    mine.settimeout(10)
    assert b"A001" in mine.recv(4096)
    later = Page(hub, "room-1")
    assert not later.hears("A001", within_s=0.3)


def test_a_page_that_may_no_longer_listen_is_closed(
    database: Database, hub: LiveHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.web.live_hub.RECHECK_S", 0.05)
    allowed = True
    page = Page(hub, "*", is_allowed=lambda: allowed)
    publish(database, "step:1", number="A001")
    assert page.hears("A001")
    allowed = False
    assert page.is_over()


def test_a_database_that_is_away_is_asked_for_one_page_not_for_each(
    hub: LiveHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.web.live_hub.RECHECK_S", 0.3)
    monkeypatch.setattr("backend.web.live_hub.SILENCE_S", 0.05)
    asked = []

    def is_allowed() -> bool:
        asked.append(time.monotonic())
        raise StorageUnavailable

    began = time.monotonic()
    pages = [Page(hub, "*", is_allowed=is_allowed) for _ in range(20)]
    time.sleep(1)
    so_far = list(asked)
    assert 1 <= len(so_far) <= (time.monotonic() - began) / 0.3 + 1
    assert all(page.hears("event: pulse") for page in pages)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_after_a_fault_pages_find_a_thread_again(
    database: Database, hub: LiveHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.web.live_hub.RECHECK_S", 0.05)

    def is_allowed() -> bool:
        raise ZeroDivisionError

    assert Page(hub, "*", is_allowed=is_allowed).is_over()
    page = Page(hub, "*")
    publish(database, "step:1", number="A001")
    assert page.hears("A001")


def test_a_page_that_left_is_forgotten(hub: LiveHub) -> None:
    page = Page(hub, "*")
    page.socket.close()
    deadline = time.monotonic() + 10
    while hub.size and time.monotonic() < deadline:
        time.sleep(0.02)
    assert hub.size == 0


def test_a_page_that_does_not_read_is_let_go(database: Database, hub: LiveHub) -> None:
    page = Page(hub, "*")
    keen = Page(hub, "*")
    text = "x" * 30_000
    for number in range(40):
        publish(database, f"step:{number}", text=text)
        assert keen.hears(f"step:{number}")
    assert hub.size == 1
    assert 40 * len(text) > MAX_UNSENT_BYTES
    assert page.admitted


def test_too_many_pages_are_refused(hub: LiveHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.web.live_hub.MAX_STREAMS", 1)
    assert Page(hub, "*").admitted
    refused = Page(hub, "*")
    assert not refused.admitted
    assert refused.is_over()


def test_silence_is_broken_by_a_pulse(hub: LiveHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.web.live_hub.SILENCE_S", 0.05)
    assert Page(hub, "*").hears("event: pulse")


def test_the_end_of_a_process_closes_every_page(hub: LiveHub) -> None:
    page = Page(hub, "*")
    hub.close()
    assert page.is_over()
