"""How a webhook shows that it comes from SePay: four ways, one of which signs what it says."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import parse_qs

from payments.errors import BadSignature, StaleCallback
from payments.secrets import Secret
from payments.signatures import check_signature, check_window, hmac_hex

TIMESTAMP_HEADER = "x-sepay-timestamp"
SIGNATURE_HEADER = "x-sepay-signature"
TOKEN_LIFETIME = timedelta(minutes=5)


def sign(secret: Secret, timestamp: str, body: bytes) -> str:
    """`sha256=` and the HMAC-SHA256 over `timestamp.body`."""
    text = timestamp.encode() + b"." + body
    return "sha256=" + hmac_hex("sha256", secret.reveal_bytes(), text)


def check_hmac(
    headers: Mapping[str, str], body: bytes, secret: Secret, received_at: datetime
) -> datetime:
    """When it was signed. Raises BadSignature, StaleCallback."""
    timestamp = headers.get(TIMESTAMP_HEADER, "")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise BadSignature("no time of the signature")
    check_signature(headers.get(SIGNATURE_HEADER, "").lower(), sign(secret, timestamp, body))
    sent_at = datetime.fromtimestamp(int(timestamp), UTC)
    check_window(sent_at, received_at)
    return sent_at


def check_api_key(headers: Mapping[str, str], key: Secret) -> None:
    """`Authorization: Apikey KEY`. Raises BadSignature."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "apikey":
        raise BadSignature("no API key")
    check_signature(given.strip(), key.reveal())


def check_address(address: str, allowed: tuple[str, ...]) -> None:
    """Raises BadSignature for a caller that is unknown, or outside the list."""
    try:
        caller = ip_address(address)
    except ValueError:
        raise BadSignature("the caller's address is not known") from None
    if isinstance(caller, IPv6Address) and caller.ipv4_mapped is not None:
        caller = caller.ipv4_mapped
    if not any(caller in ip_network(network) for network in allowed):
        raise BadSignature("the caller is none of SePay's")


# --- OAuth2: SePay fetches a token from us, and shows it with each webhook


def check_client(
    headers: Mapping[str, str], body: bytes, *, client_id: str, secret: Secret
) -> None:
    """Client credentials, as HTTP Basic or as fields of the form. Raises BadSignature."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(given.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            raise BadSignature("no client credentials") from None
    else:
        try:
            form = parse_qs(body.decode(), max_num_fields=20)
        except ValueError:
            raise BadSignature("no client credentials") from None
        pair = f"{form.get('client_id', [''])[0]}:{form.get('client_secret', [''])[0]}"
    check_signature(pair, f"{client_id}:{secret.reveal()}")


def make_token(secret: Secret, now: datetime) -> str:
    """Good until it says, for whoever runs with the same secret: nothing is kept."""
    ends = str(int((now + TOKEN_LIFETIME).timestamp()))
    return f"{ends}.{hmac_hex('sha256', secret.reveal_bytes(), f'token.{ends}')}"


def check_token(headers: Mapping[str, str], secret: Secret, now: datetime) -> None:
    """`Authorization: Bearer TOKEN`. Raises BadSignature, StaleCallback."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    ends, _, digest = given.strip().partition(".")
    if scheme.lower() != "bearer" or not (ends.isascii() and ends.isdigit() and len(ends) <= 11):
        raise BadSignature("no token")
    check_signature(digest, hmac_hex("sha256", secret.reveal_bytes(), f"token.{ends}"))
    if now.timestamp() > int(ends):
        raise StaleCallback("the token ended")
