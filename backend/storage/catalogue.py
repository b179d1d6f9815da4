"""The catalogue out of the database, kept in memory until its version counts up."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, select

from backend.domain.catalogue import Catalogue, Department, Practitioner, Room, Service
from backend.domain.opening import Session
from backend.domain.priority import PriorityGroup
from backend.domain.settings import FacilitySettings, Words
from backend.errors import CatalogueUnavailable
from backend.storage.base import Base
from backend.storage.catalogue_tables import (
    ClosedDay,
    Facility,
    OpeningSession,
    PractitionerService,
    ServiceRoom,
)
from backend.storage.catalogue_tables import Department as DepartmentRow
from backend.storage.catalogue_tables import Practitioner as PractitionerRow
from backend.storage.catalogue_tables import PriorityGroup as PriorityGroupRow
from backend.storage.catalogue_tables import Room as RoomRow
from backend.storage.catalogue_tables import Service as ServiceRow
from backend.storage.database import Database
from backend.storage.waits import load_paces
from his_adapter.models import Feature

RECHECK_S = 2.0
"""How old a process's copy may be: a new price or a closed room is seen this much later."""
PACES_RECHECK_S = 15.0
"""How old the paces of rooms may be: a paused room counts this much longer for wait ranges."""


class CatalogueSource:
    """Hands out the current catalogue, one query every RECHECK_S seconds at most."""

    def __init__(
        self, database: Database, *, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._copy: Catalogue | None = None
        self._checked_at_s = 0.0
        self._paces_until_s = 0.0

    def get(self) -> Catalogue:
        """Raises CatalogueUnavailable before the first set-up, StorageUnavailable."""
        copy = self._copy
        if copy is not None and self._monotonic_s() - self._checked_at_s < RECHECK_S:
            return copy
        with self._lock:
            if self._copy is not None and self._monotonic_s() - self._checked_at_s < RECHECK_S:
                return self._copy  # somebody else looked while this one waited
            return self._look()

    def _look(self) -> Catalogue:
        with self._database.read() as connection:
            version = connection.scalar(
                select(Facility.catalogue_version).where(Facility.id == self._database.facility_id)
            )
            if self._copy is None or version != self._copy.version:
                self._copy = load_catalogue(connection, self._database.facility_id)
                self._paces_until_s = 0.0
            now_s = self._monotonic_s()
            if now_s >= self._paces_until_s:
                day = self._copy.today(self._database.clock())
                paces = load_paces(connection, self._database.facility_id, day=day)
                if paces != self._copy.paces:
                    self._copy = replace(self._copy, paces=paces)
                self._paces_until_s = now_s + PACES_RECHECK_S
            self._checked_at_s = now_s
            return self._copy


def load_catalogue(connection: Connection, facility_id: str) -> Catalogue:
    """Raises CatalogueUnavailable when there is no such facility."""

    def rows(table: type[Base]) -> list[Row[tuple[object, ...]]]:
        statement = select(table.__table__)
        return list(
            connection.execute(statement.where(table.__table__.c.facility_id == facility_id))
        )

    facility = connection.execute(
        select(Facility.__table__).where(Facility.id == facility_id)
    ).one_or_none()
    if facility is None:
        raise CatalogueUnavailable
    closed: dict[str | None, set[date]] = defaultdict(set)
    for row in rows(ClosedDay):
        closed[row.room_id].add(row.day)
    sessions: dict[str, list[Session]] = defaultdict(list)
    for row in rows(OpeningSession):
        sessions[row.room_id].append(
            Session(
                id=row.id,
                room_id=row.room_id,
                weekday=row.weekday,
                name=row.name,
                opens_at=row.opens_at,
                closes_at=row.closes_at,
                limit=row.limit,
            )
        )
    room_rows, service_rows = rows(RoomRow), rows(ServiceRow)
    active_rooms = {row.id for row in room_rows if row.active}
    departments = {
        row.id: Department(
            id=row.id,
            his_ref=row.his_ref,
            code=row.code,
            name=Words(vi=row.name_vi, en=row.name_en),
            position=row.position,
        )
        for row in rows(DepartmentRow)
    }
    rooms = {
        row.id: Room(
            id=row.id,
            his_ref=row.his_ref,
            department_id=row.department_id,
            code=row.code,
            name=Words(vi=row.name_vi, en=row.name_en),
            floor=row.floor,
            landmark=Words(vi=row.landmark_vi, en=row.landmark_en),
            sessions=tuple(sorted(sessions[row.id], key=lambda s: (s.weekday, s.opens_at))),
            closed_days=frozenset(closed[row.id] | closed[None]),
        )
        for row in room_rows
    }
    features = None if facility.his_features is None else frozenset(facility.his_features)
    # What the HIS cannot do is not offered anywhere, whatever it says of a single service.
    has_hours = features is None or features >= {Feature.FIND_SLOTS, Feature.BOOK_APPOINTMENT}
    has_doctors = features is None or Feature.LIST_PRACTITIONERS in features
    service_rooms: dict[str, list[str]] = defaultdict(list)
    for row in rows(ServiceRoom):
        if row.room_id in active_rooms:
            service_rooms[row.service_id].append(row.room_id)
    every_service = {
        row.id: Service(
            id=row.id,
            his_ref=row.his_ref,
            department_id=row.department_id,
            code=row.code,
            name=Words(vi=row.name_vi, en=row.name_en),
            kind=row.kind,
            price_vnd=row.price_vnd,
            insurance_price_vnd=row.insurance_price_vnd,
            pooled=row.pooled,
            by_doctor=row.by_doctor and has_doctors,
            by_hour=row.by_hour and has_hours,
            minutes=row.minutes,
            gender=row.gender,
            age_min_years=row.age_min_years,
            age_max_years=row.age_max_years,
            sensitive=row.sensitive,
            series_letter=row.series_letter,
            visit_kinds=tuple(row.visit_kinds),
            room_ids=tuple(sorted(service_rooms[row.id], key=lambda room: rooms[room].code)),
        )
        for row in service_rows
    }
    posts: dict[str, dict[str, str | None]] = defaultdict(dict)
    for row in rows(PractitionerService):
        posts[row.practitioner_id][row.service_id] = row.room_id
    practitioners = {
        row.id: Practitioner(
            id=row.id,
            his_ref=row.his_ref,
            title=row.title,
            name=row.name,
            session_limit=row.session_limit,
            rooms=posts[row.id],
        )
        for row in rows(PractitionerRow)
        if row.active
    }
    groups = sorted(
        (
            PriorityGroup(
                code=row.code,
                label=Words(vi=row.label_vi, en=row.label_en),
                rank=row.rank,
                age_from_years=row.age_from_years,
                age_below_years=row.age_below_years,
                self_declared=row.self_declared,
                legal_basis=row.legal_basis,
                valid_from=row.valid_from,
                valid_to=row.valid_to,
            )
            for row in rows(PriorityGroupRow)
        ),
        key=lambda group: (group.rank, group.code),
    )
    return Catalogue(
        facility_id=facility_id,
        facility_name=Words(vi=facility.name_vi, en=facility.name_en),
        zone=ZoneInfo(facility.timezone),
        hotline=facility.hotline,
        settings=FacilitySettings.from_json(facility.settings),
        version=facility.catalogue_version,
        as_of=facility.catalogue_at,
        departments=departments,
        rooms=rooms,
        services={row.id: every_service[row.id] for row in service_rows if row.active},
        every_service=every_service,
        practitioners=practitioners,
        priority_groups=tuple(groups),
        his_features=features,
        practice=facility.practice,
    )
