"""The hospital's own certificate authority: one folder, `ca.key` and `ca.crt`.

Promises: an authority signs only for the names and networks it was made for, and says so in its
own certificate, so that whoever steals its key still cannot pose as a bank. A certificate and
its key are replaced together or not at all; half a replacement is found and mended by the next
renewal. Keys are readable by their owner only.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_YEARS = 10
DAYS = 90
RENEW_DAYS_BEFORE = 30
CLOCKS_BEHIND = timedelta(days=2)
"""A kiosk whose clock is a day behind still trusts what was issued today."""

Name = str | IPv4Address | IPv6Address
Domain = str | IPv4Network | IPv6Network


class AuthorityRefused(Exception):
    """A sentence for the technician."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a certificate says of itself; `fits` is whether the key beside it is its own."""

    names: list[str]
    ends_at: datetime
    fits: bool


# --- the authority ---------------------------------------------------------------------------


def make_authority(folder: Path, *, title: str, domains: Sequence[str], now: datetime) -> Path:
    """`domains`: DNS suffixes and networks it may sign for. Raises AuthorityRefused."""
    if (folder / "ca.key").exists() or (folder / "ca.crt").exists():
        raise AuthorityRefused(f"{folder} holds an authority already; nothing was changed")
    permitted = [_domain(text) for text in domains]
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_BEHIND)
        .not_valid_after(now + timedelta(days=365 * CA_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .add_extension(_constraints(permitted), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder / "ca.key", _key_bytes(key), mode=0o600)
    _write(folder / "ca.crt", _certificate_bytes(certificate), mode=0o644)
    return folder / "ca.crt"


def _constraints(permitted: Sequence[Domain]) -> x509.NameConstraints:
    names = [one for one in permitted if isinstance(one, str)]
    networks = [one for one in permitted if not isinstance(one, str)]
    trees: list[x509.GeneralName] = [x509.DNSName(one) for one in names]
    trees += [x509.IPAddress(one) for one in networks]
    excluded: list[x509.GeneralName] = []
    # What a kind says nothing of would be allowed without limit.
    if not networks:
        excluded += [x509.IPAddress(ip_network("0.0.0.0/0")), x509.IPAddress(ip_network("::/0"))]
    if not names:
        excluded.append(x509.DNSName(""))
    return x509.NameConstraints(permitted_subtrees=trees, excluded_subtrees=excluded or None)


def _domain(text: str) -> Domain:
    try:
        return ip_network(text)
    except ValueError:
        name = text.lower().lstrip(".")
        if not name or not all(_is_label(label) for label in name.split(".")):
            raise AuthorityRefused(f"{text}: takes benhvien.example or 10.0.0.0/8") from None
        return name


# --- certificates of servers -----------------------------------------------------------------


def issue(authority: Path, names: Sequence[str], out: Path, *, days: int, now: datetime) -> Found:
    """Writes `out` (…crt) and the key beside it (…key). Raises AuthorityRefused."""
    wanted = [_name(text) for text in names]
    ca_key, ca = _load_authority(authority)
    for name in wanted:
        if not _may_sign(ca, name):
            raise AuthorityRefused(f"this authority may not sign for {name}")
    ends_at = now + timedelta(days=days)
    if ends_at > ca.not_valid_after_utc:
        raise AuthorityRefused(
            f"the authority itself ends on {ca.not_valid_after_utc:%Y-%m-%d}: make a new one"
        )
    key = ec.generate_private_key(ec.SECP256R1())
    general: list[x509.GeneralName] = [
        x509.DNSName(name) if isinstance(name, str) else x509.IPAddress(name) for name in wanted
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_subject(wanted[0]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(now - CLOCKS_BEHIND, ca.not_valid_before_utc))
        .not_valid_after(ends_at)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(general), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    _write(out.with_suffix(".key"), _key_bytes(key), mode=0o600)
    _write(out, _certificate_bytes(certificate), mode=0o644)
    return look_at(out)


def _subject(name: Name) -> x509.Name:
    """For people to read. OpenSSL would hold what looks like a host name here against the limits
    of the authority, even where the certificate is for an address only: this does not look so.
    """
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Server {name}"[:64])])


def renew(
    authority: Path, certificate: Path, *, days: int, days_before: int, now: datetime
) -> Found | None:
    """A new one for the same names when the old one ends soon; None: not yet, nothing changed.

    Raises AuthorityRefused.
    """
    old = look_at(certificate)
    if old.fits and old.ends_at - now > timedelta(days=days_before):
        return None
    return issue(authority, old.names, certificate, days=days, now=now)


def look_at(certificate: Path) -> Found:
    """Raises AuthorityRefused for what is no certificate."""
    loaded = _load_certificate(certificate)
    try:
        names = loaded.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = [
            *names.get_values_for_type(x509.DNSName),
            *map(str, names.get_values_for_type(x509.IPAddress)),
        ]
    except x509.ExtensionNotFound:
        found = []
    key_file = certificate.with_suffix(".key")
    fits = False
    if os.access(key_file, os.R_OK):
        fits = _public_bytes(_load_key(key_file).public_key()) == _public_bytes(loaded.public_key())
    return Found(names=found, ends_at=loaded.not_valid_after_utc, fits=fits)


# --- names -----------------------------------------------------------------------------------


def _name(text: str) -> Name:
    try:
        return ip_address(text)
    except ValueError:
        name = text.lower()
        if len(name) > 253 or not all(_is_label(label) for label in name.split(".")):
            example = "tiepdon.benhvien.example or 10.0.0.5"
            raise AuthorityRefused(f"{text}: takes a name such as {example}") from None
        return name


def _is_label(label: str) -> bool:
    inside = label.replace("-", "")
    return (
        0 < len(label) <= 63
        and inside.isascii()
        and inside.isalnum()
        and not label.startswith("-")
        and not label.endswith("-")
    )


def _may_sign(ca: x509.Certificate, name: Name) -> bool:
    constraints = ca.extensions.get_extension_for_class(x509.NameConstraints).value
    for tree in constraints.permitted_subtrees or ():
        if isinstance(tree, x509.DNSName) and isinstance(name, str):
            if name == tree.value or name.endswith(f".{tree.value}"):
                return True
        elif (
            isinstance(tree, x509.IPAddress)
            and isinstance(tree.value, IPv4Network | IPv6Network)
            and not isinstance(name, str)
            and name in tree.value
        ):
            return True
    return False


# --- files -----------------------------------------------------------------------------------


def _load_authority(folder: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key, certificate = _load_key(folder / "ca.key"), _load_certificate(folder / "ca.crt")
    try:
        certificate.verify_directly_issued_by(certificate)
        own = _public_bytes(key.public_key()) == _public_bytes(certificate.public_key())
    except (InvalidSignature, ValueError, TypeError):
        own = False
    if not own:
        raise AuthorityRefused(f"{folder}: ca.key and ca.crt do not belong together")
    return key, certificate


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise AuthorityRefused(f"{path} cannot be read as a key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AuthorityRefused(f"{path} is a key of another kind")
    return key


def _load_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise AuthorityRefused(f"{path} cannot be read as a certificate") from error


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Whole or not there; who may read the old one may read the new one."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        old = path.stat()
        shutil.copymode(path, new)
        if os.geteuid() == 0:
            os.chown(new, old.st_uid, old.st_gid)
    else:
        new.chmod(mode)
    new.replace(path)


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _certificate_bytes(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _public_bytes(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return b""
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def system_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
