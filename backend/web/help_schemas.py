"""Shapes of calling for help at a kiosk."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError

from backend.web.wire import Id, Reply, Request, Word


class BroughtPapers(Request):
    """What the patient says they bring."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    transfer_slip: bool | None = None
    revisit_slip: bool | None = None


class ChosenSoFar(Request):
    """What a patient had chosen when they called: staff go on from there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    visit_kind: Word | None = None
    service_id: Id | None = None
    also_service_id: Id | None = None
    doctor_id: Id | None = None
    slot_id: Id | None = None
    appointment_id: Id | None = None
    priority_group: Word | None = None
    use_insurance: bool | None = None
    papers: BroughtPapers | None = None
    """Without their numbers: a call is kept in the clear."""


def _chosen_or_nothing(untrusted: object) -> object:
    """A call for help is not refused for how it describes what was chosen."""
    try:
        return ChosenSoFar.model_validate(untrusted)
    except ValidationError:
        return None


class HelpCallRequest(Request):
    """Never refused for what is missing or too much: somebody needs help."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["help", "emergency"] = "help"
    screen: Word = "unknown"
    scan_id: Id | None = None
    visit_id: Id | None = None
    chosen: Annotated[ChosenSoFar | None, BeforeValidator(_chosen_or_nothing)] = None


class HelpCallPath(Request):
    help_call_id: Id


class HelpCallReply(Reply):
    id: str
    kind: Literal["help", "emergency"]
    state: Literal["waiting", "acknowledged"]
    kiosk: str
    screen: str
    number: str | None
    """The queue number of the visit, when there is one."""
    visit_id: str | None
    can_continue: bool
    """Somebody was recognised at the kiosk: the desk can go on from there."""
    created_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None


class HelpCallQuery(Request):
    state: Literal["waiting", "acknowledged"] | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class HelpCallList(Reply):
    items: list[HelpCallReply]
    complete: bool
