"""What the contract of payment providers is tried with: stand-in, receiving server, bad line."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from payments.errors import CallbackRefused
from payments.match_codes import find_match_codes, new_match_code
from payments.models import (
    Bill,
    BillLookup,
    CallbackAnswer,
    CallbackRequest,
    Credit,
    Money,
    Notice,
    NoticeKind,
    Order,
    Outcome,
)
from payments.ports import PaymentProvider

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
PREFIX = "VP"
ASKED = Money(350_000)
PATIENCE_S = 15.0
"""For what happens at once, on a machine that is busy with other things."""


class Switch(StrEnum):
    """What goes wrong with the next callback alone."""

    DROP = "drop"
    """It is never sent, and not sent again."""
    DUPLICATE = "duplicate"
    """It is sent twice."""
    BAD_SIGNATURE = "bad_signature"
    STALE = "stale"
    """Signed well, with a time that lies a day back."""
    WRONG_ACCOUNT = "wrong_account"
    """Signed well, for another account, merchant or application."""
    WRONG_CURRENCY = "wrong_currency"


class PayRefused(Exception):
    """The payer's app says no: the order is closed there."""


class Harness(ABC):
    """A provider and the emulator it speaks to. A subclass says what its provider is like."""

    name = "contract"
    switches: frozenset[Switch] = frozenset(Switch)
    """Take away what has no meaning here: no time, no currency in the callback."""
    repeats_create = True
    """The same order again gives the same QR; otherwise Declined, and `query` tells."""
    resend_after_s: float | None = 600
    """A callback that was not accepted comes again within this time; None: never."""
    takes_other_amounts = True
    takes_late_money = True
    signs_replies = False
    """Answers of the provider are signed."""
    tells_failures = False
    """A payer who refuses, or whose payment fails, is told of in a callback (`refuse`)."""
    asks_to_create = True
    """False: the provider makes the QR itself and asks nobody."""
    settle_after_s = 3_600.0
    """A refund that is running has ended after this time."""

    secrets: tuple[str, ...] = ()
    """Texts that may never be seen anywhere."""

    @property
    @abstractmethod
    def base_url(self) -> str | None:
        """Of the emulator. None: this provider asks nobody."""

    @abstractmethod
    def open(self, base_url: str | None = None, *, callback_url: str) -> PaymentProvider:
        """Named `name`, with the emulator's clock; spoken to at `base_url` where it is given."""

    @abstractmethod
    def now(self) -> datetime: ...

    @abstractmethod
    def advance(self, seconds: float) -> None:
        """Provider and emulator have one clock. Callbacks under way end first, or their repeats
        would count from the later time; those that fall due are sent.
        """

    @abstractmethod
    def pay(self, order: Order, amount: Money = ASKED, *, late: bool = False) -> None:
        """A payer pays this order (for a bank: transfers with its memo). `late`: though it is
        over there. Returns when the money moved; the callback comes by itself. Raises PayRefused.
        """

    def refuse(self, order: Order) -> None:
        """The payer, or their bank, ends it without money. Only with `tells_failures`."""
        raise NotImplementedError

    @abstractmethod
    def steer(self, switch: Switch) -> None:
        """For the next callback alone."""

    def refunded(self, order: Order) -> Money:
        """What was given back so far, as the emulator keeps it. Only where refunds are."""
        raise NotImplementedError

    def signed_fields(self, request: CallbackRequest) -> dict[str, Any] | None:
        """What the signature of this callback covers, as plain values. None: not known here."""
        return None

    def resign(self, request: CallbackRequest, fields: dict[str, Any]) -> CallbackRequest:
        """The same callback with other fields, signed with the right key by the emulator's code."""
        raise NotImplementedError

    @abstractmethod
    def close(self) -> None: ...


def new_order(harness: Harness, amount: Money = ASKED, *, attempt: int = 1) -> Order:
    now = harness.now()
    return Order(
        code=new_match_code(PREFIX),
        attempt=attempt,
        amount=amount,
        created_at=now,
        expires_at=now + timedelta(minutes=10),
    )


def identity(credit: Credit) -> tuple[str, str, str]:
    return credit.provider, credit.account, credit.transaction_id


def belongs(credit: Credit, order: Order) -> bool:
    """By the provider's word, or else by the code in the memo."""
    if credit.order_key is not None:
        return credit.order_key == order.key
    return order.code in find_match_codes(credit.memo, PREFIX)


# --- the house, as far as a provider sees it --------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Received:
    request: CallbackRequest
    read: Notice | BillLookup | None
    error: CallbackRefused | None
    answer: CallbackAnswer
    outcome: Outcome | None


@dataclass
class Receiver:
    """`/payments/<name>` of a house that takes in callbacks over real HTTP."""

    name: str
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    provider: PaymentProvider | None = None
    orders: dict[str, Order] = field(default_factory=dict)
    next_outcomes: list[Outcome] = field(default_factory=list)
    """Instead of its own judgement, for the callbacks that come next."""
    received: list[Received] = field(default_factory=list)
    faults: list[BaseException] = field(default_factory=list)
    _booked: dict[tuple[str, str, str], Credit] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    url: str = ""

    def expect(self, order: Order) -> Order:
        self.orders[order.key] = order
        return order

    def wait(self, count: int = 1) -> list[Received]:
        """The first `count` callbacks. Fails when they do not come."""
        with self._changed:
            came = self._changed.wait_for(
                lambda: len(self.received) >= count or self.faults, PATIENCE_S
            )
            assert not self.faults, f"read_callback or answer failed: {self.faults!r}"
            assert came, f"{len(self.received)} of {count} callbacks came"
            return self.received[:count]

    def stays_at(self, count: int, *, for_s: float = 0.4) -> None:
        with self._changed:
            self._changed.wait_for(lambda: len(self.received) > count, for_s)
            assert len(self.received) == count
            assert not self.faults

    def credits(self, count: int = 1) -> list[Credit]:
        """Of the first `count` callbacks, look-ups of bills aside."""
        found: list[Credit] = []
        for each in self.wait(count):
            if isinstance(each.read, Notice):
                found.extend(each.read.credits)
        return found

    def wait_for_credits(self, count: int = 1) -> list[Credit]:
        """However many callbacks it took. Fails when they do not come."""

        def found() -> list[Credit]:
            reads = [each.read for each in self.received]
            return [credit for read in reads if isinstance(read, Notice) for credit in read.credits]

        with self._changed:
            self._changed.wait_for(lambda: len(found()) >= count or self.faults, PATIENCE_S)
            assert not self.faults, f"read_callback or answer failed: {self.faults!r}"
            told = found()
            assert len(told) >= count, f"{len(told)} of {count} credits came"
            return told

    def last_with_credit(self) -> Received:
        with self._changed:
            return next(
                each
                for each in reversed(self.received)
                if isinstance(each.read, Notice) and each.read.credits
            )

    def take(self, request: CallbackRequest) -> CallbackAnswer:
        assert self.provider is not None
        read: Notice | BillLookup | None = None
        error: CallbackRefused | None = None
        outcome: Outcome | None = None
        try:
            try:
                read = self.provider.read_callback(request)
            except CallbackRefused as refusal:
                error = refusal
                answer = self.provider.answer_refusal(refusal)
            else:
                if isinstance(read, BillLookup):
                    answer = self.provider.answer_bill(read, self._find_bill(read))
                else:
                    outcome = self._judge(read)
                    answer = self.provider.answer(read, outcome)
        except BaseException as fault:
            with self._changed:
                self.faults.append(fault)
                self._changed.notify_all()
            raise
        with self._changed:
            self.received.append(
                Received(request=request, read=read, error=error, answer=answer, outcome=outcome)
            )
            self._changed.notify_all()
        return answer

    def _find_bill(self, lookup: BillLookup) -> Bill | None:
        due = next((each for each in self.orders.values() if each.code == lookup.code), None)
        return None if due is None else Bill(code=lookup.code, due=due.amount)

    def _judge(self, notice: Notice) -> Outcome:
        if self.next_outcomes:
            return self.next_outcomes.pop(0)
        if notice.kind is not NoticeKind.CREDIT:
            return Outcome.RECORDED
        outcome = Outcome.APPLIED
        for credit in notice.credits:
            if identity(credit) in self._booked:
                outcome = Outcome.REPEATED
            elif not any(belongs(credit, order) for order in self.orders.values()):
                outcome = Outcome.UNKNOWN_ORDER
            self._booked[identity(credit)] = credit
        return outcome


@contextmanager
def receiving(name: str) -> Iterator[Receiver]:
    receiver = Receiver(name=name)

    class Handler(_QuietHandler):
        def answer(self) -> None:
            parts = urlsplit(self.path)
            root = f"/payments/{name}"
            if parts.path != root and not parts.path.startswith(root + "/"):
                self.reply(404, b"", "text/plain")
                return
            query = parse_qsl(parts.query, keep_blank_values=True)
            answer = receiver.take(
                CallbackRequest(
                    method=self.command,
                    path=parts.path.removeprefix(root).strip("/"),
                    headers={key.lower(): value for key, value in self.headers.items()},
                    arguments=dict(reversed(query)),
                    query=parts.query,
                    untrusted_body=self.read_body(),
                    received_at=receiver.now(),
                )
            )
            self.reply(answer.status, answer.body, answer.content_type)

    with _serving(Handler) as port:
        receiver.url = f"http://127.0.0.1:{port}/payments/{name}"
        yield receiver


# --- a bad line between provider and emulator -------------------------------------------------------


class Line(StrEnum):
    """What the line does to every question. All but the last three hand the question over."""

    GOOD = "good"
    LOSE_REPLY = "lose_reply"
    """The emulator did it; the connection breaks before the answer."""
    HANG = "hang"
    """The emulator did it; the answer never comes."""
    DRIP = "drip"
    """The answer comes a byte at a time, each in time, the whole far too late."""
    CUT_SHORT = "cut_short"
    """Half of the answer, then the connection breaks."""
    HALF_JSON = "half_json"
    """Half of the answer, said to be the whole."""
    HTML = "html"
    """Status 200 and a page of somebody on the way."""
    OVERSIZED = "oversized"
    REDIRECT = "redirect"
    ERROR_500 = "error_500"
    UNAVAILABLE_503 = "unavailable_503"
    THROTTLED_429 = "throttled_429"


@dataclass
class BadLine:
    url: str = ""
    state: Line = Line.GOOD
    rewrite: Callable[[bytes], bytes] | None = None
    """Of the answers, while the line is good."""
    before_reply: Callable[[], None] | None = None
    """Run once, after the emulator did what it was asked and before the provider hears of it."""
    asked: list[str] = field(default_factory=list)
    """Method and path of each question that was handed over."""


@contextmanager
def bad_line(emulator_url: str) -> Iterator[BadLine]:
    """A way to the emulator that can be spoilt."""
    line = BadLine()
    target = urlsplit(emulator_url)
    released = threading.Event()

    class Handler(_QuietHandler):
        def answer(self) -> None:
            body = self.read_body()
            if line.state is Line.ERROR_500:
                self.reply(500, b"<h1>Internal Server Error</h1>", "text/html")
            elif line.state is Line.UNAVAILABLE_503:
                self.reply(503, b"", "text/plain")
            elif line.state is Line.THROTTLED_429:
                self.reply(429, b"{}", "application/json", **{"Retry-After": "7"})
            else:
                self._hand_over(body)

        def _hand_over(self, body: bytes) -> None:
            connection = HTTPConnection(target.hostname or "", target.port or 80, timeout=30)
            headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            connection.request(self.command, target.path + self.path, body, headers)
            response = connection.getresponse()
            content, kind = response.read(), response.headers.get("Content-Type", "")
            self.own = {k: v for k, v in response.getheaders() if k.lower().startswith("x-")}
            connection.close()
            line.asked.append(f"{self.command} {self.path.partition('?')[0]}")
            hook, line.before_reply = line.before_reply, None
            if hook is not None:
                hook()
            self._spoil(response.status, content, kind)

        def _spoil(self, status: int, content: bytes, kind: str) -> None:
            half = content[: len(content) // 2]
            match line.state:
                case Line.HANG:
                    released.wait(30)
                    self.close_connection = True
                case Line.LOSE_REPLY:
                    self._break_off()
                case Line.CUT_SHORT:
                    self.start(status, kind, len(content))
                    self.wfile.write(half)
                    self.wfile.flush()
                    self._break_off()
                case Line.DRIP:
                    self.start(status, kind, len(content) + 10_000)
                    while not released.wait(0.2):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                case Line.HALF_JSON:
                    self.reply(status, half, kind)
                case Line.HTML:
                    self.reply(200, b"<!doctype html><h1>Welcome</h1>", "text/html")
                case Line.OVERSIZED:
                    self.reply(200, b'{"a":"' + b"x" * 10_000_000 + b'"}', "application/json")
                case Line.REDIRECT:
                    self.reply(302, b"", "text/html", Location="http://127.0.0.1:9/elsewhere")
                case _ if line.rewrite is not None:
                    self.reply(status, line.rewrite(content), kind, **self.own)
                case _:
                    self.reply(status, content, kind, **self.own)

        def _break_off(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    with _serving(Handler) as port:
        line.url = f"http://127.0.0.1:{port}"
        try:
            yield line
        finally:
            released.set()


@contextmanager
def strange_certificate(folder: Path) -> Iterator[str]:
    """The address of a server that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - timedelta(hours=1))
        .not_valid_after(start + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "strange.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    class Handler(_QuietHandler):
        def answer(self) -> None:
            self.reply(200, b"{}", "application/json")

    with _serving(Handler, context=context) as port:
        yield f"https://localhost:{port}"


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


class _QuietHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        raise NotImplementedError

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def do_DELETE(self) -> None:
        self.answer()

    def read_body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def start(self, status: int, content_type: str, length: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(length))
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()

    def reply(self, status: int, body: bytes, content_type: str, **headers: str) -> None:
        if status == 204:
            self.send_response(204)
            self.end_headers()
            return
        self.start(status, content_type, len(body), **headers)
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        """Whoever hangs up early is no news."""


@contextmanager
def _serving(
    handler: type[BaseHTTPRequestHandler], *, context: ssl.SSLContext | None = None
) -> Iterator[int]:
    server = _QuietServer(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
