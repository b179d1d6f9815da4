"""Everything that differs between two hospitals with FHIR is written here, nothing in the code.

Two guides for Việt Nam give the same numbers different names (`preset`): the community's VN Core
and the draft of the ministry. Numbers are read under either name and written under the chosen one;
`systems` names what neither knows or a hospital does its own way.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from his_adapter.errors import GatewayMisconfigured
from his_adapter.models import Facility

VN_CORE = "http://fhir.hl7.org.vn/core"
EHEALTH = "http://fhir.ehealth.gov.vn/core"

_SYSTEMS: dict[str, dict[str, str]] = {
    "vn-core": {
        "cccd": f"{VN_CORE}/sid/cccd",
        "cmnd": f"{VN_CORE}/sid/cmnd",
        "passport": f"{VN_CORE}/sid/passport",
        "bhyt": f"{VN_CORE}/sid/bhyt",
        "bhxh": f"{VN_CORE}/sid/bhxh",
        "facility": f"{VN_CORE}/sid/ma-cskcb",
        "record": f"{VN_CORE}/sid/ma-lk",
    },
    # The names of the ministry are the reverse of what they seem: `national_id` is the CCCD,
    # `citizen_id` the old CMND; its naming systems and its Patient profile both say so.
    "ehealth": {
        "cccd": f"{EHEALTH}/sid/national_id",
        "cmnd": f"{EHEALTH}/sid/citizen_id",
        "passport": f"{EHEALTH}/sid/passport_number",
        "bhyt": f"{EHEALTH}/sid/insurance_number",
        "bhxh": f"{EHEALTH}/sid/social_insurance_number",
        "mrn": f"{EHEALTH}/sid/patient-internal-id",
    },
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Systems(_Part):
    """Naming systems of identifiers; what is left out comes from the preset.

    `number` is where the HIS puts its queue number: `{number}/{line}/{day}`, or alone.
    """

    cccd: str = ""
    cmnd: str = ""
    passport: str = ""
    bhyt: str = ""
    bhxh: str = ""
    mrn: str = ""
    facility: str = ""
    record: str = ""
    number: str = ""
    appointment: str = ""
    own_number: str = "urn:tiepdon:number"
    request_key: str = "urn:tiepdon:request"
    transaction: str = "urn:tiepdon:transaction"
    invoice: str = ""
    einvoice: str = ""
    lookup: str = ""
    service: str = ""
    """Code system of HealthcareService in `Encounter.serviceType`."""


class Extensions(_Part):
    own: str = "urn:tiepdon:ext:"
    """Prefix of what FHIR has no place for: floor and landmark of a room, capacity of an hour, …"""


class FacilityConfig(_Part):
    code: str = Field(pattern=r"^[0-9A-Z]{5}$")
    name_vi: str = Field(min_length=1, max_length=200)
    name_en: str = ""
    hotline: str = ""

    def facility(self) -> Facility:
        return Facility(
            code=self.code,
            name_vi=self.name_vi,
            name_en=self.name_en or self.name_vi,
            hotline=self.hotline,
        )


class NoAuth(_Part):
    kind: Literal["none"] = "none"


class BasicAuth(_Part):
    kind: Literal["basic"]
    user: str
    password_file: Path


class TokenAuth(_Part):
    """A bearer token that somebody else renews: the file is read again after a 401."""

    kind: Literal["token"]
    token_file: Path


class ClientCredentials(_Part):
    kind: Literal["client_credentials"]
    token_url: str
    client_id: str
    client_secret_file: Path
    scope: str = "system/*.read system/*.write"


class BackendServices(_Part):
    """SMART Backend Services: a signed statement of ours is exchanged for a token."""

    kind: Literal["backend_services"]
    token_url: str
    client_id: str
    private_key_file: Path
    key_id: str
    algorithm: Literal["RS384", "ES384"] = "ES384"
    scope: str = "system/*.rs system/*.cud"


Auth = Annotated[
    NoAuth | BasicAuth | TokenAuth | ClientCredentials | BackendServices,
    Field(discriminator="kind"),
]


class Booking(StrEnum):
    TRANSACTION = "transaction"
    """We mark the Slot as busy and make the Appointment, in one transaction."""
    SERVER = "server"
    """The HIS takes the place itself when the Appointment arrives."""


class FhirConfig(_Part):
    base_url: str
    ca_file: Path | None = None
    """Certificates to trust instead of the system's. Checking cannot be switched off."""
    auth: Auth = NoAuth()
    preset: Literal["vn-core", "ehealth"] = "vn-core"
    systems: Systems = Systems()
    extensions: Extensions = Extensions()
    patient_profile: str | None = None
    facility: FacilityConfig
    recipient: str = ""
    """`Organization/…` that money is paid to; the facility's code when empty."""
    visit_class: str = "AMB"
    timezone: str = "Asia/Ho_Chi_Minh"
    queue: bool = False
    """The HIS tells in an extension of the Encounter how many are ahead."""
    match: bool = False
    """The server offers `Patient/$match`; without it people without a number are looked for by
    birth date, and names are compared here."""
    booking: Booking = Booking.TRANSACTION
    price_lists: bool = True
    """Prices of services without one of their own are read from ChargeItemDefinition."""
    his_numbers: bool = True
    """The HIS numbers visits; when it does not, the number of a visit is 0."""
    code_lists: dict[str, str] = {}
    """Name of a list (`province`, `ward`, …) → canonical address of its ValueSet."""
    features_off: frozenset[str] = frozenset()
    connect_timeout_s: float = Field(default=2.0, gt=0, le=30)
    read_timeout_s: float = Field(default=5.0, gt=0, le=60)
    write_timeout_s: float = Field(default=15.0, gt=0, le=120)
    page_size: int = Field(default=100, ge=1, le=1000)
    max_pages: int = Field(default=20, ge=1, le=200)
    connections: int = Field(default=8, ge=1, le=64)
    catalogue_keeps_s: float = Field(default=300.0, ge=0)
    changes_keep_days: int = Field(default=7, ge=1, le=365)
    """How far back `changes` looks; an older cursor means: read all again."""

    @field_validator("base_url")
    @classmethod
    def _whole_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if not parts.hostname or parts.username or parts.query or parts.fragment:
            raise ValueError("an address without user, query and fragment is needed")
        loopback = parts.hostname in {"127.0.0.1", "localhost", "::1"}
        if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
            raise ValueError("https is needed, except on this very machine")
        return url.rstrip("/")

    def system(self, name: str) -> str:
        """Where this hospital writes such a number."""
        own: str = getattr(self.systems, name)
        return own or _SYSTEMS[self.preset].get(name) or f"urn:tiepdon:{self.facility.code}:{name}"

    def readable(self, name: str) -> tuple[str, ...]:
        """Where such a number may be found: the written system first, then both guides'."""
        others = (systems[name] for systems in _SYSTEMS.values() if name in systems)
        return tuple(dict.fromkeys((self.system(name), *others)))


def read_config(settings: Mapping[str, Any]) -> FhirConfig:
    """Raises GatewayMisconfigured, with the place of the mistake and nothing of its value."""
    try:
        return FhirConfig.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "settings"
        raise GatewayMisconfigured(f"{place}: {first['msg']}") from None


def read_secret(path: Path) -> str:
    """Raises GatewayMisconfigured; names the file, never its content."""
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise GatewayMisconfigured(f"{path.name} cannot be read") from None
    if not secret or len(secret) > 64_000:
        raise GatewayMisconfigured(f"{path.name} holds no secret")
    return secret
