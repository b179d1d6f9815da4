"""The emulator of the insurance gateway and a client of ours before it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from his_adapter.bhxh.config import read_config
from his_adapter.bhxh.emulator import (
    ACCOUNT,
    EMPLOYEE_CCCD,
    EMPLOYEE_NAME,
    PASSWORD,
    BhxhEmulator,
)
from his_adapter.bhxh.gateway import BhxhInsurer
from his_adapter.models import BirthDate, CoverageQuery, Gender, Identifier, IdentifierKind

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # Monday, 08:00 in Việt Nam
TODAY = NOW.date()
PASSWORD_MD5 = hashlib.md5(PASSWORD.encode()).hexdigest().upper()


def settings(base_url: str, **changes: Any) -> dict[str, Any]:
    return {
        "base_url": base_url,
        "account": ACCOUNT,
        "password_file": "/nonexistent",
        "facility_code": "99001",
        "employee": {"full_name": EMPLOYEE_NAME, "cccd": EMPLOYEE_CCCD},
    } | changes


def insurer(emulator: BhxhEmulator, **changes: Any) -> BhxhInsurer:
    config = read_config(settings(emulator.base_url, **changes))
    return BhxhInsurer(config, password_md5=PASSWORD_MD5, clock=lambda: NOW)


def query(
    number: str = "099090000001",
    full_name: str = "Nguyễn Văn Mẫu",
    birth_date: str = "1990-03-05",
    *,
    kind: IdentifierKind = IdentifierKind.ID12,
    gender: Gender | None = None,
    more: tuple[Identifier, ...] = (),
) -> CoverageQuery:
    return CoverageQuery(
        identifiers=(Identifier(kind=kind, value=number), *more),
        full_name=full_name,
        birth_date=BirthDate.from_iso(birth_date),
        gender=gender,
    )
