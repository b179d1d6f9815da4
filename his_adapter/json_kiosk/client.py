"""Signed HTTP calls: one request, one envelope, every failure an error of `his_adapter.errors`.

| What comes back                              | A read raises | A write raises             |
|----------------------------------------------|---------------|----------------------------|
| no connection                                | Unavailable   | Unavailable                |
| no answer in time, cut off, HTML, bad JSON   | Unavailable / | OutcomeUnknown             |
|                                              | BrokenReply   |                            |
| HTTP 5xx without an envelope                 | Unavailable   | OutcomeUnknown             |
| HTTP 401, 403, 429 without an envelope       | LoginFailed, Forbidden, Throttled          |
| `code` 404                                   | NotFound                                   |
| `code` 999 with LOI                          | the error it names                         |
| `code` 999 alone                             | Unavailable   | InvalidData: refused       |

The HTTP status is not described, so an envelope counts more than the status. A certificate that is
not trusted is a matter of the settings and never skipped. A refused signature is tried once more
with a new time: the request may have lain in a queue. A read that met a closed connection is made
once more; a write never.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NoReturn
from urllib.parse import urlencode

import requests
import urllib3
from requests.adapters import HTTPAdapter

from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    Forbidden,
    GatewayMisconfigured,
    HisError,
    InvalidData,
    KeyReused,
    LoginFailed,
    MultipleMatches,
    NotFound,
    NotSupported,
    OutcomeUnknown,
    SlotTaken,
    Throttled,
    Unavailable,
    VersionConflict,
)
from his_adapter.events import HisEvent
from his_adapter.json_kiosk.config import JsonKioskSettings
from his_adapter.json_kiosk.contract import (
    ENDPOINTS,
    KEY_FIELD,
    MERCHANT_HEADER,
    PAGE_PARAMETER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    Call,
)
from his_adapter.json_kiosk.shapes import as_list
from his_adapter.json_kiosk.signing import epoch_ms, request_text, sign

MAX_REPLY_BYTES = 10_000_000
_CHUNK_BYTES = 65_536
_POOL = 32
_MAX_MESSAGE = 200
_REFUSED = "Hệ thống bệnh viện không nhận yêu cầu này."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, repr=False)
class Reply:
    """What an envelope held. `pages` counts pages, as `count` does in the description."""

    untrusted_data: Any
    pages: int
    server_time: datetime | None


class _Unreadable(Exception):
    """An answer came, and it is no envelope; `status` is that of HTTP."""

    def __init__(self, status: int, cause: str) -> None:
        super().__init__(cause)
        self.status = status


class _SignatureRefused(Exception):
    """Wrong, or too old when it arrived."""


class _Failed(Exception):
    """`code` 999 and nothing more."""


_BY_CODE: dict[str, type[HisError]] = {
    each.code: each
    for each in (
        NotFound,
        MultipleMatches,
        VersionConflict,
        SlotTaken,
        KeyReused,
        Forbidden,
        NotSupported,
        Throttled,
        Unavailable,
    )
}


class JsonClient:
    """Safe from several threads."""

    def __init__(self, settings: JsonKioskSettings, *, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._secret = settings.read_secret()
        self._clock = clock
        self._theirs = settings.fields
        self._ours = {theirs: ours for ours, theirs in settings.fields.items()}
        self._reader = _open_session(settings)
        self._lost = False
        self._lock = threading.Lock()

    def close(self) -> None:
        self._reader.close()

    def get(
        self, call: Call, query: Mapping[str, Any] | None = None, *, timeout_s: float | None = None
    ) -> Reply:
        """Raises HisError. Parameters that are None are left out."""
        return self._call(call, query or {}, None, key=None, timeout_s=timeout_s)

    def get_all(self, call: Call, query: Mapping[str, Any] | None = None) -> list[Any]:
        """The items of all pages. Raises HisError."""
        reply = self.get(call, query)
        items = list(as_list(reply.untrusted_data))
        if reply.pages > self._settings.max_pages:
            raise BrokenReply("more pages than are read")
        for page in range(2, reply.pages + 1):
            more = self.get(call, {**(query or {}), PAGE_PARAMETER: page})
            items += as_list(more.untrusted_data)
        return items

    def write(self, call: Call, body: Mapping[str, Any], *, key: str) -> Reply:
        """Raises HisError; OutcomeUnknown when it may or may not have been done."""
        return self._call(call, {}, {**body, KEY_FIELD: key}, key=key, timeout_s=None)

    # --- one call

    def _call(
        self,
        call: Call,
        query: Mapping[str, Any],
        body: Mapping[str, Any] | None,
        *,
        key: str | None,
        timeout_s: float | None,
    ) -> Reply:
        usual = self._settings.read_timeout_s if key is None else self._settings.write_timeout_s
        give_up_at = time.monotonic() + (timeout_s or usual)
        try:
            try:
                reply = self._send(call, query, body, give_up_at)
            except _SignatureRefused:
                reply = self._send(call, query, body, give_up_at)
            except requests.exceptions.ConnectionError as error:
                # A read may be made again, when it met a connection that had lain idle too long.
                if body is not None or not _was_idle(error):
                    raise
                reply = self._send(call, query, body, give_up_at)
        except _SignatureRefused as error:
            raise LoginFailed("the signature is refused") from error
        except _Failed as error:
            self._note(lost=False)
            if key is not None:
                raise InvalidData("request", _REFUSED) from error
            raise Unavailable("the HIS failed and says no more") from error
        except HisError:
            self._note(lost=False)  # it answered
            raise
        except requests.exceptions.SSLError as error:
            raise GatewayMisconfigured("the certificate of the HIS is not trusted") from error
        except (requests.exceptions.ConnectTimeout, requests.exceptions.ConnectionError) as error:
            self._note(lost=True)
            self._raise_lost(error, key=key)
        except requests.exceptions.RequestException as error:
            self._note(lost=True)
            if key is not None:
                raise OutcomeUnknown("no answer to a write", key=key) from error
            raise Unavailable("no answer in time") from error
        except _Unreadable as error:
            self._raise_unreadable(error, key=key)
        self._note(lost=False)
        return reply

    def _send(
        self,
        call: Call,
        query: Mapping[str, Any],
        body: Mapping[str, Any] | None,
        give_up_at: float,
    ) -> Reply:
        try:
            asked = {
                name: value
                for name, value in _outgoing(query, self._theirs).items()
                if value is not None
            }
            sent = _outgoing(body, self._theirs)
            content = b"" if body is None else json.dumps(sent, ensure_ascii=False).encode()
            headers = self._headers(call, asked if body is None else sent, content)
            parameters = urlencode(asked)
        except UnicodeEncodeError as error:
            raise InvalidData("text", "Nội dung có ký tự không hợp lệ.") from error
        left_s = max(0.05, give_up_at - time.monotonic())
        url = self._settings.base_url + self._settings.path_of(call)
        # A connection that lay idle may be closed by the other side just as a write goes out, and
        # then nobody knows whether it was done: each write has a connection of its own.
        if body is not None:
            headers["Connection"] = "close"
        session = self._reader if body is None else _open_session(self._settings)
        with (
            nullcontext() if body is None else session,
            session.request(
                ENDPOINTS[call].method,
                f"{url}?{parameters}" if parameters else url,
                data=content or None,
                headers=headers,
                timeout=(min(self._settings.connect_timeout_s, left_s), left_s),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            return self._read(response, give_up_at)

    def _headers(self, call: Call, parameters: Mapping[str, Any], content: bytes) -> dict[str, str]:
        timestamp = epoch_ms(self._clock())
        text = request_text(
            [self._theirs.get(name, name) for name in self._settings.signed_of(call)],
            merchant_id=self._settings.merchant_id,
            timestamp=timestamp,
            parameters=parameters,
            body=content,
        )
        return {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            MERCHANT_HEADER: self._settings.merchant_id,
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: sign(self._secret, text),
        }

    def _read(self, response: requests.Response, give_up_at: float) -> Reply:
        content = bytearray()
        while chunk := _read_some(response):
            content += chunk
            if len(content) > MAX_REPLY_BYTES:
                raise _Unreadable(response.status_code, "the reply is too large")
            if time.monotonic() > give_up_at:
                raise requests.exceptions.ReadTimeout("the reply goes on too long")
        told = response.headers.get("Content-Length", "")
        if told.isdigit() and int(told) != len(content):
            raise requests.exceptions.ChunkedEncodingError("the reply was cut off")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise _Unreadable(response.status_code, "the reply is packed, which was not asked for")
        kind = response.headers.get("Content-Type", "application/json").partition(";")[0].strip()
        if not (kind.endswith(("json", "/plain", "+json")) or kind == ""):
            raise _Unreadable(response.status_code, "the reply is no JSON")
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise _Unreadable(response.status_code, "the reply is no JSON") from error
        if not isinstance(document, dict) or not isinstance(document.get("code"), str | int):
            raise _Unreadable(response.status_code, "the reply is no envelope")
        return self._open(_rename(document, self._ours), response)

    def _open(self, envelope: Mapping[str, Any], response: requests.Response) -> Reply:
        code = str(envelope["code"])
        if code in self._settings.ok_codes:
            pages = envelope.get("count")
            is_paged = "page" in envelope and isinstance(pages, int) and pages > 1
            return Reply(
                untrusted_data=envelope.get("data"),
                pages=pages if is_paged and isinstance(pages, int) else 1,
                server_time=_server_time(response),
            )
        if code in self._settings.not_found_codes:
            raise NotFound("the HIS has no such record")
        fault = envelope.get("LOI")
        if isinstance(fault, dict):
            raise _named_error(fault)
        if response.status_code == requests.codes.unauthorized:
            raise _SignatureRefused
        raise _Failed

    def _raise_lost(self, error: Exception, *, key: str | None) -> NoReturn:
        """No connection was made: nothing was done. One that broke later is another matter."""
        if key is not None and not _never_connected(error):
            raise OutcomeUnknown("the connection broke after a write", key=key) from error
        raise Unavailable("the HIS cannot be reached") from error

    def _raise_unreadable(self, error: _Unreadable, *, key: str | None) -> NoReturn:
        self._note(lost=False)
        if error.status == requests.codes.unauthorized:
            raise LoginFailed("the HIS refuses us") from error
        if error.status == requests.codes.forbidden:
            raise Forbidden("the HIS refuses us") from error
        if error.status == requests.codes.too_many_requests:
            raise Throttled("too many calls") from error
        if key is not None:
            raise OutcomeUnknown(str(error), key=key) from error
        if error.status >= requests.codes.internal_server_error:
            raise Unavailable("the HIS or a proxy before it failed") from error
        raise BrokenReply(str(error)) from error

    def _note(self, *, lost: bool) -> None:
        """Logged once when it goes away and once on its return."""
        with self._lock:
            changed, self._lost = self._lost != lost, lost
        if changed:
            event = HisEvent.HIS_LOST if lost else HisEvent.HIS_RETURNED
            _log.warning(event, extra={"adapter": "json_kiosk"})


def _open_session(settings: JsonKioskSettings) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(settings.ca_file) if settings.ca_file else True
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=_POOL, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _read_some(response: requests.Response) -> bytes:
    """What has arrived, waiting for one byte at least: a HIS that drips must not hold us up."""
    try:
        some: bytes = response.raw.read1(_CHUNK_BYTES)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.exceptions.ReadTimeout("no more came") from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError("the reply was cut off") from error
    return some


def _named_error(fault: Mapping[str, Any]) -> Exception:
    kind = str(fault.get("LOAI", ""))[:40]
    field = str(fault.get("TRUONG") or "request")[:80]
    existing = str(fault.get("THAM_CHIEU") or "")[:120]
    message = unicodedata.normalize("NFC", str(fault.get("THONG_BAO") or _REFUSED))[:_MAX_MESSAGE]
    if kind == LoginFailed.code:
        return _SignatureRefused()
    if kind == Duplicate.code:
        return Duplicate("the HIS has it already", existing=existing)
    if kind in _BY_CODE:
        return _BY_CODE[kind](f"the HIS says {kind}")
    return InvalidData(field, message)


def _never_connected(error: Exception) -> bool:
    """True for refused, unknown or unreachable hosts, False once bytes may have gone out."""
    seen: BaseException | None = error
    while seen is not None:
        if type(seen).__name__ in {
            "NewConnectionError",
            "ConnectTimeoutError",
            "NameResolutionError",
            "ConnectTimeout",
        }:
            return True
        reason = getattr(seen, "reason", None) or next(
            (a for a in seen.args if isinstance(a, BaseException)), None
        )
        seen = reason if isinstance(reason, BaseException) else None
    return False


def _was_idle(error: Exception) -> bool:
    """Closed before a byte of an answer: what an idle connection of the pool ends with."""
    is_tls = isinstance(error, requests.exceptions.SSLError)
    is_slow = isinstance(error, requests.exceptions.Timeout)
    return not (is_tls or is_slow or _never_connected(error))


def _server_time(response: requests.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return None


def _outgoing(document: Any, names: Mapping[str, str]) -> Any:
    """As the vendor spells it, all texts NFC."""
    if isinstance(document, Mapping):
        return {names.get(key, key): _outgoing(value, names) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [_outgoing(each, names) for each in document]
    return unicodedata.normalize("NFC", document) if isinstance(document, str) else document


def _rename(document: Any, names: Mapping[str, str]) -> Any:
    """Keys of all levels under other names."""
    if not names:
        return document
    if isinstance(document, Mapping):
        return {names.get(key, key): _rename(value, names) for key, value in document.items()}
    if isinstance(document, list):
        return [_rename(each, names) for each in document]
    return document
