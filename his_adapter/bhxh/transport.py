"""One POST to the gateway within a hard time limit.

The gateway takes secrets in the address. So this goes over `http.client`, which writes no log and
puts no address into its errors, instead of a library that does both.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from his_adapter.errors import BrokenReply, GatewayMisconfigured

MAX_REPLY_BYTES = 2_000_000
_CHUNK = 65_536


class NotSent(Exception):
    """There was no connection: the gateway has seen nothing of this."""


class NoReply(Exception):
    """It was sent, wholly or in part, and no whole answer came."""


@dataclass(frozen=True, kw_only=True)
class HttpReply:
    status: int
    body: bytes = field(repr=False)


class Transport:
    def __init__(
        self, address: str, *, connect_timeout_s: float, ca_file: Path | None = None
    ) -> None:
        """Raises GatewayMisconfigured when `ca_file` cannot be used."""
        parts = urlsplit(address)
        self._host = parts.hostname or ""
        self._port = parts.port
        self._base = parts.path
        self._connect_timeout_s = connect_timeout_s
        self._tls: ssl.SSLContext | None = None
        if parts.scheme == "https":
            self._tls = ssl.create_default_context()
            if ca_file is not None:
                try:
                    self._tls.load_verify_locations(ca_file)
                except (OSError, ssl.SSLError):
                    raise GatewayMisconfigured("bhxh: ca_file cannot be used") from None

    def post(
        self,
        path: str,
        body: bytes,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> HttpReply:
        """Raises NotSent, NoReply, BrokenReply (too long), GatewayMisconfigured (certificate)."""
        give_up_at = time.monotonic() + timeout_s
        if timeout_s <= 0:
            raise NotSent("no time left to ask the insurer")
        connection = self._connect(min(self._connect_timeout_s, timeout_s))
        # Time limits of sockets start anew with each byte; a peer that drips must end too.
        raw: socket.socket = connection.sock
        raw.settimeout(max(0.05, give_up_at - time.monotonic()))
        watch = threading.Timer(give_up_at - time.monotonic(), _cut, [raw])
        watch.daemon = True
        watch.start()
        target = f"{self._base}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            connection.request("POST", target, body, dict(headers))
            response = connection.getresponse()
            return HttpReply(status=response.status, body=_read_bounded(response))
        except (OSError, http.client.HTTPException):
            # Without a cause: http.client quotes what the peer sent, which may name a person.
            raise NoReply("the insurer did not answer in time or broke off") from None
        finally:
            watch.cancel()
            connection.close()

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
        connection = (
            http.client.HTTPSConnection(
                self._host, self._port, timeout=timeout_s, context=self._tls
            )
            if self._tls is not None
            else http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        )
        try:
            connection.connect()
        except ssl.SSLCertVerificationError:
            connection.close()
            raise GatewayMisconfigured("the certificate of the insurer is not trusted") from None
        except OSError:
            connection.close()
            raise NotSent("the insurer cannot be reached") from None
        return connection


def _cut(raw: socket.socket) -> None:
    # The plain shutdown: that of a TLS socket would let its reader go on in the clear.
    with suppress(OSError):
        socket.socket.shutdown(raw, socket.SHUT_RDWR)


def _read_bounded(response: http.client.HTTPResponse) -> bytes:
    body = bytearray()
    while chunk := response.read1(_CHUNK):
        body += chunk
        if len(body) > MAX_REPLY_BYTES:
            raise BrokenReply("the answer of the insurer is too long")
    if response.length:
        raise http.client.IncompleteRead(b"")
    return bytes(body)
