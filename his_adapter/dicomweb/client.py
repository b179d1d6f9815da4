"""HTTP to the archive: bounded answers, one time limit for each, foreign errors mapped once.

Only reads, so whatever fails has done nothing: Unavailable. A certificate that is not trusted is a
matter of the settings and never skipped. Patient numbers stand in the query, as QIDO-RS wants it;
the log of the archive keeps them, ours does not.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter

from his_adapter.dicomweb.config import DicomwebConfig
from his_adapter.errors import (
    BrokenReply,
    Forbidden,
    GatewayMisconfigured,
    HisError,
    LoginFailed,
    NotFound,
    Throttled,
    Unavailable,
)
from his_adapter.events import HisEvent
from his_adapter.models import MAX_PART_BYTES

_CHUNK_BYTES = 65_536
_POOL = 8
_JSON = "application/dicom+json"
PICTURE_TYPES: Mapping[str, bytes] = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
}

# Pairs, because a field to include is named once for each: Orthanc 1.10 takes no list with commas
# there, and no percent sign for the comma of a viewport.
Query = Sequence[tuple[str, str | int]]

_log = logging.getLogger(__name__)


class DicomwebClient:
    """Safe from several threads."""

    def __init__(self, config: DicomwebConfig) -> None:
        self._config = config
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(config.ca_file) if config.ca_file else True
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=_POOL, max_retries=0))
        if config.username is not None:
            self._session.auth = (config.username, config.password() or "")
        if (token := config.token()) is not None:
            self._session.headers["Authorization"] = f"Bearer {token}"
        self._lost = False
        self._lock = threading.Lock()

    def close(self) -> None:
        self._session.close()

    def find(self, path: str, query: Query) -> list[dict[str, Any]]:
        """Datasets of a QIDO-RS search; none is an empty list. Raises HisError."""
        kind, content = self._get(path, query, accept=_JSON)
        if not content:
            return []
        if kind not in {_JSON, "application/json"}:
            raise BrokenReply("a search gave no JSON")
        try:
            untrusted = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise BrokenReply("a search gave no JSON") from error
        if not isinstance(untrusted, list) or not all(isinstance(item, dict) for item in untrusted):
            raise BrokenReply("a search gave no list of datasets")
        return untrusted

    def picture(self, path: str, *, size_px: int) -> tuple[str, bytes]:
        """A rendered picture and its media type, JPEG or PNG. Raises HisError."""
        query = [("viewport", f"{size_px},{size_px}")]
        kind, content = self._get(path, query, accept="image/jpeg")
        if kind not in PICTURE_TYPES or not content.startswith(PICTURE_TYPES[kind]):
            raise BrokenReply("the rendered picture is neither JPEG nor PNG")
        return kind, content

    def ping(self) -> float:
        """Milliseconds for a search that finds one study or none."""
        started = time.monotonic()
        self.find("studies", [("limit", 1)])
        return (time.monotonic() - started) * 1000

    def _get(self, path: str, query: Query, *, accept: str) -> tuple[str, bytes]:
        give_up_at = time.monotonic() + self._config.read_timeout_s
        try:
            with self._session.get(
                f"{self._config.base_url}/{path}?{urlencode(query, safe=',')}",
                headers={"Accept": accept},
                timeout=(self._config.connect_timeout_s, self._config.read_timeout_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                _raise_for(response)
                content = _bounded(response, give_up_at)
        except requests.exceptions.SSLError as error:
            raise GatewayMisconfigured("the certificate of the archive is not trusted") from error
        except requests.exceptions.RequestException as error:
            self._note(lost=True)
            raise Unavailable("the archive does not answer", retry_after_s=1) from error
        except HisError:
            self._note(lost=False)  # it answered
            raise
        self._note(lost=False)
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return kind, content

    def _note(self, *, lost: bool) -> None:
        with self._lock:
            changed, self._lost = self._lost != lost, lost
        if changed:
            event = HisEvent.HIS_LOST if lost else HisEvent.HIS_RETURNED
            _log.warning(event, extra={"adapter": "dicomweb"})


def _raise_for(response: requests.Response) -> None:
    status = response.status_code
    if status in {200, 204}:
        return
    if status == 401:
        raise LoginFailed("the archive does not let us in")
    if status == 403:
        raise Forbidden("the archive refuses this")
    if status in {404, 410}:
        raise NotFound("the archive has no such thing")
    if status == 429:
        raise Throttled("the archive wants fewer questions")
    if status >= 500:
        raise Unavailable(f"the archive answers {status}", retry_after_s=1)
    raise BrokenReply(f"the archive answers {status}")


def _bounded(response: requests.Response, give_up_at: float) -> bytes:
    content = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        content += chunk
        if len(content) > MAX_PART_BYTES:
            raise BrokenReply("the answer is too large")
        if time.monotonic() > give_up_at:
            raise Unavailable("the answer goes on too long")
    return bytes(content)
