"""What a case works with: the gateway, invented people, the wire, and what must be taken back."""

from __future__ import annotations

import logging
import secrets
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from his_adapter.conformance.case import NotApplicable, NotPrepared
from his_adapter.conformance.faulty import PortPlan, faulty
from his_adapter.conformance.pace import Pace
from his_adapter.conformance.proxy import FaultProxy
from his_adapter.conformance.recording import PortCall, recorded
from his_adapter.conformance.settings import CertifySettings
from his_adapter.conformance.settling import settling
from his_adapter.conformance.wire import Wire, with_setting
from his_adapter.errors import HisError
from his_adapter.models import (
    Appointment,
    AppointmentAction,
    BirthDate,
    Capabilities,
    CheckIn,
    Feature,
    Gender,
    Identifier,
    IdentifierKind,
    Patient,
    PatientDraft,
    PatientQuery,
    Ref,
    Service,
    Slot,
    Visit,
    WriteKey,
)
from his_adapter.ports import HisGateway

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
RACERS = 20
MAX_LOG_LINES = 50_000
_SERIALS = 1_000_000

Answer = TypeVar("Answer")


class LogCatcher(logging.Handler):
    """Keeps the lines that adapters log while the kit runs, to look for what must not be there."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.lines) < MAX_LOG_LINES:
            details = " ".join(
                str(value) for name, value in vars(record).items() if name not in _STANDARD
            )
            trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
            self.lines.append(f"{record.getMessage()} {details} {trace}")


_STANDARD = frozenset(vars(logging.makeLogRecord({}))) - {"msg", "args"}


class Lab:
    """One HIS under test. `open_with` opens its gateway with other settings."""

    def __init__(
        self,
        *,
        settings: CertifySettings,
        his_settings: Mapping[str, Any],
        open_with: Callable[[Mapping[str, Any]], HisGateway],
        wire: Wire | None,
        pace: Pace,
    ) -> None:
        self.settings = settings
        self.his_settings: Mapping[str, Any] = his_settings
        self.wire = wire
        self.pace = pace
        self.calls: list[PortCall] = []
        self.notes: list[str] = []
        self.log = LogCatcher()
        self.personal: set[str] = set()
        """Names and numbers of everybody invented, which must not turn up in a log."""
        self._open_with = open_with
        self._undo: list[Callable[[], object]] = []
        self._serial_lock = threading.Lock()
        self._serial = secrets.randbelow(50 * _SERIALS)
        self._opened: list[HisGateway] = []
        self.gateway = settling(
            self.open(), lambda name: self.note(f"an answer to {name} was lost on a calm line")
        )
        self.declared: Capabilities = self.gateway.capabilities()

    # --- gateways

    def open(self, his_settings: Mapping[str, Any] | None = None) -> HisGateway:
        """A gateway of its own, closed with the lab."""
        opened = self._open_with(self.his_settings if his_settings is None else his_settings)
        self._opened.append(opened)
        return recorded(opened, self.calls.append)

    def bare_gateway(self) -> HisGateway:
        """The adapter's own object, to look at."""
        return self._opened[0]

    def close(self) -> None:
        for gateway in self._opened:
            gateway.close()

    @contextmanager
    def through_proxy(self, *, hurried: bool = False) -> Iterator[tuple[HisGateway, FaultProxy]]:
        """A gateway whose line the case may break, `hurried` with its time limits scaled.

        Raises NotApplicable without a wire.
        """
        if self.wire is None:
            raise NotApplicable(
                "Hệ thống này không nối qua mạng, nên không có đường truyền để làm hỏng.",
                "no wire: this adapter does not reach its HIS over a network",
            )
        with self.wire.open_proxy(ca_file=self._ca_file()) as proxy:
            settings = self.wire.pointed_at(self.his_settings, proxy.port)
            for name, full_s in self.settings.time_settings.items() if hurried else ():
                settings = with_setting(settings, tuple(name.split(".")), self.pace.limit(full_s))
            gateway = self.open(settings)
            gateway.capabilities()
            yield gateway, proxy

    def at_the_port(self, plan: PortPlan) -> HisGateway:
        """For adapters without a wire: faults between the kit and the port."""
        self.note("no wire: faults were played at the port")
        return faulty(self.gateway, plan)

    def _ca_file(self) -> str | None:
        value: Any = self.his_settings
        for part in (self.settings.ca_setting or "").split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value if isinstance(value, str) else None

    # --- what is there

    def needs(self, *features: Feature) -> None:
        """Raises NotApplicable when one of them is not declared."""
        absent = sorted(set(features) - self.declared.features)
        if absent:
            raise NotApplicable(
                f"Hệ thống không khai báo chức năng: {', '.join(absent)}.",
                f"not declared: {', '.join(absent)}",
            )

    def can(self, *features: Feature) -> bool:
        return set(features) <= self.declared.features

    def prepared(self, value: Answer | None, name: str) -> Answer:
        """Raises NotPrepared when the hospital has not named it."""
        if not value:
            raise NotPrepared(
                f"Cần chuẩn bị dữ liệu thử trong HIS và ghi vào [certify] {name}.",
                f"prepare test data and name it in [certify] {name}",
            )
        return value

    def note(self, text: str) -> None:
        """Something the reader of the report should know. Nothing of a person."""
        if text not in self.notes:
            self.notes.append(text)

    def marker(self) -> Patient:
        return self.known_patient(self.settings.marker_patient)

    def known_patient(self, number: str) -> Patient:
        """A prepared patient, by personal number. Raises NotPrepared."""
        page = self.gateway.find_patients(by_number(number))
        if len(page.items) != 1:
            raise NotPrepared(
                "Không tìm thấy đúng một người bệnh thử đã ghi trong [certify].",
                "a patient named in [certify] is not in the HIS exactly once",
            )
        return self.gateway.read_patient(page.items[0].ref)

    def services(self) -> tuple[Service, ...]:
        return self.gateway.list_services(limit=self.declared.max_limit).items

    def walk_in(self) -> Service:
        """A service to check in for without an appointment."""
        offered = self.services()
        named = [item for item in offered if item.ref == self.settings.walk_in]
        plain = [
            item
            for item in offered
            if (item.gender, item.age_min_years, item.age_max_years) == (None, None, None)
        ]
        for found in (named, plain, offered):
            if found:
                return found[0]
        raise NotPrepared("HIS chưa có dịch vụ nào.", "the HIS offers no service")

    def hourly(self) -> Ref:
        """A service whose hours can be booked."""
        if self.settings.hourly:
            return Ref(self.settings.hourly)
        for service in self.services():
            if service.by_hour:
                return service.ref
        raise NotPrepared(
            "HIS chưa có dịch vụ đặt theo giờ.", "no service whose hours can be booked"
        )

    def slots(self, days: int = 14, *, at_least: int = 1) -> tuple[Slot, ...]:
        """Free slots that begin in an hour or later. Raises NotPrepared when there are too few."""
        start = datetime.now(UTC) + timedelta(hours=1)
        page = self.gateway.find_slots(
            self.hourly(), None, start, start + timedelta(days=days), limit=self.limit()
        )
        if len(page.items) < at_least:
            raise NotPrepared(
                f"Cần ít nhất {at_least} khung giờ trống trong {days} ngày tới.",
                f"at least {at_least} free slots are needed within {days} days",
            )
        return page.items

    def limit(self) -> int:
        return min(self.declared.max_limit, 500)

    # --- people and writes

    def key(self) -> WriteKey:
        return WriteKey(f"certify-{uuid.uuid4()}")

    def draft(self, **fields: Any) -> PatientDraft:
        """Somebody invented: a number of the province 099, which does not exist, born 1950-1999."""
        with self._serial_lock:
            self._serial = (self._serial + 1) % (50 * _SERIALS)
            year, serial = 50 + self._serial // _SERIALS, self._serial % _SERIALS
        gender = fields.setdefault("gender", Gender.MALE)
        number = f"099{'1' if gender is Gender.FEMALE else '0'}{year}{serial:06d}"
        fields.setdefault("full_name", f"Nguyễn Văn Thử {_letters(serial)}")
        fields.setdefault("birth_date", BirthDate(year=1900 + year, month=2, day=28))
        fields.setdefault("identifiers", (Identifier(kind=IdentifierKind.ID12, value=number),))
        self.personal |= {fields["full_name"], number}
        return PatientDraft(**fields)

    def register(self, **fields: Any) -> Patient:
        return self.gateway.create_patient(self.draft(**fields), key=self.key())

    def book(self, patient: Patient, slot: Slot, *, key: WriteKey | None = None) -> Appointment:
        booked = self.gateway.book_appointment(
            patient.ref, slot.ref, slot.service, key=key or self.key()
        )
        self.take_back_booking(booked)
        return booked

    def check_in(self, patient: Patient, *, key: WriteKey | None = None, **fields: Any) -> Visit:
        fields.setdefault("service", self.walk_in().ref)
        visit = self.gateway.check_in(CheckIn(patient=patient.ref, **fields), key=key or self.key())
        self.take_back_visit(visit)
        return visit

    def take_back_booking(self, booked: Appointment) -> None:
        """Gives the place back when the case is over, if the HIS can."""
        if not self.can(Feature.CHANGE_APPOINTMENT, Feature.FIND_APPOINTMENTS):
            return

        def undo() -> None:
            day = timedelta(days=40)
            for item in self.gateway.find_appointments(
                booked.patient, booked.start - day, booked.start + day
            ).items:
                self.gateway.change_appointment(
                    item.ref, AppointmentAction.CANCEL, version=item.version, key=self.key()
                )

        self._undo.append(undo)

    def take_back_visit(self, visit: Visit) -> None:
        if self.can(Feature.CANCEL_VISIT):
            self._undo.append(
                lambda: self.gateway.cancel_visit(visit.ref, reason="kiểm thử", key=self.key())
            )

    def tidy(self) -> None:
        """Takes back what the case left. What the HIS refuses stays: it is a test HIS."""
        while self._undo:
            undo = self._undo.pop()
            try:
                undo()
            except HisError as error:
                self.note(f"could not be taken back: {error.code}")

    def today(self) -> date:
        return datetime.now(UTC).astimezone(ZONE).date()

    def found(self, draft: PatientDraft) -> tuple[Ref, ...]:
        """Who carries the personal number of that draft now."""
        page = self.gateway.find_patients(PatientQuery(identifiers=draft.identifiers[:1]))
        return tuple(match.ref for match in page.items)


@dataclass(frozen=True, kw_only=True)
class RaceResult:
    outcomes: Counter[str]
    """`ok`, or the codes of errors."""
    won: tuple[int, ...]


def race(job: Callable[[int], object], racers: int = RACERS) -> RaceResult:
    """The same job by many at the same moment."""
    barrier = threading.Barrier(racers)

    def run(racer: int) -> str:
        barrier.wait()
        try:
            job(racer)
        except HisError as error:
            return error.code
        return "ok"

    with ThreadPoolExecutor(racers) as pool:
        outcomes = list(pool.map(run, range(racers)))
    return RaceResult(
        outcomes=Counter(outcomes),
        won=tuple(racer for racer, outcome in enumerate(outcomes) if outcome == "ok"),
    )


def outcome_of(call: Callable[[], object]) -> HisError | None:
    """The error of a call, or None when it went well."""
    try:
        call()
    except HisError as error:
        return error
    return None


def code_of(call: Callable[[], object]) -> str:
    error = outcome_of(call)
    return "ok" if error is None else error.code


def by_number(number: str) -> PatientQuery:
    return PatientQuery(identifiers=(Identifier(kind=IdentifierKind.ID12, value=number),))


def percentile_95(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[max(0, int(len(ordered) * 0.95 + 0.999) - 1)] if ordered else 0.0


def _letters(serial: int) -> str:
    """Three syllables-like letters, so that people of one run do not share a name."""
    alphabet = "BCDGHKLMNPQRSTVX"
    return "".join(alphabet[(serial // 16**place) % 16] + "a" for place in range(4)).capitalize()
