"""Where the archive is and how it lets us in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from his_adapter.errors import GatewayMisconfigured

_MAX_SECRET_BYTES = 4096
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class DicomwebConfig(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    username: str | None = None
    password_file: Path | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    timezone: str = "Asia/Ho_Chi_Minh"
    connect_timeout_s: float = Field(default=2, gt=0, le=60)
    read_timeout_s: float = Field(default=5, gt=0, le=60)
    max_studies: int = Field(default=20, ge=1, le=200)
    max_pictures: int = Field(default=20, ge=1, le=100)
    picture_px: int = Field(default=1024, ge=64, le=4096)
    facility_code: str = "-"

    @field_validator("base_url")
    @classmethod
    def _safe_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("https, or http on this machine")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("an address without password and query")
        return url.rstrip("/")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("no such time zone") from error
        return name

    def password(self) -> str | None:
        return None if self.password_file is None else _secret(self.password_file)

    def token(self) -> str | None:
        return None if self.token_file is None else _secret(self.token_file)


def read_settings(settings: Mapping[str, Any]) -> DicomwebConfig:
    """Raises GatewayMisconfigured with the place of the mistake, never with its value."""
    try:
        config = DicomwebConfig.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise GatewayMisconfigured(f"settings.{place}: {first['msg']}") from error
    if (config.username is None) is not (config.password_file is None):
        raise GatewayMisconfigured("username and password_file go together")
    if config.username is not None and config.token_file is not None:
        raise GatewayMisconfigured("either a password or a token")
    if config.ca_file is not None and not config.ca_file.is_file():
        raise GatewayMisconfigured("ca_file cannot be read")
    return config


def _secret(path: Path) -> str:
    try:
        return path.read_bytes()[:_MAX_SECRET_BYTES].decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise GatewayMisconfigured(f"{path.name} cannot be read") from error
