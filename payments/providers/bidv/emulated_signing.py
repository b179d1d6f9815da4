"""How the bank's side signs and opens, written apart from the client: both cannot err alike.

JWE is undone by hand here (RFC 7516, 7518: A256KW, A128CBC-HS256, A128GCM) where the client uses a
library, and checksums are put together from a table of parts.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, keywrap, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

_SEPARATORS = {
    ("sha256_plus", "getbill"): "+",
    ("sha256_bar", "getbill"): "|",
    ("sha256_bar", "paybill"): "|",
    ("hmac_bar", "getbill"): "|",
    ("hmac_bar", "paybill"): "|",
    ("md5", "getbill"): "",
    ("md5", "paybill"): "",
}
FORMS = ("sha256_plus", "sha256_bar", "hmac_bar", "md5")


class NotSealed(Exception):
    """The body cannot be opened, or its signature is wrong."""


def bank_checksum(form: str, call: str, secret: str, parts: dict[str, str]) -> str:
    """`call` is getbill (service_id, customer_id) or paybill (trans_id, bill_id, amount)."""
    if call == "getbill":
        chosen = [secret, parts["service_id"], parts["customer_id"]]
    else:
        chosen = [secret, parts["trans_id"], parts["amount"]]
        if form == "md5":
            chosen.insert(2, parts["bill_id"])
    if (form, call) == ("sha256_plus", "paybill"):
        text = chosen[0] + "+|" + chosen[1] + "+" + chosen[2]
    else:
        text = _SEPARATORS[form, call].join(chosen)
    if form == "md5":
        return hashlib.new("md5", text.encode(), usedforsecurity=False).hexdigest()
    if form == "hmac_bar":
        digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    else:
        digest = hashlib.new("sha256", text.encode()).digest()
    return base64.standard_b64encode(digest).decode("ascii")


def bank_secure_code(secret: str, body: dict[str, Any], interaction: str) -> str:
    parts = [interaction, *(str(body.get(k)) for k in ("serviceId", "merchantId", "merchantName"))]
    digest = hashlib.new("sha256", "|".join([*parts, secret]).encode()).digest()
    return base64.standard_b64encode(digest).decode("ascii")


def open_sealed(content: dict[str, Any], shared_key: bytes) -> bytes:
    """Raises NotSealed."""
    try:
        protected = content["protected"]
        head = json.loads(_unbase64(protected))
        wrapped = _unbase64(content["recipients"][0]["encrypted_key"])
        iv, cipher_text, tag = (_unbase64(content[name]) for name in ("iv", "ciphertext", "tag"))
        if head["alg"] != "A256KW":
            raise NotSealed("another key wrap")
        key = keywrap.aes_key_unwrap(shared_key, wrapped)
        if head["enc"] == "A128GCM":
            return AESGCM(key).decrypt(iv, cipher_text + tag, protected.encode())
        if head["enc"] != "A128CBC-HS256":
            raise NotSealed("another encryption")
        return _open_cbc(key, iv, cipher_text, tag, protected.encode())
    except (
        KeyError,
        IndexError,
        TypeError,
        ValueError,
        InvalidTag,
        keywrap.InvalidUnwrap,
    ) as error:
        raise NotSealed(type(error).__name__) from error


def check_detached(header: str, body: bytes, certificate: bytes) -> None:
    """RS256 over the body, detached or whole. Raises NotSealed."""
    try:
        head, inner, tail = header.split(".")
        text = base64.urlsafe_b64encode(body).rstrip(b"=")
        if inner and inner.encode() != text:
            raise NotSealed("it signs another body")
        key = x509.load_pem_x509_certificate(certificate).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise NotSealed("no RSA key")
        signed = head.encode() + b"." + text
        key.verify(_unbase64(tail), signed, rsa_padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature) as error:
        raise NotSealed(type(error).__name__) from error


def sign_detached(body: bytes, key: rsa.RSAPrivateKey) -> str:
    head = _base64(b'{"alg":"RS256"}')
    signed = f"{head}.{_base64(body)}".encode()
    return f"{head}..{_base64(key.sign(signed, rsa_padding.PKCS1v15(), hashes.SHA256()))}"


def new_key_and_certificate(name: str, now: datetime) -> tuple[rsa.RSAPrivateKey, bytes, bytes]:
    """A key of its own, as PEM, and a certificate for it: for tests and emulators."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return key, pem, certificate.public_bytes(serialization.Encoding.PEM)


def _open_cbc(key: bytes, iv: bytes, cipher_text: bytes, tag: bytes, protected: bytes) -> bytes:
    mac_key, cipher_key = key[:16], key[16:]
    length = (len(protected) * 8).to_bytes(8, "big")
    expected = hmac.digest(mac_key, protected + iv + cipher_text + length, "sha256")[:16]
    if not hmac.compare_digest(expected, tag):
        raise NotSealed("the tag is wrong")
    decryptor = Cipher(algorithms.AES(cipher_key), modes.CBC(iv)).decryptor()
    padded = decryptor.update(cipher_text) + decryptor.finalize()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
