"""Bodies sealed for the bank (JWE) and signed by us (JWS), as its open API wants them.

JWE in general JSON form, A256KW with the key both share; JWS RS256 over the very text that is sent,
detached or whole, in a header. Without keys a body is plain JSON and nothing is signed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey, RSAKey

from payments.errors import BrokenReply, ProviderMisconfigured
from payments.http import Reply
from payments.providers.bidv.config import PaygateConfig

HEADER = "X-JWS-Signature"
_WRAP, _SIGN = "A256KW", "RS256"
_DAMAGE = (JoseError, ValueError, TypeError, KeyError, AttributeError)


class Envelope:
    def __init__(self, config: PaygateConfig) -> None:
        """Raises ProviderMisconfigured for keys that are none."""
        self._encryption = config.encryption
        self._detached = config.jws == "detached"
        self._shared_key: OctKey | None = None
        self._our_key: RSAKey | None = None
        self._bank_key: RSAKey | None = None
        self.certificate = ""
        """Ours, as its header takes it: the PEM's body without its frame."""
        try:
            if config.symmetric_key is not None:
                shared = bytes.fromhex(config.symmetric_key.reveal())
                self._shared_key = OctKey.import_key(shared)
            if config.private_key is not None:
                self._our_key = RSAKey.import_key(config.private_key.reveal())
            if config.bank_certificate is not None:
                self._bank_key = _public_key(config.bank_certificate.reveal_bytes())
            if config.certificate is not None:
                self.certificate = _bare(config.certificate.reveal())
        except _DAMAGE:
            raise ProviderMisconfigured("paygate: a key or certificate cannot be read") from None

    def seal(self, content: Mapping[str, Any]) -> bytes:
        """What is sent: JSON, sealed where there is a shared key."""
        plain = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        if self._shared_key is None:
            return plain
        sealed = jwe.GeneralJSONEncryption({"alg": _WRAP, "enc": self._encryption}, plain)
        sealed.add_recipient({}, self._shared_key)
        algorithms = [_WRAP, self._encryption]
        return json.dumps(jwe.encrypt_json(sealed, None, algorithms=algorithms)).encode()

    def sign(self, body: bytes) -> str:
        """Over the body as it is sent; empty where we have no key."""
        if self._our_key is None:
            return ""
        whole = jws.serialize_compact({"alg": _SIGN}, body, self._our_key)
        head, _, tail = whole.split(".")
        return f"{head}..{tail}" if self._detached else whole

    def open(self, reply: Reply) -> dict[str, Any]:
        """The bank's answer, plain or sealed. Raises BrokenReply, also for a wrong signature."""
        if self._bank_key is not None:
            self._check(reply, self._bank_key)
        content = reply.read_json()
        if "ciphertext" not in content:
            return content
        if self._shared_key is None:
            raise BrokenReply("the reply is sealed with a key we do not have")
        try:
            algorithms = [_WRAP, self._encryption]
            form = cast("jwe.GeneralJSONSerialization", content)
            opened = jwe.decrypt_json(form, self._shared_key, algorithms=algorithms)
            inner = json.loads(opened.plaintext or b"")
        except (*_DAMAGE, RecursionError) as error:
            raise BrokenReply("the reply cannot be opened") from error
        if not isinstance(inner, dict):
            raise BrokenReply("the reply is not a JSON object")
        return inner

    def _check(self, reply: Reply, key: RSAKey) -> None:
        given = next(
            (value for name, value in reply.headers.items() if name.lower() == HEADER.lower()),
            "",
        )
        try:
            head, _, tail = given.split(".")
            jws.deserialize_compact(
                f"{head}..{tail}", key, algorithms=[_SIGN], payload=reply.untrusted_body
            )
        except _DAMAGE as error:
            raise BrokenReply("the reply is not signed by the bank") from error


def _public_key(pem: bytes) -> RSAKey:
    """Of a certificate or a bare public key."""
    if b"BEGIN CERTIFICATE" in pem:
        key = x509.load_pem_x509_certificate(pem).public_key()
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return RSAKey.import_key(pem)


def _bare(pem: str) -> str:
    lines = [line.strip() for line in pem.splitlines()]
    return "".join(line for line in lines if not line.startswith("-----"))
