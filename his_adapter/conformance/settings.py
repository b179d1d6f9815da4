"""What a hospital writes under `[certify]` in its HIS file, for the kit and the self-test.

| Setting              | Meaning                                                                |
|----------------------|------------------------------------------------------------------------|
| `marker_patient`     | personal number of an invented patient who shows that this is a test HIS |
| `max_patients`       | more people than that in the HIS, and nothing runs                     |
| `only_invented_people` | said by the hospital when its adapter cannot count patients          |
| `walk_in`, `hourly`  | a service without and one with hours to book; otherwise the first found |
| `proxied_setting`    | the adapter's setting with the address of the HIS, for the fault proxy |
| `time_settings`      | the adapter's time limits in seconds, which `--speed` scales           |
| `has_login`          | the adapter signs in with something that can expire                    |
| `wrong_login`        | settings that make the adapter sign in wrongly                         |
| `marker`             | true facts of the marker patient, for the self-test                    |

The rest names invented people whom the hospital has prepared for cases that no call of the port
can set up: `double_number`, `results_patient`, `hidden_reports`, `corrected_report`,
`many_reports_patient`, `imaging_patient`, `unpaid_patients`, `coverage`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from his_adapter.errors import GatewayMisconfigured
from his_adapter.models import BirthDate, Gender, IdentifierKind


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class MarkerFacts(_Facts):
    """What is true of the marker patient. What is left out is not compared."""

    full_name: str = Field(repr=False)
    birth_date: str = Field(repr=False)
    gender: Gender
    address: str | None = Field(default=None, repr=False)
    phone: str | None = Field(default=None, repr=False)
    codes: dict[IdentifierKind, str] = Field(default_factory=dict, repr=False)

    @field_validator("birth_date")
    @classmethod
    def _is_a_date(cls, text: str) -> str:
        return BirthDate.from_iso(text).isoformat()


class InsuredPerson(_Facts):
    """Somebody the insurer's test system knows."""

    number: str = Field(repr=False)
    kind: IdentifierKind = IdentifierKind.BHYT15
    full_name: str = Field(repr=False)
    birth_date: str = Field(repr=False)


class CorrectedReport(_Facts):
    """A report that was released, then corrected: `ref` as now, `old_version` as it was."""

    ref: str
    old_version: str = ""


class CertifySettings(_Facts):
    marker_patient: str = Field(pattern=r"^[0-9]{12}$", repr=False)
    marker: MarkerFacts | None = None
    max_patients: int = Field(default=200, ge=1)
    only_invented_people: bool = False
    walk_in: str | None = None
    hourly: str | None = None
    proxied_setting: str | None = None
    ca_setting: str | None = None
    """The setting with the authorities that are trusted, when the HIS is reached by TLS."""
    time_settings: dict[str, float] = Field(default_factory=dict)
    has_login: bool = False
    wrong_login: dict[str, Any] = Field(default_factory=dict, repr=False)
    double_number: str | None = Field(default=None, repr=False)
    results_patient: str | None = Field(default=None, repr=False)
    hidden_reports: tuple[str, ...] = ()
    corrected_report: CorrectedReport | None = None
    many_reports_patient: str | None = Field(default=None, repr=False)
    imaging_patient: str | None = Field(default=None, repr=False)
    unpaid_patients: tuple[str, ...] = Field(default=(), repr=False)
    coverage: dict[str, InsuredPerson] = Field(default_factory=dict, repr=False)
    """Names: `valid`, `expired`, `wrong_name`, `silent`."""


def read_certify_settings(document: Mapping[str, Any]) -> CertifySettings:
    """Raises GatewayMisconfigured with the first thing that is wrong."""
    if not document:
        raise GatewayMisconfigured("the file has no [certify] section")
    try:
        return CertifySettings.model_validate(dict(document))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise GatewayMisconfigured(f"[certify] {place}: {first['msg']}") from None
