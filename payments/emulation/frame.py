"""What every payment emulator stands in: one Flask app on this machine, real HTTP, `/_emu`.

    class MomoEmulator(Emulator):
        party = "momo"
        retry_plan = RetryPlan(at_s=(0, 60, 300), time_out_s=15)

        def add_routes(self, app: Flask) -> None: ...
        def controls(self) -> Mapping[str, Control]: return {"pay": self.pay}
        def describe(self) -> dict[str, Any]: ...

    with MomoEmulator(callback_url="http://127.0.0.1:8080/payments/momo") as emulator:
        emulator.base_url, emulator.faults, emulator.clock, emulator.callbacks

Control over HTTP, arguments as JSON object, form or query string:

    POST /_emu/<switch of faults>         {"n": 2}, {"ms": 300}, {} on, {"on": false} off
    POST /_emu/advance_clock {"s": 600}   POST /_emu/speed {"x": 60}
    POST /_emu/callback_url {"url": …}    POST /_emu/replay {"id": 3}
    POST /_emu/release · settle · reset   GET /_emu/state
    POST /_emu/pay …                      and whatever else the emulator adds
"""

from __future__ import annotations

import json
import logging
import os
import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Response as WsgiResponse

from payments.emulation.callbacks import (
    CallbackQueue,
    HospitalAnswer,
    RetryPlan,
    accepts_2xx,
)
from payments.emulation.clock import EmulatedClock
from payments.emulation.faults import SWITCHES, Faults
from payments.errors import PaymentError
from payments.events import PaymentEvent
from payments.http import LOOPBACK

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Control = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes the arguments of `POST /_emu/NAME`; raises ValueError, KeyError or LookupError for
such that are wrong: they are answered 400.
"""
CALLBACK_VARIABLE = "TIEPDON_CALLBACK_URL"
_MAX_REQUEST_BYTES = 1_000_000
_HTML = "<!doctype html><title>Bảo trì</title><h1>Hệ thống đang bảo trì</h1>"
_log = logging.getLogger(__name__)


class EmulatorRefused(PaymentError):
    """Emulators do not run in production."""

    code = "emulator-refused"


class Emulator(ABC):
    """Starts with `with`, or in the foreground with `serve_emulator`. Everything is in memory.

    `callback_url` is the address of this provider on our server, without a slash at its end;
    else that of the environment, else whatever `/_emu/callback_url` is told.
    """

    party: ClassVar[str]
    retry_plan: ClassVar[RetryPlan] = RetryPlan()
    senders: ClassVar[int] = 1
    """How many callbacks may be under way at once."""
    fault_free: ClassVar[tuple[str, ...]] = ("/_emu",)
    """Beginnings of paths that no fault touches: control, and pages for people."""

    def __init__(
        self,
        *,
        port: int = 0,
        seed: int = 0,
        clock: EmulatedClock | None = None,
        callback_url: str | None = None,
    ) -> None:
        if os.environ.get("TIEPDON_ENV") == "production":
            raise EmulatorRefused("emulators refuse to run in production")
        self.clock = clock or EmulatedClock()
        self.faults = Faults()
        self.random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.lock = threading.RLock()
        """For the emulator's own books; never held while a callback is sent."""
        self.callback_url = callback_url or os.environ.get(CALLBACK_VARIABLE) or None
        self.callbacks = CallbackQueue(
            clock=self.clock,
            faults=self.faults,
            plan=self.retry_plan,
            accepts=self.accepts,
            senders=self.senders,
        )
        self.app = self._make_app()
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1",
            port,
            _FaultyWire(self.app, self.faults, self.fault_free),
            threaded=True,
            request_handler=_QuietHandler,
        )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    # --- what an emulator adds

    @abstractmethod
    def add_routes(self, app: Flask) -> None:
        """The provider's own calls and pages."""

    def controls(self) -> Mapping[str, Control]:
        """By name under `/_emu`: `pay` and whatever else people and tests may do."""
        return {}

    def describe(self) -> dict[str, Any]:
        """Its books, for `GET /_emu/state`."""
        return {}

    def accepts(self, answer: HospitalAnswer) -> bool:
        """Which answer of our server ends the repeats of a callback."""
        return accepts_2xx(answer)

    # --- running

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self.callbacks.start()
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
        self.callbacks.close()

    # --- control

    def control(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """What `POST /_emu/NAME` does. Raises LookupError for a name nobody knows, ValueError."""
        own = self.controls()
        if name in own:
            return own[name](arguments)
        if name in SWITCHES:
            self.faults.set_from(name, arguments)
            if name == "reorder" and not self.faults.reorder:
                self.callbacks.release()
            return {"faults": self.faults.as_dict()}
        common: dict[str, Control] = {
            "advance_clock": self._advance_clock,
            "speed": self._change_speed,
            "callback_url": self._take_callback_url,
            "replay": self._replay,
            "release": self._release,
            "settle": self._settle,
            "reset": self._reset,
        }
        if name not in common:
            raise LookupError("no such control")
        return common[name](arguments)

    def state(self) -> dict[str, Any]:
        return {
            "party": self.party,
            "now": self.clock().isoformat(timespec="milliseconds"),
            "speed": self.clock.speed,
            "callback_url": self.callback_url,
            "faults": self.faults.as_dict(),
            "callbacks": self.callbacks.as_list(),
            **self.describe(),
        }

    def _advance_clock(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.clock.advance(float(only_value(arguments)))
        return {"now": self.clock().isoformat(timespec="milliseconds")}

    def _change_speed(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.clock.run_at(float(only_value(arguments)))
        return {"speed": self.clock.speed}

    def _take_callback_url(self, arguments: dict[str, Any]) -> dict[str, Any]:
        url = str(only_value(arguments))
        if not url.startswith(("http://", "https://")):
            raise ValueError("an address begins with http")
        self.callback_url = url.rstrip("/")
        return {"callback_url": self.callback_url}

    def _replay(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return self.callbacks.replay(int(only_value(arguments))).as_dict()

    def _release(self, _: dict[str, Any]) -> dict[str, Any]:
        self.callbacks.release()
        return {}

    def _settle(self, arguments: dict[str, Any]) -> dict[str, Any]:
        time_out_s = min(float(arguments.get("s", 10)), 60.0)
        return {"settled": self.callbacks.settle(time_out_s)}

    def _reset(self, _: dict[str, Any]) -> dict[str, Any]:
        """Switches only; books and clock stay."""
        self.faults.reset()
        self.callbacks.release()
        return {"faults": self.faults.as_dict()}

    # --- the app

    def _make_app(self) -> Flask:
        app = Flask(type(self).__module__)
        app.config["MAX_CONTENT_LENGTH"] = _MAX_REQUEST_BYTES

        @app.before_request
        def keep_strangers_out() -> tuple[Response, int] | None:
            """Pages of other sites that a browser on this machine happens to show."""
            origin = request.headers.get("Origin")
            is_near = urlsplit(f"//{request.host}").hostname in LOOPBACK
            if is_near and origin in {None, f"http://{request.host}"}:
                return None
            return jsonify({"error": "only pages of this emulator may speak to it"}), 403

        @app.get("/_emu/state")
        def show_state() -> Response:
            return jsonify(self.state())

        @app.post("/_emu/<name>")
        def take_control(name: str) -> tuple[Response, int]:
            try:
                return jsonify(self.control(name, read_arguments())), 200
            except (ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
                return jsonify({"error": str(error)[:200]}), 400

        @app.after_request
        def note(response: Response) -> Response:
            rule = str(request.url_rule or "no such path")
            extra = {"party": self.party, "path": rule, "status": response.status_code}
            _log.debug(PaymentEvent.EMULATOR_REQUEST, extra=extra)
            return response

        @app.errorhandler(HTTPException)
        def fail(error: HTTPException) -> tuple[Response, int]:
            return jsonify({"error": error.name}), error.code or 500

        self.add_routes(app)
        return app


def read_arguments() -> dict[str, Any]:
    """Of the request under way: JSON object, or form and query string. Raises ValueError."""
    if request.is_json:
        content = json.loads(request.get_data() or b"{}")
        if not isinstance(content, dict):
            raise ValueError("arguments are a JSON object")
        return content
    return dict(request.values.items())


def only_value(arguments: Mapping[str, Any]) -> Any:
    """Of a control that takes one, whatever it is called. Raises ValueError."""
    if len(arguments) != 1:
        raise ValueError("one argument is needed")
    return next(iter(arguments.values()))


def serve_emulator(emulator: Emulator) -> None:
    """Until interrupted. Prints one line with the address."""
    with emulator:
        print(emulator.base_url, flush=True)  # noqa: T201 - whoever starts it reads the line
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


class _QuietHandler(WSGIRequestHandler):
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the other side

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - of the base class
        """Addresses may hold memos and accounts: no access log."""


class _FaultyWire:
    """Between server and app: what goes wrong with replies, whoever gives them."""

    def __init__(self, app: Flask, faults: Faults, fault_free: tuple[str, ...]) -> None:
        self._app = app
        self._faults = faults
        self._fault_free = fault_free

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if any(path == free or path.startswith(f"{free}/") for free in self._fault_free):
            return self._app(environ, start_response)
        faults = self._faults
        if faults.slow:
            time.sleep(faults.slow / 1000)
        if faults.take("http_500"):
            error = WsgiResponse('{"error":"Internal Server Error"}', 500)
            error.content_type = "application/json"
            return error(environ, start_response)
        if not any((faults.lose_reply, faults.html, faults.truncated, faults.oversized)):
            return self._app(environ, start_response)
        done = WsgiResponse.from_app(self._app, environ, buffered=True)
        return self._spoil(done)(environ, start_response)

    def _spoil(self, done: WsgiResponse) -> WsgiResponse:
        if self._faults.take("lose_reply"):
            raise ConnectionResetError  # the server closes the connection without a word
        if self._faults.take("html"):
            return WsgiResponse(_HTML, 200, content_type="text/html; charset=utf-8")
        if self._faults.take("oversized"):
            padding = '{"padding":"' + "x" * 10_000_000 + '"}'
            return WsgiResponse(padding, 200, content_type="application/json")
        if self._faults.take("truncated"):
            content = done.get_data()
            half = WsgiResponse(content[: len(content) // 2], done.status_code)
            half.headers = done.headers
            half.headers["Content-Length"] = str(len(content))
            half.automatically_set_content_length = False
            return half
        return done
