"""The credential of this kiosk, kept in a file only its account can read."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class CredentialFile:
    """Belongs to one server: the credential of another is not found."""

    path: Path
    server: str

    def find(self) -> str | None:
        """None when there is none, or none that can be read."""
        stored = _read(self.path)
        if stored.get("server") != self.server:
            return None
        token = stored.get("token")
        return token if isinstance(token, str) and token else None

    def save(self, token: str) -> None:
        """Whole or not at all. Raises OSError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f"{self.path.name}.new")
        fresh.unlink(missing_ok=True)
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"server": self.server, "token": token}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)


def find_server_of(path: Path) -> str | None:
    """The server whose credential lies there; None when there is none that can be read."""
    stored = _read(path)
    server = stored.get("server")
    return server if isinstance(server, str) and stored.get("token") else None


def _read(path: Path) -> dict[str, Any]:
    """Empty when it cannot be read."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}
