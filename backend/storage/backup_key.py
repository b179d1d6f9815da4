"""The key of backups: one secret of its own, so that a stolen disk of backups opens nothing.

The file is JSON: {"backup_key": "<64 hex>"}. What is used is derived from it, apart for each
file and for signatures.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backend.errors import ConfigError
from backend.storage.secret_file import read_secret, write_secret

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
    text = read_secret(path, name="backup key")
    try:
        secret = bytes.fromhex(json.loads(text)["backup_key"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError("the backup key cannot be read or is not a backup key") from error
    if len(secret) != KEY_BYTES:
        raise ConfigError("the backup key is not 32 bytes long")
    return BackupKey(secret=secret)


def write_new_backup_key(path: Path) -> None:
    """Makes a key file readable by its owner only. Raises FileExistsError: never overwrites."""
    write_secret(path, json.dumps({"backup_key": secrets.token_hex(KEY_BYTES)}) + "\n")
