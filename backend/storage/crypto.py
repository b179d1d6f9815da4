"""Keys of the server: keyed hashes to find a person by, sealed boxes for what must be readable.

The keys file is JSON: {"active": 1, "keys": {"1": {"hash": "<64 hex>", "seal": "<64 hex>"}}}.
Sealed data name the key version they were made with, so that a new version can be added while
old rows stay readable. The hash key of the first version is used for ever: hashes cannot be made
anew without the numbers.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.errors import BackendError, ConfigError

KEY_BYTES = 32
NONCE_BYTES = 12
VERSION_BYTES = 2


class CannotUnseal(BackendError):
    """Altered, moved to another row, or sealed with a key this server does not have."""

    code = "cannot_unseal"
    title = "Stored data cannot be opened with the keys of this server"


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Secret keys. `hash_key` finds, `seal_keys` (by version) read, `active` writes."""

    active: int
    hash_key: bytes = field(repr=False)
    seal_keys: Mapping[int, bytes] = field(repr=False)

    def hash(self, *parts: str) -> str:
        """HMAC-SHA256 of the parts as 64 hex digits; the same parts always give the same."""
        message = b"".join(
            len(data).to_bytes(4, "big") + data for data in (part.encode() for part in parts)
        )
        return hmac.new(self.hash_key, message, hashlib.sha256).hexdigest()

    def seal(self, content: bytes, *, context: str) -> bytes:
        """Encrypts with AES-256-GCM; only `unseal` with the same context opens it.

        The context names the row (such as person:ID), so that a box copied to another row
        does not open there.
        """
        nonce = secrets.token_bytes(NONCE_BYTES)
        version = self.active.to_bytes(VERSION_BYTES, "big")
        box = AESGCM(self.seal_keys[self.active]).encrypt(nonce, content, context.encode())
        return version + nonce + box

    def unseal(self, box: bytes, *, context: str) -> bytes:
        """Raises CannotUnseal."""
        version = int.from_bytes(box[:VERSION_BYTES], "big")
        nonce, rest = box[VERSION_BYTES:][:NONCE_BYTES], box[VERSION_BYTES + NONCE_BYTES :]
        if version not in self.seal_keys or len(nonce) != NONCE_BYTES:
            raise CannotUnseal
        try:
            return AESGCM(self.seal_keys[version]).decrypt(nonce, rest, context.encode())
        except InvalidTag as error:
            raise CannotUnseal from error


def demo_keys() -> Keys:
    """Keys everybody knows, for invented people only."""
    hash_key = hashlib.sha256(b"tiepdon demo hash").digest()
    seal_key = hashlib.sha256(b"tiepdon demo seal").digest()
    return Keys(active=1, hash_key=hash_key, seal_keys={1: seal_key})


def load_keys(path: Path) -> Keys:
    """Raises ConfigError: missing, readable by others, or not the promised shape."""
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError("the keys file may be readable by its owner only (chmod 600)")
        document = json.loads(path.read_text(encoding="ascii"))
        versions = {int(version): entry for version, entry in document["keys"].items()}
        keys = Keys(
            active=int(document["active"]),
            hash_key=bytes.fromhex(versions[min(versions)]["hash"]),
            seal_keys={v: bytes.fromhex(entry["seal"]) for v, entry in versions.items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError("the keys file cannot be read or is not a keys file") from error
    lengths = {len(key) for key in (keys.hash_key, *keys.seal_keys.values())}
    if lengths != {KEY_BYTES} or keys.active not in keys.seal_keys:
        raise ConfigError("the keys file lacks its active key, or a key is not 32 bytes long")
    return keys


def write_new_keys(path: Path) -> None:
    """Makes a keys file readable by its owner only. Raises FileExistsError: never overwrites."""
    entry = {name: secrets.token_hex(KEY_BYTES) for name in ("hash", "seal")}
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump({"active": 1, "keys": {"1": entry}}, file, indent=1)
        file.write("\n")
