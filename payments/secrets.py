"""Secrets of providers: named in the settings, never written there.

    secret = { file = "/etc/tiepdon/momo-secret" }
    secret = { env = "MOMO_SECRET" }

`Secret` shows nothing of itself in logs, tracebacks or error texts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator

_MAX_BYTES = 64_000


@dataclass(frozen=True)
class Secret:
    """A text that is never shown: `str` and `repr` are stars."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        return self._text

    def reveal_bytes(self) -> bytes:
        return self._text.encode()

    def __str__(self) -> str:
        return "***"

    def __repr__(self) -> str:
        return "Secret(***)"


def read_secret(source: Any) -> Secret:
    """From `{"file": PATH}` or `{"env": NAME}`. Raises ValueError without the value."""
    if isinstance(source, Secret):
        return source
    if not isinstance(source, dict) or len(source) != 1:
        raise ValueError('a secret is named as { file = "…" } or { env = "…" }')
    kind, name = next(iter(source.items()))
    if kind == "env" and isinstance(name, str):
        text = os.environ.get(name, "")
    elif kind == "file" and isinstance(name, str | Path):
        text = _read_file(Path(name))
    else:
        raise ValueError('a secret is named as { file = "…" } or { env = "…" }')
    if not text:
        raise ValueError("the secret is empty")
    return Secret(text)


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        text = content.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise ValueError("the secret's file cannot be read") from None
    if len(content) > _MAX_BYTES:
        raise ValueError("the secret's file is too long")
    return text


SecretSetting = Annotated[Secret, BeforeValidator(read_secret)]
"""A field of a pydantic model (with arbitrary types allowed) that holds a secret."""
