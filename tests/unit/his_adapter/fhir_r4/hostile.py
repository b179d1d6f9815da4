"""A little HTTP server that answers as it is told, down to the byte."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

Respond = Callable[["Request"], bytes | None]


@dataclass(frozen=True)
class Request:
    line: str
    headers: dict[str, str]
    body: bytes
    send: Callable[[bytes], None]


def reply(
    document: Any,
    *,
    status: int = 200,
    content_type: str = "application/fhir+json; charset=utf-8",
    headers: dict[str, str] | None = None,
) -> bytes:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    lines = [
        f"HTTP/1.1 {status} Status",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def outcome(code: str, text: str = "", **fields: Any) -> dict[str, Any]:
    issue = {"severity": "error", "code": code, "details": {"text": text}, **fields}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def bundle(*resources: dict[str, Any], **fields: Any) -> dict[str, Any]:
    entries = [{"resource": resource, "search": {"mode": "match"}} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **fields}


@dataclass
class HostileServer:
    """Answers with `respond`, whatever is asked; None closes the connection without a byte."""

    respond: Respond
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> Self:
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while True:
                    line = self.rfile.readline().decode().strip()
                    if not line:
                        return
                    headers: dict[str, str] = {}
                    while header := self.rfile.readline().decode().strip():
                        name, _, value = header.partition(":")
                        headers[name.title()] = value.strip()
                    body = self.rfile.read(int(headers.get("Content-Length", "0")))
                    request = Request(line, headers, body, self._send)
                    outer.requests.append(request)
                    answer = outer.respond(request)
                    if answer is None:
                        return
                    self._send(answer)

            def _send(self, content: bytes) -> None:
                try:
                    self.wfile.write(content)
                    self.wfile.flush()
                except OSError:
                    return  # the client has had enough

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/fhir"
