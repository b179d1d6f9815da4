"""Segments ↔ models, both ways: the adapter and its emulator share them. Pure.

| Model       | Segments                                                              |
|-------------|-----------------------------------------------------------------------|
| patient     | PID, NK1 (guardian); the name is họ ^ tên ^ đệm in PID-5              |
| visit       | PID-3, PV1                                                            |
| appointment | SCH, PID-3, AIS (service), AIL (room), AIP (doctor)                   |
| slot        | SCH, AIS, AIL, AIP                                                    |
| order       | PID-3, PV1-19, ORC, OBR, NTE (preparation)                            |
| report      | PID-3, PV1-19, OBR, OBX                                               |
| payment     | PID-3, FT1                                                            |

What has no field of its own is at the `Places` of the configuration. The whole name is the truth:
it is put together again from its parts, in the order họ, đệm, tên.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from copy import deepcopy
from datetime import datetime, tzinfo

from his_adapter.builtin.names import normal_form
from his_adapter.errors import BrokenReply
from his_adapter.hl7_v2.config import Hl7Config, Places
from his_adapter.hl7_v2.messages import Message, Repetition, Segment
from his_adapter.hl7_v2.times import dump_time, read_time
from his_adapter.models import (
    Appointment,
    AppointmentStatus,
    BirthDate,
    CheckIn,
    Gender,
    Identifier,
    IdentifierKind,
    InvoiceStatus,
    Order,
    OrderStatus,
    PartKind,
    Patient,
    PatientChanges,
    PatientDraft,
    PaymentPosting,
    PaymentReceipt,
    Ref,
    Report,
    ReportContent,
    ReportKind,
    ReportPart,
    ReportStatus,
    ResultValue,
    ServiceKind,
    Slot,
    Visit,
    VisitStatus,
    VisitTicket,
)

MAX_REF = 120
MAX_TEXT = 2000

_GENDERS = {Gender.MALE: "M", Gender.FEMALE: "F", Gender.OTHER: "O", Gender.UNKNOWN: "U"}
_GENDERS_READ = {letter: gender for gender, letter in _GENDERS.items()} | {
    "": Gender.UNKNOWN,
    "A": Gender.OTHER,
    "N": Gender.OTHER,
}
_BOOKING_STATUSES = {  # table 0278
    AppointmentStatus.BOOKED: "Booked",
    AppointmentStatus.ARRIVED: "Started",
    AppointmentStatus.FULFILLED: "Complete",
    AppointmentStatus.CANCELLED: "Cancelled",
    AppointmentStatus.NO_SHOW: "Noshow",
}
_BOOKING_STATUSES_READ = {word.lower(): status for status, word in _BOOKING_STATUSES.items()} | {
    "pending": AppointmentStatus.BOOKED,
    "overbook": AppointmentStatus.BOOKED,
    "dc": AppointmentStatus.CANCELLED,
    "deleted": AppointmentStatus.CANCELLED,
}
_ORDER_STATUSES = {  # table 0038, and the order control of table 0119
    OrderStatus.ACTIVE: ("NW", "IP"),
    OrderStatus.COMPLETED: ("SC", "CM"),
    OrderStatus.CANCELLED: ("CA", "CA"),
}
_CANCELLING = {"CA", "OC", "DC", "OD"}
_ORDER_ENDS = {
    "CM": OrderStatus.COMPLETED,
    "CA": OrderStatus.CANCELLED,
    "DC": OrderStatus.CANCELLED,
}
_REPORT_STATUSES = {  # table 0123: everything else is not released
    ReportStatus.FINAL: "F",
    ReportStatus.CORRECTED: "C",
    ReportStatus.AMENDED: "C",
    ReportStatus.APPENDED: "C",
}
_REPORT_STATUSES_READ = {"F": ReportStatus.FINAL, "C": ReportStatus.CORRECTED}
_VALUES_SHOWN = {"", "F", "C", "U"}
_SECTIONS = dict.fromkeys(("LAB", "CH", "HM", "MB", "BG", "SR", "IMM", "CG", "PAT"), "laboratory")
_SECTIONS |= dict.fromkeys(
    ("RAD", "RUS", "CT", "XRC", "NMR", "VUS", "OUS", "CUS", "IMG"), "imaging"
)
_SECTIONS |= {"PHR": "pharmacy"}
_SECTION_CODES = {"laboratory": "LAB", "imaging": "RAD", "pharmacy": "PHR"}
_BIRTH = re.compile(r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2}))?)?(?:[0-9]{4,6}(?:[+-][0-9]{4})?)?")


SentReport = tuple[Report | None, Ref, datetime, dict[str, ReportContent]]
"""A report (None: not, or no longer, released), its ref, when it changed, its parts."""


class Hl7Mapping:
    """How this hospital writes and reads."""

    def __init__(self, config: Hl7Config, facility_code: str) -> None:
        self._config = config
        self.places: Places = config.places
        self._zone: tzinfo = config.zone
        self._facility = facility_code
        self._sections = _SECTIONS | config.sections

    # --- small things

    def time(self, moment: datetime) -> str:
        return dump_time(moment, self._zone)

    def read_time(self, untrusted: str) -> datetime:
        """Raises BrokenReply. Without an offset it is the hospital's own time."""
        return read_time(untrusted, self._zone)

    # --- people

    def put_patient(self, message: Message, person: PatientDraft, ref: Ref | None = None) -> None:
        pid = message.add("PID").put(1, "1")
        if ref:
            pid.put_all(3, ref, "", "", self._facility, self._config.patient_id_type)
        for item in person.identifiers:
            self._put_number(pid, item, has_ref=bool(ref))
        pid.fields[5] = [_written_name(person.full_name)]
        if person.birth_date:
            pid.put(7, _written_date(person.birth_date))
        pid.put(8, _GENDERS[person.gender])
        if person.address:
            pid.fields[11] = [_written_address(person.address)]
        if person.phone:
            pid.fields[13] = [_written_phone(person.phone)]
        if person.guardian:
            self._add_guardian(message, person.guardian)

    def put_changed(self, message: Message, known: Message, changes: PatientChanges) -> None:
        """What the HIS told, with the changes alone: what we cannot read goes back as it came."""
        pid = deepcopy(known.first("PID"))
        message.segments += [pid, *deepcopy(known.all("NK1"))]
        if changes.full_name:
            _replace_first(pid, 5, _written_name(changes.full_name))
        if changes.birth_date:
            pid.fields[7] = [[[_written_date(changes.birth_date)]]]
        if changes.gender:
            pid.fields[8] = [[[_GENDERS[changes.gender]]]]
        if changes.address:
            _replace_first(pid, 11, _written_address(changes.address))
        if changes.phone:
            _replace_first(pid, 13, _written_phone(changes.phone))
        for item in changes.new_identifiers:
            if not self.carries(known, item.value):
                self._put_number(pid, item, has_ref=True)
        if changes.guardian and message.find("NK1"):
            _replace_first(message.first("NK1"), 2, _written_name(changes.guardian))
        elif changes.guardian:
            self._add_guardian(message, changes.guardian)

    def _put_number(self, pid: Segment, item: Identifier, *, has_ref: bool) -> None:
        written = self._config.number_type(item.kind)
        if written and (written.type != self._config.patient_id_type or not has_ref):
            pid.put_all(3, item.value, "", "", written.authority or self._facility, written.type)

    def _add_guardian(self, message: Message, name: str) -> None:
        nk1 = message.add("NK1").put(1, "1")
        nk1.fields[2] = [_written_name(name)]
        nk1.put(3, "GRD").put(3, "Guardian", 2)

    def put_reference(self, message: Message, patient: Ref) -> None:
        """PID with the number alone; PID-5 must not be empty, so it says that it is no name."""
        pid = message.add("PID").put(1, "1")
        pid.put_all(3, patient, "", "", self._facility, self._config.patient_id_type)
        pid.put_all(5, "", "", "", "", "", "", "S")

    def patient_ref(self, group: Message) -> Ref:
        """Raises BrokenReply when PID-3 names no record."""
        for repetition in group.first("PID").repetitions(3):
            value, kind = _at(repetition, 1), _at(repetition, 5)
            if value and kind == self._config.patient_id_type:
                return _checked_ref(value)
        raise BrokenReply("a patient without a number")

    def carries(self, group: Message, value: str) -> bool:
        """The number stands in PID-3, of whatever kind."""
        return any(_at(item, 1) == value for item in group.first("PID").repetitions(3))

    def read_draft(self, group: Message) -> PatientDraft:
        """Raises BrokenReply."""
        pid = group.first("PID")
        name = join_name(pid.get(5), pid.get(5, 3), pid.get(5, 2))
        if not name:
            raise BrokenReply("a patient without a name")
        nk1 = group.first("NK1")
        guardian = join_name(nk1.get(2), nk1.get(2, 3), nk1.get(2, 2))
        return PatientDraft(
            full_name=name,
            birth_date=_read_birth_date(pid.get(7)),
            gender=_GENDERS_READ.get(pid.get(8).upper(), Gender.UNKNOWN),
            identifiers=tuple(sorted(set(self._identifiers(pid)))),
            phone=_text(pid.get(13) or pid.get(13, 12)) or None,
            address=_text(pid.get(11)) or None,
            guardian=guardian or None,
        )

    def read_patient(self, group: Message) -> Patient:
        """Raises BrokenReply."""
        draft = self.read_draft(group)
        return Patient(
            **{name: getattr(draft, name) for name in draft.__dataclass_fields__},
            ref=self.patient_ref(group),
            version=group.at(self.places.version) or _digest(map(Segment.encode, _people(group))),
        )

    def _identifiers(self, pid: Segment) -> Iterable[Identifier]:
        for repetition in pid.repetitions(3):
            value, kind = _at(repetition, 1), _at(repetition, 5)
            for each in IdentifierKind:
                written = self._config.number_type(each)
                if written and value and written.type == kind and _fits(each, value):
                    yield Identifier(kind=each, value=value)

    # --- visits

    def put_check_in(self, message: Message, request: CheckIn, service: Ref | None) -> None:
        """PV1 and what follows it."""
        places = self.places
        pv1 = message.add("PV1").put(1, "1").put(2, "O")
        if request.room:
            message.put(places.room, request.room)
            pv1.put(3, self._facility, 4)
        if request.practitioner:
            pv1.put(7, request.practitioner)
        if request.arrived_at:
            pv1.put(44, self.time(request.arrived_at))
        message.put(places.service, service)
        message.put(places.visit_kind, request.visit_kind)
        message.put(places.appointment, request.appointment)
        if request.reason:
            message.add("PV2").put(3, request.reason, 2)
        if request.coverage and request.coverage.card_number:
            card = request.coverage
            in1 = message.add("IN1").put(1, "1").put(2, "BHYT").put(3, "BHXH")
            in1.put(12, card.valid_from.strftime("%Y%m%d") if card.valid_from else "")
            in1.put(13, card.valid_to.strftime("%Y%m%d") if card.valid_to else "")
            in1.put(36, card.card_number or "")
        message.put(places.own_number, request.number)
        message.put(places.provisional, "Y" if request.provisional else None)

    def read_check_in(self, message: Message) -> CheckIn:
        """Raises BrokenReply."""
        places, pv1 = self.places, message.first("PV1")
        arrived = pv1.get(44)
        return CheckIn(
            patient=self.patient_ref(message),
            appointment=_ref(message.at(places.appointment)),
            service=_ref(message.at(places.service)),
            practitioner=_ref(pv1.get(7)),
            room=_ref(message.at(places.room)),
            visit_kind=message.at(places.visit_kind) or "new",
            reason=message.first("PV2").get(3, 2) or None,
            number=message.at(places.own_number) or None,
            provisional=message.at(places.provisional) == "Y",
            arrived_at=self.read_time(arrived) if arrived else None,
        )

    def put_visit(self, message: Message, visit: Visit) -> None:
        """PV1 and the segments of ours; PID is there already."""
        places = self.places
        pv1 = message.add("PV1").put(1, "1").put(2, "O")
        message.put(places.room, visit.ticket.room)
        pv1.put(7, visit.practitioner or "")
        pv1.put(19, visit.ref).put(19, self._facility, 4).put(19, "VN", 5)
        pv1.put(44, self.time(visit.created_at))
        message.put(places.service, visit.service)
        message.put(places.appointment, visit.appointment)
        message.put(places.own_number, visit.own_number)
        message.put(places.number, str(visit.ticket.number))
        message.put(places.prefix, visit.ticket.prefix)
        message.put(places.record_code, visit.record_code)
        message.put(places.version, visit.version)
        message.put(places.status, visit.status)
        message.put(places.provisional, "Y" if visit.ticket.provisional else None)
        if visit.fee_due_vnd is not None:
            message.put(places.fee_due, str(visit.fee_due_vnd))

    def read_visit(self, group: Message, asked: Message | None = None) -> Visit:
        """What the answer leaves out comes from what was `asked`. Raises BrokenReply."""
        places, asked = self.places, asked or Message()

        def at(place: str) -> str:
            return group.at(place) or asked.at(place)

        number, fee = group.at(places.number), group.at(places.fee_due)
        created = group.at("PV1-44") or asked.at("PV1-44") or asked.at("EVN-2")
        status = group.at(places.status) or VisitStatus.ARRIVED
        record_code = group.at(places.record_code)
        if not number.isascii() or not number.isdigit() or len(number) > 9:
            raise BrokenReply("a visit without a number")
        if status not in set(VisitStatus) or (fee and not re.fullmatch("[0-9]{1,12}", fee)):
            raise BrokenReply("a visit in an unknown state")
        ref = group.at("PV1-19") or record_code
        return Visit(
            ref=_checked_ref(ref),
            version=group.at(places.version) or _digest([ref, status, number]),
            patient=self.patient_ref(group if group.find("PID") else asked),
            status=VisitStatus(status),
            record_code=record_code,
            service=_checked_ref(at(places.service)),
            practitioner=_ref(at("PV1-7")),
            appointment=_ref(at(places.appointment)),
            ticket=VisitTicket(
                number=int(number),
                prefix=_text(group.at(places.prefix))[:20],
                room=_ref(at(places.room)),
                provisional=at(places.provisional) == "Y",
            ),
            own_number=at(places.own_number) or None,
            fee_due_vnd=int(fee) if fee else None,
            created_at=self.read_time(created),
        )

    # --- bookings

    def put_slot(self, message: Message, slot: Slot) -> None:
        sch = message.add("SCH").put(5, slot.ref).put(6, "SLOT")
        sch.put(11, self.time(slot.start), 4).put(11, self.time(slot.end), 5)
        self._put_resources(message, slot.service, slot.room, slot.practitioner, slot.start)
        message.put(self.places.capacity, str(slot.capacity))
        message.put(self.places.free, str(slot.free))

    def read_slot(self, group: Message) -> Slot:
        """Raises BrokenReply."""
        sch = group.first("SCH")
        capacity, free = group.at(self.places.capacity) or "1", group.at(self.places.free) or "1"
        if not re.fullmatch("[0-9]{1,6}", capacity) or not re.fullmatch("[0-9]{1,6}", free):
            raise BrokenReply("a slot without a count")
        return Slot(
            ref=_checked_ref(sch.get(5)),
            service=_checked_ref(group.first("AIS").get(3)),
            practitioner=_ref(group.first("AIP").get(3)),
            room=_ref(group.first("AIL").get(3)),
            start=self.read_time(sch.get(11, 4)),
            end=self.read_time(sch.get(11, 5)),
            capacity=int(capacity),
            free=int(free),
        )

    def put_appointment(self, message: Message, booked: Appointment) -> None:
        """SCH, PID-3 and the resources."""
        sch = message.add("SCH").put(1, booked.ref)
        sch.put(2, booked.ref).put(2, booked.facility_code, 2)
        sch.put(5, booked.slot or "").put(6, "NEW")
        sch.put(11, self.time(booked.start), 4).put(11, self.time(booked.end), 5)
        sch.put(16, "HIS").put(20, "HIS").put(25, _BOOKING_STATUSES[booked.status])
        self.put_reference(message, booked.patient)
        self._put_resources(message, booked.service, booked.room, booked.practitioner, booked.start)
        message.put(self.places.appointment_code, booked.code)
        message.put(self.places.facility_name, booked.facility_name)
        message.put(self.places.version, booked.version)

    def booking_refs(self, group: Message) -> tuple[Ref, Ref]:
        """The booking and whose it is: all that is known for sure of one. Raises BrokenReply."""
        sch = group.first("SCH")
        return _checked_ref(sch.get(2) or sch.get(1)), self.patient_ref(group)

    def read_appointment(self, group: Message) -> Appointment:
        """Raises BrokenReply."""
        sch = group.first("SCH")
        ref, patient = self.booking_refs(group)
        status = _BOOKING_STATUSES_READ.get(sch.get(25).lower())
        if status is None:
            raise BrokenReply("a booking in an unknown state")
        return Appointment(
            ref=ref,
            version=group.at(self.places.version) or _digest([sch.encode()]),
            patient=patient,
            status=status,
            code=group.at(self.places.appointment_code) or ref,
            service=_ref(group.first("AIS").get(3)),
            practitioner=_ref(group.first("AIP").get(3)),
            room=_ref(group.first("AIL").get(3)),
            slot=_ref(sch.get(5)),
            start=self.read_time(sch.get(11, 4)),
            end=self.read_time(sch.get(11, 5)),
            facility_code=sch.get(2, 2)[:20] or self._facility,
            facility_name=_text(group.at(self.places.facility_name)),
        )

    def _put_resources(
        self,
        message: Message,
        service: Ref | None,
        room: Ref | None,
        practitioner: Ref | None,
        start: datetime,
    ) -> None:
        message.add("RGS").put(1, "1").put(2, "A")
        if service:
            message.add("AIS").put(1, "1").put(2, "A").put(3, service).put(4, self.time(start))
        if practitioner:
            message.add("AIP").put(1, "1").put(2, "A").put(3, practitioner)
        if room:
            message.add("AIL").put(1, "1").put(2, "A").put(3, room)

    # --- orders

    def put_order(self, message: Message, order: Order) -> None:
        """PID is there already."""
        if order.visit:
            message.add("PV1").put(1, "1").put(2, "O").put(19, order.visit).put(19, "VN", 5)
        control, status = _ORDER_STATUSES[order.status]
        orc = message.add("ORC").put(1, control).put(2, order.ref).put(2, "HIS", 2)
        orc.put(5, status).put(9, self.time(order.ordered_at))
        obr = message.add("OBR").put(1, "1").put(2, order.ref).put(2, "HIS", 2)
        obr.put(4, order.code).put(4, order.name_vi, 2)
        obr.put(24, _SECTION_CODES.get(order.kind, ""))
        message.put(self.places.order_service, order.service)
        message.put(self.places.order_room, order.room)
        message.put(self.places.accession, order.accession)
        if order.preparation_vi:
            message.add("NTE").put(1, "1").put(3, order.preparation_vi)

    def read_orders(self, message: Message, received_at: datetime) -> list[Order]:
        """Raises BrokenReply."""
        patient, visit = self.patient_ref(message), _ref(message.first("PV1").get(19))
        return [
            self._read_order(group, patient, visit, received_at) for group in message.groups("ORC")
        ]

    def _read_order(
        self, group: Message, patient: Ref, visit: Ref | None, received_at: datetime
    ) -> Order:
        orc, obr = group.first("ORC"), group.first("OBR")
        ordered = orc.get(9) or obr.get(6) or obr.get(7)
        status = OrderStatus.ACTIVE
        if orc.get(1) in _CANCELLING:
            status = OrderStatus.CANCELLED
        else:
            status = _ORDER_ENDS.get(orc.get(5), status)
        kind = self._section(obr.get(24))
        return Order(
            ref=_checked_ref(orc.get(2) or obr.get(2) or orc.get(3)),
            version=_digest(segment.encode() for segment in group.segments),
            patient=patient,
            visit=visit,
            service=_ref(group.at(self.places.order_service)),
            kind=ServiceKind(kind) if kind in set(ServiceKind) else ServiceKind.EXAMINATION,
            code=obr.get(4)[:60],
            name_vi=_text(obr.get(4, 2)) or obr.get(4)[:60],
            status=status,
            room=_ref(group.at(self.places.order_room)),
            preparation_vi=_text(" ".join(note.get(3) for note in group.all("NTE"))),
            accession=group.at(self.places.accession) or None,
            ordered_at=self.read_time(ordered) if ordered else received_at,
        )

    # --- reports

    def put_report(
        self, message: Message, report: Report, contents: Iterable[tuple[ReportPart, ReportContent]]
    ) -> None:
        """PID is there already."""
        if report.visit:
            message.add("PV1").put(1, "1").put(2, "O").put(19, report.visit).put(19, "VN", 5)
        obr = message.add("OBR").put(1, "1").put(3, report.ref).put(3, "LIS", 2)
        obr.put(2, report.order or "").put(4, report.ref).put(4, report.title_vi, 2)
        obr.put(22, self.time(report.issued_at))
        obr.put(24, _SECTION_CODES.get(report.kind, "OTH"))
        obr.put(25, _REPORT_STATUSES[report.status])
        number = 0
        for part, content in contents:
            for value in content.values:
                number += 1
                obx = message.add("OBX").put(1, str(number)).put(2, "ST").put(3, value.code)
                obx.put(3, value.name_vi, 2).put(5, value.value).put(6, value.unit)
                obx.put(7, value.reference_range).put(8, value.flag).put(11, "F")
            if part.kind is not PartKind.VALUES:
                number += 1
                main, _, sub = part.media_type.partition("/")
                obx = message.add("OBX").put(1, str(number)).put(2, "ED").put(3, part.name)
                obx.put_all(5, "", main, sub, "Base64", base64.b64encode(content.body).decode())
                obx.put(11, "F")

    def put_withdrawn(self, message: Message, report: Ref) -> None:
        obr = message.add("OBR").put(1, "1").put(3, report).put(3, "LIS", 2)
        obr.put(4, report).put(25, "X")

    def read_reports(self, message: Message, received_at: datetime) -> list[SentReport]:
        """Raises BrokenReply."""
        found: list[SentReport] = []
        for person in message.groups("PID"):
            patient, visit = self.patient_ref(person), _ref(person.first("PV1").get(19))
            for group in person.groups("OBR"):
                obr = group.first("OBR")
                ref = _checked_ref(obr.get(3) or obr.get(2))
                changed = obr.get(22)
                changed_at = self.read_time(changed) if changed else received_at
                status = _REPORT_STATUSES_READ.get(obr.get(25))
                if status is None:
                    found.append((None, ref, changed_at, {}))
                    continue
                contents = _read_parts(group)
                kind = self._section(obr.get(24))
                report = Report(
                    ref=ref,
                    version=_digest(segment.encode() for segment in group.segments),
                    patient=patient,
                    order=_ref(obr.get(2)),
                    visit=visit,
                    kind=ReportKind(kind) if kind in set(ReportKind) else ReportKind.OTHER,
                    title_vi=_text(obr.get(4, 2)) or obr.get(4)[:60],
                    status=status,
                    issued_at=changed_at,
                    parts=tuple(
                        ReportPart(
                            name=name, kind=_part_kind(content), media_type=content.media_type
                        )
                        for name, content in contents.items()
                    ),
                )
                found.append((report, ref, changed_at, contents))
        return found

    def _section(self, code: str) -> str:
        return self._sections.get(code.upper(), code.lower())

    # --- money

    def put_payment(self, message: Message, payment: PaymentPosting) -> None:
        """PID is there already."""
        if payment.visit:
            message.add("PV1").put(1, "1").put(2, "O").put(19, payment.visit).put(19, "VN", 5)
        paid_at = self.time(payment.paid_at)
        ft1 = message.add("FT1").put(1, "1").put(2, payment.provider_reference)
        ft1.put(4, paid_at).put(5, paid_at).put(6, "PY")
        ft1.put(7, "THUPHI").put(7, payment.provider, 2)
        ft1.put(11, str(payment.amount_vnd)).put(11, "VND", 1, 2)
        message.put(self.places.invoice, payment.invoice)
        message.put(self.places.method, payment.method)

    def put_receipt(self, message: Message, receipt: PaymentReceipt) -> None:
        ft1 = message.add("FT1").put(1, "1").put(2, receipt.ref)
        ft1.put(4, self.time(receipt.posted_at)).put(5, self.time(receipt.posted_at)).put(6, "PY")
        ft1.put(7, "THUPHI").put(11, str(receipt.amount_vnd)).put(11, "VND", 1, 2)
        message.put(self.places.invoice, receipt.invoice)
        message.put(self.places.receipt, receipt.ref)
        message.put(self.places.invoice_status, receipt.invoice_status)

    def read_receipt(self, group: Message, asked: Message | None = None) -> PaymentReceipt:
        """Raises BrokenReply."""
        asked = asked or Message()
        ft1 = group.find("FT1") or asked.first("FT1")
        amount, status = ft1.get(11), group.at(self.places.invoice_status)
        if not re.fullmatch("[0-9]{1,12}", amount) or status not in {"", *InvoiceStatus}:
            raise BrokenReply("a payment without an amount")
        return PaymentReceipt(
            ref=_checked_ref(group.at(self.places.receipt) or ft1.get(2)),
            invoice=_ref(group.at(self.places.invoice) or asked.at(self.places.invoice)),
            invoice_status=InvoiceStatus(status) if status else None,
            amount_vnd=int(amount),
            posted_at=self.read_time(ft1.get(5) or ft1.get(4)),
        )


def _replace_first(segment: Segment, number: int, repetition: Repetition) -> None:
    segment.fields[number] = [repetition, *segment.repetitions(number)[1:]]


def _written_name(full_name: str) -> Repetition:
    family, given, middle = split_name(full_name)
    return [[part] for part in (family, given, middle, "", "", "", "L")]


def _written_date(birth_date: BirthDate) -> str:
    return birth_date.isoformat().replace("-", "")


def _written_address(address: str) -> Repetition:
    return [[part] for part in (address, "", "", "", "", "VNM", "H")]


def _written_phone(phone: str) -> Repetition:
    return [[phone], ["PRN"], ["CP"]]


def split_name(full_name: str) -> tuple[str, str, str]:
    """họ, tên, đệm: `Nguyễn Thị Đặng Ỷ` → Nguyễn, Ỷ, Thị Đặng; one word is the given name."""
    words = normal_form(full_name).split()
    if len(words) < 2:
        return "", " ".join(words), ""
    return words[0], words[-1], " ".join(words[1:-1])


def join_name(family: str, middle: str, given: str) -> str:
    return normal_form(f"{family} {middle} {given}"[:MAX_TEXT])


def _read_parts(group: Message) -> dict[str, ReportContent]:
    values: list[ResultValue] = []
    parts: dict[str, ReportContent] = {}
    for obx in group.all("OBX"):
        if obx.get(11) not in _VALUES_SHOWN:
            continue
        if obx.get(2) == "ED":
            media_type = f"{obx.get(5, 2)}/{obx.get(5, 3)}".lower()
            name = "pdf" if media_type == "application/pdf" else "image"
            if name == "image" and not media_type.startswith("image/"):
                continue
            count = sum(known.startswith(name) for known in parts) + 1
            name = name if name == "pdf" and count == 1 else f"{name}-{count}"
            parts[name] = ReportContent(media_type=media_type, body=_read_bytes(obx))
        elif shown := ", ".join(_at(item, 2) or _at(item, 1) for item in obx.repetitions(5)):
            values.append(
                ResultValue(
                    code=obx.get(3)[:60],
                    name_vi=_text(obx.get(3, 2)) or obx.get(3)[:60],
                    value=_text(shown),
                    unit=_text(obx.get(6))[:60],
                    reference_range=_text(obx.get(7))[:120],
                    flag=obx.get(8)[:5],
                )
            )
    if values:
        content = ReportContent(media_type="application/json", values=tuple(values))
        parts = {"values": content, **parts}
    return parts


def _read_bytes(obx: Segment) -> bytes:
    encoding, data = obx.get(5, 4).lower(), obx.get(5, 5)
    try:
        if encoding == "base64":
            return base64.b64decode("".join(data.split()), validate=True)
        if encoding == "hex":
            return bytes.fromhex(data)
    except (binascii.Error, ValueError) as error:
        raise BrokenReply("a document that cannot be read") from error
    raise BrokenReply("a document that cannot be read")


def _part_kind(content: ReportContent) -> PartKind:
    if content.values:
        return PartKind.VALUES
    return PartKind.PDF if content.media_type == "application/pdf" else PartKind.IMAGE


def _read_birth_date(untrusted: str) -> BirthDate | None:
    if not untrusted:
        return None
    match = _BIRTH.fullmatch(untrusted)
    if match is None:
        raise BrokenReply("no birth date")
    try:
        return BirthDate.from_iso("-".join(part for part in match.groups() if part))
    except ValueError as error:
        raise BrokenReply("no birth date") from error


def _people(group: Message) -> list[Segment]:
    return [segment for segment in group.segments if segment.name in {"PID", "NK1"}]


def _fits(kind: IdentifierKind, value: str) -> bool:
    """CCCD and CMND share a type in PID-3: their length tells them apart."""
    lengths = {IdentifierKind.ID12: 12, IdentifierKind.CMND9: 9}
    return kind not in lengths or (len(value) == lengths[kind] and value.isdigit())


def _at(repetition: list[list[str]], component: int) -> str:
    try:
        value = repetition[component - 1][0]
    except IndexError:
        return ""
    return "" if value == '""' else value


def _text(untrusted: str) -> str:
    return normal_form(untrusted[:MAX_TEXT])


def _ref(untrusted: str) -> Ref | None:
    return _checked_ref(untrusted) if untrusted else None


def _checked_ref(untrusted: str) -> Ref:
    if not 0 < len(untrusted) <= MAX_REF or not untrusted.isprintable():
        raise BrokenReply("a record without a number")
    return Ref(untrusted)


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\r".join(texts).encode()).hexdigest()[:24]
