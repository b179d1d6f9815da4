"""How every provider is spoken to: one session, bounded times and sizes, our own errors.

A thin layer over requests: connect 2 s, answer 10 s unless a provider asks for more; at most
1 MB is read of an answer; redirects are not followed; TLS errors are never passed over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from payments.errors import (
    BrokenReply,
    OutcomeUnknown,
    ProviderMisconfigured,
    Throttled,
    Unavailable,
)

MAX_REPLY_BYTES = 1_000_000
CONNECT_S = 2.0
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_NOTHING_DONE = frozenset({429, 502, 503})


@dataclass(frozen=True, kw_only=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    untrusted_body: bytes

    def read_json(self) -> dict[str, Any]:
        """Raises BrokenReply for anything but a JSON object."""
        try:
            content = json.loads(self.untrusted_body)
        except (ValueError, RecursionError) as error:
            raise BrokenReply("the reply is not JSON") from error
        if not isinstance(content, dict):
            raise BrokenReply("the reply is not a JSON object")
        return content


class HttpClient:
    """Safe to call from several threads: a session keeps one pool of connections."""

    def __init__(self, base_url: str, *, read_s: float = 10.0, ca_file: str | None = None) -> None:
        self._base_url = check_address(base_url)
        self._time_out = (CONNECT_S, read_s)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("https://", HTTPAdapter(pool_maxsize=16))
        self._session.mount("http://", HTTPAdapter(pool_maxsize=16))
        if ca_file is not None:
            if not Path(ca_file).is_file():
                raise ProviderMisconfigured("ca_file is no file")
            self._session.verify = ca_file

    def ask(
        self,
        method: str,
        path: str,
        *,
        writes: bool,
        json_body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        query: Mapping[str, str] | str | None = None,
        headers: Mapping[str, str] | None = None,
        most_bytes: int = MAX_REPLY_BYTES,
    ) -> Reply:
        """One request. `writes`: without an answer it may have been done all the same.
        `most_bytes`: more for an answer that is long by nature, such as a day's file.

        Raises Unavailable (not reached, 502, 503), Throttled (429), OutcomeUnknown (any other 5xx
        included), BrokenReply.
        """
        try:
            with self._session.request(
                method,
                self._base_url + path,
                params=query,
                json=json_body,
                data=form if body is None else body,
                headers=dict(headers or {}),
                timeout=self._time_out,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = _read(response.raw, self._time_out[1], most_bytes)
        except (requests.exceptions.SSLError, requests.exceptions.ConnectTimeout) as error:
            raise Unavailable("not reached") from error
        except requests.exceptions.ConnectionError as error:
            raise _lost(error, writes=writes) from error
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            OSError,
        ) as error:
            raise OutcomeUnknown("no answer") if writes else Unavailable("no answer") from error
        if len(content) > most_bytes:
            raise BrokenReply("the reply is too large")
        if response.status_code == 429:
            raise Throttled("too many requests", retry_after_s=_seconds(response.headers))
        if response.status_code in _NOTHING_DONE:
            raise Unavailable(f"status {response.status_code}")
        if response.status_code >= 500:
            said = f"status {response.status_code}"
            raise OutcomeUnknown(said) if writes else Unavailable(said)
        return Reply(
            status=response.status_code, headers=dict(response.headers), untrusted_body=content
        )

    def close(self) -> None:
        self._session.close()


def check_address(address: str) -> str:
    """Without its last slash. Raises ProviderMisconfigured for anything but https (loopback: http)."""
    parts = urlsplit(address)
    is_near = parts.scheme == "http" and parts.hostname in LOOPBACK
    if not (parts.scheme == "https" or is_near) or not parts.hostname or parts.username:
        raise ProviderMisconfigured("an address takes https and no account")
    return address.rstrip("/")


def _read(raw: urllib3.BaseHTTPResponse, at_most_s: float, most_bytes: int) -> bytes:
    """A byte more than is allowed at most. Raises TimeoutError for a peer that drips."""
    ends = time.monotonic() + at_most_s
    content = bytearray()
    while len(content) <= most_bytes:
        part = raw.read1(most_bytes + 1 - len(content), decode_content=True)
        if not part:
            break
        content += part
        if time.monotonic() > ends:
            raise TimeoutError("the reply takes too long")
    return bytes(content)


def _lost(error: requests.exceptions.ConnectionError, *, writes: bool) -> Exception:
    """A connection that was never made did nothing; one that broke may have."""
    cause = repr(error)
    if "NewConnectionError" in cause or "NameResolutionError" in cause or not writes:
        return Unavailable("not reached")
    return OutcomeUnknown("the connection broke")


def _seconds(headers: Mapping[str, str]) -> float | None:
    text = headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
