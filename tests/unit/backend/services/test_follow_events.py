from __future__ import annotations

from sqlalchemy import insert

from backend.services.follow_events import GAP_LIFETIME_S, EventFeed
from backend.storage.database import Database
from backend.storage.outbox_tables import LiveEvent


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def publish(database: Database, id_: int, *, facility: str = "main", **detail: object) -> None:
    """A commit with this id: which one comes when is what these tests are about."""
    with database.write() as unit:
        unit.connection.execute(
            insert(LiveEvent).values(
                id=id_,
                facility_id=facility,
                event="step_called",
                subject=f"step:s{id_}",
                detail=detail,
                at=unit.now,
            )
        )


def read(feed: EventFeed) -> list[int]:
    return [message.id for message in feed.read()]


def test_reads_what_is_new_once_and_in_order(database: Database) -> None:
    publish(database, 1)
    feed = EventFeed(database)
    assert feed.start() == 1
    assert read(feed) == []
    publish(database, 2)
    publish(database, 3)
    assert read(feed) == [2, 3]
    assert read(feed) == []


def test_a_late_commit_is_not_lost(database: Database) -> None:
    feed = EventFeed(database)
    feed.start()
    publish(database, 2)
    publish(database, 5)
    assert read(feed) == [2, 5]
    publish(database, 4)
    publish(database, 6)
    assert read(feed) == [4, 6]
    publish(database, 1)
    publish(database, 3)
    assert read(feed) == [1, 3]


def test_a_number_that_was_never_written_is_given_up(database: Database) -> None:
    ticks = Ticks()
    feed = EventFeed(database, ticks=ticks)
    feed.start()
    publish(database, 3)
    assert read(feed) == [3]
    ticks.now = GAP_LIFETIME_S + 1
    publish(database, 2)
    assert read(feed) == []


def test_events_of_another_facility_are_not_for_us(database: Database) -> None:
    feed = EventFeed(database)
    feed.start()
    publish(database, 1, facility="elsewhere")
    publish(database, 2)
    assert read(feed) == [2]


def test_topics_are_everything_it_concerns(database: Database) -> None:
    feed = EventFeed(database)
    feed.start()
    publish(database, 1, rooms=["r1", "r2"], queues=["q"], visits=["v"], number="A001")
    (message,) = feed.read()
    assert message.topics == {"r1", "r2", "q", "v", "s1", "step"}
