"""What this kiosk says about itself and is ordered to do, as it goes over the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from kiosk_ui.gateway.models import Id, Label, Wire

Profile = Literal["reception", "examination", "laboratory", "fees"]
CommandKind = Literal["restart", "test_print", "take_picture", "send_logs"]
Word = Annotated[str, Field(min_length=1, max_length=40)]
"""Also one that only a newer server knows: it must not make the other orders unreadable."""


class StepTime(Wire):
    step: str
    count: int
    p95_ms: float


class KioskReport(Wire):
    """What this machine cannot tell is absent, never made up. Counts are since the start."""

    version: str
    started_at: AwareDatetime
    clock: AwareDatetime
    machine: str
    printer: str | None = None
    paper: Literal["ok", "low", "out", "unknown"] | None = None
    scanner: str | None = None
    camera_frame_age_ms: float | None = None
    touch: Literal["ok", "absent", "suspect"] | None = None
    last_touch_at: AwareDatetime | None = None
    last_visit_at: AwareDatetime | None = None
    disk_free_percent: float | None = None
    memory_percent: float | None = None
    process_mib: float | None = None
    temperature_c: float | None = None
    visits: int = 0
    errors: int = 0
    offline_waiting: int = 0
    steps: Annotated[list[StepTime], Field(max_length=20)] = []


class Command(Wire):
    id: Id
    kind: Word
    """A CommandKind, as far as this kiosk knows."""
    expires_at: AwareDatetime


class KioskOrders(Wire):
    profile: Word
    """A Profile, as far as this kiosk knows."""
    out_of_service: Label | None = None
    commands: Annotated[list[Command], Field(max_length=20)] = []


class CommandResult(Wire):
    state: Literal["done", "refused", "failed"]
    reason: str | None = None
    attachment_base64: str | None = None
