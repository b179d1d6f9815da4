"""Settings of the views: where the database is, and one statement for each thing agreed on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from his_adapter.errors import GatewayMisconfigured
from his_adapter.models import Gender

_MAX_SECRET_BYTES = 4096


class FacilitySettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str = Field(min_length=1, max_length=20)
    name_vi: str = Field(min_length=1)
    name_en: str = ""
    hotline: str = ""


class SqlViewsConfig(BaseModel):
    """`genders` maps what stands in the column to ours: `{"1" = "male", "2" = "female"}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(repr=False)
    """SQLAlchemy's: `postgresql://tiepdon@his-db/his`; never with a password."""
    password_file: Path | None = None
    timezone: str = "Asia/Ho_Chi_Minh"
    """Of times that the database keeps without a zone."""
    connect_timeout_s: float = Field(default=2, gt=0, le=60)
    read_timeout_s: float = Field(default=5, gt=0, le=60)
    write_timeout_s: float = Field(default=15, gt=0, le=120)
    pool_size: int = Field(default=5, ge=1, le=50)
    max_limit: int = Field(default=1000, ge=1, le=1000)
    his_version: str = ""
    connect_args: dict[str, Any] = Field(default_factory=dict, repr=False)
    """For drivers other than PostgreSQL's and SQLite's: time limits and encryption are theirs."""
    facility: FacilitySettings
    genders: dict[str, Gender] = {
        gender.value: gender for gender in (Gender.MALE, Gender.FEMALE, Gender.OTHER)
    }
    reads: dict[str, str]
    writes: dict[str, str] = {}

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("no such time zone") from error
        return name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def address(self) -> URL:
        """With the password of the file. Raises GatewayMisconfigured."""
        try:
            url = make_url(self.url)
        except ArgumentError as error:
            raise GatewayMisconfigured("url is no address of a database") from error
        if url.password is not None:
            raise GatewayMisconfigured("the password stands in password_file, not in url")
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        if self.password_file is not None:
            try:
                secret = self.password_file.read_bytes()[:_MAX_SECRET_BYTES].decode().strip()
            except (OSError, UnicodeDecodeError) as error:
                raise GatewayMisconfigured("password_file cannot be read") from error
            url = url.set(password=secret)
        return url


def read_settings(settings: Mapping[str, Any]) -> SqlViewsConfig:
    """Raises GatewayMisconfigured with the place of the mistake, never with its value."""
    try:
        return SqlViewsConfig.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise GatewayMisconfigured(f"settings.{place}: {first['msg']}") from error
