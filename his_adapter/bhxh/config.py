"""Settings of one facility's access to the gateway of the social insurance.

adapter = "bhxh"

[settings]
site = "production"                      # or "training", or base_url = "https://…"
account = "99001_BV"
password_file = "/etc/tiepdon/bhxh-password"
facility_code = "99001"

[settings.employee]                      # registered on the portal
full_name = "Trần Thị Ví Dụ"
cccd = "099185000009"

[settings.employees.KIOSK-ID]            # somebody else answers for one kiosk
full_name = "…"
cccd = "…"

[settings.outcomes]                      # codes this hospital treats in its own way
"123" = "later"
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from his_adapter.coverage_codes import OUTCOMES
from his_adapter.errors import GatewayMisconfigured
from his_adapter.models import CoverageOutcome

SITES: Mapping[str, str] = MappingProxyType(
    {
        "production": "https://egw.baohiemxahoi.gov.vn",
        "training": "https://daotaoegw.baohiemxahoi.gov.vn",
    }
)
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_MAX_PASSWORD_BYTES = 1024
_MD5 = re.compile(r"[0-9A-Fa-f]{32}")

FacilityCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}[0-9A-Z]{3}$")]
Positive = Annotated[float, Field(gt=0, le=120)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Employee(_Settings):
    """Somebody on the list of reception staff that the facility registered."""

    full_name: str = Field(min_length=1, max_length=100, repr=False)
    cccd: str = Field(pattern=r"^[0-9]{12}$", repr=False)


class BaseSalary(_Settings):
    """Mức lương cơ sở (mức tham chiếu) and the day it begins to count."""

    valid_from: date
    amount_vnd: int = Field(gt=0)


BASE_SALARIES = (
    BaseSalary(valid_from=date(2019, 7, 1), amount_vnd=1_490_000),
    BaseSalary(valid_from=date(2023, 7, 1), amount_vnd=1_800_000),
    BaseSalary(valid_from=date(2024, 7, 1), amount_vnd=2_340_000),
    BaseSalary(valid_from=date(2026, 7, 1), amount_vnd=2_530_000),  # NĐ 161/2026/NĐ-CP
)


class BhxhConfig(_Settings):
    site: Literal["production", "training"] | None = None
    base_url: str | None = None
    account: str = Field(min_length=1, max_length=50)
    password_file: Path
    password_is_md5: bool = False
    """The file holds the MD5 of the password, so that the password itself need not lie about."""
    facility_code: FacilityCode
    branch_codes: frozenset[FacilityCode] = frozenset()
    """Facilities whose registered people count as our own."""
    employee: Employee = Field(repr=False)
    employees: dict[str, Employee] = Field(default_factory=dict, repr=False)
    """By kiosk or counter, where another employee answers for the questions asked there."""
    outcomes: dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{3}$")], CoverageOutcome] = (
        Field(default_factory=dict)
    )
    """Result codes that mean something else here; the others keep the meaning of the letter."""
    look_elsewhere: bool = False
    """Ask for other hospitals' stays after a good answer: a second question per patient."""
    history_as_form: bool = True
    """`Lskcb2025` is said to refuse JSON; sources disagree."""
    connect_timeout_s: Positive = 2.0
    ca_file: Path | None = None
    """More certificates to trust, where the hospital's own proxy stands between."""
    base_salaries: tuple[BaseSalary, ...] = Field(default=BASE_SALARIES, min_length=1)

    @property
    def address(self) -> str:
        return (self.base_url or SITES[self.site or "training"]).rstrip("/")

    @property
    def own_codes(self) -> frozenset[str]:
        return self.branch_codes | {self.facility_code}

    def outcome_table(self) -> dict[str, CoverageOutcome]:
        return {**OUTCOMES, **self.outcomes}

    def employee_for(self, asked_by: str | None) -> Employee:
        return self.employees.get(asked_by or "", self.employee)


def read_config(settings: Mapping[str, Any]) -> BhxhConfig:
    """Raises GatewayMisconfigured, without the values: they may be secrets."""
    try:
        config = BhxhConfig.model_validate(dict(settings))
    except ValidationError as error:
        faults = sorted({".".join(map(str, each["loc"])) for each in error.errors()})
        raise GatewayMisconfigured(f"bhxh: cannot use {', '.join(faults)}") from None
    if (config.site is None) == (config.base_url is None):
        raise GatewayMisconfigured("bhxh takes either site or base_url")
    address = urlsplit(config.address)
    is_near = address.scheme == "http" and address.hostname in LOOPBACK
    if not (address.scheme == "https" or is_near) or not address.hostname:
        raise GatewayMisconfigured("bhxh: base_url takes an https address")
    if address.query or address.username:
        raise GatewayMisconfigured("bhxh: base_url is an address without account and query")
    return config


def read_password_md5(config: BhxhConfig) -> str:
    """What the gateway takes as password: 32 hex digits in upper case.

    MD5 is its own choice; whoever sees the digits can log in, so they are as secret as the
    password. Raises GatewayMisconfigured.
    """
    try:
        with config.password_file.open("rb") as file:
            content = file.read(_MAX_PASSWORD_BYTES + 1)
        password = content.decode("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise GatewayMisconfigured("bhxh: password_file cannot be read") from None
    if not password or len(content) > _MAX_PASSWORD_BYTES:
        raise GatewayMisconfigured("bhxh: password_file is empty or too long")
    if config.password_is_md5:
        if _MD5.fullmatch(password) is None:
            raise GatewayMisconfigured("bhxh: password_file does not hold 32 hex digits")
        return password.upper()
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest().upper()
