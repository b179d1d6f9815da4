"""The key of backups: one secret of its own, so that a stolen disk of backups opens nothing.

The file is JSON: {"backup_key": "<64 hex>"}. What is used is derived from it, apart for each
file and for signatures.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backend.errors import ConfigError

KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class BackupKey:
    secret: bytes = field(repr=False)

    def for_file(self, salt: bytes) -> bytes:
        """A key of one sealed file only."""
        return self._derive(salt, b"tiepdon backup file 1")

    def sign(self, content: bytes) -> str:
        """HMAC-SHA256 as 64 hex digits."""
        key = self._derive(b"", b"tiepdon backup manifest 1")
        return hmac.new(key, content, hashlib.sha256).hexdigest()

    def has_signed(self, content: bytes, signature: str) -> bool:
        return hmac.compare_digest(self.sign(content).encode(), signature.encode())

    def _derive(self, salt: bytes, purpose: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=purpose).derive(
            self.secret
        )


def load_backup_key(path: Path) -> BackupKey:
    """Raises ConfigError: missing, readable by others, or not the promised shape."""
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError("the backup key may be readable by its owner only (chmod 600)")
        secret = bytes.fromhex(json.loads(path.read_text(encoding="ascii"))["backup_key"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError("the backup key cannot be read or is not a backup key") from error
    if len(secret) != KEY_BYTES:
        raise ConfigError("the backup key is not 32 bytes long")
    return BackupKey(secret=secret)


def write_new_backup_key(path: Path) -> None:
    """Makes a key file readable by its owner only. Raises FileExistsError: never overwrites."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump({"backup_key": secrets.token_hex(KEY_BYTES)}, file)
        file.write("\n")
