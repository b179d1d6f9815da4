"""Several workers, several lanes, a HIS that comes and goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.domain.outbox import Pace
from backend.errors import StorageUnavailable
from backend.jobs.deliver_outbox import Dispatcher, deliver_outbox
from backend.services.keep_outbox import discard_message, look_at_outbox
from backend.services.resources import Resources
from backend.storage.database import Database, system_clock
from backend.storage.outbox_tables import LiveEvent, OutboxMessage
from tests.conftest import SettableClock
from tests.factories.deliveries import AFTER_WRITE, WRITE, Mood, WatchedHis
from tests.factories.outbox import add_message, get_row

QUICK = Pace(speed=20)
PATIENCE_S = 20.0


@pytest.fixture
def his(monkeypatch: pytest.MonkeyPatch) -> WatchedHis:
    return WatchedHis().install(monkeypatch)


@pytest.fixture
def live(resources: Resources) -> Resources:
    """With a clock that goes."""
    resources.database.clock = system_clock
    return resources


@contextmanager
def running(resources: Resources, *, workers: int = 1, threads: int = 4) -> Iterator[None]:
    dispatchers = [Dispatcher(resources, threads=threads, pace=QUICK) for _ in range(workers)]
    runs = [threading.Thread(target=each.run) for each in dispatchers]
    for run in runs:
        run.start()
    try:
        yield
    finally:
        for each in dispatchers:
            each.stop()
        for run in runs:
            run.join(PATIENCE_S)
            assert not run.is_alive()


def wait_for(what: Callable[[], Any]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.02)


def state(resources: Resources, message_id: str) -> str:
    return str(get_row(resources.database, message_id).state)


def states(resources: Resources) -> set[str]:
    with resources.database.read() as connection:
        return set(connection.scalars(select(OutboxMessage.state)))


def test_two_workers_keep_order_in_lanes_and_send_lanes_at_once(
    live: Resources, his: WatchedHis
) -> None:
    ids = [
        (lane, add_message(live.database, kind=WRITE, lane=lane))
        for _ in range(6)
        for lane in ("a", "b", "c", "d", "e")
    ]
    his.takes_s = 0.02
    with running(live, workers=2):
        wait_for(lambda: states(live) == {"done"})
    assert his.faults == []
    assert sorted(his.written) == sorted(ids)
    assert set(his.tries.values()) == {1}
    for lane in "abcde":
        mine = [id_ for its, id_ in his.written if its == lane]
        assert mine == sorted(mine)
    assert his.most_at_once > 1
    (party,) = look_at_outbox(live.database)
    assert party.delivered == len(ids)


def test_a_poisoned_message_stops_only_its_lane(live: Resources, his: WatchedHis) -> None:
    poison = add_message(live.database, kind=WRITE, lane="a")
    behind = add_message(live.database, kind=WRITE, lane="a")
    others = [add_message(live.database, kind=WRITE, lane=f"o{n}") for n in range(8)]
    his.mood = lambda message: Mood.BEFORE if message.id == poison else Mood.GOOD
    with running(live):
        wait_for(lambda: {state(live, each) for each in others} == {"done"})
        wait_for(lambda: state(live, poison) == "dead" or his.tries[poison] > 3)
    assert state(live, behind) in {"new", "done"}
    assert his.tries[behind] == 0 or state(live, poison) == "dead"


def test_a_message_that_fails_alone_becomes_a_dead_letter(
    resources: Resources, his: WatchedHis, clock: SettableClock
) -> None:
    """While others get through; while all fail it is the HIS that is away, and nobody gives up."""
    pace = Pace(attempts_alone=3, failures_to_open=10_000)
    poison = add_message(resources.database, kind=WRITE, lane="a")
    his.mood = lambda message: Mood.BEFORE if message.id == poison else Mood.GOOD
    for _ in range(6):
        deliver_outbox(resources, pace=pace)
        clock.advance(seconds=120)
    assert state(resources, poison) == "new"
    add_message(resources.database, kind=WRITE, lane="b")
    deliver_outbox(resources, pace=pace)
    clock.advance(seconds=120)
    deliver_outbox(resources, pace=pace)
    row = get_row(resources.database, poison)
    assert (row.state, row.last_error) == ("dead", "gave-up")


def test_a_dead_letter_holds_back_what_depends_on_it_and_nothing_else(
    resources: Resources, his: WatchedHis, desk: Any
) -> None:
    service = next(iter(desk.hospital.services))
    visits = [desk.take(service).id for _ in range(2)]
    with resources.database.write() as unit:
        unit.connection.execute(update(OutboxMessage).values(state="done", settled_at=unit.now))
    dead = add_message(resources.database, kind=WRITE, lane="a", visit_id=visits[0])
    same = add_message(resources.database, kind=AFTER_WRITE, lane="a", visit_id=visits[0])
    other = add_message(resources.database, kind=AFTER_WRITE, lane="a", visit_id=visits[1])
    more = add_message(resources.database, kind=WRITE, lane="a", visit_id=visits[0])
    his.mood = lambda message: Mood.REFUSED if message.id == dead else Mood.GOOD
    for _ in range(4):
        deliver_outbox(resources)
    found = {each: state(resources, each) for each in (dead, same, other, more)}
    # Order is kept within a lane: the one that is held back holds back what came after it.
    assert found[dead] == "rejected"
    assert found[same] == "new"
    discard_message(resources.database, dead, reason="entered by hand", actor="staff:lan")
    for _ in range(4):
        deliver_outbox(resources)
    assert {state(resources, each) for each in (same, other, more)} == {"done"}


def test_a_his_that_cannot_be_asked_is_never_sent_the_same_twice(
    resources: Resources, his: WatchedHis, clock: SettableClock
) -> None:
    his.can_search = False
    message_id = add_message(resources.database, kind=WRITE)
    his.mood = lambda _: Mood.AFTER
    deliver_outbox(resources)
    clock.advance(seconds=120)
    his.mood = lambda _: Mood.GOOD
    deliver_outbox(resources)
    row = get_row(resources.database, message_id)
    assert (row.state, row.last_error) == ("dead", "unknown-outcome")
    assert len(his.written) == 1


def test_the_breaker_opens_tries_one_and_closes(
    resources: Resources, his: WatchedHis, clock: SettableClock
) -> None:
    ids = [add_message(resources.database, kind=WRITE) for _ in range(12)]
    his.mood = lambda _: Mood.BEFORE
    for _ in range(3):
        deliver_outbox(resources)
        clock.advance(seconds=3)
    tried = sum(his.tries.values())
    (party,) = look_at_outbox(resources.database)
    assert party.breakers == {"write": "open"}
    for _ in range(5):
        deliver_outbox(resources)
    assert sum(his.tries.values()) == tried
    clock.advance(seconds=10)
    for _ in range(5):
        deliver_outbox(resources)
    assert sum(his.tries.values()) == tried + 1, "one probe in ten seconds"
    his.mood = lambda _: Mood.GOOD
    clock.advance(seconds=10)
    deliver_outbox(resources)
    (party,) = look_at_outbox(resources.database)
    assert (party.breakers, party.away_since) == ({"write": "closed"}, None)
    # What waited goes at once, not when its pause is over.
    deliver_outbox(resources)
    assert {state(resources, each) for each in ids} == {"done"}
    with resources.database.read() as connection:
        events = connection.scalars(select(LiveEvent.event)).all()
    assert (events.count("party_lost"), events.count("party_returned")) == (1, 1)


def test_who_says_slow_down_is_not_asked_before(
    resources: Resources, his: WatchedHis, clock: SettableClock
) -> None:
    message_id = add_message(resources.database, kind=WRITE)
    his.mood = lambda _: Mood.THROTTLED
    deliver_outbox(resources)
    row = get_row(resources.database, message_id)
    assert (row.next_at - clock.now).total_seconds() == 90


def test_too_old_is_for_staff(resources: Resources, his: WatchedHis, clock: SettableClock) -> None:
    message_id = add_message(resources.database, kind=WRITE)
    his.mood = lambda _: Mood.BEFORE
    deliver_outbox(resources)
    clock.advance(days=3)
    deliver_outbox(resources)
    row = get_row(resources.database, message_id)
    assert (row.state, row.last_error) == ("dead", "expired")


def test_an_unknown_kind_is_for_staff(resources: Resources, his: WatchedHis) -> None:
    message_id = add_message(resources.database, kind="test.unheard_of")
    deliver_outbox(resources)
    row = get_row(resources.database, message_id)
    assert (row.state, row.last_error) == ("rejected", "not-supported")


def test_a_slow_worker_whose_message_was_taken_over_changes_nothing(
    live: Resources, his: WatchedHis
) -> None:
    """It was held up longer than its lease; the next one has looked it up and settled it."""
    message_id = add_message(live.database, kind=WRITE)
    his.takes_s = 0.3
    with running(live):
        wait_for(lambda: his.tries[message_id])
        with live.database.write() as unit:
            unit.connection.execute(
                update(OutboxMessage).values(state="rejected", attempts=9, last_error="x")
            )
        time.sleep(0.6)
    assert (state(live, message_id), get_row(live.database, message_id).attempts) == ("rejected", 9)


def test_whatever_an_adapter_raises_ends_with_staff(
    live: Resources, his: WatchedHis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(_: Any) -> Mood:
        raise ZeroDivisionError

    his.mood = break_down
    message_id = add_message(live.database, kind=WRITE)
    with running(live):
        wait_for(lambda: state(live, message_id) == "dead")
    assert get_row(live.database, message_id).last_error == "internal"


def test_it_outlives_its_own_database(
    live: Resources, his: WatchedHis, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = add_message(live.database, kind=WRITE)
    away = threading.Event()
    away.set()
    read, write = Database.read, Database.write

    def fail(_: Database) -> Any:
        raise StorageUnavailable

    monkeypatch.setattr(
        Database, "write", lambda self: fail(self) if away.is_set() else write(self)
    )
    monkeypatch.setattr(Database, "read", lambda self: fail(self) if away.is_set() else read(self))
    with running(live):
        time.sleep(0.3)
        assert his.tries[message_id] == 0
        away.clear()
        wait_for(lambda: state(live, message_id) == "done")


def test_a_party_that_answers_slowly_is_left_in_peace(live: Resources, his: WatchedHis) -> None:
    his.takes_s = 0.3  # six seconds at this speed
    for _ in range(60):
        add_message(live.database, kind=WRITE)
    with running(live, threads=8):
        wait_for(lambda: look_at_outbox(live.database)[0].last_error == "slow")
