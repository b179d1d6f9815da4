"""How we prove to the HIS who we are. Secrets are read from files when they are needed."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from collections.abc import Callable

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from his_adapter.errors import BrokenReply, GatewayMisconfigured, LoginFailed, Unavailable
from his_adapter.fhir_r4.config import (
    Auth,
    BackendServices,
    BasicAuth,
    ClientCredentials,
    NoAuth,
    TokenAuth,
    read_secret,
)

_EARLY_S = 30.0
"""A token is renewed so long before its end."""
_ASSERTION_LIVES_S = 240
_MAX_TOKEN_REPLY_BYTES = 100_000
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

Monotonic = Callable[[], float]


class Credentials:
    """Gives the Authorization header. One thread at a time asks for a new token."""

    def __init__(
        self,
        auth: Auth,
        session: requests.Session,
        *,
        timeout_s: tuple[float, float],
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._auth = auth
        self._session = session
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._header: str | None = None
        self._ends_at = float("inf")

    def header(self) -> str | None:
        """Raises LoginFailed, Unavailable, GatewayMisconfigured."""
        if isinstance(self._auth, NoAuth):
            return None
        with self._lock:
            if self._header is None or self._monotonic() >= self._ends_at:
                self._header = self._fetch()
            return self._header

    def refused(self, header: str | None) -> bool:
        """The HIS answered 401 to this header: forgets it. False when there is no other to try."""
        with self._lock:
            if isinstance(self._auth, NoAuth | BasicAuth):
                return False
            if self._header == header:
                self._header = None
            return True

    def _fetch(self) -> str:
        auth = self._auth
        if isinstance(auth, BasicAuth):
            pair = f"{auth.user}:{read_secret(auth.password_file)}"
            return "Basic " + base64.b64encode(pair.encode()).decode()
        if isinstance(auth, TokenAuth):
            return "Bearer " + read_secret(auth.token_file)
        form = {"grant_type": "client_credentials", "scope": getattr(auth, "scope", "")}
        if isinstance(auth, ClientCredentials):
            form |= {
                "client_id": auth.client_id,
                "client_secret": read_secret(auth.client_secret_file),
            }
            return self._token(auth.token_url, form)
        if isinstance(auth, BackendServices):
            form |= {
                "client_assertion_type": _ASSERTION_TYPE,
                "client_assertion": _assertion(auth),
            }
            return self._token(auth.token_url, form)
        raise GatewayMisconfigured("unknown kind of login")

    def _token(self, url: str, form: dict[str, str]) -> str:
        try:
            with self._session.post(
                url, data=form, timeout=self._timeout_s, allow_redirects=False, stream=True
            ) as response:
                if response.status_code >= 500 or response.status_code == 429:
                    raise Unavailable("no token now")
                if response.status_code != 200:
                    raise LoginFailed(f"no token: {response.status_code}")
                content = response.raw.read(_MAX_TOKEN_REPLY_BYTES, decode_content=True)
                untrusted = json.loads(content)
        except requests.RequestException as error:
            raise Unavailable(f"no token: {type(error).__name__}") from None
        except ValueError:
            raise BrokenReply("the token is no JSON") from None
        token = untrusted.get("access_token") if isinstance(untrusted, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise BrokenReply("no token in the reply")
        lives_s = untrusted.get("expires_in")
        lives_s = float(lives_s) if isinstance(lives_s, int | float) and lives_s > 0 else 300.0
        self._ends_at = self._monotonic() + max(1.0, lives_s - _EARLY_S)
        return f"Bearer {token}"


def _assertion(auth: BackendServices) -> str:
    pem = read_secret(auth.private_key_file)
    now = int(time.time())
    try:
        key_type = ECKey if auth.algorithm.startswith("ES") else RSAKey
        key = key_type.import_key(pem)
        return jwt.encode(
            {"alg": auth.algorithm, "kid": auth.key_id, "typ": "JWT"},
            {
                "iss": auth.client_id,
                "sub": auth.client_id,
                "aud": auth.token_url,
                "jti": str(uuid.uuid4()),
                "exp": now + _ASSERTION_LIVES_S,
                "iat": now,
            },
            key,
            algorithms=[auth.algorithm],
        )
    except (JoseError, ValueError):
        raise GatewayMisconfigured(f"{auth.private_key_file.name} is no such key") from None
