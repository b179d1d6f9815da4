from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import select

from backend.domain.displays import DisplayKind, DisplayWish
from backend.errors import (
    BackendError,
    DisplayExists,
    DisplayNotFound,
    ValidationFailed,
    ZoneHasVoice,
)
from backend.services.manage_displays import (
    AddedDisplay,
    KnownDisplay,
    add_display,
    change_display,
    find_display,
    list_displays,
    record_sight,
    revoke_display,
)
from backend.services.resources import Resources
from backend.storage.audit_tables import AuditEvent
from backend.storage.metadata import METADATA
from tests.conftest import SettableClock
from tests.factories.hospital import Hospital


def wish(hospital: Hospital, name: str = "Sảnh A", **changes: object) -> DisplayWish:
    rooms = tuple(hospital.rooms[code] for code in ("101", "102"))
    return replace(DisplayWish(name=name, kind=DisplayKind.HALL, room_ids=rooms), **changes)


def add(resources: Resources, wanted: DisplayWish) -> AddedDisplay:
    return add_display(resources.database, resources.catalogue.get(), wanted, actor="staff:1")


def find(resources: Resources, key: str) -> KnownDisplay | None:
    with resources.database.read() as connection:
        return find_display(connection, key, facility_id="main")


def test_a_display_is_known_by_its_key_until_it_is_revoked(
    resources: Resources, hospital: Hospital
) -> None:
    added = add(resources, wish(hospital, speaks=True, zone="A"))
    assert find(resources, added.key) == added.display
    assert list_displays(resources.database) == [added.display]
    revoke_display(resources.database, added.display.id, actor="staff:1")
    assert find(resources, added.key) is None
    assert list_displays(resources.database) == []
    (ended,) = list_displays(resources.database, revoked=True)
    assert ended.revoked_at is not None
    with pytest.raises(DisplayNotFound):
        revoke_display(resources.database, added.display.id, actor="staff:1")


@pytest.mark.parametrize("key", ["", "x", "0" * 26, "a" * 26, "a" * 5_000, "A" * 26, "'--"])
def test_a_wrong_key_opens_nothing(resources: Resources, hospital: Hospital, key: str) -> None:
    add(resources, wish(hospital))
    assert find(resources, key) is None


def test_the_key_is_nowhere_in_the_database(resources: Resources, hospital: Hospital) -> None:
    added = add(resources, wish(hospital))
    with resources.database.read() as connection:
        for table in METADATA.sorted_tables:
            assert added.key not in str(connection.execute(select(table)).all())


def test_every_change_is_audited(resources: Resources, hospital: Hospital) -> None:
    display = add(resources, wish(hospital)).display
    change_display(
        resources.database,
        resources.catalogue.get(),
        display.id,
        wish(hospital, "Sảnh B"),
        actor="staff:2",
    )
    revoke_display(resources.database, display.id, actor="staff:3")
    with resources.database.read() as connection:
        rows = connection.execute(
            select(AuditEvent.event, AuditEvent.actor)
            .where(AuditEvent.subject == f"display:{display.id}")
            .order_by(AuditEvent.id)
        ).all()
    assert [tuple(row) for row in rows] == [
        ("display_added", "staff:1"),
        ("display_changed", "staff:2"),
        ("display_revoked", "staff:3"),
    ]


def test_one_voice_per_zone(resources: Resources, hospital: Hospital) -> None:
    first = add(resources, wish(hospital, "1", speaks=True, zone="A")).display
    with pytest.raises(ZoneHasVoice):
        add(resources, wish(hospital, "2", speaks=True, zone="A"))
    add(resources, wish(hospital, "2", zone="A"))
    second = add(resources, wish(hospital, "3", speaks=True, zone="B")).display
    with pytest.raises(ZoneHasVoice):
        change_display(
            resources.database,
            resources.catalogue.get(),
            second.id,
            wish(hospital, "3", speaks=True, zone="A"),
            actor="staff:1",
        )
    revoke_display(resources.database, first.id, actor="staff:1")
    add(resources, wish(hospital, "1", speaks=True, zone="A"))


def test_of_two_at_once_one_gets_the_voice(resources: Resources, hospital: Hospital) -> None:
    resources.catalogue.get()
    outcomes: list[object] = []

    def try_it(name: str) -> None:
        try:
            outcomes.append(add(resources, wish(hospital, name, speaks=True)))
        except BackendError as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=try_it, args=(f"D{index}",)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(ZoneHasVoice) == 3
    assert len(list_displays(resources.database)) == 1


def test_a_name_is_used_once(resources: Resources, hospital: Hospital) -> None:
    add(resources, wish(hospital))
    with pytest.raises(DisplayExists):
        add(resources, wish(hospital))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"name": "a" * 81},
        {"room_ids": ()},
        {"room_ids": ("nowhere",)},
        {"kind": DisplayKind.DOOR},
        {"zone": "a" * 61},
        {"distance_m": 0},
        {"screen_in": 200},
    ],
)
def test_what_no_display_can_be(
    resources: Resources, hospital: Hospital, changes: dict[str, object]
) -> None:
    with pytest.raises(ValidationFailed):
        add(resources, wish(hospital, **changes))


def test_seen_is_kept_once_a_minute(
    resources: Resources, hospital: Hospital, clock: SettableClock
) -> None:
    key = add(resources, wish(hospital)).key

    def look() -> KnownDisplay:
        found = find(resources, key)
        assert found is not None
        record_sight(resources.database, found)
        found = find(resources, key)
        assert found is not None
        return found

    first = look().last_seen_at
    assert first == clock.now
    clock.advance(seconds=59)
    assert look().last_seen_at == first
    clock.advance(seconds=2)
    assert look().last_seen_at == clock.now
