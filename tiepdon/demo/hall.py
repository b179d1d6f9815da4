"""What happens in a hall while pages are open: people at kiosks, staff in rooms. Over HTTP."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import requests
from sqlalchemy import create_engine, select, update

from backend.domain.ids import new_id
from backend.domain.notice import NOTICE_VERSION
from backend.services.manage_users import make_api_token
from backend.storage.catalogue_tables import Facility, Room, Service
from backend.storage.database import Database, open_engine
from backend.storage.queue_tables import Step, StepChange
from backend.storage.unit_of_work import UnitOfWork
from backend.storage.visit_tables import Visit
from his_adapter.demo import payloads
from his_adapter.demo.people import CoverageCase, InventedPerson, crowd
from his_adapter.demo.personas import PERSONAS
from tiepdon.demo.server import DemoServer

TIMEOUT_S = 30


def adults() -> Iterator[InventedPerson]:
    """Insured adults of the demo's crowd, none of whom plays a part of their own."""
    taken = [persona.id_number for persona in PERSONAS if persona.id_number]
    for person in crowd(taken):
        whole = len(person.birth_date.isoformat()) == len("1990-01-02")
        if (
            whole
            and person.id_number
            and person.coverage is CoverageCase.VALID_HERE
            and 1960 <= person.birth_date.earliest.year <= 2000
        ):
            yield person


class Party:
    """Somebody with a credential who talks to the server."""

    def __init__(self, address: str, credential: str | None = None) -> None:
        self.address = address
        self._http = requests.Session()
        self._http.trust_env = False
        if credential:
            self._http.headers["Authorization"] = f"Bearer {credential}"

    def get(self, path: str) -> Any:
        """Raises requests.HTTPError for anything but a good answer."""
        reply = self._http.get(f"{self.address}/api/v1{path}", timeout=TIMEOUT_S)
        reply.raise_for_status()
        return reply.json()

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """None for an answer without a body. Raises requests.HTTPError for any but a good one."""
        reply = self._http.post(
            f"{self.address}/api/v1{path}",
            json=body if body is not None else {},
            headers={"Idempotency-Key": new_id()},
            timeout=TIMEOUT_S,
        )
        reply.raise_for_status()
        return reply.json() if reply.content else None

    def say_alive(self) -> Any:
        """Alive, and no word more: gives a kiosk its orders, a print agent None.

        Raises requests.HTTPError.
        """
        reply = self._http.post(f"{self.address}/api/v1/kiosks/heartbeat", timeout=TIMEOUT_S)
        reply.raise_for_status()
        return reply.json() if reply.content else None


class Hall(Party):
    """Patients at a kiosk of the demo hospital, another person each time."""

    def __init__(self, server: DemoServer, *, name: str | None = None) -> None:
        super().__init__(server.address)
        self.server = server
        code = {"code": "DEMO-KIOSK", "name": name or f"Kiosk {new_id()[-4:]}"}
        token = self.post("/kiosks/enrol", code)["token"]
        self._http.headers["Authorization"] = f"Bearer {token}"
        self._people = adults()

    def scan(self) -> dict[str, Any]:
        """The next person of the crowd holds a card to the kiosk."""
        person = next(self._people)
        card = payloads.cccd2021(
            id_number=person.id_number or "",
            full_name=person.full_name,
            birth_date=person.birth_date,
            gender=person.gender,
            address=person.address,
            issued_on=person.birth_date.earliest.replace(year=2022, day=1),
        )
        notice = {
            "version": NOTICE_VERSION,
            "language": "vi",
            "accepted_at": "2026-11-23T08:00:00+07:00",
        }
        body = {
            "payload_base64": base64.b64encode(card.encode()).decode(),
            "source": "camera",
            "notice": notice,
        }
        scan: dict[str, Any] = self.post("/scans", body)
        return scan

    def take(self, service: str, **more: Any) -> dict[str, Any]:
        """A number for the service of that Vietnamese name; the visit as the server tells it."""
        scan = self.scan()
        kind = more.pop("visit_kind", "new")
        services = self.get(f"/services?scan_id={scan['scan_id']}&visit_kind={kind}")
        found = next(each for each in services["items"] if each["name"]["vi"] == service)
        body = {
            "scan_id": scan["scan_id"],
            "service_id": found["id"],
            "visit_kind": kind,
            "papers": {"transfer_slip": False},
        }
        visit: dict[str, Any] = self.post("/visits", body | more)
        return visit

    def find_room(self, code: str) -> str:
        """The id of a room, out of the server's own records."""
        return _find_id(self.server.database_url, select(Room.id).where(Room.code == code))

    def find_service(self, code: str) -> str:
        return _find_id(self.server.database_url, select(Service.id).where(Service.code == code))

    def staff(self, name: str) -> Party:
        """A program of the demo account of that name."""
        with open_records(self.server.database_url) as database:
            return Party(self.address, make_api_token(database, name=name))


@contextmanager
def open_records(url: str) -> Iterator[Database]:
    """The server's own records, for what is set up beside it."""
    engine = open_engine(url, pool_size=1)
    try:
        with engine.connect() as connection:
            facility_id = connection.scalar(select(Facility.id)) or ""
        yield Database(engine, facility_id=facility_id)
    finally:
        engine.dispose()


def _find_id(url: str, query: Any) -> str:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return str(connection.execute(query).scalar_one())
    finally:
        engine.dispose()


class RoomStaff:
    """The staff of one room, who press what their page shows them."""

    def __init__(self, party: Party, room_id: str) -> None:
        self.party = party
        self.room_id = room_id
        self.seen: dict[str, Any] = party.get(f"/rooms/{room_id}")

    def next(self) -> dict[str, Any]:
        finish = [
            {"step_id": step["step_id"], "version": step["version"]}
            for step in self.seen["current"]
        ]
        body = {"finish": finish, "after_call": self.seen["last_call"]}
        return self._press("/next", body)

    def act(self, kind: str, *, reason: str | None = None) -> dict[str, Any]:
        """Something with the patient who is in."""
        step = self.seen["current"][0]
        body = {"version": step["version"], "reason": reason}
        return self._press(f"/steps/{step['step_id']}/{kind}", body)

    def send_on(self, *service_ids: str) -> dict[str, Any]:
        """The patient who is in goes to tests and comes back."""
        step = self.seen["current"][0]
        to = [{"service_id": service_id} for service_id in service_ids]
        body = {"version": step["version"], "to": to}
        return self._press(f"/steps/{step['step_id']}/send-on", body)

    def change(self, **changes: Any) -> dict[str, Any]:
        return self._press("/state", changes)

    def _press(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.seen = self.party.post(f"/rooms/{self.room_id}{path}", body)
        return self.seen


WAITED = timedelta(minutes=12)
APART = timedelta(seconds=15)
MORNING = (
    ("Khám Nội tổng hợp", 14),
    ("Khám Ngoại tổng hợp", 5),
    ("Khám Tim mạch", 6),
    ("Khám Nội tiết", 3),
    ("Khám Mắt", 4),
    ("Khám Tai Mũi Họng", 5),
    ("Khám Da liễu", 3),
)
"""How many come for what."""


def play_morning(hall: Hall) -> dict[str, RoomStaff]:
    """A quarter of an hour of an ordinary morning: waiting, called, in, tests, missed, paused.

    Gives the rooms by code, as their staff saw them last.
    """
    for service, people in MORNING:
        for number in range(people):
            hall.take(service, **({"priority_group": "pregnant"} if number == 3 else {}))
    _let_them_have_waited(hall)
    party = hall.staff("phong")
    codes = ("101", "102", "103", "104", "201", "202", "204", "205", "B201", "B202")
    rooms = {code: RoomStaff(party, hall.find_room(code)) for code in codes}
    blood, x_ray = hall.find_service("XN"), hall.find_service("XQ")
    for code in ("101", "102", "103", "201", "104"):
        rooms[code].next()
        rooms[code].act("serve")
    rooms["101"].send_on(blood, x_ray)
    rooms["103"].send_on(blood)
    rooms["B201"].next()
    rooms["B201"].act("finish")
    for code in ("101", "103", "202", "204", "205"):
        rooms[code].next()
    rooms["102"].next()
    rooms["102"].act("miss", reason="no_answer")
    rooms["102"].next()
    rooms["205"].act("again")
    rooms["204"].change(state="paused", reason="equipment")
    return rooms


def _let_them_have_waited(hall: Hall) -> None:
    """As if they had come one after the other: the first of them long ago."""

    def set_back(unit: UnitOfWork) -> None:
        taken = unit.connection.execute(select(Visit.id).order_by(Visit.created_at)).scalars().all()
        for place, visit_id in enumerate(taken):
            back = max(WAITED - place * APART, timedelta())
            for table, visit, columns in (
                (Visit, Visit.id, (Visit.created_at,)),
                (Step, Step.visit_id, (Step.queue_key_at, Step.state_at)),
                (StepChange, StepChange.visit_id, (StepChange.at,)),
            ):
                rows = unit.connection.execute(
                    select(table.id, *columns).where(visit == visit_id)
                ).all()
                for row_id, *moments in rows:
                    values = {
                        column.key: moment - back
                        for column, moment in zip(columns, moments, strict=True)
                    }
                    unit.connection.execute(update(table).where(table.id == row_id).values(values))

    with open_records(hall.server.database_url) as database:
        database.transact(set_back)
