"""What a kiosk says about itself and what it is ordered to do, as it goes over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    ConfigDict,
    Field,
    RootModel,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from backend.web.kiosk_schemas import DeviceState
from backend.web.wire import Id, Label, Reply, Request, Word

Percent = Annotated[float, Field(ge=0, le=100)]
Milliseconds = Annotated[float, Field(ge=0, le=3_600_000)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Profile = Literal["reception", "examination", "laboratory", "fees"]
CommandKind = Literal["restart", "test_print", "take_picture", "send_logs"]


def _if_known(told: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(told)
    except ValidationError:
        if isinstance(told, str):
            return None
        raise


IfKnown = WrapValidator(_if_known)
"""A word that only a newer kiosk knows says nothing here; the rest of its report counts."""
Version = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_.+-]+$")]


class Told(Request):
    """What a newer kiosk tells besides is passed over: a server that was rolled back hears it."""

    model_config = ConfigDict(extra="ignore")


class StepTime(Told):
    """How long people waited for one kind of answer since the last beat."""

    step: Word
    """scan, check_in, print, payment … as the kiosk calls it; never what somebody did."""
    count: Count
    p95_ms: Milliseconds


class KioskReport(Told):
    """Twice a minute. What a machine cannot tell is absent, never made up.

    Counts are since the process began, so that a lost beat loses nothing.
    """

    version: Version
    started_at: AwareDatetime
    clock: AwareDatetime
    """The kiosk's own time at sending, 1970 with a dead battery: its skew is seen by it. The other
    times are of the same clock."""
    machine: Word
    """A random name of this installation: two machines under one credential are told apart."""
    printer: Annotated[DeviceState | None, IfKnown] = None
    paper: Annotated[Literal["ok", "low", "out", "unknown"] | None, IfKnown] = None
    scanner: Annotated[DeviceState | None, IfKnown] = None
    camera_frame_age_ms: Milliseconds | None = None
    """Only while it looks."""
    touch: Annotated[Literal["ok", "absent", "suspect"] | None, IfKnown] = None
    last_touch_at: AwareDatetime | None = None
    last_visit_at: AwareDatetime | None = None
    disk_free_percent: Percent | None = None
    memory_percent: Percent | None = None
    """Of the machine, in use."""
    process_mib: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    temperature_c: Annotated[float, Field(ge=-40, le=150)] | None = None
    visits: Count = 0
    """Begun since the process began."""
    errors: Count = 0
    """Of them, ended before a trouble screen."""
    offline_waiting: Count = 0
    """Numbers given without the server and not handed in."""
    steps: Annotated[list[StepTime], Field(max_length=20)] = []


class Heartbeat(RootModel[KioskReport | None]):
    """Without a body it is alive and says nothing more: print agents, older kiosks."""


class Command(Reply):
    id: str
    kind: CommandKind
    expires_at: datetime


class KioskOrders(Reply):
    """How this kiosk shall be, and what it shall do once: the answer to a beat."""

    profile: Profile
    out_of_service: Label | None
    """Words for the glass; nobody can begin anything then."""
    commands: list[Command]
    """Oldest first. The same command comes until it was answered: do it once."""


class CommandPath(Request):
    command_id: Id


class CommandResult(Request):
    state: Literal["done", "refused", "failed"]
    reason: Word | None = None
    """A code: visit_open, disk, paper_end …"""
    attachment_base64: Annotated[str, Field(max_length=2_800_000)] | None = None
    """PNG of the glass or gzip of logs, 2 MB at most."""
