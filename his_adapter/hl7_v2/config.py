"""Everything that differs between two hospitals with HL7 v2 is written here, nothing in the code.

HL7 v2 has no place for a queue number, for the key of a write or for the version of a record.
`places` says where they travel (`PV1-50`, `ZTD-3`), `queries` what the hospital calls the
questions that no standard has. What is not named is not asked, and not declared as a feature.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from his_adapter.errors import GatewayMisconfigured
from his_adapter.models import Feature, IdentifierKind

_PLACE = re.compile(r"[A-Z][A-Z0-9]{2}-[1-9][0-9]?(\.[1-9][0-9]?)?")
_ADDRESS = re.compile(r"[A-Za-z0-9_.:\[\]-]+:[0-9]{1,5}")


def _checked_place(text: str) -> str:
    if text and _PLACE.fullmatch(text) is None:
        raise ValueError("a place is written PV1-50 or ZTD-3.2")
    return text


def _checked_address(text: str) -> str:
    if text and (_ADDRESS.fullmatch(text) is None or int(text.rpartition(":")[2]) > 65_535):
        raise ValueError("an address is written host:port")
    return text


def _checked_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError) as error:
        raise ValueError("not a time zone") from error
    return text


Place = Annotated[str, AfterValidator(_checked_place)]
Address = Annotated[str, AfterValidator(_checked_address)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Places(_Part):
    """Where values travel that the standard has no field for; empty = not sent, not read."""

    key: Place = "ZTD-1"
    own_number: Place = "ZTD-2"
    """The number we printed."""
    number: Place = "ZTD-3"
    """The number of the HIS."""
    prefix: Place = "ZTD-4"
    record_code: Place = "ZTD-5"
    """MA_LK."""
    version: Place = "ZTD-6"
    """Of the record; without it a version is made from what can be read."""
    status: Place = "ZTD-7"
    """Of a visit: arrived, finished, cancelled."""
    fee_due: Place = "ZTD-8"
    capacity: Place = "ZTD-9"
    free: Place = "ZTD-10"
    receipt: Place = "ZTD-11"
    invoice_status: Place = "ZTD-12"
    appointment_code: Place = "ZTD-13"
    facility_name: Place = "ZTD-14"
    method: Place = "ZTD-15"
    provisional: Place = "ZTD-16"
    room: Place = "PV1-3"
    service: Place = "PV1-10"
    visit_kind: Place = "PV1-18"
    appointment: Place = "PV1-5"
    invoice: Place = "FT1-23"
    order_service: Place = "OBR-19"
    order_room: Place = "OBR-20"
    accession: Place = "OBR-18"


class Queries(_Part):
    """Names (QPD-1) of questions that HL7 leaves to the site; asked as QBP^Q11."""

    by_key: str = ""
    visits: str = ""
    slots: str = ""
    appointments: str = ""


class NumberType(_Part):
    """How a kind of number is written in PID-3: assigning authority and type (table 0203)."""

    type: str = Field(min_length=1, max_length=20)
    authority: str = ""


_NUMBERS = {
    IdentifierKind.ID12: NumberType(type="NI", authority="BCA"),
    IdentifierKind.CMND9: NumberType(type="NI", authority="BCA"),
    IdentifierKind.BHYT15: NumberType(type="HC", authority="BHXH"),
    IdentifierKind.BHXH10: NumberType(type="SS", authority="BHXH"),
    IdentifierKind.PASSPORT: NumberType(type="PPN"),
    IdentifierKind.MRN: NumberType(type="MR"),
}


class Tls(_Part):
    """Certificates are always checked; `cert_file` and `key_file` are ours."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def client_context(self) -> ssl.SSLContext:
        """Raises GatewayMisconfigured."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file:
                context.load_cert_chain(self.cert_file, self.key_file)
        except (OSError, ssl.SSLError) as error:
            raise GatewayMisconfigured("the certificates cannot be read") from error
        return context

    def server_context(self) -> ssl.SSLContext:
        """With `ca_file` a sender needs a certificate of its own. Raises GatewayMisconfigured."""
        try:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.ca_file)
            if self.ca_file:
                context.verify_mode = ssl.CERT_REQUIRED
            context.load_cert_chain(self.cert_file or Path(), self.key_file)
        except (OSError, ssl.SSLError) as error:
            raise GatewayMisconfigured("the certificates cannot be read") from error
        return context


class Feed(_Part):
    """What the HIS sends by itself: orders, results, changes."""

    listen: Address
    """host:port. Of several processes one holds it; the others read the same file."""
    file: Path
    """SQLite; holds orders and results of people for `keep_days`, readable by us alone."""
    peers: tuple[str, ...] = ("127.0.0.1",)
    """Addresses that may send; everybody else is closed on."""
    tls: Tls | None = None
    keep_days: int = Field(default=14, ge=1, le=366)


class Hl7Config(_Part):
    address: Address = Field(min_length=1)
    tls: Tls | None = None
    catalogue_file: Path
    """Departments, rooms, services, doctors, sessions as the builtin catalogue has them."""
    sending_application: str = "KIOSK"
    sending_facility: str = ""
    receiving_application: str = "HIS"
    receiving_facility: str = ""
    last_segment_open: bool = False
    """The HIS sends no 0x0D after its last segment: then half a message cannot be told."""
    processing_id: str = Field(default="P", pattern="^[PTD]$")
    patient_id_type: str = "MR"
    """The repetition of PID-3 that names a record."""
    visit_authority: str = ""
    numbers: dict[IdentifierKind, NumberType] = {}
    places: Places = Places()
    queries: Queries = Queries()
    pdq_name: str = "IHE PDQ Query^IHE PDQ Query^IHEPDQ"
    sections: dict[str, str] = {}
    """OBR-24 → laboratory, imaging, pharmacy, … beyond the usual codes."""
    errors: dict[str, str] = {}
    """Codes of the HIS in ERR-5 → code of an error of the port, such as `slot-taken`."""
    takes_bookings: bool = True
    """The HIS takes SRM^S01/S02/S04."""
    takes_payments: bool = True
    """The HIS takes DFT^P03."""
    merges: bool = True
    """The HIS takes ADT^A40."""
    features_off: frozenset[Feature] = frozenset()
    feed: Feed | None = None
    timezone: Annotated[str, AfterValidator(_checked_zone)] = "Asia/Ho_Chi_Minh"
    connect_timeout_s: float = Field(default=2.0, gt=0, le=30)
    read_timeout_s: float = Field(default=5.0, gt=0, le=60)
    write_timeout_s: float = Field(default=10.0, gt=0, le=120)
    connections: int = Field(default=4, ge=1, le=32)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def number_type(self, kind: IdentifierKind) -> NumberType | None:
        return self.numbers.get(kind) or _NUMBERS.get(kind)


def read_config(settings: Mapping[str, Any]) -> Hl7Config:
    """Raises GatewayMisconfigured, with the place of the mistake and nothing of its value."""
    try:
        return Hl7Config.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "settings"
        raise GatewayMisconfigured(f"{place}: {first['msg']}") from None


def host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
