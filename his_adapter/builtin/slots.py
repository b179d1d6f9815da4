"""Which hours can be booked: pure arithmetic on the catalogue, nothing stored.

The reference of a slot says what it is (`service~practitioner~room~20260105T0730`), so the places
taken are the appointments that carry it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from his_adapter.builtin.catalogue import Catalogue, SlotRule
from his_adapter.models import Ref, Service, Slot

_NOBODY = "-"


def slots_of_day(catalogue: Catalogue, service: Service, day: date) -> Iterator[Slot]:
    """All slots of that local day with every place free, by room and practitioner, then start."""
    rule = next((rule for rule in catalogue.slot_rules if rule.service == service.ref), None)
    if rule is None or not service.by_hour:
        return
    closed = {entry.room for entry in catalogue.closed_days if entry.day == day}
    if None in closed:
        return
    for room, practitioner in _places(catalogue, service):
        if room in closed:
            continue
        for session in catalogue.sessions:
            if session.room == room and session.weekday == day.weekday():
                opens = datetime.combine(day, session.opens_at, catalogue.zone)
                closes = datetime.combine(day, session.closes_at, catalogue.zone)
                yield from _cut(rule, room, practitioner, opens, closes)


def find_slot(catalogue: Catalogue, ref: str) -> Slot | None:
    """The slot with that reference, every place free; None for anything that is no slot."""
    service_ref, _, tail = ref.partition("~")
    service = catalogue.find_service(Ref(service_ref))
    try:
        day = datetime.strptime(tail.rpartition("~")[2][:8], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
    if service is None:
        return None
    return next((slot for slot in slots_of_day(catalogue, service, day) if slot.ref == ref), None)


def last_bookable_day(catalogue: Catalogue, service: Service, today: date) -> date:
    rule = next((rule for rule in catalogue.slot_rules if rule.service == service.ref), None)
    return today + timedelta(days=rule.days_ahead if rule else 0)


def _places(catalogue: Catalogue, service: Service) -> Iterator[tuple[Ref, Ref | None]]:
    """Room and practitioner; a service nobody is named for is booked by room."""
    posts: list[tuple[Ref | None, Ref | None]] = [
        (post.room, practitioner.ref)
        for practitioner in catalogue.practitioners
        for post in practitioner.posts
        if post.service == service.ref
    ]
    for room, practitioner in posts or [(room, None) for room in service.rooms]:
        for place in (room,) if room is not None else service.rooms:
            yield place, practitioner


def _cut(
    rule: SlotRule, room: Ref, practitioner: Ref | None, opens: datetime, closes: datetime
) -> Iterator[Slot]:
    step = timedelta(minutes=rule.minutes)
    start = opens
    while start + step <= closes:
        yield Slot(
            ref=Ref(f"{rule.service}~{practitioner or _NOBODY}~{room}~{start:%Y%m%dT%H%M}"),
            service=rule.service,
            practitioner=practitioner,
            room=room,
            start=start.astimezone(UTC),
            end=(start + step).astimezone(UTC),
            capacity=rule.capacity,
            free=rule.capacity,
        )
        start += step
