"""Settings of one hospital's JSON HIS. Everything a vendor may do differently is here.

adapter = "json_kiosk"

[settings]
base_url = "https://his.example.vn/kiosk"
merchant_id = "KIOSK-01"
secret_file = "/etc/tiepdon/his-secret"
extensions = ["keys"]

[settings.facility]
code = "99001"
name_vi = "Trung tâm Y tế Mẫu"
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from his_adapter.coverage_codes import OUTCOMES
from his_adapter.errors import GatewayMisconfigured
from his_adapter.json_kiosk.contract import ENDPOINTS, Call, Extension
from his_adapter.json_kiosk.mapping import (
    DOCUMENTS,
    AddressCodes,
    District,
    NameParts,
    PeopleRules,
)
from his_adapter.models import CoverageOutcome, Gender, IdentifierKind

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_MAX_SECRET_BYTES = 4_096
_MAX_TABLE_ROWS = 20_000


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FacilitySettings(_Settings):
    """The contract does not say whose HIS it is."""

    code: str = Field(min_length=1, max_length=20)
    name_vi: str = Field(min_length=1, max_length=200)
    name_en: str = ""
    hotline: str = ""


class OpeningSettings(_Settings):
    """Weekly hours of every room; the contract has none. `weekdays`: 0 = Monday."""

    name: Literal["morning", "afternoon"]
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    opens_at: str = Field(pattern=r"[0-2][0-9]:[0-5][0-9]")
    closes_at: str = Field(pattern=r"[0-2][0-9]:[0-5][0-9]")
    limit: int | None = None


class RoomSettings(_Settings):
    """A room a patient is sent to, for services by MA_DICH_VU; the contract has no rooms."""

    code: str
    name_vi: str
    name_en: str = ""
    floor: str = ""
    landmark_vi: str = ""
    landmark_en: str = ""
    services: tuple[str, ...]


class JsonKioskSettings(_Settings):
    base_url: str
    merchant_id: str = Field(min_length=1, max_length=200, pattern=r"[!-~]+")
    secret_file: Path
    ca_file: Path | None = None
    facility: FacilitySettings
    extensions: tuple[Extension, ...] = ()
    paths: dict[Call, str] = {}
    signed: dict[Call, tuple[str, ...]] = {}
    fields: dict[str, str] = {}
    """Ours → theirs, wherever the vendor spells a field otherwise."""
    ok_codes: tuple[str, ...] = ("000",)
    not_found_codes: tuple[str, ...] = ("404",)
    connect_timeout_s: float = Field(default=2.0, gt=0, le=60)
    read_timeout_s: float = Field(default=5.0, gt=0, le=60)
    write_timeout_s: float = Field(default=15.0, gt=0, le=120)
    catalogue_lifetime_s: float = Field(default=300.0, ge=0)
    max_pages: int = Field(default=20, ge=1, le=200)

    genders: dict[Gender, int] = {}
    coverage_genders: dict[Gender, int] = {}
    name_parts: NameParts = NameParts.FAMILY_REST
    district: District = District.OPTIONAL
    addresses_file: Path | None = None
    """CSV with the columns ending, province, district, ward: the hospital's own table."""
    documents: dict[IdentifierKind, str] = {IdentifierKind.ID12: "CCCD"}
    """LOAI_GTTT by which people are found; only what the vendor really searches."""
    defaults: dict[str, str | int] = {}
    coverage_codes: dict[str, CoverageOutcome] = {}
    ticket_prefix: str = Field(default="", max_length=4)

    insured_exam_type: str | None = None
    paying_exam_type: str | None = None
    rooms: tuple[RoomSettings, ...] = ()
    opening: tuple[OpeningSettings, ...] = (
        OpeningSettings(name="morning", opens_at="07:00", closes_at="11:30"),
        OpeningSettings(name="afternoon", opens_at="13:00", closes_at="16:30"),
    )
    hourly_services: tuple[str, ...] = ()
    """MA_DICH_VU whose hours may be chosen; the others are for walk-ins."""

    @field_validator("base_url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        address = urlsplit(url)
        if address.scheme not in {"http", "https"} or not address.hostname or address.query:
            raise ValueError("takes an address such as https://his.example.vn/kiosk")
        if address.scheme == "http" and address.hostname not in _LOOPBACK:
            raise ValueError("takes https; plain http is for this machine only")
        return url.rstrip("/")

    def path_of(self, call: Call) -> str:
        return self.paths.get(call, ENDPOINTS[call].path)

    def signed_of(self, call: Call) -> tuple[str, ...]:
        return self.signed.get(call, ENDPOINTS[call].signed)

    def read_secret(self) -> bytes:
        """Raises GatewayMisconfigured."""
        try:
            secret = self.secret_file.read_bytes()[: _MAX_SECRET_BYTES + 1].strip()
        except OSError as error:
            raise GatewayMisconfigured("secret_file cannot be read") from error
        if not 0 < len(secret) <= _MAX_SECRET_BYTES:
            raise GatewayMisconfigured("secret_file is empty or too long")
        return secret

    def people_rules(self) -> PeopleRules:
        """Raises GatewayMisconfigured for a table of addresses that cannot be used."""
        usual = PeopleRules()
        return PeopleRules(
            genders={**usual.genders, **self.genders},
            coverage_genders={**usual.coverage_genders, **self.coverage_genders},
            name_parts=self.name_parts,
            district=self.district,
            addresses=_read_addresses(self.addresses_file) if self.addresses_file else (),
            documents={**DOCUMENTS, **self.documents},
            defaults=self.defaults,
            outcomes={**OUTCOMES, **self.coverage_codes},
            ticket_prefix=self.ticket_prefix,
        )


def read_settings(settings: Mapping[str, Any]) -> JsonKioskSettings:
    """Raises GatewayMisconfigured, naming the setting."""
    try:
        return JsonKioskSettings.model_validate(settings)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise GatewayMisconfigured(f"{place}: {first['msg']}") from error


def _read_addresses(path: Path) -> tuple[AddressCodes, ...]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))[: _MAX_TABLE_ROWS + 1]
        if len(rows) > _MAX_TABLE_ROWS:
            raise GatewayMisconfigured("addresses_file is too long")
        return tuple(
            AddressCodes(
                ending=row["ending"],
                province=row["province"],
                district=row["district"] or None,
                ward=row["ward"],
            )
            for row in rows
        )
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError) as error:
        raise GatewayMisconfigured(
            "addresses_file takes CSV with ending, province, district, ward"
        ) from error
