"""A HIS that answers the JSON kiosk contract: the demo hospital behind a loopback address.

    with JsonKioskEmulator(open_demo(folder, clock=clock), clock=clock) as his:
        his.base_url, MERCHANT_ID, SECRET

`tiepdon emulate his-json` runs it for people. `Switches` make it behave as badly as real ones do.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from his_adapter.demo.gateway import open_demo
from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    HisError,
    InvalidData,
    LoginFailed,
    NotFound,
    NotSupported,
    OutcomeUnknown,
)
from his_adapter.json_kiosk import mapping, shapes
from his_adapter.json_kiosk.contract import (
    ENDPOINTS,
    KEY_FIELD,
    MERCHANT_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    TIMESTAMP_TOLERANCE_S,
    Call,
    Extension,
    ReplyCode,
)
from his_adapter.json_kiosk.contract import Written as WrittenKind
from his_adapter.json_kiosk.signing import is_signed_by, request_text
from his_adapter.models import (
    Appointment,
    AppointmentAction,
    AppointmentStatus,
    CoverageQuery,
    Gender,
    Identifier,
    Patient,
    PatientQuery,
    PaymentMethod,
    PaymentPosting,
    PaymentReceipt,
    Ref,
    ServiceKind,
    Visit,
    WriteKey,
)
from his_adapter.ports import HisGateway

MERCHANT_ID = "KIOSK-DEMO"
SECRET = b"an invented secret of the demo hospital"
EVERYTHING = frozenset(Extension)
PUBLISHED_ONLY = frozenset[Extension]()

_MAX_BODY = 1_000_000
_ALL = 1000
_HTML = b"<!doctype html><title>Dang nhap</title><form>wifi</form>"
_KINDS = {word: kind for kind, word in mapping.DOCUMENTS.items()}
_FOR_KIOSKS = {ServiceKind.EXAMINATION, ServiceKind.RECEPTION}


@dataclass(kw_only=True)
class Switches:
    """May be thrown at any time. Counts go down by themselves."""

    wrong_gender_codes: bool = False
    """0 = nữ, 1 = nam everywhere, as the reply of /bhyt has it."""
    swapped_names: bool = False
    """HO_TEN with the given name first."""
    no_idempotency: bool = False
    """MA_YEU_CAU is not looked at."""
    wrong_signature: bool = False
    """Every signature is refused."""
    expired: int = 0
    """So many requests are refused as too old."""
    slow_s: float = 0.0
    lose_replies: int = 0
    """So many requests are done, and the connection closed without an answer."""
    html: int = 0
    """So many requests are answered by a page, with HTTP 200."""
    another_patient: Patient | None = None
    """Is put into every answer that is about a patient."""


class JsonKioskEmulator:
    """Starts with `with`. Everything it holds is in the gateway behind it."""

    def __init__(
        self,
        his: HisGateway,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        extensions: frozenset[Extension] = EVERYTHING,
        port: int = 0,
        secret: bytes = SECRET,
    ) -> None:
        self.switches = Switches()
        self.calls: list[Call] = []
        """What was asked, without parameters."""
        self._office = _Office(his, extensions, self.switches, clock)
        self._secret = secret
        self._extensions = extensions
        self._clock = clock
        emulator = self

        class Handler(_Handler):
            desk = emulator

        self._server = _Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def run(self) -> None:
        """In the foreground, until interrupted."""
        self._server.serve_forever()

    # --- one request

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str, bytes] | None:
        """Status, content type, content; None for an answer that is lost on the way."""
        switches = self.switches
        address = urlsplit(target)
        call = self._find_call(method, address.path)
        if call is None:
            return 404, "text/html", b"<h1>404 Not Found</h1>"
        self.calls.append(call)
        time.sleep(switches.slow_s)
        if switches.html > 0:
            switches.html -= 1
            return 200, "text/html; charset=utf-8", _HTML
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        envelope = self._answer(call, query, headers, body)
        if switches.lose_replies > 0:
            switches.lose_replies -= 1
            return None
        content = json.dumps(envelope, ensure_ascii=False).encode("utf-8", "replace")
        return 200, "application/json; charset=utf-8", content

    def _find_call(self, method: str, path: str) -> Call | None:
        return next(
            (
                call
                for call, endpoint in ENDPOINTS.items()
                if (endpoint.method, endpoint.path) == (method, path)
                and endpoint.extension in {None, *self._extensions}
            ),
            None,
        )

    def _answer(
        self, call: Call, query: dict[str, str], headers: Mapping[str, str], body: bytes
    ) -> dict[str, Any]:
        try:
            self._check_signature(call, query, headers, body)
            asked: Any = json.loads(body) if ENDPOINTS[call].writes else query
            data = self._office.do(call, shapes.as_object(asked))
        except NotFound:
            return {"code": ReplyCode.NOT_FOUND, "message": "Không tìm thấy", "data": None}
        except OutcomeUnknown:
            raise  # the hospital behind us lost it: so do we
        except (HisError, ValueError, RecursionError) as error:
            return _failure(error)
        reply: dict[str, Any] = {"code": ReplyCode.OK, "message": "Thành công", "data": data}
        if isinstance(data, list):
            reply |= {"page": 1, "pageSize": _ALL, "count": 1}
        return reply

    def _check_signature(
        self, call: Call, query: dict[str, str], headers: Mapping[str, str], body: bytes
    ) -> None:
        timestamp = headers.get(TIMESTAMP_HEADER, "")[:20]
        text = request_text(
            ENDPOINTS[call].signed,
            merchant_id=MERCHANT_ID,
            timestamp=timestamp,
            parameters=query,
            body=body,
        )
        known = headers.get(MERCHANT_HEADER) == MERCHANT_ID
        signed = is_signed_by(self._secret, text, headers.get(SIGNATURE_HEADER, ""))
        if not known or not signed or self.switches.wrong_signature:
            raise LoginFailed("signature")
        age_s = self._clock().timestamp() - int(timestamp) / 1000
        if self.switches.expired > 0:
            self.switches.expired -= 1
            raise LoginFailed("too old")
        if abs(age_s) > TIMESTAMP_TOLERANCE_S:
            raise LoginFailed("too old")


def _failure(error: Exception) -> dict[str, Any]:
    fault: dict[str, Any] = {"LOAI": "invalid", "TRUONG": "request"}
    message = "Yêu cầu không hợp lệ."
    if isinstance(error, BrokenReply):  # what we read is what was asked of us
        fault |= {"THONG_BAO": message}
    elif isinstance(error, HisError):
        fault["LOAI"] = error.code
        if isinstance(error, InvalidData):
            fault |= {"TRUONG": error.field, "THONG_BAO": error.message_vi}
            message = error.message_vi
        if isinstance(error, Duplicate):
            fault["THAM_CHIEU"] = error.existing
    return {"code": ReplyCode.FAIL, "message": message, "data": None, "LOI": fault}


class _Office:
    """The calls, answered from a `HisGateway`."""

    def __init__(
        self,
        his: HisGateway,
        extensions: frozenset[Extension],
        switches: Switches,
        clock: Callable[[], datetime],
    ) -> None:
        self._his = his
        self._extensions = extensions
        self._switches = switches
        self._clock = clock
        self._usual = mapping.PeopleRules()

    def do(self, call: Call, asked: dict[str, Any]) -> Any:
        """`data` of the reply. Raises HisError."""
        answer: Callable[[dict[str, Any]], Any] = getattr(self, f"_{call.value}")
        return answer(asked)

    @property
    def _rules(self) -> mapping.PeopleRules:
        if not self._switches.wrong_gender_codes:
            return self._usual
        codes = {Gender.MALE: 1, Gender.FEMALE: 0, Gender.OTHER: 3, Gender.UNKNOWN: 3}
        return mapping.PeopleRules(genders=codes)

    def _key(self, asked: dict[str, Any]) -> WriteKey:
        key = asked.get(KEY_FIELD)
        ignored = self._switches.no_idempotency or Extension.KEYS not in self._extensions
        return WriteKey(str(uuid4()) if ignored or key is None else str(key))

    # --- published

    def _exam_types(self, _: dict[str, Any]) -> list[Any]:
        return [
            {"ID_LOAI_KHAM": "1", "TEN_LOAI_KHAM": "Khám bảo hiểm", "DON_GIA_LOAI_KHAM": 0},
            {"ID_LOAI_KHAM": "0", "TEN_LOAI_KHAM": "Khám dịch vụ", "DON_GIA_LOAI_KHAM": 0},
        ]

    def _departments(self, _: dict[str, Any]) -> list[Any]:
        published = ("ID_KHOA", "MA_KHOA", "TEN_KHOA")
        items = shapes.dump_all(shapes.DEPARTMENT, self._his.list_departments(limit=_ALL).items)
        if Extension.CATALOGUE in self._extensions:
            return items
        return [{name: item[name] for name in published} for item in items]

    def _services(self, asked: dict[str, Any]) -> list[Any]:
        codes = {each.ref: each.code for each in self._his.list_departments(limit=_ALL).items}
        wanted = asked.get("MA_KHOA")
        rich = Extension.CATALOGUE in self._extensions
        items = []
        for service in self._his.list_services(limit=_ALL).items:
            code = codes[service.department]
            if wanted not in {None, code} or not (rich or service.kind in _FOR_KIOSKS):
                continue
            item = shapes.SERVICE.dump(service) | {
                "MA_KHOA": code,
                "ID_LOAI_KHAM": "1",
                "DON_GIA_THU_THEM": 0,
            }
            items.append(
                item if rich else {name: item[name] for name in shapes.PUBLISHED_SERVICE_FIELDS}
            )
        return items

    def _availability(self, asked: dict[str, Any]) -> list[Any]:
        return [
            {"ID_DICH_VU": item["ID_DICH_VU"], "CO_TON_TAI": True} for item in self._services(asked)
        ]

    def _windows(self, asked: dict[str, Any]) -> dict[str, Any]:
        code = asked.get("MA_DICH_VU")
        services = self._his.list_services(limit=_ALL).items
        service = next((each for each in services if each.code == code), None)
        if service is None:
            raise NotFound("no such service")
        start, end = _moments(asked)
        slots = self._his.find_slots(service.ref, None, start, end, limit=_ALL).items
        windows = [shapes.dump_window(slot, position=n) for n, slot in enumerate(slots, start=1)]
        return {"GHI_CHU": "", "KHUNG_THOI_GIAN": windows}

    def _patient(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "ID_BN" in asked and Extension.PATIENTS in self._extensions:
            return self._dump_patient(self._his.read_patient(Ref(asked["ID_BN"])))
        kind = _KINDS.get(str(asked.get("LOAI_GTTT")))
        if kind is None:
            raise InvalidData("LOAI_GTTT", "Loại giấy tờ không được hỗ trợ.")
        number = Identifier(kind=kind, value=str(asked.get("SO_GTTT", "")))
        found = self._his.find_patients(PatientQuery(identifiers=(number,))).items
        if not found:
            raise NotFound("no such patient")
        return self._dump_patient(self._his.read_patient(found[0].ref))

    def _dump_patient(self, patient: Patient) -> dict[str, Any]:
        patient = self._switches.another_patient or patient
        document = mapping.dump_patient(patient, self._rules)
        if not self._extensions & {Extension.PATIENTS, Extension.SEARCH}:
            for name in ("GIAY_TO", "NGUOI_GIAM_HO", "PHIEN_BAN"):
                document.pop(name)
        if self._switches.swapped_names:
            document["HO_TEN"] = f"{document['TEN_BN']} {document['HO_BN']}".strip()
        return document

    def _coverage(self, asked: dict[str, Any]) -> dict[str, Any]:
        kind = _KINDS.get(str(asked.get("LOAI_GTTT")))
        name, birth = str(asked.get("HO_TEN", "")), str(asked.get("NGAY_SINH") or "")
        if kind is None:
            raise InvalidData("LOAI_GTTT", "Loại giấy tờ không được hỗ trợ.")
        gender = mapping.read_gender(asked.get("GIOI_TINH", 3), self._rules.genders)
        query = CoverageQuery(
            identifiers=(Identifier(kind=kind, value=str(asked.get("SO_GTTT", ""))),),
            full_name=name,
            birth_date=shapes.read_birth_date(birth) if birth else None,
            gender=gender,
        )
        coverage = self._his.check_coverage(query, on=self._today(), timeout_s=8)
        return mapping.dump_coverage(
            coverage,
            full_name=name,
            birth_date=birth,
            gender=self._rules.coverage_genders.get(gender),
        )

    def _register(self, asked: dict[str, Any]) -> dict[str, Any]:
        wish, key = mapping.load_wish(asked), self._key(asked)
        if not wish.patient:
            wish = mapping.replace_patient(wish, self._admit(asked, key))
        return self._dump_visit(self._his.check_in(wish, key=key))

    def _admit(self, asked: dict[str, Any], key: WriteKey) -> Ref:
        """Somebody new, or whom the kiosk did not know: found by number, else made."""
        draft = mapping.without_own_numbers(mapping.load_draft(asked["THONG_TIN_BN"], self._rules))
        for number in draft.identifiers:
            found = self._his.find_patients(PatientQuery(identifiers=(number,))).items
            if found:
                return found[0].ref
        return self._his.create_patient(draft, key=WriteKey(f"{key[:70]}.bn")).ref

    def _dump_visit(self, visit: Visit) -> dict[str, Any]:
        services = self._his.list_services(limit=_ALL).items
        service = next((each for each in services if each.ref == visit.service), None)
        document = mapping.dump_registration(
            visit,
            self._dump_patient(self._his.read_patient(visit.patient)),
            service_name=service.name_vi if service else "",
            price_vnd=service.price_vnd if service else None,
        )
        if not self._extensions & {Extension.KEYS, Extension.VISITS}:
            for name in ("TIEN_TO_STT", "SO_HIEN_THI", "SO_DA_IN", "TAM_THOI", "ID_LICH_HEN"):
                document["THONG_TIN_TIEP_NHAN"].pop(name)
        return document

    # --- beyond it

    def _find_by_key(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = self._his.find_by_key(WriteKey(str(asked.get(KEY_FIELD, ""))))
        if isinstance(found, Visit):
            return {"LOAI": WrittenKind.REGISTRATION, "BAN_GHI": self._dump_visit(found)}
        if isinstance(found, Patient):
            return {"LOAI": WrittenKind.PATIENT, "BAN_GHI": self._dump_patient(found)}
        if isinstance(found, Appointment):
            return {"LOAI": WrittenKind.BOOKING, "BAN_GHI": shapes.BOOKING.dump(found)}
        if isinstance(found, PaymentReceipt):
            return {"LOAI": WrittenKind.PAYMENT, "BAN_GHI": shapes.RECEIPT.dump(found)}
        raise NotFound("this key wrote nothing")

    def _create_patient(self, asked: dict[str, Any]) -> dict[str, Any]:
        draft = mapping.load_draft(asked.get("THONG_TIN_BN"), self._rules)
        return self._dump_patient(self._his.create_patient(draft, key=self._key(asked)))

    def _update_patient(self, asked: dict[str, Any]) -> dict[str, Any]:
        changes = mapping.load_changes(asked.get("THAY_DOI"), self._rules)
        updated = self._his.update_patient(
            Ref(str(asked.get("ID_BN"))),
            changes,
            version=str(asked.get("PHIEN_BAN")),
            key=self._key(asked),
        )
        return self._dump_patient(updated)

    def _search_patients(self, asked: dict[str, Any]) -> list[Any]:
        gender = asked.get("GIOI_TINH")
        query = PatientQuery(
            full_name=str(asked.get("HO_TEN", "")),
            birth_date=shapes.read_birth_date(asked.get("NGAY_SINH")),
            gender=mapping.read_gender(gender, self._rules.genders) if gender else None,
            phone=asked.get("DIEN_THOAI"),
        )
        return shapes.dump_all(shapes.MATCH, self._his.find_patients(query, limit=_ALL).items)

    def _rooms(self, _: dict[str, Any]) -> list[Any]:
        return shapes.dump_all(shapes.ROOM, self._his.list_rooms(limit=_ALL).items)

    def _practitioners(self, _: dict[str, Any]) -> list[Any]:
        return shapes.dump_all(shapes.PRACTITIONER, self._his.list_practitioners(limit=_ALL).items)

    def _sessions(self, _: dict[str, Any]) -> list[Any]:
        return shapes.dump_all(shapes.SESSION, self._his.list_sessions(limit=_ALL).items)

    def _closed_days(self, asked: dict[str, Any]) -> list[Any]:
        start, end = (shapes.read_day(asked.get(name)) for name in ("TU_NGAY", "DEN_NGAY"))
        days = self._his.list_closed_days(start, end, limit=_ALL).items
        return shapes.dump_all(shapes.CLOSED_DAY, days)

    def _book(self, asked: dict[str, Any]) -> dict[str, Any]:
        booking = self._his.book_appointment(
            *(Ref(str(asked.get(n))) for n in ("ID_BN", "ID_KHUNG_THOI_GIAN", "ID_DICH_VU")),
            key=self._key(asked),
        )
        return shapes.BOOKING.dump(booking)

    def _change_booking(self, asked: dict[str, Any]) -> dict[str, Any]:
        slot = asked.get("ID_KHUNG_THOI_GIAN")
        booking = self._his.change_appointment(
            Ref(str(asked.get("ID_LICH_HEN"))),
            AppointmentAction(str(asked.get("HANH_DONG"))),
            version=str(asked.get("PHIEN_BAN")),
            key=self._key(asked),
            reason=str(asked.get("LY_DO") or ""),
            new_slot=Ref(str(slot)) if slot else None,
        )
        return shapes.BOOKING.dump(booking)

    def _bookings(self, asked: dict[str, Any]) -> list[Any]:
        start, end = _moments(asked)
        bookings = self._his.find_appointments(
            Ref(str(asked.get("ID_BN"))),
            start,
            end,
            statuses=frozenset(AppointmentStatus),
            limit=_ALL,
        )
        return shapes.dump_all(shapes.BOOKING, bookings.items)

    def _cancel_registration(self, asked: dict[str, Any]) -> dict[str, Any]:
        visit = self._his.cancel_visit(
            Ref(str(asked.get("ID_LK"))),
            reason=str(asked.get("LY_DO") or ""),
            key=self._key(asked),
        )
        return self._dump_visit(visit)

    def _registrations(self, asked: dict[str, Any]) -> list[Any]:
        since = shapes.read_day(asked.get("TU_NGAY"))
        visits = self._his.list_visits(Ref(str(asked.get("ID_BN"))), since, limit=_ALL).items
        return [self._dump_visit(visit) for visit in visits]

    def _orders(self, asked: dict[str, Any]) -> list[Any]:
        since = shapes.read_moment(asked.get("TU_NGAY"))
        orders = self._his.list_orders(Ref(str(asked.get("ID_BN"))), since, limit=_ALL).items
        return shapes.dump_all(shapes.ORDER, orders)

    def _reports(self, asked: dict[str, Any]) -> list[Any]:
        since = shapes.read_moment(asked.get("TU_NGAY"))
        reports = self._his.list_reports(Ref(str(asked.get("ID_BN"))), since, limit=_ALL).items
        return shapes.dump_all(shapes.REPORT, reports)

    def _account(self, asked: dict[str, Any]) -> dict[str, Any]:
        visit = asked.get("ID_LK")
        account = self._his.read_account(
            Ref(str(asked.get("ID_BN"))), Ref(str(visit)) if visit else None
        )
        return shapes.ACCOUNT.dump(account)

    def _post_payment(self, asked: dict[str, Any]) -> dict[str, Any]:
        visit, invoice = (asked.get(name) for name in ("ID_LK", "ID_PHIEU_THU"))
        payment = PaymentPosting(
            patient=Ref(str(asked.get("ID_BN"))),
            visit=Ref(str(visit)) if visit else None,
            invoice=Ref(str(invoice)) if invoice else None,
            amount_vnd=shapes.read_integer(asked.get("SO_TIEN")),
            method=PaymentMethod(str(asked.get("HINH_THUC"))),
            provider=str(asked.get("NGAN_HANG")),
            provider_reference=str(asked.get("SO_GIAO_DICH")),
            paid_at=shapes.read_moment(asked.get("THOI_GIAN")),
        )
        return shapes.RECEIPT.dump(self._his.post_payment(payment, key=self._key(asked)))

    def _today(self) -> date:
        return self._clock().astimezone(shapes.ZONE).date()


def _moments(asked: dict[str, Any]) -> tuple[datetime, datetime]:
    """To the whole second after the end: seconds are all that the contract has."""
    start, end = (
        shapes.read_moment(asked.get(name)) for name in ("THOI_GIAN_BAT_DAU", "THOI_GIAN_KET_THUC")
    )
    return start, end + timedelta(seconds=1)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    desk: JsonKioskEmulator
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_GET  # noqa: N815  # likewise

    def _serve(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdigit() or int(length) > _MAX_BODY:
            self.send_error(413)
            return
        body = self.rfile.read(int(length))
        try:
            reply = self.desk.answer(
                self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body
            )
        except OutcomeUnknown:
            reply = None
        if reply is None:
            self.close_connection = True
            return
        status, kind, content = reply
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name is http.server's
        """Addresses hold numbers of people: nothing is written."""


def serve(*, port: int, seed: int) -> None:  # noqa: ARG001  # the demo hospital is always the same
    """Until interrupted. Prints one line with the address. Raises NotSupported in production."""
    if os.environ.get("TIEPDON_ENV") == "production":
        raise NotSupported("emulators refuse to run in production")
    with TemporaryDirectory(prefix="tiepdon-his-json-") as folder:
        his = open_demo(Path(folder), clock=lambda: datetime.now(UTC))
        emulator = JsonKioskEmulator(his, port=port)
        print(emulator.base_url, flush=True)  # noqa: T201  # whoever starts it reads the line
        with suppress(KeyboardInterrupt):
            emulator.run()
