from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from his_adapter.builtin.catalogue import STARTER_FILE, Catalogue, SlotRule, load_catalogue
from his_adapter.builtin.slots import find_slot, last_bookable_day, slots_of_day
from his_adapter.models import ClosedDay, Post, Practitioner, Ref

MONDAY = date(2026, 1, 5)
STARTER = load_catalogue(STARTER_FILE)
EXAMINATION = next(service for service in STARTER.services if service.ref == "examination")


def test_sessions_are_cut_into_slots() -> None:
    slots = list(slots_of_day(STARTER, EXAMINATION, MONDAY))
    assert len(slots) == 9 + 7
    assert slots[0].start == datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
    assert slots[-1].end == datetime(2026, 1, 5, 10, 0, tzinfo=UTC)


def test_no_slot_outlasts_its_session() -> None:
    rule = SlotRule(service=EXAMINATION.ref, minutes=50, capacity=1, days_ahead=1)
    slots = list(slots_of_day(replace(STARTER, slot_rules=(rule,)), EXAMINATION, MONDAY))
    noon, evening = (
        datetime.combine(MONDAY, end, STARTER.zone) for end in (time(11, 30), time(17))
    )
    assert len(slots) == 5 + 4
    assert all(slot.end <= (noon if slot.start < noon else evening) for slot in slots)


@pytest.mark.parametrize("room", [None, "room-1"])
def test_closed_days_have_none(room: Ref | None) -> None:
    closed = ClosedDay(day=MONDAY, room=room, reason_vi="Nghỉ lễ")
    assert not list(slots_of_day(replace(STARTER, closed_days=(closed,)), EXAMINATION, MONDAY))


def test_sundays_have_none() -> None:
    assert not list(slots_of_day(STARTER, EXAMINATION, date(2026, 1, 4)))


def test_each_practitioner_has_slots_of_their_own() -> None:
    people = tuple(
        Practitioner(
            ref=Ref(name),
            title="BS.",
            name=name,
            posts=(Post(service=EXAMINATION.ref, room=None),),
            session_limit=None,
        )
        for name in ("one", "two")
    )
    slots = list(slots_of_day(replace(STARTER, practitioners=people), EXAMINATION, MONDAY))
    assert len(slots) == 2 * 16
    assert len({slot.ref for slot in slots}) == len(slots)


def test_every_slot_is_found_by_its_reference() -> None:
    for slot in slots_of_day(STARTER, EXAMINATION, MONDAY):
        assert find_slot(STARTER, slot.ref) == slot


@given(
    st.text(max_size=60) | st.from_regex(r"examination~.{0,9}~room-1~[0-9T]{8,13}", fullmatch=True)
)
def test_strange_references_find_nothing_or_themselves(text: str) -> None:
    slot = find_slot(STARTER, text)
    assert slot is None or slot.ref == text


def test_how_far_ahead() -> None:
    assert last_bookable_day(STARTER, EXAMINATION, MONDAY) == date(2026, 1, 19)
    bare: Catalogue = replace(STARTER, slot_rules=())
    assert last_bookable_day(bare, EXAMINATION, MONDAY) == MONDAY
