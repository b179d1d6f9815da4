"""The pair of keys of releases: who makes bundles signs, every machine holds the public half.

Both are PEM files (Ed25519), so that a first machine can check a bundle with nothing but openssl.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from backend.errors import BundleRefused, ConfigError
from backend.storage.secret_file import read_secret, write_secret

PUBLIC_SUFFIX = ".pub"


def write_new_release_key(path: Path) -> Path:
    """Makes the secret key, for its owner only, and beside it the public one, which is returned.

    Raises FileExistsError: neither is overwritten.
    """
    key = Ed25519PrivateKey.generate()
    public = path.with_name(path.name + PUBLIC_SUFFIX)
    if public.exists():
        raise FileExistsError(17, "there is a public key of that name")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_secret(path, pem.decode("ascii"))
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return public


def load_release_key(path: Path) -> Ed25519PrivateKey:
    """Raises ConfigError: missing, readable by others, or another kind of key."""
    try:
        key = load_pem_private_key(
            read_secret(path, name="release key").encode("ascii"), password=None
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError("the release key cannot be read or is not a release key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError("the release key is not an Ed25519 key")
    return key


def load_public_key(path: Path) -> Ed25519PublicKey:
    """Raises ConfigError."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("the public key of releases cannot be read") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError("the public key of releases is not an Ed25519 key")
    return key


def check_signature(key: Ed25519PublicKey, untrusted_content: bytes, signature: bytes) -> None:
    """Raises BundleRefused."""
    try:
        key.verify(signature, untrusted_content)
    except InvalidSignature as error:
        raise BundleRefused("the signature is wrong, or was made with another key") from error
