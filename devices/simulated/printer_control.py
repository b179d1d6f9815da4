"""Steers a simulated printer from another process, over HTTP on loopback.

GET /state is its condition and counts; POST /state with a JSON object changes the condition;
GET /tickets/1.png is the first ticket.
"""

from __future__ import annotations

import io
import json
import re
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from devices.simulated.printer import SimulatedPrinter

_MAX_BODY_BYTES = 4096


class PrinterControl:
    """Listens from entering to leaving the `with` block."""

    def __init__(self, printer: SimulatedPrinter, *, port: int = 0) -> None:
        class Handler(_Handler):
            device = printer

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="printer-control"
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

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
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    device: SimulatedPrinter
    timeout = 5

    def do_GET(self) -> None:
        if self.path == "/state":
            self._answer_state()
            return
        match = re.fullmatch(r"/tickets/([1-9]\d{0,5})\.png", self.path)
        tickets = self.device.tickets
        if match is None or int(match[1]) > len(tickets):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        picture = io.BytesIO()
        tickets[int(match[1]) - 1].save(picture, format="PNG")
        self._answer(picture.getvalue(), "image/png")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != "/state":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        if not length.isdigit() or int(length) > _MAX_BODY_BYTES:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            self.device.steer(**json.loads(self.rfile.read(int(length))))
        except (ValueError, TypeError, RecursionError):
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        self._answer_state()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of the base class
        """Says nothing: the caller knows what it asked."""

    def _answer_state(self) -> None:
        self._answer(json.dumps(self.device.state()).encode(), "application/json")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
