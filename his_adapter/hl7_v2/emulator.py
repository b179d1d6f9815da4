"""A HIS that speaks HL7 v2 on this machine: the demo hospital behind MLLP, faithful or careless.

    with Hl7Emulator(open_demo(folder, clock=clock), folder, clock=clock) as his:
        gateway = open_gateway(his.settings)

With `feed_to` it also sends what changes in the hospital: people and visits (ADT), bookings (SIU),
orders (OML), results (ORU). Binds 127.0.0.1 only and refuses production.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter

from his_adapter.builtin.catalogue import Catalogue
from his_adapter.demo.gateway import open_demo
from his_adapter.demo.hospital import Hours, demo_catalogue
from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    GatewayMisconfigured,
    HisError,
    InvalidData,
    NotFound,
    NotSupported,
)
from his_adapter.hl7_v2.config import read_config
from his_adapter.hl7_v2.mapping import Hl7Mapping, join_name
from his_adapter.hl7_v2.messages import CHARSET, VERSION, Message, decode
from his_adapter.hl7_v2.mllp import MllpClient, MllpListener, NoAnswer, NoFrame, NotSent
from his_adapter.models import (
    Appointment,
    AppointmentAction,
    AppointmentStatus,
    Change,
    ChangeKind,
    Gender,
    Identifier,
    IdentifierKind,
    OrderStatus,
    Patient,
    PatientChanges,
    PatientQuery,
    PaymentMethod,
    PaymentPosting,
    PaymentReceipt,
    Ref,
    Visit,
    WriteKey,
)
from his_adapter.ports import HisGateway

QUERIES = {"by_key": "ZK1", "visits": "ZK2", "slots": "ZK3", "appointments": "ZK4"}
_ALL = 1000
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_FAR = datetime(2100, 1, 1, tzinfo=UTC)
_PUSH_EVERY_S = 0.5


@dataclass(kw_only=True)
class Switches:
    """May be thrown at any time. Counts go down by themselves; what is asked is done all the same."""

    late_s: float = 0.0
    wrong_message: int = 0
    """So many answers name another message in MSA-2."""
    no_answer: int = 0
    """So many messages are never answered; the connection stays."""
    close: int = 0
    """So many connections are closed without a byte, after the message was done."""
    garbage: int = 0
    latin1: int = 0
    """So many answers are in Latin-1 and say that they are UTF-8."""


class Hl7Emulator:
    """`settings` are what the adapter `hl7_v2` is opened with; the catalogue lies in `folder`."""

    def __init__(
        self,
        his: HisGateway,
        folder: Path,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        port: int = 0,
        feed_to: str = "",
        catalogue: Catalogue | None = None,
    ) -> None:
        if os.environ.get("TIEPDON_ENV") == "production":
            raise GatewayMisconfigured("the emulator refuses to run in production")
        self.switches = Switches()
        self.received: list[bytes] = []
        """The last messages as they came: of invented people."""
        self._his = his
        self._clock = clock
        self._stopped = threading.Event()
        self._listener = MllpListener("127.0.0.1", port, self._answer)
        catalogue_file = folder / "catalogue.json"
        catalogue_file.write_bytes(
            TypeAdapter(Catalogue).dump_json(catalogue or demo_catalogue(Hours.ALWAYS))
        )
        self.settings: Mapping[str, Any] = {
            "address": f"127.0.0.1:{self._listener.port}",
            "catalogue_file": str(catalogue_file),
            "patient_id_type": "PI",
            "queries": QUERIES,
            "numbers": {"appointment": {"type": "APT"}},
        }
        config = read_config(self.settings)
        self._mapping = Hl7Mapping(config, his.capabilities().facility.code)
        self._places = config.places
        self._feed: MllpClient | None = None
        self._cursor = ""
        self._owners: dict[Ref, Ref] = {}
        self._handlers: Mapping[tuple[str, str], Callable[[Message], Message]] = {
            ("QBP", "Q22"): self._find_people,
            ("QBP", "Q11"): self._ask,
            ("ADT", "A28"): self._create,
            ("ADT", "A31"): self._update,
            ("ADT", "A40"): self._merge,
            ("ADT", "A04"): self._check_in,
            ("ADT", "A11"): self._cancel_visit,
            ("SRM", "S01"): self._book,
            ("SRM", "S02"): self._change_booking,
            ("SRM", "S04"): self._change_booking,
            ("DFT", "P03"): self._pay,
        }
        self._pushing = threading.Lock()
        if feed_to:
            self.send_feed_to(feed_to)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.port}"

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._listener.close()
        if self._feed is not None:
            self._feed.close()

    def run(self) -> None:
        """Until it is stopped."""
        self._listener.start()
        while not self._stopped.wait(_PUSH_EVERY_S):
            self.push()

    # --- what the hospital sends by itself

    def send_feed_to(self, address: str, *, from_the_beginning: bool = False) -> None:
        """From now on, what changes goes there; with what the hospital still knows of before."""
        host, _, port = address.rpartition(":")
        self._feed = MllpClient(host, int(port), connect_timeout_s=2.0, connections=1)
        cursor = self._his.changes(None).cursor
        self._cursor = f"{cursor.partition('.')[0]}.0" if from_the_beginning else cursor

    def push(self) -> None:
        """Sends what has changed, in order; what is not acknowledged is sent again next time."""
        with self._pushing:
            while self._feed is not None:
                page = self._his.changes(self._cursor, limit=_ALL)
                for change in page.changes:
                    for message in self._told(change):
                        if not self._sent(self._feed, message):
                            return
                self._cursor = page.cursor
                if page.complete:
                    return

    def _sent(self, feed: MllpClient, message: Message) -> bool:
        def is_answer(untrusted: bytes) -> bool:
            msa = decode(untrusted).first("MSA")
            return msa.get(2) == message.control_id and msa.get(1) == "AA"

        with suppress(NotSent, NoAnswer, NoFrame, BrokenReply):
            feed.exchange(message.encode(), timeout_s=5.0, is_answer=is_answer, is_write=False)
            return True
        return False

    def _told(self, change: Change) -> Iterable[Message]:
        with suppress(NotFound):
            if change.kind is ChangeKind.PATIENT:
                message = self._new("ADT", "A31", "ADT_A05")
                message.add("EVN").put(1, "A31").put(2, self._mapping.time(change.at))
                patient = self._his.read_patient(change.ref)
                self._mapping.put_patient(message, patient, patient.ref)
                message.add("PV1").put(1, "1").put(2, "N")
                return [message]
            if change.patient is None:
                return []
            patient = self._his.read_patient(change.patient)
            if change.kind is ChangeKind.VISIT:
                return self._told_visit(change.ref, patient)
            if change.kind is ChangeKind.ORDER:
                return self._told_order(change.ref, patient)
            if change.kind is ChangeKind.REPORT:
                return self._told_report(change.ref, patient)
        return []

    def _told_visit(self, ref: Ref, patient: Patient) -> Iterable[Message]:
        for visit in self._his.list_visits(patient.ref, _LONG_AGO.date(), limit=_ALL).items:
            if visit.ref == ref:
                message = self._new("ADT", "A08", "ADT_A01")
                message.add("EVN").put(1, "A08").put(2, self._mapping.time(self._clock()))
                self._mapping.put_patient(message, patient, patient.ref)
                self._mapping.put_visit(message, visit)
                return [message]
        for booked in self._bookings(patient.ref):
            if booked.ref == ref:
                gone = booked.status is AppointmentStatus.CANCELLED
                message = self._new("SIU", "S15" if gone else "S12", "SIU_S12")
                self._mapping.put_appointment(message, booked)
                return [message]
        return []

    def _told_order(self, ref: Ref, patient: Patient) -> Iterable[Message]:
        orders = self._his.list_orders(
            patient.ref, _LONG_AGO, statuses=frozenset(OrderStatus), limit=_ALL
        )
        for order in orders.items:
            if order.ref == ref:
                message = self._new("OML", "O21", "OML_O21")
                self._mapping.put_patient(message, patient, patient.ref)
                self._mapping.put_order(message, order)
                return [message]
        return []

    def _told_report(self, ref: Ref, patient: Patient) -> Iterable[Message]:
        message = self._new("ORU", "R01", "ORU_R01")
        self._mapping.put_patient(message, patient, patient.ref)
        for report in self._his.list_reports(patient.ref, _LONG_AGO, limit=_ALL).items:
            if report.ref == ref:
                contents = [
                    (part, self._his.read_report_part(ref, part.name, patient=patient.ref))
                    for part in report.parts
                ]
                self._mapping.put_report(message, report, contents)
                return [message]
        self._mapping.put_withdrawn(message, ref)
        return [message]

    # --- what is asked

    def _answer(self, untrusted: bytes) -> bytes | None:
        self.received = [*self.received[-49:], untrusted]
        try:
            asked = decode(untrusted)
        except BrokenReply:
            return None
        answer = self._answered(asked)
        self.push()
        return self._played(answer)

    def _played(self, answer: Message) -> bytes | None:
        switches = self.switches
        time.sleep(switches.late_s)
        if switches.close > 0:
            switches.close -= 1
            return None
        if switches.no_answer > 0:
            switches.no_answer -= 1
            self._stopped.wait(30)
            return None
        if switches.garbage > 0:
            switches.garbage -= 1
            return b"\x00\xff HTTP/1.1 400 Bad Request\r\n\r\n"
        if switches.wrong_message > 0:
            switches.wrong_message -= 1
            msa = answer.first("MSA")
            msa.fields[2] = [[["SOMETHING-ELSE"]]]
        if switches.latin1 > 0:
            switches.latin1 -= 1
            return answer.encode().decode().encode("latin-1", "replace")
        return answer.encode()

    def _answered(self, asked: Message) -> Message:
        code, event = asked.kind.split("^", 1)
        handle = self._handlers.get((code, event))
        if handle is None:
            return self._refused(asked, "AR", NotSupported("type"))
        try:
            return handle(asked)
        except HisError as error:
            return self._refused(asked, "AE", error)

    def _new(self, code: str, event: str, structure: str) -> Message:
        message = Message()
        header = message.add("MSH").put(3, "HIS").put(5, "KIOSK")
        header.put(7, self._mapping.time(self._clock()))
        header.put(9, code).put(9, event, 2).put(9, structure, 3)
        header.put(10, secrets.token_hex(8)).put(11, "P").put(12, VERSION).put(18, CHARSET)
        return message

    def _ack(self, asked: Message, *, code: str = "AA", kind: str = "ACK") -> Message:
        event = asked.first("MSH").get(9, 2)
        structure = {"SRR": f"SRR_{event}", "RSP": f"RSP_K{event[1:]}"}.get(kind, "ACK")
        if kind == "RSP":
            event = f"K{event[1:]}"
        message = self._new(kind, event, structure)
        message.add("MSA").put(1, code).put(2, asked.control_id)
        return message

    def _refused(self, asked: Message, code: str, error: HisError) -> Message:
        message = self._ack(asked, code=code)
        fault = message.add("ERR").put(3, "207").put(3, "HL70357", 3).put(4, "E")
        fault.put(5, InvalidData.code if isinstance(error, BrokenReply) else error.code)
        if isinstance(error, Duplicate):
            fault.put(6, error.existing)
        if isinstance(error, InvalidData):
            fault.put(6, error.field).put(8, error.message_vi)
        return message

    def _key(self, asked: Message) -> WriteKey:
        return WriteKey(asked.at(self._places.key))

    # people

    def _find_people(self, asked: Message) -> Message:
        wanted = {rep[0][0]: rep[1][0] for rep in asked.first("QPD").repetitions(3)}
        value, kind = wanted.get("@PID.3.1", ""), wanted.get("@PID.3.5", "")
        people: list[Patient] = []
        if value and kind == "PI":
            with suppress(NotFound, InvalidData):
                people = [self._his.read_patient(Ref(value))]
        elif value:
            query = PatientQuery(identifiers=_identifiers(kind, value))
            people = self._matched(query) if query.identifiers else []
        else:
            people = self._matched(
                PatientQuery(
                    full_name=join_name(
                        wanted.get("@PID.5.1", ""),
                        wanted.get("@PID.5.3", ""),
                        wanted.get("@PID.5.2", ""),
                    ),
                    birth_date=self._mapping.read_draft(_asked_person(wanted)).birth_date,
                )
            )
        answer = self._found(asked, len(people))
        for patient in people[: _wanted(asked)]:
            self._mapping.put_patient(answer, patient, patient.ref)
            if value and kind == "PI" and value != patient.ref:  # merged: the old number as well
                pid = answer.all("PID")[-1]
                pid.put_all(3, value, "", "", "", "PI")
            answer.add("ZTD")
            _put_last(answer, self._places.version, patient.version)
        return answer

    def _matched(self, query: PatientQuery) -> list[Patient]:
        page = self._his.find_patients(query, limit=_ALL)
        return [self._his.read_patient(match.ref) for match in page.items]

    def _found(self, asked: Message, hits: int) -> Message:
        answer = self._ack(asked, kind="RSP")
        qpd = asked.first("QPD")
        answer.add("QAK").put(1, qpd.get(2)).put(2, "OK" if hits else "NF").put(4, str(hits))
        answer.segments.append(qpd)
        return answer

    def _create(self, asked: Message) -> Message:
        draft = self._mapping.read_draft(asked)
        patient = self._his.create_patient(draft, key=self._key(asked))
        answer = self._ack(asked)
        self._mapping.put_patient(answer, patient, patient.ref)
        answer.put(self._places.version, patient.version)
        return answer

    def _update(self, asked: Message) -> Message:
        draft, ref = self._mapping.read_draft(asked), self._mapping.patient_ref(asked)
        known = set(self._his.read_patient(ref).identifiers)
        changes = PatientChanges(
            full_name=draft.full_name,
            birth_date=draft.birth_date,
            gender=draft.gender if draft.gender is not Gender.UNKNOWN else None,
            phone=draft.phone,
            address=draft.address,
            guardian=draft.guardian,
            new_identifiers=tuple(item for item in draft.identifiers if item not in known),
        )
        version = asked.at(self._places.version)
        self._his.update_patient(ref, changes, version=version, key=self._key(asked))
        return self._ack(asked)

    def _merge(self, asked: Message) -> Message:
        keep, drop = self._mapping.patient_ref(asked), Ref(asked.first("MRG").get(1))
        self._his.merge_patients(keep, drop, key=self._key(asked))
        return self._ack(asked)

    # visits

    def _check_in(self, asked: Message) -> Message:
        request = self._mapping.read_check_in(asked)
        visit = self._his.check_in(request, key=self._key(asked))
        answer = self._ack(asked)
        self._put_visit(answer, visit)
        return answer

    def _cancel_visit(self, asked: Message) -> Message:
        reason = asked.first("PV2").get(3, 2)
        ref = Ref(asked.first("PV1").get(19))
        visit = self._his.cancel_visit(ref, reason=reason, key=self._key(asked))
        answer = self._ack(asked)
        self._put_visit(answer, visit)
        return answer

    def _put_visit(self, answer: Message, visit: Visit) -> None:
        """A message of its own at the end, so that its places are not those of another visit."""
        part = Message()
        patient = self._his.read_patient(visit.patient)
        self._owners[visit.ref] = patient.ref
        self._mapping.put_patient(part, patient, patient.ref)
        self._mapping.put_visit(part, visit)
        answer.segments += part.segments

    # bookings

    def _book(self, asked: Message) -> Message:
        booked = self._his.book_appointment(
            self._mapping.patient_ref(asked),
            Ref(asked.first("ARQ").get(5)),
            Ref(asked.first("AIS").get(3)),
            key=self._key(asked),
        )
        return self._booked(asked, booked)

    def _change_booking(self, asked: Message) -> Message:
        arq = asked.first("ARQ")
        moves = asked.first("MSH").get(9, 2) == "S02"
        booked = self._his.change_appointment(
            Ref(arq.get(2)),
            AppointmentAction.RESCHEDULE if moves else AppointmentAction.CANCEL,
            version=asked.at(self._places.version),
            key=self._key(asked),
            reason=arq.get(7, 2),
            new_slot=Ref(arq.get(5)) if moves else None,
        )
        return self._booked(asked, booked)

    def _booked(self, asked: Message, booked: Appointment) -> Message:
        answer = self._ack(asked, kind="SRR")
        self._mapping.put_appointment(answer, booked)
        return answer

    def _bookings(self, patient: Ref) -> tuple[Appointment, ...]:
        everything = frozenset(AppointmentStatus)
        page = self._his.find_appointments(
            patient, _LONG_AGO, _FAR, statuses=everything, limit=_ALL
        )
        return page.items

    # money

    def _pay(self, asked: Message) -> Message:
        ft1 = asked.first("FT1")
        invoice, visit = asked.at(self._places.invoice), asked.first("PV1").get(19)
        receipt = self._his.post_payment(
            PaymentPosting(
                patient=self._mapping.patient_ref(asked),
                visit=Ref(visit) if visit else None,
                invoice=Ref(invoice) if invoice else None,
                amount_vnd=int(ft1.get(11)),
                method=PaymentMethod(asked.at(self._places.method)),
                provider=ft1.get(7, 2),
                provider_reference=ft1.get(2),
                paid_at=self._mapping.read_time(ft1.get(4)),
            ),
            key=self._key(asked),
        )
        answer = self._ack(asked)
        self._mapping.put_receipt(answer, receipt)
        return answer

    # questions of our own

    def _ask(self, asked: Message) -> Message:
        qpd, limit = asked.first("QPD"), _wanted(asked)
        parts: list[Message] = []
        match qpd.get(1):
            case "ZK1":
                parts = self._written(WriteKey(qpd.get(3)))
            case "ZK2":
                parts = self._visits(qpd.get(3), qpd.get(4), qpd.get(5))
            case "ZK3":
                parts = self._slots(qpd.get(3), qpd.get(4), qpd.get(5), qpd.get(6))
            case "ZK4":
                start, end = map(self._mapping.read_time, (qpd.get(4), qpd.get(5)))
                for booked in self._bookings(Ref(qpd.get(3))):
                    if start <= booked.start < end:
                        parts.append(Message())
                        self._mapping.put_appointment(parts[-1], booked)
            case _:
                raise NotSupported("query")
        answer = self._found(asked, len(parts))
        for part in parts[:limit]:
            answer.segments += part.segments
        return answer

    def _written(self, key: WriteKey) -> list[Message]:
        written, part = self._his.find_by_key(key), Message()
        match written:
            case Patient():
                self._mapping.put_patient(part, written, written.ref)
                part.put(self._places.version, written.version)
            case Visit():
                self._put_visit(part, written)
            case Appointment():
                self._mapping.put_appointment(part, written)
            case PaymentReceipt():
                part.add("PID").put(1, "1")
                self._mapping.put_receipt(part, written)
            case _:
                return []
        part.put(self._places.key, key)
        return [part]

    def _visits(self, patient: str, since: str, ref: str) -> list[Message]:
        visits: list[Visit] = []
        if ref:
            with suppress(NotFound, InvalidData):
                visits = self._find_visit(Ref(ref))
        else:
            day = date.fromisoformat(since)
            visits = [*self._his.list_visits(Ref(patient), day, limit=_ALL).items]
        parts = [Message() for _ in visits]
        for part, visit in zip(parts, visits, strict=True):
            self._put_visit(part, visit)
        return parts

    def _find_visit(self, ref: Ref) -> list[Visit]:
        """The port has no such question: whose visit it is was noted when it was told."""
        owner = self._owners.get(ref)
        if owner is None:
            return []
        page = self._his.list_visits(owner, _LONG_AGO.date(), limit=_ALL)
        return [visit for visit in page.items if visit.ref == ref]

    def _slots(self, service: str, practitioner: str, start: str, end: str) -> list[Message]:
        slots = self._his.find_slots(
            Ref(service),
            Ref(practitioner) if practitioner else None,
            self._mapping.read_time(start),
            self._mapping.read_time(end) + timedelta(seconds=1),
            limit=_ALL,
        ).items
        parts = [Message() for _ in slots]
        for part, slot in zip(parts, slots, strict=True):
            self._mapping.put_slot(part, slot)
        return parts


def _identifiers(kind: str, value: str) -> tuple[Identifier, ...]:
    kinds = {
        "NI": IdentifierKind.CMND9 if len(value) == 9 else IdentifierKind.ID12,
        "HC": IdentifierKind.BHYT15,
        "SS": IdentifierKind.BHXH10,
        "PPN": IdentifierKind.PASSPORT,
        "MR": IdentifierKind.MRN,
        "APT": IdentifierKind.APPOINTMENT,
    }
    return (Identifier(kind=kinds[kind], value=value),) if kind in kinds else ()


def _asked_person(wanted: Mapping[str, str]) -> Message:
    message = Message()
    message.add("PID").put(5, "?").put(7, wanted.get("@PID.7", ""))
    return message


def _wanted(asked: Message) -> int:
    text = asked.first("RCP").get(2)
    return int(text) if text.isdigit() else _ALL


def _put_last(message: Message, place: str, text: str) -> None:
    """Into the segment that was added last: each person of an answer has one."""
    last = Message(message.segments[-1:])
    last.put(place, text)


def serve(*, port: int, seed: int) -> None:  # noqa: ARG001 - the demo hospital is the same each time
    """The demo hospital of today until it is stopped; prints one line when it is ready."""
    with tempfile.TemporaryDirectory(prefix="tiepdon-hl7-") as folder:
        his = open_demo(Path(folder), clock=lambda: datetime.now(UTC))
        feed_to = os.environ.get("TIEPDON_HL7_FEED", "")
        emulator = Hl7Emulator(his, Path(folder), port=port, feed_to=feed_to)
        line = f"HL7 v2: {emulator.address}, catalogue: {emulator.settings['catalogue_file']}"
        print(line, flush=True)  # noqa: T201 - for who started it
        with suppress(KeyboardInterrupt):
            emulator.run()
