"""Two journeys in houses of their own: HIS and insurance gateway away for a whole visit, then back.

The gateway is the stand-in of the insurer's, in this process and over real HTTP; the HIS is the
demo hospital, or the FHIR server of somebody else. What came of a visit is looked up in the HIS
and in what the gateway kept, not in our own records.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import requests

from backend.config import load_config
from backend.domain.checkin_table.rules import Circumstances, check_document
from backend.domain.checkin_table.standard import standard_on
from backend.domain.checkin_table.xml import parse_checkin, read_rows
from backend.services.change_settings import change_setting
from backend.storage.database import open_database
from his_adapter.bhxh.emulated_people import OWN_FACILITY, from_demo
from his_adapter.bhxh.emulator import ACCOUNT, EMPLOYEE_CCCD, EMPLOYEE_NAME, PASSWORD, BhxhEmulator
from his_adapter.conformance.proxy import FaultProxy, Upstream
from his_adapter.demo import personas
from his_adapter.demo.faults import Faults
from his_adapter.demo.gateway import open_gateway
from his_adapter.demo.personas import PERSONAS, Persona
from his_adapter.errors import HisError
from his_adapter.models import Identifier, IdentifierKind, PatientQuery
from kiosk_ui.presenters.views import TicketView
from tiepdon.demo.fhir_server.hospital import SETTINGS, seed
from tiepdon.demo.fhir_server.process import FhirServer
from tiepdon.demo.pictures.picture import Picture
from tiepdon.demo.report import JourneyResult
from tiepdon.demo.scene import (
    PROVISIONAL_WITHIN_MS,
    WALK_IN,
    Scene,
    check_in,
    require,
    show_card,
    take_number,
)
from tiepdon.demo.stage import Stage

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
SPEED = 4
"""So many times sooner than in a hospital messages are sent again and cards asked about again."""
BACK_WITHIN_S = 240.0
"""A message or a card whose next try has just failed waits about a minute and a half; the rest is
for a machine that does much else.
"""
QUIET_S = 3.0
"""Whatever is sent twice comes within this time."""
TOLD_WITHIN_S = 20.0
HIS_IS_AWAY = re.compile(r"<h2>HIS</h2>\s*<p class=\"wrong\" role=\"alert\">Không trả lời từ")
FEED_IS_AWAY = "HIS không trả lời. Chỉ định và kết quả sẽ đến sau khi HIS trở lại."
OUTBOX = Picture(name="outbox", path="/staff/outbox", ready="#state", account="letan")
STANDING = {"standing.level": "basic", "standing.old_class": "district"}


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A visit as a HIS has it. `record_code` is MA_LK, `own_number` what we printed."""

    record_code: str
    own_number: str


class House(ABC):
    """A hospital of its own: its stage, its HIS, and the line to the insurance gateway."""

    stage: Stage

    def __init__(self, gateway: BhxhEmulator, line: FaultProxy) -> None:
        self.gateway = gateway
        self.arrived = 0
        """Visits that were found in the HIS and at the gateway so far."""
        self._gateway_line = line

    @property
    def gateway_address(self) -> str:
        return f"http://127.0.0.1:{self._gateway_line.port}"

    @property
    def files(self) -> list[bytes]:
        """Check-in tables the gateway keeps."""
        return [each.document for each in self.gateway.kept]

    def go_down(self) -> None:
        self._gateway_line.go_down()
        self._cut_his()

    def come_back(self) -> None:
        self._gateway_line.come_back()
        self._mend_his()

    @abstractmethod
    def visits_of(self, persona: Persona) -> list[Registered]:
        """Everything the HIS has of this person today, asked of the HIS itself.

        Raises LostPatientError when it has the person twice.
        """

    @abstractmethod
    def _cut_his(self) -> None: ...

    @abstractmethod
    def _mend_his(self) -> None: ...


class DemoHouse(House):
    """With the demo hospital."""

    def visits_of(self, persona: Persona) -> list[Registered]:
        his = open_gateway({"folder": str(self.stage.server.his_folder)})
        try:
            known = his.find_patients(
                PatientQuery(
                    identifiers=(Identifier(kind=IdentifierKind.ID12, value=persona.typed),),
                    full_name=persona.full_name,
                    birth_date=persona.birth_date,
                    gender=persona.gender,
                )
            ).items
            _check_one(len(known))
            since = datetime.now(VIETNAM).date()
            return [
                Registered(
                    record_code=visit.record_code,
                    own_number=visit.own_number or "",
                )
                for match in known
                for visit in his.list_visits(match.ref, since).items
            ]
        finally:
            his.close()

    def _cut_his(self) -> None:
        self.stage.faults(Faults(down=True))

    def _mend_his(self) -> None:
        self.stage.faults(Faults())


class FhirHouse(House):
    """With the FHIR server of somebody else, asked by its own REST interface."""

    def __init__(
        self, gateway: BhxhEmulator, line: FaultProxy, server: FhirServer, server_line: FaultProxy
    ) -> None:
        super().__init__(gateway, line)
        self._server = server
        self._server_line = server_line

    def visits_of(self, persona: Persona) -> list[Registered]:
        known = self._server.find("Patient", identifier=persona.typed)
        _check_one(len(known))
        return [
            Registered(
                record_code=_number(encounter, "/sid/ma-lk"),
                own_number=_number(encounter, "urn:tiepdon:number"),
            )
            for patient in known
            for encounter in self._server.find("Encounter", patient=patient["id"])
        ]

    def _cut_his(self) -> None:
        self._server_line.go_down()

    def _mend_his(self) -> None:
        self._server_line.come_back()


def _check_one(records: int) -> None:
    require(records <= 1, f"the HIS has {records} records of one person")


def _number(resource: Mapping[str, Any], ends: str) -> str:
    found = [each["value"] for each in resource["identifier"] if each["system"].endswith(ends)]
    require(len(found) == 1, f"{resource['resourceType']} has {len(found)} numbers of {ends}")
    return str(found[0])


# --- journeys ------------------------------------------------------------------------------------


def all_away_then_back(out: Path, result: JourneyResult) -> None:
    with _gateway() as (gateway, line):
        house = DemoHouse(gateway, line)
        with _staged(house, out, result, {}) as scene:
            visit_while_all_is_away(scene, house, personas.INSURED, WALK_IN)


def another_fhir_server(out: Path, result: JourneyResult) -> None:
    """First a visit on a good day, then one while everything is away."""
    now = datetime.now(UTC)
    with _gateway() as (gateway, line), FhirServer() as server:
        server.put(*seed(hours_from=(now,), always_open=True))
        with FaultProxy(Upstream(host="127.0.0.1", port=server.port)) as server_line:
            house = FhirHouse(gateway, line, server, server_line)
            facility = {**SETTINGS["facility"], "code": OWN_FACILITY}
            address = f"http://127.0.0.1:{server_line.port}/fhir"
            settings = {**SETTINGS, "facility": facility, "base_url": address}
            environment = {
                "TIEPDON_HIS": "fhir_r4",
                "TIEPDON_HIS_SETTINGS": json.dumps(settings, ensure_ascii=False),
            }
            answers = {**WALK_IN, "department": "Khoa Ngoại"}
            with _staged(house, out, result, environment) as scene:
                visit_on_a_good_day(scene, house, personas.INSURED, answers)
                visit_while_all_is_away(scene, house, personas.PRINTER_TROUBLE, answers)


def visit_on_a_good_day(
    scene: Scene, house: House, persona: Persona, answers: Mapping[str, str]
) -> None:
    check_in(scene, persona, answers)
    arrived_once(scene, house, persona)
    times_ms = scene.result.times_ms
    for name in ("card to identity", "number and paper"):
        times_ms[f"good day: {name}"] = times_ms.pop(name)


def visit_while_all_is_away(
    scene: Scene, house: House, persona: Persona, answers: Mapping[str, str]
) -> None:
    times_ms = scene.result.times_ms
    house.go_down()
    with scene.kiosk() as (patient, staged):
        before = len(staged.printer.tickets)
        patient.walk(answers, to="scan")
        show_card(scene, patient, persona, to="confirm_identity")
        take_number(scene, patient, answers)
        notes = " ".join(note.text.lower() for note in patient.view_of(TicketView).notes)
        for expected in ("cần kiểm tra thẻ", "chưa đồng bộ"):
            require(expected in notes, f"the ticket does not say: {expected}")
        scene.keep_ticket(staged, before + 1)
        waited_ms = times_ms["card to identity"] + times_ms["number and paper"]
        times_ms["machine time to provisional ticket"] = waited_ms
        require(waited_ms <= PROVISIONAL_WITHIN_MS, f"the ticket came after {waited_ms:.0f} ms")
    wait_until_staff_know(scene)
    with scene.staff_pages() as keep_page:
        keep_page(OUTBOX)
    house.come_back()
    arrived_once(scene, house, persona, since=time.perf_counter())


def wait_until_staff_know(scene: Scene) -> None:
    """The page of messages says that the HIS is away: at its head after five failures within
    seconds, which a busy machine may spread too far, and where it tells of following the HIS.
    """
    patient_until_s = time.monotonic() + TOLD_WITHIN_S

    def told() -> bool:
        page = scene.stage.server.staff_page(OUTBOX.path)
        late = time.monotonic() > patient_until_s
        return bool(HIS_IS_AWAY.search(page)) or (late and FEED_IS_AWAY in page)

    _wait(told, "staff to be told that the HIS is away")


def arrived_once(
    scene: Scene, house: House, persona: Persona, *, since: float | None = None
) -> None:
    """Registration and check-in table are where they belong, once, and nothing is left to send.

    The card was asked about again without anybody's help, or the table would not have left.
    """
    times_ms, server = scene.result.times_ms, scene.stage.server
    _wait(lambda: bool(house.visits_of(persona)), "the registration in the HIS")
    if since is not None:
        times_ms["back: registered in the HIS"] = (time.perf_counter() - since) * 1000
    _wait(lambda: len(house.files) > house.arrived, "the check-in table at the gateway")
    if since is not None:
        times_ms["back: check-in table at the gateway"] = (time.perf_counter() - since) * 1000
    _wait(lambda: not server.unsettled(), "every message to be settled")
    time.sleep(QUIET_S)
    house.arrived += 1
    visits, files = house.visits_of(persona), house.files
    require(len(visits) == 1, f"the HIS has {len(visits)} visits")
    require(len(files) == house.arrived, f"the gateway has {len(files)} check-in tables")
    require(not house.gateway.duplicates, "a check-in table was sent twice")
    require(visits[0].own_number == scene.result.ticket, "the HIS has another number")
    _check_table(files[-1], visits[0].record_code)


def _check_table(document: bytes, record_code: str) -> None:
    now = datetime.now(UTC)
    standard = standard_on(now.astimezone(VIETNAM).date())
    circumstances = Circumstances(facility_code=OWN_FACILITY, now=now, zone=VIETNAM)
    verdict = check_document(document, standard, circumstances)
    broken = ", ".join(f"{each.rule} {each.field}" for each in verdict.findings)
    require(verdict.valid, f"the check-in table breaks {broken}")
    rows = list(read_rows(parse_checkin(document, standard), standard))
    require(
        [row["MA_LK"] for row in rows] == [record_code],
        "the check-in table is not of the visit the HIS has",
    )


# --- houses --------------------------------------------------------------------------------------


@contextmanager
def _gateway() -> Iterator[tuple[BhxhEmulator, FaultProxy]]:
    with BhxhEmulator(people=from_demo(PERSONAS)) as gateway:
        port = urlsplit(gateway.base_url).port or 0
        with FaultProxy(Upstream(host="127.0.0.1", port=port)) as line:
            yield gateway, line


@contextmanager
def _staged(
    house: House, out: Path, result: JourneyResult, environment: Mapping[str, str]
) -> Iterator[Scene]:
    """The house with its server running, told to send check-in tables itself."""
    folder = out / "stages" / str(result.journey)
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "TIEPDON_SPEED": str(SPEED),
        "TIEPDON_INSURER_CONFIG": str(_insurer_config(folder, house)),
        **environment,
    }
    with Stage(folder, environment=settings) as stage:
        house.stage = stage
        _enter_settings(stage.server.database_url)
        yield Scene(stage, out, result)


def _insurer_config(folder: Path, house: House) -> Path:
    password = folder.resolve() / "bhxh-password"
    password.write_text(PASSWORD, encoding="utf-8")
    settings = {
        "base_url": house.gateway_address,
        "account": ACCOUNT,
        "password_file": str(password),
        "facility_code": OWN_FACILITY,
    }
    employee = {"full_name": EMPLOYEE_NAME, "cccd": EMPLOYEE_CCCD}
    file = folder.resolve() / "insurer.toml"
    lines = ['adapter = "bhxh"', "[settings]", *_toml(settings)]
    lines += ["[settings.employee]", *_toml(employee)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _toml(values: Mapping[str, str]) -> list[str]:
    """Strings are written alike in JSON and TOML."""
    return [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]


def _enter_settings(database_url: str) -> None:
    config = load_config({"TIEPDON_DB": database_url, "TIEPDON_DEMO": "1"})
    database = open_database(config)
    try:
        for name, value in {**STANDING, "checkin_sender": "tiepdon"}.items():
            change_setting(database, name, value)
    finally:
        database.close()


def _wait(condition: Callable[[], bool], what: str) -> None:
    """Raises LostPatientError. Who does not answer is asked again."""
    end_s = time.monotonic() + BACK_WITHIN_S
    while True:
        with contextlib.suppress(requests.RequestException, HisError):
            if condition():
                return
        require(time.monotonic() < end_s, f"waited for {what}")
        time.sleep(0.25)
