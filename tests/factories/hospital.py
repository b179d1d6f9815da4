"""A small hospital straight in the database: no HIS, always open unless told otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any

from sqlalchemy import insert, update

from backend.config import Config
from backend.domain.ids import new_id
from backend.domain.priority import DEFAULT_GROUPS
from backend.domain.scan import CoverageFacts, PersonFacts, ScanContent
from backend.domain.settings import FacilitySettings
from backend.services.recognise_caller import Caller, credential_hash
from backend.storage.catalogue_tables import (
    Department,
    Facility,
    OpeningSession,
    Practitioner,
    PractitionerService,
    PriorityGroup,
    Room,
    Service,
    ServiceRoom,
    Slot,
)
from backend.storage.crypto import Keys, demo_keys
from backend.storage.database import Database
from backend.storage.kiosk_tables import Kiosk
from backend.storage.repositories import save_scan

FACILITY = "main"


def make_config(database_url: str = "sqlite:///unused", **changes: Any) -> Config:
    return Config(database_url=database_url, demo=True, **changes)


def make_person(serial: int = 0, **changes: Any) -> PersonFacts:
    """An invented woman of 1985; another `serial` is another person."""
    values: dict[str, Any] = {
        "full_name": "Nguyễn Thị Thử",
        "name_key": "nguyen thi thu",
        "birth_date": "1985-06-15",
        "gender": "female",
        "numbers": {"id12": f"079185{serial:06d}"},
        "his_ref": None,
    }
    return PersonFacts(**(values | changes))


def make_scan(person: PersonFacts | None = None, **changes: Any) -> ScanContent:
    values: dict[str, Any] = {
        "person": person or make_person(),
        "known_to_his": True,
        "coverage": CoverageFacts(outcome="ok", code="000"),
    }
    return ScanContent(**(values | changes))


@dataclass
class Hospital:
    """What was put in. `services` maps a code to its id, `rooms` a room code to its id."""

    database: Database
    keys: Keys = field(default_factory=demo_keys)
    rooms: dict[str, str] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    department_id: str = field(default_factory=new_id)

    def set_up(self, settings: FacilitySettings | None = None) -> Hospital:
        with self.database.write() as unit:
            unit.connection.execute(
                insert(Facility).values(
                    id=FACILITY,
                    code="79999",
                    name_vi="Trung tâm Y tế Bình An",
                    name_en="Binh An Medical Centre",
                    timezone="Asia/Ho_Chi_Minh",
                    hotline="1900 0000",
                    settings=(settings or FacilitySettings()).to_json(),
                    catalogue_version=1,
                    catalogue_at=unit.now,
                )
            )
            unit.connection.execute(
                insert(Department).values(
                    id=self.department_id,
                    facility_id=FACILITY,
                    his_ref="KHOA",
                    code="KKB",
                    name_vi="Khoa Khám bệnh",
                    name_en="Outpatient Department",
                    position=0,
                    active=True,
                )
            )
            for group in DEFAULT_GROUPS:
                unit.connection.execute(
                    insert(PriorityGroup).values(
                        id=new_id(),
                        facility_id=FACILITY,
                        code=group.code,
                        label_vi=group.label.vi,
                        label_en=group.label.en,
                        rank=group.rank,
                        age_from_years=group.age_from_years,
                        age_below_years=group.age_below_years,
                        self_declared=group.self_declared,
                        legal_basis=group.legal_basis,
                        valid_from=group.valid_from,
                        valid_to=group.valid_to,
                    )
                )
        return self

    def add_room(
        self,
        code: str,
        *,
        opens_at: time = time(0),
        closes_at: time = time(23, 59, 59),
        weekdays: range = range(7),
        limit: int | None = None,
    ) -> str:
        room_id = self.rooms[code] = new_id()
        with self.database.write() as unit:
            unit.connection.execute(
                insert(Room).values(
                    id=room_id,
                    facility_id=FACILITY,
                    his_ref=f"PHONG-{code}",
                    department_id=self.department_id,
                    code=code,
                    name_vi=f"Phòng khám {code}",
                    name_en=f"Examination room {code}",
                    floor=code[0],
                    landmark_vi="cạnh quầy thuốc",
                    landmark_en="next to the pharmacy",
                    active=True,
                )
            )
            for weekday in weekdays:
                unit.connection.execute(
                    insert(OpeningSession).values(
                        id=new_id(),
                        facility_id=FACILITY,
                        room_id=room_id,
                        weekday=weekday,
                        name="morning",
                        opens_at=opens_at,
                        closes_at=closes_at,
                        limit=limit,
                    )
                )
        return room_id

    def add_service(self, code: str, *rooms: str, **changes: Any) -> str:
        service_id = self.services[code] = new_id()
        values: dict[str, Any] = {
            "kind": "examination",
            "price_vnd": 36_500,
            "insurance_price_vnd": 36_500,
            "pooled": False,
            "by_doctor": False,
            "by_hour": False,
            "minutes": 5,
            "sensitive": False,
            "series_letter": None,
            "visit_kinds": [],
            "active": True,
        }
        with self.database.write() as unit:
            unit.connection.execute(
                insert(Service).values(
                    id=service_id,
                    facility_id=FACILITY,
                    his_ref=f"DV-{code}",
                    department_id=self.department_id,
                    code=code,
                    name_vi=f"Khám {code}",
                    name_en=f"Examination {code}",
                    **(values | changes),
                )
            )
            for room in rooms:
                unit.connection.execute(
                    insert(ServiceRoom).values(
                        service_id=service_id, room_id=self.rooms[room], facility_id=FACILITY
                    )
                )
        return service_id

    def add_doctor(self, service: str, room: str | None, *, limit: int | None = None) -> str:
        practitioner_id = new_id()
        with self.database.write() as unit:
            unit.connection.execute(
                insert(Practitioner).values(
                    id=practitioner_id,
                    facility_id=FACILITY,
                    his_ref=f"BS-{practitioner_id}",
                    title="BS.",
                    name="Trần Văn Mẫu",
                    session_limit=limit,
                    active=True,
                )
            )
            unit.connection.execute(
                insert(PractitionerService).values(
                    practitioner_id=practitioner_id,
                    service_id=self.services[service],
                    room_id=self.rooms[room] if room else None,
                    facility_id=FACILITY,
                )
            )
        return practitioner_id

    def add_slot(self, service: str, *, starts_in_min: int, capacity: int) -> str:
        slot_id = new_id()
        with self.database.write() as unit:
            unit.connection.execute(
                insert(Slot).values(
                    id=slot_id,
                    facility_id=FACILITY,
                    his_ref=f"GIO-{slot_id}",
                    service_id=self.services[service],
                    starts_at=unit.now + timedelta(minutes=starts_in_min),
                    ends_at=unit.now + timedelta(minutes=starts_in_min + 30),
                    capacity=capacity,
                )
            )
        return slot_id

    def add_kiosk(self, name: str = "K1") -> tuple[Caller, str]:
        """The kiosk as a caller, and its credential."""
        kiosk_id, credential = new_id(), f"credential-of-{name}"
        with self.database.write() as unit:
            unit.connection.execute(
                insert(Kiosk).values(
                    id=kiosk_id,
                    facility_id=FACILITY,
                    name=name,
                    token_hash=credential_hash(credential),
                    enrolled_at=unit.now,
                )
            )
        return Caller(role="kiosk", id=kiosk_id, name=name), credential

    def add_scan(
        self, kiosk: Caller, content: ScanContent | None = None, *, lifetime_s: int = 600
    ) -> str:
        return self.add_scans(kiosk, [content or make_scan()], lifetime_s=lifetime_s)[0]

    def add_scans(
        self, kiosk: Caller, contents: Sequence[ScanContent], *, lifetime_s: int = 600
    ) -> list[str]:
        with self.database.write() as unit:
            return [
                save_scan(
                    unit,
                    self.keys,
                    content,
                    kiosk_id=kiosk.id,
                    kind="can_cuoc2024",
                    outcome="identified",
                    expires_at=unit.now + timedelta(seconds=lifetime_s),
                )
                for content in contents
            ]

    def touch_catalogue(self) -> None:
        with self.database.write() as unit:
            unit.connection.execute(
                update(Facility).values(catalogue_version=Facility.catalogue_version + 1)
            )
