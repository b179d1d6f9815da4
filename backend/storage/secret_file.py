"""A file with one secret: made once, readable by its owner only, never overwritten."""

from __future__ import annotations

import os
from pathlib import Path

from backend.errors import ConfigError


def write_secret(path: Path, content: str) -> None:
    """Raises FileExistsError: whoever overwrites a key loses what was made with it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(content)


def read_secret(path: Path, *, name: str) -> str:
    """Raises ConfigError: missing, or readable by others. `name` stands in the message."""
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"the {name} may be readable by its owner only (chmod 600)")
        return path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise ConfigError(f"the {name} cannot be read or is not a {name}") from error
