"""MLLP on plain sockets: 0x0B, the message, 0x1C 0x0D; one message in flight per connection.

A connection on which something went wrong is never used again: an answer that comes late cannot
be taken for the answer to the next message.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

START, END = b"\x0b", b"\x1c\r"
MAX_FRAME_BYTES = 10_000_000
_CHUNK_BYTES = 65_536
_IDLE_FOR_S = 20.0
_POLL_S = 0.2
_HANDSHAKE_FOR_S = 5.0
_SEND_FOR_S = 15.0


class NotSent(Exception):
    """No connection: nothing has left this machine."""


class Untrusted(NotSent):
    """The certificate of the other side is not trusted."""


class NoAnswer(Exception):
    """It was sent, at least in part, and nothing or no whole frame came back."""


class NoFrame(Exception):
    """Something came that is not MLLP, or is too large."""


def frame(content: bytes) -> bytes:
    return START + content + END


class Connection:
    """One socket; not for several threads at once."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._rest = b""
        self.used_at = time.monotonic()

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()

    def is_quiet(self) -> bool:
        """Nobody has closed it or sent anything unasked: such a thing is no answer to us."""
        if self._rest:
            return False
        try:
            return not select.select([self._socket], [], [], 0)[0]
        except (OSError, ValueError):
            return False

    def send(self, content: bytes, *, until: float) -> None:
        """Raises OSError."""
        self._socket.settimeout(max(until - time.monotonic(), 0.001))
        self._socket.sendall(frame(content))

    def receive(self, *, until: float) -> bytes | None:
        """The next message; None when the other side closed between two messages.

        Raises NoFrame, NoAnswer when it was cut off, OSError (TimeoutError at `until`).
        """
        received = bytearray(self._rest)
        self._rest = b""
        searched = 0
        while (end := received.find(END, searched)) < 0:
            if received and received[:1] != START:
                raise NoFrame("bytes before a message")
            if len(received) > MAX_FRAME_BYTES:
                raise NoFrame("a message that is too large")
            searched = max(len(received) - 1, 0)
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)
            chunk = self._socket.recv(_CHUNK_BYTES)
            if not chunk:
                if received:
                    raise NoAnswer("closed within a message")
                return None
            received += chunk
        if received[:1] != START or end > MAX_FRAME_BYTES:
            raise NoFrame("bytes before a message")
        self._rest = bytes(received[end + len(END) :])
        self.used_at = time.monotonic()
        return bytes(received[1:end])


class MllpClient:
    """Safe from several threads: as many connections as there are messages at once, up to a limit."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        connect_timeout_s: float,
        connections: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._address = (host, port)
        self._connect_timeout_s = connect_timeout_s
        self._tls = tls
        self._places = threading.BoundedSemaphore(connections)
        self._idle: list[Connection] = []
        self._lock = threading.Lock()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def exchange(
        self,
        content: bytes,
        *,
        timeout_s: float,
        is_answer: Callable[[bytes], bool | None],
        is_write: bool,
    ) -> bytes:
        """Sends one message and waits for its answer.

        `is_answer` tells whether a frame is the answer (True), one that announces it (None), or
        somebody else's (False). A write goes out on a new connection: a kept one may be about to
        be closed. A question that meets such a one is asked once more. Raises NotSent, NoAnswer,
        NoFrame; then the connection is gone.
        """
        until = time.monotonic() + timeout_s
        if not self._places.acquire(timeout=timeout_s):
            raise NotSent("all connections are busy")
        try:
            kept = self._find_kept()
            if kept is not None and is_write:
                kept.close()
            elif kept is not None:
                with suppress(NoAnswer):
                    return self._exchanged(kept, content, until, is_answer)
                if time.monotonic() >= until:
                    raise NoAnswer("no answer in time")
            return self._exchanged(self._connect(), content, until, is_answer)
        finally:
            self._places.release()

    def _exchanged(
        self,
        connection: Connection,
        content: bytes,
        until: float,
        is_answer: Callable[[bytes], bool | None],
    ) -> bytes:
        try:
            answer = _exchanged(connection, content, until, is_answer)
        except BaseException:  # whatever ends it, a late answer must not meet the next question
            connection.close()
            raise
        with self._lock:
            self._idle.append(connection)
        return answer

    def _find_kept(self) -> Connection | None:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                return None
            if time.monotonic() - connection.used_at < _IDLE_FOR_S and connection.is_quiet():
                return connection
            connection.close()

    def _connect(self) -> Connection:
        try:
            connected = socket.create_connection(self._address, self._connect_timeout_s)
        except OSError as error:
            raise NotSent("no connection") from error
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connected = self._tls.wrap_socket(connected, server_hostname=self._address[0])
        except ssl.SSLError as error:
            connected.close()
            raise Untrusted("the certificate is not trusted") from error
        except OSError as error:
            connected.close()
            raise NotSent("no connection") from error
        return Connection(connected)


def _exchanged(
    connection: Connection,
    content: bytes,
    until: float,
    is_answer: Callable[[bytes], bool | None],
) -> bytes:
    try:
        connection.send(content, until=until)
        while True:
            answer = connection.receive(until=until)
            if answer is None:
                raise NoAnswer("closed without an answer")
            match is_answer(answer):
                case True:
                    return answer
                case False:
                    raise NoFrame("the answer to something else")
                case None:
                    continue
    except OSError as error:
        raise NoAnswer("no answer in time") from error


Answer = Callable[[bytes], bytes | None]
"""What to send back for a message; None closes the connection without a byte."""


class MllpListener:
    """Accepts connections and answers their messages one after the other, each sender in order.

    Raises OSError when the address is taken.
    """

    def __init__(
        self,
        host: str,
        port: int,
        answer: Answer,
        *,
        tls: ssl.SSLContext | None = None,
        peers: Sequence[str] | None = None,
        max_connections: int = 32,
        idle_for_s: float = 3600.0,
    ) -> None:
        self._answer = answer
        self._tls = tls
        self._peers = peers
        self._idle_for_s = idle_for_s
        self._places = threading.BoundedSemaphore(max_connections)
        self._stopped = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._socket = socket.create_server((host, port), backlog=64)
        self._socket.settimeout(_POLL_S)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="mllp-listener", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Waits until it is closed."""
        while self._thread.is_alive():
            self._thread.join(1.0)

    def close(self) -> None:
        """Whoever is connected is cut off: what was not acknowledged will come again."""
        self._stopped.set()
        self._socket.close()
        with self._lock:
            for connected in self._open:
                with suppress(OSError):
                    connected.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(5.0)

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connected, (address, *_) = self._socket.accept()
            except TimeoutError:
                continue
            except OSError:
                if self._stopped.is_set():
                    return
                time.sleep(_POLL_S)  # out of descriptors: others will be given back
                continue
            stranger = self._peers is not None and address not in self._peers
            if stranger or not self._places.acquire(blocking=False):
                connected.close()
                continue
            threading.Thread(
                target=self._serve, args=(connected,), name="mllp-sender", daemon=True
            ).start()

    def _serve(self, connected: socket.socket) -> None:
        try:
            with suppress(OSError, NoFrame, NoAnswer):
                connected.settimeout(_HANDSHAKE_FOR_S)
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self._tls is not None:
                    connected = self._tls.wrap_socket(connected, server_side=True)
                with self._lock:
                    self._open.add(connected)
                self._answer_all(Connection(connected))
        finally:
            with self._lock:
                self._open.discard(connected)
            with suppress(OSError):
                connected.close()
            self._places.release()

    def _answer_all(self, connection: Connection) -> None:
        while not self._stopped.is_set():
            content = connection.receive(until=time.monotonic() + self._idle_for_s)
            if content is None:
                return
            answer = self._answer(content)
            if answer is None:
                return
            connection.send(answer, until=time.monotonic() + _SEND_FOR_S)
