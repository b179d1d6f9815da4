"""A HIS with a FHIR R4 door on this machine: the demo hospital behind HTTP, faithful or careless.

    with FhirEmulator(his, clock=clock) as emulator:
        gateway = open_gateway(emulator.settings)

Binds 127.0.0.1 only and refuses production.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from his_adapter.demo.gateway import open_demo
from his_adapter.errors import GatewayMisconfigured
from his_adapter.fhir_r4.config import read_config
from his_adapter.fhir_r4.emulated.answers import Answer, outcome
from his_adapter.fhir_r4.emulated.careless import Careless
from his_adapter.fhir_r4.emulated.hospital import EmulatedHospital
from his_adapter.ports import HisGateway

_MAX_REQUEST_BYTES = 10_000_000
_CLIENT_ID = "tiepdon"
TOKEN_LIVES_S = 300
_HTML = "<!doctype html><title>503</title><h1>Service Temporarily Unavailable</h1>"


class _QuietHandler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, as real servers keep them
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the other side

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - of the base class
        """Addresses may hold numbers of people: no access log."""


class FhirEmulator:
    """`settings` are what the adapter `fhir_r4` is opened with; `careless` may change at any time.

    With a `client_secret_file` nobody is answered without a token, which ends after `TOKEN_LIVES_S`.
    """

    def __init__(
        self,
        his: HisGateway,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        port: int = 0,
        careless: Careless | None = None,
        client_secret_file: Path | None = None,
    ) -> None:
        if os.environ.get("TIEPDON_ENV") == "production":
            raise GatewayMisconfigured("the emulator refuses to run in production")
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1", port, self._answer, threaded=True, request_handler=_QuietHandler
        )
        facility = his.capabilities().facility
        root = f"http://127.0.0.1:{self._server.server_port}"
        self.base_url = f"{root}/fhir"
        self._logins = None if client_secret_file is None else _Logins(client_secret_file, clock)
        auth: dict[str, str] = {"kind": "none"}
        if client_secret_file is not None:
            auth = {
                "kind": "client_credentials",
                "token_url": f"{root}/token",
                "client_id": _CLIENT_ID,
                "client_secret_file": str(client_secret_file),
            }
        self.settings: Mapping[str, Any] = {
            "base_url": self.base_url,
            "auth": auth,
            "booking": "server",
            "match": True,
            "queue": True,
            "code_lists": {
                name: f"urn:tiepdon:codes:{name}"
                for name in ("province", "ward", "ethnicity", "occupation", "nationality")
            },
            "facility": {
                "code": facility.code,
                "name_vi": facility.name_vi,
                "name_en": facility.name_en,
                "hotline": facility.hotline,
            },
        }
        self.hospital = EmulatedHospital(his, read_config(self.settings), clock=clock)
        self.hospital.careless = careless or Careless()
        self._clock = clock
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def careless(self) -> Careless:
        return self.hospital.careless

    @careless.setter
    def careless(self, careless: Careless) -> None:
        self.hospital.careless = careless

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

    def run(self) -> None:
        """Until it is stopped."""
        self._server.serve_forever()

    # --- HTTP

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        if self.careless.html_with_200:
            # The body is read first: what is left of it would be taken for the next request.
            request.get_data()
            return Response(_HTML, mimetype="text/html")(environ, start_response)
        answer = self._handled(request)
        response = Response(
            json.dumps(answer.resource, ensure_ascii=False, default=_number),
            status=answer.status,
            headers={**answer.headers, "Date": format_datetime(self._clock(), usegmt=True)},
            content_type="application/fhir+json; charset=utf-8",
        )
        return response(environ, start_response)

    def _handled(self, request: Request) -> Answer:
        if (request.content_length or 0) > _MAX_REQUEST_BYTES:
            return outcome(413, "too-long")
        content = request.get_data()
        path = request.path.removeprefix("/fhir")
        params = parse_qsl(request.query_string.decode(), keep_blank_values=True)
        body = None
        if request.mimetype == "application/x-www-form-urlencoded":
            params += parse_qsl(content.decode(), keep_blank_values=True)
        elif content:
            try:
                body = json.loads(content, parse_float=Decimal)
            except (ValueError, RecursionError):
                return outcome(400, "structure")
            if not isinstance(body, dict):
                return outcome(400, "structure")
        headers = {name.title(): value for name, value in request.headers.items()}
        if self._logins is not None:
            if request.path == "/token":
                return self._logins.log_in(dict(params))
            known = self._logins.knows(headers.get("Authorization", ""))
            if not known and path != "/metadata":  # what a server can do, it tells everybody
                return outcome(401, "login")
        return self.hospital.handle(request.method, path, params, body, headers)


class _Logins:
    """Tokens for whoever knows the secret (OAuth 2 client credentials)."""

    def __init__(self, secret_file: Path, clock: Callable[[], datetime]) -> None:
        self._secret = secret_file.read_text(encoding="utf-8").strip()
        self._clock = clock
        self._ends: dict[str, datetime] = {}

    def log_in(self, form: Mapping[str, str]) -> Answer:
        known = form.get("client_id") == _CLIENT_ID and secrets.compare_digest(
            form.get("client_secret", "").encode(), self._secret.encode()
        )
        if form.get("grant_type") != "client_credentials" or not known:
            return Answer(status=401, resource={"error": "invalid_client"})
        token = secrets.token_urlsafe(24)
        self._ends[token] = self._clock() + timedelta(seconds=TOKEN_LIVES_S)
        granted = {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_LIVES_S}
        return Answer(status=200, resource=granted)

    def knows(self, authorization: str) -> bool:
        ends = self._ends.get(authorization.removeprefix("Bearer "))
        return ends is not None and self._clock() < ends


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


def serve(*, port: int, seed: int) -> None:  # noqa: ARG001 - the demo hospital is the same each time
    """The demo hospital of today until it is stopped; prints one line when it is ready."""
    with tempfile.TemporaryDirectory(prefix="tiepdon-fhir-") as folder:
        his = open_demo(Path(folder), clock=lambda: datetime.now(UTC))
        emulator = FhirEmulator(his, port=port)
        print(f"FHIR R4: {emulator.base_url}", flush=True)  # noqa: T201 - for who started it
        with suppress(KeyboardInterrupt):
            emulator.run()
