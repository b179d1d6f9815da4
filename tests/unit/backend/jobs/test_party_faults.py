"""A wrong password, a page of a proxy: faults of the party, for which no message is given up."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from backend.domain.outbox import Pace
from backend.jobs.deliver_outbox import deliver_outbox
from backend.services.keep_outbox import list_outbox_alarms, look_at_outbox, replay_message
from backend.services.resources import Resources
from backend.storage.outbox_tables import OutboxMessage
from his_adapter.models import Health, HealthState
from tests.conftest import SettableClock
from tests.factories.deliveries import WRITE, Mood, WatchedHis
from tests.factories.outbox import add_message, get_row

NEVER_OPEN = Pace(failures_to_open=10_000)


@pytest.fixture
def his(monkeypatch: pytest.MonkeyPatch) -> WatchedHis:
    return WatchedHis().install(monkeypatch)


def states(resources: Resources) -> set[str]:
    with resources.database.read() as connection:
        return set(connection.scalars(select(OutboxMessage.state)))


@pytest.mark.parametrize(
    ("mood", "code", "waiting"),
    [
        (Mood.LOGIN, "login", {"new"}),
        (Mood.PAGE_ASKED, "broken-reply", {"new"}),
        (Mood.PAGE, "broken-reply", {"new", "unknown"}),
        (Mood.PAGE_AFTER, "broken-reply", {"new", "unknown"}),
    ],
)
def test_a_night_of_it_gives_up_no_message(
    resources: Resources,
    his: WatchedHis,
    clock: SettableClock,
    mood: Mood,
    code: str,
    waiting: set[str],
) -> None:
    add_message(resources.database, kind=WRITE)
    deliver_outbox(resources)
    clock.advance(seconds=5)
    ids = [add_message(resources.database, kind=WRITE) for _ in range(12)]
    his.mood = lambda _: mood
    for _ in range(10):
        deliver_outbox(resources)
        clock.advance(seconds=3)
    for _ in range(100):
        deliver_outbox(resources)
        clock.advance(minutes=6)
    assert states(resources) - {"done"} <= waiting
    (party,) = look_at_outbox(resources.database)
    assert (party.breakers["write"], party.fault) == ("half_open", code) or (
        party.breakers["write"],
        party.fault,
    ) == ("open", code)
    assert [alarm.kind for alarm in list_outbox_alarms(resources.database)] == [code]
    his.mood = lambda _: Mood.GOOD
    for _ in range(3):
        clock.advance(seconds=10)
        deliver_outbox(resources)
    assert states(resources) == {"done"}
    written = [id_ for _, id_ in his.written]
    assert len(written) == len(set(written)) == len(ids) + 1
    assert list_outbox_alarms(resources.database) == []


def test_who_meets_it_alone_becomes_a_dead_letter(
    resources: Resources, his: WatchedHis, clock: SettableClock
) -> None:
    poison = add_message(resources.database, kind=WRITE)
    his.mood = lambda message: Mood.LOGIN if message.id == poison else Mood.GOOD
    for _ in range(20):  # alone with nobody to compare it with
        deliver_outbox(resources, pace=NEVER_OPEN)
        clock.advance(seconds=120)
    assert get_row(resources.database, poison).state == "new"
    for _ in range(6):
        deliver_outbox(resources, pace=NEVER_OPEN)
        clock.advance(seconds=1)
        add_message(resources.database, kind=WRITE)
        deliver_outbox(resources, pace=NEVER_OPEN)
        clock.advance(seconds=120)
    row = get_row(resources.database, poison)
    assert (row.state, row.last_error, row.failed_alone) == ("rejected", "login", 5)
    replay_message(resources.database, poison, actor="staff:lan")
    deliver_outbox(resources, pace=NEVER_OPEN)
    assert get_row(resources.database, poison).state == "new", "it begins from the start"


def test_a_password_that_changed_a_moment_ago_counts_for_nobody(
    resources: Resources, his: WatchedHis, clock: SettableClock
) -> None:
    """Others got through a minute ago, but nobody since: it is not this message."""
    add_message(resources.database, kind=WRITE)
    deliver_outbox(resources, pace=NEVER_OPEN)
    clock.advance(seconds=1)
    late = add_message(resources.database, kind=WRITE)
    his.mood = lambda _: Mood.LOGIN
    for _ in range(30):
        deliver_outbox(resources, pace=NEVER_OPEN)
        clock.advance(seconds=5)
    row = get_row(resources.database, late)
    assert (row.state, row.failed_alone) == ("new", 0)


def test_after_pages_of_a_proxy_the_party_is_asked_how_it_is_before_it_is_sent_anything(
    resources: Resources,
    his: WatchedHis,
    clock: SettableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A HIS without search by key would leave each of those messages to staff."""
    his.can_search = False
    for _ in range(12):
        add_message(resources.database, kind=WRITE)
    his.mood = lambda _: Mood.PAGE
    one_by_one = Pace(failures_to_open=1)
    monkeypatch.setattr("backend.jobs.deliver_outbox.BATCH", 1)
    deliver_outbox(resources, pace=one_by_one)
    monkeypatch.setattr(
        type(resources.his), "health", lambda _: Health(state=HealthState.DOWN), raising=False
    )
    tried = sum(his.tries.values())
    for _ in range(20):
        clock.advance(seconds=10)
        deliver_outbox(resources, pace=one_by_one)
    assert sum(his.tries.values()) == tried == 1
    (party,) = look_at_outbox(resources.database)
    assert (party.fault, party.dead) == ("broken-reply", 0)
