"""What every shape on the wire between the server and its callers is made of.

The shapes themselves are in modules by subject (`backend.web.*_schemas`) and described by
/openapi.json. Requests are checked against these before anything else runs. Every list is bounded,
every text has a maximum length. Times are RFC 3339 with offset, money is integer VND, labels come in
both languages so that a screen can switch without asking again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
ShortText = Annotated[str, Field(max_length=120, pattern=NO_CONTROLS)]
"""Without control characters: a NUL would be refused by PostgreSQL only after the work."""
Word = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_.-]+$")]
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")]
Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime(2020, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC)),
]
"""Of a clock that is set, and one that a database can hold."""
Day = Annotated[date, Field(ge=date(2020, 1, 1), lt=date(2200, 1, 1))]
"""With room on both sides: the days around it are worked out, and years end at 9999."""
Version = Annotated[int, Field(ge=0, le=1_000_000)]
Language = Literal["vi", "en"]


class Request(BaseModel):
    """Unknown fields are refused: a misspelt field must not be silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reply(BaseModel):
    model_config = ConfigDict(frozen=True)


class Label(Reply):
    vi: str
    en: str
