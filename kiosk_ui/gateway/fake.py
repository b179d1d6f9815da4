"""A server in memory, for tests, pictures and trying the kiosk alone. Its people are invented.

It keeps the promises the kiosk relies on (one number per key, one ticket per person and
service) and fails on request.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

from kiosk_ui.errors import CredentialRefused, ServerAway, ServerRefused
from kiosk_ui.gateway import fleet_models as fleet
from kiosk_ui.gateway import models
from kiosk_ui.gateway import payment_models as pay
from kiosk_ui.gateway.fake_payments import FakePayments
from kiosk_ui.gateway.models import Question

T = TypeVar("T", bound=models.Wire)


def _label(vi: str, en: str) -> models.Label:
    return models.Label(vi=vi, en=en)


def _desk_ticket(language: models.Language) -> models.Ticket:
    """The words of a number for the desk, given without the server."""
    vi = models.TicketTexts(
        service="Tiếp đón",
        department="Khoa Khám bệnh",
        room="Quầy tiếp đón 1, 2, 3",
        landmark="đối diện cửa chính",
        next="Khi nghe hoặc thấy số này, mời đến quầy.",
        notes=["Khi đến quầy, mời đưa giấy tờ để nhân viên ghi tên"],
    )
    english = models.TicketTexts(
        service="Reception",
        department="Outpatient Department",
        room="Reception desks 1, 2, 3",
        landmark="opposite the main entrance",
        next="Come to the desk when you hear or see this number.",
        notes=["Please show your papers at the desk, to be registered"],
    )
    return models.Ticket(
        hospital=SETTINGS.facility.in_language(language),
        issued_at=datetime(2026, 11, 23, 1, 0, tzinfo=UTC),
        number="",
        floor="1",
        wait_min=None,
        qr="",
        hotline=SETTINGS.hotline,
        lang=language,
        vi=vi if language == "en" else None,
        **(english if language == "en" else vi).model_dump(),
    )


NOBODY = _label("", "")
SETTINGS = models.KioskSettings(
    kiosk_id="kiosk-1",
    name="Kiosk 1",
    facility=_label("Trung tâm Y tế Sông Mây", "Song May Medical Centre"),
    hotline="0200 000 115",
    timezone="Asia/Ho_Chi_Minh",
    notice=models.Notice(
        version="1",
        short=models.LongLabel(
            vi="Máy dùng họ tên, ngày sinh, số căn cước và thông tin bảo hiểm để đăng ký khám.\n"
            "Máy không lưu ảnh thẻ.",
            en="We use your name, birth date, ID number and insurance details to register you.\n"
            "We do not store a picture of your card.",
        ),
        full=models.LongLabel(
            vi="Trung tâm Y tế Sông Mây dùng dữ liệu của bạn để khám bệnh.\n"
            "Bạn có thể từ chối và đăng ký tại quầy, thứ tự khám vẫn như nhau.",
            en="Song May Medical Centre uses your data for your treatment.\n"
            "You may refuse and register at the desk; your turn stays the same.",
        ),
    ),
    visit_kinds=[
        models.VisitKindOption(code=code, label=_label(vi, en))
        for code, vi, en in (
            ("new", "Khám bệnh", "See a doctor"),
            ("follow_up", "Tái khám bệnh mạn tính", "Follow-up visit"),
            ("medicine", "Lấy thuốc theo hẹn", "Medicine by appointment"),
            ("health_check", "Khám sức khỏe", "Health check"),
            ("results", "Trở lại với kết quả", "Back with results"),
            ("unsure", "Tôi không chắc – nhờ nhân viên chọn", "I am not sure"),
        )
    ],
    priority_groups=[
        models.PriorityGroup(
            code="from_75", label=_label("Từ 75 tuổi", "75 or older"), self_declared=False
        ),
        models.PriorityGroup(
            code="pregnant", label=_label("Có thai", "Pregnant"), self_declared=True
        ),
        models.PriorityGroup(
            code="disabled",
            label=_label("Khuyết tật nặng", "Severe disability"),
            self_declared=True,
        ),
        models.PriorityGroup(
            code="merit", label=_label("Người có công", "Person of merit"), self_declared=True
        ),
    ],
    pays=True,
)
PERSON = models.ScannedPerson(
    full_name="Trần Thị Bé Năm",
    masked_name="T.T.B. NĂM",
    birth_date="1985-04-12",
    gender="female",
    masked_number="•••••••••000",
    verified=True,
)
WALK_IN = [
    Question.CONFIRM,
    Question.COVERAGE,
    Question.VISIT_KIND,
    Question.SERVICE,
    Question.PRIORITY,
    Question.SUMMARY,
]


def room(number: int, *, floor: str = "1", waiting: int = 3) -> models.RoomReply:
    return models.RoomReply(
        id=f"room-{number}",
        code=f"P{number}",
        name=_label(f"Phòng {number}", f"Room {number}"),
        floor=floor,
        landmark=_label("cạnh quầy thuốc", "next to the pharmacy"),
        open=True,
        waiting=waiting,
    )


def service(
    service_id: str,
    name: models.Label,
    department: models.DepartmentReply,
    *,
    by_doctor: bool = False,
    by_hour: bool = False,
    availability: models.Availability = models.Availability.OPEN,
    next_open: datetime | None = None,
) -> models.ServiceReply:
    return models.ServiceReply(
        id=service_id,
        name=name,
        department=department,
        kind="examination",
        price_vnd=45_000,
        insurance_price_vnd=9_000,
        by_doctor=by_doctor,
        by_hour=by_hour,
        availability=availability,
        next_open=next_open,
        waiting=4,
        wait_min=(20, 30),
        rooms=[room(101), room(102)],
    )


INTERNAL = models.DepartmentReply(id="internal", name=_label("Khoa Nội", "Internal medicine"))
EYES = models.DepartmentReply(id="eyes", name=_label("Khoa Mắt", "Eyes"))
TEETH = models.DepartmentReply(id="teeth", name=_label("Răng Hàm Mặt", "Teeth"))
SERVICES = [
    service("internal-1", _label("Khám nội tổng quát", "General medicine"), INTERNAL),
    service("internal-2", _label("Khám tim mạch", "Heart"), INTERNAL, by_doctor=True, by_hour=True),
    service("eyes-1", _label("Khám mắt", "Eye examination"), EYES),
    service(
        "teeth-1",
        _label("Khám răng", "Dentist"),
        TEETH,
        availability=models.Availability.CLOSED,
    ),
]
DOCTORS = [
    models.DoctorReply(
        id=f"doctor-{n}",
        name=name,
        title="BS.",
        room=room(100 + n),
        availability=models.Availability.OPEN if n < 3 else models.Availability.FULL,
        waiting=n,
    )
    for n, name in enumerate(("Lê Văn Thử", "Phạm Thị Mẫu", "Đỗ Văn Nháp"), start=1)
]


class FakeGateway:
    """Switches are plain attributes, set by tests between steps."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self.down = False
        """No call reaches the server."""
        self.lose_replies = 0
        """So many writes are done, but their answer is lost."""
        self.delay_s = 0.0
        self.enrolled = True
        self.refusals: dict[str, str] = {}
        """Method → problem code of its next answer, once."""
        self.scan_reply: models.ScanReply | None = None
        """The answer to the next scans; None: an insured walk-in patient."""
        self.services = list(SERVICES)
        self.existing: models.VisitReply | None = None
        self.acknowledge_help = False
        self.settings = SETTINGS
        self.orders = fleet.KioskOrders(profile="reception")
        self.command_results: dict[str, fleet.CommandResult] = {}
        self.kiosk_reports: list[fleet.KioskReport] = []
        self.money = FakePayments(now)

        self.calls: list[str] = []
        self.scans: list[models.ScanRequest] = []
        self.visit_requests: list[models.VisitRequest | models.ChangeRequest] = []
        self.print_states: list[models.PrintStateRequest] = []
        self.device_events: list[models.DeviceEventRequest] = []
        self.help_calls: dict[str, models.HelpCallReply] = {}
        self.help_requests: list[models.HelpCallRequest] = []
        self.grants_numbers = True
        self.letters: dict[str, str] = {}
        self.handed_in: dict[str, models.OfflineNumber] = {}
        self._answers: dict[str, models.Wire] = {}
        self._numbers = 0

    @property
    def numbers_given(self) -> int:
        return self._numbers

    def forget(self) -> None:
        """What was asked so far: who plays a month keeps only what a kiosk keeps."""
        for record in (self.calls, self.scans, self.visit_requests, self.print_states,
                       self.device_events, self.kiosk_reports, self._answers):  # fmt: skip
            record.clear()

    # --- the port ---------------------------------------------------------------------------------

    def check(self) -> None:
        self._reach("check")

    def get_settings(self) -> models.KioskSettings:
        self._reach("get_settings")
        if not self.enrolled:
            raise CredentialRefused
        return self.settings

    def close(self) -> None:
        self.down = True

    def beat(self, report: fleet.KioskReport | None = None) -> fleet.KioskOrders:
        """Commands stay on the list until they were answered."""
        self._reach("beat")
        if not self.enrolled:
            raise CredentialRefused
        if report is not None:
            self.kiosk_reports.append(report)
        waiting = [each for each in self.orders.commands if each.id not in self.command_results]
        return self.orders.model_copy(update={"commands": waiting})

    def tell_command(self, command_id: str, result: fleet.CommandResult) -> None:
        self._reach("tell_command")
        self.command_results.setdefault(command_id, result)

    def order(self, command_id: str, kind: str) -> None:
        """What staff ask of this kiosk."""
        expires_at = self._now() + timedelta(minutes=10)
        command = fleet.Command(id=command_id, kind=kind, expires_at=expires_at)
        self.orders = self.orders.model_copy(update={"commands": [*self.orders.commands, command]})

    def scan(self, request: models.ScanRequest) -> models.ScanReply:
        self._reach("scan")
        self.scans.append(request)
        if request.payload_base64 is not None:
            payload = base64.b64decode(request.payload_base64)
            if payload.startswith(b"E_"):
                raise ServerRefused(payload.decode("ascii"))
        if request.typed is not None and request.typed.birth_date is None:
            return self.reply(outcome=models.ScanOutcome.ASK_BIRTH_DATE, person=None, ask=[])
        return self.scan_reply or self.reply()

    def list_services(
        self, *, scan_id: str | None = None, visit_kind: str | None = None
    ) -> models.ServiceList:
        del scan_id
        self._reach("list_services")
        items = self.services[:1] if visit_kind == "unsure" else self.services
        return models.ServiceList(items=items, complete=True)

    def list_doctors(self, service_id: str) -> models.DoctorList:
        del service_id
        self._reach("list_doctors")
        return models.DoctorList(items=DOCTORS, complete=True)

    def list_slots(self, service_id: str, doctor_id: str | None = None) -> models.SlotList:
        del service_id
        self._reach("list_slots")
        start = self._now().replace(minute=0, second=0, microsecond=0)
        slots = [
            models.SlotReply(
                id=f"slot-{n}",
                start=start + timedelta(hours=n),
                end=start + timedelta(hours=n + 1),
                free=n - 1,
                room_id=None,
                doctor_id=doctor_id,
            )
            for n in (1, 2, 3)
        ]
        return models.SlotList(items=slots, complete=True)

    def start_visit(self, request: models.VisitRequest, *, key: str) -> models.VisitReply:
        def start() -> models.VisitReply:
            self.visit_requests.append(request)
            if self.existing is not None:
                return self.existing.model_copy(update={"existing": True})
            return self.visit(service_id=request.service_id, language=request.language)

        return self._once("start_visit", key, start)

    def change_visit(
        self, visit_id: str, request: models.ChangeRequest, *, key: str
    ) -> models.VisitReply:
        def change() -> models.VisitReply:
            self.visit_requests.append(request)
            changed = self.visit(service_id=request.service_id, language=request.language)
            return changed.model_copy(update={"id": visit_id, "actions": ["cancel", "reprint"]})

        return self._once("change_visit", key, change)

    def cancel_visit(
        self, visit_id: str, request: models.ScanIdRequest, *, key: str
    ) -> models.VisitReply:
        del request
        return self._once(
            "cancel_visit",
            key,
            lambda: self.visit().model_copy(
                update={"id": visit_id, "state": models.StepState.CANCELLED, "actions": []}
            ),
        )

    def reprint_ticket(
        self, visit_id: str, request: models.ScanIdRequest, *, key: str
    ) -> models.VisitReply:
        del request
        return self._once(
            "reprint_ticket",
            key,
            lambda: (self.existing or self.visit(number="A001")).model_copy(
                update={"id": visit_id}
            ),
        )

    def return_to_line(
        self, visit_id: str, request: models.ScanIdRequest, *, key: str
    ) -> models.VisitReply:
        del request
        return self._once(
            "return_to_line",
            key,
            lambda: self.visit(number="A001").model_copy(update={"id": visit_id}),
        )

    def report_print_state(
        self, visit_id: str, request: models.PrintStateRequest, *, key: str
    ) -> None:
        del visit_id, key
        self._reach("report_print_state")
        self.print_states.append(request)

    def report_device(self, request: models.DeviceEventRequest) -> None:
        self._reach("report_device")
        self.device_events.append(request)

    def grant_offline_numbers(
        self, request: models.OfflineGrantRequest
    ) -> models.OfflineGrantReply:
        self._reach("grant_offline_numbers")
        letter = self.letters.setdefault(request.journal_id, f"Z{'ACDE'[len(self.letters) % 4]}")
        if not self.grants_numbers:
            return models.OfflineGrantReply(grant=None)
        tickets = models.OfflineTickets(vi=_desk_ticket("vi"), en=_desk_ticket("en"))
        return models.OfflineGrantReply(
            grant=models.OfflineGrant(letter=letter, per_hour=60, tickets=tickets)
        )

    def hand_in_offline_numbers(
        self, request: models.OfflineNumbersRequest
    ) -> models.OfflineNumbersReply:
        self._reach("hand_in_offline_numbers")
        for number in request.numbers:
            self.handed_in[number.key] = number
        if self.lose_replies > 0:
            self.lose_replies -= 1
            raise ServerAway
        return models.OfflineNumbersReply(safe=[number.key for number in request.numbers])

    def read_dues(self, request: pay.DuesRequest, *, key: str) -> pay.DuesReply:
        return self._once("read_dues", key, lambda: self.money.read_dues(request))

    def start_payment(self, request: pay.PaymentRequest, *, key: str) -> pay.PaymentReply:
        return self._once("start_payment", key, lambda: self.money.start(request))

    def find_payment_news(self, payment_id: str, version: int) -> pay.PaymentReply | None:
        self._reach("find_payment_news")
        return self.money.news(payment_id, version)

    def change_offer(
        self, payment_id: str, request: pay.OfferRequest, *, key: str
    ) -> pay.PaymentReply:
        return self._once("change_offer", key, lambda: self.money.offer(payment_id, request))

    def check_payment(self, payment_id: str, *, key: str) -> pay.PaymentReply:
        return self._once("check_payment", key, lambda: self.money.check(payment_id))

    def cancel_payment(
        self, payment_id: str, request: pay.CancelPaymentRequest, *, key: str
    ) -> pay.PaymentReply:
        return self._once("cancel_payment", key, lambda: self.money.cancel(payment_id, request))

    def report_receipt_print(
        self, payment_id: str, request: pay.ReceiptPrintRequest, *, key: str
    ) -> None:
        del key
        self._reach("report_receipt_print")
        self.money.report_print(payment_id, request)

    def take_cash_slip(self, request: pay.CashRequest, *, key: str) -> pay.CashReply:
        return self._once("take_cash_slip", key, lambda: self.money.cash_slip(request))

    def call_for_help(self, request: models.HelpCallRequest, *, key: str) -> models.HelpCallReply:
        self._reach("call_for_help")
        self.help_requests.append(request)
        call = models.HelpCallReply(
            id=f"help-{key}", kind=request.kind, state="waiting", acknowledged_at=None
        )
        self.help_calls[call.id] = call
        return call

    def get_help_call(self, help_call_id: str) -> models.HelpCallReply:
        self._reach("get_help_call")
        call = self.help_calls[help_call_id]
        if self.acknowledge_help:
            call = call.model_copy(update={"state": "acknowledged", "acknowledged_at": self._now()})
        return call

    # --- what it is made of -------------------------------------------------------------------------

    def reply(self, **changes: object) -> models.ScanReply:
        """The answer to a scan; an insured walk-in patient unless changed."""
        standard = models.ScanReply(
            scan_id="scan-1",
            expires_at=self._now() + timedelta(minutes=10),
            kind="cccd2021",
            outcome=models.ScanOutcome.IDENTIFIED,
            message_key=None,
            person=PERSON,
            coverage=models.CoverageReply(
                outcome=models.CoverageOutcome.OK,
                provisional=False,
                valid_to="2027-12-31",
                registered_here=True,
            ),
            appointments=[],
            priority=models.PriorityReply(group=None, ask=True),
            visits=[],
            ask=list(WALK_IN),
        )
        return standard.model_copy(update=changes)

    def appointment(self, **changes: object) -> models.AppointmentReply:
        standard = models.AppointmentReply(
            id="booking-1",
            state=models.AppointmentState.ON_TIME,
            start=self._now() + timedelta(minutes=20),
            service_id="eyes-1",
            service=_label("Khám mắt", "Eye examination"),
            doctor="BS. Phạm Thị Mẫu",
            room=_label("Phòng 102", "Room 102"),
            facility=None,
            can_arrive=True,
        )
        return standard.model_copy(update=changes)

    def visit(
        self,
        *,
        number: str | None = None,
        service_id: str = "internal-1",
        language: models.Language = "vi",
    ) -> models.VisitReply:
        """A visit with the next number, or with `number`."""
        if number is None:
            self._numbers += 1
            number = f"A{self._numbers:03}"
        offered = next(item for item in SERVICES if item.id == service_id)
        vi = models.TicketTexts(
            service=offered.name.vi,
            department=offered.department.name.vi,
            room="Phòng 101",
            landmark="cạnh quầy thuốc",
            next="Khi nghe hoặc thấy số này, mời vào phòng.",
            notes=[],
        )
        english = models.TicketTexts(
            service=offered.name.en,
            department=offered.department.name.en,
            room="Room 101",
            landmark="next to the pharmacy",
            next="Go in when you hear or see this number.",
            notes=[],
        )
        words = english if language == "en" else vi
        ticket = models.Ticket(
            hospital=SETTINGS.facility.in_language(language),
            issued_at=self._now(),
            number=number,
            floor="1",
            wait_min=(20, 30),
            qr="tk000000000000000000000000",
            hotline=SETTINGS.hotline,
            lang=language,
            vi=vi if language == "en" else None,
            **words.model_dump(),
        )
        step = models.StepReply(
            id=f"step-{number}",
            kind="examination",
            state=models.StepState.WAITING,
            hold_reason=None,
            service_id=service_id,
            service=offered.name,
            department=offered.department.name,
            room=_label("Phòng 101", "Room 101"),
            floor="1",
            landmark=_label("cạnh quầy thuốc", "next to the pharmacy"),
            people_ahead=4,
            wait_min=(20, 30),
        )
        return models.VisitReply(
            id=f"visit-{number}",
            existing=False,
            state=models.StepState.WAITING,
            number=number,
            provisional=False,
            verified=True,
            steps=[step],
            actions=["change", "cancel", "reprint"],
            change_until=self._now() + timedelta(minutes=10),
            print_state="pending",
            ticket=ticket,
        )

    def away(
        self, state: models.StepState, hold_reason: str | None = None, *, may_return: bool = True
    ) -> models.VisitReply:
        """The visit A001, out of the line: missed, or on hold for that reason."""
        visit = self.visit(number="A001")
        update = {
            "state": state,
            "hold_reason": hold_reason,
            "kind": "return" if hold_reason == "results" else "examination",
            "people_ahead": 0,
            "wait_min": None,
        }
        actions = ["return", "cancel", "reprint"] if may_return else ["cancel", "reprint"]
        steps = [visit.steps[0].model_copy(update=update)]
        return visit.model_copy(update={"state": state, "steps": steps, "actions": actions})

    def _reach(self, method: str) -> None:
        self.calls.append(method)
        if self.delay_s:
            time.sleep(self.delay_s)
        if self.down:
            raise ServerAway
        problem_code = self.refusals.pop(method, None)
        if problem_code is not None:
            raise ServerRefused(problem_code)

    def _once(self, method: str, key: str, do: Callable[[], T]) -> T:
        """The first answer again for a key seen before."""
        self._reach(method)
        if key not in self._answers:
            self._answers[key] = do()
        if self.lose_replies > 0:
            self.lose_replies -= 1
            raise ServerAway
        return cast("T", self._answers[key])
