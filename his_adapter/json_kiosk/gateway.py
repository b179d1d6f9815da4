"""A HIS that answers the MediPay/C06 kiosk contract, behind the port.

With the published calls alone: people are found by document number and registered together with
their visit, insurance is asked, the catalogue and free hours are read. Everything else needs an
extension of the vendor (`contract.Extension`) and is declared only with it. Without `keys` a lost
answer to a registration cannot be settled by a program: staff look at it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from importlib.metadata import version as package_version
from typing import Any, TypeVar

from his_adapter.builtin.names import masked_name
from his_adapter.errors import (
    BrokenReply,
    HisError,
    InvalidData,
    NotFound,
    NotSupported,
)
from his_adapter.json_kiosk import mapping, shapes
from his_adapter.json_kiosk.client import JsonClient
from his_adapter.json_kiosk.config import JsonKioskSettings, read_settings
from his_adapter.json_kiosk.contract import KEY_FIELD, Call, Extension
from his_adapter.json_kiosk.contract import Written as WrittenKind
from his_adapter.models import (
    Account,
    Appointment,
    AppointmentAction,
    AppointmentStatus,
    Capabilities,
    CheckIn,
    ClosedDay,
    Coverage,
    CoverageQuery,
    Department,
    Facility,
    Feature,
    Gender,
    Health,
    HealthState,
    Identifier,
    IdentifierKind,
    MatchGrade,
    OpeningSession,
    Order,
    OrderStatus,
    Page,
    Patient,
    PatientChanges,
    PatientDraft,
    PatientMatch,
    PatientQuery,
    PaymentPosting,
    PaymentReceipt,
    Practitioner,
    Ref,
    Report,
    ReportKind,
    Room,
    Service,
    ServiceFilter,
    Slot,
    Visit,
    WriteKey,
    Written,
    is_write_key,
)
from his_adapter.partial import PartialGateway
from his_adapter.ports import DEFAULT_LIMIT, HisGateway

ADAPTER = "json_kiosk"
MAX_LIMIT = 1000
MAX_REF = 120
_REMEMBERED = 2_000
_REMEMBERED_FOR_S = 900.0
_SKEW_WORTH_TELLING_S = 60.0

_PUBLISHED = {
    Feature.FIND_PATIENTS,
    Feature.READ_PATIENT,
    Feature.CHECK_COVERAGE,
    Feature.LIST_DEPARTMENTS,
    Feature.LIST_ROOMS,
    Feature.LIST_SERVICES,
    Feature.LIST_PRACTITIONERS,
    Feature.LIST_SESSIONS,
    Feature.LIST_CLOSED_DAYS,
    Feature.FIND_SLOTS,
    Feature.CHECK_IN,
}
"""READ_PATIENT of whom this process found a moment ago; rooms and hours from the settings."""

_EXTENDED = {
    Extension.KEYS: {Feature.FIND_BY_KEY},
    Extension.PATIENTS: {Feature.CREATE_PATIENT, Feature.UPDATE_PATIENT},
    Extension.SEARCH: set[Feature](),
    Extension.CATALOGUE: set[Feature](),
    Extension.BOOKINGS: {
        Feature.BOOK_APPOINTMENT,
        Feature.CHANGE_APPOINTMENT,
        Feature.FIND_APPOINTMENTS,
    },
    Extension.VISITS: {Feature.CANCEL_VISIT, Feature.LIST_VISITS},
    Extension.ORDERS: {Feature.LIST_ORDERS},
    Extension.RESULTS: {Feature.LIST_REPORTS},
    Extension.ACCOUNT: {Feature.READ_ACCOUNT, Feature.POST_PAYMENT},
}

Item = TypeVar("Item")
Clock = Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class _Catalogue:
    """One look at departments and services; `exam_types` maps a service to its ID_LOAI_KHAM."""

    departments: tuple[Department, ...]
    services: tuple[Service, ...]
    exam_types: Mapping[Ref, str]
    seen_at: float

    def find_service(self, ref: Ref | None) -> Service | None:
        return next((each for each in self.services if each.ref == ref), None)


class JsonKioskGateway(PartialGateway):
    def __init__(self, settings: JsonKioskSettings, *, clock: Clock) -> None:
        self._settings = settings
        self._rules = settings.people_rules()
        self._has = frozenset(settings.extensions)
        self._clock = clock
        self._client = JsonClient(settings, clock=clock)
        self._catalogue: _Catalogue | None = None
        self._known = _Remembered()

    # --- the HIS itself

    def capabilities(self) -> Capabilities:
        facility = self._settings.facility
        features = _PUBLISHED.union(*(_EXTENDED[each] for each in self._has))
        return Capabilities(
            features=frozenset(features),
            facility=Facility(
                code=facility.code,
                name_vi=facility.name_vi,
                name_en=facility.name_en or facility.name_vi,
                hotline=facility.hotline,
            ),
            max_limit=MAX_LIMIT,
            adapter=ADAPTER,
            adapter_version=package_version("tiepdon"),
            his_version="C06 1.0.6" + "".join(f" +{each}" for each in sorted(self._has)),
            wants_person=True,
        )

    def health(self) -> Health:
        started = time.monotonic()
        try:
            reply = self._client.get(Call.EXAM_TYPES)
        except HisError as error:
            return Health(state=HealthState.DOWN, cause=error.code)
        latency_ms = (time.monotonic() - started) * 1000
        skew_s = None
        if reply.server_time is not None:
            skew_s = (reply.server_time - self._clock()).total_seconds()
        return Health(
            state=HealthState.DEGRADED if latency_ms > 2000 else HealthState.OK,
            latency_ms=latency_ms,
            clock_skew_s=skew_s,
            cause="clock" if skew_s and abs(skew_s) > _SKEW_WORTH_TELLING_S else None,
        )

    def close(self) -> None:
        self._client.close()

    # --- people

    def find_patients(
        self, query: PatientQuery, *, limit: int = DEFAULT_LIMIT
    ) -> Page[PatientMatch]:
        _checked_limit(limit)
        if query.identifiers:
            found = [
                self._match(patient, query)
                for number in query.identifiers
                if (patient := self._find_by_number(number, query.phone)) is not None
            ]
            return _page(list(dict.fromkeys(found)), limit)
        if query.full_name is None or query.birth_date is None:
            raise InvalidData("query", "Cần số giấy tờ, hoặc họ tên và ngày sinh.")
        if Extension.SEARCH not in self._has:
            return Page(items=(), complete=True)
        asked = {
            "HO_TEN": query.full_name,
            "NGAY_SINH": query.birth_date.isoformat(),
            "GIOI_TINH": self._rules.genders[query.gender] if query.gender else None,
            "DIEN_THOAI": query.phone,
        }
        matches = [
            shapes.MATCH.load(each) for each in self._client.get_all(Call.SEARCH_PATIENTS, asked)
        ]
        return _page(matches, limit)

    def read_patient(self, ref: Ref) -> Patient:
        if not _is_ref(ref):
            raise NotFound("no such patient")
        if Extension.PATIENTS in self._has:
            reply = self._client.get(Call.PATIENT, {"ID_BN": ref})
            patient = mapping.load_patient(reply.untrusted_data, self._rules)
            self._known.put(patient)
            return patient
        known = self._known.find(ref)
        if known is None:
            raise NotFound("not found here lately, and this HIS finds by number only")
        return known

    def create_patient(self, draft: PatientDraft, *, key: WriteKey) -> Patient:
        self._need(Extension.PATIENTS)
        _checked_key(key)
        body = {"THONG_TIN_BN": mapping.dump_person(draft, self._rules)}
        reply = self._client.write(Call.CREATE_PATIENT, body, key=key)
        return self._stored(reply.untrusted_data)

    def update_patient(
        self, ref: Ref, changes: PatientChanges, *, version: str, key: WriteKey
    ) -> Patient:
        self._need(Extension.PATIENTS)
        _checked_key(key)
        body = {
            "ID_BN": ref,
            "PHIEN_BAN": version,
            "THAY_DOI": mapping.dump_changes(changes, self._rules),
        }
        reply = self._client.write(Call.UPDATE_PATIENT, body, key=key)
        patient = self._stored(reply.untrusted_data)
        if patient.ref != ref:
            raise BrokenReply("the update of another patient")
        return patient

    def _stored(self, untrusted: object) -> Patient:
        patient = mapping.load_patient(untrusted, self._rules)
        self._known.put(patient)
        return patient

    def _find_by_number(self, number: Identifier, phone: str | None = None) -> Patient | None:
        kind = self._settings.documents.get(number.kind)
        if kind is None or not _is_number(number.value):
            return None
        asked = {"SO_GTTT": number.value, "LOAI_GTTT": kind, "DIEN_THOAI": phone}
        try:
            reply = self._client.get(Call.PATIENT, asked)
        except NotFound:
            return None
        if reply.untrusted_data is None:
            return None
        patient = mapping.load_patient(reply.untrusted_data, self._rules)
        told = patient.find_identifier(number.kind)
        if number.kind is not IdentifierKind.APPOINTMENT and told not in {None, number.value}:
            # Several numbers of one kind are possible; one of them must be the one asked for.
            same = [each for each in patient.identifiers if each == number]
            if not same:
                raise BrokenReply("the record of another patient")
        self._known.put(patient)
        return patient

    def _match(self, patient: Patient, query: PatientQuery) -> PatientMatch:
        grade = MatchGrade.CERTAIN
        if query.full_name and not mapping.is_same_name(query.full_name, patient.full_name):
            grade = MatchGrade.POSSIBLE
        elif query.birth_date and patient.birth_date:
            if not query.birth_date.agrees_with(patient.birth_date):
                grade = MatchGrade.POSSIBLE
        elif all(number.kind is IdentifierKind.CMND9 for number in query.identifiers):
            grade = MatchGrade.PROBABLE  # not unique
        return PatientMatch(
            ref=patient.ref,
            grade=grade,
            masked_name=masked_name(patient.full_name),
            birth_year=patient.birth_date.year if patient.birth_date else None,
        )

    # --- coverage

    def check_coverage(self, query: CoverageQuery, *, on: date, timeout_s: float) -> Coverage:
        person = self.read_patient(query.patient) if query.patient else None
        full_name = query.full_name or (person.full_name if person else None)
        birth = query.birth_date or (person.birth_date if person else None)
        gender = query.gender or (person.gender if person else Gender.UNKNOWN)
        numbers = [*query.identifiers, *(person.identifiers if person else ())]
        number = next((each for kind in _INSURED_BY for each in numbers if each.kind is kind), None)
        if full_name is None or number is None:
            raise InvalidData("query", "Cần họ tên và số giấy tờ để tra cứu thẻ.")
        asked = {
            "SO_GTTT": number.value,
            "LOAI_GTTT": self._rules.documents[number.kind],
            "HO_TEN": full_name,
            "NGAY_SINH": birth.isoformat() if birth else None,
            "GIOI_TINH": self._rules.genders[gender],
        }
        try:
            reply = self._client.get(Call.COVERAGE, asked, timeout_s=timeout_s)
        except NotFound:
            outcome = self._rules.outcomes["050"]
            return Coverage(outcome=outcome, code="404", checked_at=self._clock())
        return mapping.load_coverage(
            reply.untrusted_data,
            self._rules,
            full_name=full_name,
            birth_date=birth.isoformat() if birth else None,
            facility_code=self._settings.facility.code,
            on=on,
            now=self._clock(),
        )

    # --- catalogue

    def list_departments(self, *, limit: int = DEFAULT_LIMIT) -> Page[Department]:
        return _page(self._look().departments, limit)

    def list_services(
        self, wanted: ServiceFilter | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Service]:
        _checked_limit(limit)
        wanted = wanted or ServiceFilter()
        found = [
            service
            for service in self._look(fresh=True).services
            if wanted.kind in {None, service.kind}
            and wanted.department in {None, service.department}
        ]
        return _page(sorted(found, key=lambda item: item.code), limit)

    def list_rooms(self, *, limit: int = DEFAULT_LIMIT) -> Page[Room]:
        _checked_limit(limit)
        if Extension.CATALOGUE in self._has:
            rooms = shapes.ROOM.load_all(self._client.get_all(Call.ROOMS))
        else:
            rooms = [room for room, _ in self._own_rooms(self._look())]
        return _page(sorted(rooms, key=lambda item: item.code), limit)

    def list_practitioners(
        self, service: Ref | None = None, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Practitioner]:
        _checked_limit(limit)
        if Extension.CATALOGUE not in self._has:
            return Page(items=(), complete=True)
        found = [
            each
            for each in shapes.PRACTITIONER.load_all(self._client.get_all(Call.PRACTITIONERS))
            if service is None or service in {post.service for post in each.posts}
        ]
        return _page(sorted(found, key=lambda item: item.ref), limit)

    def list_sessions(self, *, limit: int = DEFAULT_LIMIT) -> Page[OpeningSession]:
        _checked_limit(limit)
        if Extension.CATALOGUE in self._has:
            sessions = shapes.SESSION.load_all(self._client.get_all(Call.SESSIONS))
        else:
            sessions = [
                OpeningSession(
                    ref=Ref(f"{room.ref}-{weekday}-{hours.name}"),
                    room=room.ref,
                    weekday=weekday,
                    name=hours.name,
                    opens_at=time_of_day.fromisoformat(hours.opens_at),
                    closes_at=time_of_day.fromisoformat(hours.closes_at),
                    limit=hours.limit,
                )
                for room, _ in self._own_rooms(self._look())
                for hours in self._settings.opening
                for weekday in hours.weekdays
            ]
        return _page(sorted(sessions, key=lambda item: item.ref), limit)

    def list_closed_days(
        self, start: date, end: date, *, limit: int = DEFAULT_LIMIT
    ) -> Page[ClosedDay]:
        _checked_limit(limit)
        if Extension.CATALOGUE not in self._has:
            return Page(items=(), complete=True)
        asked = {"TU_NGAY": start.isoformat(), "DEN_NGAY": end.isoformat()}
        days = shapes.CLOSED_DAY.load_all(self._client.get_all(Call.CLOSED_DAYS, asked))
        return _page(sorted(days, key=lambda each: (each.day, each.room or "")), limit)

    def find_slots(
        self,
        service: Ref,
        practitioner: Ref | None,
        start: datetime,
        end: datetime,
        *,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Slot]:
        _checked_limit(limit)
        _checked_moments(start=start, end=end)
        wanted = self._look().find_service(service) or self._look(fresh=True).find_service(service)
        if wanted is None:
            raise NotFound("no such service")
        asked = {"MA_DICH_VU": wanted.code, **_window(start, end)}
        try:
            reply = self._client.get(Call.WINDOWS, asked)
        except NotFound:
            return Page(items=(), complete=True)
        told = shapes.as_object(reply.untrusted_data or {})
        start = max(start, self._clock())
        slots = [
            slot
            for each in shapes.as_list(told.get("KHUNG_THOI_GIAN"))
            if (slot := shapes.load_window(each, service=service)).free > 0
            and start <= slot.start < end
            and practitioner in {None, slot.practitioner}
        ]
        return _page(sorted(slots, key=lambda slot: (slot.start, slot.ref)), limit)

    def _look(self, *, fresh: bool = False) -> _Catalogue:
        """Departments and services, kept for minutes: most calls only need to know a code."""
        known = self._catalogue
        old = time.monotonic() - self._settings.catalogue_lifetime_s
        if known is not None and not fresh and known.seen_at > old:
            return known
        departments = shapes.DEPARTMENT.load_all(self._client.get_all(Call.DEPARTMENTS))
        departments = [replace(each, name_en=each.name_en or each.name_vi) for each in departments]
        by_code = {each.code: each.ref for each in departments}
        documents = [shapes.as_object(each) for each in self._client.get_all(Call.SERVICES)]
        services = [self._service(each, by_code) for each in documents]
        types = {
            service.ref: str(document["ID_LOAI_KHAM"])[:40]
            for service, document in zip(services, documents, strict=True)
            if document.get("ID_LOAI_KHAM") is not None
        }
        seen = _Catalogue(
            departments=tuple(departments),
            services=tuple(services),
            exam_types=types,
            seen_at=time.monotonic(),
        )
        if Extension.CATALOGUE not in self._has:
            rooms = self._own_rooms(seen)
            seen = replace(
                seen,
                services=tuple(
                    replace(
                        service,
                        rooms=tuple(room.ref for room, codes in rooms if service.code in codes),
                    )
                    for service in services
                ),
            )
        self._catalogue = seen
        return seen

    def _service(self, document: Mapping[str, Any], by_code: Mapping[str, Ref]) -> Service:
        """MA_KHOA says which department; some vendors put its id there."""
        service = shapes.SERVICE.load(document)
        told = str(document.get("MA_KHOA") or "")
        department = service.department or by_code.get(told) or Ref(told)
        insured = service.insurance_price_vnd
        return replace(
            service,
            department=department,
            name_en=service.name_en or service.name_vi,
            insurance_price_vnd=insured or None,
            by_hour=service.by_hour or service.code in self._settings.hourly_services,
        )

    def _own_rooms(self, seen: _Catalogue) -> list[tuple[Room, frozenset[str]]]:
        """Rooms of the settings; a service without one is a room itself, as the contract has it."""
        rooms = [
            (
                Room(
                    ref=Ref(each.code),
                    code=each.code,
                    name_vi=each.name_vi,
                    name_en=each.name_en or each.name_vi,
                    department=None,
                    floor=each.floor,
                    landmark_vi=each.landmark_vi,
                    landmark_en=each.landmark_en,
                ),
                frozenset(each.services),
            )
            for each in self._settings.rooms
        ]
        housed = frozenset[str]().union(*(codes for _, codes in rooms))
        return rooms + [
            (
                Room(
                    ref=Ref(service.code),
                    code=service.code,
                    name_vi=service.name_vi,
                    name_en=service.name_en,
                    department=service.department,
                    floor="",
                    landmark_vi="",
                    landmark_en="",
                ),
                frozenset({service.code}),
            )
            for service in seen.services
            if service.code not in housed
        ]

    # --- appointments

    def book_appointment(
        self, patient: Ref, slot: Ref, service: Ref, *, key: WriteKey
    ) -> Appointment:
        self._need(Extension.BOOKINGS)
        _checked_key(key)
        body = {"ID_BN": patient, "ID_KHUNG_THOI_GIAN": slot, "ID_DICH_VU": service}
        reply = self._client.write(Call.BOOK, body, key=key)
        return _of_patient(shapes.BOOKING.load(reply.untrusted_data), patient)

    def change_appointment(
        self,
        ref: Ref,
        action: AppointmentAction,
        *,
        version: str,
        key: WriteKey,
        reason: str = "",
        new_slot: Ref | None = None,
    ) -> Appointment:
        self._need(Extension.BOOKINGS)
        _checked_key(key)
        body = {
            "ID_LICH_HEN": ref,
            "HANH_DONG": action.value,
            "PHIEN_BAN": version,
            "LY_DO": reason,
            "ID_KHUNG_THOI_GIAN": new_slot,
        }
        reply = self._client.write(Call.CHANGE_BOOKING, body, key=key)
        booking = shapes.BOOKING.load(reply.untrusted_data)
        if booking.ref != ref:
            raise BrokenReply("the change of another booking")
        return booking

    def find_appointments(
        self,
        patient: Ref,
        start: datetime,
        end: datetime,
        *,
        statuses: frozenset[AppointmentStatus] = frozenset({AppointmentStatus.BOOKED}),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Appointment]:
        self._need(Extension.BOOKINGS)
        _checked_limit(limit)
        _checked_moments(start=start, end=end)
        untrusted = self._client.get_all(Call.BOOKINGS, {"ID_BN": patient, **_window(start, end)})
        found = [
            booking
            for each in untrusted
            if (booking := _of_patient(shapes.BOOKING.load(each), patient)).status in statuses
            and start <= booking.start < end
        ]
        return _page(sorted(found, key=lambda each: (each.start, each.ref)), limit)

    # --- visits

    def check_in(self, request: CheckIn, *, key: WriteKey) -> Visit:
        _checked_key(key)
        person: PatientDraft | None = request.person
        if request.patient and person is None:
            person = self.read_patient(request.patient)
        if person is None:
            raise InvalidData("patient", "Chưa có thông tin người bệnh.")
        seen = self._look()
        service = seen.find_service(request.service)
        if service is None and request.service is not None:
            service = self._look(fresh=True).find_service(request.service)
            if service is None:
                raise NotFound("no such service")
        if Extension.CATALOGUE not in self._has:
            # Rooms of the settings are ours: the HIS never heard of them.
            request = replace(request, room=None, practitioner=None)
        arrived_at = request.arrived_at or self._clock()
        department = next(
            (each for each in seen.departments if service and each.ref == service.department), None
        )
        body = mapping.dump_wish(
            request,
            mapping.dump_person(person, self._rules, ref=request.patient or None),
            department=department.ref if department else Ref(""),
            department_code=department.code if department else "",
            service_code=service.code if service else "",
            service_name=service.name_vi if service else "",
            price_vnd=service.price_vnd if service else 0,
            exam_type=self._exam_type(request, seen),
            arrived_at=arrived_at,
            facility_code=self._settings.facility.code,
        )
        reply = self._client.write(Call.REGISTER, body, key=key)
        return mapping.load_registration(
            reply.untrusted_data,
            self._rules,
            now=arrived_at,
            patient=request.patient or None,
            person=person,
            service=request.service,
        )

    def _exam_type(self, request: CheckIn, seen: _Catalogue) -> str | None:
        """The settings', by whether insurance may pay; else what the service itself carries."""
        insured = request.provisional or (
            request.coverage is not None and request.coverage.card_number is not None
        )
        chosen = self._settings.insured_exam_type if insured else self._settings.paying_exam_type
        return chosen or seen.exam_types.get(request.service or Ref(""))

    def cancel_visit(self, ref: Ref, *, reason: str, key: WriteKey) -> Visit:
        self._need(Extension.VISITS)
        _checked_key(key)
        body = {"ID_LK": ref, "LY_DO": reason}
        reply = self._client.write(Call.CANCEL_REGISTRATION, body, key=key)
        visit = mapping.load_registration(reply.untrusted_data, self._rules, now=self._clock())
        if visit.ref != ref:
            raise BrokenReply("the cancelling of another visit")
        return visit

    def list_visits(self, patient: Ref, since: date, *, limit: int = DEFAULT_LIMIT) -> Page[Visit]:
        self._need(Extension.VISITS)
        _checked_limit(limit)
        asked = {"ID_BN": patient, "TU_NGAY": since.isoformat()}
        visits = [
            mapping.load_registration(each, self._rules, now=self._clock(), patient=patient)
            for each in self._client.get_all(Call.REGISTRATIONS, asked)
        ]
        return _page(visits, limit)

    # --- orders, results, money

    def list_orders(
        self,
        patient: Ref,
        since: datetime,
        *,
        statuses: frozenset[OrderStatus] = frozenset(OrderStatus),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Order]:
        self._need(Extension.ORDERS)
        _checked_limit(limit)
        _checked_moments(since=since)
        asked = {"ID_BN": patient, "TU_NGAY": shapes.write_moment(since)}
        orders = [
            order
            for each in self._client.get_all(Call.ORDERS, asked)
            if (order := _of_patient(shapes.ORDER.load(each), patient)).status in statuses
            and order.ordered_at >= since
        ]
        return _page(sorted(orders, key=lambda each: (each.ordered_at, each.ref)), limit)

    def list_reports(
        self,
        patient: Ref,
        since: datetime,
        *,
        kinds: frozenset[ReportKind] = frozenset(ReportKind),
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Report]:
        """Without parts: that a result is there, not what it says."""
        self._need(Extension.RESULTS)
        _checked_limit(limit)
        _checked_moments(since=since)
        asked = {"ID_BN": patient, "TU_NGAY": shapes.write_moment(since)}
        reports = [
            report
            for each in self._client.get_all(Call.REPORTS, asked)
            if (report := _of_patient(shapes.REPORT.load(each), patient)).kind in kinds
            and report.issued_at >= since
        ]
        latest = sorted(reports, key=lambda each: (each.issued_at, each.ref), reverse=True)
        return _page(latest, limit)

    def read_account(self, patient: Ref, visit: Ref | None = None) -> Account:
        self._need(Extension.ACCOUNT)
        reply = self._client.get(Call.ACCOUNT, {"ID_BN": patient, "ID_LK": visit})
        account = _of_patient(shapes.ACCOUNT.load(reply.untrusted_data), patient)
        owed = account.charged_vnd - account.insurance_vnd - account.discount_vnd
        owed -= account.advances_vnd + account.paid_vnd
        if account.due_vnd - account.credit_vnd != owed:
            raise BrokenReply("the account does not add up")
        return account

    def post_payment(self, payment: PaymentPosting, *, key: WriteKey) -> PaymentReceipt:
        self._need(Extension.ACCOUNT)
        _checked_key(key)
        body = {
            "ID_BN": payment.patient,
            "ID_LK": payment.visit,
            "ID_PHIEU_THU": payment.invoice,
            "SO_TIEN": payment.amount_vnd,
            "HINH_THUC": payment.method.value,
            "NGAN_HANG": payment.provider,
            "SO_GIAO_DICH": payment.provider_reference,
            "THOI_GIAN": shapes.write_moment(payment.paid_at),
        }
        reply = self._client.write(Call.POST_PAYMENT, body, key=key)
        receipt = shapes.RECEIPT.load(reply.untrusted_data)
        if receipt.amount_vnd != payment.amount_vnd:
            raise BrokenReply("another amount was posted")
        return receipt

    # --- after a lost answer

    def find_by_key(self, key: WriteKey) -> Written | None:
        self._need(Extension.KEYS)
        try:
            reply = self._client.get(Call.FIND_BY_KEY, {KEY_FIELD: _checked_key(key)})
        except NotFound:
            return None
        if reply.untrusted_data is None:
            return None
        found = shapes.as_object(reply.untrusted_data)
        kind, untrusted = found.get("LOAI"), found.get("BAN_GHI")
        if kind == WrittenKind.PATIENT:
            return mapping.load_patient(untrusted, self._rules)
        if kind == WrittenKind.BOOKING:
            return shapes.BOOKING.load(untrusted)
        if kind == WrittenKind.REGISTRATION:
            return mapping.load_registration(untrusted, self._rules, now=self._clock())
        if kind == WrittenKind.PAYMENT:
            return shapes.RECEIPT.load(untrusted)
        raise BrokenReply("a record of an unknown kind")

    def _need(self, extension: Extension) -> None:
        if extension not in self._has:
            raise NotSupported(f"this HIS has no extension {extension}")


_INSURED_BY = (IdentifierKind.BHYT15, IdentifierKind.ID12, IdentifierKind.BHXH10)


class _Remembered:
    """People this process was told about a moment ago: the contract finds by number only."""

    def __init__(self) -> None:
        self._people: OrderedDict[Ref, tuple[float, Patient]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, patient: Patient) -> None:
        with self._lock:
            self._people.pop(patient.ref, None)
            self._people[patient.ref] = (time.monotonic() + _REMEMBERED_FOR_S, patient)
            while len(self._people) > _REMEMBERED:
                self._people.popitem(last=False)

    def find(self, ref: Ref) -> Patient | None:
        with self._lock:
            until, patient = self._people.get(ref, (0.0, None))
            if until < time.monotonic():
                self._people.pop(ref, None)
                return None
            return patient


def _of_patient(record: Item, patient: Ref) -> Item:
    """Raises BrokenReply for a record of somebody else."""
    if getattr(record, "patient", None) != patient:
        raise BrokenReply("the record of another patient")
    return record


def _window(start: datetime, end: datetime) -> dict[str, str]:
    return {
        "THOI_GIAN_BAT_DAU": shapes.write_moment(start),
        "THOI_GIAN_KET_THUC": shapes.write_moment(end),
    }


def _checked_key(key: WriteKey) -> WriteKey:
    if not is_write_key(key):
        raise InvalidData("key", "Mã yêu cầu không hợp lệ.")
    return key


def _checked_limit(limit: int) -> int:
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidData("limit", "Danh sách yêu cầu quá dài.")
    return limit


def _checked_moments(**moments: datetime) -> None:
    for field, moment in moments.items():
        if moment.tzinfo is None:
            raise InvalidData(field, "Thời gian thiếu múi giờ.")


def _is_ref(ref: str) -> bool:
    return ref.isascii() and ref.isprintable() and 0 < len(ref) <= MAX_REF


def _is_number(value: str) -> bool:
    return value.isascii() and value.isalnum() and len(value) <= 40


def _page(items: Sequence[Item], limit: int) -> Page[Item]:
    _checked_limit(limit)
    return Page(items=tuple(items[:limit]), complete=len(items) <= limit)


def open_gateway(settings: Mapping[str, Any]) -> HisGateway:
    """Raises GatewayMisconfigured. Nothing is asked of the HIS yet."""
    return JsonKioskGateway(read_settings(settings), clock=lambda: datetime.now(UTC))
