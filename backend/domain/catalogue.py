"""What a facility offers, as last taken from its HIS: small, read at every request, kept whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from backend.domain.identity.ages import Answer, is_at_least, is_under
from backend.domain.identity.models import BirthDate
from backend.domain.opening import Session, find_next_opening, find_session
from backend.domain.paces import NO_PACES, Paces
from backend.domain.priority import PriorityGroup
from backend.domain.settings import FacilitySettings, Words
from backend.errors import ServiceNotFound


@dataclass(frozen=True, kw_only=True)
class Department:
    id: str
    his_ref: str
    code: str
    name: Words
    position: int


@dataclass(frozen=True, kw_only=True)
class Room:
    id: str
    his_ref: str
    department_id: str | None
    code: str
    name: Words
    floor: str
    landmark: Words
    sessions: tuple[Session, ...]
    closed_days: frozenset[date]


@dataclass(frozen=True, kw_only=True)
class Practitioner:
    """`rooms` maps a service this person offers to the room, if fixed."""

    id: str
    his_ref: str
    title: str
    name: str
    session_limit: int | None
    rooms: Mapping[str, str | None]

    @property
    def titled_name(self) -> str:
        return f"{self.title} {self.name}".strip()


@dataclass(frozen=True, kw_only=True)
class Service:
    id: str
    his_ref: str
    department_id: str
    code: str
    name: Words
    kind: str
    price_vnd: int
    insurance_price_vnd: int | None
    pooled: bool
    by_doctor: bool
    by_hour: bool
    minutes: int | None
    gender: str | None
    age_min_years: int | None
    age_max_years: int | None
    sensitive: bool
    series_letter: str | None
    visit_kinds: tuple[str, ...]
    room_ids: tuple[str, ...]

    def takes(self, gender: str | None, birth_date: BirthDate | None, *, on: date) -> bool:
        """False only when the person certainly is not of the service's sex or age."""
        if self.gender and gender and self.gender != gender:
            return False
        if birth_date is None:
            return True
        too_young = (
            self.age_min_years is not None
            and is_at_least(self.age_min_years, birth_date, on=on) is Answer.NO
        )
        too_old = (
            self.age_max_years is not None
            and is_under(self.age_max_years + 1, birth_date, on=on) is Answer.NO
        )
        return not (too_young or too_old)


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """`as_of` is None until the HIS has been asked for the first time."""

    facility_id: str
    facility_name: Words
    zone: ZoneInfo
    hotline: str
    settings: FacilitySettings
    version: int
    as_of: datetime | None
    departments: Mapping[str, Department] = field(repr=False)
    rooms: Mapping[str, Room] = field(repr=False)
    services: Mapping[str, Service] = field(repr=False)
    """What is offered now."""
    every_service: Mapping[str, Service] = field(repr=False)
    """Those switched off too: visits point to them."""
    practitioners: Mapping[str, Practitioner] = field(repr=False)
    priority_groups: Sequence[PriorityGroup] = field(repr=False)
    paces: Paces = field(default=NO_PACES, repr=False)
    """Not from the HIS: what the rooms of this catalogue did lately."""
    practice: bool = False
    """Invented people come to it, in lessons: everything it prints and shows says so."""
    his_features: frozenset[str] | None = field(default=None, repr=False)
    """What the HIS said it can do; None: it was not asked yet."""

    def his_can(self, feature: str) -> bool:
        """`feature` is a method of the port. Nothing is hidden before the HIS was asked."""
        return self.his_features is None or feature in self.his_features

    def get_service(self, service_id: str) -> Service:
        """Raises ServiceNotFound."""
        try:
            return self.services[service_id]
        except KeyError:
            raise ServiceNotFound from None

    def get_practitioner(self, practitioner_id: str) -> Practitioner:
        """Raises ServiceNotFound."""
        try:
            return self.practitioners[practitioner_id]
        except KeyError:
            raise ServiceNotFound from None

    def find_service_by_ref(self, his_ref: str) -> Service | None:
        return next((s for s in self.services.values() if s.his_ref == his_ref), None)

    def find_practitioner_by_ref(self, his_ref: str | None) -> Practitioner | None:
        return next((p for p in self.practitioners.values() if p.his_ref == his_ref), None)

    def find_room_by_ref(self, his_ref: str | None) -> Room | None:
        return next((r for r in self.rooms.values() if r.his_ref == his_ref), None)

    def today(self, now: datetime) -> date:
        return now.astimezone(self.zone).date()

    def find_open_session(self, room_id: str, *, now: datetime) -> Session | None:
        room = self.rooms[room_id]
        return find_session(
            room.sessions,
            room.closed_days,
            now=now,
            zone=self.zone,
            lead_min=self.settings.issue_before_opening_min,
        )

    def find_next_opening(self, service: Service, *, now: datetime) -> datetime | None:
        openings = (
            find_next_opening(
                self.rooms[room_id].sessions,
                self.rooms[room_id].closed_days,
                now=now,
                zone=self.zone,
            )
            for room_id in service.room_ids
        )
        return min((opening for opening in openings if opening), default=None)
