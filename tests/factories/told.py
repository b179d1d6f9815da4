"""Whoever is told of alerts in tests: a real mail server and a real webhook, that can misbehave."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import ssl
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session

PASSWORD = "a-password-of-the-mail-server"


class MailServer:
    """Takes mail on loopback. `refuse`: its answer to DATA; `wrong`: addresses it does not know;
    `stall_s`: takes the mail, and answers so much later.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, login: bool = False) -> None:
        self.mails: list[EmailMessage] = []
        self.refuse: str | None = None
        self.wrong: set[str] = set()
        self.stall_s = 0.0
        self._options: dict[str, Any] = {"enable_SMTPUTF8": False}
        if tls is not None:
            self._options |= {"tls_context": tls, "require_starttls": True}
        if login:
            self._options |= {"authenticator": _check_login, "auth_required": True}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._controller: Controller | None = None

    def start(self) -> MailServer:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **self._options)
        self._controller.start()
        return self

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
        self._controller = None

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.wrong:
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if self.refuse is not None:
            return self.refuse
        content = envelope.original_content or b""
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        if self.stall_s:
            await asyncio.sleep(self.stall_s)
        return "250 taken"


def _check_login(
    server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    right = data.login == b"tiepdon" and data.password == PASSWORD.encode()
    return AuthResult(success=right, handled=False)


@dataclass(frozen=True, kw_only=True)
class Heard:
    headers: dict[str, str]
    body: bytes


@dataclass
class Webhook:
    """Answers `status` once `answering` is set; `hang_up` takes the call and says nothing."""

    status: int = 204
    hang_up: bool = False
    heard: list[Heard] = field(default_factory=list)
    answering: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.answering.set()

    def start(self) -> Webhook:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.heard.append(Heard(headers=dict(self.headers), body=body))
                hook.answering.wait(30)
                if hook.hang_up:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                try:
                    self.send_response(hook.status)
                    self.end_headers()
                except OSError:
                    pass  # the caller was killed meanwhile

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/tiepdon?room=it"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
