"""What the place offers, as one JSON document that its owner writes.

The shape is that of the port's models; hours that can be booked follow from the opening sessions
by `slot_rules`, so that there is no second list to keep in step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from his_adapter.errors import GatewayMisconfigured
from his_adapter.models import (
    ClosedDay,
    Code,
    Department,
    Facility,
    OpeningSession,
    Practitioner,
    Ref,
    Room,
    Service,
)

STARTER_FILE = Path(__file__).with_name("commune_station.json")
"""A commune health station, to copy and change."""

_MAX_DOCUMENT_BYTES = 4 * 2**20

Record = TypeVar("Record", Department, Room, Service, Practitioner, OpeningSession)


@dataclass(frozen=True, kw_only=True)
class SlotRule:
    """Sessions of a service's rooms are cut into slots of so many minutes and places."""

    service: Ref
    minutes: int
    capacity: int
    days_ahead: int
    """How far ahead people can book; 0 = today only."""

    def __post_init__(self) -> None:
        if not (5 <= self.minutes <= 480 and self.capacity >= 1 and 0 <= self.days_ahead <= 366):
            raise ValueError("a slot has 5 to 480 minutes, a place or more, 0 to 366 days ahead")


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Raises GatewayMisconfigured when records name others that do not exist, or share a ref."""

    facility: Facility
    timezone: str
    departments: tuple[Department, ...]
    rooms: tuple[Room, ...]
    services: tuple[Service, ...]
    practitioners: tuple[Practitioner, ...]
    sessions: tuple[OpeningSession, ...]
    closed_days: tuple[ClosedDay, ...] = ()
    slot_rules: tuple[SlotRule, ...] = ()
    codes: Mapping[str, tuple[Code, ...]] = field(default_factory=dict)
    """Code lists beyond the provinces: `ward`, `ethnicity`, `occupation`, `nationality`."""

    def __post_init__(self) -> None:
        departments = _refs(self.departments)
        rooms = _refs(self.rooms)
        services = _refs(self.services)
        _refs(self.practitioners)
        _refs(self.sessions)
        posts = [post for practitioner in self.practitioners for post in practitioner.posts]
        for wanted, known in (
            ({room.department for room in self.rooms} - {None}, departments),
            ({service.department for service in self.services}, departments),
            ({room for service in self.services for room in service.rooms}, rooms),
            ({session.room for session in self.sessions}, rooms),
            ({day.room for day in self.closed_days} - {None}, rooms),
            ({post.room for post in posts} - {None}, rooms),
            ({post.service for post in posts}, services),
            ({rule.service for rule in self.slot_rules}, services),
        ):
            if unknown := sorted(map(str, wanted - known)):
                raise GatewayMisconfigured(f"the catalogue names unknown {', '.join(unknown[:5])}")
        for session in self.sessions:
            if not (0 <= session.weekday <= 6 and session.opens_at < session.closes_at):
                raise GatewayMisconfigured(f"session {session.ref} has no span")
        for service in self.services:
            if service.price_vnd < 0 or (service.insurance_price_vnd or 0) < 0:
                raise GatewayMisconfigured(f"service {service.ref} has a negative price")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError) as error:
            raise GatewayMisconfigured("the catalogue names no time zone") from error

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def find_service(self, ref: Ref) -> Service | None:
        return next((service for service in self.services if service.ref == ref), None)


def load_catalogue(path: Path) -> Catalogue:
    """Raises GatewayMisconfigured with the place of the mistake."""
    try:
        with path.open("rb") as file:
            untrusted_document = file.read(_MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise GatewayMisconfigured("the catalogue cannot be read") from error
    if len(untrusted_document) > _MAX_DOCUMENT_BYTES:
        raise GatewayMisconfigured("the catalogue is too large")
    try:
        return TypeAdapter(Catalogue).validate_json(untrusted_document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise GatewayMisconfigured(f"the catalogue is wrong at {place}: {first['msg']}") from error


def _refs(records: Iterable[Record]) -> set[Ref]:
    refs = [record.ref for record in records]
    if doubled := {ref for ref in refs if refs.count(ref) > 1}:
        raise GatewayMisconfigured(f"the catalogue has {min(doubled)} twice")
    if bad := [ref for ref in refs if not ref.isascii() or "~" in ref or not 0 < len(ref) <= 40]:
        raise GatewayMisconfigured(f"not a reference: {bad[0][:40]!r}")
    return set(refs)
