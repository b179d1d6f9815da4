"""A stand-in for the gateway of the social insurance, faithful to its letters, for invented people.

    tiepdon emulate bhxh --port 9100

Account `99001_BV`, password `Demo@12345`, employee Trần Thị Ví Dụ 099185000009. Nothing leaves
this machine; what is sent in is kept in memory until the end. `POST /__control` steers it (see
`Control`), `GET /__control` tells the settings and the counts of questions by path.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

from pydantic import TypeAdapter, ValidationError

from his_adapter.bhxh.client import CARD, CHECK_IN, COPAYMENT, HISTORY, TOKEN
from his_adapter.bhxh.emulated_people import (
    OTHER_FACILITY,
    OWN_FACILITY,
    PEOPLE,
    EmulatedPerson,
    answer,
    from_demo,
    judge,
    with_new_card,
)
from his_adapter.bhxh.mapping import VIETNAM
from his_adapter.demo.gateway import invented_crowd
from his_adapter.demo.personas import PERSONAS
from his_adapter.events import HisEvent

ACCOUNT = f"{OWN_FACILITY}_BV"
PASSWORD = "Demo@12345"  # noqa: S105 - of the stand-in, printed in its manual
EMPLOYEE_NAME, EMPLOYEE_CCCD = "Trần Thị Ví Dụ", "099185000009"
CLAIM = "/api/qd130/guiHoSoXmlQD3176"
CLAIM_KIND, CHECK_IN_KIND = "130", "0"
CONTROL = "/__control"
WITHDRAWN = frozenset(
    f"/api/egw/{name}"
    for name in (
        "NhanLichSuKCB2018",
        "KQNhanLichSuKCB2018",
        "KQNhanLichSuKCB2019",
        "KQNhanLichSuKCB595",
    )
)
_NEVER_S = 120
_MAX_BODY_BYTES = 20_000_000
_ROW = "TRANG_THAI_KCB"
_COSTS = ("MA_DICH_VU", "MA_THUOC", "MA_VAT_TU")

Validator = Callable[[bytes], Sequence[str]]
"""Complaints about a file; none accepts it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Control:
    """What goes wrong, until it is told otherwise; the token path is spared but for `delay_ms`."""

    delay_ms: int = 0
    timeout: bool = False
    """Nothing is answered until the asker gives up."""
    http_500_html: bool = False
    http_401_empty: bool = False
    html_200: bool = False
    truncate_json: bool = False
    bad_utf8: bool = False
    null_fields: bool = False
    huge_body: bool = False
    result_code: str | None = None
    """Every card question is answered with this."""
    flip_to_401_after_n: int | None = None
    """After so many good answers each token counts as ended, once."""
    token_501: bool = False
    """A token that is not valid is answered with 501 instead of 401."""
    refuse_login: bool = False
    token_good_for_s: int = 600
    bind_ip: bool = False
    withdrawn_status: int = 404
    lose_reply: bool = False
    """Files are taken in, but the connection breaks before the answer."""


@dataclass(frozen=True, kw_only=True, repr=False)
class KeptFile:
    kind: str
    document: bytes
    keys: tuple[str, ...]
    transaction_id: str


@dataclass(kw_only=True)
class _Session:
    identity: str
    ends_at: datetime
    client_ip: str
    answers: int = 0


@dataclass(frozen=True, kw_only=True)
class _Reply:
    status: int = 200
    body: bytes = field(default=b"", repr=False)
    content_type: str = "application/json; charset=utf-8"
    breaks_off: bool = False


class BhxhEmulator:
    """Runs on loopback between `start` and `stop`, or for a `with` block."""

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 0,
        validator: Validator | None = None,
        people: Sequence[EmulatedPerson] = PEOPLE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._validator = validator
        self._clock = clock
        self._people = {number: person for person in people for number in person.numbers}
        self._lock = threading.Lock()
        self._settings = Control()
        self._sessions: dict[str, _Session] = {}
        self._asked: Counter[str] = Counter()
        self._first_answers: set[str] = set()
        self._flipped = False
        self._serial = 0
        self._closing = threading.Event()
        self.kept: list[KeptFile] = []
        self.duplicates = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def counts(self) -> Counter[str]:
        """Questions so far, by path."""
        with self._lock:
            return self._asked.copy()

    def control(self, **changes: Any) -> None:
        """As `POST /__control`, from the same process."""
        with self._lock:
            self._settings = replace(self._settings, **changes)
            self._flipped = False

    def end_sessions(self) -> None:
        """Every token given so far is void."""
        with self._lock:
            self._sessions.clear()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait(self) -> None:
        """Until somebody stops it."""
        self._thread.join()

    # --- one request -------------------------------------------------------------------------

    def reply_to(self, request: _Request) -> _Reply:
        if request.path == CONTROL:
            return self._steer(request)
        with self._lock:
            self._asked[request.path] += 1
            settings = self._settings
        if settings.delay_ms:
            self._closing.wait(settings.delay_ms / 1000)
        if request.path in WITHDRAWN:
            return _Reply(status=settings.withdrawn_status)
        if request.method != "POST":
            return _Reply(status=405)
        if request.path == TOKEN:
            return self._log_in(request, settings)
        answers = {
            CARD: self._answer_card,
            HISTORY: self._answer_history,
            COPAYMENT: self._answer_copayment,
            CHECK_IN: self._take_file,
            CLAIM: self._take_file,
        }
        find = answers.get(request.path)
        if find is None:
            return _Reply(status=404)
        broken = self._break(settings)
        return broken or _spoil(find(request, settings), settings)

    def _steer(self, request: _Request) -> _Reply:
        if request.method == "POST":
            try:
                wanted = TypeAdapter(dict[str, Any]).validate_json(request.body)
                known = {each.name for each in fields(Control)}
                if not wanted.keys() <= known:
                    return _json({"unknown": sorted(wanted.keys() - known)}, status=400)
                with self._lock:
                    now = asdict(self._settings)
                TypeAdapter(Control).validate_python({**now, **wanted})
            except ValidationError:
                return _json({"error": "not settings of this stand-in"}, status=400)
            self.control(**wanted)
        with self._lock:
            return _json(
                {
                    "settings": asdict(self._settings),
                    "asked": dict(self._asked),
                    "kept": len(self.kept),
                    "duplicates": self.duplicates,
                }
            )

    def _break(self, settings: Control) -> _Reply | None:
        if settings.timeout:
            self._closing.wait(_NEVER_S)
            return _Reply(breaks_off=True)
        if settings.http_500_html:
            page = b"<html><body><h1>500 Internal Server Error</h1></body></html>"
            return _Reply(status=500, body=page, content_type="text/html")
        if settings.html_200:
            page = "<html><body>Hệ thống đang bảo trì</body></html>".encode()
            return _Reply(body=page, content_type="text/html; charset=utf-8")
        if settings.http_401_empty:
            return _Reply(status=401)
        if settings.huge_body:
            return _Reply(body=b'{"maKetQua":"000","ghiChu":"' + b"x" * 10_000_000 + b'"}')
        return None

    # --- sessions ----------------------------------------------------------------------------

    def _log_in(self, request: _Request, settings: Control) -> _Reply:
        given = request.form()
        password = hashlib.md5(PASSWORD.encode(), usedforsecurity=False).hexdigest()
        is_ours = given.get("username") == ACCOUNT and given.get("password", "").lower() == password
        if settings.refuse_login or not is_ours:
            return _json({"maKetQua": "401", "APIKey": None})
        ends_at = self._clock() + timedelta(seconds=settings.token_good_for_s)
        with self._lock:
            access, identity = (f"{kind}-{self._random.getrandbits(96):024x}" for kind in "AI")
            self._sessions[access] = _Session(
                identity=identity, ends_at=ends_at, client_ip=request.client_ip
            )
        key = {
            "access_token": access,
            "id_token": identity,
            "token_type": "bearer",
            "username": ACCOUNT,
            "expires_in": f"{ends_at:%Y-%m-%dT%H:%M:%SZ}",
        }
        return _json({"maKetQua": "200", "APIKey": key})

    def _is_let_in(self, request: _Request, settings: Control, credentials: _Credentials) -> bool:
        password = hashlib.md5(PASSWORD.encode(), usedforsecurity=False).hexdigest()
        with self._lock:
            session = self._sessions.get(credentials.access)
            if (
                session is None
                or session.identity != credentials.identity
                or session.ends_at <= self._clock()
                or (settings.bind_ip and session.client_ip != request.client_ip)
                or credentials.username != ACCOUNT
                or credentials.password.lower() != password
            ):
                return False
            limit = settings.flip_to_401_after_n
            if limit is not None and not self._flipped and session.answers >= limit:
                self._flipped = True
                self._sessions.clear()
                return False
            session.answers += 1
            return True

    def _refusal(self, settings: Control, name: str = "maKetQua") -> _Reply:
        code = "501" if settings.token_501 else "401"
        return _json({name: code, "ghiChu": "Phiên làm việc không hợp lệ (dữ liệu giả)"})

    # --- people ------------------------------------------------------------------------------

    def _answer_card(self, request: _Request, settings: Control) -> _Reply:
        given = request.fields()
        if not self._is_let_in(request, settings, request.query_credentials()):
            return self._refusal(settings)
        fault = _employee_fault(given)
        if fault is not None:
            return _json(fault)
        person, code = self._find(given, settings)
        if person is not None and person.silent:
            self._closing.wait(_NEVER_S)
            return _Reply(breaks_off=True)
        today = self._clock().astimezone(VIETNAM).date()
        return _json(answer(person, code, today))

    def _find(self, given: dict[str, str], settings: Control) -> tuple[EmulatedPerson | None, str]:
        number = given.get("maThe", "").strip().upper()
        person = self._people.get(number)
        code = judge(person, number, given.get("hoTen", ""), given.get("ngaySinh", ""))
        if person is not None and code == person.code:
            person = with_new_card(person, number)
            code = person.code
            if person.first_code is not None and person.cccd not in self._first_answers:
                with self._lock:
                    self._first_answers.add(person.cccd)
                code = person.first_code
        return person, settings.result_code or code

    def _answer_history(self, request: _Request, settings: Control) -> _Reply:
        given = request.fields()
        if not self._is_let_in(request, settings, request.query_credentials()):
            return self._refusal(settings)
        fault = _employee_fault(given)
        if fault is not None:
            return _json(fault)
        person, code = self._find(given, settings)
        now = self._clock().astimezone(VIETNAM)
        rows = [
            {
                "maHoSo": f"99000000{index}",
                "maCSKCB": OTHER_FACILITY,
                "ngayVao": f"{now + timedelta(hours=stay.arrived_h):%Y%m%d%H%M}",
                "ngayRa": f"{now + timedelta(hours=stay.left_h):%Y%m%d%H%M}",
                "tenBenh": "Tăng huyết áp",
                "tinhTrang": "1",
                "kqDieuTri": "2",
                "lyDoVV": "1",
            }
            for index, stay in enumerate(person.stays if person and code < "010" else ())
        ]
        return _json({"maKetQua": code, "ghiChu": "", "dsLichSuKCB2025": rows or None})

    def _answer_copayment(self, request: _Request, settings: Control) -> _Reply:
        given = request.fields()
        if not self._is_let_in(request, settings, request.header_credentials(given)):
            return self._refusal(settings, "MaKetQua")
        person, _ = self._find(given, settings)
        if person is None or person.copaid_vnd is None:
            return _json({"MaKetQua": "204", "GhiChu": "", "DataCCT": []})
        today = self._clock().astimezone(VIETNAM).date()
        earlier = today - timedelta(days=1 if today.day > 1 else 0)
        rows = [
            {
                "Id": str(index),
                "maThe": person.card,
                "maCskcb": OTHER_FACILITY,
                "ngayVao": f"{day:%d/%m/%Y}",
                "ngayRa": f"{day:%d/%m/%Y}",
                "maDoiTuongKCB": "1.1",
                "tBNCCTMCCT": str(total - before),
                "tBNCCTLuyKe": str(total),
            }
            for index, (day, before, total) in enumerate(
                ((today, 400_000, person.copaid_vnd), (earlier, 0, 400_000))
            )
        ]
        return _json({"MaKetQua": "200", "GhiChu": "", "DataCCT": rows})

    # --- files -------------------------------------------------------------------------------

    def _take_file(self, request: _Request, settings: Control) -> _Reply:
        given = request.form()
        if not self._is_let_in(request, settings, request.header_credentials(given)):
            return self._receipt("401", "Không xác thực được (dữ liệu giả)")
        is_check_in = request.path == CHECK_IN
        kind = CHECK_IN_KIND if is_check_in else CLAIM_KIND
        if given.get("maCSKCB") != OWN_FACILITY or given.get("maTinh") != OWN_FACILITY[:2]:
            return self._receipt("403", "Tài khoản không thuộc cơ sở (dữ liệu giả)")
        if given.get("loaiHoSo") != kind:
            return self._receipt("202", "loaiHoSo không đúng (dữ liệu giả)")
        try:
            document = base64.b64decode(given.get("fileHSBase64", ""), validate=True)
        except ValueError:
            return self._receipt("201", "fileHSBase64 không phải base64 (dữ liệu giả)")
        if not document:
            return self._receipt("204", "Không có dữ liệu (dữ liệu giả)")
        root = _parse(document)
        if root is None:
            return self._receipt("201", "Không phải XML (dữ liệu giả)")
        complaints = self._validator(document) if self._validator else []
        if complaints:
            return self._receipt("202", "; ".join(complaints)[:2000])
        keys = _file_keys(root) if is_check_in else (hashlib.sha256(document).hexdigest(),)
        with self._lock:
            before = next((each for each in self.kept if each.keys == keys), None)
            if before is not None:
                self.duplicates += 1
        if before is not None:
            return self._receipt("200", "Đã nhận trước đó (dữ liệu giả)", before.transaction_id)
        reply, transaction = self._new_receipt()
        with self._lock:
            self.kept.append(
                KeptFile(kind=kind, document=document, keys=keys, transaction_id=transaction)
            )
        return replace(reply, breaks_off=settings.lose_reply)

    def _new_receipt(self) -> tuple[_Reply, str]:
        with self._lock:
            self._serial += 1
            transaction = f"GD-DEMO-{self._serial:06d}"
        return self._receipt("200", "Thành công (dữ liệu giả)", transaction), transaction

    def _receipt(self, code: str, message: str, transaction: str | None = None) -> _Reply:
        now = self._clock().astimezone(VIETNAM)
        return _json(
            {
                "maKetQua": code,
                "maGiaoDich": transaction,
                "thoiGianTiepNhan": f"{now:%Y%m%d%H%M%S}",
                "thongDiep": message,
            }
        )


def serve(*, port: int, seed: int, validator: Validator | None = None) -> None:
    """Runs until it is stopped, and knows the people of the demo hospital too."""
    people = (*from_demo((*PERSONAS, *invented_crowd())), *PEOPLE)
    with BhxhEmulator(port=port, seed=seed, people=people, validator=validator) as emulator:
        print(f"bhxh: {emulator.base_url}", flush=True)  # noqa: T201 - the promised line
        try:
            emulator.wait()
        except KeyboardInterrupt:
            return


# --- requests and replies ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, repr=False)
class _Credentials:
    access: str
    identity: str
    username: str
    password: str


@dataclass(frozen=True, kw_only=True, repr=False)
class _Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    client_ip: str

    def form(self) -> dict[str, str]:
        if self.headers.get("content-type", "").startswith("application/json"):
            return self.fields()
        return _first_values(self.body.decode("utf-8", "replace"))

    def fields(self) -> dict[str, str]:
        """JSON and form are both in use for questions about people."""
        if not self.headers.get("content-type", "").startswith("application/json"):
            return _first_values(self.body.decode("utf-8", "replace"))
        try:
            document = json.loads(self.body)
        except ValueError:
            return {}
        if not isinstance(document, dict):
            return {}
        return {name: value for name, value in document.items() if isinstance(value, str)}

    def query_credentials(self) -> _Credentials:
        return _Credentials(
            access=self.query.get("token", ""),
            identity=self.query.get("id_token", ""),
            username=self.query.get("username", ""),
            password=self.query.get("password", ""),
        )

    def header_credentials(self, given: dict[str, str]) -> _Credentials:
        return _Credentials(
            access=self.headers.get("accesstoken", ""),
            identity=self.headers.get("tokenid", ""),
            username=given.get("username", ""),
            password=self.headers.get("passwordhash", ""),
        )


def _handler(emulator: BhxhEmulator) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 130

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """The line of the library carries the address, and with it secrets."""

        def _serve(self) -> None:
            length = self.headers.get("Content-Length", "0")
            size = int(length) if length.isascii() and length.isdigit() else 0
            if size > _MAX_BODY_BYTES:
                self.close_connection = True
                self.send_error(413)
                return
            parts = urlsplit(self.path)
            request = _Request(
                method=self.command,
                path=parts.path,
                query=_first_values(parts.query),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(size),
                client_ip=str(self.client_address[0]),
            )
            started_at = time.monotonic()
            reply = emulator.reply_to(request)
            _log.info(
                HisEvent.EMULATOR_REQUEST,
                extra={
                    "path": parts.path[:80],
                    "status": 0 if reply.breaks_off else reply.status,
                    "ms": round((time.monotonic() - started_at) * 1000),
                },
            )
            if reply.breaks_off:
                self.close_connection = True
                return
            try:
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.content_type)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
            except OSError:  # whoever asked has given up
                self.close_connection = True

    return Handler


def _first_values(text: str) -> dict[str, str]:
    parsed = parse_qs(text, keep_blank_values=True, max_num_fields=100)
    return {name: values[0] for name, values in parsed.items()}


def _json(document: dict[str, Any], *, status: int = 200) -> _Reply:
    return _Reply(status=status, body=json.dumps(document, ensure_ascii=False).encode())


def _spoil(reply: _Reply, settings: Control) -> _Reply:
    """A good answer as a bad morning would deliver it."""
    if settings.null_fields:
        document = json.loads(reply.body)
        kept = {"maKetQua", "MaKetQua"}
        return _json({name: value if name in kept else None for name, value in document.items()})
    if settings.truncate_json:
        return replace(reply, body=reply.body[: len(reply.body) // 2])
    if settings.bad_utf8:
        return replace(reply, body=reply.body[:-1] + b',"ghiChu":"\xff\xfe"}')
    return reply


def _employee_fault(given: dict[str, str]) -> dict[str, Any] | None:
    name, cccd = given.get("hoTenCb", ""), given.get("cccdCb", "")
    if not name or not cccd:
        missing = "hoTenCb" if not name else "cccdCb"
        return {"maKetQua": "205", "ghiChu": f"Null {missing}"}
    if cccd != EMPLOYEE_CCCD:
        return {"maKetQua": "054", "ghiChu": "dữ liệu giả"}
    if name != EMPLOYEE_NAME:
        return {"maKetQua": "055", "ghiChu": "dữ liệu giả"}
    return None


def _parse(document: bytes) -> ET.Element | None:
    if b"<!" in document:
        return None  # declarations are how XML harms its reader
    try:
        return ET.fromstring(document)  # noqa: S314 - a test stand-in, declarations refused above
    except (ET.ParseError, ValueError):
        return None


def _file_keys(root: ET.Element) -> tuple[str, ...]:
    """One key for each row: facility, visit, first cost and its time."""
    return tuple(
        "|".join(
            [
                row.findtext("MA_CSKCB") or "",
                row.findtext("MA_LK") or "",
                next((code for name in _COSTS if (code := row.findtext(name))), ""),
                row.findtext("NGAY_YL") or "",
            ]
        )
        for row in root.iter(_ROW)
    )
