"""Which member answers which call.

[settings.read]
adapter = "sql_views"
settings = { … }

[settings.write]
adapter = "fhir_r4"
settings = { … }

[settings.members.pacs]
adapter = "dicomweb"
patients = "mrn"

[settings.features]
list_reports = ["read", "pacs"]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from his_adapter.errors import GatewayMisconfigured
from his_adapter.models import Feature, IdentifierKind

READ, WRITE = "read", "write"

WRITES = frozenset(
    {
        Feature.CREATE_PATIENT,
        Feature.UPDATE_PATIENT,
        Feature.MERGE_PATIENTS,
        Feature.SUBMIT_HISTORY,
        Feature.BOOK_APPOINTMENT,
        Feature.CHANGE_APPOINTMENT,
        Feature.CHECK_IN,
        Feature.CANCEL_VISIT,
        Feature.POST_PAYMENT,
        Feature.RECORD_CONSENT,
        Feature.FIND_BY_KEY,
    }
)
RESULTS = frozenset({Feature.LIST_REPORTS, Feature.READ_REPORT_PART})
"""Where one reference says which member it is of, so several members may answer."""

OF_A_PATIENT = RESULTS | {Feature.LIST_ORDERS}
"""What a member that knows people by another reference may be asked."""


class MemberSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    adapter: str = Field(min_length=1)
    settings: dict[str, Any] = Field(default_factory=dict, repr=False)
    patients: IdentifierKind | None = None
    """How this member knows people: by this number of theirs instead of our reference."""
    orders: Literal["accession"] | None = None
    """Its results name their order by the accession number of `list_orders`; only those whose
    order the HIS calls completed are shown, because a picture archive knows no release."""


class ComposeConfig(BaseModel):
    """`read` and `write` answer with the same references, because they are views of one HIS."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    read: MemberSettings
    write: MemberSettings | None = None
    members: dict[str, MemberSettings] = {}
    features: dict[Feature, str | list[str]] = {}

    def all_members(self) -> dict[str, MemberSettings]:
        named = {READ: self.read, **({WRITE: self.write} if self.write else {})}
        return {**named, **self.members}

    def route(self, feature: Feature) -> tuple[str, ...]:
        """The members asked, in this order."""
        if feature in self.features:
            wanted = self.features[feature]
            return (wanted,) if isinstance(wanted, str) else tuple(wanted)
        return (WRITE if self.write and feature in WRITES else READ,)


def read_settings(settings: Mapping[str, Any]) -> ComposeConfig:
    """Raises GatewayMisconfigured for what does not fit together."""
    try:
        config = ComposeConfig.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise GatewayMisconfigured(f"settings.{place}: {first['msg']}") from error
    members = config.all_members()
    if set(config.members) & {READ, WRITE}:
        raise GatewayMisconfigured("read and write are members already")
    if not all(name.isascii() and name.isalnum() for name in members):
        raise GatewayMisconfigured("names of members are letters and digits")
    if "compose" in {member.adapter for member in members.values()}:
        raise GatewayMisconfigured("a composed HIS has no composed members")
    for name in (READ, WRITE):
        if name in members and members[name].patients is not None:
            raise GatewayMisconfigured(f"{name} knows people by the references of the HIS itself")
    for feature in Feature:
        route = config.route(feature)
        if unknown := [name for name in route if name not in members]:
            raise GatewayMisconfigured(f"features.{feature} names no member {unknown[0]}")
        if len(route) != 1 and feature not in RESULTS:
            raise GatewayMisconfigured(f"features.{feature} takes one member")
        for name in route:
            if members[name].patients is not None and feature not in OF_A_PATIENT:
                raise GatewayMisconfigured(f"features.{feature}: {name} knows people otherwise")
    if config.route(Feature.FIND_BY_KEY) != config.route(Feature.CHECK_IN):
        raise GatewayMisconfigured("find_by_key asks the member that checks in")
    targets = {
        config.route(feature)
        for feature in WRITES
        if feature is not Feature.FIND_BY_KEY and feature in config.features
    }
    if targets - {config.route(Feature.FIND_BY_KEY)}:
        raise GatewayMisconfigured("all writes go to one member, or a lost answer stays unknown")
    if config.route(Feature.LIST_REPORTS) != config.route(Feature.READ_REPORT_PART):
        raise GatewayMisconfigured("list_reports and read_report_part ask the same members")
    return config
