"""hl7apy, another library, reads what we send by its own tables of 2.5.1, and answers as a server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import hl7
import pytest
from hl7.mllp import open_hl7_connection
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.exceptions import ValidationError
from hl7apy.mllp import AbstractHandler, MLLPServer
from hl7apy.parser import parse_message

from his_adapter.demo.gateway import open_demo
from his_adapter.errors import OutcomeUnknown, Unavailable
from his_adapter.hl7_v2.config import read_config
from his_adapter.hl7_v2.emulator import Hl7Emulator
from his_adapter.hl7_v2.feed import acknowledge
from his_adapter.hl7_v2.gateway import Hl7Gateway
from his_adapter.hl7_v2.messages import decode
from his_adapter.hl7_v2.mllp import MllpListener
from his_adapter.models import (
    AppointmentAction,
    CheckIn,
    PatientChanges,
    PaymentMethod,
    PaymentPosting,
    Ref,
)
from his_adapter.testing import fill_demo_folder
from tests.contract.his_harness import draft, next_key
from tests.contract.his_records import PDF, VALUES
from tests.unit.his_adapter.hl7_v2.conftest import MONDAY_MORNING

ADDRESS = "Tổ 1 & 2 ^ hẻm ~ 3 | ngõ \\4, Ba Vì, Hà Nội"


def read_by_hl7apy(content: bytes) -> Any:
    return parse_message(
        content.decode().strip("\r"), validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=True
    )


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One of each kind that passes between us and the emulated HIS."""
    folder = tmp_path_factory.mktemp("his")
    fill_demo_folder(folder, now=MONDAY_MORNING)
    hospital = open_demo(folder, clock=lambda: MONDAY_MORNING)
    told: list[bytes] = []

    def note(content: bytes) -> bytes:
        told.append(content)
        asked = decode(content).control_id
        head = r"MSH|^~\&|K||H||20260105090000||ACK|1|P|2.5.1||||||UNICODE UTF-8"
        return f"{head}\rMSA|AA|{asked}\r".encode()

    with (
        MllpListener("127.0.0.1", 0, note) as receiver,
        Hl7Emulator(hospital, folder, clock=lambda: MONDAY_MORNING) as emulator,
    ):
        emulator.send_feed_to(f"127.0.0.1:{receiver.port}")
        his = Hl7Gateway(read_config(emulator.settings), clock=lambda: MONDAY_MORNING)
        patient = his.create_patient(
            draft(1, address=ADDRESS, phone="0900000001", guardian="Trần Văn An"), key=next_key()
        )
        other = his.create_patient(draft(2, name="Lan"), key=next_key())
        changes = PatientChanges(phone="0900000002")
        his.update_patient(patient.ref, changes, version=patient.version, key=next_key())
        his.merge_patients(patient.ref, other.ref, key=next_key())
        start = MONDAY_MORNING
        slots = his.find_slots(Ref("internal"), None, start, start + timedelta(days=1)).items
        booked = his.book_appointment(patient.ref, slots[0].ref, Ref("internal"), key=next_key())
        booked = his.change_appointment(
            booked.ref,
            AppointmentAction.RESCHEDULE,
            version=booked.version,
            key=next_key(),
            new_slot=slots[-1].ref,
        )
        his.change_appointment(
            booked.ref, AppointmentAction.CANCEL, version=booked.version, key=next_key()
        )
        visit = his.check_in(
            CheckIn(patient=patient.ref, service=Ref("surgery"), number="A012", reason="đau & sốt"),
            key=next_key(),
        )
        order = hospital.clinic.place_order(
            patient.ref, service=Ref("internal"), name_vi="Công thức máu", preparation_vi="Nhịn ăn."
        )
        report = hospital.clinic.write_report(patient.ref, order=order.ref, parts=(VALUES, PDF))
        hospital.clinic.release_report(report)
        his.cancel_visit(visit.ref, reason="người bệnh hủy", key=next_key())
        advance = PaymentPosting(
            patient=patient.ref,
            amount_vnd=100_000,
            method=PaymentMethod.QR,
            provider="vietqr",
            provider_reference="FT26005000001",
            paid_at=MONDAY_MORNING,
        )
        his.post_payment(advance, key=next_key())
        his.close()
        sent = [*emulator.received]
    hospital.close()
    by_kind = {decode(content).kind: content for content in sent}
    return by_kind | {f"told {decode(content).kind}": content for content in told}


KINDS = (
    "QBP^Q22",
    "QBP^Q11",
    "ADT^A28",
    "ADT^A31",
    "ADT^A40",
    "ADT^A04",
    "ADT^A11",
    "SRM^S01",
    "SRM^S02",
    "SRM^S04",
    "DFT^P03",
    "told ADT^A31",
    "told ADT^A08",
    "told SIU^S12",
    "told SIU^S15",
    "told OML^O21",
    "told ORU^R01",
)


def test_every_kind_is_tried(messages: dict[str, bytes]) -> None:
    assert set(messages) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_our_messages_are_valid(messages: dict[str, bytes], kind: str, tmp_path: Path) -> None:
    report = tmp_path / "report"
    known = []
    try:
        read_by_hl7apy(messages[kind]).validate(report_file=str(report))
    except ValidationError as error:
        known = [str(error)]
    # IHE repeats QPD-3, which the tables of the standard do not know.
    assert known == (["Child limit exceeded QPD.QPD_3"] if kind == "QBP^Q22" else [])
    lines = report.read_text(encoding="utf-8").splitlines()
    # Table 0069 (services) is the hospital's own; QPD-1 is IHE's.
    assert [line for line in lines if "HL70069" not in line and "QPD_" not in line] == []


def test_texts_are_read_as_they_were_meant(messages: dict[str, bytes]) -> None:
    pid = read_by_hl7apy(messages["ADT^A28"]).pid
    assert (pid.pid_5.xpn_1.to_er7(), pid.pid_5.xpn_2.to_er7()) in {("Nguyễn", "Ỷ"), ("", "Lan")}
    pid = read_by_hl7apy(messages["ADT^A31"]).pid
    escaped = pid.pid_11.xad_1.sad_1.to_er7()
    assert escaped == r"Tổ 1 \T\ 2 \S\ hẻm \R\ 3 \F\ ngõ \E\4, Ba Vì, Hà Nội"


class Acknowledge(AbstractHandler):  # type: ignore[misc]  # the library has no types
    """Says yes, with the acknowledgement that the library makes, which names no character set."""

    def reply(self) -> str:
        asked = parse_message(self.incoming_message, find_groups=False)
        head = r"MSH|^~\&|HIS|BV|KIOSK|BV|20260105090000||ACK^A28^ACK|H1|P|2.5.1"
        pid = asked.pid.to_er7().replace("PID|1||", "PID|1||BN000123^^^^MR~")
        return f"\x0b{head}\rMSA|AA|{asked.msh.msh_10.to_er7()}\r{pid}\r\x1c\r"


@pytest.fixture
def server() -> Iterator[MLLPServer]:
    server = MLLPServer("127.0.0.1", 0, {"ADT^A28^ADT_A05": (Acknowledge,)})
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_its_server_is_understood(server: MLLPServer, catalogue_file: Path) -> None:
    """It closes after each answer, and without a byte when it has no handler."""
    config = read_config(
        {
            "address": f"127.0.0.1:{server.server_address[1]}",
            "catalogue_file": str(catalogue_file),
            "write_timeout_s": 5.0,
        }
    )
    his = Hl7Gateway(config, clock=lambda: MONDAY_MORNING)
    for number in range(3):
        patient = his.create_patient(draft(number, address=ADDRESS), key=next_key())
        assert (patient.full_name, patient.address) == ("Nguyễn Thị Đặng Ỷ", ADDRESS)
    with pytest.raises(Unavailable):
        his.read_patient(Ref("BN000123"))
    with pytest.raises(OutcomeUnknown):
        his.check_in(
            CheckIn(patient=Ref("BN000123"), person=draft(), service=Ref("surgery")), key=next_key()
        )
    his.close()


def test_its_sender_is_understood_by_our_receiver() -> None:
    """The MLLP client of `hl7`, which sends several messages over one connection."""
    asked: list[str] = []

    def note(content: bytes) -> bytes:
        message = decode(content)
        asked.append(message.at("ZTD-1"))
        return acknowledge(message, MONDAY_MORNING, "AA")

    async def send(port: int) -> list[str]:
        reader, writer = await open_hl7_connection("127.0.0.1", port, encoding="utf-8")
        codes = []
        for number in range(3):
            head = rf"MSH|^~\&|LIS|BV|K|BV|20260105||ADT^A08|M{number}|P|2.5.1||||||UNICODE UTF-8"
            writer.writemessage(hl7.parse(f"{head}\rZTD|Đặng Ỷ {number}\r"))
            await writer.drain()
            answer = await reader.readmessage()
            codes.append(f"{answer.segment('MSA')}")
        writer.close()
        await writer.wait_closed()
        return codes

    with MllpListener("127.0.0.1", 0, note) as receiver:
        assert asyncio.run(send(receiver.port)) == ["MSA|AA|M0", "MSA|AA|M1", "MSA|AA|M2"]
    assert asked == ["Đặng Ỷ 0", "Đặng Ỷ 1", "Đặng Ỷ 2"]
