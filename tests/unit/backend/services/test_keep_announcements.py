from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, time

import pytest
from sqlalchemy import select

from backend.domain.announcements import Announcement
from backend.domain.ids import new_id
from backend.errors import AnnouncementChanged, AnnouncementNotFound, TooManyAnnouncements
from backend.services import keep_announcements
from backend.services.keep_announcements import (
    add_announcement,
    change_announcement,
    list_active_announcements,
    list_announcements,
)
from backend.services.recognise_caller import Caller
from backend.storage.audit_tables import AuditEvent
from backend.storage.database import Database
from backend.storage.outbox_tables import LiveEvent
from backend.storage.repositories import Intent
from tests.factories.hospital import Hospital

STAFF = Caller(role="staff", id="s1", name="Lê Thị Trực")
WISH = Announcement(
    id="",
    text_vi="Nhà thuốc đóng cửa lúc 16 giờ 30.",
    text_en="The pharmacy closes at half past four.",
    zones=("tang-1",),
    weekdays=(0, 4),
    times=(time(16, 0), time(16, 15)),
    every_min=30,
    starts_at=time(8),
    ends_at=time(10),
    valid_from=date(2026, 11, 1),
    clip="thông báo nhà thuốc",
)


def add(database: Database, wish: Announcement = WISH, key: str | None = None) -> str:
    intent = Intent(caller=STAFF.actor, key=key or new_id(), body_hash="x")
    answer = add_announcement(database, wish, staff=STAFF, intent=intent, show=lambda kept: kept.id)
    assert answer.status == 201
    return answer.body


def test_what_was_added_comes_back_whole(database: Database, hospital: Hospital) -> None:
    announcement_id = add(database)
    (kept,) = list_announcements(database)
    assert kept.version == 1
    assert kept.changed_by == "Lê Thị Trực"
    for name in Announcement.__dataclass_fields__:
        if name != "id":
            assert getattr(kept, name) == getattr(WISH, name), name
    assert kept.id == announcement_id


def test_the_same_wish_twice_is_one(database: Database, hospital: Hospital) -> None:
    assert add(database, key="k") == add(database, key="k")
    assert len(list_announcements(database)) == 1


def test_a_change_counts_up_and_leaves_its_trace(database: Database, hospital: Hospital) -> None:
    announcement_id = add(database)
    wish = replace(WISH, id=announcement_id, active=False)
    kept = change_announcement(database, wish, version=1, staff=STAFF)
    assert (kept.version, kept.active) == (2, False)
    assert list_active_announcements(database) == []
    with database.read() as connection:
        traces = connection.execute(
            select(AuditEvent.event, AuditEvent.actor, AuditEvent.detail)
            .where(AuditEvent.subject == f"announcement:{announcement_id}")
            .order_by(AuditEvent.id)
        ).all()
        live = connection.scalars(select(LiveEvent.event)).all()
    assert [trace.event for trace in traces] == ["announcement_added", "announcement_changed"]
    assert {trace.actor for trace in traces} == {"staff:s1"}
    assert all(trace.detail == {} for trace in traces)
    assert list(live) == ["announcement_added", "announcement_changed"]


def test_a_stale_change_is_refused(database: Database, hospital: Hospital) -> None:
    wish = replace(WISH, id=add(database))
    change_announcement(database, wish, version=1, staff=STAFF)
    with pytest.raises(AnnouncementChanged):
        change_announcement(database, wish, version=1, staff=STAFF)


def test_two_at_once_one_wins(database: Database, hospital: Hospital) -> None:
    wish = replace(WISH, id=add(database))

    def change(text: str) -> bool:
        try:
            change_announcement(database, replace(wish, text_vi=text), version=1, staff=STAFF)
        except AnnouncementChanged:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(change, ["a", "b", "c", "d"]))
    assert outcomes.count(True) == 1
    (kept,) = list_announcements(database)
    assert kept.version == 2
    assert kept.text_vi == "abcd"[outcomes.index(True)]


def test_unknown_ones_and_those_of_others(database: Database, hospital: Hospital) -> None:
    wish = replace(WISH, id=add(database))
    with pytest.raises(AnnouncementNotFound):
        change_announcement(database, replace(wish, id="unknown"), version=1, staff=STAFF)
    elsewhere = Database(database.engine, facility_id="other", clock=database.clock)
    with pytest.raises(AnnouncementNotFound):
        change_announcement(elsewhere, wish, version=1, staff=STAFF)
    assert list_announcements(elsewhere) == []


def test_there_is_an_end(
    database: Database, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_announcements, "MAX_ACTIVE", 2)
    first = add(database)
    add(database)
    with pytest.raises(TooManyAnnouncements):
        add(database)
    change_announcement(database, replace(WISH, id=first, active=False), version=1, staff=STAFF)
    add(database)
    with pytest.raises(TooManyAnnouncements):
        change_announcement(database, replace(WISH, id=first), version=2, staff=STAFF)
    assert [kept.active for kept in list_announcements(database)] == [True, True, False]
