from __future__ import annotations

import threading
from functools import partial

import pytest

from backend.services.keep_outbox import look_at_outbox
from backend.services.remote_party import FAILURES_TO_OPEN, NoAnswer, RemoteParty
from backend.services.share_answering import share_answering
from backend.storage.database import Database
from his_adapter.errors import Unavailable
from tests.conftest import SettableClock


def fail() -> str:
    raise Unavailable("down")


def test_it_is_told_while_it_is_away_and_when_it_is_back() -> None:
    told: list[bool] = []
    now_s, heard = [0.0], threading.Semaphore(0)

    def tell(answers: bool) -> None:
        told.append(answers)
        heard.release()

    party = RemoteParty("test", ticks=lambda: now_s[0], tell=tell)
    for _ in range(3):
        party.ask(lambda: "yes").wait(5)
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(NoAnswer):
            party.ask(fail).wait(5)
    assert heard.acquire(timeout=5)
    now_s[0] += 60
    with pytest.raises(NoAnswer):
        party.ask(fail).wait(5)
    assert heard.acquire(timeout=5)
    now_s[0] += 60
    party.ask(lambda: "yes").wait(5)
    assert heard.acquire(timeout=5)
    assert told == [False, False, True]
    party.close()


def test_all_processes_see_it(database: Database, clock: SettableClock) -> None:
    share = partial(share_answering, database, "his")
    share(True)
    share(False)
    since = clock.now
    clock.advance(minutes=2)
    share(False)
    (his,) = look_at_outbox(database)
    assert (his.breakers, his.away_since) == ({"read": "open"}, since)
    share(True)
    (his,) = look_at_outbox(database)
    assert (his.breakers, his.away_since) == ({"read": "closed"}, None)


def test_what_nobody_asked_for_long_says_nothing_of_now(
    database: Database, clock: SettableClock
) -> None:
    share_answering(database, "his", False)
    clock.advance(minutes=11)
    (his,) = look_at_outbox(database)
    assert his.away_since is None


def test_a_database_that_is_away_hears_it_the_next_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.errors import StorageUnavailable

    def write(_: Database) -> object:
        raise StorageUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", write)
        share_answering(database, "his", False)
    share_answering(database, "his", False)
    assert look_at_outbox(database)[0].away_since is not None
