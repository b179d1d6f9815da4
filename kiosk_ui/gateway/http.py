"""The server over HTTP: bounded in time and size, errors mapped once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import requests
from pydantic import ValidationError
from urllib3.exceptions import HTTPError

from kiosk_ui.errors import (
    ConfigRefused,
    CredentialRefused,
    ReplyUnreadable,
    ServerAway,
    ServerRefused,
)
from kiosk_ui.events import KioskEvent
from kiosk_ui.gateway import fleet_models as fleet
from kiosk_ui.gateway import models
from kiosk_ui.gateway import payment_models as pay
from kiosk_ui.gateway.credential import CredentialFile

MAX_REPLY_BYTES = 4_000_000
_TOLD_AWAY = frozenset({"his_unavailable", "provider_unavailable"})
"""Answers with status 503 that are answers: another than the server is away."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

R = TypeVar("R", bound=models.Wire)
_log = logging.getLogger(__name__)


def checked_url(untrusted_url: str) -> str:
    """The address of a server without its final slash.

    Raises ConfigRefused for anything but https, or http to this very machine: names and numbers
    of patients go over that line.
    """
    try:
        parts = urlsplit(untrusted_url)
        host = parts.hostname
        plain = parts.scheme == "http" and host in _LOOPBACK
        whole = not (parts.query or parts.fragment or parts.username)
        _ = parts.port
    except ValueError:
        raise ConfigRefused("the server's address cannot be read") from None
    if not host or not whole or not (parts.scheme == "https" or plain):
        raise ConfigRefused("the server's address must be https://…, or http:// to this machine")
    return untrusted_url.rstrip("/")


@dataclass(frozen=True, kw_only=True)
class Times:
    """How long the server may take, in seconds."""

    connect_s: float = 1.5
    read_s: float = 4.0
    scan_s: float = 5.0
    """The server itself waits up to 3 s for the insurance."""
    check_s: float = 1.4
    pay_s: float = 12.0
    """A bank is asked meanwhile, and the hospital's own system for the fees."""
    news_s: float = 3.0
    attachment_s: float = 15.0
    """A picture or a log, over the line of a small clinic."""


class HttpGateway:
    """May be used from several threads at once. Enrols itself when it has no credential."""

    def __init__(
        self,
        url: str,
        *,
        credential: CredentialFile,
        enrol_code: str | None = None,
        name: str = "kiosk",
        ca_file: str | None = None,
        times: Times = Times(),
    ) -> None:
        """`ca_file`: certificates to trust instead of the usual ones. Raises ConfigRefused."""
        self._url = checked_url(url)
        self._credential = credential
        self._enrol_code = enrol_code
        self._name = name
        self._verify: bool | str = ca_file or True
        self._times = times
        self._token = credential.find()
        self._enrolling = threading.Lock()
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    # --- the port -------------------------------------------------------------------------------

    def check(self) -> None:
        reply = self._exchange("GET", "/readyz", timeout_s=self._times.check_s)
        if reply.status_code != requests.codes.ok:
            raise ServerAway

    def get_settings(self) -> models.KioskSettings:
        return self._get(models.KioskSettings, "/kiosk")

    def beat(self, report: fleet.KioskReport | None = None) -> fleet.KioskOrders:
        body = self._call("POST", "/kiosks/heartbeat", report)
        # A server that is too old to know orders says nothing; nor is a print agent told any.
        return _parsed(fleet.KioskOrders, body) if body else fleet.KioskOrders(profile="reception")

    def tell_command(self, command_id: str, result: fleet.CommandResult) -> None:
        self._call(
            "POST",
            f"/kiosk/commands/{quote(command_id, safe='')}/result",
            result,
            timeout_s=self._times.attachment_s,
        )

    def scan(self, request: models.ScanRequest) -> models.ScanReply:
        return self._post(models.ScanReply, "/scans", request, timeout_s=self._times.scan_s)

    def list_services(
        self, *, scan_id: str | None = None, visit_kind: str | None = None
    ) -> models.ServiceList:
        return self._get(
            models.ServiceList, "/services", {"scan_id": scan_id, "visit_kind": visit_kind}
        )

    def list_doctors(self, service_id: str) -> models.DoctorList:
        return self._get(models.DoctorList, "/doctors", {"service_id": service_id})

    def list_slots(self, service_id: str, doctor_id: str | None = None) -> models.SlotList:
        return self._get(
            models.SlotList, "/slots", {"service_id": service_id, "doctor_id": doctor_id}
        )

    def start_visit(self, request: models.VisitRequest, *, key: str) -> models.VisitReply:
        return self._post(models.VisitReply, "/visits", request, key=key)

    def change_visit(
        self, visit_id: str, request: models.ChangeRequest, *, key: str
    ) -> models.VisitReply:
        return self._post(models.VisitReply, f"/visits/{visit_id}/change", request, key=key)

    def cancel_visit(
        self, visit_id: str, request: models.ScanIdRequest, *, key: str
    ) -> models.VisitReply:
        return self._post(models.VisitReply, f"/visits/{visit_id}/cancel", request, key=key)

    def reprint_ticket(
        self, visit_id: str, request: models.ScanIdRequest, *, key: str
    ) -> models.VisitReply:
        return self._post(models.VisitReply, f"/visits/{visit_id}/reprint", request, key=key)

    def return_to_line(
        self, visit_id: str, request: models.ScanIdRequest, *, key: str
    ) -> models.VisitReply:
        return self._post(models.VisitReply, f"/visits/{visit_id}/return", request, key=key)

    def report_print_state(
        self, visit_id: str, request: models.PrintStateRequest, *, key: str
    ) -> None:
        self._call("POST", f"/visits/{visit_id}/print-state", request, key=key)

    def report_device(self, request: models.DeviceEventRequest) -> None:
        self._call("POST", "/kiosks/device-events", request)

    def grant_offline_numbers(
        self, request: models.OfflineGrantRequest
    ) -> models.OfflineGrantReply:
        return self._post(models.OfflineGrantReply, "/kiosks/offline-grant", request)

    def hand_in_offline_numbers(
        self, request: models.OfflineNumbersRequest
    ) -> models.OfflineNumbersReply:
        return self._post(models.OfflineNumbersReply, "/kiosks/offline-numbers", request)

    def read_dues(self, request: pay.DuesRequest, *, key: str) -> pay.DuesReply:
        return self._pay(pay.DuesReply, "/dues", request, key)

    def start_payment(self, request: pay.PaymentRequest, *, key: str) -> pay.PaymentReply:
        return self._pay(pay.PaymentReply, "/payments", request, key)

    def find_payment_news(self, payment_id: str, version: int) -> pay.PaymentReply | None:
        body = self._call(
            "GET", f"/payments/{payment_id}?version={version}", timeout_s=self._times.news_s
        )
        return _parsed(pay.PaymentReply, body) if body else None

    def change_offer(
        self, payment_id: str, request: pay.OfferRequest, *, key: str
    ) -> pay.PaymentReply:
        return self._pay(pay.PaymentReply, f"/payments/{payment_id}/offer", request, key)

    def check_payment(self, payment_id: str, *, key: str) -> pay.PaymentReply:
        return self._pay(pay.PaymentReply, f"/payments/{payment_id}/check", None, key)

    def cancel_payment(
        self, payment_id: str, request: pay.CancelPaymentRequest, *, key: str
    ) -> pay.PaymentReply:
        return self._pay(pay.PaymentReply, f"/payments/{payment_id}/cancel", request, key)

    def report_receipt_print(
        self, payment_id: str, request: pay.ReceiptPrintRequest, *, key: str
    ) -> None:
        self._call("POST", f"/payments/{payment_id}/print-state", request, key=key)

    def take_cash_slip(self, request: pay.CashRequest, *, key: str) -> pay.CashReply:
        return self._pay(pay.CashReply, "/cash", request, key)

    def call_for_help(self, request: models.HelpCallRequest, *, key: str) -> models.HelpCallReply:
        return self._post(models.HelpCallReply, "/help-calls", request, key=key)

    def get_help_call(self, help_call_id: str) -> models.HelpCallReply:
        return self._get(models.HelpCallReply, f"/help-calls/{help_call_id}")

    def close(self) -> None:
        """Lets go of the connections; nothing is called afterwards."""
        for session in self._sessions:
            session.close()

    # --- calls with a credential ------------------------------------------------------------------

    def _get(self, shape: type[R], path: str, query: Mapping[str, str | None] | None = None) -> R:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return _parsed(shape, self._call("GET", f"{path}?{urlencode(given)}" if given else path))

    def _pay(self, shape: type[R], path: str, request: models.Wire | None, key: str) -> R:
        """A call that may come back with "the hospital" or "the bank is away" (ServerRefused)."""
        body = self._call(
            "POST", path, request, key=key, timeout_s=self._times.pay_s, told_away=_TOLD_AWAY
        )
        return _parsed(shape, body)

    def _post(
        self,
        shape: type[R],
        path: str,
        request: models.Wire,
        *,
        key: str | None = None,
        timeout_s: float | None = None,
    ) -> R:
        return _parsed(shape, self._call("POST", path, request, key=key, timeout_s=timeout_s))

    def _call(
        self,
        method: str,
        path: str,
        request: models.Wire | None = None,
        *,
        key: str | None = None,
        timeout_s: float | None = None,
        told_away: frozenset[str] = frozenset(),
    ) -> bytes:
        headers = {"Idempotency-Key": key} if key else {}
        token = self._token or self._enrol(None)
        for _ in range(2):
            headers["Authorization"] = f"Bearer {token}"
            reply = self._exchange(
                method, f"/api/v1{path}", request, headers=headers, timeout_s=timeout_s
            )
            if reply.status_code != requests.codes.unauthorized:
                return _checked(reply, told_away)
            token = self._enrol(token)
        raise CredentialRefused

    def _enrol(self, refused_token: str | None) -> str:
        """A credential other than the one refused. Raises CredentialRefused, ServerAway."""
        with self._enrolling:
            if self._token != refused_token and self._token is not None:
                return self._token  # another thread was quicker
            self._token = None
            if self._enrol_code is None:
                raise CredentialRefused
            request = models.EnrolRequest(code=self._enrol_code, name=self._name)
            reply = self._exchange("POST", "/api/v1/kiosks/enrol", request)
            try:
                enrolled = _parsed(models.EnrolReply, _checked(reply))
            except (ServerRefused, CredentialRefused) as error:
                # A code refused once is refused for ever: asking again would only be counted.
                if getattr(error, "problem_code", None) != "rate_limited":
                    self._enrol_code = None
                raise CredentialRefused from error
            self._token = enrolled.token
            try:
                self._credential.save(enrolled.token)
            except OSError as error:
                _log.warning("%s code=%s", KioskEvent.CREDENTIAL_NOT_KEPT, str(error.errno))
            _log.info("%s kiosk=%s", KioskEvent.ENROLLED, enrolled.kiosk_id)
            return enrolled.token

    # --- one exchange -------------------------------------------------------------------------------

    def _exchange(
        self,
        method: str,
        path: str,
        request: models.Wire | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> requests.Response:
        """The whole reply, some `timeout_s` later at most. Raises ServerAway."""
        read_s = timeout_s or self._times.read_s
        body = None if request is None else request.model_dump_json(exclude_none=True).encode()
        sent = {**(headers or {}), **({"Content-Type": "application/json"} if body else {})}
        begun_s = time.monotonic()
        try:
            reply = self._session.request(
                method,
                f"{self._url}{path}",
                data=body,
                headers=sent,
                timeout=(min(self._times.connect_s, read_s), read_s),
                allow_redirects=False,  # the credential goes to this server only
                stream=True,
                verify=self._verify,
            )
            self._read(reply, until_s=begun_s + self._times.connect_s + read_s)
        except (requests.RequestException, HTTPError, ValueError, OSError) as error:
            # Not chained: their texts hold addresses and parts of bodies.
            _log.debug("%s code=%s", KioskEvent.CALL_FAILED, type(error).__name__)
            raise ServerAway from None
        return reply

    def _read(self, reply: requests.Response, *, until_s: float) -> None:
        """Fills the reply's content. A server that drips or floods is as good as away."""
        pieces: list[bytes] = []
        size = 0
        with reply:
            # One read of the socket at a time: `iter_content` would wait for a whole block.
            while piece := reply.raw.read1(64 * 1024, decode_content=True):
                size += len(piece)
                if size > MAX_REPLY_BYTES or time.monotonic() > until_s:
                    raise ServerAway
                pieces.append(piece)
        # The documented way to keep a streamed body; `content` reads it from there.
        reply._content = b"".join(pieces)  # noqa: SLF001

    @property
    def _session(self) -> requests.Session:
        """One per thread: sessions are not made for several."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            # No proxy and no .netrc of the account: the latter would replace the credential.
            session.trust_env = False
            self._local.session = session
            self._sessions.append(session)
        return session


def _checked(reply: requests.Response, told_away: frozenset[str] = frozenset()) -> bytes:
    """The body of a good reply. Raises what the status means."""
    status = reply.status_code
    body: Any = reply.content
    if 200 <= status < 300:
        return bytes(body)
    away = status >= 500 or status in {408, 425}
    if away and not told_away:
        raise ServerAway
    try:
        problem = models.Problem.model_validate_json(body)
    except ValidationError:
        if away:
            raise ServerAway from None
        raise ReplyUnreadable from None
    if away and problem.code not in told_away:
        raise ServerAway
    if status == requests.codes.unauthorized:
        raise CredentialRefused
    raise ServerRefused(problem.code, problem.message_key)


def _parsed(shape: type[R], body: bytes) -> R:
    try:
        return shape.model_validate_json(body)
    except ValidationError:
        raise ReplyUnreadable from None
