"""Shapes of announcements in halls."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from backend.web.wire import NO_CONTROLS, Day, Id, Reply, Request

ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""HH:MM in the facility's own time."""
HallText = Annotated[str, Field(max_length=600, pattern=NO_CONTROLS)]
ZoneName = Annotated[str, Field(min_length=1, max_length=60, pattern=NO_CONTROLS)]
"""As displays name it."""


class AnnouncementRequest(Request):
    """A text for halls. `zones` empty: everywhere; `weekdays`: 0 is Monday."""

    text_vi: Annotated[HallText, Field(min_length=1)]
    text_en: HallText = ""
    spoken: bool = True
    zones: Annotated[list[ZoneName], Field(max_length=20)] = []
    weekdays: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(min_length=1, max_length=7)]
    times: Annotated[list[ClockTime], Field(max_length=48)] = []
    every_min: Annotated[int, Field(ge=5, le=720)] | None = None
    starts_at: ClockTime = "00:00"
    ends_at: ClockTime = "23:59"
    valid_from: Day | None = None
    valid_to: Day | None = None
    clip: Annotated[str, Field(min_length=1, max_length=120, pattern=NO_CONTROLS)] | None = None
    """A phrase of a recorded pack, played instead of the text."""
    active: bool = True

    @model_validator(mode="after")
    def _can_ever_be_due(self) -> AnnouncementRequest:
        if self.ends_at <= self.starts_at:
            raise PydanticCustomError("ends_at", "ends_at must come after starts_at")
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise PydanticCustomError("valid_to", "valid_to must not come before valid_from")
        if self.spoken and not self.times and self.every_min is None:
            raise PydanticCustomError("times", "a spoken announcement needs times or every_min")
        if not self.text_vi.strip():
            raise PydanticCustomError("text_vi", "text_vi must not be blank")
        return self


class AnnouncementChange(AnnouncementRequest):
    version: Annotated[int, Field(ge=1)]
    """Of the announcement as the person saw it."""


class AnnouncementPath(Request):
    announcement_id: Id


class AnnouncementQuery(Request):
    limit: Annotated[int, Field(ge=1, le=500)] = 200


class AnnouncementReply(Reply):
    id: str
    version: int
    text_vi: str
    text_en: str
    spoken: bool
    zones: list[str]
    weekdays: list[int]
    times: list[str]
    every_min: int | None
    starts_at: str
    ends_at: str
    valid_from: date | None
    valid_to: date | None
    clip: str | None
    active: bool
    changed_at: datetime
    changed_by: str


class AnnouncementList(Reply):
    items: list[AnnouncementReply]
    complete: bool
