from __future__ import annotations

import pytest

from backend.events import Event
from backend.services.note_room_reads import note_room_reads
from backend.services.resources import Resources
from backend.services.show_room import ShownRoom, load_room
from tests.factories.desk import Desk
from tests.factories.hospital import Hospital
from tests.factories.reception import audited
from tests.factories.rooms import Console


@pytest.fixture
def room(resources: Resources, hospital: Hospital) -> Console:
    return Console(resources, hospital, "101")


def load(resources: Resources, console: Console) -> ShownRoom:
    with resources.database.read() as connection:
        return load_room(resources, connection, console.room_id, now=resources.database.clock())


def test_who_is_in_the_room_is_noted_once_for_each_who_saw_them(
    resources: Resources, desk: Desk, room: Console
) -> None:
    visit_id = desk.take("NOI").id
    assert note_room_reads(resources.database, load(resources, room), actor="staff:a") == 0
    room.next()
    noted = {row.actor for row in audited(resources, Event.PERSON_READ)}
    assert len(noted) == 1  # whoever called them
    shown = load(resources, room)
    assert note_room_reads(resources.database, shown, actor="staff:a") == 1
    assert note_room_reads(resources.database, shown, actor="staff:a") == 0
    assert note_room_reads(resources.database, shown, actor="staff:b") == 1
    rows = audited(resources, Event.PERSON_READ)
    assert {row.subject for row in rows} == {f"visit:{visit_id}"}
    assert rows[-1].detail == {"why": "room", "room": room.room_id}
