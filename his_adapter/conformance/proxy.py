"""The fault proxy: a line to the HIS that does to each exchange what a plan says.

It listens on loopback and speaks HTTP/1.1 or framed HL7 (MLLP). An exchange is one request and its
reply. Nothing that passes is kept or logged.

    with FaultProxy(Upstream(host="127.0.0.1", port=8104)) as proxy:
        proxy.play(nth(2, Fault(kind=FaultKind.RESET_AFTER)))
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from types import TracebackType
from typing import BinaryIO, Protocol, Self

_MAX_BODY_BYTES = 64_000_000
_MAX_LINE_BYTES = 65_536
_HUGE_BODY_BYTES = 10_500_000
_UPSTREAM_TIMEOUT_S = 30.0
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "content-length",
}
_QUESTIONS = {"GET", "HEAD", "OPTIONS", "QBP", "QRY", "SQM"}
"""Methods of HTTP, messages of HL7 v2."""
_HTML_PAGE = "<!DOCTYPE html><html><body><h1>Hệ thống đang bảo trì</h1></body></html>".encode()


class FaultKind(StrEnum):
    DELAY = "delay"
    RESET_BEFORE = "reset_before"
    """Cut before anything is forwarded."""
    RESET_AFTER = "reset_after"
    """Forwarded and done, then cut."""
    DUPLICATE = "duplicate"
    """Forwarded twice."""
    DUPLICATE_REPLY = "duplicate_reply"
    REORDER = "reorder"
    """The reply waits until a later exchange was answered, at most `delay_s`."""
    CORRUPT = "corrupt"
    TRUNCATE = "truncate"
    """Half of the body, said to be all of it."""
    CUT_SHORT = "cut_short"
    """Half of the body, then the end of the connection."""
    STATUS = "status"
    """Answered with `status`, nothing forwarded."""
    HTML_PAGE = "html_page"
    """A page for people with status 200."""
    WRONG_TYPE = "wrong_type"
    """The page's content type on a good body."""
    HUGE_BODY = "huge_body"
    EXPIRED_TOKEN = "expired_token"  # noqa: S105 - the name of a fault
    CLOCK = "clock"
    """The Date header is off by `skew_s`."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    kind: FaultKind
    delay_s: float = 0.0
    until: threading.Event | None = None
    """A DELAY ends with it, after `delay_s` at the latest."""
    status: int = 503
    skew_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What a plan may look at. `number` counts from 1 since the plan began."""

    number: int
    method: str
    path: str
    is_write: bool


Plan = Callable[[Exchange], Fault | None]


def calm(_exchange: Exchange) -> Fault | None:
    return None


def always(fault: Fault) -> Plan:
    return lambda _exchange: fault


def nth(number: int, fault: Fault) -> Plan:
    return lambda exchange: fault if exchange.number == number else None


def first_write(fault: Fault) -> Plan:
    """The first exchange that writes; the plan is for one use."""
    unused = [fault]

    def plan(exchange: Exchange) -> Fault | None:
        return unused.pop() if exchange.is_write and unused else None

    return plan


@dataclass(frozen=True, kw_only=True)
class Upstream:
    host: str
    port: int
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = field(repr=False, default=())
    body: bytes = field(repr=False, default=b"")

    @property
    def is_write(self) -> bool:
        """A search may be a POST, so that numbers stay out of access logs; tokens are not data."""
        if self.method in _QUESTIONS:
            return False
        path = self.path.partition("?")[0].rstrip("/").lower()
        return not path.endswith(("/_search", "/$match", "token", "login"))


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False, default=())
    body: bytes = field(repr=False, default=b"")

    def with_header(self, name: str, value: str) -> Reply:
        kept = tuple(item for item in self.headers if item[0].lower() != name.lower())
        return replace(self, headers=(*kept, (name, value)))


class Codec(Protocol):
    """How exchanges are told apart on the wire."""

    def read_request(self, stream: BinaryIO) -> Request | None:
        """None at the end of the connection."""
        ...

    def forward(self, upstream: Upstream, request: Request) -> Reply: ...

    def encode(self, reply: Reply, *, length: int | None = None) -> bytes:
        """The bytes of a reply; `length` is what it claims to have."""
        ...


class HttpCodec:
    def read_request(self, stream: BinaryIO) -> Request | None:
        line = stream.readline(_MAX_LINE_BYTES)
        parts = line.decode("latin-1").split()
        if len(parts) < 2:
            return None
        headers = tuple(_headers(stream))
        return Request(method=parts[0], path=parts[1], headers=headers, body=_body(stream, headers))

    def forward(self, upstream: Upstream, request: Request) -> Reply:
        connection = (
            http.client.HTTPConnection(upstream.host, upstream.port, timeout=_UPSTREAM_TIMEOUT_S)
            if upstream.tls is None
            else http.client.HTTPSConnection(
                upstream.host, upstream.port, timeout=_UPSTREAM_TIMEOUT_S, context=upstream.tls
            )
        )
        with contextlib.closing(connection):
            connection.putrequest(
                request.method, request.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers:
                if name.lower() not in _HOP_BY_HOP:
                    connection.putheader(name, value)
            if request.body or request.method in {"POST", "PUT", "PATCH"}:
                connection.putheader("Content-Length", str(len(request.body)))
            connection.putheader("Connection", "close")
            connection.endheaders(request.body or None)
            answer = connection.getresponse()
            body = answer.read(_MAX_BODY_BYTES)
            kept = tuple(item for item in answer.getheaders() if item[0].lower() not in _HOP_BY_HOP)
            return Reply(status=answer.status, headers=kept, body=body)

    def encode(self, reply: Reply, *, length: int | None = None) -> bytes:
        phrase = http.client.responses.get(reply.status, "")
        size = len(reply.body) if length is None else length
        head = [f"HTTP/1.1 {reply.status} {phrase}"]
        head += [f"{name}: {value}" for name, value in reply.headers]
        if reply.status not in {204, 304}:
            head.append(f"Content-Length: {size}")
        return "\r\n".join([*head, "", ""]).encode("latin-1") + reply.body


class MllpCodec:
    """Framed HL7 v2: 0x0B, the message, 0x1C 0x0D. Statuses and content types do not exist here."""

    _START, _END = b"\x0b", b"\x1c\r"

    def read_request(self, stream: BinaryIO) -> Request | None:
        frame = self._read_frame(stream)
        if frame is None:
            return None
        fields = frame.split(b"\r", 1)[0].split(frame[3:4] or b"|")
        code = fields[8][:3].decode("ascii", "replace") if len(fields) > 8 else ""
        return Request(method=code or "MLLP", path="", body=frame)

    def forward(self, upstream: Upstream, request: Request) -> Reply:
        with socket.create_connection(
            (upstream.host, upstream.port), timeout=_UPSTREAM_TIMEOUT_S
        ) as raw:
            connection = (
                raw
                if upstream.tls is None
                else upstream.tls.wrap_socket(raw, server_hostname=upstream.host)
            )
            connection.sendall(self._START + request.body + self._END)
            with connection.makefile("rb") as stream:
                return Reply(status=200, body=self._read_frame(stream) or b"")

    def encode(self, reply: Reply, *, length: int | None = None) -> bytes:
        end = self._END if length is None or length == len(reply.body) else b""
        return self._START + reply.body + end

    def _read_frame(self, stream: BinaryIO) -> bytes | None:
        frame = bytearray()
        while not frame.endswith(self._END):
            octet = stream.read(1)
            if not octet or len(frame) > _MAX_BODY_BYTES:
                return None
            frame += octet
        return bytes(frame[:-2]).lstrip(self._START)


class FaultProxy:
    """Runs from `__enter__` to `__exit__`, on a free port of loopback, a thread per connection."""

    def __init__(self, upstream: Upstream, *, codec: Codec | None = None) -> None:
        self._upstream = upstream
        self._codec = codec or HttpCodec()
        self._lock = threading.Lock()
        self._plan: Plan = calm
        self._down = False
        self._exchanges: list[Exchange] = []
        self._answered = threading.Condition()
        self._answers = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, name="fault-proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            # Wakes `accept`, which closing alone does not on Linux.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self._drop_connections()

    def play(self, plan: Plan) -> None:
        """From the next exchange on, which counts as the first."""
        with self._lock:
            self._plan = plan
            self._exchanges = []

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """What went by since the plan began."""
        with self._lock:
            return tuple(self._exchanges)

    def go_down(self) -> None:
        """Nobody is connected any more, and whoever comes is turned away."""
        with self._lock:
            self._down = True
        self._drop_connections()

    def come_back(self) -> None:
        with self._lock:
            self._down = False

    # --- inside

    def _drop_connections(self) -> None:
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)
            down = self._down
        try:
            if down:
                _reset(connection)
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection.makefile("rb") as stream:
                while (request := self._codec.read_request(stream)) is not None:
                    if not self._exchange(connection, request):
                        return
        except (OSError, http.client.HTTPException, ValueError):
            # Either side has gone: so is this connection.
            return
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _exchange(self, connection: socket.socket, request: Request) -> bool:
        """Plays one exchange. False when the connection is over."""
        with self._lock:
            if self._down:
                _reset(connection)
                return False
            exchange = Exchange(
                number=len(self._exchanges) + 1,
                method=request.method,
                path=request.path.partition("?")[0],
                is_write=request.is_write,
            )
            self._exchanges.append(exchange)
            fault = self._plan(exchange)
        if fault is None:
            return self._send(connection, self._codec.encode(self._forward(request)))
        return self._play(connection, request, fault)

    def _play(self, connection: socket.socket, request: Request, fault: Fault) -> bool:
        if fault.kind is FaultKind.RESET_BEFORE:
            _reset(connection)
            return False
        made = _made_up(fault)
        if made is not None:
            self._stopping.wait(fault.delay_s)
            return self._send(connection, self._codec.encode(made))
        if fault.kind is FaultKind.DELAY:
            (fault.until or self._stopping).wait(fault.delay_s)
        if fault.kind is FaultKind.DUPLICATE:
            self._forward(request)
        reply = _changed(self._forward(request), fault)
        if fault.kind is FaultKind.RESET_AFTER:
            _reset(connection)
            return False
        if fault.kind is FaultKind.REORDER:
            self._wait_for_another(fault.delay_s)
        if fault.kind is FaultKind.CUT_SHORT:
            half = replace(reply, body=reply.body[: len(reply.body) // 2])
            self._send(connection, self._codec.encode(half, length=len(reply.body)))
            return False
        wire = self._codec.encode(reply)
        return self._send(connection, wire * 2 if fault.kind is FaultKind.DUPLICATE_REPLY else wire)

    def _forward(self, request: Request) -> Reply:
        return self._codec.forward(self._upstream, request)

    def _send(self, connection: socket.socket, wire: bytes) -> bool:
        connection.sendall(wire)
        with self._answered:
            self._answers += 1
            self._answered.notify_all()
        return True

    def _wait_for_another(self, at_most_s: float) -> None:
        with self._answered:
            seen = self._answers
            self._answered.wait_for(lambda: self._answers > seen, timeout=at_most_s)


def _made_up(fault: Fault) -> Reply | None:
    """A reply that needs no HIS."""
    if fault.kind is FaultKind.STATUS:
        return Reply(status=fault.status, headers=(("Content-Type", "text/plain"),), body=b"no")
    if fault.kind is FaultKind.EXPIRED_TOKEN:
        header = ("WWW-Authenticate", 'Bearer error="invalid_token"')
        return Reply(status=401, headers=(header, ("Content-Type", "application/json")), body=b"{}")
    if fault.kind is FaultKind.HTML_PAGE:
        return Reply(
            status=200, headers=(("Content-Type", "text/html; charset=utf-8"),), body=_HTML_PAGE
        )
    return None


def _changed(reply: Reply, fault: Fault) -> Reply:
    if fault.kind is FaultKind.CORRUPT:
        middle = len(reply.body) // 2
        return replace(reply, body=reply.body[:middle] + b"\xff\x00" + reply.body[middle + 2 :])
    if fault.kind is FaultKind.TRUNCATE:
        return replace(reply, body=reply.body[: len(reply.body) // 2])
    if fault.kind is FaultKind.WRONG_TYPE:
        return reply.with_header("Content-Type", "text/html; charset=utf-8")
    if fault.kind is FaultKind.HUGE_BODY:
        # White space behind a JSON document is allowed: only its size is wrong.
        return replace(reply, body=reply.body + b" " * _HUGE_BODY_BYTES)
    if fault.kind is FaultKind.CLOCK:
        moment = datetime.now(UTC) + timedelta(seconds=fault.skew_s)
        return reply.with_header("Date", format_datetime(moment, usegmt=True))
    return reply


def _reset(connection: socket.socket) -> None:
    """Ends a connection as a crash does: with RST, not with a farewell."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _headers(stream: BinaryIO) -> Iterator[tuple[str, str]]:
    while (line := stream.readline(_MAX_LINE_BYTES)) not in {b"\r\n", b"\n", b""}:
        name, _, value = line.decode("latin-1").partition(":")
        yield name.strip(), value.strip()


def _body(stream: BinaryIO, headers: tuple[tuple[str, str], ...]) -> bytes:
    known = {name.lower(): value for name, value in headers}
    if "chunked" in known.get("transfer-encoding", "").lower():
        return b"".join(_chunks(stream))
    length = min(int(known.get("content-length") or 0), _MAX_BODY_BYTES)
    return stream.read(length) if length else b""


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while size := int(stream.readline(_MAX_LINE_BYTES).split(b";")[0], 16):
        yield stream.read(size)
        stream.readline(_MAX_LINE_BYTES)
    stream.readline(_MAX_LINE_BYTES)
