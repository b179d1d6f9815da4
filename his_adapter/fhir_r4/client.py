"""A thin FHIR client: HTTP, versions, paging and errors, and nothing about hospitals.

Every reply is untrusted: its size is bounded while it arrives, its type and its JSON are checked,
links are followed only to the same server. Numbers of people travel in bodies (`POST _search`),
never in addresses, which end up in access logs.
"""

from __future__ import annotations

import json
import logging
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError as StreamError
from urllib3.exceptions import NewConnectionError

from his_adapter.errors import (
    BrokenReply,
    Duplicate,
    Forbidden,
    GatewayMisconfigured,
    HisError,
    InvalidData,
    LoginFailed,
    MultipleMatches,
    NotFound,
    NotSupported,
    OutcomeUnknown,
    Throttled,
    Unavailable,
    VersionConflict,
)
from his_adapter.events import HisEvent
from his_adapter.fhir_r4.auth import Credentials, Monotonic
from his_adapter.fhir_r4.config import FhirConfig

MAX_REPLY_BYTES = 10_000_000
_CHUNK_BYTES = 65_536
_JSON_TYPES = {"application/fhir+json", "application/json", "application/json+fhir"}
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_REFUSED_VI = "Hệ thống của bệnh viện không nhận dữ liệu này."

Resource = dict[str, Any]
Params = Sequence[tuple[str, str]]

_log = logging.getLogger(__name__)


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """`complete` is False when the server had more than was asked for."""

    matches: tuple[Resource, ...]
    included: tuple[Resource, ...]
    complete: bool


@dataclass(frozen=True, kw_only=True)
class Created:
    resource: Resource
    is_new: bool
    """False: the server had it already (conditional create)."""


@dataclass(frozen=True, kw_only=True)
class _Reply:
    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    sent_at: float
    received_at: float


class FhirClient:
    """Safe from several threads. Raises HisErrors only."""

    def __init__(
        self,
        config: FhirConfig,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._config = config
        self._clock = clock
        self._monotonic = monotonic
        self._session = requests.Session()
        # One retry only, before anything was sent; what was sent is for find_by_key to settle.
        adapter = HTTPAdapter(
            pool_connections=2, pool_maxsize=config.connections, pool_block=False, max_retries=0
        )
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._session.trust_env = False  # no proxy and no .netrc by accident
        self._verify: str | bool = str(config.ca_file) if config.ca_file else True
        self._session.verify = self._verify
        self._credentials = Credentials(
            config.auth,
            self._session,
            timeout_s=(config.connect_timeout_s, config.read_timeout_s),
            monotonic=monotonic,
        )
        self._lost = False
        self._lost_lock = threading.Lock()

    def close(self) -> None:
        self._session.close()

    # --- reads

    def read(self, kind: str, ref: str) -> Resource:
        """Raises NotFound; BrokenReply when another record came."""
        if not is_id(ref):
            raise NotFound(f"no such {kind}")
        resource = self._resource(self._send("GET", f"/{kind}/{ref}"), kind)
        if resource.get("id") != ref:
            raise BrokenReply(f"another {kind} came than was asked for")
        return resource

    def search(self, kind: str, params: Params, *, limit: int) -> SearchResult:
        """Up to `limit` matches, each once, in the order of the server."""
        asked = min(limit + 1, self._config.page_size)
        found = self._pages(kind, params, limit=limit, page_size=asked)
        if not found.complete and len(found.matches) == asked <= limit:
            # More by its own count, but no link to it: such a server gives all at once, or never.
            found = self._pages(kind, params, limit=limit, page_size=limit + 1)
        return found

    def _pages(self, kind: str, params: Params, *, limit: int, page_size: int) -> SearchResult:
        try:
            reply = self._send(
                "POST",
                f"/{kind}/_search",
                form=[*params, ("_count", str(page_size))],
                is_write=False,
            )
        except NotFound:  # nothing found is an empty page: what is missing is the search itself
            raise NotSupported(f"the HIS cannot search {kind}") from None
        matches: dict[tuple[str, str], Resource] = {}
        included: dict[tuple[str, str], Resource] = {}
        for page in range(self._config.max_pages):
            bundle = self._resource(reply, "Bundle")
            for resource, is_match in _entries(bundle):
                name = (str(resource.get("resourceType")), str(resource.get("id")))
                wanted = is_match and name[0] == kind
                (matches if wanted else included).setdefault(name, resource)
            following = self._next_link(bundle)
            if len(matches) > limit or following is None:
                found = tuple(matches.values())
                total = bundle.get("total") if page == 0 else None
                left_out = isinstance(total, int) and total > len(found)
                complete = len(found) <= limit and following is None and not left_out
                return SearchResult(
                    matches=found[:limit], included=tuple(included.values()), complete=complete
                )
            reply = self._send("GET", following)
        return SearchResult(
            matches=tuple(matches.values())[:limit],
            included=tuple(included.values()),
            complete=False,
        )

    def metadata(self) -> tuple[Resource, float, float | None]:
        """The CapabilityStatement, how long it took (ms), and the HIS's clock minus ours (s)."""
        reply = self._send("GET", "/metadata")
        statement = self._resource(reply, "CapabilityStatement")
        took_ms = (reply.received_at - reply.sent_at) * 1000
        return statement, took_ms, _clock_skew_s(reply.headers.get("Date"), self._clock())

    def document(
        self, url: str, media_type: str, *, max_bytes: int
    ) -> tuple[bytes, str, Resource | None]:
        """An attachment of this server: its bytes and their type, and the resource if it is one."""
        reply = self._send(
            "GET", self._own_path(url), accept=f"{media_type}, */*;q=0.1", max_bytes=max_bytes
        )
        told = _media_type(reply.headers)
        return reply.content, told, _json(reply) if told in _JSON_TYPES else None

    # --- writes

    def create(self, resource: Resource, *, key: str, if_none_exist: str | None = None) -> Created:
        headers = {} if if_none_exist is None else {"If-None-Exist": if_none_exist}
        kind = resource["resourceType"]
        reply = self._send("POST", f"/{kind}", body=resource, headers=headers, key=key)
        return Created(resource=self._stored(reply, kind), is_new=reply.status == 201)

    def update(self, resource: Resource, *, version: str | None, key: str) -> Resource:
        """Raises VersionConflict when the stored version is another."""
        headers = {} if version is None else {"If-Match": f'W/"{version}"'}
        kind = resource["resourceType"]
        path = f"/{kind}/{resource['id']}"
        reply = self._send("PUT", path, body=resource, headers=headers, key=key)
        return self._stored(reply, kind)

    def delete(self, kind: str, ref: str, *, key: str) -> None:
        self._send("DELETE", f"/{kind}/{ref}", key=key)

    def transaction(self, entries: Sequence[Resource], *, key: str) -> list[Resource]:
        """The entries of the answer; the first that failed is raised as its error."""
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
        reply = self._send("POST", "", body=bundle, key=key)
        answers = self._resource(reply, "Bundle").get("entry")
        if not isinstance(answers, list) or len(answers) != len(entries):
            raise BrokenReply("a transaction was answered in part")
        for answer in answers:
            told = answer.get("response") if isinstance(answer, dict) else None
            response = told if isinstance(told, dict) else {}
            status = str(response.get("status", ""))
            if not re.match(r"[1-5][0-9]{2}", status):
                raise BrokenReply("an entry of a transaction was not answered")
            if int(status[:3]) >= 400:
                _raise_for(int(status[:3]), response.get("outcome"), {}, key=key)
        return answers

    def operation(
        self, path: str, parameters: Resource, *, timeout_s: float | None = None
    ) -> Resource:
        """A question put by POST, which writes nothing."""
        reply = self._send("POST", path, body=parameters, is_write=False, timeout_s=timeout_s)
        return self._resource(reply, None)

    # --- the wire

    def _send(
        self,
        method: str,
        path: str,
        *,
        form: Params | None = None,
        body: Resource | None = None,
        headers: Mapping[str, str] | None = None,
        accept: str = "application/fhir+json",
        key: str = "",
        is_write: bool | None = None,
        timeout_s: float | None = None,
        max_bytes: int = MAX_REPLY_BYTES,
    ) -> _Reply:
        is_write = method != "GET" if is_write is None else is_write
        data: Any = None
        sent = {"Accept": accept, **(headers or {})}
        if form is not None:
            data = list(form)
        elif body is not None:
            try:
                data = json.dumps(body, ensure_ascii=False).encode()
            except UnicodeEncodeError:
                raise InvalidData("text", "Nội dung có ký tự không hợp lệ.") from None
            sent |= {
                "Content-Type": "application/fhir+json; charset=utf-8",
                "Prefer": "return=representation",
            }
        limit_s = timeout_s or (
            self._config.write_timeout_s if is_write else self._config.read_timeout_s
        )
        call = _Call(
            method=method,
            url=self._config.base_url + path,
            data=data,
            is_write=is_write,
            key=key,
            limit_s=limit_s,
            max_bytes=max_bytes,
        )
        reply = self._with_login(call, sent)
        if reply.status >= 300:
            _raise_for(reply.status, _outcome(reply), reply.headers, key=key if is_write else "")
        return reply

    def _with_login(self, call: _Call, headers: dict[str, str]) -> _Reply:
        """One new token and one more try after a 401: nothing was done by a call without login."""
        authorization = self._credentials.header()
        reply = self._exchange(call, headers, authorization)
        if reply.status == 401 and self._credentials.refused(authorization):
            reply = self._exchange(call, headers, self._credentials.header())
        return reply

    def _exchange(self, call: _Call, headers: dict[str, str], authorization: str | None) -> _Reply:
        if authorization is not None:
            headers = {**headers, "Authorization": authorization}
        try:
            try:
                reply = self._once(call, headers)
            except requests.ConnectionError as error:
                # A kept connection may have been closed under our feet; reading twice is harmless.
                if call.is_write or isinstance(
                    error, requests.Timeout | requests.exceptions.SSLError
                ):
                    raise
                reply = self._once(call, headers)
        except requests.exceptions.SSLError as error:
            self._went_away()
            if _never_connected(error) or _is_about_certificates(error):
                raise GatewayMisconfigured("no trusted TLS connection to the HIS") from None
            raise _lost_answer(call, error) from None
        except requests.RequestException as error:
            self._went_away()
            raise _lost_answer(call, error) from None
        except (StreamError, OSError) as error:
            self._went_away()
            raise _lost_answer(call, error) from None
        if reply.status < 500:
            self._is_back()
        return reply

    def _once(self, call: _Call, headers: Mapping[str, str]) -> _Reply:
        started = self._monotonic()
        with self._session.request(
            call.method,
            call.url,
            data=call.data,
            headers=headers,
            timeout=(self._config.connect_timeout_s, call.limit_s),
            allow_redirects=False,
            stream=True,
            verify=self._verify,
        ) as response:
            content = bytearray()
            while True:
                chunk = response.raw.read1(_CHUNK_BYTES, decode_content=True)
                if not chunk:
                    break
                content += chunk
                if len(content) > call.max_bytes:
                    if call.is_write:
                        raise OutcomeUnknown("the answer is too large", key=call.key)
                    raise BrokenReply("the reply is too large")
                if self._monotonic() - started > call.limit_s:
                    raise requests.ReadTimeout
            return _Reply(
                status=response.status_code,
                headers=response.headers,
                content=bytes(content),
                sent_at=started,
                received_at=self._monotonic(),
            )

    def _resource(self, reply: _Reply, kind: str | None) -> Resource:
        resource = _json(reply)
        found = resource.get("resourceType")
        if not isinstance(found, str) or (kind is not None and found != kind):
            raise BrokenReply(f"no {kind or 'resource'} came")
        return resource

    def _stored(self, reply: _Reply, kind: str) -> Resource:
        """What a write left, from its answer or, when that is empty, read from where it is."""
        if reply.content.strip():
            resource = self._resource(reply, kind)
            if is_id(str(resource.get("id", ""))):
                return resource
        location = reply.headers.get("Location", "")
        match = re.search(rf"(?:^|/){kind}/([A-Za-z0-9\-.]{{1,64}})(?:/_history/|$)", location)
        if match is None:
            raise BrokenReply(f"the {kind} was stored nobody knows where")
        return self.read(kind, match[1])

    def _next_link(self, bundle: Resource) -> str | None:
        for link in _list(bundle.get("link")):
            if isinstance(link, dict) and link.get("relation") == "next":
                return self._own_path(str(link.get("url", "")))
        return None

    def _own_path(self, untrusted_url: str) -> str:
        """The path below our base: a token must not be sent to whoever a reply names."""
        base = self._config.base_url
        url = urljoin(f"{base}/", untrusted_url)
        if urlsplit(url)[:2] != urlsplit(base)[:2] or not url.startswith(base):
            raise BrokenReply("a link leads to another server")
        path = url.removeprefix(base)
        if not path.startswith(("/", "?")) or "/../" in path:
            raise BrokenReply("a link leads elsewhere")
        return path

    # --- coming and going

    def _went_away(self) -> None:
        with self._lost_lock:
            first, self._lost = not self._lost, True
        if first:
            _log.warning(HisEvent.HIS_LOST, extra={"adapter": "fhir_r4"})

    def _is_back(self) -> None:
        if not self._lost:
            return
        with self._lost_lock:
            first, self._lost = self._lost, False
        if first:
            _log.warning(HisEvent.HIS_RETURNED, extra={"adapter": "fhir_r4"})


@dataclass(frozen=True, kw_only=True, repr=False)
class _Call:
    method: str
    url: str
    data: Any
    is_write: bool
    key: str
    limit_s: float
    max_bytes: int


def _lost_answer(call: _Call, error: Exception) -> HisError:
    name = type(error).__name__
    if not call.is_write or _never_connected(error):
        return Unavailable(f"the HIS does not answer: {name}")
    return OutcomeUnknown(f"no answer to a write: {name}", key=call.key)


def _never_connected(error: BaseException) -> bool:
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.InvalidURL):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, NewConnectionError | ssl.SSLError)


def _is_about_certificates(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _json(reply: _Reply) -> Resource:
    if _media_type(reply.headers) not in _JSON_TYPES:
        raise BrokenReply("the reply is no FHIR JSON")
    try:
        # Decimal keeps the digits of a result as the laboratory wrote them.
        untrusted = json.loads(reply.content, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BrokenReply("the reply is no JSON") from None
    if not isinstance(untrusted, dict):
        raise BrokenReply("the reply is no object")
    return untrusted


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower()


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _entries(bundle: Resource) -> list[tuple[Resource, bool]]:
    """Resources of a search with whether each is a match."""
    found = []
    for entry in _list(bundle.get("entry")):
        if not isinstance(entry, dict) or not isinstance(entry.get("resource"), dict):
            raise BrokenReply("an entry holds nothing")
        search = entry.get("search")
        mode = search.get("mode", "match") if isinstance(search, dict) else "match"
        if not is_id(str(entry["resource"].get("id", ""))):
            if mode == "outcome" or entry["resource"].get("resourceType") == "OperationOutcome":
                continue
            raise BrokenReply("a record without an id")
        found.append((entry["resource"], mode == "match"))
    return found


def _outcome(reply: _Reply) -> object:
    try:
        return _json(reply)
    except BrokenReply:
        return None


def _issue(outcome: object) -> tuple[str, str]:
    """Code and place of the first issue; its text may name a person and is dropped."""
    issues = _list(outcome.get("issue")) if isinstance(outcome, dict) else []
    for issue in issues:
        if isinstance(issue, dict):
            places = _list(issue.get("expression"))
            place = str(places[0])[:80] if places else ""
            place = place if re.fullmatch(r"[A-Za-z0-9.\[\]]+", place) else ""
            return str(issue.get("code", ""))[:40], place
    return "", ""


_BY_CODE: dict[str, Callable[[str], HisError]] = {
    "not-found": lambda _: NotFound("the HIS has no such record"),
    "deleted": lambda _: NotFound("the record is gone"),
    "multiple-matches": lambda _: MultipleMatches("several records fit"),
    "conflict": lambda _: VersionConflict("the record changed"),
    "duplicate": lambda _: Duplicate("the HIS has it already", existing=""),
    "forbidden": lambda _: Forbidden("the HIS forbids it"),
    "login": lambda _: LoginFailed("the HIS does not know us"),
    "not-supported": lambda _: NotSupported("the HIS cannot do that"),
    "throttled": lambda _: Throttled("the HIS asks us to wait"),
    "transient": lambda _: Unavailable("the HIS cannot now"),
    "business-rule": lambda place: InvalidData(place or "record", _REFUSED_VI),
    "invalid": lambda place: InvalidData(place or "record", _REFUSED_VI),
}


def _raise_for(status: int, outcome: object, headers: Mapping[str, str], *, key: str) -> NoReturn:
    """`key` names the write; empty for a read."""
    code, place = _issue(outcome)
    wait_s = _retry_after_s(headers.get("Retry-After"))
    if status == 401:
        raise LoginFailed("the HIS does not know us")
    if status == 429:
        raise Throttled("the HIS asks us to wait", retry_after_s=wait_s)
    if status in {503, 425}:
        raise Unavailable(f"status {status}", retry_after_s=wait_s)
    if status >= 500 or status == 408:
        if status == 501:
            raise NotSupported("the HIS cannot do that")
        if key:
            raise OutcomeUnknown(f"status {status} to a write", key=key)
        raise Unavailable(f"status {status}", retry_after_s=wait_s)
    if status == 403:
        raise Forbidden("the HIS forbids it")
    if status in {404, 410}:
        raise NotFound("the HIS has no such record")
    if status == 412 and code == "multiple-matches":
        raise MultipleMatches("several records fit")
    if status in {409, 412}:
        if code == "duplicate":
            raise Duplicate("the HIS has it already", existing="")
        raise VersionConflict("the record changed")
    if status == 405:
        raise NotSupported("the HIS cannot do that")
    if status in {400, 422}:
        raise _BY_CODE.get(code, _BY_CODE["invalid"])(place)
    raise BrokenReply(f"status {status}")


def _retry_after_s(untrusted: str | None) -> float | None:
    if untrusted is not None and untrusted.isdigit() and len(untrusted) <= 5:
        return float(untrusted)
    return None


def _clock_skew_s(untrusted_date: str | None, now: datetime) -> float | None:
    if untrusted_date is None:
        return None
    try:
        told = parsedate_to_datetime(untrusted_date)
    except ValueError:
        return None
    if told.tzinfo is None:
        return None
    # Whole seconds are told: on average half a second has passed.
    skew_s = told.timestamp() + 0.5 - now.timestamp()
    return 0.0 if abs(skew_s) <= 1.0 else skew_s
