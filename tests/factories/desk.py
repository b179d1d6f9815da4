"""Takes numbers as a kiosk does, without HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import func, select

from backend.domain.ids import new_id
from backend.services.resources import Resources
from backend.services.start_visit import VisitWish, start_visit
from backend.storage.base import Base
from backend.storage.repositories import Answer, Intent
from backend.web import visit_schemas as schemas
from tests.factories.hospital import Hospital, make_person, make_scan


class Desk:
    """Takes numbers at one kiosk."""

    def __init__(self, resources: Resources, hospital: Hospital, name: str = "K1") -> None:
        self.resources = resources
        self.hospital = hospital
        self.kiosk, _ = hospital.add_kiosk(name)

    def wish(self, service: str = "NOI", scan_id: str | None = None, **changes: Any) -> VisitWish:
        return VisitWish(
            scan_id=scan_id or self.hospital.add_scan(self.kiosk),
            visit_kind="new",
            service_id=self.hospital.services[service],
            papers={},
            **changes,
        )

    def start(self, wish: VisitWish, *, key: str | None = None, body: str = "b") -> Answer:
        intent = Intent(caller=self.kiosk.actor, key=key or new_id(), body_hash=body)
        return start_visit(self.resources, wish, kiosk=self.kiosk, intent=intent)

    def intent(self) -> Intent:
        return Intent(caller=self.kiosk.actor, key=new_id(), body_hash="b")

    def scan_ticket(self, visit_id: str) -> str:
        """A scan of that visit's ticket at this kiosk."""
        content = make_scan(visit_id=visit_id)
        return self.hospital.add_scan(self.kiosk, replace(content, person=None))

    def take(self, service: str = "NOI", **scan: Any) -> schemas.VisitReply:
        """A number for another person each time, unless `person` is given."""
        scan.setdefault("person", make_person(int(new_id()[-5:], 16) % 1_000_000))
        scan_id = self.hospital.add_scan(self.kiosk, make_scan(**scan))
        return read(self.start(self.wish(service, scan_id)))


def read(answer: Answer) -> schemas.VisitReply:
    return schemas.VisitReply.model_validate_json(answer.body)


def count(desk: Desk, table: type[Base]) -> int:
    with desk.hospital.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
