"""A peer that answers as it is told, down to the byte, on a socket of its own."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from his_adapter.hl7_v2.messages import CHARSET, Message, decode

Respond = Callable[[Message], bytes | None]


def framed(content: bytes) -> bytes:
    return b"\x0b" + content + b"\x1c\r"


def answer(asked: Message, code: str = "AA", *lines: str, control_id: str | None = None) -> bytes:
    """A whole answer as text, written by hand: not with what is being tested."""
    named = asked.control_id if control_id is None else control_id
    head = rf"MSH|^~\&|HIS|BV|KIOSK|BV|20260105090000+0700||ACK|H1|P|2.5.1||||||{CHARSET}"
    return framed("".join(f"{line}\r" for line in (head, f"MSA|{code}|{named}", *lines)).encode())


def tag_of(asked: Message) -> str:
    return asked.first("QPD").get(2)


@dataclass
class Peer:
    """`respond` returns what is sent; None closes without a byte, b"" leaves it waiting."""

    respond: Respond
    tls: ssl.SSLContext | None = None
    asked: list[Message] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connected, _ = self._socket.accept()
                self.connections += 1
                self._open.append(connected)
                threading.Thread(target=self._serve, args=(connected,), daemon=True).start()

    def _serve(self, connected: Any) -> None:
        with suppress(OSError):
            if self.tls is not None:
                connected = self.tls.wrap_socket(connected, server_side=True)
                self._open.append(connected)
            received = b""
            while chunk := connected.recv(65_536):
                received += chunk
                while b"\x1c\r" in received:
                    content, _, received = received.partition(b"\x1c\r")
                    message = decode(content.lstrip(b"\x0b"))
                    self.asked.append(message)
                    reply = self.respond(message)
                    if reply is None:
                        connected.shutdown(socket.SHUT_RDWR)
                        connected.close()
                        return
                    connected.sendall(reply)
