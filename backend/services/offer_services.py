"""What can be chosen now: services, doctors and hours, with who waits and what is full.

All from the stored catalogue: a HIS that is away changes nothing here but the age of the list.
What is shown as open may be taken a moment later; the visit decides, this only shows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import Connection, func, select

from backend.domain.catalogue import Catalogue, Practitioner, Room, Service
from backend.domain.identity.models import BirthDate
from backend.domain.placement import Place, list_places, list_queues
from backend.domain.scan import PersonFacts
from backend.domain.waits import find_wait_min
from backend.errors import CatalogueUnavailable, ServiceClosed
from backend.services.recognise_caller import Caller
from backend.services.resources import Resources
from backend.storage.catalogue_tables import Quota, Slot
from backend.storage.queue_tables import Step
from backend.storage.repositories import get_scan
from his_adapter.models import Feature

CHOSEN_BY_PATIENTS = ("examination", "reception")
"""Kinds of service; the others follow from a doctor's order."""
FOR_THE_UNSURE = "unsure"
MAX_ITEMS = 200


class Availability(StrEnum):
    OPEN = "open"
    FULL = "full"
    CLOSED = "closed"
    NOT_FOR_YOU = "not_for_you"


@dataclass(frozen=True, kw_only=True)
class OfferedRoom:
    room: Room
    is_open: bool
    waiting: int


@dataclass(frozen=True, kw_only=True)
class OfferedService:
    service: Service
    availability: Availability
    next_open: datetime | None
    waiting: int
    wait_min: tuple[int, int] | None
    rooms: tuple[OfferedRoom, ...]


@dataclass(frozen=True, kw_only=True)
class OfferedDoctor:
    """`room` is None where the doctor sits in any room of the service."""

    practitioner: Practitioner
    service: Service
    room: OfferedRoom | None
    availability: Availability
    waiting: int


@dataclass(frozen=True, kw_only=True)
class OfferedSlot:
    id: str
    start: datetime
    end: datetime
    free: int
    service_id: str
    room_id: str | None
    practitioner_id: str | None


@dataclass(frozen=True, kw_only=True)
class _Now:
    """One look at queues and limits, for all services."""

    catalogue: Catalogue
    at: datetime
    waiting: Mapping[str, int]
    taken: Mapping[str, int]

    def is_full(self, place: Place) -> bool:
        return any(self.taken.get(limit.scope, 0) >= limit.capacity for limit in place.limits)

    def offered_room(self, room_id: str) -> OfferedRoom:
        return OfferedRoom(
            room=self.catalogue.rooms[room_id],
            is_open=self.catalogue.find_open_session(room_id, now=self.at) is not None,
            waiting=self.waiting.get(room_id, 0),
        )


def offer_services(
    resources: Resources, *, caller: Caller, scan_id: str | None, visit_kind: str | None
) -> list[OfferedService]:
    """In the HIS's order of departments, then by code; with a scan, limits of sex and age are applied to that person.

    Raises ScanExpired, CatalogueUnavailable, StorageUnavailable.
    """
    with resources.database.read() as connection:
        now = _look(resources, connection)
        person = _find_person(resources, connection, caller, scan_id)
    if now.catalogue.as_of is None:
        raise CatalogueUnavailable
    offered = [
        service
        for service in now.catalogue.services.values()
        if service.kind in CHOSEN_BY_PATIENTS and _is_for_kind(service, visit_kind)
    ]
    departments = now.catalogue.departments
    offered.sort(key=lambda each: (departments[each.department_id].position, each.code))
    return [_offer(now, service, person) for service in offered[:MAX_ITEMS]]


def offer_doctors(resources: Resources, *, service_id: str | None) -> list[OfferedDoctor]:
    """Doctors of one service or of all, each once, those with the fewest waiting first.

    Raises ServiceNotFound.
    """
    with resources.database.read() as connection:
        now = _look(resources, connection)
    services = _services(now.catalogue, service_id)
    doctors = []
    for practitioner in now.catalogue.practitioners.values():
        ways = [
            _offer_doctor(now, service, practitioner)
            for service in services
            if service.id in practitioner.rooms
        ]
        if ways:
            doctors.append(min(ways, key=_by_wait))
    doctors.sort(key=_by_wait)
    return doctors[:MAX_ITEMS]


def offer_slots(
    resources: Resources, *, service_id: str | None, practitioner_id: str | None, day: date | None
) -> list[OfferedSlot]:
    """Hours with free places on that day (today unless said), not those that are over.

    Of one service or of all. Raises ServiceNotFound.
    """
    catalogue = resources.catalogue.get()
    services = _services(catalogue, service_id)
    now = resources.database.clock()
    wanted_day = day or catalogue.today(now)
    if wanted_day < catalogue.today(now) or not catalogue.his_can(Feature.FIND_SLOTS):
        return []
    starts_from = datetime.combine(wanted_day, time.min, catalogue.zone).astimezone(UTC)
    taken = func.coalesce(Quota.taken, 0)
    query = (
        select(Slot, (Slot.capacity - taken).label("free"))
        .outerjoin(
            Quota,
            (Quota.facility_id == Slot.facility_id)
            & (Quota.day == wanted_day)
            & (Quota.scope == "slot:" + Slot.id),
        )
        .where(
            Slot.facility_id == resources.database.facility_id,
            Slot.service_id.in_([service.id for service in services]),
            Slot.starts_at >= starts_from,
            Slot.starts_at < starts_from + timedelta(days=1),
            Slot.ends_at > now,
            Slot.capacity > taken,
        )
        .order_by(Slot.starts_at, Slot.id)
        .limit(MAX_ITEMS)
    )
    if practitioner_id is not None:
        query = query.where(Slot.practitioner_id == practitioner_id)
    with resources.database.read() as connection:
        rows = connection.execute(query).all()
    return [
        OfferedSlot(
            id=row.id,
            start=row.starts_at.astimezone(catalogue.zone),
            end=row.ends_at.astimezone(catalogue.zone),
            free=row.free,
            service_id=row.service_id,
            room_id=row.room_id,
            practitioner_id=row.practitioner_id,
        )
        for row in rows
    ]


def _services(catalogue: Catalogue, service_id: str | None) -> list[Service]:
    """The one, or all a patient may choose. Raises ServiceNotFound."""
    if service_id is not None:
        return [catalogue.get_service(service_id)]
    return [each for each in catalogue.services.values() if each.kind in CHOSEN_BY_PATIENTS]


def _by_wait(doctor: OfferedDoctor) -> tuple[bool, int, str]:
    is_open = doctor.availability is Availability.OPEN
    return not is_open, doctor.waiting, doctor.practitioner.name


def _look(resources: Resources, connection: Connection) -> _Now:
    catalogue = resources.catalogue.get()
    now = resources.database.clock()
    today = catalogue.today(now)
    facility_id = resources.database.facility_id
    waiting = connection.execute(
        select(Step.queue_id, func.count())
        .where(Step.facility_id == facility_id, Step.day == today, Step.state == "waiting")
        .group_by(Step.queue_id)
    )
    taken = connection.execute(
        select(Quota.scope, Quota.taken).where(Quota.facility_id == facility_id, Quota.day == today)
    )
    return _Now(
        catalogue=catalogue,
        at=now,
        waiting=dict(waiting.all()),
        taken=dict(taken.all()),
    )


def _find_person(
    resources: Resources, connection: Connection, caller: Caller, scan_id: str | None
) -> PersonFacts | None:
    if scan_id is None:
        return None
    now = resources.database.clock()
    return get_scan(connection, resources.keys, scan_id, kiosk_id=caller.id, now=now).person


def _is_for_kind(service: Service, visit_kind: str | None) -> bool:
    """Who is not sure is sent to a reception desk, where a person chooses."""
    if visit_kind == FOR_THE_UNSURE:
        return service.kind == "reception"
    return visit_kind is None or not service.visit_kinds or visit_kind in service.visit_kinds


def _offer(now: _Now, service: Service, person: PersonFacts | None) -> OfferedService:
    queues = list_queues(service)
    places = _places(now, service)
    availability = _availability(now, service, places, person)
    best = next((place for place in places if not now.is_full(place)), None)
    is_open = availability is Availability.OPEN
    ahead = now.waiting.get(best.queue_id, 0) if best else 0
    return OfferedService(
        service=service,
        availability=availability,
        next_open=None if is_open else now.catalogue.find_next_opening(service, now=now.at),
        waiting=sum(now.waiting.get(queue, 0) for queue in queues),
        wait_min=find_wait_min(
            now.catalogue, service, best.room if best else None, ahead, now=now.at
        )
        if is_open
        else None,
        rooms=tuple(now.offered_room(room_id) for room_id in service.room_ids),
    )


def _places(now: _Now, service: Service) -> list[Place]:
    try:
        return list_places(now.catalogue, service, now=now.at, waiting=now.waiting)
    except ServiceClosed:
        return []


def _availability(
    now: _Now, service: Service, places: Collection[Place], person: PersonFacts | None
) -> Availability:
    if person is not None:
        birth_date = BirthDate.from_iso(person.birth_date) if person.birth_date else None
        if not service.takes(person.gender, birth_date, on=now.catalogue.today(now.at)):
            return Availability.NOT_FOR_YOU
    if not places:
        return Availability.CLOSED
    if all(now.is_full(place) for place in places):
        return Availability.FULL
    return Availability.OPEN


def _offer_doctor(now: _Now, service: Service, practitioner: Practitioner) -> OfferedDoctor:
    room_id = practitioner.rooms[service.id]
    places: list[Place] = []
    try:
        places = list_places(
            now.catalogue, service, now=now.at, waiting=now.waiting, practitioner=practitioner
        )
    except ServiceClosed:
        availability = Availability.CLOSED
    else:
        full = all(now.is_full(place) for place in places)
        availability = Availability.FULL if full else Availability.OPEN
    return OfferedDoctor(
        practitioner=practitioner,
        service=service,
        room=now.offered_room(room_id) if room_id else None,
        availability=availability,
        waiting=now.waiting.get(places[0].queue_id, 0) if places else 0,
    )
