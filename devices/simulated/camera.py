"""A camera for machines without one: motion JPEG over loopback, showing what it is told.

`GET /stream` is the camera. `POST /control` takes one JSON object with one of these keys:

- `{"show": {"payload_base64": "…", "kind": "cccd2021"}}`: a card lies on the desk;
- `{"show": null}`: the card is taken away;
- `{"trouble": "freeze" | "stall" | "drop" | null}`: the same picture again and again, a line
  gone silent, an unplugged camera, or all well again.

It answers 204, or 400 with `{"error": …}`. Nothing shown is logged.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import cv2

from devices.errors import SimulatorInProduction
from devices.simulated.cards import CardKind, Scene, draw_card_frame, draw_desk

_BOUNDARY = b"frame"
_MAX_CONTROL_BYTES = 64 * 1024
_LOOP_PICTURES = 3  # of the same scene with other noise: a live camera never repeats itself


class Trouble(StrEnum):
    FREEZE = "freeze"
    STALL = "stall"
    DROP = "drop"


@dataclass(frozen=True, kw_only=True)
class _View:
    """What the camera sees now, as JPEG pictures shown in turn."""

    jpegs: Sequence[bytes]
    trouble: Trouble | None = None


class SimulatedCamera:
    """Serves from `start` until `stop`, on a free port of 127.0.0.1 unless one is given.

    Raises SimulatorInProduction when the environment says TIEPDON_ENV=production.
    """

    def __init__(
        self, *, port: int = 0, size: tuple[int, int] = (1280, 720), pictures_per_s: float = 30.0
    ) -> None:
        if os.environ.get("TIEPDON_ENV") == "production":
            raise SimulatorInProduction("a simulated camera has no place in production")
        self._size = size
        self._pause_s = 1 / pictures_per_s
        self._port = port
        self._changed = threading.Condition()
        self._view = _View(jpegs=self._empty_desk())
        self._server: _Server | None = None
        self._closing = False

    @property
    def url(self) -> str:
        """The stream. Only while serving."""
        return f"{self._root}/stream"

    @property
    def control_url(self) -> str:
        return f"{self._root}/control"

    @property
    def scanner_spec(self) -> str:
        """What `--scanner` takes."""
        return f"mjpeg:{self.url}"

    def start(self) -> None:
        """Raises OSError when the port is taken."""
        server = _Server(("127.0.0.1", self._port), _Handler)
        server.camera = self
        self._port = server.server_port
        self._server = server
        self._closing = False
        threading.Thread(
            target=server.serve_forever, args=(0.05,), name="simulated camera", daemon=True
        ).start()

    def stop(self) -> None:
        """Ends every stream. `start` afterwards serves on the same port again."""
        server, self._server = self._server, None
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if server is not None:
            server.shutdown()
            server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def show_card(
        self,
        untrusted_payload: bytes,
        *,
        kind: CardKind = CardKind.CCCD2021,
        scene: Scene | None = None,
    ) -> None:
        """Puts a card before the camera. Raises ValueError when no code holds the payload."""
        scene = replace(scene or Scene(rotation_deg=4.0), size=self._size)
        self._set(
            jpegs=[
                _jpeg(draw_card_frame(untrusted_payload, replace(scene, seed=seed), kind=kind))
                for seed in range(_LOOP_PICTURES)
            ]
        )

    def take_card_away(self) -> None:
        self._set(jpegs=self._empty_desk())

    def make_trouble(self, trouble: Trouble | None) -> None:
        """`None` ends the trouble; a dropped camera then lets itself be opened again."""
        self._set(trouble=trouble)

    @property
    def _root(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _empty_desk(self) -> list[bytes]:
        return [_jpeg(draw_desk(self._size, seed=seed)) for seed in range(_LOOP_PICTURES)]

    def _set(self, **changes: Any) -> None:
        with self._changed:
            self._view = replace(self._view, **changes)
            self._changed.notify_all()

    def next_picture(self, count: int) -> bytes | None:
        """What a stream sends as its picture number `count`, at the camera's pace.

        None ends the stream. Waits as long as the line is stalled.
        """
        # First the pause: a picture shows what lies there when it is taken.
        time.sleep(self._pause_s)
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._view.trouble is not Trouble.STALL)
            view = self._view
        if self._closing or view.trouble is Trouble.DROP:
            return None
        frozen = view.trouble is Trouble.FREEZE
        return view.jpegs[0 if frozen else count % len(view.jpegs)]

    def obey(self, untrusted_order: object) -> None:
        """Carries out what was posted to /control. Raises ValueError."""
        match untrusted_order:
            case {"show": None}:
                self.take_card_away()
            case {"show": {"payload_base64": str(text), **rest}}:
                kind = CardKind(str(rest.get("kind", CardKind.CCCD2021)))
                try:
                    payload = base64.b64decode(text, validate=True)
                except binascii.Error as error:
                    raise ValueError("payload_base64 is not base64") from error
                self.show_card(payload, kind=kind)
            case {"trouble": None}:
                self.make_trouble(None)
            case {"trouble": str(name)}:
                self.make_trouble(Trouble(name))
            case _:
                raise ValueError("neither show nor trouble")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    camera: SimulatedCamera

    def handle_error(self, request: object, client_address: object) -> None:
        """Viewers come and go; the standard trace on standard error would say nothing."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if self.path != "/stream":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        picture = self.server.camera.next_picture(0)
        if picture is None:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        self.send_response(HTTPStatus.OK)
        boundary = _BOUNDARY.decode()
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={boundary}")
        self.end_headers()
        count = 0
        while picture is not None:
            count += 1
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
            self.wfile.write(b"--" + _BOUNDARY + b"\r\n" + head.encode() + picture + b"\r\n")
            picture = self.server.camera.next_picture(count)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != "/control" or not length.isdigit():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        if int(length) > _MAX_CONTROL_BYTES:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            self.server.camera.obey(json.loads(self.rfile.read(int(length))))
        except ValueError as error:
            body = json.dumps({"error": str(error)}).encode()
            self.send_response(HTTPStatus.BAD_REQUEST)
        else:
            body = b""
            self.send_response(HTTPStatus.NO_CONTENT)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent: a stream is no news."""


def _jpeg(frame: Any) -> bytes:
    _, packed = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return packed.tobytes()
