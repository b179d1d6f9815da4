"""Takes departments, rooms, services, doctors, sessions and slots from the HIS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, select, true, update

from backend.domain.ids import new_id
from backend.domain.priority import DEFAULT_GROUPS
from backend.domain.settings import FacilitySettings
from backend.events import Event
from backend.storage.base import Base
from backend.storage.catalogue_tables import (
    ClosedDay,
    Department,
    Facility,
    OpeningSession,
    Practitioner,
    PractitionerService,
    PriorityGroup,
    Room,
    Service,
    ServiceRoom,
)
from backend.storage.catalogue_tables import Slot as SlotRow
from backend.storage.database import Database
from backend.storage.outbox_tables import OutboxMessage
from backend.storage.queue_tables import Step
from backend.storage.unit_of_work import UnitOfWork
from his_adapter.models import Feature, Page, Slot
from his_adapter.ports import HisGateway

DEFAULT_TIMEZONE = "Asia/Ho_Chi_Minh"
SLOT_DAYS = 7
CLOSED_DAYS_AHEAD = 60
LIST_LIMIT = 1000
ACTOR = "job:sync_catalogue"

SWITCHED_ON, SWITCHED_OFF = {"active": True}, {"active": False}

Item = TypeVar("Item")
Row = dict[str, Any]


def sync_catalogue(database: Database, gateway: HisGateway, *, practice: bool = False) -> None:
    """Reads everything first, then writes it in one transaction: readers never see half of it.

    `practice` marks a facility that is made by this as one for lessons, for good. What the HIS no longer lists is switched off, never deleted: tickets point to it. Safe to run
    twice and by two workers at once. Raises HisError (nothing changed) or StorageUnavailable.
    """
    seen = _read(gateway, now=database.clock())
    database.transact(lambda unit: _write(unit, seen, practice=practice))


class _Seen:
    """Everything the HIS said, before any of it is written."""

    departments: Sequence[Any]
    rooms: Sequence[Any]
    services: Sequence[Any]
    practitioners: Sequence[Any]
    sessions: Sequence[Any]
    closed_days: Sequence[Any]
    slots: Sequence[Slot]
    facility: Any
    features: Sequence[str]


def _read(gateway: HisGateway, *, now: Any) -> _Seen:
    capabilities = gateway.capabilities()
    limit = min(LIST_LIMIT, capabilities.max_limit)

    def everything(call: Callable[..., Page[Item]], *arguments: Any) -> tuple[Item, ...]:
        return call(*arguments, limit=limit).items

    seen = _Seen()
    seen.facility = capabilities.facility
    seen.features = sorted(capabilities.features)
    seen.departments = everything(gateway.list_departments)
    seen.rooms = everything(gateway.list_rooms)
    seen.services = everything(gateway.list_services)
    today = now.date()

    def what_it_has(feature: Feature, call: Callable[..., Page[Any]], *arguments: Any) -> Any:
        return everything(call, *arguments) if feature in capabilities.features else ()

    seen.practitioners = what_it_has(Feature.LIST_PRACTITIONERS, gateway.list_practitioners)
    seen.sessions = what_it_has(Feature.LIST_SESSIONS, gateway.list_sessions)
    seen.closed_days = what_it_has(
        Feature.LIST_CLOSED_DAYS,
        gateway.list_closed_days,
        today,
        today + timedelta(days=CLOSED_DAYS_AHEAD),
    )
    seen.slots = [
        slot
        for service in seen.services
        if service.by_hour and Feature.FIND_SLOTS in capabilities.features
        for slot in everything(
            gateway.find_slots, service.ref, None, now, now + timedelta(days=SLOT_DAYS)
        )
    ]
    return seen


def _write(unit: UnitOfWork, seen: _Seen, *, practice: bool) -> None:
    facility_id, connection = unit.facility_id, unit.connection
    _write_facility(unit, seen, practice=practice)
    departments = _merge(
        unit,
        Department,
        (
            {
                **SWITCHED_ON,
                "his_ref": d.ref,
                "code": d.code,
                "name_vi": d.name_vi,
                "name_en": d.name_en,
                "position": position,
            }
            for position, d in enumerate(seen.departments)
        ),
        missing=SWITCHED_OFF,
    )
    rooms = _merge(
        unit,
        Room,
        (
            {
                **SWITCHED_ON,
                "his_ref": r.ref,
                "department_id": departments.get(r.department),
                "code": r.code,
                "name_vi": r.name_vi,
                "name_en": r.name_en,
                "floor": r.floor,
                "landmark_vi": r.landmark_vi,
                "landmark_en": r.landmark_en,
            }
            for r in seen.rooms
        ),
        missing=SWITCHED_OFF,
    )
    services = _merge(
        unit,
        Service,
        (
            {
                **SWITCHED_ON,
                "his_ref": s.ref,
                "department_id": departments[s.department],
                "code": s.code,
                "name_vi": s.name_vi,
                "name_en": s.name_en,
                "kind": s.kind.value,
                "price_vnd": s.price_vnd,
                "insurance_price_vnd": s.insurance_price_vnd,
                "pooled": s.pooled,
                "by_doctor": s.by_doctor,
                "by_hour": s.by_hour,
                "minutes": s.minutes,
                "gender": s.gender.value if s.gender else None,
                "age_min_years": s.age_min_years,
                "age_max_years": s.age_max_years,
                "sensitive": s.sensitive,
                "series_letter": s.series_letter,
                "visit_kinds": list(s.visit_kinds),
            }
            for s in seen.services
            if s.department in departments
        ),
        missing=SWITCHED_OFF,
    )
    practitioners = _merge(
        unit,
        Practitioner,
        (
            {
                **SWITCHED_ON,
                "his_ref": p.ref,
                "title": p.title,
                "name": p.name,
                "session_limit": p.session_limit,
            }
            for p in seen.practitioners
        ),
        missing=SWITCHED_OFF,
    )
    _replace(
        unit,
        ServiceRoom,
        [
            {"service_id": services[s.ref], "room_id": rooms[room]}
            for s in seen.services
            if s.ref in services
            for room in s.rooms
            if room in rooms
        ],
    )
    _replace(
        unit,
        PractitionerService,
        [
            {
                "practitioner_id": practitioners[p.ref],
                "service_id": services[post.service],
                "room_id": rooms.get(post.room),
            }
            for p in seen.practitioners
            for post in p.posts
            if post.service in services
        ],
    )
    # A session keeps its id over a refresh: the places taken in it are counted by that id.
    _replace(
        unit,
        OpeningSession,
        [
            {
                "id": s.ref,
                "room_id": rooms[s.room],
                "weekday": s.weekday,
                "name": s.name,
                "opens_at": s.opens_at,
                "closes_at": s.closes_at,
                "limit": s.limit,
            }
            for s in seen.sessions
            if s.room in rooms
        ],
    )
    _replace(
        unit,
        ClosedDay,
        [
            {
                "id": f"{c.day.isoformat()}:{c.room or unit.facility_id}"[:64],
                "room_id": rooms.get(c.room),
                "day": c.day,
            }
            for c in seen.closed_days
            if c.room is None or c.room in rooms
        ],
    )
    _write_slots(unit, seen.slots, services, rooms, practitioners)
    connection.execute(
        update(Facility)
        .where(Facility.id == facility_id)
        .values(
            catalogue_version=Facility.catalogue_version + 1,
            catalogue_at=unit.now,
            his_features=seen.features,
        )
    )
    unit.audit(Event.CATALOGUE_REFRESHED, actor=ACTOR, subject=f"facility:{facility_id}")


def _write_facility(unit: UnitOfWork, seen: _Seen, *, practice: bool) -> None:
    """Makes the facility and its priority groups once; afterwards they belong to the hospital."""
    facility = seen.facility
    created = unit.connection.execute(
        unit.insert_into(Facility)
        .values(
            id=unit.facility_id,
            code=facility.code,
            name_vi=facility.name_vi,
            name_en=facility.name_en,
            hotline=facility.hotline,
            timezone=DEFAULT_TIMEZONE,
            settings=FacilitySettings().to_json(),
            catalogue_version=0,
            practice=practice,
        )
        .on_conflict_do_nothing(index_elements=["id"])
    ).rowcount
    if not created:
        # Two workers at once: the second waits here for the first.
        unit.connection.execute(
            select(Facility.id).where(Facility.id == unit.facility_id).with_for_update()
        )
        return
    unit.connection.execute(
        insert(PriorityGroup),
        [
            {
                "id": new_id(),
                "facility_id": unit.facility_id,
                "code": group.code,
                "label_vi": group.label.vi,
                "label_en": group.label.en,
                "rank": group.rank,
                "age_from_years": group.age_from_years,
                "age_below_years": group.age_below_years,
                "self_declared": group.self_declared,
                "legal_basis": group.legal_basis,
                "valid_from": group.valid_from,
                "valid_to": group.valid_to,
            }
            for group in DEFAULT_GROUPS
        ],
    )


def _merge(
    unit: UnitOfWork,
    table: type[Base],
    rows: Iterable[Row],
    *,
    missing: Row,
    among: ColumnElement[bool] | None = None,
) -> dict[str, str]:
    """Adds and updates by the HIS's reference; returns our id for each of its references.

    Rows the HIS no longer lists get the values of `missing`; `among` narrows what is looked at.
    Only differences are written: a
    refresh that brings nothing new holds nobody up.
    """
    columns = table.__table__.c
    known = {
        row["his_ref"]: dict(row)
        for row in unit.connection.execute(
            select(table.__table__).where(
                columns.facility_id == unit.facility_id, true() if among is None else among
            )
        ).mappings()
    }
    wanted = {row["his_ref"]: row for row in rows}
    absent = {ref: missing | {"his_ref": ref} for ref in known.keys() - wanted.keys()}
    added = [
        {**row, "id": new_id(), "facility_id": unit.facility_id}
        for ref, row in wanted.items()
        if ref not in known
    ]
    changed = [
        {f"new_{name}": value for name, value in row.items()} | {"known_id": known[ref]["id"]}
        for ref, row in (wanted | absent).items()
        if ref in known and any(known[ref][name] != value for name, value in row.items())
    ]
    if added:
        unit.connection.execute(insert(table), added)
    for names in {tuple(sorted(row)) for row in changed}:
        statement = (
            update(table)
            .where(columns.id == bindparam("known_id"))
            .values(
                {name.removeprefix("new_"): bindparam(name) for name in names if name != "known_id"}
            )
        )
        unit.connection.execute(statement, [row for row in changed if tuple(sorted(row)) == names])
    ids = {ref: row["id"] for ref, row in known.items()}
    ids |= {row["his_ref"]: row["id"] for row in added}
    return {ref: ids[ref] for ref in wanted}


def _replace(unit: UnitOfWork, table: type[Base], rows: list[Row]) -> None:
    """A small table as a whole, if it differs."""
    mine = table.__table__.c.facility_id == unit.facility_id
    wanted = [row | {"facility_id": unit.facility_id} for row in rows]
    known = unit.connection.execute(select(table.__table__).where(mine)).mappings()
    if {frozenset(row.items()) for row in known} == {frozenset(row.items()) for row in wanted}:
        return
    unit.connection.execute(delete(table).where(mine))
    if wanted:
        unit.connection.execute(insert(table), wanted)


def _write_slots(
    unit: UnitOfWork,
    slots: Sequence[Slot],
    services: Mapping[Any, str],
    rooms: Mapping[Any, str],
    practitioners: Mapping[Any, str],
) -> None:
    """What the HIS calls free, plus the places we gave out that it already knows of.

    Places we gave out and have not told it yet are still among its free ones, and our own count
    holds them back.
    """
    told: dict[str, int] = {
        row.his_ref: row.places
        for row in unit.connection.execute(
            select(SlotRow.his_ref, func.count().label("places"))
            .join(Step, Step.slot_id == SlotRow.id)
            .join(OutboxMessage, OutboxMessage.visit_id == Step.visit_id)
            .where(
                SlotRow.facility_id == unit.facility_id,
                SlotRow.starts_at >= unit.now,
                Step.state != "cancelled",
                OutboxMessage.state == "done",
                OutboxMessage.kind == "his.check_in",
            )
            .group_by(SlotRow.his_ref)
        )
    }
    _merge(
        unit,
        SlotRow,
        (
            {
                "his_ref": slot.ref,
                "service_id": services[slot.service],
                "practitioner_id": practitioners.get(slot.practitioner),
                "room_id": rooms.get(slot.room),
                "starts_at": slot.start,
                "ends_at": slot.end,
                "capacity": slot.free + told.get(slot.ref, 0),
            }
            for slot in slots
            if slot.service in services
        ),
        missing={"capacity": 0},
        among=SlotRow.starts_at >= unit.now,
    )
